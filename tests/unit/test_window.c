// The training window: what it holds, what can't own it, and how it numbers items for a training.
#include "fail_alloc.h"

#include <criterion/criterion.h>
#include <hiphop/window.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hh_window *make(hh_window_options options)
{
    hh_error error = {0};
    hh_window *window = hh_window_new(&options, &error);
    cr_assert_not_null(window, "%s", error.message);
    return window;
}

// Items separated by blanks.
static void add(hh_window *window, uint64_t visitor, hh_time time, const char *items)
{
    hh_window_click clicks[64];
    size_t count = 0;
    for (const char *at = items; *at; at += *at == ' ') {
        size_t length = strcspn(at, " ");
        clicks[count++] = (hh_window_click){at, length};
        at += length;
    }
    cr_assert_eq(hh_window_add(window, visitor, time, clicks, count), HH_OK);
}

static hh_window_sessions take(const hh_window *window, hh_time until, const hh_model *model)
{
    hh_error error = {0};
    hh_window_sessions sessions;
    cr_assert_eq(hh_window_take(window, until, model, NULL, &sessions, &error), HH_OK, "%s", error.message);
    return sessions;
}

// The sessions as text: items by their ids, sessions separated by '/'.
static const char *text_of(const hh_window_sessions *sessions)
{
    static char text[4096];
    size_t at = 0;
    for (uint32_t s = 0; s < sessions->data.sessions; s++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", s ? "/" : "");
        for (uint32_t i = sessions->data.first[s]; i < sessions->data.first[s + 1]; i++) {
            uint32_t item = sessions->data.item[i];
            cr_assert_lt(item, sessions->data.items);
            uint64_t begin = sessions->ids.begin[item];
            at += (size_t)snprintf(text + at, sizeof text - at, "%.*s",
                                   (int)(sessions->ids.begin[item + 1] - begin), sessions->ids.bytes + begin);
        }
    }
    text[at] = '\0';
    return text;
}

static hh_window_options options_of(uint32_t clicks, double older)
{
    hh_window_options options = hh_window_defaults();
    options.clicks = clicks;
    options.older = older;
    options.admit = 1;
    options.item_share = 1;
    return options;
}

Test(window, the_newest_sessions_in_order)
{
    hh_window *window = make(options_of(5, 0));
    add(window, 1, 10, "a b");
    add(window, 2, 20, "c d");
    add(window, 3, 30, "e");     // teaches nothing
    add(window, 4, 40, "e f g"); // a b goes
    hh_window_sessions sessions = take(window, 100, NULL);
    cr_assert_str_eq(text_of(&sessions), "cd/efg");
    cr_assert_eq(sessions.data.items, 5);
    cr_assert_eq(sessions.fresh, 5);
    hh_window_sessions_free(&sessions);
    sessions = take(window, 40, NULL); // what ended then is later
    cr_assert_str_eq(text_of(&sessions), "cd");
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
}

Test(window, reaches_back_so_long)
{
    hh_window_options options = options_of(1000, 0);
    options.window = 50;
    hh_window *window = make(options);
    for (int i = 0; i < 300; i++) // the ring grows and goes round
        add(window, (uint64_t)i, i, i % 2 ? "a b" : "c d");
    hh_window_stats stats;
    hh_window_stats_read(window, &stats);
    cr_assert_eq(stats.oldest, 249);
    cr_assert_eq(stats.newest, 299);
    cr_assert_eq(stats.sessions, 51);
    cr_assert_eq(stats.clicks, 102);
    hh_window_free(window);
}

// Of what has left, every time has its share, however long ago.
Test(window, a_choice_of_older_sessions_stays)
{
    hh_window *window = make(options_of(200, 1));
    for (int i = 0; i < 4000; i++) {
        char items[32];
        snprintf(items, sizeof items, "i%04d j", i);
        add(window, (uint64_t)i, i, items);
    }
    hh_window_stats stats;
    hh_window_stats_read(window, &stats);
    cr_assert_eq(stats.clicks, 200);
    cr_assert_eq(stats.older_clicks, 200);
    hh_window_sessions sessions = take(window, 4000, NULL), again = take(window, 4000, NULL);
    cr_assert_eq(sessions.data.sessions, 200);
    int early = 0, last = -1;
    for (uint32_t s = 0; s < 200; s++) {
        const char *id = sessions.ids.bytes + sessions.ids.begin[sessions.data.item[sessions.data.first[s]]];
        char digits[5] = {id[1], id[2], id[3], id[4]}; // ids have no NUL between them
        int number = (int)strtol(digits, NULL, 10);
        cr_assert_gt(number, last, "in the order in which they came");
        last = number;
        early += number < 1950;
    }
    cr_assert(early > 25 && early < 75, "half of the 100 older ones are from the first half, not %d", early);
    cr_assert_arr_eq(sessions.data.item, again.data.item, 400 * sizeof *again.data.item);
    hh_window_sessions_free(&sessions);
    hh_window_sessions_free(&again);
    hh_window_free(window);
}

