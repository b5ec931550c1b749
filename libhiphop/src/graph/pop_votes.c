// The votes of pop, out of the reader's sums (pop.c): without the asking session's own clicks, and without
// the items that are in it already.
#include "graph/reader.h"

#include <string.h>

// How much of its items' sums the asking session's own clicks are. While the writer is at work the session
// may hold clicks that the sums have not: no more than the sum is taken.
static bool sum_own_clicks(hh_reader *reader)
{
    hh_pop *pop = &reader->pop;
    if (!hh_grow(&reader->own_sums, &reader->own_sums_capacity, reader->own_items, sizeof *reader->own_sums))
        return false;
    for (uint32_t i = 0; i < reader->own_items; i++)
        memset(reader->own_sums[i], 0, sizeof *reader->own_sums);
    for (uint32_t i = 0; i < reader->own_count; i++) {
        uint32_t candidate = hh_candidate(reader, reader->own[i].item);
        for (int p = 0; p < HH_POPS && candidate < reader->own_items; p++) {
            int64_t all = pop->items[reader->own[i].item].sums[p], *own = &reader->own_sums[candidate][p];
            *own += hh_scale_weight(&pop->scale, p, reader->own[i].time);
            *own = *own < all ? *own : all;
        }
    }
    return true;
}

// How much of the candidate's sum is not to be counted: that of the asking session's own clicks, and all of
// an item that is in it already.
static int64_t not_counted(const hh_reader *reader, uint32_t candidate, int p)
{
    if (reader->seen[candidate] == HH_BROUGHT)
        return reader->pop.items[reader->items[candidate]].sums[p];
    return candidate < reader->own_items ? reader->own_sums[candidate][p] : 0;
}

void hh_votes_pop(hh_reader *reader, uint32_t popular)
{
    hh_pop *pop = &reader->pop;
    if (!pop->known)
        return;
    uint32_t wanted = popular + reader->own_items; // the asking session's own clicks are not counted
    if (hh_pop_reserve(reader, wanted) || !sum_own_clicks(reader)) {
        reader->failed = true;
        return;
    }
    for (int p = 0; p < HH_POPS; p++)
        for (uint32_t i = 0; i < wanted && i < pop->top[p].count; i++)
            hh_candidate(reader, pop->top[p].items[i]);
    int64_t total[HH_POPS];
    for (int p = 0; p < HH_POPS; p++)
        total[p] = pop->top[p].total;
    for (uint32_t i = 0; i < reader->count; i++)
        if ((i < reader->own_items || reader->seen[i] == HH_BROUGHT) && reader->items[i] < pop->capacity &&
            !pop->items[reader->items[i]].hidden)
            for (int p = 0; p < HH_POPS; p++)
                total[p] -= not_counted(reader, i, p);
    for (int p = 0; p < HH_POPS; p++)
        reader->per_click[p] = total[p] > 0 ? 1.0f / (float)total[p] : 0;
}

void hh_pop_shares(const hh_reader *reader, uint32_t candidate, float shares[HH_POPS])
{
    const hh_pop *pop = &reader->pop;
    hh_item item = reader->items[candidate];
    if (!pop->known || item >= pop->capacity || pop->items[item].hidden)
        return;
    const int64_t *sums = pop->items[item].sums;
    bool whole = candidate >= reader->own_items && reader->seen[candidate] != HH_BROUGHT;
    for (int p = 0; p < HH_POPS; p++) {
        int64_t sum = whole ? sums[p] : sums[p] - not_counted(reader, candidate, p);
        shares[p] = (float)sum * reader->per_click[p];
    }
}

void hh_pop_last(hh_reader *reader, hh_item item, hh_votes *votes)
{
    const hh_pop *pop = &reader->pop;
    if (!pop->known || item >= pop->capacity || pop->items[item].hidden)
        return;
    uint32_t candidate = hh_candidate(reader, item);
    if (candidate == HH_NONE)
        return;
    for (int p = 0; p < HH_POPS; p++) {
        int64_t sum = pop->items[item].sums[p];
        if (candidate < reader->own_items)
            sum -= reader->own_sums[candidate][p];
        votes->last_popularity[p] = pop->top[p].total > 0 ? (float)sum / (float)pop->top[p].total : 0;
    }
    votes->last_clicks = (uint32_t)hh_query_clicks(reader, candidate);
}
