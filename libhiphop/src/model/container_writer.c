#include "model/container.h"

#include "model/container_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(void **array, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return true;
    size_t wanted = needed + needed / 2 + 64;
    void *larger = realloc(*array, wanted * size);
    if (!larger)
        return false;
    *array = larger;
    *room = wanted;
    return true;
}

// ---- keys ----

static uint8_t *put(uint8_t *to, const void *bytes, size_t size)
{
    memcpy(to, bytes, size);
    return to + size;
}

static uint8_t *put_head(uint8_t *to, uint8_t type, bool required, const char *name)
{
    uint16_t length = (uint16_t)(strlen(name) + 1);
    *to++ = type;
    *to++ = required ? HH_ENTRY_REQUIRED : 0;
    to = put(to, &length, sizeof length);
    return put(to, name, length);
}

void hh_pack(hh_packer *packer, const char *name, hh_key_type type, bool required, const void *value,
             size_t size)
{
    size_t length = strlen(name), needed = packer->key_bytes + HH_KEY_LEAST + length + 1 + size;
    packer->failed = packer->failed || length > HH_ARRAY_NAME_MAX || size > UINT32_MAX ||
                     packer->key_count == HH_CONTAINER_ENTRIES ||
                     !reserve((void **)&packer->keys, &packer->key_room, needed, 1);
    if (packer->failed)
        return;
    uint32_t bytes = (uint32_t)size;
    uint8_t *to = put_head(packer->keys + packer->key_bytes, (uint8_t)type, required, name);
    to = put(to, &bytes, sizeof bytes);
    to = put(to, value, size);
    packer->key_bytes = (size_t)(to - packer->keys);
    packer->key_count++;
}

void hh_pack_count(hh_packer *packer, const char *name, uint64_t value)
{
    hh_pack(packer, name, HH_KEY_COUNT, false, &value, sizeof value);
}

void hh_pack_text(hh_packer *packer, const char *name, const char *value)
{
    hh_pack(packer, name, HH_KEY_TEXT, false, value, strlen(value));
}

void hh_pack_options(hh_packer *packer, const char *prefix, const hh_option *table, const void *options)
{
    for (const hh_option *row = table; row->name; row++) {
        char name[HH_ARRAY_NAME_MAX];
        snprintf(name, sizeof name, "%s.%s", prefix, row->name);
        double value = hh_option_get(row, options);
        uint8_t on = value != 0;
        if (row->kind == HH_OPTION_SWITCH)
            hh_pack(packer, name, HH_KEY_SWITCH, on, &on, 1);
        else if (row->kind == HH_OPTION_COUNT || row->kind == HH_OPTION_WHOLE)
            hh_pack_count(packer, name, (uint64_t)value);
        else
            hh_pack(packer, name, HH_KEY_NUMBER, false, &value, sizeof value);
    }
}

// ---- arrays ----

void hh_pack_array(hh_packer *packer, const hh_array *array)
{
    packer->failed =
        packer->failed || strlen(array->name) > HH_ARRAY_NAME_MAX ||
        packer->array_count == HH_CONTAINER_ENTRIES ||
        !reserve((void **)&packer->arrays, &packer->array_room, packer->array_count + 1, sizeof *array);
    if (!packer->failed)
        packer->arrays[packer->array_count++] = *array;
}

// The directory at 64, then the arrays, each at the next multiple of 64; what is between is 0.
static void lay_out(const hh_packer *packer, uint8_t *bytes, size_t size, size_t directory)
{
    memset(bytes, 0, size);
    memcpy(bytes, HH_MAGIC, HH_MAGIC_SIZE);
    hh_put_u32(bytes + HH_AT_VERSION, HH_CONTAINER_VERSION);
    hh_put_u64(bytes + HH_AT_SIZE, size);
    hh_put_u32(bytes + HH_AT_KEYS, (uint32_t)packer->key_count);
    hh_put_u32(bytes + HH_AT_ARRAYS, (uint32_t)packer->array_count);
    hh_put_u64(bytes + HH_AT_DIRECTORY, directory);
    uint8_t *to = bytes + HH_HEADER;
    if (packer->key_bytes)
        to = put(to, packer->keys, packer->key_bytes);
    uint64_t offset = HH_HEADER + directory;
    for (size_t i = 0; i < packer->array_count; i++) {
        const hh_array *array = &packer->arrays[i];
        uint64_t length = hh_array_bytes(array);
        offset = hh_aligned(offset);
        to = put_head(to, (uint8_t)array->type, false, array->name);
        to = put(to, array->shape, sizeof array->shape);
        to = put(to, &offset, sizeof offset);
        to = put(to, &length, sizeof length);
        if (length)
            memcpy(bytes + offset, array->data, length);
        offset += length;
    }
    hh_put_u64(bytes + HH_AT_CHECKSUM, hh_container_checksum(bytes, size));
}

hh_status hh_pack_finish(hh_packer *packer, void **bytes, size_t *size, hh_error *error)
{
    size_t directory = packer->key_bytes;
    for (size_t i = 0; i < packer->array_count; i++)
        directory += HH_ARRAY_LEAST + strlen(packer->arrays[i].name) + 1;
    *size = HH_HEADER + directory;
    for (size_t i = 0; i < packer->array_count; i++)
        *size = (size_t)(hh_aligned(*size) + hh_array_bytes(&packer->arrays[i]));
    *bytes = packer->failed ? NULL : malloc(*size);
    if (*bytes)
        lay_out(packer, *bytes, *size, directory);
    free(packer->keys);
    free(packer->arrays);
    *packer = (hh_packer){0};
    return *bytes ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
}
