#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <watch_view.h>

static hh_text text(const char *bytes)
{
    return (hh_text){bytes, strlen(bytes)};
}

typedef struct fixture {
    char *shown;
    size_t length;
    struct titles *titles;
    watch_options options;
    struct watch_view *view;
} fixture;

static fixture open_fixture(bool colours)
{
    fixture f = {.titles = titles_new()};
    setenv("TZ", "UTC", 1);
    tzset();
    cr_assert_eq(titles_put(f.titles, text("a"), text("Heat (1995)")), HH_OK);
    cr_assert_eq(titles_put(f.titles, text("b"), text("Amélie\x1b[31m\xff (2001)")), HH_OK);
    f.options = (watch_options){.titles = f.titles, .colours = colours, .top = 2};
    return f;
}

// The address of `shown` must not change while the stream is open.
static void open_view(fixture *f)
{
    f->options.out = open_memstream(&f->shown, &f->length);
    f->view = watch_view_new(&f->options);
    cr_assert_not_null(f->view);
}

static void close_fixture(fixture *f)
{
    watch_view_free(f->view);
    fclose(f->options.out);
    free(f->shown);
    titles_free(f->titles);
}

static void take(fixture *f, const char *session, int position, hh_time time, const char *clicked,
                 const char *first, const char *second, const char *third)
{
    hh_recommended_item items[] = {
        {text(first), 0.125f, text("popular now")},
        {text(second), 0.05f, text("14 of the 50 nearest sessions went on to this")},
        {text(third), 0.01f, text("popular now")}};
    hh_recommendations_record record = {.visitor = text("v1"),
                                        .session_id = text(session),
                                        .clicked_item = text(clicked),
                                        .timestamp = time,
                                        .position = position,
                                        .items = items,
                                        .count = 3};
    cr_assert_eq(watch_view_take(f->view, &record, true), HH_OK);
    fflush(f->options.out);
}

static int times(const char *shown, const char *word)
{
    int found = 0;
    for (const char *at = shown; (at = strstr(at, word)); at++)
        found++;
    return found;
}

Test(watch_view, shows_the_click_the_verdict_and_the_list_with_titles)
{
    fixture f = open_fixture(false);
    open_view(&f);
    take(&f, "0-1", 1, 881250949000, "c", "a", "b", "d");
    cr_assert_str_eq(f.shown,
                     "1997-12-04 15:55:49  v1  click 1: c\n"
                     "     1  Heat (1995)                                     12.5 %  popular now\n"
                     "     2  Amélie?[31m? (2001)                              5.0 %  14 of the 50 nearest "
                     "sessions went on to this\n\n");
    take(&f, "0-1", 2, 881250959000, "b", "a", "x", "y");
    cr_assert_not_null(
        strstr(f.shown, "v1  click 2: c › Amélie?[31m? (2001)\n    ✓ rank 2 in the list before\n"));
    take(&f, "0-1", 3, 881250969000, "y", "a", "b", "d");
    cr_assert_not_null(strstr(f.shown, "› y\n    ✓ rank 3 in the list before\n"), "ranks beyond --top count");
    take(&f, "0-1", 4, 881250979000, "nowhere", "a", "b", "d");
    cr_assert_eq(times(f.shown, "✗ not in the list before"), 1);
    cr_assert_null(strchr(f.shown, '\033'));
    close_fixture(&f);
}

// A record's reason names an item by its id.
Test(watch_view, reasons_name_items_by_their_titles)
{
    fixture f = open_fixture(false);
    open_view(&f);
    hh_recommended_item items[] = {{text("x"), 0.5f, text(HH_REASON_LIKE "a")},
                                   {text("y"), 0.25f, text(HH_REASON_LIKE "no-title")}};
    hh_recommendations_record record = {.visitor = text("v1"),
                                        .session_id = text("0-1"),
                                        .clicked_item = text("c"),
                                        .items = items,
                                        .count = 2};
    cr_assert_eq(watch_view_take(f.view, &record, true), HH_OK);
    fflush(f.options.out);
    cr_expect_not_null(strstr(f.shown, "%  its description is like that of Heat (1995)\n"), "%s", f.shown);
    cr_expect_not_null(strstr(f.shown, "%  its description is like that of no-title\n"), "%s", f.shown);
    close_fixture(&f);
}

