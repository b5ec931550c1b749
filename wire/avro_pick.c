#include "wire/avro_pick.h"

#include "wire/avro_binary.h"

#include <avro.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 64 // of a record's nesting: recursive schemas let the bytes choose it

// A schema flattened: nodes refer to each other by number, so that named types may be recursive.
typedef struct node {
    avro_schema_t schema; // what a link finds its target by, and an enum its symbols
    avro_type_t type;
    uint32_t first, count; // children: kids[first .. first + count)
    int64_t size;          // bytes of a fixed, symbols of an enum
} node;

#define MAX_WISHES 32

struct hh_avro_picker {
    avro_schema_t root;
    node *nodes;
    uint32_t node_count, node_room;
    uint32_t *kids;
    uint32_t kid_count, kid_room;
    size_t wish_count;
    size_t steps[MAX_WISHES];                  // length of the path
    uint32_t field[MAX_WISHES][HH_PATH_STEPS]; // its steps as field numbers
};

void hh_avro_picker_free(hh_avro_picker *picker)
{
    if (!picker)
        return;
    free(picker->nodes);
    free(picker->kids);
    if (picker->root)
        avro_schema_decref(picker->root);
    free(picker);
}

// ---- flattening the schema ----

static bool grow(void **array, uint32_t *room, size_t element, uint32_t needed)
{
    if (needed <= *room)
        return true;
    uint32_t more = needed < 16 ? 32 : needed * 2;
    void *larger = realloc(*array, more * element);
    if (!larger)
        return false;
    *array = larger;
    *room = more;
    return true;
}

static uint32_t child_count(avro_schema_t schema)
{
    switch (avro_typeof(schema)) {
    case AVRO_RECORD:
        return (uint32_t)avro_schema_record_size(schema);
    case AVRO_UNION:
        return (uint32_t)avro_schema_union_size(schema);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return 1;
    default:
        return 0;
    }
}

static avro_schema_t child(avro_schema_t schema, uint32_t index)
{
    switch (avro_typeof(schema)) {
    case AVRO_RECORD:
        return avro_schema_record_field_get_by_index(schema, (int)index);
    case AVRO_UNION:
        return avro_schema_union_branch(schema, (int)index);
    case AVRO_ARRAY:
        return avro_schema_array_items(schema);
    default:
        return avro_schema_map_values(schema);
    }
}

static avro_schema_t behind_link(avro_schema_t schema)
{
    return avro_typeof(schema) == AVRO_LINK ? avro_schema_link_target(schema) : schema;
}

// The number of the schema's node in *number.
static hh_status flatten(hh_avro_picker *picker, avro_schema_t schema, uint32_t *number)
{
    schema = behind_link(schema);
    for (uint32_t i = 0; i < picker->node_count; i++) {
        if (picker->nodes[i].schema == schema) {
            *number = i;
            return HH_OK;
        }
    }
    uint32_t self = picker->node_count, count = child_count(schema), first = picker->kid_count;
    if (!grow((void **)&picker->nodes, &picker->node_room, sizeof *picker->nodes, self + 1) ||
        !grow((void **)&picker->kids, &picker->kid_room, sizeof *picker->kids, first + count))
        return HH_MEMORY;
    avro_type_t type = avro_typeof(schema);
    picker->nodes[self] = (node){schema, type, first, count,
                                 type == AVRO_FIXED  ? avro_schema_fixed_size(schema)
                                 : type == AVRO_ENUM ? avro_schema_enum_number_of_symbols(schema)
                                                     : 0};
    picker->node_count++;
    picker->kid_count += count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kid;
        hh_status status = flatten(picker, child(schema, i), &kid);
        if (status != HH_OK)
            return status;
        picker->kids[first + i] = kid;
    }
    *number = self;
    return HH_OK;
}

// ---- checking the paths ----

static unsigned kind_of(avro_schema_t schema)
{
    switch (avro_typeof(schema)) {
    case AVRO_STRING:
    case AVRO_BYTES:
        return HH_AVRO_TEXT;
    case AVRO_INT32:
    case AVRO_INT64:
        return HH_AVRO_WHOLE;
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
        return HH_AVRO_REAL;
    case AVRO_ENUM:
        return HH_AVRO_SYMBOL;
    default:
        return 0;
    }
}

