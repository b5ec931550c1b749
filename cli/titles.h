// Titles of items by id, for people who look.
#ifndef CLI_TITLES_H
#define CLI_TITLES_H

#include "wire/records.h"

#include <hiphop/status.h>
#include <stddef.h>

struct titles;

struct titles *titles_new(void); // NULL: out of memory
void titles_free(struct titles *titles);
// Both are copied; a title that is there is replaced. An empty title is none.
hh_status titles_put(struct titles *titles, hh_text id, hh_text title);
// The title, valid until it is replaced; the id where there is none.
hh_text titles_find(const struct titles *titles, hh_text id);
size_t titles_count(const struct titles *titles);

// All items of an item file (item_file.h).
hh_status titles_read_file(struct titles *titles, const char *path, hh_error *error);

#endif
