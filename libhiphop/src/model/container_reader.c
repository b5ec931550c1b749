// Reading a container, which may be anybody's: every length is looked at before it is used.
#include "model/container.h"

#include "model/container_layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the bytes ----

typedef struct cursor { // in the directory
    const uint8_t *at, *end;
} cursor;

static const uint8_t *take(cursor *in, size_t size)
{
    if ((size_t)(in->end - in->at) < size)
        return NULL;
    const uint8_t *bytes = in->at;
    in->at += size;
    return bytes;
}

static size_t type_size(unsigned type)
{
    switch (type) {
    case HH_ARRAY_F32:
    case HH_ARRAY_U32:
        return 4;
    case HH_ARRAY_U8:
        return 1;
    case HH_ARRAY_U64:
        return 8;
    default:
        return 0;
    }
}

uint64_t hh_array_bytes(const hh_array *array)
{
    return array->shape[0] * array->shape[1] * array->shape[2] * array->shape[3] * type_size(array->type);
}

static hh_status broken(hh_error *error, const char *what)
{
    return hh_fail(error, HH_FORMAT, "this is no model file, or a damaged one: %s", what);
}

// Type, flags and name: a name is printable, ends with its NUL, and has none before.
static bool take_head(cursor *in, unsigned *type, bool *required, const char **name)
{
    const uint8_t *head = take(in, HH_ENTRY_HEAD);
    if (!head)
        return false;
    size_t length = head[2] + 256u * head[3];
    const uint8_t *bytes = take(in, length);
    *type = head[0];
    *required = head[1] & HH_ENTRY_REQUIRED;
    *name = (const char *)bytes;
    if (!bytes || length < 2 || length > HH_ARRAY_NAME_MAX + 1 || bytes[length - 1] != '\0')
        return false;
    for (size_t i = 0; i + 1 < length; i++)
        if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
            return false;
    return true;
}

static hh_status read_keys(hh_container *container, cursor *in, hh_error *error)
{
    for (size_t i = 0; i < container->key_count; i++) {
        hh_key *key = &container->keys[i];
        unsigned type;
        const uint8_t *size = NULL;
        *key = (hh_key){0};
        if (take_head(in, &type, &key->required, &key->name))
            size = take(in, sizeof key->size);
        if (size) {
            key->type = (hh_key_type)type;
            key->size = hh_get_u32(size);
            key->value = take(in, key->size);
        }
        if (!key->value)
            return broken(error, "its keys are cut off or malformed");
        for (size_t other = 0; other < i; other++)
            if (strcmp(container->keys[other].name, key->name) == 0)
                return hh_fail(error, HH_FORMAT, "the model file has two keys '%s'", key->name);
    }
    return HH_OK;
}

// Whether the shape makes so many bytes. Of a type that is not known only the bytes count.
static bool fits(const hh_array *array, uint64_t bytes)
{
    uint64_t product = type_size(array->type);
    if (product == 0)
        return true;
    for (int i = 0; i < 4; i++)
        if (__builtin_mul_overflow(product, array->shape[i], &product))
            return false;
    return product == bytes;
}

static hh_status read_arrays(hh_container *container, cursor *in, const uint8_t *bytes, size_t size,
                             hh_error *error)
{
    uint64_t end = (uint64_t)(in->end - bytes);
    for (size_t i = 0; i < container->array_count; i++) {
        hh_array *array = &container->arrays[i];
        unsigned type;
        bool required;
        if (!take_head(in, &type, &required, &array->name))
            return broken(error, "its list of arrays is cut off or malformed");
        const uint8_t *numbers = take(in, HH_ARRAY_LEAST - HH_ENTRY_HEAD);
        if (!numbers)
            return broken(error, "its list of arrays is cut off");
        array->type = (hh_array_type)type;
        for (int n = 0; n < 4; n++)
            array->shape[n] = hh_get_u64(numbers + 8 * n);
        uint64_t offset = hh_get_u64(numbers + 32), length = hh_get_u64(numbers + 40);
        // one right behind the other: no two share bytes, so all together are no more than the file
        if (offset != hh_aligned(end) || offset > size || length > size - offset || !fits(array, length))
            return hh_fail(error, HH_FORMAT,
                           "array '%s' of the model file is not where it must be, or not of its size",
                           array->name);
        array->data = bytes + offset;
        end = offset + length;
        for (size_t other = 0; other < i; other++)
            if (strcmp(container->arrays[other].name, array->name) == 0)
                return hh_fail(error, HH_FORMAT, "the model file has two arrays '%s'", array->name);
    }
    return in->at == in->end && end == size ? HH_OK : broken(error, "there is more in it than it says");
}

