// The one pass over postings. For each distinct item of the asking session's last HH_DEPTH clicks it reads
// the newest sessions that hold it, as of the query's time and without the asking session's own: which they
// are (meet), then what they hold beside the item (settle). The votes come later, when it is known who is
// near (vote.c).
//
// What the processor cannot foresee costs more than the work. So sessions are fetched ahead, slots further,
// blocks nearer, and short ones are sorted by length into lists, whose loops always do the same.
#include "graph/reader.h"
#include "wide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 32 // sessions that are fetched at once
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

// Room for so many more neighbours, and for what is found of them. (decay() takes two neighbours at once.)
// From the second item on a session may be met again, from the first where a slot may be listed twice: then
// each gets a place.
static bool reserve(hh_reader *reader, uint32_t more, bool twice)
{
    size_t most = (size_t)reader->neighbour_count + more;
    uint32_t a = reader->neighbour_capacity, size = FIRST_PLACES;
    bool room =
        hh_grow(&reader->ranks, &a, most + 1, sizeof *reader->ranks) &&
        hh_grow(&reader->neighbours, &reader->neighbour_capacity, most + 1, sizeof *reader->neighbours) &&
        hh_grow(&reader->found, &reader->found_capacity,
                reader->found_count + (size_t)more * MATCHES + SCAN + 1, sizeof *reader->found);
    for (int i = 0; i <= HH_SHORT && room; i++) {
        hh_list *list = &reader->lists[i];
        list->known = list->count;
        room =
            hh_grow(&list->numbers, &list->capacity, list->count + 2 * (size_t)more, sizeof *list->numbers);
    }
    if (!room)
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

// The neighbour in the slot; the next new one where there is none.
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
    return number;
}

// ---- who holds the item ----

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

// Whether one of the clicks that are looked through is on the item.
static bool holds(const hh_block *block, uint32_t clicks, hh_item item)
{
    for (uint32_t i = clicks > SCAN ? clicks - SCAN : 0; i < clicks; i++)
        if (block->clicks[i].item == item)
            return true;
    return false;
}

// One item of the asking session that is being read.
typedef struct hh_reading {
    hh_item item;
    uint32_t depth;
    float weight;    // for knn
    bool stale;      // its postings may name sessions that do not hold it
    uint32_t wanted; // sessions that are still to be read
} hh_reading;

// Takes the session in the slot among the neighbours, unless the query may not see it, or not in it the item.
static inline void meet(hh_reader *reader, hh_reading *reading, uint32_t slot, const hh_block *block)
{
    uint32_t count = hh_block_count(block), clicks = count;
    hh_time limit = reader->limit - (hh_time)block->base * 1000; // as_of in the block's time
    hh_time last = count ? hh_click_at(block, count - 1) : limit;
    if (last >= limit) {
        clicks = clicks_before(block, count, limit);
        if (!clicks)
            return;
        last = hh_click_at(block, clicks - 1);
    }
    if ((reading->stale || clicks < count || clicks > SCAN) && !holds(block, clicks, reading->item))
        return;
    if (block->tag == reader->tag && is_own(reader, block, clicks))
        return;
    uint32_t number = neighbour_of(reader, slot), list = HH_GENERAL;
    hh_neighbour *neighbour = &reader->neighbours[number];
    if (number == reader->neighbour_count) {
        reader->neighbour_count++;
        neighbour->left = (hh_four){(float)(limit - last), 0, 0, 0};
        neighbour->at = 0;
        neighbour->first = (uint8_t)reading->depth;
        neighbour->block = block;
        neighbour->slot = slot;
        neighbour->clicks = clicks;
        neighbour->match = 0;
        neighbour->similarity = reading->weight;
        list = clicks <= reader->at_once ? clicks - 1 : HH_GENERAL;
    } else {
        if (neighbour->depth == reading->depth) // listed twice: its slot was used before, for this item too
            return;
        neighbour->similarity += reading->weight;
    }
    neighbour->depth = reading->depth;
    hh_list *its = &reader->lists[list];
    its->numbers[its->count++] = number;
    reading->wanted--;
}

static void fetch_slots(const hh_store *store, const hh_postings *postings, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++)
        __builtin_prefetch(
            hh_slot_at(store, atomic_load_explicit(&postings->slots[i], memory_order_relaxed)));
}