// The type beside null of a nullable union; the type itself where it is no union; NULL for any other union.
static avro_schema_t beside_null(avro_schema_t schema)
{
    schema = behind_link(schema);
    if (avro_typeof(schema) != AVRO_UNION)
        return schema;
    avro_schema_t found = NULL;
    for (size_t i = 0; i < avro_schema_union_size(schema); i++) {
        avro_schema_t branch = behind_link(avro_schema_union_branch(schema, (int)i));
        if (avro_typeof(branch) == AVRO_NULL)
            continue;
        if (found)
            return NULL;
        found = branch;
    }
    return found;
}

static const char *type_name(avro_schema_t schema)
{
    if (!schema)
        return "a union of several types";
    switch (avro_typeof(schema)) {
    case AVRO_RECORD:
        return "a record";
    case AVRO_ENUM:
        return "an enum";
    case AVRO_FIXED:
        return "a fixed";
    case AVRO_MAP:
        return "a map";
    case AVRO_ARRAY:
        return "an array";
    case AVRO_NULL:
        return "always null";
    default:
        return avro_schema_type_name(schema); // string, bytes, int, long, float, double, boolean
    }
}

// "id, name, …" of a record, as many as fit.
static void field_names(avro_schema_t record, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < avro_schema_record_size(record) && used < size; i++) {
        int written = snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                               avro_schema_record_field_name(record, (int)i));
        used += written > 0 ? (size_t)written : 0;
    }
}

static bool is_wished(avro_schema_t type, unsigned kinds)
{
    if (avro_typeof(type) != AVRO_ARRAY)
        return kind_of(type) & kinds;
    avro_schema_t items = beside_null(avro_schema_array_items(type));
    return kinds & HH_AVRO_LIST && items && kind_of(items) & kinds;
}

static hh_status resolve(hh_avro_picker *picker, size_t index, avro_schema_t root, const hh_avro_wish *wish,
                         hh_error *error)
{
    avro_schema_t at = root;
    picker->steps[index] = wish->steps.count;
    for (size_t step = 0; step < wish->steps.count; step++) {
        avro_schema_t record = beside_null(at);
        char name[HH_STEP_LENGTH + 1] = "", names[200];
        memcpy(name, wish->steps.steps[step].bytes, wish->steps.steps[step].length);
        if (!record || avro_typeof(record) != AVRO_RECORD)
            return hh_fail(
                error, HH_ARGUMENT,
                "the %s is to be read from \"%.100s\", but in the schema what should hold \"%.60s\" is "
                "%s, not a record",
                wish->what, wish->path, name, type_name(record));
        int field = avro_schema_record_field_get_index(record, name);
        if (field < 0) {
            field_names(record, names, sizeof names);
            return hh_fail(
                error, HH_ARGUMENT,
                "the %s is to be read from \"%.100s\", but in the schema record %.60s has no field "
                "\"%.60s\"; it has: %s",
                wish->what, wish->path, avro_schema_name(record), name, names);
        }
        picker->field[index][step] = (uint32_t)field;
        at = avro_schema_record_field_get_by_index(record, field);
    }

    at = behind_link(at);
    bool any = false;
    size_t branches = avro_typeof(at) == AVRO_UNION ? avro_schema_union_size(at) : 1;
    for (size_t i = 0; i < branches; i++) {
        avro_schema_t type =
            avro_typeof(at) == AVRO_UNION ? behind_link(avro_schema_union_branch(at, (int)i)) : at;
        if (avro_typeof(type) == AVRO_NULL && branches > 1)
            continue;
        any = true;
        if (!is_wished(type, wish->kinds))
            return hh_fail(error, HH_ARGUMENT, "the %s must be %s, but \"%.100s\" is %s in the schema",
                           wish->what, wish->wanted, wish->path, type_name(type));
    }
    return any ? HH_OK
               : hh_fail(error, HH_ARGUMENT, "the %s must be %s, but \"%.100s\" is always null in the schema",
                         wish->what, wish->wanted, wish->path);
}

