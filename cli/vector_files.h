// Item vectors in two files that belong together: PREFIX.npy, and PREFIX.ids.jsonl, which has the id of row i
// in line i, as a JSON string: an id may hold anything, a newline too.
#ifndef CLI_VECTOR_FILES_H
#define CLI_VECTOR_FILES_H

#include <hiphop/status.h>
#include <hiphop/text.h>
#include <stddef.h>
#include <stdint.h>

typedef struct item_vector {
    hh_text item;
    const float *vector; // [d]
} item_vector;

// What follows the prefix in their names; ends with NULL.
extern const char *const vector_files_suffix[];

// Puts the rows in the order of their ids, bytewise, and writes them. Where one file cannot be
// written, both stay as they were. HH_IO, HH_MEMORY.
hh_status vector_files_write(const char *prefix, item_vector *rows, size_t count, uint32_t d,
                             hh_error *error);

#endif
