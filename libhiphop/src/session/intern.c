// Interning: an index of hashes over an array of entries; the strings live in size-class blocks. Freed
// numbers are chained through their entries and handed out again, last freed first.
#define XXH_INLINE_ALL
#include <hiphop/intern.h>

#include "blocks.h"
#include "slots.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct intern_entry {
    char *bytes; // NUL-terminated; NULL: the number is free
    uint32_t length;
    uint32_t references; // of a free number: the next free one
} intern_entry;

struct hh_intern {
    hh_slots slots;
    hh_blocks blocks;
    intern_entry *entries; // [capacity], of which `used` were ever handed out
    size_t used;
    size_t capacity;
    uint32_t unused; // first free number below `used`
    uint64_t seed;
};

static uint32_t tag_of(const hh_intern *table, const char *bytes, size_t length)
{
    return (uint32_t)XXH3_64bits_withSeed(bytes, length, table->seed);
}

hh_intern *hh_intern_new(uint64_t seed)
{
    hh_intern *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->seed = seed;
    table->unused = HH_INTERN_NONE;
    return table;
}

void hh_intern_free(hh_intern *table)
{
    if (!table)
        return;
    for (size_t number = 0; number < table->used; number++)
        if (table->entries[number].bytes)
            hh_blocks_give(&table->blocks, table->entries[number].bytes,
                           (size_t)table->entries[number].length + 1);
    hh_blocks_free(&table->blocks);
    hh_slots_free(&table->slots);
    free(table->entries);
    free(table);
}

static uint32_t find(const hh_intern *table, uint32_t tag, const char *bytes, size_t length)
{
    const hh_slots *slots = &table->slots;
    if (!slots->capacity)
        return HH_INTERN_NONE;
    for (size_t at = hh_slots_first(slots, tag); hh_slots_used(slots, at); at = hh_slots_next(slots, at)) {
        if (slots->slot[at].tag != tag)
            continue;
        const intern_entry *entry = &table->entries[slots->slot[at].number];
        if (entry->length == length && (length == 0 || memcmp(entry->bytes, bytes, length) == 0))
            return slots->slot[at].number;
    }
    return HH_INTERN_NONE;
}

// Makes sure that a number can be had without asking for memory.
static hh_status reserve_number(hh_intern *table)
{
    if (table->unused != HH_INTERN_NONE || table->used < table->capacity)
        return HH_OK;
    if (table->used >= HH_INTERN_NONE)
        return HH_MEMORY;
    size_t capacity = table->capacity ? table->capacity + table->capacity / 2 : 16;
    intern_entry *grown = realloc(table->entries, capacity * sizeof *grown);
    if (!grown)
        return HH_MEMORY;
    table->entries = grown;
    table->capacity = capacity;
    return HH_OK;
}

uint32_t hh_intern_acquire(hh_intern *table, const char *bytes, size_t length)
{
    uint32_t tag = tag_of(table, bytes, length);
    uint32_t number = find(table, tag, bytes, length);
    if (number != HH_INTERN_NONE) {
        table->entries[number].references++;
        return number;
    }
    if (length >= UINT32_MAX || hh_slots_reserve(&table->slots) || reserve_number(table))
        return HH_INTERN_NONE;
    char *copy = hh_blocks_take(&table->blocks, length + 1);
    if (!copy)
        return HH_INTERN_NONE;
    if (length)
        memcpy(copy, bytes, length);
    copy[length] = '\0';

    number = table->unused;
    if (number != HH_INTERN_NONE)
        table->unused = table->entries[number].references;
    else
        number = (uint32_t)table->used++;
    table->entries[number] = (intern_entry){copy, (uint32_t)length, 1};
    hh_slots_insert(&table->slots, tag, number);
    return number;
}

uint32_t hh_intern_find(const hh_intern *table, const char *bytes, size_t length)
{
    return find(table, tag_of(table, bytes, length), bytes, length);
}

void hh_intern_retain(hh_intern *table, uint32_t number)
{
    table->entries[number].references++;
}

void hh_intern_release(hh_intern *table, uint32_t number)
{
    intern_entry *entry = &table->entries[number];
    if (--entry->references > 0)
        return;
    hh_slots *slots = &table->slots;
    size_t at = hh_slots_first(slots, tag_of(table, entry->bytes, entry->length));
    while (slots->slot[at].number != number)
        at = hh_slots_next(slots, at);
    hh_slots_remove(slots, at);
    hh_blocks_give(&table->blocks, entry->bytes, (size_t)entry->length + 1);
    entry->bytes = NULL;
    entry->references = table->unused;
    table->unused = number;
}

const char *hh_intern_bytes(const hh_intern *table, uint32_t number, size_t *length)
{
    if (length)
        *length = table->entries[number].length;
    return table->entries[number].bytes;
}

size_t hh_intern_count(const hh_intern *table)
{
    return table->slots.count;
}

size_t hh_intern_memory(const hh_intern *table)
{
    return sizeof *table + table->blocks.bytes + table->capacity * sizeof *table->entries +
           table->slots.capacity * sizeof *table->slots.slot;
}
