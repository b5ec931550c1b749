// The promises of the protocol: nothing of the future, nothing of the order of arrival, nothing of open
// sessions where memory is closed.
#include "unit/small_log.h"

#define GAP (5 * HH_MINUTE)

enum { CLICKS = 1500, VISITORS = 40, ITEMS = 60 };

static hh_evaluate_options options_of(hh_evaluate_memory memory, hh_evaluate_ask ask)
{
    hh_evaluate_options options = hh_evaluate_defaults();
    options.memory = memory;
    options.ask = ask;
    options.from = 0.2;
    return options;
}

// The list like this one in another run. Runs list in the same order, so the search begins at about its
// place.
static const kept_list *find(const kept_lists *lists, const kept_list *like, size_t place)
{
    for (size_t i = 0; i < lists->count; i++) {
        const kept_list *list = &lists->lists[(place + i) % lists->count];
        if (list->as_of == like->as_of && list->visitor == like->visitor &&
            list->position == like->position && strcmp(list->model, like->model) == 0)
            return list;
    }
    return NULL;
}

// Lists as of a time before `until` must be the same in both runs. Says how many there were.
static size_t same_before(const kept_lists *a, const kept_lists *b, hh_time until)
{
    size_t compared = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->lists[i].as_of >= until)
            continue;
        const kept_list *other = find(b, &a->lists[i], i);
        cr_assert_not_null(other, "%s, position %u", a->lists[i].model, a->lists[i].position);
        cr_assert(same_list(&a->lists[i], other), "%s: a list of %lld changed", a->lists[i].model,
                  (long long)a->lists[i].as_of);
        compared++;
    }
    return compared;
}

// Of `model`, or of all (NULL). unlike: another model, whose lists must be others before the planted clicks.
static void plant_future(hh_evaluate_memory memory, hh_evaluate_ask ask, size_t count, const char *model,
                         const char *unlike)
{
    small_click *clicks = calloc(count, sizeof *clicks);
    small_clicks(clicks, count, VISITORS, ITEMS, 1);
    hh_evaluate_options options = options_of(memory, ask);
    hh_log *log = small_log(clicks, count, GAP, 0);
    kept_lists before = small_run(log, options, model);
    // From here on everybody clicks something else.
    size_t planted = count * 6 / 10;
    if (unlike) {
        kept_lists others = small_run(log, options, unlike);
        size_t differ = 0;
        for (size_t i = 0; i < others.count && others.lists[i].as_of < clicks[planted].time; i++)
            differ += memcmp(others.lists[i].items, before.lists[i].items, sizeof before.lists[i].items) != 0;
        cr_assert_gt(differ, 300, "%s must do something of its own, or this test tests nothing", model);
        free(others.lists);
    }
    hh_log_free(log);
    for (size_t i = planted; i < count; i++)
        clicks[i].item = (clicks[i].item * 7 + 13) % ITEMS;
    log = small_log(clicks, count, GAP, 0);
    kept_lists after = small_run(log, options, model);
    // A list asked for after its click may have its target in the future: the target may change, no more.
    for (size_t i = 0; i < after.count; i++) {
        const kept_list *other = find(&before, &after.lists[i], i);
        if (other && after.lists[i].target != other->target) {
            after.lists[i].target = other->target;
            after.lists[i].rank = other->rank;
        }
    }
    cr_assert_gt(same_before(&before, &after, clicks[planted].time), model ? 500 : 2500);
    size_t different = 0;
    for (size_t i = 0; i < before.count; i++)
        if (before.lists[i].as_of > clicks[planted].time + GAP) {
            const kept_list *other = find(&after, &before.lists[i], i);
            different += !other || !same_list(&before.lists[i], other);
        }
    cr_assert_gt(different, 500, "the planted clicks must matter afterwards, or this test tests nothing");
    free(before.lists);
    free(after.lists);
    hh_log_free(log);
    free(clicks);
}

Test(prequential, a_planted_future_changes_no_list_at_next)
{
    plant_future(HH_REMEMBER_CLICKS, HH_ASK_AT_NEXT, CLICKS, NULL, NULL);
}

Test(prequential, a_planted_future_changes_no_list_of_a_ranker_at_work)
{
    plant_future(HH_REMEMBER_CLICKS, HH_ASK_AT_NEXT, 8000, "hiphop", "mixture");
    plant_future(HH_REMEMBER_CLICKS, HH_ASK_AFTER_CLICK, 8000, "hiphop", "mixture");
}

Test(prequential, a_planted_future_changes_no_list_after_click)
{
    plant_future(HH_REMEMBER_CLICKS, HH_ASK_AFTER_CLICK, CLICKS, NULL, NULL);
}

