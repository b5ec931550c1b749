// Timestamps of records by the limits of their topics.
#include "daemon/stamp.h"
#include <criterion/criterion.h>

#define NOW ((hh_time)1800000000000)

static hh_time stamp(hh_time behind, hh_time ahead, hh_time event)
{
    return hh_stamp_of(&(hh_stamp){.behind = behind, .ahead = ahead}, event, NOW);
}

Test(stamp, by_default_the_past_is_free_and_the_future_is_half_an_hour)
{
    hh_stamp plain = HH_STAMP_DEFAULT;
    cr_expect_eq(hh_stamp_of(&plain, NOW, NOW), NOW);
    cr_expect_eq(hh_stamp_of(&plain, 5, NOW), 5);
    cr_expect_eq(hh_stamp_of(&plain, 0, NOW), 1);
    cr_expect_eq(hh_stamp_of(&plain, INT64_MIN, NOW), 1);
    cr_expect_eq(hh_stamp_of(&plain, NOW + 30 * HH_MINUTE, NOW), NOW + 30 * HH_MINUTE);
    cr_expect_eq(hh_stamp_of(&plain, INT64_MAX, NOW), NOW + 30 * HH_MINUTE);
}

Test(stamp, stays_within_the_limits_by_a_margin)
{
    cr_expect_eq(stamp(HH_DAY, HH_HOUR, NOW - 2 * HH_DAY), NOW - HH_DAY + 30 * HH_MINUTE);
    cr_expect_eq(stamp(HH_DAY, HH_HOUR, NOW - 23 * HH_HOUR), NOW - 23 * HH_HOUR);
    cr_expect_eq(stamp(HH_MINUTE, HH_HOUR, NOW - HH_DAY), NOW - 30 * HH_SECOND);
    cr_expect_eq(stamp(HH_DAY, HH_MINUTE, NOW + 4 * HH_MINUTE), NOW + 30 * HH_SECOND);
    cr_expect_eq(stamp(HH_DAY, HH_MINUTE, NOW + 20 * HH_SECOND), NOW + 20 * HH_SECOND);
    cr_expect_eq(stamp(0, 0, NOW - 1), NOW);
    cr_expect_eq(stamp(0, 0, NOW + 1), NOW);
    cr_expect_eq(stamp(INT64_MAX / 2, INT64_MAX / 2, NOW + HH_DAY), NOW + HH_DAY, "nothing is limited");
}

Test(stamp, is_the_present_where_limits_do_not_explain_a_refusal)
{
    hh_stamp known = HH_STAMP_DEFAULT;
    hh_stamp_learn(&known, HH_DAY, HH_HOUR);
    cr_expect(!known.present, "nothing was refused");
    known.refused = true;
    hh_stamp_learn(&known, HH_DAY, HH_MINUTE);
    cr_expect(!known.present && !known.refused, "the limits are others now");
    cr_expect_eq(hh_stamp_of(&known, NOW + HH_HOUR, NOW), NOW + 30 * HH_SECOND);
    known.refused = true;
    for (int again = 0; again < 2; again++) {
        hh_stamp_learn(&known, HH_DAY, HH_MINUTE);
        cr_expect(known.present && !known.refused);
        cr_expect_eq(hh_stamp_of(&known, NOW + HH_HOUR, NOW), NOW - HH_SECOND);
        cr_expect_eq(hh_stamp_of(&known, NOW - 2 * HH_DAY, NOW), NOW - HH_SECOND);
    }
    hh_stamp_learn(&known, 0, HH_MINUTE);
    cr_expect(!known.present, "the limits are others now");
    known.refused = true;
    hh_stamp_learn(&known, 0, HH_MINUTE);
    cr_expect_eq(hh_stamp_of(&known, NOW + HH_HOUR, NOW), NOW, "no moment ago");
}
