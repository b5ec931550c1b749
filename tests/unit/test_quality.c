// Judging lists by the click that comes next.
#include "daemon/quality.h"
#include <criterion/criterion.h>
#include <string.h>

Test(quality, a_rank_counts_from_one_and_zero_is_not_there)
{
    hh_shown shown = {.count = 3, .popular_count = 1};
    const char *items[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        shown.items[i] = hh_shown_hash(items[i], 1);
    shown.popular[0] = hh_shown_hash("c", 1);
    shown.popular[1] = hh_shown_hash("b", 1); // beyond popular_count
    unsigned rank, popularity_rank;
    hh_shown_ranks(&shown, hh_shown_hash("c", 1), &rank, &popularity_rank);
    cr_assert(rank == 3 && popularity_rank == 1);
    hh_shown_ranks(&shown, hh_shown_hash("b", 1), &rank, &popularity_rank);
    cr_assert(rank == 2 && popularity_rank == 0);
    hh_shown_ranks(&shown, hh_shown_hash("z", 1), &rank, &popularity_rank);
    cr_assert(rank == 0 && popularity_rank == 0);
}

Test(quality, popular_is_by_share_and_without_the_session)
{
    enum { COUNT = 100 };
    hh_item items[COUNT];
    float shares[COUNT][HH_EXPERTS];
    memset(shares, 0, sizeof shares);
    for (uint32_t i = 0; i < COUNT; i++) {
        items[i] = 1000 + i;
        shares[i][HH_EXPERT_POP_MIDDLE] = (float)(i * 37 % COUNT) / 10000; // each share once; item 0 has none
    }
    hh_votes votes = {.count = COUNT, .items = items, .shares = (const float(*)[HH_EXPERTS])shares};
    uint32_t best[HH_LIVE_RANKS];
    cr_assert_eq(hh_popular(&votes, HH_EXPERT_POP_MIDDLE, NULL, 0, best), HH_LIVE_RANKS);
    for (size_t i = 0; i < HH_LIVE_RANKS; i++)
        cr_assert_eq(best[i] * 37 % COUNT, COUNT - 1 - i);
    hh_item session[] = {items[best[0]], items[best[3]]};
    uint32_t others[HH_LIVE_RANKS];
    cr_assert_eq(hh_popular(&votes, HH_EXPERT_POP_MIDDLE, session, 2, others), HH_LIVE_RANKS);
    cr_assert(others[0] == best[1] && others[1] == best[2] && others[2] == best[4]);
    cr_assert_eq(hh_popular(&votes, HH_EXPERT_POP_SHORT, NULL, 0, best), 0, "it knows nothing");
}