Test(watch_view, long_trails_and_titles_are_cut)
{
    fixture f = open_fixture(false);
    char long_title[400];
    memset(long_title, 'x', sizeof long_title - 1);
    long_title[sizeof long_title - 1] = '\0';
    cr_assert_eq(titles_put(f.titles, text("long"), text(long_title)), HH_OK);
    open_view(&f);
    for (int i = 1; i <= 6; i++)
        take(&f, "0-1", i, 1000 * i, i == 6 ? "long" : "c", "long", "b", "d");
    const char *last = strstr(f.shown, "click 6: ");
    cr_assert_not_null(last);
    cr_assert(strncmp(last, "click 6: … › c › c › xxx", strlen("click 6: … › c › c › xxx")) == 0, "%s", last);
    cr_assert_null(strstr(f.shown, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), "47 columns");
    cr_assert_not_null(strstr(f.shown, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"));
    close_fixture(&f);
}

Test(watch_view, colours_only_when_asked_for)
{
    fixture f = open_fixture(true);
    open_view(&f);
    take(&f, "0-1", 1, 0, "c", "a", "b", "d");
    cr_assert_not_null(strstr(f.shown, "\033[1mv1\033[0m"));
    close_fixture(&f);
}

Test(watch_view, totals_judge_each_list_by_the_next_click_of_its_session)
{
    fixture f = open_fixture(false);
    open_view(&f);
    take(&f, "0-1", 1, 1000, "c", "a", "b", "d");
    take(&f, "0-2", 1, 1500, "a", "a", "b", "d");  // another session
    take(&f, "0-1", 2, 2000, "b", "a", "b", "d");  // hit at 2
    take(&f, "0-1", 2, 1800, "zz", "a", "b", "d"); // out of order: older than the list
    take(&f, "0-1", 4, 3000, "zz", "a", "b", "d"); // miss
    take(&f, "0-2", 2, 3000, "a", "a", "b", "d");  // hit at 1
    watch_totals totals = watch_view_count(f.view);
    cr_assert_eq(totals.lists, 6);
    cr_assert_eq(totals.sessions, 2);
    cr_assert_eq(totals.judged, 3);
    cr_assert_eq(totals.hits, 2);
    cr_assert_float_eq(totals.reciprocal, 1.5, 1e-9);
    cr_assert_eq(totals.oldest, 1000);
    cr_assert_eq(totals.newest, 3000);
    close_fixture(&f);
}

Test(watch_view, memory_is_bounded_and_live_sessions_are_kept)
{
    fixture f = open_fixture(false);
    f.options.out = NULL; // only counted
    f.view = watch_view_new(&f.options);
    hh_recommended_item item = {text("a"), 1, text("popular now")};
    hh_recommendations_record record = {
        .visitor = text("v"), .clicked_item = text("a"), .items = &item, .count = 1};
    char id[32];
    for (int i = 0; i < 130000; i++) {
        bool old_friend = i % 1000 == 0; // goes on all the time, over the generations
        snprintf(id, sizeof id, "0-%d", old_friend ? 0 : i);
        record.session_id = text(id);
        record.timestamp = i;
        cr_assert_eq(watch_view_take(f.view, &record, true), HH_OK);
    }
    watch_totals totals = watch_view_count(f.view);
    cr_assert_eq(totals.judged, 129, "%llu", (unsigned long long)totals.judged);
    cr_assert_eq(totals.sessions, 130000 - 130 + 1);
    watch_view_free(f.view);
    titles_free(f.titles);
}