static void fetch_blocks(const hh_store *store, const hh_postings *postings, uint32_t begin, uint32_t end,
                         const hh_block *blocks[BATCH])
{
    for (uint32_t i = begin; i < end; i++) {
        const hh_block *block =
            hh_slot_block(store, atomic_load_explicit(&postings->slots[i], memory_order_relaxed));
        blocks[i - begin] = block;
        if (block) { // most sessions fit into two lines
            __builtin_prefetch(block);
            __builtin_prefetch((const char *)block + 64);
        }
    }
}

static uint32_t batch_before(uint32_t begin, uint32_t end)
{
    return end > begin && end - begin > BATCH ? end - BATCH : begin;
}

static void meet_all(hh_reader *reader, hh_reading *reading, const hh_postings *postings, uint32_t begin,
                     uint32_t end)
{
    const hh_store *store = &reader->graph->store;
    const hh_block *blocks[BATCH];
    uint32_t from = batch_before(begin, end);
    fetch_slots(store, postings, from, end);
    while (end > begin && reading->wanted) {
        uint32_t next = batch_before(begin, from);
        fetch_slots(store, postings, next, from);
        fetch_blocks(store, postings, from, end, blocks);
        for (uint32_t i = end; i-- > from && reading->wanted;)
            if (blocks[i - from])
                meet(reader, reading, atomic_load_explicit(&postings->slots[i], memory_order_relaxed),
                     blocks[i - from]);
        end = from;
        from = next;
    }
}

// ---- what they hold ----

// The session's clicks on the item are found one by one.
static void settle_general(hh_reader *reader, const hh_reading *reading, uint32_t number)
{
    hh_neighbour *neighbour = &reader->neighbours[number];
    hh_found *found = reader->found;
    uint32_t begin = reader->found_count, end = begin, clicks = neighbour->clicks;
    // No branch on the item: nobody could predict it. (It may have grown since: what it was then counts.)
    for (uint32_t i = clicks > SCAN ? clicks - SCAN : 0; i < clicks; i++) {
        found[end] = (hh_found){number, i, reading->depth};
        end += neighbour->block->clicks[i].item == reading->item;
    }
    if (end - begin > MATCHES) {
        memmove(found + begin, found + end - MATCHES, MATCHES * sizeof *found);
        end = begin + MATCHES;
    }
    reader->found_count = end;
    uint32_t last = end > begin ? found[end - 1].at : 0;
    neighbour->match = last > neighbour->match ? last : neighbour->match;
}

// For sessions of so many clicks, in their list: where the item is, and the rows of the others. One that has
// an item twice is dealt with like a long one. Inlined for each number of clicks.
static inline __attribute__((always_inline)) void settle_short(hh_reader *reader, hh_item item,
                                                               uint32_t clicks)
{
    hh_list *list = &reader->lists[clicks - 1], *general = &reader->lists[HH_GENERAL];
    const uint32_t *index = reader->index; // as the loop needs them: it runs hundreds of times a query
    const uint32_t items = reader->index_capacity, first = reader->first;
    uint32_t count = reader->count, kept = list->known;
    for (uint32_t i = list->known; i < list->count; i++) {
        uint32_t number = list->numbers[i], at = 0;
        hh_neighbour *neighbour = &reader->neighbours[number];
        const hh_click *its = neighbour->block->clicks;
        bool twice = false;
        for (uint32_t j = 1; j < clicks; j++) {
            at = its[j].item == item ? j : at;
            for (uint32_t k = 0; k < j; k++)
                twice |= its[j].item == its[k].item;
        }
        if (twice) {
            general->numbers[general->count++] = number;
            continue;
        }
        list->numbers[kept++] = number;
        neighbour->at = (uint8_t)at;
        neighbour->match = at;
        for (uint32_t j = 0; j + 1 < clicks; j++) {
            hh_item other = its[j + (j >= at)].item;
            uint32_t candidate = other < items ? index[other] - first : HH_NONE;
            if (candidate >= count) {
                candidate = hh_candidate_new(reader, other);
                count = reader->count;
            }
            neighbour->rows[j] = candidate + 1; // row 0 for HH_NONE
        }
    }
    list->count = kept;
}

