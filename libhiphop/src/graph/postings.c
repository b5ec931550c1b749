// For each item, the sessions that hold it, in order of (first click on the item, visitor's tag): an order
// that does not depend on arrival. Nearly always a new one belongs at the end, which costs one store;
// everything else makes a new array.
#include "graph/internal.h"

#include <stdlib.h>

#define FIRST_CAPACITY 2
#define NEAR           4 // of the newest that are looked at one by one
#define AHEAD          8 // times `keep` sessions of an item are held for slow readers

static size_t bytes_of(uint32_t capacity)
{
    return sizeof(hh_postings) + capacity * sizeof(uint32_t);
}

// The session's first click on the item; HH_TIME_MIN where it has none (it expired, the slot is another's).
static hh_time first_click(const hh_graph *graph, uint32_t slot, hh_item item, uint32_t *tag)
{
    const hh_block *block = hh_slot_block(&graph->store, slot);
    if (!block)
        return HH_TIME_MIN;
    *tag = block->tag;
    uint32_t count = hh_block_count(block);
    for (uint32_t i = 0; i < count; i++)
        if (block->clicks[i].item == item)
            return hh_click_time(graph, block, i);
    return HH_TIME_MIN;
}

// Puts `fresh` in the place of the item's postings.
static void publish(hh_graph *graph, hh_item_entry *item, hh_postings *fresh)
{
    hh_postings *old = item->postings;
    atomic_store_explicit(&item->postings, fresh, memory_order_release);
    graph->items.memory += bytes_of(fresh->capacity);
    if (old) {
        graph->items.memory -= bytes_of(old->capacity);
        hh_retire(graph, HH_RETIRED_MEMORY, 0, old);
    }
}

// How many of the item's oldest can go: a reader as slow as the slowest still finds `keep` that are older
// than its query, unless the item's sessions beyond those are too many.
static uint32_t spare(hh_graph *graph, hh_item number, const hh_postings *old)
{
    uint32_t begin = old->begin, held = old->end - begin, keep = graph->keep, unused;
    if (held < keep + keep / 4)
        return 0;
    hh_time slowest = hh_readers_slowest(graph);
    uint32_t drop = held - keep, most = AHEAD * keep;
    while (drop && first_click(graph, old->slots[begin + drop + keep - 1], number, &unused) >= slowest)
        drop /= 2;
    return held >= most + most / 4 && drop < held - most ? held - most : drop;
}

// A copy of the item's postings with room for one more: without `without` (HH_NONE: nobody) and, where some
// may be stale, without those.
static hh_postings *copy(hh_graph *graph, hh_item number, uint32_t without)
{
    hh_item_entry *item = hh_item_at(&graph->items, number);
    const hh_postings *old = item->postings;
    uint32_t begin = old ? old->begin : 0, end = old ? old->end : 0, unused;
    begin += old ? spare(graph, number, old) : 0;
    bool stale = old && atomic_load_explicit(&old->stale, memory_order_relaxed), again = false;
    uint32_t held = end - begin, capacity = FIRST_CAPACITY;
    if (held >= FIRST_CAPACITY)
        capacity = held + held / (stale ? 4 : 8) + 1; // stale ones cost a look at each session
    hh_postings *fresh = hh_retire_reserve(graph, 1) ? NULL : malloc(bytes_of(capacity));
    if (!fresh)
        return NULL;
    fresh->capacity = capacity;
    uint32_t count = 0;
    hh_time last = HH_TIME_MIN;
    for (uint32_t i = begin; i < end; i++) {
        uint32_t slot = old->slots[i];
        if (slot == without)
            continue;
        if (stale) {
            hh_time time = first_click(graph, slot, number, &unused);
            if (time == HH_TIME_MIN)
                continue;
            again |= time <= last; // used again for the same item, and so listed twice: not in order
            last = time;
        }
        atomic_init(&fresh->slots[count++], slot);
    }
    atomic_init(&fresh->stale, again);
    atomic_init(&fresh->begin, 0);
    atomic_init(&fresh->end, count);
    return fresh;
}

static hh_status append(hh_graph *graph, hh_item number, uint32_t slot)
{
    hh_item_entry *item = hh_item_at(&graph->items, number);
    hh_postings *postings = item->postings;
    uint32_t end = postings ? postings->end : 0;
    if (!postings || end == postings->capacity) {
        hh_postings *fresh = copy(graph, number, HH_NONE);
        if (!fresh)
            return HH_MEMORY;
        publish(graph, item, fresh);
        postings = fresh;
        end = postings->end;
    }
    atomic_store_explicit(&postings->slots[end], slot, memory_order_relaxed);
    atomic_store_explicit(&postings->end, end + 1, memory_order_release);
    return HH_OK;
}

// Whether the session in the slot belongs before one with its first click at `time`.
static bool is_before(const hh_graph *graph, hh_item number, uint32_t slot, hh_time time, uint32_t tag)
{
    uint32_t other = 0;
    hh_time at = first_click(graph, slot, number, &other);
    return at < time || (at == time && other <= tag);
}

// Where a session belongs. Mostly near the end; where many have one time (of logs that know only the day), in
// the middle of them.
static uint32_t place_of(const hh_graph *graph, hh_item number, const hh_postings *postings, hh_time time,
                         uint32_t tag)
{
    uint32_t high = postings->end, near = postings->stale || high < NEAR ? 0 : high - NEAR, low = 0;
    for (; high > near; high--) // one by one where they may not be in order
        if (is_before(graph, number, postings->slots[high - 1], time, tag))
            return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_before(graph, number, postings->slots[middle], time, tag))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

hh_status hh_postings_place(hh_graph *graph, hh_item number, uint32_t slot, uint32_t tag, hh_time time,
                            bool listed)
{
    hh_item_entry *item = hh_item_at(&graph->items, number);
    if (!listed && time > item->newest) {
        hh_status status = append(graph, number, slot);
        if (!status)
            item->newest = time;
        return status;
    }
    hh_postings *fresh = copy(graph, number, slot);
    if (!fresh)
        return HH_MEMORY;
    uint32_t place = place_of(graph, number, fresh, time, tag);
    for (uint32_t i = fresh->end; i > place; i--)
        atomic_init(&fresh->slots[i], fresh->slots[i - 1]);
    atomic_init(&fresh->slots[place], slot);
    atomic_init(&fresh->end, fresh->end + 1);
    publish(graph, item, fresh);
    if (time > item->newest)
        item->newest = time;
    return HH_OK;
}

void hh_postings_drop(hh_graph *graph, hh_item number, uint32_t slot)
{
    hh_item_entry *item = hh_item_at(&graph->items, number);
    hh_postings *postings = item->postings;
    if (!postings)
        return;
    uint32_t begin = postings->begin;
    if (begin < postings->end && postings->slots[begin] == slot)
        atomic_store_explicit(&postings->begin, begin + 1, memory_order_release);
    else
        hh_postings_stale(graph, number);
}

void hh_postings_stale(hh_graph *graph, hh_item number)
{
    hh_postings *postings = hh_item_at(&graph->items, number)->postings;
    if (postings)
        atomic_store_explicit(&postings->stale, true, memory_order_relaxed);
}
