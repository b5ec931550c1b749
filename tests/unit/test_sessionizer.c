// The rules of <hiphop/session.h>, one by one. Sessions are written as id[item@time ...].
#include "fail_alloc.h"
#include "session/sessionizer_state.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((hh_time)1000000)

typedef struct story {
    hh_sessionizer *s;
    hh_sessionizer_options options;
    int64_t offset; // of the next click
    char text[200000];
    size_t length;
    bool told_muted;
    bool silent; // about muted events
} story;

static void tell(story *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(story *t, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(t->text + t->length, sizeof t->text - t->length, format, arguments);
    va_end(arguments);
    t->length += (size_t)written;
    cr_assert_lt(t->length, sizeof t->text);
}

static void tell_session(story *t, const hh_session *session)
{
    tell(t, "%" PRId64 "[", session->id);
    for (uint32_t i = 0; i < session->count; i++)
        tell(t, "%s%" PRIu32 "@%" PRId64, i ? " " : "", session->clicks[i].item, session->clicks[i].time);
    tell(t, "]");
}

static void sink(void *context, const hh_session_event *event)
{
    static const char *const reasons[] = {"gap", "clicks", "duration"};
    story *t = context;
    t->told_muted |= event->muted;
    if (event->muted && t->silent)
        return;
    switch (event->kind) {
    case HH_SESSION_CLICK:
        tell(t, "click %" PRIu32 " of ", event->position);
        break;
    case HH_SESSION_MERGED:
        tell(t, "merge ");
        tell_session(t, event->other);
        tell(t, " into ");
        break;
    case HH_SESSION_CLOSED:
        tell(t, "%s closes ", reasons[event->reason]);
        break;
    }
    tell_session(t, event->session);
    tell(t, "; ");
}

static story *begin(hh_sessionizer_options options)
{
    story *t = calloc(1, sizeof *t);
    t->options = options;
    hh_error error = {0};
    t->s = hh_sessionizer_new(&options, sink, t, &error);
    cr_assert_not_null(t->s, "%s", error.message);
    return t;
}

static void end(story *t)
{
    hh_sessionizer_free(t->s, NULL);
    free(t);
}

static hh_click_fate click(story *t, const char *visitor, hh_time time)
{
    hh_click_fate fate;
    int64_t offset = t->offset++;
    cr_assert_eq(
        hh_sessionizer_push(t->s, offset, visitor, strlen(visitor), (uint32_t)offset, time, NOW, &fate, NULL),
        HH_OK);
    return fate;
}

// What was told since the last time.
static void expect(story *t, const char *text)
{
    cr_assert_str_eq(t->text, text);
    t->length = 0;
    t->text[0] = '\0';
}

static hh_sessionizer_options gap_of(hh_time gap, hh_time lateness)
{
    hh_sessionizer_options options = hh_sessionizer_defaults();
    options.gap = gap;
    options.lateness = lateness;
    options.max_skew = 0;
    options.idle_timeout = 10;
    return options;
}

// ---- joining and closing

Test(sessionizer, a_pause_of_exactly_the_gap_ends_a_session)
{
    story *t = begin(gap_of(10, 0));
    click(t, "v", 100);
    click(t, "v", 109);
    click(t, "v", 119);
    expect(
        t,
        "click 0 of 0[0@100]; click 1 of 0[0@100 1@109]; gap closes 0[0@100 1@109]; click 0 of 2[2@119]; ");
    cr_assert_eq(hh_sessionizer_open(t->s), 1);
    end(t);
}

Test(sessionizer, anyone_s_click_moves_the_watermark)
{
    story *t = begin(gap_of(10, 5));
    cr_assert_eq(hh_sessionizer_watermark(t->s), HH_TIME_MIN);
    click(t, "v", 100);
    cr_assert_eq(hh_sessionizer_watermark(t->s), 95);
    click(t, "w", 114);
    click(t, "w", 115);
    expect(t, "click 0 of 0[0@100]; click 0 of 1[1@114]; gap closes 0[0@100]; click 1 of 1[1@114 2@115]; ");
    end(t);
}

Test(sessionizer, clicks_are_put_in_order_and_ties_stay_in_order_of_arrival)
{
    story *t = begin(gap_of(10, 50));
    click(t, "v", 105);
    click(t, "v", 100);
    click(t, "v", 100);
    click(t, "v", 103);
    expect(t, "click 0 of 0[0@105]; click 0 of 0[1@100 0@105]; click 1 of 0[1@100 2@100 0@105]; "
              "click 2 of 0[1@100 2@100 3@103 0@105]; ");
    end(t);
}

Test(sessionizer, a_click_between_two_sessions_merges_them_into_the_older_one)
{
    story *t = begin(gap_of(10, 50));
    click(t, "v", 118);
    click(t, "v", 100);
    expect(t, "click 0 of 0[0@118]; click 0 of 1[1@100]; ");
    cr_assert_eq(hh_sessionizer_open(t->s), 2);
    click(t, "v", 109);
    expect(t, "merge 1[1@100] into 0[0@118]; click 1 of 0[1@100 2@109 0@118]; ");
    cr_assert_eq(hh_sessionizer_open(t->s), 1);
    end(t);
}

Test(sessionizer, sessions_close_in_order_of_last_click_and_id)
{
    story *t = begin(gap_of(10, 50));
    click(t, "a", 103);
    click(t, "b", 101);
    click(t, "c", 103);
    click(t, "d", 102);
    click(t, "b", 104);
    expect(t, "click 0 of 0[0@103]; click 0 of 1[1@101]; click 0 of 2[2@103]; click 0 of 3[3@102]; "
              "click 1 of 1[1@101 4@104]; ");
    click(t, "e", 1000);
    expect(t, "gap closes 3[3@102]; gap closes 0[0@103]; gap closes 2[2@103]; gap closes 1[1@101 4@104]; "
              "click 0 of 5[5@1000]; ");
    end(t);
}

Test(sessionizer, what_is_late_or_future_is_not_used_and_moves_nothing)
{
    story *t = begin(gap_of(10, 5));
    click(t, "v", 100);
    expect(t, "click 0 of 0[0@100]; ");
    cr_assert_eq(click(t, "v", 94), HH_CLICK_LATE);
    cr_assert_eq(click(t, "v", NOW + 1), HH_CLICK_FUTURE);
    cr_assert_eq(click(t, "v", INT64_MAX), HH_CLICK_FUTURE);
    cr_assert_eq(click(t, "v", INT64_MIN), HH_CLICK_LATE);
    expect(t, "");
    cr_assert_eq(hh_sessionizer_watermark(t->s), 95);
    cr_assert_eq(t->s->floor_count, 0, "a replay sees by itself that the click is late");
    cr_assert_eq(click(t, "v", 95), HH_CLICK_TAKEN);
    cr_assert_eq(click(t, "w", NOW), HH_CLICK_TAKEN);
    end(t);
}

Test(sessionizer, extreme_times_and_clocks_are_harmless)
{
    hh_sessionizer_options options = gap_of(HH_TIME_LIMIT, HH_TIME_LIMIT);
    options.max_skew = HH_TIME_LIMIT;
    options.max_duration = INT64_MAX;
    options.idle_timeout = HH_TIME_LIMIT;
    story *t = begin(options);
    const hh_time times[] = {INT64_MIN, -HH_TIME_LIMIT, -1, 0, HH_TIME_LIMIT, HH_TIME_LIMIT + 1, INT64_MAX};
    for (size_t now = 0; now < 7; now++)
        for (size_t time = 0; time < 7; time++) {
            hh_click_fate fate;
            cr_assert_eq(
                hh_sessionizer_push(t->s, t->offset++, "v", 1, 0, times[time], times[now], &fate, NULL),
                HH_OK);
            if (times[time] < -HH_TIME_LIMIT || times[time] > HH_TIME_LIMIT)
                cr_assert_eq(fate, times[time] < 0 ? HH_CLICK_LATE : HH_CLICK_FUTURE);
            cr_assert_eq(hh_sessionizer_tick(t->s, times[now], times[time]), HH_OK);
        }
    char text[HH_CHECKPOINT_SIZE];
    cr_assert_eq(hh_sessionizer_checkpoint(t->s, INT64_MAX, text, sizeof text), HH_OK);
    end(t);
}

// ---- caps

Test(sessionizer, a_session_that_holds_max_clicks_closes_at_once)
{
    hh_sessionizer_options options = gap_of(10, 50);
    options.max_clicks = 2;
    story *t = begin(options);
    click(t, "v", 130); // another session of the same visitor: a cap starts him afresh
    click(t, "v", 100);
    click(t, "w", 100);
    click(t, "v", 101);
    click(t, "v", 102);
    expect(t, "click 0 of 0[0@130]; click 0 of 1[1@100]; click 0 of 2[2@100]; click 1 of 1[1@100 3@101]; "
              "clicks closes 1[1@100 3@101]; clicks closes 0[0@130]; click 0 of 4[4@102]; ");
    cr_assert_eq(hh_sessionizer_open(t->s), 2);
    end(t);
}

Test(sessionizer, a_click_beyond_max_duration_begins_a_new_session)
{
    hh_sessionizer_options options = gap_of(10, 50);
    options.max_duration = 12;
    story *t = begin(options);
    click(t, "v", 100);
    click(t, "v", 106);
    click(t, "v", 112);
    click(t, "v", 113);
    expect(t, "click 0 of 0[0@100]; click 1 of 0[0@100 1@106]; click 2 of 0[0@100 1@106 2@112]; "
              "duration closes 0[0@100 1@106 2@112]; click 0 of 3[3@113]; ");
    end(t);
}

Test(sessionizer, a_merge_that_would_break_a_cap_begins_a_new_session_instead)
{
    hh_sessionizer_options options = gap_of(10, 50);
    options.max_clicks = 3;
    story *t = begin(options);
    click(t, "v", 100);
    click(t, "v", 101);
    click(t, "v", 118);
    click(t, "v", 109);
    expect(t, "click 0 of 0[0@100]; click 1 of 0[0@100 1@101]; click 0 of 2[2@118]; "
              "clicks closes 0[0@100 1@101]; clicks closes 2[2@118]; click 0 of 3[3@109]; ");
    end(t);
}

Test(sessionizer, a_cut_goes_when_nothing_from_before_it_could_be_open)
{
    hh_sessionizer_options options = gap_of(10, 0);
    options.max_clicks = 2;
    story *t = begin(options);
    click(t, "v", 100);
    click(t, "v", 105);
    cr_assert_neq(t->s->oldest, HH_RECORD_NONE);
    click(t, "v", 110); // keeps the cut, though that is due before its session is
    click(t, "w", 117);
    cr_assert_eq(hh_sessionizer_open(t->s), 2);
    cr_assert(hh_record_is_cut(hh_record_at(t->s, t->s->oldest)));
    click(t, "w", 120);
    cr_assert_eq(hh_sessionizer_open(t->s), 0);
    click(t, "x", 130);
    cr_assert_eq(t->s->oldest, t->s->newest, "x alone is left");
    cr_assert_eq(t->s->visitors.count, 1);
    end(t);
}

// ---- idle partitions

Test(sessionizer, an_idle_partition_follows_the_clock)
{
    story *t = begin(gap_of(10, 5));
    hh_sessionizer_tick(t->s, 1000, 0);
    cr_assert_eq(hh_sessionizer_watermark(t->s), HH_TIME_MIN);
    click(t, "v", 100);
    hh_sessionizer_tick(t->s, 114, 105);
    cr_assert_eq(hh_sessionizer_watermark(t->s), 95, "not idle for long enough");
    hh_sessionizer_tick(t->s, 114, 104);
    cr_assert_eq(hh_sessionizer_watermark(t->s), 109);
    hh_sessionizer_tick(t->s, 112, 0);
    cr_assert_eq(hh_sessionizer_watermark(t->s), 109, "never back");
    cr_assert_eq(click(t, "w", 108), HH_CLICK_LATE);
    expect(t, "click 0 of 0[0@100]; ");
    hh_sessionizer_tick(t->s, 115, 104);
    expect(t, "gap closes 0[0@100]; ");
    end(t);
}

Test(sessionizer, time_stands_still_where_no_session_waits_for_it)
{
    story *t = begin(gap_of(10, 5));
    click(t, "v", 100);
    click(t, "w", 103);
    hh_sessionizer_tick(t->s, 1000000, 0);
    expect(t, "click 0 of 0[0@100]; click 0 of 1[1@103]; gap closes 0[0@100]; gap closes 1[1@103]; ");
    cr_assert_eq(hh_sessionizer_watermark(t->s), 113, "what it took to close them, not more");
    hh_sessionizer_tick(t->s, 2000000, 0);
    cr_assert_eq(hh_sessionizer_watermark(t->s), 113);
    cr_assert_eq(click(t, "v", 112), HH_CLICK_LATE);
    cr_assert_eq(click(t, "v", 113), HH_CLICK_TAKEN, "a history goes on where it had stopped");
    end(t);
}

// ---- checkpoints

static void checkpoint(story *t, char text[HH_CHECKPOINT_SIZE])
{
    cr_assert_eq(hh_sessionizer_checkpoint(t->s, t->offset, text, HH_CHECKPOINT_SIZE), HH_OK);
}

Test(sessionizer, a_checkpoint_names_the_first_offset_of_the_open_sessions)
{
    story *t = begin(gap_of(10, 0));
    char text[HH_CHECKPOINT_SIZE];
    int64_t resume = -1;
    checkpoint(t, text);
    story *fresh = begin(gap_of(10, 0));
    cr_assert_eq(hh_sessionizer_restore(fresh->s, text, 0, &resume, NULL), HH_OK);
    cr_assert_eq(resume, 0);
    end(fresh);

    click(t, "v", 100);
    click(t, "w", 105);
    click(t, "x", 110); // closes v's
    t->text[t->length = 0] = '\0';
    checkpoint(t, text);
    fresh = begin(gap_of(10, 0));
    fresh->offset = 1;
    cr_assert_eq(hh_sessionizer_restore(fresh->s, text, 3, &resume, NULL), HH_OK);
    cr_assert_eq(resume, 1);
    cr_assert(hh_sessionizer_replaying(fresh->s));
    click(fresh, "w", 105);
    click(fresh, "x", 110);
    cr_assert(fresh->told_muted);
    fresh->silent = true;
    fresh->text[fresh->length = 0] = '\0';
    click(fresh, "x", 119);
    click(t, "x", 119);
    cr_assert_not(hh_sessionizer_replaying(fresh->s));
    cr_assert_str_eq(fresh->text, t->text);
    expect(t, "gap closes 1[1@105]; click 1 of 2[2@110 3@119]; ");
    end(fresh);
    end(t);
}

Test(sessionizer, an_empty_text_is_the_checkpoint_of_nothing)
{
    story *t = begin(gap_of(10, 0));
    int64_t resume = -1;
    cr_assert_eq(hh_sessionizer_restore(t->s, "", 77, &resume, NULL), HH_OK);
    cr_assert_eq(resume, 77);
    cr_assert_not(hh_sessionizer_replaying(t->s));
    hh_click_fate fate;
    cr_assert_eq(hh_sessionizer_push(t->s, 76, "v", 1, 0, 0, NOW, &fate, NULL), HH_ARGUMENT);
    cr_assert_eq(hh_sessionizer_push(t->s, 77, "v", 1, 0, 0, NOW, &fate, NULL), HH_OK);
    cr_assert_eq(hh_sessionizer_restore(t->s, "", 78, &resume, NULL), HH_ARGUMENT, "it isn't fresh");
    end(t);
}

// A text with everything in it: open sessions, cuts, floors, ceilings.
static void rich_checkpoint(char text[HH_CHECKPOINT_SIZE], int64_t *position)
{
    hh_sessionizer_options options = gap_of(100, 10);
    options.max_clicks = 3;
    story *t = begin(options);
    click(t, "capped", NOW - 500);
    click(t, "v", NOW - 500);
    for (int i = 0; i < 4; i++) {
        click(t, "capped", NOW - 490 + i);
        click(t, "future", NOW + 1);
        hh_sessionizer_tick(t->s, NOW - 450 + 10 * i, 0);
        click(t, "late", NOW - 490 + i);
    }
    click(t, "capped", NOW - 420);
    checkpoint(t, text);
    *position = t->offset;
    cr_assert_gt(t->s->floor_count, 0);
    cr_assert_gt(t->s->ceiling_count, 0);
    end(t);
}

Test(sessionizer, a_garbled_text_is_refused_and_leaves_the_sessionizer_fresh)
{
    char text[HH_CHECKPOINT_SIZE], bad[HH_CHECKPOINT_SIZE + 10];
    int64_t position, resume;
    rich_checkpoint(text, &position);
    size_t length = strlen(text);
    story *t = begin(gap_of(100, 10));
    hh_error error;
    for (size_t cut = 1; cut < length; cut++) {
        snprintf(bad, sizeof bad, "%.*s", (int)cut, text);
        cr_assert_eq(hh_sessionizer_restore(t->s, bad, position, &resume, &error), HH_FORMAT, "%s", bad);
    }
    for (size_t i = 0; i < length; i++)
        for (int byte = 1; byte < 256; byte++) {
            snprintf(bad, sizeof bad, "%s", text);
            bad[i] = (char)byte;
            if (strcmp(bad, text) == 0)
                continue;
            hh_status status = hh_sessionizer_restore(t->s, bad, position, &resume, &error);
            // The last digit may carry bits that no byte needs.
            cr_assert(status == HH_FORMAT || i == length - 1, "byte %d at %zu", byte, i);
            if (status == HH_OK) {
                end(t);
                t = begin(gap_of(100, 10));
            }
        }
    snprintf(bad, sizeof bad, "%sAAAA", text);
    cr_assert_eq(hh_sessionizer_restore(t->s, bad, position, &resume, &error), HH_FORMAT);
    memset(bad, 'A', sizeof bad);
    memcpy(bad, text, 8);
    bad[sizeof bad - 1] = '\0';
    cr_assert_eq(hh_sessionizer_restore(t->s, bad, position, &resume, &error), HH_FORMAT, "longer than any");
    cr_assert_eq(hh_sessionizer_restore(t->s, text, position + 1, &resume, &error), HH_FORMAT);
    cr_assert_eq(hh_sessionizer_restore(t->s, text, -1, &resume, &error), HH_ARGUMENT);
    cr_assert_eq(hh_sessionizer_restore(t->s, text, position, &resume, &error), HH_OK, "%s", error.message);
    end(t);
}

Test(sessionizer, full_lists_of_the_longest_numbers_fit)
{
    hh_sessionizer_options options = gap_of(HH_TIME_LIMIT, HH_TIME_LIMIT);
    options.max_clicks = 2;
    story *t = begin(options);
    char visitor[16], text[HH_CHECKPOINT_SIZE];
    click(t, "v", 0);
    for (int i = 0; i < 2 * (int)HH_CUTS; i++) {
        snprintf(visitor, sizeof visitor, "v%d", i);
        click(t, visitor, 0);
    }
    t->offset = INT64_MAX / 4;
    click(t, "v", 0); // now a replay needn't begin at 0
    for (int i = 0; i < (int)HH_CUTS; i++) {
        snprintf(visitor, sizeof visitor, "v%d", i);
        t->offset += INT64_MAX / 4 / HH_CUTS;
        click(t, visitor, 0);
    }
    t->s->floor_count = HH_FLOORS;
    for (size_t i = 0; i < HH_FLOORS; i++)
        t->s->floors[i] =
            (hh_clock_mark){INT64_MAX / HH_FLOORS * (int64_t)i, i % 2 ? HH_TIME_LIMIT : -2 * HH_TIME_LIMIT};
    t->s->ceiling_count = HH_CEILINGS;
    for (size_t i = 0; i < HH_CEILINGS; i++)
        t->s->ceilings[i] =
            (hh_clock_mark){INT64_MAX / HH_CEILINGS * (int64_t)i, i % 2 ? HH_TIME_LIMIT : -HH_TIME_LIMIT};
    cr_assert_eq(hh_sessionizer_checkpoint(t->s, INT64_MAX, text, HH_CHECKPOINT_SIZE), HH_OK);
    cr_assert_gt(strlen(text), 2000);
    cr_assert_eq(hh_sessionizer_checkpoint(t->s, INT64_MAX, text, strlen(text)), HH_LIMIT);
    story *fresh = begin(options);
    int64_t resume;
    cr_assert_eq(hh_sessionizer_restore(fresh->s, text, INT64_MAX, &resume, NULL), HH_OK);
    cr_assert_eq(fresh->s->replay.cut_count, HH_CUTS);
    end(fresh);
    end(t);
}

Test(sessionizer, arguments_are_checked)
{
    hh_error error;
    hh_sessionizer_options good = hh_sessionizer_defaults();
    hh_sessionizer_options bad[11];
    for (size_t i = 0; i < 11; i++)
        bad[i] = good;
    bad[0].gap = 0;
    bad[1].lateness = -1;
    bad[2].max_duration = 0;
    bad[3].max_clicks = 0;
    bad[4].max_skew = -1;
    bad[5].idle_timeout = -1;
    bad[6].gap = INT64_MAX;
    bad[7].max_clicks = UINT32_MAX;
    bad[8].lateness = bad[9].max_skew = bad[10].idle_timeout = HH_TIME_LIMIT + 1;
    for (size_t i = 0; i < 11; i++) {
        cr_assert_null(hh_sessionizer_new(&bad[i], sink, NULL, &error), "%zu", i);
        cr_assert_eq(error.status, HH_ARGUMENT);
        cr_assert_gt(strlen(error.message), 10);
        if (i == 6 || i >= 8)
            cr_assert_not_null(strstr(error.message, "2^53 ms"), "%s", error.message);
    }
    story *t = begin(good);
    char text[HH_CHECKPOINT_SIZE];
    t->offset = 5;
    click(t, "v", 100);
    cr_assert_eq(hh_sessionizer_checkpoint(t->s, 5, text, sizeof text), HH_ARGUMENT);
    end(t);
    hh_sessionizer_free(NULL, NULL);
}

// ---- memory

static void count_open(void *context, const hh_session *session)
{
    story *t = context;
    cr_assert_gt(session->count, 0);
    t->offset++;
}

// Clicks that need every kind of memory: long and short visitors, growing lists, merges, caps.
static hh_status push_busy(story *t, int i, hh_click_fate *fate)
{
    char visitor[3000];
    uint32_t random = (uint32_t)i * 2654435761u >> 8;
    int length = snprintf(visitor, sizeof visitor, "%0*u",
                          random % 3   ? 5
                          : random % 7 ? 30
                                       : 2500,
                          random % 400);
    hh_time time = 1000 + i - (hh_time)(random % 50);
    return hh_sessionizer_push(t->s, i, visitor, (size_t)length, (uint32_t)i, time, NOW, fate, NULL);
}

Test(sessionizer, every_allocation_may_fail)
{
    hh_sessionizer_options options = gap_of(300, 60);
    options.max_clicks = 12;
    fail_alloc_at(0);
    hh_error error;
    cr_assert_null(hh_sessionizer_new(&options, sink, NULL, &error));
    cr_assert_eq(error.status, HH_MEMORY);
    fail_alloc_done();

    story *calm = begin(options), *poor = begin(options);
    size_t failures = 0;
    for (int i = 0; i < 6000; i++) {
        hh_click_fate fate, poor_fate;
        calm->text[calm->length = 0] = poor->text[poor->length = 0] = '\0';
        cr_assert_eq(push_busy(calm, i, &fate), HH_OK);
        for (long n = 0;; n++) {
            fail_alloc_at(n);
            hh_status status = push_busy(poor, i, &poor_fate);
            if (!fail_alloc_done()) {
                cr_assert_eq(status, HH_OK);
                break;
            }
            cr_assert_eq(status, HH_MEMORY);
            cr_assert_eq(poor->length, 0, "an event before the failure");
            failures++;
        }
        cr_assert_eq(fate, poor_fate);
        cr_assert_str_eq(calm->text, poor->text, "click %d", i);
    }
    cr_assert_gt(failures, 30);

    char text[HH_CHECKPOINT_SIZE];
    int64_t resume;
    calm->offset = 6000;
    checkpoint(calm, text);
    story *fresh = begin(options);
    fail_alloc_at(0);
    cr_assert_eq(hh_sessionizer_restore(fresh->s, text, 6000, &resume, &error), HH_MEMORY);
    cr_assert(fail_alloc_done());
    cr_assert_eq(hh_sessionizer_restore(fresh->s, text, 6000, &resume, &error), HH_OK);
    end(fresh);

    size_t open = hh_sessionizer_open(calm->s);
    calm->offset = 0;
    hh_sessionizer_free(calm->s, count_open);
    cr_assert_eq((size_t)calm->offset, open, "release sees each open session once");
    free(calm);
    end(poor);
}

Test(sessionizer, memory_is_bounded_by_what_is_open)
{
    story *t = begin(gap_of(1000, 0));
    hh_click_fate fate;
    char visitor[40];
    size_t settled = 0;
    for (int i = 0; i < 400000; i++) {
        int length = snprintf(visitor, sizeof visitor, "%0*d", 10 + i % 20, i / 3);
        hh_sessionizer_expect(t->s, visitor, (size_t)length);
        cr_assert_eq(hh_sessionizer_push(t->s, i, visitor, (size_t)length, 0, i / 4, NOW, &fate, NULL),
                     HH_OK);
        t->text[t->length = 0] = '\0';
        if (i == 50000)
            settled = hh_sessionizer_memory(t->s);
    }
    cr_assert_eq(hh_sessionizer_memory(t->s), settled);
    end(t);
}
