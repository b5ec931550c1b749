// The writer's side: sessions open, take clicks, join, close and expire. Each public call leaves the graph
// whole, also when it fails: what can fail (memory) comes before what readers can see.
#include "graph/internal.h"
#include "graph/reader.h"

#include <stdlib.h>
#include <string.h>

#define ORIGIN_BEFORE ((hh_time)1 << 31) // seconds that the origin lies before the first click
#define TIME_SPAN     ((hh_time)UINT32_MAX * 1000)
#define FURTHEST      ((hh_time)1 << 53) // from 1970, in either direction: far from an overflow

// Written so that NaN, which compares with nothing, is refused too.
static hh_status check_experts(const hh_graph_options *options, hh_error *error)
{
    const struct {
        const char *name;
        double value, low, high;
    } settings[] = {
        {"pair_decay", options->pair_decay, 0, 1},
        {"pair_norm", options->pair_norm, 0, 1},
        {"pair_backward", options->pair_backward, 0, 1},
        {"knn_decay", options->knn_decay, 0.01, 1000},
        {"knn_reach", options->knn_reach, 0.01, 1000},
        {"knn_backward", options->knn_backward, 0, 1},
        {"knn_idf", options->knn_idf, 0, 5},
        {"repeat_decay", options->repeat_decay, 0, 1},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!(settings[i].value >= settings[i].low && settings[i].value <= settings[i].high))
            return hh_fail(error, HH_ARGUMENT, "%s must be %g to %g, not %g", settings[i].name,
                           settings[i].low, settings[i].high, settings[i].value);
    return HH_OK;
}

static hh_status check(const hh_graph_options *options, hh_error *error)
{
    if (options->max_clicks < 1 || options->max_clicks > 1u << 31)
        return hh_fail(error, HH_ARGUMENT, "max_clicks must be 1 to 2^31, not %u", options->max_clicks);
    if (options->max_age < 0)
        return hh_fail(error, HH_ARGUMENT, "max_age must not be negative");
    if (options->max_described > 10000000)
        return hh_fail(error, HH_ARGUMENT, "max_described must be 0 to 10000000, not %u",
                       options->max_described);
    for (int i = 0; i < HH_POPS; i++)
        if (options->pop_half_life[i] < 1)
            return hh_fail(error, HH_ARGUMENT, "pop_half_life must be at least 1 ms");
    for (int i = 0; i < 2; i++)
        if (options->pair_half_life[i] < 1 || options->knn_half_life[i] < 1)
            return hh_fail(error, HH_ARGUMENT, "pair_half_life and knn_half_life must be at least 1 ms");
    if (options->sessions < 1 || options->sessions > 100000 || options->neighbours < 1)
        return hh_fail(error, HH_ARGUMENT, "sessions must be 1 to 100000 and neighbours at least 1");
    return check_experts(options, error);
}

hh_graph *hh_graph_new(const hh_graph_options *options, hh_error *error)
{
    if (check(options, error))
        return NULL;
    hh_graph *graph = calloc(1, sizeof *graph);
    if (!graph) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    graph->options = *options;
    graph->seed = options->seed;
    graph->closed_oldest = graph->closed_newest = HH_NONE;
    graph->keep = options->sessions + options->sessions / 4 + 64; // some may be too new for a query
    atomic_init(&graph->epochs.now, 1);
    atomic_init(&graph->origin, HH_TIME_MIN);
    atomic_init(&graph->newest, HH_TIME_MIN);
    atomic_init(&graph->oldest, HH_TIME_MIN);
    if (hh_store_init(&graph->store, options->max_clicks) || hh_items_init(&graph->items) ||
        hh_journal_init(&graph->journal, options) || hh_retire_reserve(graph, 1)) {
        hh_graph_free(graph);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    return graph;
}

static void free_sessions(hh_graph_session *oldest)
{
    for (hh_graph_session *session = oldest, *next; session; session = next) {
        next = session->newer;
        free(session);
    }
}

void hh_graph_free(hh_graph *graph)
{
    if (!graph)
        return;
    free_sessions(graph->held.oldest);
    free_sessions(graph->empty.oldest);
    for (hh_reader *reader = graph->epochs.readers, *next; reader; reader = next) {
        next = reader->next;
        free(reader);
    }
    hh_epochs_free(graph);
    hh_journal_free(&graph->journal);
    hh_described_free(&graph->described);
    hh_items_free(&graph->items);
    hh_store_free(&graph->store);
    free(graph);
}

// ---- counters that any thread may read; the writer alone changes them ----

static void count(_Atomic uint64_t *counter, int64_t change)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + (uint64_t)change, memory_order_relaxed);
}

