// One query: from the session's items to the experts' votes. It looks up what the graph has of the asking
// session itself, so that no expert counts it, lets the experts vote, and makes shares of the votes
// (shares.c).
#include "graph/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

hh_graph_options hh_graph_defaults(void)
{
    return (hh_graph_options){
        .max_clicks = 10000000,
        .max_age = 0,
        .max_described = 200000,
        .pop_half_life = {5 * HH_MINUTE, 2 * HH_HOUR, 7 * HH_DAY},
        .pair_half_life = {HH_HOUR, 365 * HH_DAY},
        .knn_half_life = {6 * HH_HOUR, 365 * HH_DAY},
        .sessions = 500,
        .neighbours = 250,
        .pair_decay = 0.6,
        .pair_norm = 0.7,
        .pair_backward = 0.2,
        .knn_decay = 1,
        .knn_reach = 2.5,
        .knn_backward = 0.5,
        .knn_idf = 0.5,
        .repeat_decay = 0.8,
    };
}

// ---- readers ----

hh_reader *hh_reader_new(hh_graph *graph, hh_error *error)
{
    hh_reader *reader = atomic_load(&graph->epochs.readers);
    for (; reader; reader = reader->next) {
        bool free_one = false;
        if (atomic_compare_exchange_strong(&reader->taken, &free_one, true))
            break;
    }
    if (!reader) {
        reader = aligned_alloc(_Alignof(hh_reader), sizeof *reader);
        if (!reader) {
            hh_fail(error, HH_MEMORY, NULL);
            return NULL;
        }
        memset(reader, 0, sizeof *reader);
        atomic_init(&reader->taken, true);
        atomic_init(&reader->asked, INT64_MAX);
        reader->graph = graph;
        hh_reader *first = atomic_load(&graph->epochs.readers);
        do {
            reader->next = first;
        } while (!atomic_compare_exchange_weak(&graph->epochs.readers, &first, reader));
    }
    hh_pair_init(reader);
    hh_knn_init(reader); // after it
    for (int h = 0; h < 2; h++) {
        reader->rate[h] = 1 / (float)graph->options.pair_half_life[h];
        reader->rate[2 + h] = 1 / (float)graph->options.knn_half_life[h];
    }
    return reader;
}

void hh_reader_free(hh_reader *reader)
{
    if (!reader)
        return;
    hh_pop_free(&reader->pop);
    free(reader->index);
    free(reader->items);
    free(reader->shares);
    free(reader->evidence);
    free(reader->rows);
    free(reader->seen);
    free(reader->rarity);
    free(reader->votes);
    free(reader->own);
    free(reader->own_clicks);
    free(reader->own_sums);
    free(reader->neighbours);
    free(reader->places);
    for (int i = 0; i <= HH_SHORT; i++)
        free(reader->lists[i].numbers);
    free(reader->found);
    for (int i = 0; i < HH_COLUMNS; i++)
        free(reader->columns[i]);
    free(reader->weights);
    // The graph keeps the empty reader for the next one: the writer may be looking at it.
    size_t kept = offsetof(hh_reader, pop);
    memset((char *)reader + kept, 0, sizeof *reader - kept);
    atomic_store(&reader->asked, INT64_MAX);
    atomic_store(&reader->taken, false);
}

// ---- candidates ----

// Rows lie at whole vectors, and those that no candidate has had are zeros.
static bool grow_rows(hh_reader *reader, size_t count)
{
    if (count <= reader->row_capacity)
        return true;
    size_t larger = reader->row_capacity ? reader->row_capacity : 64;
    while (larger < count)
        larger *= 2;
    hh_row *rows = larger > UINT32_MAX ? NULL : aligned_alloc(sizeof *rows, larger * sizeof *rows);
    if (!rows)
        return false;
    if (reader->rows)
        memcpy(rows, reader->rows, reader->row_capacity * sizeof *rows);
    memset(rows + reader->row_capacity, 0, (larger - reader->row_capacity) * sizeof *rows);
    free(reader->rows);
    reader->rows = rows;
    reader->row_capacity = (uint32_t)larger;
    return true;
}

static bool grow_candidates(hh_reader *reader, size_t count)
{
    uint32_t before = reader->capacity, a = before, b = a, c = a, d = a, e = a;
    if (!hh_grow(&reader->items, &a, count, sizeof *reader->items) ||
        !hh_grow(&reader->shares, &b, count, sizeof *reader->shares) ||
        !hh_grow(&reader->seen, &c, count, sizeof *reader->seen) ||
        !hh_grow(&reader->rarity, &d, count, sizeof *reader->rarity) || !grow_rows(reader, (size_t)a + 1) ||
        !hh_grow(&reader->evidence, &e, count, sizeof *reader->evidence))
        return false;
    reader->capacity = e;
    hh_clear_candidates(reader, before, e);
    return true;
}

