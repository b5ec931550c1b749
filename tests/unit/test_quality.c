// Judging lists by the click that comes next.
#include "daemon/quality.h"
#include <criterion/criterion.h>

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

Test(quality, the_yardstick_leaves_out_the_session_and_stays_in_order)
{
    hh_item items[] = {9, 4, 7, 2, 5}, session[] = {4, HH_ITEM_NONE, 2};
    cr_assert_eq(hh_leave_out(items, 5, session, 3, 5), 3);
    cr_assert(items[0] == 9 && items[1] == 7 && items[2] == 5);
    cr_assert_eq(hh_leave_out(items, 3, NULL, 0, 2), 2, "no longer than wanted");
    cr_assert(items[0] == 9 && items[1] == 7);
}
