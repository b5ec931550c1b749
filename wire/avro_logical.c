#include "wire/avro_logical.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// What stands beside null in a nullable union, else the type itself.
static const json_t *beside_null(const json_t *type)
{
    const json_t *found = type;
    for (size_t i = 0; i < json_array_size(type); i++) {
        const json_t *branch = json_array_get(type, i);
        if (!json_is_string(branch) || strcmp(json_string_value(branch), "null") != 0)
            found = branch;
    }
    return found;
}

static const json_t *field_type(const json_t *record, hh_text name)
{
    const json_t *fields = json_object_get(record, "fields");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i), *called = json_object_get(field, "name");
        if (json_string_length(called) == name.length &&
            memcmp(json_string_value(called), name.bytes, name.length) == 0)
            return json_object_get(field, "type");
    }
    return NULL;
}

static bool is_record_named(const json_t *type, const char *name)
{
    const char *kind = json_string_value(json_object_get(type, "type")),
               *own = json_string_value(json_object_get(type, "name"));
    if (!kind || !own || strcmp(kind, "record") != 0)
        return false;
    const char *dot = strrchr(name, '.'), *own_dot = strrchr(own, '.');
    return strcmp(dot ? dot + 1 : name, own_dot ? own_dot + 1 : own) == 0;
}

// The records of a name anywhere in `at`, whatever their namespace: *found is the last of them.
static unsigned find_record(const json_t *at, const char *name, const json_t **found)
{
    unsigned count = 0;
    if (is_record_named(at, name)) {
        *found = at;
        count++;
    }
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)at, key, value) count += find_record(value, name, found);
    json_array_foreach(at, i, value) count += find_record(value, name, found);
    return count;
}

// The type itself, or the record that it names, where there is only one of the name.
static const json_t *behind_name(const json_t *root, const json_t *type)
{
    const json_t *found = NULL;
    if (json_is_string(type) && find_record(root, json_string_value(type), &found) == 1)
        return found;
    return type;
}

hh_status hh_avro_logical_type(const char *schema, const hh_path *path, char *text, size_t size)
{
    json_error_t trouble;
    json_t *root = json_loads(schema, 0, &trouble);
    if (!root && json_error_code(&trouble) == json_error_out_of_memory)
        return HH_MEMORY;
    const json_t *type = root;
    for (size_t step = 0; step < path->count; step++)
        type = field_type(behind_name(root, beside_null(type)), path->steps[step]);
    const char *logical = json_string_value(json_object_get(beside_null(type), "logicalType"));
    snprintf(text, size, "%s", logical ? logical : "");
    json_decref(root);
    return HH_OK;
}