void hh_note_memory(hh_graph *graph)
{
    size_t bytes = sizeof *graph + graph->store.memory + graph->items.memory + graph->described.memory;
    bytes += graph->store.chain_count * sizeof *graph->store.chains;
    bytes += graph->journal.size * sizeof *graph->journal.ring;
    bytes += graph->journal.latest_capacity * sizeof *graph->journal.latest;
    bytes += (graph->items.table->mask + 1) * sizeof(uint32_t);
    bytes += graph->epochs.queue_capacity * sizeof *graph->epochs.queue;
    bytes += graph->open * sizeof(hh_graph_session);
    atomic_store_explicit(&graph->memory, bytes, memory_order_relaxed);
}

void hh_graph_stats_read(const hh_graph *graph, hh_graph_stats *stats)
{
    stats->clicks = atomic_load_explicit(&graph->clicks, memory_order_relaxed);
    stats->sessions = atomic_load_explicit(&graph->sessions, memory_order_relaxed);
    stats->open_sessions = atomic_load_explicit(&graph->open, memory_order_relaxed);
    stats->items = atomic_load_explicit(&graph->item_count, memory_order_relaxed);
    stats->described = atomic_load_explicit(&graph->described.count, memory_order_relaxed);
    stats->withdrawals = atomic_load_explicit(&graph->withdrawals, memory_order_acquire);
    stats->memory_bytes = atomic_load_explicit(&graph->memory, memory_order_relaxed);
    stats->newest = atomic_load_explicit(&graph->newest, memory_order_relaxed);
    stats->oldest = atomic_load_explicit(&graph->oldest, memory_order_relaxed);
}

// ---- open sessions: those with clicks in one list, by the last to arrive, the others in another ----

static hh_open_list *list_of(hh_graph *graph, const hh_graph_session *session)
{
    return session->slot == HH_NONE ? &graph->empty : &graph->held;
}

static void list_remove(hh_graph *graph, hh_graph_session *session)
{
    hh_open_list *list = list_of(graph, session);
    *(session->older ? &session->older->newer : &list->oldest) = session->newer;
    *(session->newer ? &session->newer->older : &list->newest) = session->older;
}

static void list_append(hh_graph *graph, hh_graph_session *session)
{
    hh_open_list *list = list_of(graph, session);
    session->older = list->newest;
    session->newer = NULL;
    *(list->newest ? &list->newest->newer : &list->oldest) = session;
    list->newest = session;
}

// Gives the session another slot, or none, and with it the last place in its list.
static void set_slot(hh_graph *graph, hh_graph_session *session, uint32_t slot)
{
    list_remove(graph, session);
    session->slot = slot;
    list_append(graph, session);
}

hh_graph_session *hh_graph_open(hh_graph *graph, uint64_t visitor)
{
    hh_graph_session *session = malloc(sizeof *session);
    if (!session)
        return NULL;
    __builtin_prefetch(hh_chain_of(&graph->store, hh_visitor_tag(visitor)));
    session->slot = HH_NONE;
    session->visitor = visitor;
    list_append(graph, session);
    count(&graph->open, 1);
    return session;
}

static void session_gone(hh_graph *graph, hh_graph_session *session)
{
    list_remove(graph, session);
    free(session);
    count(&graph->open, -1);
}

void hh_graph_close(hh_graph *graph, hh_graph_session *session)
{
    uint32_t slot = session->slot;
    if (slot != HH_NONE) {
        if (graph->closed_oldest == HH_NONE)
            graph->closed_oldest = slot;
        else
            hh_slot_at(&graph->store, graph->closed_newest)->closed_next = slot;
        graph->closed_newest = slot;
    }
    session_gone(graph, session);
}

