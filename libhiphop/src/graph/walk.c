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

static uint32_t neighbour_of(hh_reader *reader, uint32_t slot)
{
    uint32_t number = reader->neighbour_count;
    if (2 * number >= reader->place_mask && !places_reset(reader, 2 * (reader->place_mask + 1)))
        return HH_NONE;
    uint32_t at = hh_place_of(reader, slot);
    for (; reader->places[at]; at = (at + 1) & reader->place_mask)
        if (reader->neighbours[reader->places[at] - 1].slot == slot)
            return reader->places[at] - 1;
    if (number == reader->neighbour_capacity) {
        uint32_t a = number, b = number, c = number, d = number;
        if (!hh_grow(&reader->ranks, &a, number + 1, sizeof *reader->ranks) ||
            !hh_grow(&reader->similar, &b, number + 1, sizeof *reader->similar) ||
            !hh_grow(&reader->scratch, &c, number + 1, sizeof *reader->scratch) ||
            !hh_grow(&reader->chosen, &d, number + 1, sizeof *reader->chosen) ||
            !hh_grow(&reader->neighbours, &reader->neighbour_capacity, number + 1,
                     sizeof *reader->neighbours))
            return HH_NONE;
    }
    reader->places[at] = number + 1;
    reader->neighbours[number].slot = slot;
    reader->neighbours[number].depth = HH_NONE;
    return reader->neighbour_count++;
}

// ---- the pass ----

// The session's clicks before as_of.
static uint32_t clicks_before(const hh_block *block, uint32_t count, hh_time limit)
{
    if (count == 0 || (hh_time)block->clicks[count - 1].at < limit)
        return count;
    uint32_t low = 0; // all below are earlier, none from count on
    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if ((hh_time)block->clicks[middle].at < limit)
            low = middle + 1;
        else
            count = middle;
    }
    return count;
}

// Reads one session for the item; whether it is one that holds the item and that the query may see. Its
// clicks on the item go to reader->found.
static bool read_session(hh_reader *reader, uint32_t slot, const hh_block *block, hh_item item,
                         uint32_t depth, float weight)
{
    hh_graph *graph = reader->graph;
    uint32_t count = atomic_load_explicit(&block->count, memory_order_acquire);
    hh_time limit = reader->limit - (hh_time)block->base * 1000; // as_of in the block's time
    uint32_t clicks = clicks_before(block, count, limit), begin = reader->found_count, end = begin;
    if (begin + SCAN >= reader->found_capacity &&
        !hh_grow(&reader->found, &reader->found_capacity, (size_t)begin + SCAN + 1, sizeof *reader->found)) {
        reader->failed = true;
        return false;
    }
    hh_found *found = reader->found;
    for (uint32_t i = clicks > SCAN ? clicks - SCAN : 0; i < clicks;
         i++) { // no branch on the item: nobody could predict it
        found[end].at = i;
        end += block->clicks[i].item == item;
    }
    if (end == begin)
        return false;
    if (block->tag == reader->tag && hh_click_time(graph, block, clicks - 1) >= reader->session_start)
        return false;
    uint32_t number = neighbour_of(reader, slot);
    if (number == HH_NONE) {
        reader->failed = true;
        return false;
    }
    hh_neighbour *neighbour = &reader->neighbours[number];
    if (neighbour->depth == depth)
        return false; // listed twice: its slot was used before, by another session with this item
    if (neighbour->depth == HH_NONE) {
        neighbour->block = block;
        neighbour->clicks = clicks;
        neighbour->match = 0;
        neighbour->similarity = 0;
        neighbour->age = (float)(limit - block->clicks[clicks - 1].at);
    } else { // it may have grown since: what it was then counts
        while (end > begin && found[end - 1].at >= neighbour->clicks)
            end--;
    }
    if (end - begin > MATCHES) {
        memmove(found + begin, found + end - MATCHES, MATCHES * sizeof *found);
        end = begin + MATCHES;
    }
    neighbour->depth = depth;
    neighbour->similarity += weight;
    for (uint32_t i = begin; i < end; i++)
        found[i].neighbour = number;
    reader->found_count = end;
    uint32_t last = end > begin ? found[end - 1].at : 0;
    neighbour->match = last > neighbour->match ? last : neighbour->match;
    return true;
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

static void read_item(hh_reader *reader, hh_item item, uint32_t depth, float weight)
{
    const hh_store *store = &reader->graph->store;
    const hh_postings *postings =
        atomic_load_explicit(&hh_item_at(&reader->graph->items, item)->postings, memory_order_acquire);
    if (!postings)
        return;
    uint32_t end = atomic_load_explicit(&postings->end, memory_order_acquire);
    uint32_t begin = atomic_load_explicit(&postings->begin, memory_order_relaxed);
    uint32_t most = reader->graph->options.sessions, wanted = most >> depth;
    if (wanted < FEWEST)
        wanted = FEWEST < most ? FEWEST : most;
    const hh_block *ahead[AHEAD_BLOCK]; // of i in i % AHEAD_BLOCK, NULL: nobody's
    for (uint32_t i = end; i > begin && i + AHEAD_BLOCK > end; i--)
        ahead[(i - 1) % AHEAD_BLOCK] = fetch_block(store, postings, i - 1);
    for (uint32_t i = end; i-- > begin && wanted && !reader->failed;) {
        const hh_block *block = ahead[i % AHEAD_BLOCK];
        if (i >= begin + AHEAD_SLOT)
            fetch_slot(store, postings, i - AHEAD_SLOT);
        if (i >= begin + AHEAD_BLOCK)
            ahead[i % AHEAD_BLOCK] = fetch_block(store, postings, i - AHEAD_BLOCK);
        uint32_t slot = atomic_load_explicit(&postings->slots[i], memory_order_relaxed);
        wanted -= block && read_session(reader, slot, block, item, depth, weight);
    }
}

// What is left of the sessions from `first` on after their age, that of their last click.
static void decay(hh_reader *reader, uint32_t first)
{
    const float *rates = reader->rate;
    const hh_four rate = {-rates[0], -rates[1], -rates[2], -rates[3]};
    for (uint32_t i = first; i < reader->neighbour_count; i++)
        reader->neighbours[i].left = hh_half(reader->neighbours[i].age * rate);
}

void hh_walk(hh_reader *reader, const hh_item *items, size_t length)
{
    const hh_graph_options *options = &reader->graph->options;
    if (!places_reset(reader, FIRST_PLACES)) {
        reader->failed = true;
        return;
    }
    for (uint32_t depth = 0; depth < HH_DEPTH && depth < length; depth++) {
        hh_item item = items[length - 1 - depth];
        bool later = false; // in the session
        for (uint32_t d = 0; d < depth; d++)
            later = later || items[length - 1 - d] == item;
        uint32_t candidate = later || item >= reader->index_capacity ? HH_NONE : hh_candidate(reader, item);
        if (candidate == HH_NONE)
            continue;
        float rarity = logf(1 + hh_query_all_clicks(reader) / fmaxf(1, hh_query_clicks(reader, candidate)));
        uint32_t known = reader->neighbour_count;
        reader->found_count = 0;
        read_item(reader, item, depth, expf(-(float)depth / (float)options->knn_decay) * rarity);
        decay(reader, known);
        hh_votes_pair(reader, depth);
    }
}
