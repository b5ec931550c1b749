// pop for a reader that is further behind than the journal reaches: one that begins with a topic's history
// which the graph has read already, say. Its sums come from the sessions themselves: of all clicks before a
// window of time around the query, and of those in the window, one by one, as the query moves through it.
// What is later than the window is left for the next one, so that the clicks of a window are as many as a
// journal holds.
//
// The writer goes on meanwhile: what it changes while sessions are read may be missed until the next window.
#include "graph/reader.h"

#include <string.h>

#define PARTS 4096
#define LEAST HH_SECOND // a part of time is not divided further

typedef void visit(hh_reader *reader, void *context, hh_item item, hh_time time);

static void each_click(hh_reader *reader, visit *each, void *context)
{
    const hh_graph *graph = reader->graph;
    const hh_store *store = &graph->store;
    for (uint32_t chunk = 0; chunk < store->slot_chunks; chunk++) {
        if (!atomic_load_explicit(&store->slots[chunk], memory_order_acquire))
            return; // nor are there any behind it
        for (uint32_t i = 0; i < 1u << HH_SLOT_CHUNK_BITS; i++) {
            const hh_block *block = hh_slot_block(store, (chunk << HH_SLOT_CHUNK_BITS) + i);
            uint32_t count = block ? hh_block_count(block) : 0;
            for (uint32_t k = 0; k < count; k++)
                each(reader, context, block->clicks[k].item, hh_click_time(graph, block, k));
        }
    }
}

// ---- which window ----

typedef struct parts {
    hh_time begin, end; // of all
    hh_time width;
    uint64_t clicks[PARTS];
} parts;

static void find_oldest(hh_reader *reader, void *context, hh_item item, hh_time time)
{
    (void)reader, (void)item;
    hh_time *oldest = context;
    *oldest = time < *oldest ? time : *oldest;
}

static void count_in_part(hh_reader *reader, void *context, hh_item item, hh_time time)
{
    (void)reader, (void)item;
    parts *of = context;
    if (time >= of->begin && time < of->end)
        of->clicks[(time - of->begin) / of->width]++;
}

// Begins as far before as_of as half of the clicks reach, and ends as far behind it as the others do.
static void choose_window(hh_reader *reader, hh_time as_of, hh_time *begin, hh_time *end)
{
    uint64_t size = reader->graph->journal.size;
    hh_time newest = atomic_load_explicit(&reader->graph->newest, memory_order_acquire);
    parts of = {.begin = as_of, .end = (newest > as_of ? newest : as_of) + 1};
    each_click(reader, find_oldest, &of.begin);
    for (;;) {
        of.width = (of.end - of.begin) / PARTS + 1;
        memset(of.clicks, 0, sizeof of.clicks);
        each_click(reader, count_in_part, &of);
        hh_time first = (as_of - of.begin) / of.width, last = first, all = (of.end - of.begin - 1) / of.width;
        uint64_t clicks = of.clicks[first];
        if (clicks > size && of.width > LEAST) {
            of.begin += first * of.width;
            of.end = of.begin + of.width < of.end ? of.begin + of.width : of.end;
            continue;
        }
        while (first > 0 && clicks + of.clicks[first - 1] <= size / 2)
            clicks += of.clicks[--first];
        while (last < all && clicks + of.clicks[last + 1] <= size)
            clicks += of.clicks[++last];
        *begin = of.begin + first * of.width;
        *end = last == all ? of.end : of.begin + (last + 1) * of.width;
        return;
    }
}

// ---- what is in it ----

typedef struct filling {
    hh_time begin, end;
    hh_status status;
} filling;

static void take_click(hh_reader *reader, void *context, hh_item item, hh_time time)
{
    filling *of = context;
    hh_pop *pop = &reader->pop;
    if (time >= of->end || of->status)
        return;
    if ((of->status = hh_pop_reserve_items(pop, item + 1)))
        return;
    if (time >= of->begin) {
        of->status = hh_pop_window_add(reader, &(hh_pop_entry){time, item, 1});
        return;
    }
    pop->items[item].clicks++;
    for (int p = 0; p < HH_POPS; p++)
        pop->items[item].sums[p] += hh_scale_weight(&pop->scale, p, time);
}

hh_status hh_pop_past(hh_reader *reader, hh_time as_of)
{
    hh_pop *pop = &reader->pop;
    hh_graph *graph = reader->graph;
    filling of = {.status = HH_OK};
    pop->known = false;
    choose_window(reader, as_of, &of.begin, &of.end);
    uint32_t used = atomic_load_explicit(&graph->items.used, memory_order_acquire);
    if (hh_pop_reserve_items(pop, used))
        return HH_MEMORY;
    memset(pop->items, 0, pop->capacity * sizeof *pop->items);
    memset(pop->places, 0, pop->capacity * sizeof *pop->places);
    for (hh_item item = 0; item < used; item++)
        pop->items[item].hidden =
            atomic_load_explicit(&hh_item_at(&graph->items, item)->withdrawn, memory_order_acquire);
    for (int p = 0; p < HH_POPS; p++) {
        pop->scale.half_life[p] = graph->journal.scale.half_life[p];
        pop->scale.zero[p] = HH_TIME_MIN;
        hh_scale_advance(&pop->scale, p, of.begin);
    }
    pop->window_count = pop->counted = 0;
    pop->floor = of.begin - 1;
    pop->as_of = of.begin;
    each_click(reader, take_click, &of);
    pop->cursor = atomic_load_explicit(&graph->journal.done, memory_order_acquire);
    if (of.status)
        return of.status;
    hh_pop_window_sort(pop);
    hh_pop_add_up(reader);
    pop->ceiling = of.end;
    pop->known = true;
    return HH_OK;
}