// ---- expiry ----

static bool first_of_its_item(const hh_block *block, uint32_t i)
{
    for (uint32_t j = 0; j < i; j++)
        if (block->clicks[j].item == block->clicks[i].item)
            return false;
    return true;
}

static void unlink_slot(hh_graph *graph, uint32_t slot, uint32_t tag)
{
    hh_slot *place = hh_slot_at(&graph->store, slot);
    uint32_t block = place->block;
    hh_store_unchain(&graph->store, slot, tag);
    atomic_store_explicit(&place->block, HH_NONE, memory_order_release);
    hh_retire(graph, HH_RETIRED_BLOCK, block, NULL);
    hh_retire(graph, HH_RETIRED_SLOT, slot, NULL);
    count(&graph->sessions, -1);
}

// Takes the session in the slot out of the graph.
static hh_status forget(hh_graph *graph, uint32_t slot)
{
    if (hh_retire_reserve(graph, 2))
        return HH_MEMORY;
    const hh_block *block = hh_held_block(&graph->store, slot);
    uint32_t clicks = hh_block_count(block);
    for (uint32_t i = 0; i < clicks; i++) {
        hh_item item = block->clicks[i].item;
        if (first_of_its_item(block, i))
            hh_postings_drop(graph, item, slot);
        hh_journal_write(graph, HH_ENTRY_REMOVE, item, hh_click_time(graph, block, i));
        hh_items_rest(&graph->items, item);
    }
    count(&graph->clicks, -(int64_t)clicks);
    unlink_slot(graph, slot, block->tag);
    return HH_OK;
}

static hh_status forget_oldest(hh_graph *graph)
{
    hh_status status;
    if (graph->closed_oldest != HH_NONE) {
        uint32_t oldest = graph->closed_oldest, next = hh_slot_at(&graph->store, oldest)->closed_next;
        status = forget(graph, oldest);
        if (status)
            return status;
        graph->closed_oldest = oldest == graph->closed_newest ? HH_NONE : next;
    } else { // open sessions alone fill the graph: the one that rested longest begins again
        hh_graph_session *session = graph->held.oldest;
        status = forget(graph, session->slot);
        if (status)
            return status;
        set_slot(graph, session, HH_NONE);
    }
    if (graph->closed_oldest != HH_NONE) {
        const hh_block *block = hh_held_block(&graph->store, graph->closed_oldest);
        atomic_store_explicit(&graph->oldest, hh_click_time(graph, block, 0), memory_order_relaxed);
    }
    return HH_OK;
}

// Makes room for one more click.
static hh_status expire(hh_graph *graph, hh_time newest)
{
    while (graph->clicks >= graph->options.max_clicks)
        if (forget_oldest(graph))
            return HH_MEMORY;
    while (graph->options.max_age && graph->closed_oldest != HH_NONE) {
        const hh_block *block = hh_held_block(&graph->store, graph->closed_oldest);
        if (hh_click_time(graph, block, hh_block_count(block) - 1) >= newest - graph->options.max_age)
            break;
        if (forget_oldest(graph))
            return HH_MEMORY;
    }
    return HH_OK;
}

// ---- clicks ----

// An unpublished block for `count` clicks from `first` on.
static uint32_t block_new(hh_graph *graph, uint32_t clicks, uint32_t tag, hh_time first)
{
    uint32_t number = hh_store_block_new(&graph->store, clicks);
    if (number == HH_NONE)
        return HH_NONE;
    hh_block *block = hh_block_at(&graph->store, number);
    block->base = (uint32_t)((first - graph->origin) / 1000);
    block->tag = tag;
    atomic_init(&block->clicks[0].at, clicks << HH_FIRST_BITS);
    return number;
}

static void set_count(hh_block *block, uint32_t count)
{
    atomic_store_explicit(&block->clicks[0].at, count << HH_FIRST_BITS | hh_click_at(block, 0),
                          memory_order_release);
}

static void put(const hh_graph *graph, hh_block *block, uint32_t i, hh_item item, hh_time time)
{
    uint32_t at = (uint32_t)(time - hh_block_base(graph, block)); // of the first click: less than a second
    block->clicks[i].item = item;
    atomic_store_explicit(&block->clicks[i].at, i ? at : hh_block_count(block) << HH_FIRST_BITS | at,
                          memory_order_relaxed);
}

