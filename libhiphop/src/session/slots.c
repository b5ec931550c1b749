// Linear probing at a load of at most 3/4; removal shifts the followers back.
#include "slots.h"

#include "blocks.h"
#include <stdlib.h>

#define SMALLEST 16u

static size_t place(hh_slots *slots, uint32_t tag, uint32_t number)
{
    size_t at = hh_slots_first(slots, tag);
    while (slots->slot[at].number != HH_SLOT_EMPTY)
        at = hh_slots_next(slots, at);
    slots->slot[at] = (hh_slot){tag, number};
    return at;
}

hh_status hh_slots_reserve(hh_slots *slots)
{
    if (slots->count + 1 <= slots->capacity / 4 * 3)
        return HH_OK;
    hh_slots grown = {.capacity = slots->capacity ? 2 * slots->capacity : SMALLEST, .count = slots->count};
    grown.slot = hh_pages_take(grown.capacity * sizeof *grown.slot);
    if (!grown.slot)
        return HH_MEMORY;
    for (size_t at = 0; at < grown.capacity; at++)
        grown.slot[at].number = HH_SLOT_EMPTY;
    for (size_t at = 0; at < slots->capacity; at++)
        if (slots->slot[at].number != HH_SLOT_EMPTY)
            place(&grown, slots->slot[at].tag, slots->slot[at].number);
    free(slots->slot);
    *slots = grown;
    return HH_OK;
}

size_t hh_slots_insert(hh_slots *slots, uint32_t tag, uint32_t number)
{
    slots->count++;
    return place(slots, tag, number);
}

void hh_slots_remove(hh_slots *slots, size_t at)
{
    size_t mask = slots->capacity - 1;
    size_t hole = at;
    for (size_t next = hh_slots_next(slots, hole); slots->slot[next].number != HH_SLOT_EMPTY;
         next = hh_slots_next(slots, next)) {
        // The follower may fill the hole unless its home lies behind the hole.
        size_t home = slots->slot[next].tag & mask;
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        slots->slot[hole] = slots->slot[next];
        hole = next;
    }
    slots->slot[hole].number = HH_SLOT_EMPTY;
    slots->count--;
}

void hh_slots_free(hh_slots *slots)
{
    free(slots->slot);
    *slots = (hh_slots){0};
}
