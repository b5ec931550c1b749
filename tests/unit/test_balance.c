// The factor of a score's second term, by what the lists are worth.
#include "fail_alloc.h"
#include "recommend/balance.h"

#include <criterion/criterion.h>
#include <math.h>

static const double factors[] = {1, 2, 4};

static hh_two_terms terms_of(const float *first, const float *second, size_t count)
{
    hh_two_terms terms = {0};
    cr_assert(hh_two_terms_make(&terms, count));
    for (size_t i = 0; i < count; i++) {
        terms.item[i] = (uint32_t)(10 + i);
        terms.first[i] = first[i];
        terms.second[i] = second[i];
    }
    return terms;
}

// Item 12 is 3rd by factor 1, 2nd by 2, where item 11 has as much as it, and 1st by 4.
Test(balance, adds_up_what_the_clicked_items_place_is_worth)
{
    const float first[] = {5, 3, 1}, second[] = {0, 1, 2};
    hh_two_terms terms = terms_of(first, second, 3);
    hh_balance balance = hh_balance_new(factors, 3);
    cr_assert(hh_balance_learn(&balance, &terms, 12));
    cr_assert_float_eq(balance.worth[0], 1 + 1.0 / 3, 1e-9);
    cr_assert_float_eq(balance.worth[1], 1 + 1.0 / 3, 1e-9, "all have the same: ties are against it");
    cr_assert_float_eq(balance.worth[2], 2, 1e-9);
    cr_assert_float_eq(balance.squares[2], 4.0 / 9, 1e-9);
    cr_assert_not(hh_balance_learn(&balance, &terms, 7), "no candidate");
    cr_assert_eq(balance.lessons, 1);
    cr_assert_eq(hh_balance_best(&balance), 4);
    hh_two_terms_free(&terms);
}

Test(balance, a_place_behind_the_twentieth_is_worth_nothing)
{
    float first[21], second[21] = {0};
    for (int i = 0; i < 21; i++)
        first[i] = 1;
    hh_two_terms terms = terms_of(first, second, 21);
    hh_balance balance = hh_balance_new(factors, 3);
    cr_assert(hh_balance_learn(&balance, &terms, 15));
    cr_assert_eq(balance.worth[0], 0);
    terms.first[3] = 0;
    cr_assert(hh_balance_learn(&balance, &terms, 15));
    cr_assert_float_eq(balance.worth[0], 1 + 1.0 / 20, 1e-9);
    hh_two_terms_free(&terms);
}

Test(balance, what_may_be_chance_changes_nothing)
{
    const float first[] = {5, 3, 1}, second[] = {0, 1, 2};
    hh_two_terms terms = terms_of(first, second, 3);
    hh_balance balance = hh_balance_new(factors, 3);
    cr_assert_eq(hh_balance_surely_best(&balance, 3), 1, "before there are any");
    for (int click = 0; click < 9; click++) // nine times the same gain is three standard errors of it
        hh_balance_learn(&balance, &terms, 12);
    cr_assert_eq(hh_balance_best(&balance), 4);
    cr_assert_eq(hh_balance_surely_best(&balance, 3.01), 1);
    hh_balance_learn(&balance, &terms, 12);
    cr_assert_eq(hh_balance_surely_best(&balance, 3.01), 4);
    hh_two_terms_free(&terms);
}

Test(balance, terms_keep_their_room_and_say_where_there_is_none)
{
    for (long n = 0; n < 2; n++) {
        hh_two_terms terms = {0};
        fail_alloc_at(n);
        cr_assert_not(hh_two_terms_make(&terms, 100));
        cr_assert(fail_alloc_done());
        cr_assert_eq(terms.count, 0);
        cr_assert(hh_two_terms_make(&terms, 100));
        cr_assert_eq(terms.count, 100);
        const float *first = terms.first;
        cr_assert(hh_two_terms_make(&terms, 40));
        cr_assert_eq(terms.first, first);
        hh_two_terms_free(&terms);
    }
}
