// A map from text to a pointer: open addressing, keys copied. Nothing is ever taken out one by one.
#ifndef CLI_TEXT_MAP_H
#define CLI_TEXT_MAP_H

#include "wire/records.h"

#include <hiphop/status.h>
#include <stddef.h>
#include <stdint.h>

struct text_map { // zeros: empty
    struct text_map_entry {
        char *key; // NULL: free
        size_t length;
        uint64_t hash;
        void *value;
    } * entries;
    size_t count, room; // room: 0 or a power of two
};

// Where the value of the key is, or would be put: NULL there at first. NULL: out of memory. Valid until the
// next call.
void **text_map_at(struct text_map *map, hh_text key);
void *text_map_find(const struct text_map *map, hh_text key); // NULL: not there
// Empties it; the values are given to `release` (may be NULL).
void text_map_clear(struct text_map *map, void (*release)(void *value));

#endif