Test(window, a_machine_does_not_own_it)
{
    hh_window_options options = options_of(1000, 0.5);
    options.visitor_clicks = 20;
    options.longest = 8;
    hh_window *window = make(options);
    for (int i = 0; i < 100; i++)
        add(window, 1 + (uint64_t)i, i, "a b");
    for (int i = 0; i < 100000; i++)
        add(window, 99999, 100 + i / 1000, "x y x y x y x y x y x y"); // a million clicks and more
    hh_window_stats stats;
    hh_window_stats_read(window, &stats);
    cr_assert_eq(stats.clicks, 200 + 16, "two sessions, cut to 8 clicks each");
    cr_assert_eq(stats.older_clicks, 0);
    cr_assert_eq(stats.refused, 99998);
    hh_window_free(window);
}

Test(window, a_visitor_is_free_again_when_his_sessions_have_left)
{
    hh_window_options options = options_of(1000, 0);
    options.visitor_clicks = 4;
    options.window = 10;
    hh_window *window = make(options);
    for (int i = 0; i < 30; i++)
        add(window, 7, i, "a b");
    hh_window_stats stats;
    hh_window_stats_read(window, &stats);
    cr_assert_leq(stats.clicks, 4);
    add(window, 8, 60, "c d");
    add(window, 7, 61, "a b");
    hh_window_sessions sessions = take(window, 100, NULL);
    cr_assert_str_eq(text_of(&sessions), "cd/ab");
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
}

Test(window, one_item_everywhere_is_thinned_out)
{
    hh_window_options options = options_of(100000, 0);
    options.item_share = 0.1;
    hh_window *window = make(options);
    for (int i = 0; i < 2000; i++) {
        char items[64];
        snprintf(items, sizeof items, "home i%d home", i % 500);
        add(window, (uint64_t)i, i, items);
    }
    hh_window_sessions sessions = take(window, 10000, NULL);
    uint32_t clicks = sessions.data.first[sessions.data.sessions], home = 0;
    for (uint32_t i = 0; i < clicks; i++) {
        uint32_t item = sessions.data.item[i];
        home += sessions.ids.begin[item + 1] - sessions.ids.begin[item] == 4 &&
                memcmp(sessions.ids.bytes + sessions.ids.begin[item], "home", 4) == 0;
    }
    cr_assert_eq(clicks - home, 2000, "nothing else is touched");
    cr_assert(home > 500 && home < 700, "a tenth of 6000 clicks, about, not %u", home);
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
}

Test(window, items_are_admitted_when_they_have_been_clicked)
{
    hh_window_options options = options_of(1000, 0);
    options.admit = 2;
    hh_window *window = make(options);
    add(window, 1, 1, "a b c");
    add(window, 2, 2, "c d a");
    hh_window_sessions sessions = take(window, 10, NULL);
    cr_assert_str_eq(text_of(&sessions), "ac/ca");
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
}

Test(window, no_more_items_than_there_is_room_for)
{
    hh_window_options options = options_of(1000, 0);
    options.items = 2;
    hh_window *window = make(options);
    add(window, 1, 1, "a b c");
    add(window, 2, 2, "c a d");
    hh_window_sessions sessions = take(window, 10, NULL);
    cr_assert_str_eq(text_of(&sessions), "ac/ca");
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
}

static hh_model *model_of(const hh_item_ids *ids)
{
    hh_error error = {0};
    hh_network_options options = hh_network_defaults();
    options.d = 4;
    hh_model_facts facts = {.options = hh_train_defaults(), .record = hh_train_record_new()};
    hh_model *model = hh_model_new(hh_network_new(&options, ids->count, 1, &error), ids, &facts, &error);
    cr_assert_not_null(model, "%s", error.message);
    return model;
}

Test(window, the_model_keeps_its_items_and_their_order)
{
    hh_window_options options = options_of(8, 0);
    options.admit = 2;
    hh_window *window = make(options);
    add(window, 1, 1, "a b c");
    add(window, 2, 2, "c b a");
    hh_window_sessions before = take(window, 10, NULL);
    hh_model *model = model_of(&before.ids);
    hh_window_sessions_free(&before);
    add(window, 3, 3, "d c d c"); // a b c goes, a and b have one click left
    add(window, 4, 4, "c e");     // c b a goes
    hh_window_sessions after = take(window, 10, model);
    cr_assert_str_eq(text_of(&after), "dcdc/c");
    cr_assert_eq(after.data.items, 2);
    cr_assert_eq(after.row[0], 2, "c comes first, since the model has it");
    cr_assert_eq(after.row[1], UINT32_MAX);
    cr_assert_eq(after.fresh, 1);
    cr_assert_eq(after.gone, 2);
    hh_window_sessions_free(&after);
    hh_model_free(model);
    hh_window_free(window);
}

