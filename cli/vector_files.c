#include "vector_files.h"

#include "model_input.h"
#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_id(const void *a, const void *b)
{
    const hh_text *x = &((const item_vector *)a)->item, *y = &((const item_vector *)b)->item;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

enum { IDS, VECTORS, FILES };

const char *const vector_files_suffix[] = {[IDS] = ".ids.jsonl", [VECTORS] = ".npy", [FILES] = NULL};

// Rows of one file belong to those of the other: both are written under names of their own, then take the
// places of those that were there.
typedef struct pair {
    char *path[FILES], *made[FILES];
} pair;

static bool name_files(pair *files, const char *prefix)
{
    bool good = true;
    *files = (pair){0};
    for (int i = 0; i < FILES && good; i++) {
        char *path = NULL;
        good = asprintf(&path, "%s%s", prefix, vector_files_suffix[i]) >= 0;
        char *behind = good ? realpath(path, NULL) : NULL; // where it is, behind symbolic links
        files->path[i] = good && !behind ? path : behind;
        if (behind)
            free(path);
        if (good && asprintf(&files->made[i], "%s.%d.new", files->path[i], (int)getpid()) < 0) {
            files->made[i] = NULL;
            good = false;
        }
    }
    return good;
}

// And, where it went wrong, removes what has been made.
static void free_names(pair *files, hh_status status)
{
    for (int i = 0; i < FILES; i++) {
        if (status && files->made[i])
            unlink(files->made[i]);
        free(files->path[i]);
        free(files->made[i]);
    }
}

static hh_status put_in_place(const pair *files, hh_error *error)
{
    for (int i = 0; i < FILES; i++)
        if (rename(files->made[i], files->path[i]))
            return hh_fail(error, HH_IO, "%s: %s", files->path[i], strerror(errno));
    return HH_OK;
}

static hh_status write_ids(const char *path, const item_vector *rows, size_t count, hh_error *error)
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
    hh_status status = good ? hh_file_write(path, bytes, size, error) : hh_fail(error, HH_MEMORY, NULL);
    free(bytes);
    return status;
}

static hh_status write_vectors(const char *path, const item_vector *rows, size_t count, uint32_t d,
                               hh_error *error)
{
    size_t row = d * sizeof *rows->vector, size = NPY_HEADER_SIZE + count * row;
    char *bytes = malloc(size);
    if (!bytes)
        return hh_fail(error, HH_MEMORY, NULL);
    npy_header(bytes, count, d);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + NPY_HEADER_SIZE + i * row, rows[i].vector, row);
    hh_status status = hh_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}

hh_status vector_files_write(const char *prefix, item_vector *rows, size_t count, uint32_t d, hh_error *error)
{
    qsort(rows, count, sizeof *rows, by_id);
    pair files;
    hh_status status = name_files(&files, prefix) ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
    if (!status)
        status = write_ids(files.made[IDS], rows, count, error);
    if (!status)
        status = write_vectors(files.made[VECTORS], rows, count, d, error);
    if (!status)
        status = put_in_place(&files, error);
    free_names(&files, status);
    return status;
}