static void replace_block(hh_graph *graph, uint32_t slot, uint32_t block)
{
    uint32_t old = hh_slot_at(&graph->store, slot)->block;
    atomic_store_explicit(&hh_slot_at(&graph->store, slot)->block, block, memory_order_release);
    if (old != HH_NONE)
        hh_retire(graph, HH_RETIRED_BLOCK, old, NULL);
}

static bool fits(const hh_graph *graph, hh_time first, hh_time last)
{
    // A block counts milliseconds from its first click's second in 32 bits.
    return first >= graph->origin && last - graph->origin < TIME_SPAN &&
           last - first < (hh_time)UINT32_MAX - 1000;
}

static hh_status learn(hh_graph *graph, hh_graph_session *session, hh_item item, hh_time time)
{
    uint32_t tag = hh_visitor_tag(session->visitor);
    bool fresh = session->slot == HH_NONE;
    const hh_block *old = fresh ? NULL : hh_held_block(&graph->store, session->slot);
    uint32_t held = old ? hh_block_count(old) : 0, place = held, first = 0;
    while (place > 0 && hh_click_time(graph, old, place - 1) > time)
        place--;
    while (first < held && old->clicks[first].item != item)
        first++;
    hh_time begin = held && place ? hh_click_time(graph, old, 0) : time;
    bool in_place = held && place == held && held < hh_store_capacity(held);
    uint32_t slot = fresh ? hh_store_slot_new(&graph->store) : session->slot;
    uint32_t block = in_place || slot == HH_NONE ? HH_NONE : block_new(graph, held + 1, tag, begin);
    hh_status status =
        slot == HH_NONE || (block == HH_NONE && !in_place) ? HH_MEMORY : hh_retire_reserve(graph, 2);
    if (!status && (first == held || time < hh_click_time(graph, old, first)))
        status = hh_postings_place(graph, item, slot, tag, time, first < held);
    if (status) {
        if (block != HH_NONE)
            hh_store_block_free(&graph->store, block);
        if (fresh && slot != HH_NONE)
            hh_store_slot_free(&graph->store, slot);
        return status;
    }

    if (in_place) {
        hh_block *same = hh_block_at(&graph->store, hh_slot_at(&graph->store, slot)->block);
        put(graph, same, held, item, time);
        set_count(same, held + 1);
    } else {
        hh_block *new = hh_block_at(&graph->store, block);
        for (uint32_t i = 0; i < held; i++)
            put(graph, new, i + (i >= place), old->clicks[i].item, hh_click_time(graph, old, i));
        put(graph, new, place, item, time);
        replace_block(graph, slot, block);
    }
    if (fresh) {
        hh_store_chain(&graph->store, slot, tag);
        count(&graph->sessions, 1);
    }
    set_slot(graph, session, slot);
    hh_journal_write(graph, HH_ENTRY_ADD, item, time);
    count(&graph->clicks, 1);
    return HH_OK;
}

hh_status hh_graph_click(hh_graph *graph, hh_graph_session *session, hh_item item, hh_time time)
{
    if (item >= graph->items.used || !hh_item_at(&graph->items, item)->id)
        return HH_ARGUMENT;
    if (graph->origin == HH_TIME_MIN) {
        if (time < -FURTHEST || time > FURTHEST)
            return HH_LIMIT;
        atomic_store_explicit(&graph->origin, (time / 1000 - ORIGIN_BEFORE) * 1000, memory_order_release);
        atomic_store_explicit(&graph->oldest, time, memory_order_relaxed);
    }
    if (time < graph->origin || time > graph->origin + TIME_SPAN)
        return HH_LIMIT;
    if (session->slot != HH_NONE) {
        const hh_block *block = hh_held_block(&graph->store, session->slot);
        hh_time first = hh_click_time(graph, block, 0),
                last = hh_click_time(graph, block, hh_block_count(block) - 1);
        if (!fits(graph, time < first ? time : first, time > last ? time : last) ||
            hh_block_count(block) == HH_SESSION_CLICKS)
            return HH_LIMIT;
    }
    hh_time newest = time > graph->newest ? time : graph->newest;
    hh_status status = expire(graph, newest);
    if (!status)
        status = learn(graph, session, item, time);
    if (status)
        return status;
    atomic_store_explicit(&graph->newest, newest, memory_order_relaxed);
    if (graph->described.rows)
        hh_described_click(graph, item);
    hh_note_memory(graph);
    return HH_OK;
}