static hh_status check_header(const uint8_t *bytes, size_t size, hh_error *error)
{
    if (size < HH_HEADER || memcmp(bytes, HH_MAGIC, HH_MAGIC_SIZE) != 0)
        return hh_fail(error, HH_FORMAT, "this is no model file of hiphop");
    uint32_t version = hh_get_u32(bytes + HH_AT_VERSION);
    if (version != HH_CONTAINER_VERSION)
        return hh_fail(error, HH_FORMAT,
                       "the model file has format version %u, this hiphop reads %d: update hiphop", version,
                       HH_CONTAINER_VERSION);
    uint64_t stated = hh_get_u64(bytes + HH_AT_SIZE);
    if (stated != size)
        return hh_fail(error, HH_FORMAT,
                       "the model file should have %llu bytes and has %zu: it is cut off or damaged",
                       (unsigned long long)stated, size);
    if (hh_get_u64(bytes + HH_AT_CHECKSUM) != hh_container_checksum(bytes, size))
        return hh_fail(error, HH_FORMAT, "the model file is damaged: its checksum does not fit");
    if (hh_get_u32(bytes + HH_AT_KEYS) > HH_CONTAINER_ENTRIES ||
        hh_get_u32(bytes + HH_AT_ARRAYS) > HH_CONTAINER_ENTRIES ||
        hh_get_u64(bytes + HH_AT_DIRECTORY) > size - HH_HEADER)
        return broken(error, "its directory is too large");
    return HH_OK;
}

hh_status hh_container_read(hh_container *container, const void *data, size_t size, hh_error *error)
{
    const uint8_t *bytes = data;
    *container = (hh_container){0};
    hh_status status = check_header(bytes, size, error);
    if (status)
        return status;
    container->key_count = hh_get_u32(bytes + HH_AT_KEYS);
    container->array_count = hh_get_u32(bytes + HH_AT_ARRAYS);
    container->keys = malloc((container->key_count + 1) * sizeof *container->keys);
    container->arrays = malloc((container->array_count + 1) * sizeof *container->arrays);
    if (!container->keys || !container->arrays) {
        status = hh_fail(error, HH_MEMORY, NULL);
    } else {
        cursor in = {bytes + HH_HEADER, bytes + HH_HEADER + hh_get_u64(bytes + HH_AT_DIRECTORY)};
        status = read_keys(container, &in, error);
        if (!status)
            status = read_arrays(container, &in, bytes, size, error);
    }
    if (status)
        hh_container_free(container);
    return status;
}

void hh_container_free(hh_container *container)
{
    free(container->keys);
    free(container->arrays);
    *container = (hh_container){0};
}

// ---- keys ----

// The key, or NULL with HH_OK: there is none.
static hh_status find_key(hh_container *container, const char *name, hh_key_type type, size_t size,
                          const hh_key **found, hh_error *error)
{
    *found = NULL;
    for (size_t i = 0; i < container->key_count; i++) {
        hh_key *key = &container->keys[i];
        if (strcmp(key->name, name) != 0)
            continue;
        key->known = true;
        if (key->type != type || (size && key->size != size))
            return hh_fail(error, HH_FORMAT, "the model file has '%s' as another type than it is", name);
        *found = key;
    }
    return HH_OK;
}

hh_status hh_container_count(hh_container *container, const char *name, uint64_t *value, hh_error *error)
{
    const hh_key *key;
    hh_status status = find_key(container, name, HH_KEY_COUNT, sizeof *value, &key, error);
    if (key)
        memcpy(value, key->value, sizeof *value);
    return status;
}

