// Titles and ids of a model's items, for people who look. Titles are arrays title.begin [items + 1] and
// title.bytes of the model.
#ifndef CLI_MODEL_TITLES_H
#define CLI_MODEL_TITLES_H

#include "titles.h"

#include <hiphop/model_file.h>

// Puts the titles of the model's items into the model. HH_MEMORY.
hh_status model_titles_keep(hh_model *model, const struct titles *titles, hh_error *error);
bool model_has_titles(const hh_model *model);
// Bytes of anybody's, fit for a line of a terminal: what is no UTF-8 or would move the cursor becomes '?',
// what is longer than `most` characters, or than there is room, ends in "…".
#define MODEL_TITLE_SIZE 512
const char *printable_text(const char *bytes, size_t length, uint32_t most, char text[MODEL_TITLE_SIZE]);
// So the item's title. "" where there is none.
const char *model_title(const hh_model *model, uint32_t item, uint32_t most, char text[MODEL_TITLE_SIZE]);
// So the item's id.
const char *model_item_text(const hh_model *model, uint32_t item, char text[MODEL_TITLE_SIZE]);
// As it stands in the model. *length 0: there is none.
const char *model_title_bytes(const hh_model *model, uint32_t item, size_t *length);
// Characters of a text that one of these has made.
int model_title_width(const char *text);

#endif
