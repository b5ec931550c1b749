// A query's votes made complete: which items that are no candidates are worth enough to be some? Only pop
// knows them, and none of their clicks are the asking session's, so what they are worth is soon said.
//
// The threshold algorithm: down all top lists of pop at once, until what comes could not be worth enough even
// if one item were next in all of them. Nearly always that is so at once. Where the lists end before, all
// items are looked at.
#include "graph/reader.h"

#include <math.h>

static float worth(const hh_reader *reader, const int64_t sums[HH_POPS], const float weights[HH_POPS])
{
    float score = 0;
    for (int p = 0; p < HH_POPS; p++)
        score += weights[p] * ((float)sums[p] * reader->per_click[p]);
    return score;
}

static bool is_candidate(const hh_reader *reader, hh_item item)
{
    return item < reader->index_capacity && reader->index[item] - reader->first < reader->made;
}

static void add_if(hh_reader *reader, hh_item item, const float weights[HH_POPS], float least)
{
    const int64_t *sums = reader->pop.items[item].sums;
    if (is_candidate(reader, item) || worth(reader, sums, weights) < least)
        return;
    uint32_t candidate = hh_candidate(reader, item);
    for (int p = 0; candidate != HH_NONE && p < HH_POPS; p++)
        reader->shares[candidate][HH_EXPERT_POP_SHORT + p] = (float)sums[p] * reader->per_click[p];
}

static void add_worthy(hh_reader *reader, const float weights[HH_POPS], float least)
{
    const hh_pop *pop = &reader->pop;
    uint32_t at[HH_POPS] = {0}; // what is before it in the list is a candidate, or worth too little
    for (;;) {
        int64_t most[HH_POPS]; // that the sums of an item from there on can be
        bool listed = true;
        for (int p = 0; p < HH_POPS; p++) {
            const hh_pop_top *top = &pop->top[p];
            while (at[p] < top->count && is_candidate(reader, top->items[at[p]]))
                at[p]++;
            bool all = top->count == pop->live;
            most[p] = at[p] < top->count ? pop->items[top->items[at[p]]].sums[p] : all ? 0 : top->outside;
            if (at[p] == top->count && all)
                return; // no item is left
            listed = listed && at[p] < top->count;
        }
        if (worth(reader, most, weights) < least)
            return;
        if (!listed)
            break;
        for (int p = 0; p < HH_POPS; p++)
            add_if(reader, pop->top[p].items[at[p]++], weights, least);
    }
    for (hh_item item = 0; item < pop->capacity; item++)
        if (pop->items[item].clicks && !pop->items[item].hidden)
            add_if(reader, item, weights, least);
}

hh_status hh_graph_query_more(hh_reader *reader, const double weights[HH_EXPERTS], float least,
                              hh_votes *votes)
{
    float pops[HH_POPS];
    for (int p = 0; p < HH_POPS; p++)
        pops[p] = (float)weights[HH_EXPERT_POP_SHORT + p];
    // Of the expert from outside the best are candidates already; the two count as recommend/mix.h says.
    if (reader->foresight) {
        float outside = HH_NETWORK_TRUST * (float)weights[HH_EXPERT_NETWORK] * reader->foresight->rest;
        float root = sqrtf(fmaxf(least, 0)) - sqrtf(outside);
        least = root > 0 ? root * root : 0;
    }
    uint32_t before = reader->count;
    if (reader->pop.known)
        add_worthy(reader, pops, least);
    hh_votes_foresight(reader, before);
    hh_show_candidates(reader, votes);
    return reader->failed ? HH_MEMORY : HH_OK;
}