// ---- merges ----

// A session without clicks gets those of `from`, and its place in the list.
static void take_over(hh_graph *graph, hh_graph_session *into, hh_graph_session *from)
{
    list_remove(graph, into);
    into->slot = from->slot;
    into->older = from;
    into->newer = from->newer;
    *(from->newer ? &from->newer->older : &graph->held.newest) = into;
    from->newer = into;
}

// The clicks of both in time order, those of `a` first where times are equal.
static void merge_clicks(const hh_graph *graph, hh_block *into, const hh_block *a, const hh_block *b)
{
    uint32_t i = 0, j = 0, m = hh_block_count(a), n = hh_block_count(b);
    while (i < m || j < n) {
        bool from_a = j == n || (i < m && hh_click_time(graph, a, i) <= hh_click_time(graph, b, j));
        const hh_block *source = from_a ? a : b;
        uint32_t at = from_a ? i : j;
        put(graph, into, i + j, source->clicks[at].item, hh_click_time(graph, source, at));
        *(from_a ? &i : &j) += 1;
    }
}

// Lists `slot` for every item of `block`, the clicks that are about to be in it.
static hh_status place_all(hh_graph *graph, uint32_t slot, const hh_block *block, const hh_block *there)
{
    for (uint32_t i = 0; i < hh_block_count(block); i++) {
        if (!first_of_its_item(block, i))
            continue;
        hh_item item = block->clicks[i].item;
        hh_time time = hh_click_time(graph, block, i);
        uint32_t first = 0;
        while (first < hh_block_count(there) && there->clicks[first].item != item)
            first++;
        hh_postings_stale(graph, item); // they name the other slot, soon nobody's
        if (first == hh_block_count(there) || time < hh_click_time(graph, there, first)) {
            hh_status status = hh_postings_place(graph, item, slot, block->tag, time, true);
            if (status)
                return status;
            hh_postings_stale(graph, item);
        }
    }
    return HH_OK;
}

hh_status hh_graph_merge(hh_graph *graph, hh_graph_session *into, hh_graph_session *from)
{
    if (from->slot != HH_NONE && into->slot == HH_NONE) {
        take_over(graph, into, from);
    } else if (from->slot != HH_NONE) {
        const hh_block *a = hh_held_block(&graph->store, into->slot),
                       *b = hh_held_block(&graph->store, from->slot);
        hh_time begin_a = hh_click_time(graph, a, 0), begin_b = hh_click_time(graph, b, 0);
        hh_time end_a = hh_click_time(graph, a, hh_block_count(a) - 1),
                end_b = hh_click_time(graph, b, hh_block_count(b) - 1);
        hh_time begin = begin_a < begin_b ? begin_a : begin_b, end = end_a > end_b ? end_a : end_b;
        if (!fits(graph, begin, end) || hh_block_count(a) + hh_block_count(b) > HH_SESSION_CLICKS)
            return HH_LIMIT;
        uint32_t block = hh_retire_reserve(graph, 3)
                             ? HH_NONE
                             : block_new(graph, hh_block_count(a) + hh_block_count(b), a->tag, begin);
        if (block == HH_NONE)
            return HH_MEMORY;
        if (place_all(graph, into->slot, b, a)) {
            hh_store_block_free(&graph->store, block);
            return HH_MEMORY;
        }
        if (hh_retire_reserve(graph, 3)) {
            hh_store_block_free(&graph->store, block);
            return HH_MEMORY;
        }
        merge_clicks(graph, hh_block_at(&graph->store, block), a, b);
        uint32_t tag = b->tag;
        unlink_slot(graph, from->slot, tag);
        replace_block(graph, into->slot, block);
    }
    session_gone(graph, from);
    return HH_OK;
}
