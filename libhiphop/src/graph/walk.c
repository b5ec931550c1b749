// The one pass over postings. For each distinct item of the asking session's last HH_DEPTH clicks it reads
// the newest sessions that hold it, as of the query's time and without the asking session's own, and hands
// what it finds to two experts: to pair the clicks on the item, to knn the session with its similarity.
//
// Sessions lie scattered in memory, so the pass fetches ahead: slots further, blocks nearer. It does little
// for each, in loops of their own for each step: what the processor cannot foresee costs more than the work.
#include "graph/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD_SLOT  16
#define AHEAD_BLOCK 8
// For each click further back, half as many sessions are read: on four streams reading all of them was not
// better, and long sessions made queries slow. But at least:
#define FEWEST 10u
// What one session can cost is bounded, however long it is and however often it comes back to an item:
#define SCAN    256u // of its clicks before as_of the last so many are looked through,
#define MATCHES 4u   // and of those on the item the last so many count for pair

bool hh_grow(void *memory, uint32_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return true;
    size_t larger = *capacity ? *capacity : 64;
    while (larger < count)
        larger *= 2;
    void *old, *grown;
    memcpy(&old, memory, sizeof old);
    if (larger > UINT32_MAX || !(grown = realloc(old, larger * size)))
        return false;
    memcpy(memory, &grown, sizeof grown);
    *capacity = (uint32_t)larger;
    return true;
}

// ---- sessions by slot ----

#define FIRST_PLACES 2048

// The table of places is small at first in each query, so that it is emptied fast.
static bool places_reset(hh_reader *reader, uint32_t size)
{
    if (!hh_grow(&reader->places, &reader->place_capacity, size, sizeof *reader->places))
        return false;
    memset(reader->places, 0, size * sizeof *reader->places);
    reader->place_mask = size - 1;
    for (uint32_t i = 0; i < reader->neighbour_count; i++) {
        uint32_t at = hh_place_of(reader, reader->neighbours[i].slot);
        while (reader->places[at])
            at = (at + 1) & reader->place_mask;
        reader->places[at] = i + 1;
    }
    return true;
}

// Room for so many more neighbours, and for what is found of them. From the second item on a session may be
// met again, from the first where a slot may be listed twice: then each gets a place.
static bool reserve(hh_reader *reader, uint32_t more, bool twice)
{
    size_t most = (size_t)reader->neighbour_count + more;
    uint32_t a = reader->neighbour_capacity, b = a, c = a, d = a, size = FIRST_PLACES;
    if (!hh_grow(&reader->ranks, &a, most, sizeof *reader->ranks) ||
        !hh_grow(&reader->similar, &b, most, sizeof *reader->similar) ||
        !hh_grow(&reader->scratch, &c, most, sizeof *reader->scratch) ||
        !hh_grow(&reader->chosen, &d, most, sizeof *reader->chosen) ||
        !hh_grow(&reader->neighbours, &reader->neighbour_capacity, most, sizeof *reader->neighbours) ||
        !hh_grow(&reader->found, &reader->found_capacity, (size_t)more * MATCHES + SCAN + 1,
                 sizeof *reader->found))
        return false;
    if (!twice && !reader->neighbour_count)
        return true;
    while (size < 2 * (most + 1))
        size *= 2;
    if (!reader->all_new && reader->place_mask + 1 >= size)
        return true;
    reader->all_new = false;
    return places_reset(reader, size);
}

// The neighbour in the slot, found or made.
static inline uint32_t neighbour_of(hh_reader *reader, uint32_t slot)
{
    uint32_t number = reader->neighbour_count;
    if (!reader->all_new) {
        uint32_t at = hh_place_of(reader, slot);
        for (; reader->places[at]; at = (at + 1) & reader->place_mask)
            if (reader->neighbours[reader->places[at] - 1].slot == slot)
                return reader->places[at] - 1;
        reader->places[at] = number + 1;
    }
    reader->neighbours[number].slot = slot;
    reader->neighbours[number].depth = HH_NONE;
    return reader->neighbour_count++;
}

// ---- the pass ----

// The session's clicks before as_of.
static uint32_t clicks_before(const hh_block *block, uint32_t count, hh_time limit)
{
    if (count == 0 || (hh_time)hh_click_at(block, count - 1) < limit)
        return count;
    uint32_t low = 0; // all below are earlier, none from count on
    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if ((hh_time)hh_click_at(block, middle) < limit)
            low = middle + 1;
        else
            count = middle;
    }
    return count;
}

