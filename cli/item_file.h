// Item files: one JSON object a line, with "id" (or "item") and, if it has one, "title"; whatever else it
// holds is the business of others. Plain or gzip; "-" is standard input.
#ifndef CLI_ITEM_FILE_H
#define CLI_ITEM_FILE_H

#include <hiphop/status.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct item_row {   // valid until the next call
    const char *id, *title; // NUL-terminated; title: "" where there is none
    size_t number;          // of the line, from 1
    const struct json_t *object;
    const char *line; // as it stands in the file, without the newline
    size_t line_length;
} item_row;

struct item_file;

hh_status item_file_open(const char *path, struct item_file **file, hh_error *error);
void item_file_close(struct item_file *file); // may be NULL
// At the end: HH_OK and *end. HH_FORMAT: a line that is no item, its number in the message.
hh_status item_file_next(struct item_file *file, item_row *row, bool *end, hh_error *error);

// Calls take for each item of the file, until one fails.
typedef hh_status item_take(void *context, const item_row *row, hh_error *error);
hh_status item_file_each(const char *path, item_take *take, void *context, hh_error *error);

#endif
