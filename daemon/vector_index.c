// Two open-addressed tables. Nothing is ever taken out of one: what is gone keeps its slot, without a value.
#include "vector_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

typedef struct slot {
    hh_text_hash key;  // both 0: free
    hh_text_hash text; // of an item
    hh_vector_place place;
} slot;

typedef struct table {
    slot *slots;
    bool *present; // [room]: whether the slot has a value
    size_t room, used;
} table;

struct hh_vector_index {
    table items, texts;
};

// ---- hashes ----

static hh_text_hash hash_of(const void *bytes, size_t length)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, length);
    hh_text_hash made = {hash.high64, hash.low64};
    if (made.high == 0 && made.low == 0)
        made.low = 1;
    return made;
}

hh_text_hash hh_text_hash_of(hh_text text)
{
    return hash_of(text.bytes, text.length);
}

void hh_text_hash_print(hh_text_hash hash, char digits[HH_TEXT_HASH_DIGITS + 1])
{
    snprintf(digits, HH_TEXT_HASH_DIGITS + 1, "%016llx%016llx", (unsigned long long)hash.high,
             (unsigned long long)hash.low);
}

bool hh_text_hash_parse(hh_text digits, hh_text_hash *hash)
{
    uint64_t halves[2] = {0, 0};
    if (digits.length != HH_TEXT_HASH_DIGITS)
        return false;
    for (size_t i = 0; i < HH_TEXT_HASH_DIGITS; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *at = memchr(hex, digits.bytes[i], 16);
        if (!at)
            return false;
        halves[i / 16] = halves[i / 16] << 4 | (uint64_t)(at - hex);
    }
    *hash = (hh_text_hash){halves[0], halves[1]};
    return halves[0] || halves[1];
}

// ---- tables ----

// The key's slot, or the free one where it would stand.
static size_t find(const table *of, hh_text_hash key)
{
    size_t at = key.low & (of->room - 1);
    while ((of->slots[at].key.high || of->slots[at].key.low) && !hh_text_hash_same(of->slots[at].key, key))
        at = (at + 1) & (of->room - 1);
    return at;
}

static bool grow(table *of)
{
    table larger = {.room = of->room ? 2 * of->room : 1024, .used = of->used};
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    larger.present = calloc(larger.room, sizeof *larger.present);
    if (!larger.slots || !larger.present) {
        free(larger.slots);
        free(larger.present);
        return false;
    }
    for (size_t i = 0; i < of->room; i++)
        if (of->slots[i].key.high || of->slots[i].key.low) {
            size_t at = find(&larger, of->slots[i].key);
            larger.slots[at] = of->slots[i];
            larger.present[at] = of->present[i];
        }
    free(of->slots);
    free(of->present);
    *of = larger;
    return true;
}

// The key's slot, made where there is none; its number in *at. False when out of memory.
static bool slot_for(table *of, hh_text_hash key, size_t *at)
{
    if (4 * (of->used + 1) > 3 * of->room && !grow(of))
        return false;
    *at = find(of, key);
    of->used += !(of->slots[*at].key.high || of->slots[*at].key.low);
    of->slots[*at].key = key;
    return true;
}

static bool look_up(const table *of, hh_text_hash key, size_t *at)
{
    if (of->room == 0)
        return false;
    *at = find(of, key);
    return of->present[*at];
}

static void drop(table *of, hh_text_hash key)
{
    size_t at;
    if (look_up(of, key, &at))
        of->present[at] = false;
}

// ---- the index ----

hh_vector_index *hh_vector_index_new(void)
{
    return calloc(1, sizeof(hh_vector_index));
}

void hh_vector_index_free(hh_vector_index *index)
{
    if (!index)
        return;
    free(index->items.slots);
    free(index->items.present);
    free(index->texts.slots);
    free(index->texts.present);
    free(index);
}

bool hh_vector_index_put(hh_vector_index *index, hh_text item, const hh_text_hash *text,
                         hh_vector_place place)
{
    size_t at;
    if (text) {
        if (!slot_for(&index->texts, *text, &at))
            return false;
        index->texts.slots[at].place = place;
        index->texts.present[at] = true;
    }
    if (!slot_for(&index->items, hash_of(item.bytes, item.length), &at))
        return false;
    index->items.slots[at].text = text ? *text : (hh_text_hash){0, 0};
    index->items.slots[at].place = place;
    index->items.present[at] = true;
    return true;
}

void hh_vector_index_remove(hh_vector_index *index, hh_text item)
{
    drop(&index->items, hash_of(item.bytes, item.length));
}

void hh_vector_index_forget(hh_vector_index *index, hh_text_hash text)
{
    size_t at;
    if (!look_up(&index->texts, text, &at))
        return;
    slot *gone = &index->texts.slots[at];
    for (size_t i = 0; i < index->items.room; i++) {
        const slot *item = &index->items.slots[i];
        if (index->items.present[i] && hh_text_hash_same(item->text, text) &&
            (item->place.partition != gone->place.partition || item->place.offset != gone->place.offset)) {
            gone->place = item->place;
            return;
        }
    }
    index->texts.present[at] = false;
}

bool hh_vector_index_item(const hh_vector_index *index, hh_text item, hh_text_hash *text)
{
    size_t at;
    if (!look_up(&index->items, hash_of(item.bytes, item.length), &at))
        return false;
    *text = index->items.slots[at].text;
    return true;
}

bool hh_vector_index_text(const hh_vector_index *index, hh_text_hash text, hh_vector_place *place)
{
    size_t at;
    if (!look_up(&index->texts, text, &at))
        return false;
    *place = index->texts.slots[at].place;
    return true;
}