static bool is_own(const hh_reader *reader, const hh_block *block, uint32_t clicks)
{
    return block->tag == reader->tag &&
           hh_click_time(reader->graph, block, clicks - 1) >= reader->session_start;
}

// One item of the asking session that is being read.
typedef struct hh_reading {
    hh_item item;
    uint32_t depth;
    float weight; // for knn
} hh_reading;

// The neighbour in the slot, which holds the item; NULL where it was read for it already (listed twice: its
// slot was used before, by another session with this item).
static inline hh_neighbour *meet(hh_reader *reader, const hh_reading *reading, uint32_t slot,
                                 const hh_block *block, uint32_t clicks, hh_time limit)
{
    hh_neighbour *neighbour = &reader->neighbours[neighbour_of(reader, slot)];
    if (neighbour->depth == reading->depth)
        return NULL;
    if (neighbour->depth == HH_NONE) {
        neighbour->block = block;
        neighbour->clicks = clicks;
        neighbour->match = 0;
        neighbour->similarity = 0;
        neighbour->age = (float)(limit - hh_click_at(block, clicks - 1));
    }
    neighbour->depth = reading->depth;
    neighbour->similarity += reading->weight;
    return neighbour;
}

// Reads one session for the item; whether it is one that holds the item and that the query may see. Its
// clicks on the item go to reader->found.
static inline bool read_short(hh_reader *reader, const hh_reading *reading, uint32_t slot,
                              const hh_block *block, uint32_t clicks, hh_time limit)
{
    hh_item its[HH_SHORT]; // what the session has not is its last click again
    uint32_t matches = 0;
    for (uint32_t i = 0; i < HH_SHORT; i++) {
        its[i] = block->clicks[i < clicks ? i : clicks - 1].item;
        matches |= (uint32_t)(its[i] == reading->item) << i;
    }
    matches &= (1u << clicks) - 1;
    if (!matches || is_own(reader, block, clicks))
        return false;
    hh_neighbour *neighbour = meet(reader, reading, slot, block, clicks, limit);
    if (!neighbour)
        return false;
    uint32_t number = (uint32_t)(neighbour - reader->neighbours), count = reader->found_count, at = 0;
    if (number >= reader->known) // new: settle() will make rows of them
        memcpy(neighbour->candidates, its, sizeof its);
    else
        matches &= (1u << neighbour->clicks) - 1; // it may have grown since: what it was then counts
    for (; matches; matches &= matches - 1) {
        at = (uint32_t)__builtin_ctz(matches);
        reader->found[count++] = (hh_found){number, at};
    }
    neighbour->match = at > neighbour->match ? at : neighbour->match;
    reader->found_count = count;
    return true;
}

static bool read_long(hh_reader *reader, const hh_reading *reading, uint32_t slot, const hh_block *block,
                      uint32_t clicks, hh_time limit)
{
    hh_found *found = reader->found;
    uint32_t begin = reader->found_count, end = begin;
    // No branch on the item: nobody could predict it.
    for (uint32_t i = clicks > SCAN ? clicks - SCAN : 0; i < clicks; i++) {
        found[end].at = i;
        end += block->clicks[i].item == reading->item;
    }
    if (end == begin || is_own(reader, block, clicks))
        return false;
    hh_neighbour *neighbour = meet(reader, reading, slot, block, clicks, limit);
    if (!neighbour)
        return false;
    while (end > begin && found[end - 1].at >= neighbour->clicks) // it may have grown since
        end--;
    if (end - begin > MATCHES) {
        memmove(found + begin, found + end - MATCHES, MATCHES * sizeof *found);
        end = begin + MATCHES;
    }
    for (uint32_t i = begin; i < end; i++)
        found[i].neighbour = (uint32_t)(neighbour - reader->neighbours);
    reader->found_count = end;
    uint32_t last = end > begin ? found[end - 1].at : 0;
    neighbour->match = last > neighbour->match ? last : neighbour->match;
    return true;
}

static inline bool read_session(hh_reader *reader, const hh_reading *reading, uint32_t slot,
                                const hh_block *block)
{
    uint32_t count = hh_block_count(block);
    hh_time limit = reader->limit - (hh_time)block->base * 1000; // as_of in the block's time
    uint32_t clicks = clicks_before(block, count, limit);
    if (clicks - 1 < reader->at_once)
        return read_short(reader, reading, slot, block, clicks, limit);
    return clicks && read_long(reader, reading, slot, block, clicks, limit);
}