void hh_clear_candidates(hh_reader *reader, uint32_t begin, uint32_t end)
{
    if (begin >= end)
        return;
    memset(reader->shares[begin], 0, (end - begin) * sizeof *reader->shares);
    memset(reader->seen + begin, 0, (end - begin) * sizeof *reader->seen);
    memset(reader->evidence + begin, 0, (end - begin) * sizeof *reader->evidence);
}

uint32_t hh_candidate_new(hh_reader *reader, hh_item item)
{
    if (item >= reader->used)
        return HH_NONE;
    uint32_t number = reader->count;
    if (number == reader->capacity && !grow_candidates(reader, (size_t)number + 1)) {
        reader->failed = true;
        return HH_NONE;
    }
    if (item < reader->pop.capacity) // what pop knows of it is needed later
        __builtin_prefetch(&reader->pop.items[item]);
    reader->index[item] = reader->first + number;
    reader->items[number] = item;
    reader->count = number + 1;
    reader->made = reader->made > reader->count ? reader->made : reader->count;
    return number;
}

uint32_t hh_candidate_found(const hh_reader *reader, hh_item item)
{
    uint32_t candidate = item < reader->index_capacity ? reader->index[item] - reader->first : HH_NONE;
    return candidate < reader->count && reader->items[candidate] == item ? candidate : HH_NONE;
}

static bool may_be_listed(const hh_reader *reader, hh_item item)
{
    if (item >= reader->used)
        return false;
    const hh_item_entry *entry = hh_item_at(&reader->graph->items, item);
    return atomic_load_explicit(&entry->id, memory_order_acquire) &&
           !atomic_load_explicit(&entry->withdrawn, memory_order_acquire);
}

uint32_t hh_bring(hh_reader *reader, hh_item item)
{
    uint32_t candidate = hh_candidate_found(reader, item);
    if (candidate != HH_NONE || !may_be_listed(reader, item))
        return candidate;
    candidate = hh_candidate_new(reader, item);
    if (candidate != HH_NONE)
        hh_pop_shares(reader, candidate, reader->shares[candidate]);
    return candidate;
}

float hh_query_clicks(const hh_reader *reader, uint32_t candidate)
{
    hh_item item = reader->items[candidate];
    if (!reader->pop.known || item >= reader->pop.capacity)
        return 1;
    uint32_t own = candidate < reader->own_items ? reader->own_clicks[candidate] : 0;
    uint32_t clicks = reader->pop.items[item].clicks;
    return (float)(clicks > own ? clicks - own : 0);
}

float hh_query_all_clicks(const hh_reader *reader)
{
    uint64_t clicks = reader->pop.known ? reader->pop.clicks : 1, own = reader->own_count;
    return (float)(clicks > own ? clicks - own : 0);
}

// ---- the asking session ----

// The visitor's clicks in sessions that reach into this one, up to as_of.
static void find_own_clicks(hh_reader *reader)
{
    const hh_graph *graph = reader->graph;
    const hh_store *store = &graph->store;
    uint32_t slot = atomic_load_explicit(hh_chain_of(store, reader->tag), memory_order_acquire) - 1;
    for (int looked_at = 0; slot != HH_NONE && looked_at < HH_CHAIN_LOOKS; looked_at++) {
        const hh_slot *link = hh_slot_at(store, slot);
        uint32_t next = atomic_load_explicit(&link->next, memory_order_acquire), count = 0;
        if (next != HH_NONE)
            __builtin_prefetch(hh_slot_at(store, next));
        const hh_block *block = hh_slot_block(store, slot);
        if (block && block->tag == reader->tag)
            count = hh_block_count(block);
        while (count && hh_click_time(graph, block, count - 1) >= reader->as_of)
            count--;
        if (count && hh_click_time(graph, block, count - 1) >= reader->session_start) {
            if (!hh_grow(&reader->own, &reader->own_capacity, reader->own_count + count,
                         sizeof *reader->own)) {
                reader->failed = true;
                return;
            }
            for (uint32_t i = 0; i < count; i++) {
                hh_item item = block->clicks[i].item;
                if (!reader->pop.known || item < reader->pop.capacity) // not newer than the sums
                    reader->own[reader->own_count++] = (hh_own_click){hh_click_time(graph, block, i), item};
            }
        }
        slot = next;
    }
    for (uint32_t i = 0; i < reader->own_count; i++) {
        uint32_t candidate = hh_candidate(reader, reader->own[i].item);
        if (candidate == HH_NONE)
            continue;
        if (!hh_grow(&reader->own_clicks, &reader->own_items_capacity, candidate + 1,
                     sizeof *reader->own_clicks)) {
            reader->failed = true;
            return;
        }
        if (candidate == reader->own_items)
            reader->own_clicks[reader->own_items++] = 0;
        reader->own_clicks[candidate]++;
    }
}

// ---- finishing ----

// Takes the session's own items from pair and knn, which leave them to others, and marks them for pop.
static void leave_own_items(hh_reader *reader, const hh_query *query)
{
    const hh_row kept = {1, 1, 0, 0, 0, 0, 1, 1}; // next, and what reasons are made of
    for (size_t i = 0; i < query->length; i++) {
        hh_item item = query->items[i];
        if (item >= reader->index_capacity || reader->index[item] - reader->first >= reader->count)
            continue;
        uint32_t candidate = reader->index[item] - reader->first;
        reader->seen[candidate] = HH_BROUGHT;
        reader->rows[1 + candidate] *= kept;
    }
}

