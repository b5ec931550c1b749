#include "vector_files.h"

#include "model_input.h"
#include "npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b)
{
    const hh_text *x = &((const item_vector *)a)->item, *y = &((const item_vector *)b)->item;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static hh_status write_file(const char *prefix, const char *suffix, const void *bytes, size_t size,
                            hh_error *error)
{
    size_t room = strlen(prefix) + strlen(suffix) + 1;
    char *path = malloc(room);
    if (!path)
        return hh_fail(error, HH_MEMORY, NULL);
    snprintf(path, room, "%s%s", prefix, suffix);
    hh_status status = hh_file_write(path, bytes, size, error);
    free(path);
    return status;
}

static hh_status write_ids(const char *prefix, const item_vector *rows, size_t count, hh_error *error)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    bool good = out != NULL;
    for (size_t i = 0; good && i < count; i++) {
        json_t *text = cli_json_text(rows[i].item.bytes, rows[i].item.length);
        good = text && json_dumpf(text, out, JSON_ENCODE_ANY) == 0 && putc('\n', out) != EOF;
        json_decref(text);
    }
    good = out && fclose(out) == 0 && good;
    hh_status status =
        good ? write_file(prefix, ".ids.jsonl", bytes, size, error) : hh_fail(error, HH_MEMORY, NULL);
    free(bytes);
    return status;
}

static hh_status write_vectors(const char *prefix, const item_vector *rows, size_t count, uint32_t d,
                               hh_error *error)
{
    size_t row = d * sizeof *rows->vector, size = NPY_HEADER_SIZE + count * row;
    char *bytes = malloc(size);
    if (!bytes)
        return hh_fail(error, HH_MEMORY, NULL);
    npy_header(bytes, count, d);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + NPY_HEADER_SIZE + i * row, rows[i].vector, row);
    hh_status status = write_file(prefix, ".npy", bytes, size, error);
    free(bytes);
    return status;
}

hh_status vector_files_write(const char *prefix, item_vector *rows, size_t count, uint32_t d, hh_error *error)
{
    qsort(rows, count, sizeof *rows, by_id);
    hh_status status = write_ids(prefix, rows, count, error);
    return status ? status : write_vectors(prefix, rows, count, d, error);
}
