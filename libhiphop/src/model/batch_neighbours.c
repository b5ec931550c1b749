// The neighbours of a batch's prefixes: which of their items have a say, and what they vote for.
#include "model/batch.h"

#include <math.h>
#include <string.h>

#define REACH  8    // clicks on either side of the match that have a say
#define FADE   2.5f // clicks over which it falls to 1/e
#define BEFORE 0.5f // of what came before the match, against what came after

// The entries of one prefix, in the list of neighbours.
typedef struct span {
    const hh_neighbour *at;
    size_t count;
} span;

static span span_of(const hh_batch_options *options, const hh_session_view *view, uint32_t length)
{
    const hh_neighbour_list *list = options->neighbours;
    size_t number = (size_t)(view->items - options->clicks) + length - 1;
    return (span){list->at + list->begin[number], list->begin[number + 1] - list->begin[number]};
}

static void range(uint32_t *from, uint32_t *to, uint32_t after, uint32_t length, bool whole)
{
    *from = whole || after < REACH + 1 ? 0 : after - REACH - 1;
    *to = whole || after + REACH > length ? length : after + REACH;
}

bool hh_batch_rows_add_neighbours(hh_batch_rows *rows, const hh_session_view *sessions, size_t count,
                                  const hh_batch_options *options)
{
    bool done = true;
    for (size_t s = 0; s < count; s++)
        for (uint32_t length = 1; length < sessions[s].length; length++) {
            span near = span_of(options, &sessions[s], length);
            for (size_t i = 0; i < near.count; i++) {
                uint32_t n, from, to;
                const uint32_t *items = hh_neighbour_index_session(options->index, near.at[i].session, &n);
                range(&from, &to, near.at[i].after, n, options->whole);
                for (uint32_t j = from; j < to && done; j++)
                    done = hh_batch_rows_add(rows, items[j]);
            }
        }
    return done;
}

typedef struct adding {
    hh_batch *batch;
    const hh_batch_rows *rows;
    const hh_batch_options *options;
    hh_batch_neighbours *near;
    hh_ragged exact; // the batch's, with what is voted for behind
    uint32_t *own;
    uint32_t *place; // [rows] in exact + 1, of the prefix at hand; else 0
} adding;

static float say(uint32_t place, uint32_t after, bool whole)
{
    if (whole)
        return 1;
    return place >= after ? expf(-(float)(place - after) / FADE)
                          : BEFORE * expf(-(float)(after - 1 - place) / FADE);
}

// Whether the prefix holds this row: is its exact entry one of its own?
static bool held(const adding *to, uint32_t row)
{
    return to->place[row] > 0 && to->own[to->place[row] - 1] != HH_OWN_NONE;
}

static void vote(adding *to, uint32_t row, float weight, const uint32_t *voter)
{
    hh_batch_neighbours *near = to->near;
    uint32_t *end = &to->exact.begin[to->exact.count + 1];
    if (to->place[row] == 0) {
        to->exact.at[*end] = row;
        to->own[*end] = HH_OWN_NONE;
        to->place[row] = ++*end;
    }
    uint32_t *votes = &near->votes.begin[near->votes.count + 1];
    near->votes.at[*votes] = to->place[row] - 1;
    near->vote[*votes] = weight;
    for (int set = 0; set < HH_SETS; set++)
        near->voter[set][*votes] = voter[set];
    ++*votes;
}

static void add_entry(adding *to, const hh_neighbour *neighbour)
{
    hh_batch_neighbours *near = to->near;
    uint32_t n, from, until, first = near->said.begin[near->said.count], end = first;
    const uint32_t *items = hh_neighbour_index_session(to->options->index, neighbour->session, &n);
    float sum = 0;
    range(&from, &until, neighbour->after, n, to->options->whole);
    for (uint32_t i = from; i < until; i++) {
        uint32_t row = to->rows->row_of[items[i]];
        if (!to->options->whole && held(to, row))
            continue;
        near->said.at[end] = row;
        sum += near->weight[end++] = say(i, neighbour->after, to->options->whole);
    }
    if (end == first)
        return; // it has nothing to say that the prefix does not know
    for (uint32_t i = first; i < end; i++)
        near->weight[i] /= sum;
    uint32_t entry = (uint32_t)near->said.count++, voter[HH_SETS];
    near->said.begin[entry + 1] = end;
    near->all.at[near->all.begin[near->all.count + 1]++] = entry;
    for (int set = 0; set < HH_SETS; set++) {
        voter[set] = HH_NO_VOTER;
        if (!isfinite(neighbour->prior[set]))
            continue;
        voter[set] = near->set[set].begin[near->set[set].count + 1]++;
        near->set[set].at[voter[set]] = entry;
        near->prior[set][voter[set]] = neighbour->prior[set];
    }
    for (uint32_t i = first; i < end && to->options->votes; i++)
        if (!held(to, near->said.at[i]))
            vote(to, near->said.at[i], near->weight[i], voter);
}

