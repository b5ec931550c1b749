// The index of a hash table: 32-bit tags to 32-bit numbers, open addressing. The owner keeps the keys, looks
// them up by walking the slots of a tag, and compares:
//
//     for (size_t at = hh_slots_first(&slots, tag); hh_slots_used(&slots, at); at = hh_slots_next(&slots,
//     at))
//         if (slots.slot[at].tag == tag && key_of(slots.slot[at].number) is the one)
//
// Growing needs the tags alone, never the keys. Removing leaves no tombstones: a stream of ever new keys
// doesn't wear the table out.
#ifndef HH_SESSION_SLOTS_H
#define HH_SESSION_SLOTS_H

#include <hiphop/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HH_SLOT_EMPTY UINT32_MAX

typedef struct hh_slot {
    uint32_t tag;
    uint32_t number; // HH_SLOT_EMPTY: nothing here
} hh_slot;

typedef struct hh_slots {
    hh_slot *slot; // [capacity], a power of two; NULL while empty
    size_t capacity;
    size_t count;
} hh_slots;

// Room for one more, so that the next insert can't fail. HH_MEMORY leaves the slots as they are.
hh_status hh_slots_reserve(hh_slots *slots);
// Returns where it went. Needs room.
size_t hh_slots_insert(hh_slots *slots, uint32_t tag, uint32_t number);
void hh_slots_remove(hh_slots *slots, size_t at);
void hh_slots_free(hh_slots *slots);

static inline size_t hh_slots_first(const hh_slots *slots, uint32_t tag)
{
    return tag & (slots->capacity - 1);
}

static inline size_t hh_slots_next(const hh_slots *slots, size_t at)
{
    return (at + 1) & (slots->capacity - 1);
}

static inline bool hh_slots_used(const hh_slots *slots, size_t at)
{
    return slots->capacity && slots->slot[at].number != HH_SLOT_EMPTY;
}

#endif
