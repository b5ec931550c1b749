#include "wire/item_fields.h"

#include "wire/avro_pick.h"
#include "wire/buffer.h"
#include "wire/json_scan.h"
#include "wire/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LIST_MAX 65536 // bytes of text after which no more of an Avro array is read

struct hh_item_fields {
    size_t count;
    char *names[HH_ITEM_FIELDS_MAX];
    hh_path paths[HH_ITEM_FIELDS_MAX];
    hh_avro_picker *avro; // NULL for JSON
    hh_buffer made;       // texts that don't stand in the record as they are
};

void hh_item_fields_free(hh_item_fields *fields)
{
    if (!fields)
        return;
    for (size_t i = 0; i < fields->count; i++)
        free(fields->names[i]);
    hh_avro_picker_free(fields->avro);
    hh_buffer_free(&fields->made);
    free(fields);
}

hh_item_fields *hh_item_fields_new(hh_format format, const char *schema, const char *const *names,
                                   size_t count, hh_error *error)
{
    hh_avro_wish wishes[HH_ITEM_FIELDS_MAX];
    hh_status status = HH_OK;
    hh_item_fields *fields = calloc(1, sizeof *fields);
    if (!fields) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    if (count > HH_ITEM_FIELDS_MAX)
        status = hh_fail(error, HH_ARGUMENT, "there are more than %d fields", HH_ITEM_FIELDS_MAX);
    for (size_t i = 0; i < count && status == HH_OK; i++) {
        fields->names[i] = strdup(names[i]);
        if (!fields->names[i]) {
            status = hh_fail(error, HH_MEMORY, NULL);
            break;
        }
        fields->count = i + 1;
        status = hh_path_parse(&fields->paths[i], "field of an item", fields->names[i], error);
        wishes[i] =
            (hh_avro_wish){"field of an item", fields->names[i], fields->paths[i],
                           HH_AVRO_TEXT | HH_AVRO_SYMBOL | HH_AVRO_WHOLE | HH_AVRO_REAL | HH_AVRO_LIST,
                           "a string, an enum, a number, or an array of them"};
    }
    if (status == HH_OK && format == HH_FORMAT_AVRO) {
        fields->avro = hh_avro_picker_new(schema, wishes, count, error);
        status = fields->avro ? HH_OK : HH_FORMAT;
    }
    if (status == HH_OK)
        return fields;
    hh_item_fields_free(fields);
    return NULL;
}

// ---- JSON ----

static void put_json_text(hh_buffer *out, hh_text written)
{
    if (hh_buffer_room(out, written.length)) // unescaping never makes it longer
        out->length += hh_json_unescape(written, out->bytes + out->length);
}

// Past a string whose opening quote was before `at`, to its closing one.
static const char *string_end(const char *at)
{
    while (*at != '"')
        at += *at == '\\' ? 2 : 1;
    return at;
}

// The texts and numbers of an array that is known to be valid JSON; arrays and objects in it are passed over.
static void put_json_array(hh_buffer *out, hh_text array)
{
    const char *at = array.bytes, *end = at + array.length;
    size_t before = out->length;
    unsigned depth = 0;
    while (at < end) {
        const char *first = at;
        bool text = *at == '"', number = *at == '-' || (*at >= '0' && *at <= '9');
        if (text)
            at = string_end(at + 1);
        else if (number)
            while (at + 1 < end && !strchr(" \n\r\t,]}", at[1]))
                at++;
        else
            depth += (*at == '[' || *at == '{') - (*at == ']' || *at == '}');
        at++;
        if (depth || (!text && !number))
            continue;
        if (out->length > before)
            hh_buffer_put(out, ", ", 2);
        if (text)
            put_json_text(out, (hh_text){first + 1, (size_t)(at - first - 2)});
        else
            hh_buffer_put(out, first, (size_t)(at - first));
    }
}

