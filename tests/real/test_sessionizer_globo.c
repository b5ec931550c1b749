// Sessions out of real clicks against those that the publisher himself recorded:
// $HIPHOP_DATA/globo/clicks.tsv.gz, whose fourth column is his session id. One of his counts as reproduced
// when one of ours holds exactly its clicks.
#include <criterion/criterion.h>
#include <hiphop/intern.h>
#include <hiphop/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MAX_CLICKS 2000000u

typedef struct tally {
    uint32_t *publisher; // [MAX_CLICKS], by number of the click: the publisher's session
    uint32_t *clicks;    // [MAX_CLICKS], by publisher's session
    size_t reproduced;
} tally;

static void compare(void *context, const hh_session *session)
{
    tally *t = context;
    uint32_t publisher = t->publisher[session->clicks[0].item];
    for (uint32_t i = 1; i < session->count; i++)
        if (t->publisher[session->clicks[i].item] != publisher)
            return;
    t->reproduced += session->count == t->clicks[publisher];
}

// Every click must be read before the first session can be compared, so what closes is kept until then.
typedef struct kept_session {
    uint32_t first, count; // of kept_clicks
} kept_session;

static hh_session_click kept_clicks[MAX_CLICKS];
static kept_session kept[MAX_CLICKS];
static uint32_t kept_click_count, kept_count;

static void keep(void *context, const hh_session *session)
{
    (void)context;
    memcpy(kept_clicks + kept_click_count, session->clicks, session->count * sizeof *session->clicks);
    kept[kept_count++] = (kept_session){kept_click_count, session->count};
    kept_click_count += session->count;
}

static void sink(void *context, const hh_session_event *event)
{
    if (event->kind == HH_SESSION_CLOSED)
        keep(context, event->session);
}

Test(sessionizer_data, sessions_are_those_of_the_publisher)
{
    const char *data = getenv("HIPHOP_DATA");
    char path[1024], line[512];
    snprintf(path, sizeof path, "%s/globo/clicks.tsv.gz", data ? data : "data");
    gzFile file = gzopen(path, "rb");
    if (!file) {
        printf("skipped: no data at %s\n", path);
        cr_skip_test("no data");
    }

    tally t = {calloc(MAX_CLICKS, sizeof(uint32_t)), calloc(MAX_CLICKS, sizeof(uint32_t)), 0};
    hh_intern *publisher = hh_intern_new(1);
    hh_sessionizer_options options = hh_sessionizer_defaults();
    options.lateness = 0;
    hh_sessionizer *s = hh_sessionizer_new(&options, sink, NULL, NULL);
    cr_assert(t.publisher && t.clicks && publisher && s);

    uint32_t count = 0;
    cr_assert_not_null(gzgets(file, line, sizeof line));
    for (; gzgets(file, line, sizeof line); count++) {
        cr_assert_lt(count, MAX_CLICKS);
        char *item = strchr(line, '\t') + 1;
        char *time_text = strchr(item, '\t') + 1;
        char *session = strchr(time_text, '\t') + 1;
        hh_time time = strtoll(time_text, NULL, 10);
        t.publisher[count] = hh_intern_acquire(publisher, session, strcspn(session, "\r\n"));
        t.clicks[t.publisher[count]]++;
        hh_click_fate fate;
        cr_assert_eq(
            hh_sessionizer_push(s, count, line, (size_t)(item - 1 - line), count, time, time, &fate, NULL),
            HH_OK);
        cr_assert_eq(fate, HH_CLICK_TAKEN);
    }
    gzclose(file);
    hh_sessionizer_free(s, keep);
    cr_assert_eq(kept_click_count, count);

    for (uint32_t i = 0; i < kept_count; i++) {
        hh_session shown = {.clicks = kept_clicks + kept[i].first, .count = kept[i].count};
        compare(&t, &shown);
    }
    double share = (double)t.reproduced / (double)hh_intern_count(publisher);
    printf("%u clicks, %zu sessions of the publisher, %u of ours, %.2f %% reproduced\n", count,
           hh_intern_count(publisher), kept_count, 100 * share);
    cr_assert_geq(share, 0.95);
    hh_intern_free(publisher);
    free(t.publisher);
    free(t.clicks);
}