static void fetch_slot(const hh_store *store, const hh_postings *postings, uint32_t i)
{
    __builtin_prefetch(hh_slot_at(store, atomic_load_explicit(&postings->slots[i], memory_order_relaxed)));
}

static const hh_block *fetch_block(const hh_store *store, const hh_postings *postings, uint32_t i)
{
    uint32_t slot = atomic_load_explicit(&postings->slots[i], memory_order_relaxed);
    const hh_block *block = hh_slot_block(store, slot);
    if (block) { // most sessions fit into two lines
        __builtin_prefetch(block);
        __builtin_prefetch((const char *)block + 64);
    }
    return block;
}

static void read_item(hh_reader *reader, const hh_reading *reading)
{
    const hh_store *store = &reader->graph->store;
    const hh_postings *postings = atomic_load_explicit(
        &hh_item_at(&reader->graph->items, reading->item)->postings, memory_order_acquire);
    if (!postings)
        return;
    uint32_t end = atomic_load_explicit(&postings->end, memory_order_acquire);
    uint32_t begin = atomic_load_explicit(&postings->begin, memory_order_relaxed);
    uint32_t most = reader->graph->options.sessions, wanted = most >> reading->depth;
    if (wanted < FEWEST)
        wanted = FEWEST < most ? FEWEST : most;
    if (!reserve(reader, wanted, atomic_load_explicit(&postings->stale, memory_order_relaxed))) {
        reader->failed = true;
        return;
    }
    const hh_block *ahead[AHEAD_BLOCK]; // of i in i % AHEAD_BLOCK, NULL: nobody's
    for (uint32_t i = end; i > begin && i + AHEAD_BLOCK > end; i--)
        ahead[(i - 1) % AHEAD_BLOCK] = fetch_block(store, postings, i - 1);
    for (uint32_t i = end; i-- > begin && wanted;) {
        const hh_block *block = ahead[i % AHEAD_BLOCK];
        if (i >= begin + AHEAD_SLOT)
            fetch_slot(store, postings, i - AHEAD_SLOT);
        if (i >= begin + AHEAD_BLOCK)
            ahead[i % AHEAD_BLOCK] = fetch_block(store, postings, i - AHEAD_BLOCK);
        uint32_t slot = atomic_load_explicit(&postings->slots[i], memory_order_relaxed);
        wanted -= block && read_session(reader, reading, slot, block);
    }
}

// For the new neighbours: what is left of them after their age, that of their last click, and the rows of
// short ones.
static void settle(hh_reader *reader)
{
    const float *rates = reader->rate;
    const hh_four rate = {-rates[0], -rates[1], -rates[2], -rates[3]};
    const uint32_t *index = reader->index; // as the loop needs them: it runs a thousand times a query
    const uint32_t items = reader->index_capacity, first = reader->first;
    uint32_t count = reader->count;
    for (uint32_t i = reader->known; i < reader->neighbour_count; i++) {
        hh_neighbour *neighbour = &reader->neighbours[i];
        neighbour->left = hh_half(neighbour->age * rate);
        if (neighbour->clicks > reader->at_once)
            continue;
        for (int j = 0; j < HH_SHORT; j++) {
            hh_item item = neighbour->candidates[j];
            uint32_t candidate = item < items ? index[item] - first : HH_NONE;
            if (candidate >= count) {
                candidate = hh_candidate_new(reader, item);
                count = reader->count;
            }
            neighbour->candidates[j] = candidate + 1; // row 0 for HH_NONE
        }
    }
}

void hh_walk(hh_reader *reader, const hh_item *items, size_t length)
{
    const hh_graph_options *options = &reader->graph->options;
    reader->all_new = true;
    for (uint32_t depth = 0; depth < HH_DEPTH && depth < length && !reader->failed; depth++) {
        hh_item item = items[length - 1 - depth];
        bool later = false; // in the session
        for (uint32_t d = 0; d < depth; d++)
            later = later || items[length - 1 - d] == item;
        uint32_t candidate = later || item >= reader->index_capacity ? HH_NONE : hh_candidate(reader, item);
        if (candidate == HH_NONE)
            continue;
        float rarity = logf(1 + hh_query_all_clicks(reader) / fmaxf(1, hh_query_clicks(reader, candidate)));
        reader->known = reader->neighbour_count;
        reader->found_count = 0;
        float weight = expf(-(float)depth / (float)options->knn_decay) * rarity;
        read_item(reader, &(hh_reading){item, depth, weight});
        if (reader->failed)
            return;
        settle(reader);
        hh_votes_pair(reader, depth);
    }
}
