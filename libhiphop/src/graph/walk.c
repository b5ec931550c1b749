// The one pass over postings. For each distinct item of the asking session's last HH_DEPTH clicks it reads
// the newest sessions that hold it, as of the query's time and without the asking session's own, and hands
// what it finds to two experts: to pair the clicks around the item, to knn the session with its similarity.
//
// Sessions lie scattered in memory, so the pass fetches ahead: slots further, blocks nearer.
#include "graph/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD_SLOT  16
#define AHEAD_BLOCK 8
// For each click further back, half as many sessions are read: on four streams reading all of them was not
// better, and long sessions made queries slow. But at least:
#define FEWEST 10u

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

static bool places_grow(hh_reader *reader)
{
    uint32_t size = reader->place_mask ? 2 * (reader->place_mask + 1) : 2048;
    hh_session_place *places = calloc(size, sizeof *places);
    if (!places)
        return false;
    for (uint32_t i = 0; reader->places && i <= reader->place_mask; i++) {
        const hh_session_place *old = &reader->places[i];
        if (old->stamp != reader->stamp)
            continue;
        uint32_t place = (old->slot * 0x9e3779b1u) & (size - 1);
        while (places[place].stamp == reader->stamp)
            place = (place + 1) & (size - 1);
        places[place] = *old;
    }
    free(reader->places);
    reader->places = places;
    reader->place_mask = size - 1;
    return true;
}

static uint32_t neighbour_new(hh_reader *reader, hh_session_place *place, uint32_t slot)
{
    if (reader->neighbour_count == reader->neighbour_capacity) {
        uint32_t capacity = reader->neighbour_capacity;
        if (!hh_grow(&reader->ranks, &capacity, reader->neighbour_count + 1, sizeof *reader->ranks) ||
            !hh_grow(&reader->neighbours, &reader->neighbour_capacity, reader->neighbour_count + 1,
                     sizeof *reader->neighbours))
            return HH_NONE;
    }
    *place = (hh_session_place){reader->stamp, slot, reader->neighbour_count};
    reader->neighbours[reader->neighbour_count] = (hh_neighbour){.depth = HH_NONE};
    return reader->neighbour_count++;
}

static uint32_t neighbour_of(hh_reader *reader, uint32_t slot)
{
    if (2 * reader->neighbour_count >= reader->place_mask && !places_grow(reader))
        return HH_NONE;
    uint32_t at = (slot * 0x9e3779b1u) & reader->place_mask;
    while (reader->places[at].stamp == reader->stamp) {
        if (reader->places[at].slot == slot)
            return reader->places[at].neighbour;
        at = (at + 1) & reader->place_mask;
    }
    return neighbour_new(reader, &reader->places[at], slot);
}

// ---- the pass ----

// The session's clicks before as_of.
static uint32_t clicks_before(const hh_block *block, uint32_t count, hh_time limit)
{
    if (limit > UINT32_MAX)
        return count;
    while (count > 0 && (hh_time)block->clicks[count - 1].at >= limit)
        count--;
    return count;
}

// The first time that a session is read: what is left of it after its age, that of its last click.
static void meet(hh_reader *reader, hh_neighbour *neighbour, const hh_block *block, uint32_t clicks,
                 hh_time limit)
{
    float age = -(float)(limit - block->clicks[clicks - 1].at);
    neighbour->block = block;
    neighbour->clicks = clicks;
    const float *rate = reader->rate;
    neighbour->left = hh_half((hh_four){age * rate[0], age * rate[1], age * rate[2], age * rate[3]});
}

// Reads one session for the item; whether it is one that holds the item and that the query may see.
static bool read_session(hh_reader *reader, uint32_t slot, hh_item item, uint32_t depth, float weight)
{
    hh_graph *graph = reader->graph;
    const hh_block *block = hh_slot_block(&graph->store, slot);
    if (!block)
        return false;
    uint32_t count = atomic_load_explicit(&block->count, memory_order_acquire);
    hh_time limit = reader->limit - (hh_time)block->base * 1000; // as_of in the block's time
    uint32_t clicks = clicks_before(block, count, limit), first = 0;
    while (first < clicks && block->clicks[first].item != item)
        first++;
    if (first == clicks)
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
    if (neighbour->depth == HH_NONE)
        meet(reader, neighbour, block, clicks, limit);
    neighbour->depth = depth;
    neighbour->similarity += weight;
    const float pair[2] = {neighbour->left[0], neighbour->left[1]};
    uint32_t last = first;
    for (uint32_t i = first; i < neighbour->clicks; i++) {
        if (block->clicks[i].item != item)
            continue;
        last = i;
        if (!hh_pair_read(reader, block, clicks, i, pair, depth == 0))
            reader->failed = true;
    }
    if (last > neighbour->match)
        neighbour->match = last;
    return true;
}

static void fetch_slot(const hh_store *store, const hh_postings *postings, uint32_t i)
{
    __builtin_prefetch(hh_slot_at(store, atomic_load_explicit(&postings->slots[i], memory_order_relaxed)));
}

static void fetch_block(const hh_store *store, const hh_postings *postings, uint32_t i)
{
    uint32_t slot = atomic_load_explicit(&postings->slots[i], memory_order_relaxed);
    uint32_t block = atomic_load_explicit(&hh_slot_at(store, slot)->block, memory_order_relaxed);
    if (block != HH_NONE) { // most sessions fit into two lines
        const char *bytes = (const char *)hh_block_at(store, block);
        __builtin_prefetch(bytes);
        __builtin_prefetch(bytes + 64);
    }
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
    for (uint32_t i = end; i > begin && i + AHEAD_BLOCK > end; i--)
        fetch_block(store, postings, i - 1);
    for (uint32_t i = end; i-- > begin && wanted && !reader->failed;) {
        if (i >= begin + AHEAD_SLOT)
            fetch_slot(store, postings, i - AHEAD_SLOT);
        if (i >= begin + AHEAD_BLOCK)
            fetch_block(store, postings, i - AHEAD_BLOCK);
        uint32_t slot = atomic_load_explicit(&postings->slots[i], memory_order_relaxed);
        wanted -= read_session(reader, slot, item, depth, weight);
    }
}

void hh_walk(hh_reader *reader, const hh_item *items, size_t length)
{
    const hh_graph_options *options = &reader->graph->options;
    for (uint32_t depth = 0; depth < HH_DEPTH && depth < length; depth++) {
        hh_item item = items[length - 1 - depth];
        bool later = false; // in the session
        for (uint32_t d = 0; d < depth; d++)
            later = later || items[length - 1 - d] == item;
        uint32_t candidate = later || item >= reader->index_capacity ? HH_NONE : hh_candidate(reader, item);
        if (candidate == HH_NONE)
            continue;
        float rarity = logf(1 + hh_query_all_clicks(reader) / fmaxf(1, hh_query_clicks(reader, candidate)));
        reader->event_count = 0;
        read_item(reader, item, depth, expf(-(float)depth / (float)options->knn_decay) * rarity);
        hh_pair_add_row(reader, depth);
    }
}