Test(prequential, a_planted_future_changes_no_list_with_closed_memory)
{
    plant_future(HH_REMEMBER_CLOSED, HH_ASK_AT_NEXT, CLICKS, NULL, NULL);
    plant_future(HH_REMEMBER_CLOSED, HH_ASK_AFTER_CLICK, CLICKS, NULL, NULL);
}

Test(prequential, the_arrival_of_other_visitors_in_another_order_changes_nothing)
{
    small_click *clicks = malloc(CLICKS * sizeof *clicks);
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 2);
    for (size_t i = 0; i < CLICKS; i++) // ties in time, also between visitors
        clicks[i].time -= clicks[i].time % 30000;
    hh_evaluate_options options = options_of(HH_REMEMBER_CLICKS, HH_ASK_AFTER_CLICK);
    hh_log *log = small_log(clicks, CLICKS, GAP, HH_HOUR);
    kept_lists before = small_run(log, options, NULL);
    hh_log_free(log);
    uint64_t seed = 5;
    for (int swaps = 0; swaps < 50000; swaps++) { // bubbles clicks up, never past one of the same visitor
        size_t i = small_random(&seed, CLICKS - 1);
        hh_time apart = clicks[i].time - clicks[i + 1].time;
        if (clicks[i].visitor == clicks[i + 1].visitor || apart > 10 * HH_MINUTE || apart < -10 * HH_MINUTE)
            continue;
        small_click kept = clicks[i];
        clicks[i] = clicks[i + 1];
        clicks[i + 1] = kept;
    }
    log = small_log(clicks, CLICKS, GAP, HH_HOUR);
    hh_log_stats stats;
    hh_log_stats_read(log, &stats);
    cr_assert_eq(stats.late, 0);
    kept_lists after = small_run(log, options, NULL);
    cr_assert_eq(before.count, after.count);
    cr_assert_gt(before.count, 5000);
    for (size_t i = 0; i < before.count; i++)
        cr_assert(same_list(&before.lists[i], &after.lists[i]), "%s", before.lists[i].model);
    free(before.lists);
    free(after.lists);
    hh_log_free(log);
    free(clicks);
}

// Sessions whose items nobody else ever clicks, seen from outside: are they known while they are open?
Test(prequential, closed_memory_hides_open_sessions_and_no_others)
{
    // Visitor 0 goes 1, 2, 3 at once and stays open; visitor 1 comes to item 1 while that is so, visitor 2
    // when the session has just closed.
    const hh_time start = 10 * HH_HOUR, end = start + 2000;
    const small_click clicks[] = {
        {9, 50, start - HH_HOUR},
        {9, 51, start - HH_HOUR + 1},
        {0, 1, start},
        {0, 2, start + 1000},
        {0, 3, end},
        {1, 1, end + GAP - 2},
        {1, 2, end + GAP - 1},
        {2, 1, end + GAP},
        {2, 2, end + GAP},
    };
    const size_t count = sizeof clicks / sizeof *clicks;
    hh_log *log = small_log(clicks, count, GAP, 0);
    hh_evaluate_options options = options_of(HH_REMEMBER_CLOSED, HH_ASK_AT_NEXT);
    options.from = 0;
    const char *const models[] = {"transitions", "sr", "vsknn", "stan", "vmis", "pair-long", "knn-long"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++)
        for (int closed = 0; closed < 2; closed++) {
            options.memory = closed ? HH_REMEMBER_CLOSED : HH_REMEMBER_CLICKS;
            kept_lists lists = small_run(log, options, models[m]);
            bool early = false, late = false; // has visitor 1, visitor 2, item 2 (number 1) in the list?
            for (size_t i = 0; i < lists.count; i++)
                for (uint32_t k = 0; k < lists.lists[i].count; k++) {
                    early = early || (lists.lists[i].as_of == end + GAP - 1 && lists.lists[i].items[k] == 1);
                    late = late || (lists.lists[i].as_of == end + GAP && lists.lists[i].items[k] == 1);
                }
            cr_assert_eq(early, !closed, "%s, closed %d: an open session", models[m], closed);
            cr_assert(late, "%s, closed %d: a session that has just closed", models[m], closed);
            free(lists.lists);
        }
    hh_log_free(log);
}

Test(prequential, clicks_of_the_same_millisecond_know_nothing_of_each_other)
{
    const hh_time at = HH_HOUR;
    const small_click clicks[] = {{0, 1, at},     {0, 2, at + 5}, {1, 1, at + 1},
                                  {1, 2, at + 5}, {2, 3, at + 5}, {2, 4, at + 5}};
    hh_log *log = small_log(clicks, 6, GAP, HH_MINUTE);
    hh_evaluate_options options = options_of(HH_REMEMBER_CLICKS, HH_ASK_AT_NEXT);
    options.from = 0;
    kept_lists lists = small_run(log, options, NULL);
    cr_assert_gt(lists.count, 0);
    for (size_t i = 0; i < lists.count; i++)
        for (uint32_t k = 0; k < lists.lists[i].count; k++)
            // Item 1 (number 0) alone was clicked before; or the own item 3 (number 2) of the session 2.
            cr_assert(lists.lists[i].items[k] == 0 || lists.lists[i].items[k] == 2, "%s lists %u",
                      lists.lists[i].model, lists.lists[i].items[k]);
    free(lists.lists);
    hh_log_free(log);
}

