// Judging lists by the click that comes next.
#include "daemon/quality.h"
#include <criterion/criterion.h>

Test(quality, a_rank_counts_from_one_and_zero_is_not_there)
{
    hh_shown shown = {.count = 3, .graph_count = 1, .popular_count = 1};
    const char *items[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        shown.items[i] = hh_shown_hash(items[i], 1);
    shown.graph[0] = hh_shown_hash("b", 1);
    shown.popular[0] = hh_shown_hash("c", 1);
    shown.popular[1] = hh_shown_hash("b", 1); // beyond popular_count
    unsigned ranks[3];
    hh_shown_ranks(&shown, hh_shown_hash("c", 1), ranks);
    cr_assert(ranks[HH_LIST_HIPHOP] == 3 && ranks[HH_LIST_GRAPH] == 0 && ranks[HH_LIST_POPULARITY] == 1);
    hh_shown_ranks(&shown, hh_shown_hash("b", 1), ranks);
    cr_assert(ranks[HH_LIST_HIPHOP] == 2 && ranks[HH_LIST_GRAPH] == 1 && ranks[HH_LIST_POPULARITY] == 0);
    hh_shown_ranks(&shown, hh_shown_hash("z", 1), ranks);
    cr_assert(ranks[HH_LIST_HIPHOP] == 0 && ranks[HH_LIST_POPULARITY] == 0);
}

Test(quality, the_yardstick_leaves_out_the_session_and_stays_in_order)
{
    hh_item items[] = {9, 4, 7, 2, 5}, session[] = {4, HH_ITEM_NONE, 2};
    cr_assert_eq(hh_leave_out(items, 5, session, 3, 5), 3);
    cr_assert(items[0] == 9 && items[1] == 7 && items[2] == 5);
    cr_assert_eq(hh_leave_out(items, 3, NULL, 0, 2), 2, "no longer than wanted");
    cr_assert(items[0] == 9 && items[1] == 7);
}

Test(quality, the_graph_has_a_list_of_its_own)
{
    hh_shown shown = {.count = 1, .graph_count = 1};
    shown.items[0] = hh_shown_hash("a", 1);
    shown.graph[0] = hh_shown_hash("b", 1);
    unsigned ranks[3];
    hh_shown_ranks(&shown, hh_shown_hash("b", 1), ranks);
    cr_assert(ranks[HH_LIST_HIPHOP] == 0 && ranks[HH_LIST_GRAPH] == 1);
}

Test(quality, the_best_are_chosen_in_order)
{
    const hh_item items[] = {1, 2, 3, 4, 5, 6}, session[] = {4};
    const float scores[] = {0.1f, 0.3f, 0.3f, 0.9f, 0, 0.2f};
    hh_item best[6];
    cr_assert_eq(hh_best_of(items, scores, 6, session, 1, best, 3), 3);
    cr_assert(best[0] == 2 && best[1] == 3 && best[2] == 6, "ties by place");
    cr_assert_eq(hh_best_of(items, scores, 6, NULL, 0, best, 6), 6);
    cr_assert(best[0] == 4 && best[5] == 5);
    cr_assert_eq(hh_best_of(items, scores, 6, NULL, 0, best, 0), 0);
}
