#include "wire/embedding_set.h"

#include <hiphop/intern.h>
#include <stdlib.h>
#include <string.h>

typedef struct slot { // by the item's number
    bool used;
    float *vector; // [dimension]; NULL: can't be read
    uint32_t dimension;
} slot;

struct hh_embedding_set {
    hh_embedding_decoder *decoder;
    hh_intern *items;
    slot *slots; // [room]
    size_t room, end, count;
    bool begun, ended;    // the latest snapshot; ended with what it began with
    bool unread;          // a mark since then can't be read
    hh_snapshot snapshot; // as it began
};

hh_embedding_set *hh_embedding_set_new(hh_error *error)
{
    hh_embedding_set *set = calloc(1, sizeof *set);
    if (!set) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    set->decoder = hh_embedding_decoder_new(error);
    set->items = set->decoder ? hh_intern_new(0) : NULL;
    if (set->items)
        return set;
    hh_embedding_set_free(set);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

void hh_embedding_set_free(hh_embedding_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->end; i++)
        free(set->slots[i].vector);
    free(set->slots);
    if (set->items)
        hh_intern_free(set->items);
    hh_embedding_decoder_free(set->decoder);
    free(set);
}

// ---- items ----

static bool make_room(hh_embedding_set *set, size_t number)
{
    if (number < set->room)
        return true;
    size_t room = set->room ? 2 * set->room : 256;
    while (room <= number)
        room *= 2;
    slot *slots = realloc(set->slots, room * sizeof *slots);
    if (!slots)
        return false;
    memset(slots + set->room, 0, (room - set->room) * sizeof *slots);
    set->slots = slots;
    set->room = room;
    return true;
}

// The slot of the item, made if need be; NULL: out of memory.
static slot *slot_of(hh_embedding_set *set, hh_text item)
{
    uint32_t number = hh_intern_find(set->items, item.bytes, item.length);
    if (number != HH_INTERN_NONE)
        return &set->slots[number];
    number = hh_intern_acquire(set->items, item.bytes, item.length);
    if (number == HH_INTERN_NONE)
        return NULL;
    if (!make_room(set, number)) {
        hh_intern_release(set->items, number);
        return NULL;
    }
    if (number >= set->end)
        set->end = (size_t)number + 1;
    set->slots[number] = (slot){.used = true};
    set->count++;
    return &set->slots[number];
}

// vector NULL: there is something that can't be read.
static hh_status put(hh_embedding_set *set, hh_text item, const float *vector, uint32_t dimension,
                     hh_error *error)
{
    slot *into = slot_of(set, item);
    if (!into)
        return hh_fail(error, HH_MEMORY, NULL);
    if (!vector || dimension != into->dimension) {
        free(into->vector);
        into->vector = NULL;
        into->dimension = 0;
    }
    if (!vector)
        return HH_OK;
    if (!into->vector)
        into->vector = malloc(dimension * sizeof *vector);
    if (!into->vector)
        return hh_fail(error, HH_MEMORY, NULL);
    memcpy(into->vector, vector, dimension * sizeof *vector);
    into->dimension = dimension;
    return HH_OK;
}

void hh_embedding_set_remove(hh_embedding_set *set, hh_text item)
{
    uint32_t number = hh_intern_find(set->items, item.bytes, item.length);
    if (number == HH_INTERN_NONE)
        return;
    free(set->slots[number].vector);
    set->slots[number] = (slot){0};
    hh_intern_release(set->items, number);
    set->count--;
}

// ---- records ----

static bool same_snapshot(const hh_snapshot *a, const hh_snapshot *b)
{
    return a->version == b->version && a->count == b->count && a->dimension == b->dimension &&
           a->checksum == b->checksum;
}

hh_status hh_embedding_set_note(hh_embedding_set *set, const hh_embedding_record *record, hh_error *error)
{
    switch (record->kind) {
    case HH_EMBEDDING_BEGIN:
        set->begun = true;
        set->ended = set->unread = false;
        set->snapshot = record->snapshot;
        return HH_OK;
    case HH_EMBEDDING_END: // of another: compaction has left it from before
        set->ended = set->begun && same_snapshot(&set->snapshot, &record->snapshot);
        return HH_OK;
    default:
        return put(set, record->item, record->vector, record->dimension, error);
    }
}