hh_status hh_container_signed(hh_container *container, const char *name, int64_t *value, hh_error *error)
{
    const hh_key *key;
    hh_status status = find_key(container, name, HH_KEY_SIGNED, sizeof *value, &key, error);
    if (key)
        memcpy(value, key->value, sizeof *value);
    return status;
}

hh_status hh_container_text(hh_container *container, const char *name, char *value, size_t size,
                            hh_error *error)
{
    const hh_key *key;
    hh_status status = find_key(container, name, HH_KEY_TEXT, 0, &key, error);
    if (!key)
        return status;
    if (key->size >= size || memchr(key->value, '\0', key->size))
        return hh_fail(error, HH_FORMAT, "the model file has a '%s' that is too long, or no text", name);
    memcpy(value, key->value, key->size);
    value[key->size] = '\0';
    return HH_OK;
}

static hh_status read_option(hh_container *container, const char *name, const hh_option *row, double *value,
                             hh_error *error)
{
    const hh_key *key;
    hh_status status;
    if (row->kind == HH_OPTION_SWITCH) {
        *value = 0;
        status = find_key(container, name, HH_KEY_SWITCH, 1, &key, error);
        if (key)
            *value = key->value[0];
    } else if (row->kind == HH_OPTION_COUNT || row->kind == HH_OPTION_WHOLE) {
        uint64_t count = (uint64_t)*value;
        status = hh_container_count(container, name, &count, error);
        *value = (double)count;
    } else {
        status = find_key(container, name, HH_KEY_NUMBER, sizeof *value, &key, error);
        if (key)
            memcpy(value, key->value, sizeof *value);
    }
    return status;
}

hh_status hh_container_options(hh_container *container, const char *prefix, const hh_option *table,
                               void *options, hh_error *error)
{
    for (const hh_option *row = table; row->name; row++) {
        char name[HH_ARRAY_NAME_MAX];
        double value = row->standard;
        snprintf(name, sizeof name, "%s.%s", prefix, row->name);
        hh_status status = read_option(container, name, row, &value, error);
        if (status)
            return status;
        if (!(isnan(row->standard) && isnan(value)) && !hh_option_set(row, options, value))
            return hh_fail(error, HH_FORMAT, "the model file has %s = %g, which is not %g to %g", name, value,
                           row->low, row->high);
    }
    return HH_OK;
}

hh_status hh_container_all_known(const hh_container *container, hh_error *error)
{
    for (size_t i = 0; i < container->key_count; i++)
        if (container->keys[i].required && !container->keys[i].known)
            return hh_fail(error, HH_FORMAT,
                           "the model file needs '%s', which this hiphop does not know: update hiphop",
                           container->keys[i].name);
    return HH_OK;
}

// ---- arrays ----

const hh_array *hh_container_find(const hh_container *container, const char *name)
{
    for (size_t i = 0; i < container->array_count; i++)
        if (strcmp(container->arrays[i].name, name) == 0)
            return &container->arrays[i];
    return NULL;
}

hh_status hh_array_check_finite(const hh_array *array, hh_error *error)
{
    const uint8_t *data = array->data;
    for (uint64_t i = 0, count = hh_array_bytes(array) / 4; i < count; i++)
        if ((hh_get_u32(data + 4 * i) & 0x7f800000) == 0x7f800000)
            return hh_fail(error, HH_FORMAT, "array '%s' of the model file holds what is no finite number",
                           array->name);
    return HH_OK;
}

hh_status hh_container_matrix(const hh_container *container, const char *name, hh_array_type type,
                              uint64_t rows, uint64_t cols, const hh_array **found, hh_error *error)
{
    const hh_array *array = *found = hh_container_find(container, name);
    if (!array)
        return hh_fail(error, HH_FORMAT, "the model file lacks the array '%s'", name);
    if (array->type != type || array->shape[0] != rows || array->shape[1] != cols || array->shape[2] != 1 ||
        array->shape[3] != 1)
        return hh_fail(error, HH_FORMAT, "array '%s' of the model file is not [%llu x %llu] of type %d", name,
                       (unsigned long long)rows, (unsigned long long)cols, (int)type);
    return type == HH_ARRAY_F32 ? hh_array_check_finite(array, error) : HH_OK;
}