hh_avro_picker *hh_avro_picker_new(const char *schema, const hh_avro_wish *wishes, size_t count,
                                   hh_error *error)
{
    hh_avro_picker *picker = calloc(1, sizeof *picker);
    hh_status status = HH_OK;
    if (!picker) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    if (!schema || count > MAX_WISHES) {
        status = hh_fail(error, HH_ARGUMENT, "Avro needs the schema that the records were written with");
    } else if (avro_schema_from_json_length(schema, strlen(schema), &picker->root) != 0) {
        picker->root = NULL;
        status = hh_fail(error, HH_ARGUMENT, "the Avro schema can't be used: %.400s", avro_strerror());
    } else if (avro_typeof(picker->root) != AVRO_RECORD) {
        status = hh_fail(error, HH_ARGUMENT, "the Avro schema must be a record; it is %s",
                         type_name(picker->root));
    }
    for (size_t i = 0; i < count && status == HH_OK; i++)
        status = resolve(picker, i, picker->root, &wishes[i], error);
    uint32_t number;
    if (status == HH_OK && (status = flatten(picker, picker->root, &number)) != HH_OK)
        hh_fail(error, status, NULL);
    picker->wish_count = count;
    if (status == HH_OK)
        return picker;
    hh_avro_picker_free(picker);
    return NULL;
}

// ---- reading ----

typedef struct walk {
    const hh_avro_picker *picker;
    hh_avro_cursor cursor;
    hh_avro_value *values;
} walk;

// `active`: the wishes whose first `steps` steps have led here. *value: what stood here.
static bool walk_node(walk *w, uint32_t number, uint32_t active, unsigned steps, unsigned depth,
                      hh_avro_value *value);

static bool walk_record(walk *w, const node *record, uint32_t active, unsigned steps, unsigned depth)
{
    const hh_avro_picker *picker = w->picker;
    for (uint32_t field = 0; field < record->count; field++) {
        uint32_t here = 0;
        hh_avro_value value;
        for (uint32_t left = active; left; left &= left - 1) {
            unsigned wish = (unsigned)__builtin_ctz(left);
            if (steps < picker->steps[wish] && picker->field[wish][steps] == field)
                here |= 1u << wish;
        }
        if (!walk_node(w, picker->kids[record->first + field], here, steps + 1, depth + 1, &value))
            return false;
        for (; here; here &= here - 1) {
            unsigned wish = (unsigned)__builtin_ctz(here);
            if (picker->steps[wish] == steps + 1)
                w->values[wish] = value;
        }
    }
    return true;
}

// Blocks of items, or of keys and items.
static bool walk_blocks(walk *w, const node *blocks, unsigned depth)
{
    for (;;) {
        int64_t count;
        hh_text key;
        hh_avro_value value;
        if (!hh_avro_block(&w->cursor, &count))
            return false;
        if (count == 0)
            return true;
        for (; count; count--) {
            const unsigned char *before = w->cursor.at;
            if (blocks->type == AVRO_MAP && !hh_avro_text(&w->cursor, &key))
                return false;
            if (!walk_node(w, w->picker->kids[blocks->first], 0, 0, depth + 1, &value))
                return false;
            // A type whose value takes no bytes (null, an empty record) never does: don't count to 2^62.
            if (w->cursor.at == before)
                break;
        }
    }
}