Test(prequential, asking_for_fewer_lists_gives_the_same_ones)
{
    small_click *clicks = malloc(CLICKS * sizeof *clicks);
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 3);
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    const char *const models[] = {"pop", "transitions", "sr", "vsknn", "stan", "vmis", "knn-short", "repeat"};
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        hh_evaluate_options options = options_of(HH_REMEMBER_CLICKS, HH_ASK_AT_NEXT);
        kept_lists all = small_run(log, options, models[m]);
        options.every = 7;
        kept_lists some = small_run(log, options, models[m]);
        cr_assert_gt(some.count, 50);
        cr_assert_eq(some.count, (all.count + 6) / 7);
        for (size_t i = 0; i < some.count; i++)
            cr_assert(same_list(&some.lists[i], &all.lists[7 * i]), "%s", models[m]);
        free(all.lists);
        free(some.lists);
    }
    hh_log_free(log);
    free(clicks);
}

Test(prequential, hidden_session_items_are_in_no_list)
{
    small_click *clicks = malloc(CLICKS * sizeof *clicks);
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 4);
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    hh_evaluate_options options = options_of(HH_REMEMBER_CLICKS, HH_ASK_AFTER_CLICK);
    kept_lists listed = small_run(log, options, NULL);
    options.hide_session_items = true;
    kept_lists hidden = small_run(log, options, NULL);
    cr_assert_eq(listed.count, hidden.count);
    // The click that asks, by its time: times are distinct.
    size_t had = 0;
    for (size_t i = 0; i < hidden.count; i++) {
        uint32_t clicked = UINT32_MAX;
        for (size_t c = 0; c < CLICKS; c++)
            if (clicks[c].time == hidden.lists[i].as_of)
                clicked = clicks[c].item;
        for (uint32_t k = 0; k < hidden.lists[i].count; k++)
            cr_assert_neq(hidden.lists[i].items[k], clicked, "%s", hidden.lists[i].model);
        for (uint32_t k = 0; k < listed.lists[i].count; k++)
            had += listed.lists[i].items[k] == clicked;
    }
    cr_assert_gt(had, 500);
    free(listed.lists);
    free(hidden.lists);
    hh_log_free(log);
    free(clicks);
}

Test(prequential, a_click_that_the_graph_refuses_is_left_out)
{
    small_click clicks[60]; // one session over 60 days: ten more than a session of the graph can span
    for (uint32_t i = 0; i < 60; i++)
        clicks[i] = (small_click){0, i % 7, i * HH_DAY};
    hh_log *log = small_log(clicks, 60, 2 * HH_DAY, 0);
    hh_evaluate_options options = hh_evaluate_defaults();
    hh_error error = {0};
    const char *models[] = {"mixture"};
    cr_assert_eq(hh_evaluate(log, &options, models, 1, ignore_result, NULL, &error), HH_OK, "%s",
                 error.message);
    hh_log_free(log);
}

Test(prequential, what_is_asked_for_wrongly_is_named)
{
    const small_click clicks[] = {{0, 1, 5}, {0, 2, 6}};
    hh_log *log = small_log(clicks, 2, GAP, 0);
    hh_evaluate_options options = hh_evaluate_defaults();
    hh_error error = {0};
    const char *models[] = {"pop", "nonsense"};
    cr_assert_eq(hh_evaluate(log, &options, models, 2, ignore_result, NULL, &error), HH_NOT_FOUND);
    cr_assert_not_null(strstr(error.message, "'nonsense'"));
    const hh_setting_value wrong = {"stan.neighbours", 0}, unknown = {"stan.color", 1};
    options.settings = &wrong;
    options.setting_count = 1;
    cr_assert_eq(hh_evaluate(log, &options, models, 1, ignore_result, NULL, &error), HH_ARGUMENT);
    cr_assert_not_null(strstr(error.message, "stan.neighbours"));
    options.settings = &unknown;
    cr_assert_eq(hh_evaluate(log, &options, models, 1, ignore_result, NULL, &error), HH_NOT_FOUND);
    options = hh_evaluate_defaults();
    options.from = 1;
    cr_assert_eq(hh_evaluate(log, &options, models, 1, ignore_result, NULL, &error), HH_ARGUMENT);
    hh_log_free(log);
}
