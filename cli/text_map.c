#define XXH_INLINE_ALL
#include "text_map.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct text_map_entry *slot_of(const struct text_map *map, hh_text key, uint64_t hash)
{
    for (size_t at = hash & (map->room - 1);; at = (at + 1) & (map->room - 1)) {
        struct text_map_entry *entry = &map->entries[at];
        if (!entry->key || (entry->hash == hash && entry->length == key.length &&
                            memcmp(entry->key, key.bytes, key.length) == 0))
            return entry;
    }
}

static int grow(struct text_map *map)
{
    size_t room = map->room ? 2 * map->room : 64;
    struct text_map_entry *entries = calloc(room, sizeof *entries), *old = map->entries;
    if (!entries)
        return 0;
    struct text_map bigger = {entries, map->count, room};
    for (size_t i = 0; i < map->room; i++)
        if (old[i].key)
            *slot_of(&bigger, (hh_text){old[i].key, old[i].length}, old[i].hash) = old[i];
    free(old);
    *map = bigger;
    return 1;
}

void **text_map_at(struct text_map *map, hh_text key)
{
    if (map->count >= map->room / 4 * 3 && !grow(map))
        return NULL;
    uint64_t hash = XXH3_64bits(key.bytes, key.length);
    struct text_map_entry *entry = slot_of(map, key, hash);
    if (!entry->key) {
        char *copy = malloc(key.length + 1);
        if (!copy)
            return NULL;
        memcpy(copy, key.bytes, key.length);
        copy[key.length] = '\0';
        *entry = (struct text_map_entry){copy, key.length, hash, NULL};
        map->count++;
    }
    return &entry->value;
}

void *text_map_find(const struct text_map *map, hh_text key)
{
    return map->room ? slot_of(map, key, XXH3_64bits(key.bytes, key.length))->value : NULL;
}

void text_map_clear(struct text_map *map, void (*release)(void *value))
{
    for (size_t i = 0; i < map->room; i++) {
        if (map->entries[i].key && map->entries[i].value && release)
            release(map->entries[i].value);
        free(map->entries[i].key);
    }
    free(map->entries);
    *map = (struct text_map){0};
}
