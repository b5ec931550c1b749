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

#define AHEAD 16u // sessions that are fetched before they are met
// For each click further back, about a third as many sessions are read: on four streams reading half as many,
// or all, was not better (docs/graph.md), and long sessions made queries slow. But at least:
#define FALL   0.35f
#define FEWEST 10u
// What one session can cost is bounded, however long it is and however often it comes back to an item:
#define SCAN    512u // of its clicks before as_of the last so many are looked through, by default all,
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
#define EIGHT        8u

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

static bool grow_columns(hh_reader *reader, size_t count)
{
    uint32_t capacity = reader->column_capacity, grown = capacity;
    for (int i = 0; i < HH_COLUMNS; i++) {
        grown = capacity;
        if (!hh_grow(&reader->columns[i], &grown, count, sizeof(float)))
            return false;
    }
    reader->column_capacity = grown;
    return hh_grow(&reader->weights, &reader->weight_capacity, count, sizeof *reader->weights);
}

// Room for so many more neighbours, and for what is found of them.
// From the second item on a session may be met again, from the first where a slot may be listed twice: then
// each gets a place.
static bool reserve(hh_reader *reader, uint32_t more, bool twice)
{
    size_t most = (size_t)reader->neighbour_count + more;
    uint32_t size = FIRST_PLACES;
    bool room =
        grow_columns(reader, most + EIGHT) &&
        hh_grow(&reader->neighbours, &reader->neighbour_capacity, most + 1, sizeof *reader->neighbours) &&
        hh_grow(&reader->found, &reader->found_capacity, reader->found_count + (size_t)more * MATCHES,
                sizeof *reader->found);
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
    // the reader's, where the loop finds them fast
    hh_time limit;
    uint32_t tag;
    hh_neighbour *neighbours;
    float *ages, *similarities, *sizes;
    uint32_t *ends[HH_SHORT + 1]; // of the lists
} hh_reading;

// Takes the session in the slot among the neighbours, unless the query may not see it, or not in it the item.
static inline void meet(hh_reader *reader, hh_reading *reading, uint32_t slot, const hh_block *block)
{
    uint32_t count = hh_block_count(block), clicks = count;
    if (!count)
        return;
    hh_time limit = reading->limit - (hh_time)block->base * 1000; // as_of in the block's time
    hh_time last = hh_click_at(block, count - 1);
    if (last >= limit) {
        clicks = hh_clicks_before(block, count, limit);
        if (!clicks)
            return;
        last = hh_click_at(block, clicks - 1);
    }
    if ((reading->stale | (clicks < count) | (clicks > SCAN)) && !holds(block, clicks, reading->item))
        return;
    if (block->tag == reading->tag && hh_is_own(reader, block, clicks))
        return;
    uint32_t number = neighbour_of(reader, slot), list = HH_GENERAL;
    hh_neighbour *neighbour = &reading->neighbours[number];
    if (number == reader->neighbour_count) {
        reader->neighbour_count = number + 1;
        hh_length length = clicks < HH_LENGTHS ? reader->lengths[clicks] : hh_knn_length(reader, clicks);
        reading->ages[number] = (float)(limit - last);
        reading->similarities[number] = reading->weight;
        reading->sizes[number] = length.size;
        neighbour->block = block;
        neighbour->slot = slot;
        neighbour->clicks = clicks;
        neighbour->match = 0;
        neighbour->at = 0;
        neighbour->first = (uint8_t)reading->depth;
        list = length.list;
    } else {
        if (neighbour->depth == reading->depth) // listed twice: its slot was used before, for this item too
            return;
        reading->similarities[number] += reading->weight;
    }
    neighbour->depth = reading->depth;
    reading->ends[list][0] = number;
    reading->ends[list]++;
    reading->wanted--;
}

static inline const hh_block *fetch_block(const hh_store *store, uint32_t slot)
{
    const hh_block *block = hh_slot_block(store, slot);
    if (block) { // most sessions fit into two lines
        __builtin_prefetch(block);
        __builtin_prefetch((const char *)block + 64);
    }
    return block;
}

// Newest first. Slots are fetched 2 * AHEAD sessions before they are met, blocks AHEAD.
static void meet_all(hh_reader *reader, hh_reading *reading, const hh_postings *postings, uint32_t begin,
                     uint32_t end)
{
    const hh_store *store = &reader->graph->store;
    const hh_block *blocks[AHEAD];
    uint32_t count = end > begin ? end - begin : 0;
    for (uint32_t i = 0; i < count && i < 2 * AHEAD; i++)
        __builtin_prefetch(hh_slot_at(store, hh_slot_of(postings, end - 1 - i)));
    for (uint32_t i = 0; i < count && i < AHEAD; i++)
        blocks[i] = fetch_block(store, hh_slot_of(postings, end - 1 - i));
    for (uint32_t i = 0; i < count && reading->wanted; i++) {
        const hh_block *block = blocks[i % AHEAD];
        if (i + 2 * AHEAD < count)
            __builtin_prefetch(hh_slot_at(store, hh_slot_of(postings, end - 1 - i - 2 * AHEAD)));
        if (i + AHEAD < count)
            blocks[i % AHEAD] = fetch_block(store, hh_slot_of(postings, end - 1 - i - AHEAD));
        if (block)
            meet(reader, reading, hh_slot_of(postings, end - 1 - i), block);
    }
}

