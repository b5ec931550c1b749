// Neighbours: who they are, and that they are never of the present or the future.
#include "model/neighbour_index.h"
#include "nn/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const hh_neighbour_options options = {.newest = 50, .nearest = 5, .last = 3};

static const hh_neighbour *of(const hh_neighbour_list *list, size_t prefix, size_t *count)
{
    *count = list->begin[prefix + 1] - list->begin[prefix];
    return list->at + list->begin[prefix];
}

Test(neighbour_index, finds_by_overlap)
{
    hh_neighbour_index *index = hh_neighbour_index_new(10, &options);
    hh_neighbour_list list = {0};
    const uint32_t near[] = {1, 2, 5, 6}, far[] = {2, 7, 8, 9, 3}, other[] = {8, 9};
    cr_assert(hh_neighbour_index_add(index, near, 4));
    cr_assert(hh_neighbour_index_add(index, far, 5));
    cr_assert(hh_neighbour_index_add(index, other, 2));
    const uint32_t asked[] = {1, 2};
    cr_assert(hh_neighbour_index_find(index, asked, 2, &list));
    size_t count;
    const hh_neighbour *found = of(&list, 0, &count);
    cr_assert_eq(count, 1);
    cr_expect_eq(found[0].session, 0);
    cr_expect_eq(found[0].after, 1);
    // ln(1 + 4/2) of one item, against four that were of ln(1 + 1/2) when they came
    cr_expect_float_eq(found[0].prior[HH_SET_GLOBAL], logf(logf(3) / (4 * logf(1.5f))), 1e-5);
    found = of(&list, 1, &count);
    cr_assert_eq(count, 2);
    cr_expect_eq(found[0].session, 0);
    cr_expect_eq(found[0].after, 2);
    cr_expect_eq(found[1].session, 1);
    cr_expect_eq(found[1].after, 1);
    cr_expect(found[0].prior[HH_SET_LOCAL] > found[1].prior[HH_SET_LOCAL]);
    hh_neighbour_list_free(&list);
    hh_neighbour_index_free(index);
}

Test(neighbour_index, local_forgets)
{
    hh_neighbour_index *index = hh_neighbour_index_new(10, &options);
    hh_neighbour_list list = {0};
    const uint32_t session[] = {1, 2}, asked[] = {1, 5, 6, 7};
    cr_assert(hh_neighbour_index_add(index, session, 2));
    cr_assert(hh_neighbour_index_find(index, asked, 4, &list));
    size_t count;
    const hh_neighbour *found = of(&list, 2, &count);
    cr_assert_eq(count, 1);
    cr_expect(isfinite(found->prior[HH_SET_LOCAL]));
    found = of(&list, 3, &count); // 1 is the fourth from the end
    cr_assert_eq(count, 1);
    cr_expect(isfinite(found->prior[HH_SET_GLOBAL]));
    cr_expect_eq(found->prior[HH_SET_LOCAL], -INFINITY);
    hh_neighbour_list_free(&list);
    hh_neighbour_index_free(index);
}

Test(neighbour_index, what_is_hidden_is_not_found)
{
    hh_neighbour_index *index = hh_neighbour_index_new(10, &options);
    hh_neighbour_list list = {0};
    const uint32_t session[] = {1, 2};
    size_t count;
    for (int i = 0; i < 3; i++)
        cr_assert(hh_neighbour_index_add(index, session, i == 1 ? 0 : 2)); // the second is empty
    hh_neighbour_index_hide(index, 2);
    cr_assert(hh_neighbour_index_find(index, session, 1, &list));
    const hh_neighbour *found = of(&list, 0, &count);
    cr_assert_eq(count, 1);
    cr_expect_eq(found->session, 0);
    hh_neighbour_index_hide(index, UINT32_MAX);
    cr_assert(hh_neighbour_index_find(index, session, 1, &list));
    of(&list, 1, &count);
    cr_expect_eq(count, 2);
    hh_neighbour_list_free(&list);
    hh_neighbour_index_free(index);
}

#define SESSIONS 300
#define LENGTH   6
#define ITEMS    40

static void fill(uint32_t sessions[SESSIONS][LENGTH])
{
    hh_random random = hh_random_of(1, 1);
    for (int s = 0; s < SESSIONS; s++)
        for (int i = 0; i < LENGTH; i++)
            sessions[s][i] = hh_random_below(&random, ITEMS);
}

static hh_neighbour_list find_all(uint32_t sessions[SESSIONS][LENGTH])
{
    hh_neighbour_index *index = hh_neighbour_index_new(ITEMS, &options);
    hh_neighbour_list list = {0};
    for (int s = 0; s < SESSIONS; s++) {
        cr_assert(hh_neighbour_index_find(index, sessions[s], LENGTH, &list));
        cr_assert(hh_neighbour_index_add(index, sessions[s], LENGTH));
    }
    hh_neighbour_index_free(index);
    return list;
}

Test(neighbour_index, never_itself_nor_later)
{
    static uint32_t sessions[SESSIONS][LENGTH];
    fill(sessions);
    hh_neighbour_list list = find_all(sessions);
    for (size_t p = 0; p < list.prefixes; p++) {
        size_t count, session = p / LENGTH, length = p % LENGTH + 1;
        const hh_neighbour *found = of(&list, p, &count);
        cr_expect(count <= 2 * options.nearest);
        cr_expect(session < 50 || count > 0);
        for (size_t i = 0; i < count; i++) {
            cr_assert(found[i].session < session);
            cr_assert(found[i].after >= 1 && found[i].after <= LENGTH);
            bool match = false; // what it matches with is in the prefix
            for (size_t j = 0; j < length; j++)
                match |= sessions[found[i].session][found[i].after - 1] == sessions[session][j];
            cr_expect(match);
        }
    }
    hh_neighbour_list_free(&list);
}

Test(neighbour_index, the_future_changes_nothing)
{
    static uint32_t sessions[SESSIONS][LENGTH];
    fill(sessions);
    hh_neighbour_list before = find_all(sessions);
    size_t until = 200; // session 200 from its third click on, and all after it, become another's
    for (size_t s = until; s < SESSIONS; s++)
        for (size_t i = s == until ? 2 : 0; i < LENGTH; i++)
            sessions[s][i] = (sessions[s][i] + 7) % ITEMS;
    hh_neighbour_list after = find_all(sessions);
    size_t same = until * LENGTH + 2;
    cr_assert_arr_eq(before.begin, after.begin, (same + 1) * sizeof *before.begin);
    for (size_t i = 0; i < before.begin[same]; i++)
        cr_assert(before.at[i].session == after.at[i].session && before.at[i].after == after.at[i].after &&
                  memcmp(before.at[i].prior, after.at[i].prior, sizeof before.at[i].prior) == 0);
    hh_neighbour_list_free(&before);
    hh_neighbour_list_free(&after);
}
