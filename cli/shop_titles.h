// Titles for the shop's items: the words tell the intent, so that text says something about what goes
// together.
#ifndef CLI_SHOP_TITLES_H
#define CLI_SHOP_TITLES_H

#include <stddef.h>
#include <stdint.h>

const char *shop_category(uint32_t intent); // static
// The title of an item of an intent; `chance` any number: the same number gives the same title.
void shop_title(uint32_t intent, uint64_t chance, char *title, size_t size);

#endif
