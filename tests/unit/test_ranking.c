#include "evaluate/ranking.h"
#include "unit/small_log.h"

#include <math.h>

// The obvious way: count what stands before, pick the best one after another.
static void naive(const uint32_t *items, const float *scores, uint32_t count, uint32_t target,
                  const uint32_t *hidden, hh_ranking *ranking)
{
    bool taken[64] = {false};
    ranking->rank = NO_RANK;
    ranking->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        taken[i] = scores[i] <= 0 || hidden[items[i]] == 1;
        if (items[i] == target && !taken[i]) {
            ranking->rank = 0;
            for (uint32_t k = 0; k < count; k++)
                ranking->rank += scores[k] >= scores[i] && hidden[items[k]] != 1;
        }
    }
    while (ranking->count < HH_LIST) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++)
            if (!taken[i] && (best == UINT32_MAX || scores[i] > scores[best] ||
                              (scores[i] == scores[best] && items[i] < items[best])))
                best = i;
        if (best == UINT32_MAX)
            return;
        taken[best] = true;
        ranking->items[ranking->count++] = items[best];
    }
}

Test(ranking, ranks_and_lists_are_those_of_the_obvious_way)
{
    uint64_t seed = 7;
    uint32_t ranked = 0;
    for (int round = 0; round < 20000; round++) {
        uint32_t items[64], hidden[64] = {0}, count = small_random(&seed, 50);
        float scores[64 * 3];
        uint32_t stride = 1 + small_random(&seed, 3), offset = small_random(&seed, 64);
        float plain[64];
        for (uint32_t i = 0; i < count; i++) {
            items[i] = (i + offset) % 64;
            plain[i] = (float)small_random(&seed, 12) - 2; // many ties, some that are none
            scores[i * stride] = plain[i];
            hidden[items[i]] = small_random(&seed, 6) == 0;
        }
        uint32_t target = small_random(&seed, 64);
        hh_ranking fast, slow;
        hh_rank_candidates(items, scores, stride, count, target, hidden, 1, &fast);
        naive(items, plain, count, target, hidden, &slow);
        cr_assert_eq(fast.rank, slow.rank);
        cr_assert_eq(fast.count, slow.count);
        cr_assert_eq(memcmp(fast.items, slow.items, slow.count * sizeof *slow.items), 0);
        ranked += fast.rank != NO_RANK;
    }
    cr_assert_gt(ranked, 3000);
}

Test(ranking, the_target_stands_behind_all_that_have_its_score)
{
    const uint32_t items[] = {0, 1, 2, 3};
    const float scores[] = {1, 2, 1, 1};
    hh_ranking ranking;
    hh_rank_candidates(items, scores, 1, 4, 0, NULL, 0, &ranking);
    cr_assert_eq(ranking.rank, 4);
    cr_assert_eq(ranking.items[0], 1);
    cr_assert_eq(ranking.items[1], 0);
}

Test(ranking, the_sums_are_those_of_the_definitions)
{
    enum { ITEMS = 40, LISTS = 500 };
    uint64_t seed = 3;
    hh_tally tally;
    cr_assert(hh_tally_init(&tally, ITEMS));
    double hr[HH_CUTOFFS] = {0}, mrr[HH_CUTOFFS] = {0}, ndcg[HH_CUTOFFS] = {0}, popularity = 0;
    uint32_t clicks[ITEMS], most = 0, listed = 0, shown = 0;
    bool was_shown[ITEMS] = {false};
    for (uint32_t i = 0; i < ITEMS; i++) {
        clicks[i] = small_random(&seed, 100);
        most = clicks[i] > most ? clicks[i] : most;
    }
    for (int list = 0; list < LISTS; list++) {
        hh_ranking ranking = {.rank = 1 + small_random(&seed, 30), .count = small_random(&seed, HH_LIST + 1)};
        if (small_random(&seed, 10) == 0)
            ranking.rank = NO_RANK;
        for (uint32_t i = 0; i < ranking.count; i++) {
            ranking.items[i] = (i + small_random(&seed, 5)) % ITEMS;
            popularity += clicks[ranking.items[i]] / (double)most;
            shown += !was_shown[ranking.items[i]];
            was_shown[ranking.items[i]] = true;
        }
        listed += ranking.count;
        hh_tally_add(&tally, &ranking, clicks, most);
        const double cutoffs[HH_CUTOFFS] = {5, 10, 20};
        for (int i = 0; i < HH_CUTOFFS; i++)
            if (ranking.rank <= cutoffs[i]) {
                hr[i] += 1.0 / LISTS;
                mrr[i] += 1.0 / ranking.rank / LISTS;
                ndcg[i] += log(2) / log(1 + (double)ranking.rank) / LISTS; // one relevant item: ideal is 1
            }
    }
    hh_result result;
    hh_tally_result(&tally, ITEMS, &result);
    cr_assert_eq(result.targets, LISTS);
    for (int i = 0; i < HH_CUTOFFS; i++) {
        cr_assert_float_eq(result.hr[i], hr[i], 1e-12);
        cr_assert_float_eq(result.mrr[i], mrr[i], 1e-12);
        cr_assert_float_eq(result.ndcg[i], ndcg[i], 1e-12);
    }
    cr_assert_float_eq(result.popularity, popularity / listed, 1e-12);
    cr_assert_float_eq(result.coverage, shown / (double)ITEMS, 1e-12);
    hh_tally_free(&tally);
}