Test(window, what_is_known_is_in_without_clicks)
{
    hh_window_options options = options_of(8, 0);
    options.admit = 2;
    hh_window *window = make(options);
    add(window, 1, 1, "a b a c b d");
    static const uint64_t begin[] = {0, 1, 2, 4, 5, 6};
    const hh_item_ids known = {5, begin, "xanyzd"}; // x a ny z d
    hh_error error = {0};
    hh_window_sessions sessions;
    cr_assert_eq(hh_window_take(window, 10, NULL, &known, &sessions, &error), HH_OK);
    cr_assert_str_eq(text_of(&sessions), "ababd", "d is known, c is not");
    cr_assert_eq(sessions.data.items, 6);
    cr_assert_eq(sessions.fresh, 6);
    cr_assert_eq(memcmp(sessions.ids.bytes, "abxnyzd", 7), 0, "those that are clicked come first");
    hh_model *model = model_of(&sessions.ids);
    hh_window_sessions_free(&sessions);

    add(window, 2, 2, "e z e z e z e z"); // all that were clicked are gone
    const hh_item_ids fewer = {3, begin, "xanyzd"};
    cr_assert_eq(hh_window_take(window, 10, model, &fewer, &sessions, &error), HH_OK);
    cr_assert_eq(memcmp(sessions.ids.bytes, "zexany", 6), 0);
    static const uint32_t rows[] = {4, UINT32_MAX, 2, 0, 3};
    cr_assert_arr_eq(sessions.row, rows, sizeof rows);
    cr_assert_eq(sessions.fresh, 1);
    cr_assert_eq(sessions.gone, 2, "b and d");
    hh_window_sessions_free(&sessions);
    hh_model_free(model);
    hh_window_free(window);
    options.items = 3; // those that are clicked, then as many as there is room for
    window = make(options);
    add(window, 1, 1, "a b a c b d");
    cr_assert_eq(hh_window_take(window, 10, NULL, &known, &sessions, &error), HH_OK);
    cr_assert_eq(sessions.data.items, 3);
    cr_assert_eq(memcmp(sessions.ids.bytes, "abx", 3), 0);
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
}

Test(window, ids_that_no_model_can_have_are_passed_over)
{
    hh_window *window = make(options_of(100, 0));
    char *id = malloc(HH_ITEM_ID_MAX + 1);
    cr_assert_not_null(id);
    memset(id, 'x', HH_ITEM_ID_MAX + 1);
    hh_window_click clicks[] = {{"a", 1}, {id, HH_ITEM_ID_MAX + 1}, {"", 0}, {"b", 1}};
    cr_assert_eq(hh_window_add(window, 1, 1, clicks, 4), HH_OK);
    hh_window_sessions sessions = take(window, 10, NULL);
    cr_assert_str_eq(text_of(&sessions), "ab");
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
    free(id);
}

Test(window, an_empty_one_can_be_taken)
{
    hh_window *window = make(hh_window_defaults());
    hh_window_sessions sessions = take(window, 10, NULL);
    cr_assert_eq(sessions.data.sessions, 0);
    cr_assert_eq(sessions.data.items, 0);
    hh_window_sessions_free(&sessions);
    hh_window_free(window);
}

Test(window, options_are_checked)
{
    hh_error error = {0};
    hh_window_options options = hh_window_defaults();
    options.clicks = 0;
    cr_assert_null(hh_window_new(&options, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
}

Test(window, it_is_told_which_sessions_they_are)
{
    hh_window *window = make(options_of(6, 1)), *other = make(options_of(6, 1));
    uint64_t which[8];
    for (int i = 0; i < 8; i++) { // the first leave the newest, and then the window
        hh_window_sessions sessions = take(window, 100, NULL);
        which[i] = sessions.which;
        hh_window_sessions_free(&sessions);
        sessions = take(other, 100, NULL);
        cr_assert_eq(sessions.which, which[i]);
        hh_window_sessions_free(&sessions);
        for (int before = 0; before < i; before++)
            cr_assert_neq(which[before], which[i]);
        add(window, 1, 10 + i, "a b");
        add(other, 2, 10 + i, "a b");
    }
    hh_window_sessions all = take(window, 100, NULL), without = take(window, 17, NULL);
    cr_assert_neq(all.which, without.which);
    add(window, 3, 50, "b c");
    hh_window_sessions_free(&without);
    without = take(window, 18, NULL);
    cr_assert_eq(all.data.sessions, 6);
    hh_window_sessions_free(&all);
    hh_window_sessions_free(&without);
    hh_window_free(window);
    hh_window_free(other);
}

// Whatever allocation fails: nothing leaks, and what was taken before is there.
Test(window, no_memory)
{
    for (long n = 0;; n++) {
        hh_error error = {0};
        hh_window_options options = options_of(6, 1);
        hh_window_sessions sessions = {0};
        hh_window_click clicks[] = {{"a", 1}, {"b", 1}, {"c", 1}};
        fail_alloc_at(n);
        hh_window *window = hh_window_new(&options, &error);
        hh_status status = window ? HH_OK : error.status;
        for (int i = 0; i < 40 && status == HH_OK; i++)
            status = hh_window_add(window, (uint64_t)i, i, clicks, 3);
        if (status == HH_OK)
            status = hh_window_take(window, 100, NULL, NULL, &sessions, &error);
        bool failed = fail_alloc_done();
        cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
        hh_window_sessions_free(&sessions);
        hh_window_free(window);
        if (!failed)
            break;
    }
}