static bool equal(hh_text a, hh_text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

hh_status hh_embedding_set_take(hh_embedding_set *set, hh_text key, const void *value, size_t length,
                                hh_error *error)
{
    hh_embedding_record record;
    if (!key.bytes || key.length == 0)
        return hh_fail(error, HH_FORMAT, "it has no key");
    bool begin = equal(key, hh_embedding_mark(HH_EMBEDDING_BEGIN)),
         mark = begin || equal(key, hh_embedding_mark(HH_EMBEDDING_END));
    if (!mark && !hh_embedding_item(key))
        return hh_fail(error, HH_FORMAT, "its key is neither an item's id nor that of a mark");
    if (!value && !mark) {
        hh_embedding_set_remove(set, key);
        return HH_OK;
    }
    hh_status status = hh_embedding_decode(set->decoder, value, length, &record, error);
    if (status == HH_OK) {
        bool fits = record.kind == HH_EMBEDDING_VECTOR ? !mark && equal(key, record.item)
                                                       : mark && begin == (record.kind == HH_EMBEDDING_BEGIN);
        if (fits)
            return hh_embedding_set_note(set, &record, error);
        status = hh_fail(error, HH_FORMAT, "its key is not that of what it says it is");
    }
    if (status == HH_FORMAT && mark) {
        set->ended = false;
        set->unread = true;
    } else if (status == HH_FORMAT && put(set, key, NULL, 0, error))
        status = HH_MEMORY;
    return status;
}

hh_status hh_embedding_set_check(const hh_embedding_set *set, hh_snapshot *snapshot, hh_error *error)
{
    const hh_snapshot *says = &set->snapshot;
    uint64_t checksum = 0;
    *snapshot = *says;
    if (set->unread && !set->ended)
        return hh_fail(error, HH_FORMAT, "the mark of a snapshot's beginning or end can't be read");
    if (!set->begun)
        return hh_fail(error, HH_NOT_FOUND, "no snapshot has been published there yet");
    if (!set->ended)
        return hh_fail(error, HH_FORMAT, "the snapshot of version %lld has begun and not ended",
                       (long long)says->version);
    if (set->count != says->count)
        return hh_fail(error, HH_FORMAT, "the snapshot of version %lld has %u vectors, and %zu are there",
                       (long long)says->version, says->count, set->count);
    for (size_t i = 0; i < set->end; i++) {
        hh_embedding found;
        if (!hh_embedding_set_at(set, i, &found))
            continue;
        if (!found.vector)
            return hh_fail(error, HH_FORMAT, "the vector of item \"%.*s\" can't be read",
                           (int)(found.item.length < 100 ? found.item.length : 100), found.item.bytes);
        if (found.dimension != says->dimension)
            return hh_fail(
                error, HH_FORMAT,
                "the vector of item \"%.*s\" has %u numbers, and the snapshot of version %lld has %u",
                (int)(found.item.length < 100 ? found.item.length : 100), found.item.bytes, found.dimension,
                (long long)says->version, says->dimension);
        checksum += hh_embedding_checksum(found.item, found.vector, found.dimension);
    }
    if (checksum != says->checksum)
        return hh_fail(error, HH_FORMAT,
                       "the checksum of the vectors is not that of the snapshot of version %lld",
                       (long long)says->version);
    return HH_OK;
}

// ---- looking ----

size_t hh_embedding_set_count(const hh_embedding_set *set)
{
    return set->count;
}

size_t hh_embedding_set_end(const hh_embedding_set *set)
{
    return set->end;
}

bool hh_embedding_set_at(const hh_embedding_set *set, size_t index, hh_embedding *found)
{
    if (index >= set->end || !set->slots[index].used)
        return false;
    *found = (hh_embedding){.vector = set->slots[index].vector, .dimension = set->slots[index].dimension};
    found->item.bytes = hh_intern_bytes(set->items, (uint32_t)index, &found->item.length);
    return true;
}

bool hh_embedding_set_find(const hh_embedding_set *set, hh_text item, hh_embedding *found)
{
    uint32_t number = hh_intern_find(set->items, item.bytes, item.length);
    return number != HH_INTERN_NONE && hh_embedding_set_at(set, number, found);
}