static void open_list(hh_ragged *ragged)
{
    ragged->begin[ragged->count + 1] = ragged->begin[ragged->count];
}

static void add_prefix(adding *to, size_t p, span neighbours)
{
    const hh_batch *batch = to->batch;
    hh_batch_neighbours *near = to->near;
    hh_ragged *lists[] = {&near->all, &near->set[0], &near->set[1], &near->votes, &to->exact};
    for (int i = 0; i < 5; i++)
        open_list(lists[i]);
    uint32_t first = to->exact.begin[p], *end = &to->exact.begin[p + 1];
    for (uint32_t e = batch->exact.begin[p]; e < batch->exact.begin[p + 1]; e++) {
        to->exact.at[*end] = batch->exact.at[e];
        to->own[*end] = batch->own[e];
        to->place[batch->exact.at[e]] = ++*end;
    }
    for (size_t i = 0; i < neighbours.count; i++)
        add_entry(to, &neighbours.at[i]);
    for (uint32_t e = first; e < *end; e++)
        to->place[to->exact.at[e]] = 0;
    for (int i = 0; i < 5; i++)
        lists[i]->count++;
}

static hh_ragged take(size_t lists, size_t entries, hh_arena *arena)
{
    hh_ragged ragged = {.begin = HH_TAKE_ZERO(arena, lists + 1, uint32_t),
                        .at = HH_TAKE(arena, entries, uint32_t)};
    return ragged;
}

bool hh_batch_add_neighbours(hh_batch *batch, const hh_session_view *sessions, const hh_batch_rows *rows,
                             const hh_batch_options *options, hh_arena *arena)
{
    size_t entries = 0, said = 0, prefixes = batch->prefixes, exact = batch->exact.begin[prefixes];
    for (size_t p = 0; p < prefixes; p++) {
        const hh_session_view *view = &sessions[batch->session[p]];
        bool first = p == 0 || batch->session[p] != batch->session[p - 1];
        size_t length = options->last_only ? view->length : 1;
        if (!first)
            continue;
        for (; length < view->length || (options->last_only && length == view->length); length++) {
            span near = span_of(options, view, (uint32_t)length);
            entries += near.count;
            for (size_t i = 0; i < near.count; i++) {
                uint32_t n, from, to;
                hh_neighbour_index_session(options->index, near.at[i].session, &n);
                range(&from, &to, near.at[i].after, n, options->whole);
                said += to - from;
            }
        }
    }
    hh_batch_neighbours *near = &batch->near;
    size_t votes = options->votes ? said : 0;
    *near = (hh_batch_neighbours){
        .all = take(prefixes, entries, arena),
        .set = {take(prefixes, entries, arena), take(prefixes, entries, arena)},
        .prior = {HH_TAKE(arena, entries, float), HH_TAKE(arena, entries, float)},
        .said = take(entries, said, arena),
        .weight = HH_TAKE(arena, said, float),
        .votes = take(prefixes, votes, arena),
        .vote = HH_TAKE(arena, votes, float),
        .voter = {HH_TAKE(arena, votes, uint32_t), HH_TAKE(arena, votes, uint32_t)},
    };
    adding to = {
        .batch = batch,
        .rows = rows,
        .options = options,
        .near = near,
        .exact = take(prefixes, exact + votes, arena),
        .own = HH_TAKE(arena, exact + votes, uint32_t),
        .place = HH_TAKE_ZERO(arena, rows->count, uint32_t),
    };
    if (arena->failed)
        return false;
    uint32_t length = 0;
    for (size_t p = 0; p < prefixes; p++) {
        const hh_session_view *view = &sessions[batch->session[p]];
        length = p > 0 && batch->session[p] == batch->session[p - 1] ? length + 1 : 1;
        add_prefix(&to, p, span_of(options, view, options->last_only ? view->length : length));
    }
    near->entries = near->said.count;
    batch->exact = to.exact;
    batch->own = to.own;
    return true;
}
