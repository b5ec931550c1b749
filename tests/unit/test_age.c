// How long a record has been waiting, by all that is known of it.
#include "daemon/age.h"
#include <criterion/criterion.h>

enum { NOW = 1000000000 };

Test(age, of_a_fresh_record_is_what_its_timestamp_says)
{
    hh_age age = {0};
    hh_age_begin(&age, 0, NOW - HH_HOUR);
    cr_assert_eq(hh_age_of(&age, 5, NOW - 40, NOW), 40);
    cr_assert_eq(hh_age_of(&age, 6, NOW + 500, NOW), 0,
                 "a clock that is ahead makes nobody younger than new");
}

Test(age, of_a_replayed_history_counts_from_when_the_log_first_had_it)
{
    // The daemon stands at the end of the log; then records with times of long ago come.
    hh_age age = {0};
    hh_age_begin(&age, 0, NOW - HH_HOUR);
    hh_age_see(&age, 100, NOW - 2000, 0);
    cr_assert_eq(hh_age_of(&age, 100, 1, NOW), 2000);
    cr_assert_eq(hh_age_of(&age, 5000, 1, NOW), 2000);
}

Test(age, of_what_came_while_nobody_worked_counts_from_the_last_commit)
{
    hh_age age = {0};
    hh_age_begin(&age, 100, NOW - HH_HOUR);
    cr_assert_eq(hh_age_of(&age, 100, NOW - 30 * HH_MINUTE, NOW), 30 * HH_MINUTE, "its timestamp says more");
    cr_assert_eq(hh_age_of(&age, 101, 1, NOW), HH_HOUR, "its timestamp says nothing");
}

Test(age, without_any_knowledge_of_the_log_is_that_of_the_timestamp)
{
    hh_age age = {0};
    cr_assert_eq(hh_age_of(&age, 3, NOW - 70, NOW), 70);
    cr_assert_eq(hh_age_of(&age, 3, -1, NOW), 0);
    hh_age_begin(&age, 10, NOW - 5);
    cr_assert_eq(hh_age_of(&age, 9, NOW - 70, NOW), 70, "it was there before anybody looked");
}

Test(age, at_an_end_that_stays_is_seen_again_and_again)
{
    hh_age age = {0};
    hh_age_begin(&age, 0, NOW - HH_DAY);
    hh_age_see(&age, 10, NOW - HH_HOUR, HH_MINUTE);
    hh_age_see(&age, 10, NOW - 100, HH_MINUTE);
    cr_assert_eq(hh_age_of(&age, 10, 1, NOW), 100);
}

Test(age, grows_while_a_backlog_is_worked_through)
{
    hh_age age = {0};
    hh_age_begin(&age, 0, 0);
    // The log grows by 1000 records a second, and the reader is at its beginning all the time.
    for (int second = 1; second <= 300; second++)
        hh_age_see(&age, second * 1000, second * HH_SECOND, HH_SECOND);
    hh_time now = 300 * HH_SECOND, before = INT64_MAX;
    for (int64_t offset = 250000; offset < 300000; offset += 500) {
        hh_time old = hh_age_of(&age, offset, 1, now), really = now - offset;
        cr_assert_leq(old, before, "who came later has not waited longer");
        cr_assert(old >= really && old <= really + 2 * HH_SECOND, "offset %ld waited %ld, not %ld",
                  (long)offset, (long)really, (long)old);
        before = old;
    }
}

Test(age, keeps_the_newest_sights_when_there_are_too_many)
{
    hh_age age = {0};
    hh_age_begin(&age, 0, 0);
    for (int i = 1; i <= 10 * HH_AGE_SIGHTS; i++)
        hh_age_see(&age, i, i, 0);
    cr_assert_eq(hh_age_of(&age, 10 * HH_AGE_SIGHTS - 3, -1, 10 * HH_AGE_SIGHTS), 3);
    cr_assert_eq(hh_age_of(&age, 10 * HH_AGE_SIGHTS + 100, -1, 10 * HH_AGE_SIGHTS), 0);
}