// 2^x for eight x <= 0, to 2e-7 of it; 0 below 2^-126.
static inline __attribute__((always_inline)) void half(hh_eight *of)
{
    typedef int32_t whole_eight __attribute__((vector_size(32)));
    const hh_eight least = {-126, -126, -126, -126, -126, -126, -126, -126};
    hh_eight x = *of;
    whole_eight low = x < least;
    x = (hh_eight)(((whole_eight)x & ~low) | ((whole_eight)least & low));
    whole_eight whole = __builtin_convertvector(x, whole_eight) - 1; // x - whole is in 0..1
    hh_eight part = x - __builtin_convertvector(whole, hh_eight);
    hh_eight power = 0.00898934009f + part * 0.00187757667f;
    power = 0.0558263180f + part * power;
    power = 0.240153617f + part * power;
    power = 0.693153073f + part * power;
    *of = (1 + part * power) * (hh_eight)((whole + 127) << 23);
}

// What is left of the neighbours from `first` on after their age, that of their last click: two at a time, so
// that there must be room for one more.
HH_WIDE static void decay(hh_neighbour *neighbours, uint32_t first, uint32_t count, const float rates[4])
{
    for (uint32_t i = first; i < count; i += 2) {
        hh_four *one = &neighbours[i].left, *other = &neighbours[i + 1].left;
        float a = -(*one)[0], b = i + 1 < count ? -(*other)[0] : 0;
        hh_eight left = {a * rates[0], a * rates[1], a * rates[2], a * rates[3],
                         b * rates[0], b * rates[1], b * rates[2], b * rates[3]};
        half(&left);
        *one = (hh_four){left[0], left[1], left[2], left[3]};
        *other = (hh_four){left[4], left[5], left[6], left[7]};
    }
}

static void settle(hh_reader *reader, const hh_reading *reading)
{
    settle_short(reader, reading->item, 2);
    settle_short(reader, reading->item, 3);
    settle_short(reader, reading->item, 4);
    const hh_list *general = &reader->lists[HH_GENERAL];
    for (uint32_t i = general->known; i < general->count; i++)
        settle_general(reader, reading, general->numbers[i]);
    decay(reader->neighbours, reader->known, reader->neighbour_count, reader->rate);
}

// ---- the pass ----

static void read_item(hh_reader *reader, hh_reading *reading)
{
    const hh_postings *postings = atomic_load_explicit(
        &hh_item_at(&reader->graph->items, reading->item)->postings, memory_order_acquire);
    if (!postings)
        return;
    uint32_t end = atomic_load_explicit(&postings->end, memory_order_acquire);
    uint32_t begin = atomic_load_explicit(&postings->begin, memory_order_relaxed);
    uint32_t most = reader->graph->options.sessions, wanted = most >> reading->depth;
    if (wanted < FEWEST)
        wanted = FEWEST < most ? FEWEST : most;
    reading->wanted = wanted;
    reading->stale = atomic_load_explicit(&postings->stale, memory_order_relaxed);
    reader->known = reader->neighbour_count;
    reader->found_known = reader->found_count;
    if (!reserve(reader, wanted, reading->stale)) {
        reader->failed = true;
        return;
    }
    meet_all(reader, reading, postings, begin, end);
    settle(reader, reading);
    hh_pair_scale(reader, reading->depth);
}

void hh_walk(hh_reader *reader, const hh_item *items, size_t length)
{
    const hh_graph_options *options = &reader->graph->options;
    reader->all_new = true;
    reader->found_count = 0;
    for (int i = 0; i <= HH_SHORT; i++)
        reader->lists[i].count = 0;
    for (uint32_t depth = 0; depth < HH_DEPTH && depth < length && !reader->failed; depth++) {
        hh_item item = items[length - 1 - depth];
        bool later = false; // in the session
        for (uint32_t d = 0; d < depth; d++)
            later = later || items[length - 1 - d] == item;
        uint32_t candidate = later || item >= reader->index_capacity ? HH_NONE : hh_candidate(reader, item);
        if (candidate == HH_NONE)
            continue;
        float rarity = logf(1 + hh_query_all_clicks(reader) / fmaxf(1, hh_query_clicks(reader, candidate)));
        float weight = expf(-(float)depth / (float)options->knn_decay) * rarity;
        read_item(reader, &(hh_reading){.item = item, .depth = depth, .weight = weight});
    }
}
