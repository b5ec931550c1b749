// How large a record a topic takes, learned from what it refuses.
#include "daemon/largest.h"

#include <criterion/criterion.h>

enum { MINUTE = 60 * 1000 };

Test(largest, nothing_is_too_large_before_something_was)
{
    hh_largest largest = {0};
    cr_expect_not(hh_largest_refuses(&largest, INT64_MAX, 0));
}

Test(largest, what_was_refused_and_what_is_larger)
{
    hh_largest largest = {0};
    hh_largest_refused(&largest, 1000, 0);
    hh_largest_refused(&largest, 800, 1);
    hh_largest_refused(&largest, 900, 2); // sent before it was known
    cr_expect_not(hh_largest_refuses(&largest, 799, 3));
    cr_expect(hh_largest_refuses(&largest, 800, 3));
    hh_largest_refused(&largest, 0, 4);
    cr_expect(hh_largest_refuses(&largest, 2, 5), "whatever a broker says, there is a limit then");
}

Test(largest, one_is_tried_again_since_the_limit_may_have_been_raised)
{
    hh_largest largest = {0};
    hh_largest_refused(&largest, 1000, 0);
    cr_expect(hh_largest_refuses(&largest, 1000, MINUTE - 1));
    cr_expect_not(hh_largest_refuses(&largest, 2000, MINUTE), "it is tried again");
    cr_expect(hh_largest_refuses(&largest, 1000, MINUTE), "but one alone");
    hh_largest_taken(&largest, 999);
    cr_expect(hh_largest_refuses(&largest, 1000, MINUTE), "that was no news");
    hh_largest_taken(&largest, 2000);
    cr_expect_not(hh_largest_refuses(&largest, 3000, MINUTE));
}

Test(largest, what_is_known_is_not_forgotten_for_a_vain_attempt)
{
    hh_largest largest = {0};
    hh_largest_refused(&largest, 500, 0);
    cr_expect_not(hh_largest_refuses(&largest, 2000, MINUTE));
    hh_largest_refused(&largest, 2000, MINUTE + 500);
    cr_expect(hh_largest_refuses(&largest, 500, MINUTE + 501));
    // Nobody said what became of it: there is another attempt.
    cr_expect_not(hh_largest_refuses(&largest, 500, 4 * MINUTE));
    cr_expect(hh_largest_refuses(&largest, 500, 6 * MINUTE - 1));
    cr_expect_not(hh_largest_refuses(&largest, 500, 6 * MINUTE));
}

Test(largest, tries_ever_less_often_while_it_is_refused)
{
    hh_largest largest = {0};
    hh_time now = 0;
    hh_largest_refused(&largest, 1000, now);
    for (hh_time pause = MINUTE; pause < 100 * MINUTE; pause *= 2) {
        hh_time expected = pause < 16 * MINUTE ? pause : 16 * MINUTE;
        cr_assert(hh_largest_refuses(&largest, 1000, now + expected - 1), "after %lld", (long long)pause);
        now += expected;
        cr_assert_not(hh_largest_refuses(&largest, 1000, now), "after %lld", (long long)pause);
        now += 2 * MINUTE; // before the broker says so
        hh_largest_refused(&largest, 1000, now);
    }
    // Taken, and later refused: that is news.
    now += 16 * MINUTE;
    cr_assert_not(hh_largest_refuses(&largest, 1000, now));
    hh_largest_taken(&largest, 1000);
    hh_largest_refused(&largest, 1000, now);
    cr_expect_not(hh_largest_refuses(&largest, 1000, now + MINUTE));
}
