#include "evaluate/ranking.h"

#include <math.h>
#include <stdlib.h>

const uint32_t hh_cutoffs[HH_CUTOFFS] = {5, 10, 20};

// Puts a candidate into the sorted list; the list is full and the candidate no better than its last: not.
static void list_insert(hh_ranking *ranking, uint32_t item, float score)
{
    uint32_t at = ranking->count < HH_LIST ? ranking->count++ : HH_LIST;
    if (at == HH_LIST) {
        at--;
        if (score < ranking->scores[at] || (score == ranking->scores[at] && item > ranking->items[at]))
            return;
    }
    while (at > 0 && (score > ranking->scores[at - 1] ||
                      (score == ranking->scores[at - 1] && item < ranking->items[at - 1]))) {
        ranking->scores[at] = ranking->scores[at - 1];
        ranking->items[at] = ranking->items[at - 1];
        at--;
    }
    ranking->scores[at] = score;
    ranking->items[at] = item;
}

void hh_rank_candidates(const uint32_t *items, const float *scores, uint32_t stride, uint32_t count,
                        uint32_t target, const uint32_t *hidden, uint32_t mark, hh_ranking *ranking)
{
    float reached = 0; // the target's score
    if (!hidden || hidden[target] != mark)
        for (uint32_t i = 0; i < count; i++)
            if (items[i] == target) {
                reached = scores[(size_t)i * stride];
                break;
            }
    ranking->count = 0;
    uint32_t before = 0; // candidates at least as good, the target itself among them
    float worst = 0;     // what a candidate must have to be looked at: once the list is full, its last score
    for (uint32_t i = 0; i < count; i++) {
        float score = scores[(size_t)i * stride];
        if (!(score > 0) || (hidden && hidden[items[i]] == mark))
            continue;
        before += score >= reached;
        if (score < worst)
            continue;
        list_insert(ranking, items[i], score);
        if (ranking->count == HH_LIST)
            worst = ranking->scores[HH_LIST - 1];
    }
    ranking->rank = reached > 0 ? before : NO_RANK;
}

bool hh_tally_init(hh_tally *tally, uint32_t items)
{
    *tally = (struct hh_tally){.shown = calloc((size_t)items + 1, 1)};
    return tally->shown != NULL;
}

void hh_tally_free(hh_tally *tally)
{
    free(tally->shown);
}

void hh_tally_add(hh_tally *tally, const hh_ranking *ranking, const uint32_t *clicks, uint32_t most)
{
    tally->targets++;
    for (int i = 0; i < HH_CUTOFFS; i++)
        if (ranking->rank <= hh_cutoffs[i]) {
            tally->hr[i] += 1;
            tally->mrr[i] += 1.0 / ranking->rank;
            tally->ndcg[i] += 1.0 / log2(1.0 + ranking->rank);
        }
    for (uint32_t i = 0; i < ranking->count; i++) {
        uint32_t item = ranking->items[i];
        tally->shown_count += !tally->shown[item];
        tally->shown[item] = 1;
        if (most > 0)
            tally->popularity += (double)clicks[item] / most;
    }
    tally->listed += ranking->count;
}

void hh_tally_result(const hh_tally *tally, uint32_t items_clicked, hh_result *result)
{
    double targets = tally->targets ? (double)tally->targets : 1;
    result->targets = tally->targets;
    for (int i = 0; i < HH_CUTOFFS; i++) {
        result->hr[i] = tally->hr[i] / targets;
        result->mrr[i] = tally->mrr[i] / targets;
        result->ndcg[i] = tally->ndcg[i] / targets;
    }
    result->coverage = items_clicked ? (double)tally->shown_count / items_clicked : 0;
    result->popularity = tally->listed ? tally->popularity / (double)tally->listed : 0;
}