static bool walk_node(walk *w, uint32_t number, uint32_t active, unsigned steps, unsigned depth,
                      hh_avro_value *value)
{
    const node *here = &w->picker->nodes[number];
    hh_avro_cursor *cursor = &w->cursor;
    int64_t branch;
    int32_t narrow;
    float single;
    hh_text text;
    const unsigned char *begin;
    *value = (hh_avro_value){0};
    if (depth == MAX_DEPTH)
        return false;
    switch (here->type) {
    case AVRO_NULL:
        return true;
    case AVRO_BOOLEAN:
        return cursor->at < cursor->end && *cursor->at++ <= 1;
    case AVRO_INT32:
        value->kind = HH_AVRO_WHOLE;
        if (!hh_avro_int(cursor, &narrow))
            return false;
        value->whole = narrow;
        return true;
    case AVRO_INT64:
        value->kind = HH_AVRO_WHOLE;
        return hh_avro_long(cursor, &value->whole);
    case AVRO_FLOAT:
        value->kind = HH_AVRO_REAL;
        if (!hh_avro_float(cursor, &single))
            return false;
        value->real = (double)single;
        return true;
    case AVRO_DOUBLE:
        value->kind = HH_AVRO_REAL;
        return hh_avro_double(cursor, &value->real);
    case AVRO_STRING:
    case AVRO_BYTES:
        value->kind = HH_AVRO_TEXT;
        if (!hh_avro_text(cursor, &text))
            return false;
        value->text = text;
        return true;
    case AVRO_FIXED:
        return hh_avro_skip(cursor, here->size);
    case AVRO_ENUM:
        if (!hh_avro_int(cursor, &narrow) || narrow < 0 || narrow >= here->size)
            return false;
        value->kind = HH_AVRO_SYMBOL;
        value->text.bytes = avro_schema_enum_get(here->schema, narrow);
        value->text.length = strlen(value->text.bytes);
        return true;
    case AVRO_UNION:
        if (!hh_avro_long(cursor, &branch) || branch < 0 || branch >= (int64_t)here->count)
            return false;
        return walk_node(w, w->picker->kids[here->first + (uint32_t)branch], active, steps, depth + 1, value);
    case AVRO_RECORD:
        return walk_record(w, here, active, steps, depth);
    case AVRO_ARRAY:
    case AVRO_MAP:
        begin = cursor->at;
        if (!walk_blocks(w, here, depth))
            return false;
        if (here->type == AVRO_ARRAY)
            *value = (hh_avro_value){.kind = HH_AVRO_LIST,
                                     .text = {(const char *)begin, (size_t)(cursor->at - begin)},
                                     .items = w->picker->kids[here->first]};
        return true;
    default:
        return false;
    }
}

hh_status hh_avro_pick(const hh_avro_picker *picker, const void *bytes, size_t length, hh_avro_value *values,
                       hh_error *error)
{
    const unsigned char *start = bytes;
    walk w = {picker, {start, start + length}, values};
    hh_avro_value whole;
    for (size_t i = 0; i < picker->wish_count; i++)
        values[i] = (hh_avro_value){0};
    uint32_t all = picker->wish_count < 32 ? (1u << picker->wish_count) - 1 : UINT32_MAX;
    const char *trouble = NULL;
    if (!walk_node(&w, 0, all, 0, 0, &whole))
        trouble = "it is cut off or not of the schema";
    else if (w.cursor.at != w.cursor.end)
        trouble = "bytes are left over at the end of the record";
    if (!trouble)
        return HH_OK;
    // Five bytes, the first of them 0, stand before the record where a schema registry is in use.
    return hh_fail(
        error, HH_FORMAT, "it can't be read with the Avro schema: byte %zu: %s%s",
        (size_t)(w.cursor.at - start), trouble,
        length > 5 && start[0] == 0 ? " (its first byte is 0: was it written with a schema registry?)" : "");
}

bool hh_avro_list_next(const hh_avro_picker *picker, const hh_avro_value *list, hh_avro_place *place,
                       hh_avro_value *value)
{
    const unsigned char *begin = (const unsigned char *)list->text.bytes, *end = begin + list->text.length;
    walk w = {picker, {place->at ? place->at : begin, end}, NULL};
    if (place->left == 0 && (!hh_avro_block(&w.cursor, &place->left) || place->left == 0))
        return false;
    const unsigned char *before = w.cursor.at;
    if (!walk_node(&w, list->items, 0, 0, 0, value))
        return false;
    place->left = w.cursor.at == before ? 0 : place->left - 1; // as in walk_blocks()
    place->at = w.cursor.at;
    return true;
}
