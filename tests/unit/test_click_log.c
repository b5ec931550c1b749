#include "evaluate/click_log.h"
#include "fail_alloc.h"
#include "unit/small_log.h"

Test(click_log, sessions_end_at_the_gap_and_clicks_are_in_time_order)
{
    const small_click clicks[] = {
        {1, 7, 1000}, {2, 9, 1500}, {1, 8, 2000}, {1, 9, 2000 + HH_MINUTE}, {2, 7, 1499 + HH_MINUTE}};
    hh_log *log = small_log(clicks, 5, HH_MINUTE, HH_MINUTE);
    cr_assert_eq(log->sessions, 3);
    cr_assert_eq(log->items, 3);
    cr_assert_eq(log->session[0].count, 2); // visitor 1 from 1000, visitor 2, then visitor 1 again
    cr_assert_eq(log->session[1].count, 2);
    cr_assert_eq(log->session[2].count, 1);
    cr_assert_eq(log->session[0].visitor, log->session[2].visitor);
    cr_assert_neq(log->session[0].visitor, log->session[1].visitor);
    cr_assert_eq(log->session[0].known_from, 2000 + 2 * HH_MINUTE);
    for (uint32_t i = 1; i < log->clicks; i++)
        cr_assert_leq(log->time[log->stream[i - 1]], log->time[log->stream[i]]);
    cr_assert_str_eq(hh_log_item(log, log->item[0], NULL), "00007");
    size_t length;
    cr_assert_str_eq(hh_log_item(log, 2, &length), "00009");
    cr_assert_eq(length, 5);
    cr_assert_null(hh_log_item(log, 3, NULL));
    hh_log_free(log);
}

Test(click_log, late_clicks_are_counted_and_their_items_are_none)
{
    const small_click clicks[] = {{1, 1, 10000}, {2, 2, 20000}, {3, 3, 9999}};
    hh_log *log = small_log(clicks, 3, HH_MINUTE, 10000);
    hh_log_stats stats;
    hh_log_stats_read(log, &stats);
    cr_assert_eq(stats.clicks, 2);
    cr_assert_eq(stats.late, 1);
    cr_assert_eq(stats.items, 2);
    cr_assert_eq(stats.sessions, 2);
    cr_assert_eq(stats.oldest, 10000);
    cr_assert_eq(stats.newest, 20000);
    hh_log_free(log);
}

// One visitor, a click a second: as hiphopd does it, sessions of 500 clicks, or of so many as are wanted.
Test(click_log, sessions_are_capped_as_those_of_hiphopd)
{
    enum { CLICKS = 1200 };
    small_click clicks[CLICKS];
    for (uint32_t i = 0; i < CLICKS; i++)
        clicks[i] = (small_click){1, i % 7, (hh_time)i * HH_SECOND};
    hh_log *log = small_log(clicks, CLICKS, HH_MINUTE, 0);
    cr_assert_eq(log->sessions, 3);
    cr_assert(log->session[0].count == 500 && log->session[1].count == 500 && log->session[2].count == 200);
    hh_log_free(log);
    for (uint32_t i = 0; i < CLICKS; i++)
        clicks[i].time = (hh_time)i * HH_MINUTE;
    log = small_log(clicks, CLICKS, 2 * HH_MINUTE, 0);
    cr_assert_eq(log->sessions, 3, "500 clicks last less than 12 h, and so do the other 700");
    hh_log_free(log);
    for (uint32_t i = 0; i < CLICKS; i++)
        clicks[i].time = (hh_time)i * 10 * HH_MINUTE;
    log = small_log(clicks, CLICKS, 20 * HH_MINUTE, 0);
    cr_assert_eq(log->session[0].count, 73, "12 h, both ends included");
    hh_log_free(log);
    hh_error error;
    log = hh_log_new(&(hh_log_options){HH_MINUTE, 0, HH_MINUTE, 3}, &error);
    for (hh_time i = 0; i < 10; i++)
        cr_assert_eq(hh_log_add(log, "v", 1, "i", 1, i * HH_SECOND, &error), HH_OK);
    cr_assert_eq(hh_log_finish(log, &error), HH_OK);
    cr_assert_eq(log->sessions, 4);
    hh_log_free(log);
}

Test(click_log, an_empty_log_and_wrong_calls)
{
    hh_log *log = small_log(NULL, 0, HH_MINUTE, 0);
    hh_error error = {0};
    cr_assert_eq(hh_log_add(log, "v", 1, "i", 1, 5, &error), HH_ARGUMENT);
    cr_assert_eq(hh_log_finish(log, &error), HH_ARGUMENT);
    const char *model = "pop";
    hh_evaluate_options options = hh_evaluate_defaults();
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error), HH_OK);
    hh_log_free(log);
    hh_log_free(NULL);
    cr_assert_null(hh_log_new(&(hh_log_options){.gap = 0}, &error));
    cr_assert_null(hh_log_new(&(hh_log_options){.gap = 1, .lateness = -1}, &error));
    log = hh_log_new(&(hh_log_options){.gap = 1}, &error);
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error), HH_ARGUMENT);
    hh_log_free(log);
}

static hh_status build_and_run(const small_click *clicks, size_t count, const char *model)
{
    hh_error error = {0};
    hh_log *log = hh_log_new(&(hh_log_options){.gap = HH_MINUTE}, &error);
    if (!log)
        return error.status;
    hh_status status = HH_OK;
    for (size_t i = 0; i < count && status == HH_OK; i++) {
        const char visitor = (char)('a' + clicks[i].visitor), item = (char)('a' + clicks[i].item);
        status = hh_log_add(log, &visitor, 1, &item, 1, clicks[i].time, &error);
    }
    if (status == HH_OK)
        status = hh_log_finish(log, &error);
    hh_evaluate_options options = hh_evaluate_defaults();
    options.from = 0;
    options.ask = HH_ASK_AFTER_CLICK;
    if (status == HH_OK)
        status = hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error);
    hh_log_free(log);
    return status;
}

Test(click_log, every_allocation_may_fail)
{
    enum { CLICKS = 60 };
    small_click clicks[CLICKS];
    small_clicks(clicks, CLICKS, 5, 8, 1);
    const char *const models[] = {"mixture", "pop", "transitions", "sr", "vsknn", "stan", "vmis"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        long failed = 0;
        for (;; failed++) {
            fail_alloc_at(failed);
            hh_status status = build_and_run(clicks, CLICKS, models[m]);
            if (!fail_alloc_done()) {
                cr_assert_eq(status, HH_OK, "%s: %s", models[m], hh_status_name(status));
                break;
            }
            // The graph can do without some of its memory.
            cr_assert(status == HH_MEMORY || (status == HH_OK && m == 0), "%s, allocation %ld: %s", models[m],
                      failed, hh_status_name(status));
        }
        cr_assert_gt(failed, 20);
    }
}