// ---- the expert from outside ----

static void bring_foreseen(hh_reader *reader)
{
    const hh_foresight *foresight = reader->foresight;
    for (size_t i = 0; foresight && i < foresight->count && !reader->failed; i++) {
        uint32_t candidate =
            foresight->items[i] == HH_ITEM_NONE ? HH_NONE : hh_candidate(reader, foresight->items[i]);
        if (candidate != HH_NONE && reader->seen[candidate] != HH_BROUGHT)
            reader->seen[candidate] = HH_NAMED;
    }
}

void hh_votes_foresight(hh_reader *reader, uint32_t first)
{
    const hh_foresight *foresight = reader->foresight;
    if (foresight && reader->count > first)
        foresight->shares(foresight->context, reader->items + first, reader->count - first,
                          &reader->shares[first][HH_EXPERT_NETWORK]);
}

static hh_status begin(hh_reader *reader, const hh_query *query)
{
    hh_graph *graph = reader->graph;
    hh_time furthest = (hh_time)1 << 60;
    reader->as_of = query->as_of > furthest ? furthest : query->as_of < -furthest ? -furthest : query->as_of;
    atomic_store_explicit(&reader->asked, reader->as_of, memory_order_relaxed);
    hh_time origin = atomic_load_explicit(&graph->origin, memory_order_acquire);
    reader->blind = origin == HH_TIME_MIN;
    reader->limit = reader->blind ? 0 : reader->as_of - origin;
    reader->tag = hh_visitor_tag(query->visitor);
    reader->session_start = query->session_start;
    reader->failed = false;
    reader->foresight = query->foresight;
    reader->first += reader->made;
    if (reader->rows)
        memset(reader->rows, 0, (reader->made + 1) * sizeof *reader->rows);
    hh_clear_candidates(reader, 0, reader->made);
    reader->count = reader->made = reader->neighbour_count = reader->chosen_count = 0;
    uint32_t used = atomic_load_explicit(&graph->items.used, memory_order_acquire),
             before = reader->index_capacity;
    reader->used = used;
    if (!hh_grow(&reader->index, &reader->index_capacity, used, sizeof *reader->index))
        return HH_MEMORY;
    if (reader->index_capacity > before)
        memset(reader->index + before, 0, (reader->index_capacity - before) * sizeof *reader->index);
    if (reader->first == 0 || reader->first > UINT32_MAX / 2) { // at first, and every ten million queries
        if (reader->index)
            memset(reader->index, 0, reader->index_capacity * sizeof *reader->index);
        reader->first = 1;
    }
    return HH_OK;
}

hh_status hh_graph_query(hh_reader *reader, const hh_query *query, size_t popular, hh_votes *votes)
{
    *votes = (hh_votes){0};
    if (popular > UINT32_MAX / 8)
        return HH_ARGUMENT;
    hh_reader_enter(reader);
    hh_status status = begin(reader, query);
    if (!status)
        status = hh_pop_sync(reader, reader->as_of);
    if (!status) {
        reader->own_count = reader->own_items = 0;
        if (!reader->blind) {
            find_own_clicks(reader);
            hh_walk(reader, query->items, query->length);
            if (!reader->failed) {
                hh_knn_choose(reader);
                hh_pair_scale(reader);
                hh_vote(reader);
            }
        }
        hh_votes_repeat(reader, query->items, query->length);
        leave_own_items(reader, query);
        bring_foreseen(reader);
        hh_votes_pop(reader, (uint32_t)popular);
        if (query->length && !reader->failed)
            hh_pop_last(reader, query->items[query->length - 1], votes);
        if (reader->failed)
            status = HH_MEMORY;
        else
            hh_make_shares(reader, votes->mass);
        if (!status)
            hh_votes_onward(reader, query->items, query->length);
        if (!status && atomic_load_explicit(&reader->graph->described.count, memory_order_acquire))
            hh_votes_text(reader, query->items, query->length, votes->mass);
        if (reader->failed)
            status = HH_MEMORY;
    }
    hh_reader_leave(reader);
    if (status) {
        *votes = (hh_votes){0};
        return status;
    }
    hh_show_candidates(reader, votes);
    votes->length = query->length;
    votes->as_of = query->as_of;
    votes->neighbours = reader->chosen_count;
    votes->foreseen = query->foresight != NULL;
    votes->last_before = hh_last_before(query->items, query->length);
    return HH_OK;
}

size_t hh_graph_popular(const hh_reader *reader, hh_expert expert, hh_item *items, size_t count)
{
    if (expert >= HH_POPS || !reader->pop.known)
        return 0;
    const hh_pop_top *top = &reader->pop.top[expert];
    size_t found = top->count < count ? top->count : count;
    if (found)
        memcpy(items, top->items, found * sizeof *items);
    return found;
}