// ---- what they hold ----

// The session's clicks on the item are found one by one.
static void settle_general(hh_reader *reader, const hh_reading *reading, uint32_t number)
{
    hh_neighbour *neighbour = &reader->neighbours[number];
    const hh_click *its = neighbour->block->clicks;
    uint32_t at[SCAN], count = 0, clicks = neighbour->clicks;
    // No branch on the item: nobody could predict it. (It may have grown since: what it was then counts.)
    for (uint32_t i = clicks > SCAN ? clicks - SCAN : 0; i < clicks; i++) {
        at[count] = i;
        count += its[i].item == reading->item;
    }
    for (uint32_t i = count > MATCHES ? count - MATCHES : 0; i < count; i++)
        reader->found[reader->found_count++] = (hh_found){number, at[i], reading->depth};
    if (count && at[count - 1] > neighbour->match)
        neighbour->match = at[count - 1];
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
            at |= j * (its[j].item == item); // one of them, or it is there twice
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
            hh_item other = its[at <= j ? j + 1 : j].item;
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
    const hh_eight least = {-126, -126, -126, -126, -126, -126, -126, -126};
    hh_eight x = *of;
    hh_whole_eight low = x < least;
    x = (hh_eight)(((hh_whole_eight)x & ~low) | ((hh_whole_eight)least & low));
    hh_whole_eight whole = __builtin_convertvector(x, hh_whole_eight) - 1; // x - whole is in 0..1
    hh_eight part = x - __builtin_convertvector(whole, hh_eight);
    hh_eight power = 0.00898934009f + part * 0.00187757667f;
    power = 0.0558263180f + part * power;
    power = 0.240153617f + part * power;
    power = 0.693153073f + part * power;
    *of = (1 + part * power) * (hh_eight)((whole + 127) << 23);
}

// What is left of each neighbour after its age.
HH_WIDE static void decay(hh_reader *reader)
{
    const float *ages = reader->columns[HH_COLUMN_AGE];
    for (int h = 0; h < 4; h++) {
        float *left = reader->columns[HH_COLUMN_LEFT + h], rate = -reader->rate[h];
        for (uint32_t i = 0; i < reader->neighbour_count; i += EIGHT) {
            hh_eight x;
            memcpy(&x, ages + i, sizeof x);
            x *= rate;
            half(&x);
            memcpy(left + i, &x, sizeof x);
        }
    }
}

// What the columns have to say of nobody.
static void fill_columns(hh_reader *reader)
{
    uint32_t count = reader->neighbour_count, end = (count + EIGHT - 1) / EIGHT * EIGHT;
    for (int i = 0; i < HH_COLUMN_LEFT; i++)
        if (end > count)
            memset(reader->columns[i] + count, 0, (end - count) * sizeof(float));
}

static void settle(hh_reader *reader, const hh_reading *reading)
{
    settle_short(reader, reading->item, 2);
    settle_short(reader, reading->item, 3);
    settle_short(reader, reading->item, 4);
    const hh_list *general = &reader->lists[HH_GENERAL];
    for (uint32_t i = general->known; i < general->count; i++)
        settle_general(reader, reading, general->numbers[i]);
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
    uint32_t most = reader->graph->options.sessions;
    uint32_t wanted = (uint32_t)((float)most * powf(FALL, (float)reading->depth));
    if (wanted < FEWEST)
        wanted = FEWEST < most ? FEWEST : most;
    reading->wanted = wanted;
    reading->stale = atomic_load_explicit(&postings->stale, memory_order_relaxed);
    if (!reserve(reader, wanted, reading->stale)) {
        reader->failed = true;
        return;
    }
    reading->limit = reader->limit;
    reading->tag = reader->tag;
    reading->neighbours = reader->neighbours;
    reading->ages = reader->columns[HH_COLUMN_AGE];
    reading->similarities = reader->columns[HH_COLUMN_SIMILARITY];
    reading->sizes = reader->columns[HH_COLUMN_SIZE];
    for (int i = 0; i <= HH_SHORT; i++)
        reading->ends[i] = reader->lists[i].numbers + reader->lists[i].count;
    meet_all(reader, reading, postings, begin, end);
    for (int i = 0; i <= HH_SHORT; i++)
        reader->lists[i].count = (uint32_t)(reading->ends[i] - reader->lists[i].numbers);
    settle(reader, reading);
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
    if (reader->failed)
        return;
    fill_columns(reader);
    decay(reader);
}