// Whether the value could only be made, into fields->made; else it is in *value.
static bool json_value(hh_item_fields *fields, const hh_json_value *json, hh_text *value)
{
    if (json->kind == HH_JSON_ARRAY)
        put_json_array(&fields->made, json->text);
    else if (json->kind == HH_JSON_STRING && json->escaped)
        put_json_text(&fields->made, json->text);
    else if (json->kind == HH_JSON_STRING || json->kind == HH_JSON_NUMBER)
        return *value = json->text, false;
    else
        return *value = (hh_text){NULL, 0}, false;
    return true;
}

// ---- Avro ----

static void put_avro_value(hh_buffer *out, const hh_avro_value *avro)
{
    char digits[40];
    int length = 0;
    if (avro->kind == HH_AVRO_TEXT || avro->kind == HH_AVRO_SYMBOL)
        hh_buffer_put(out, avro->text.bytes, avro->text.length);
    else if (avro->kind == HH_AVRO_WHOLE)
        length = snprintf(digits, sizeof digits, "%" PRId64, avro->whole);
    else if (avro->kind == HH_AVRO_REAL)
        length = snprintf(digits, sizeof digits, "%.7g", avro->real);
    hh_buffer_put(out, digits, (size_t)length);
}

static void put_avro_list(hh_buffer *out, const hh_avro_picker *picker, const hh_avro_value *list)
{
    hh_avro_place place = {0};
    hh_avro_value element;
    size_t before = out->length;
    // An element of one byte may be a long symbol: a record must not become a hundred times as long.
    while (out->length - before < LIST_MAX && hh_avro_list_next(picker, list, &place, &element)) {
        if (element.kind == HH_AVRO_ABSENT)
            continue;
        if (out->length > before)
            hh_buffer_put(out, ", ", 2);
        put_avro_value(out, &element);
    }
}

// As json_value().
static bool avro_value(hh_item_fields *fields, const hh_avro_value *avro, hh_text *value)
{
    *value = (hh_text){NULL, 0};
    if (avro->kind == HH_AVRO_LIST)
        put_avro_list(&fields->made, fields->avro, avro);
    else if (avro->kind == HH_AVRO_WHOLE || avro->kind == HH_AVRO_REAL)
        put_avro_value(&fields->made, avro);
    else if (avro->kind != HH_AVRO_ABSENT)
        return *value = avro->text, false;
    else
        return false;
    return true;
}

// ---- either ----

hh_status hh_item_fields_read(hh_item_fields *fields, const void *bytes, size_t length, hh_text *values,
                              hh_error *error)
{
    hh_json_value json[HH_ITEM_FIELDS_MAX];
    hh_avro_value avro[HH_ITEM_FIELDS_MAX];
    bool made[HH_ITEM_FIELDS_MAX];
    size_t begins[HH_ITEM_FIELDS_MAX + 1];
    if (!bytes || length == 0)
        return hh_fail(error, HH_FORMAT, "the record is empty");
    hh_status status = fields->avro ? hh_avro_pick(fields->avro, bytes, length, avro, error)
                                    : hh_json_pick(bytes, length, fields->paths, fields->count, json, error);
    if (status)
        return status;
    fields->made.length = 0;
    fields->made.status = HH_OK;
    for (size_t i = 0; i < fields->count; i++) {
        begins[i] = fields->made.length;
        made[i] = fields->avro ? avro_value(fields, &avro[i], &values[i])
                               : json_value(fields, &json[i], &values[i]);
        begins[i + 1] = fields->made.length;
    }
    if (fields->made.status)
        return hh_fail(error, fields->made.status, NULL);
    for (size_t i = 0; i < fields->count; i++) {
        if (made[i]) // the buffer has moved as it grew, or there is none: an empty list alone needs none
            values[i] = begins[i] == begins[i + 1]
                            ? (hh_text){"", 0}
                            : (hh_text){fields->made.bytes + begins[i], begins[i + 1] - begins[i]};
        if (fields->avro && values[i].bytes && !hh_utf8_valid(values[i].bytes, values[i].length))
            return hh_fail(error, HH_FORMAT, "the field \"%.100s\" is not UTF-8", fields->names[i]);
    }
    return HH_OK;
}
