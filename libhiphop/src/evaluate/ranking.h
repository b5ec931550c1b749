// From scores to figures: the rank of a target against every candidate, the top list, and the sums behind
// HR, MRR, NDCG, coverage and popularity bias.
#ifndef EVALUATE_RANKING_H
#define EVALUATE_RANKING_H

#include <hiphop/evaluate.h>

#define NO_RANK UINT32_MAX

typedef struct hh_ranking {
    uint32_t rank;           // of the target, from 1; NO_RANK
    uint32_t count;          // of the list
    uint32_t items[HH_LIST]; // best first, ties by item
    float scores[HH_LIST];
} hh_ranking;

// Ranks the candidates items[count] by their scores (each `stride` behind the last; <= 0: no candidate).
// Those with hidden[item] == mark are left out (hidden may be NULL). Everything with the target's score
// stands before it; a hidden or absent target has no rank.
void hh_rank_candidates(const uint32_t *items, const float *scores, uint32_t stride, uint32_t count,
                        uint32_t target, const uint32_t *hidden, uint32_t mark, hh_ranking *ranking);

typedef struct hh_tally {
    uint64_t targets;
    double hr[HH_CUTOFFS], mrr[HH_CUTOFFS], ndcg[HH_CUTOFFS]; // sums
    double popularity;                                        // sum over listed items
    uint64_t listed;                                          // length of all lists
    uint8_t *shown;                                           // [items] was in some list
    uint32_t shown_count;
} hh_tally;

bool hh_tally_init(hh_tally *tally, uint32_t items);
void hh_tally_free(hh_tally *tally);
// clicks[item]: times it was clicked before now; most: the largest of them.
void hh_tally_add(hh_tally *tally, const hh_ranking *ranking, const uint32_t *clicks, uint32_t most);
void hh_tally_result(const hh_tally *tally, uint32_t items_clicked, hh_result *result);

#endif
