// Sessions without a clock: figures by hand, and the promise that the test teaches nothing before its time.
#include "evaluate/click_log.h"
#include "fail_alloc.h"
#include "unit/small_log.h"

#include <math.h>
#include <unistd.h>

static hh_status read_text(hh_sessions *sessions, const char *text, hh_error *error)
{
    char path[] = "/tmp/hiphop-static-XXXXXX";
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    hh_status status = hh_sessions_read(sessions, path, error);
    unlink(path);
    return status;
}

static hh_log *static_log(const char *train, const char *test)
{
    hh_error error = {0};
    hh_sessions_view view, both;
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(read_text(sessions, train, &error), HH_OK, "%s", error.message);
    hh_sessions_view_read(sessions, &view);
    cr_assert_eq(read_text(sessions, test, &error), HH_OK, "%s", error.message);
    hh_sessions_view_read(sessions, &both);
    hh_log *log = hh_log_of_sessions(sessions, view.sessions, both.sessions, &error);
    cr_assert_not_null(log, "%s", error.message);
    hh_sessions_free(sessions);
    return log;
}

// What a network learns is not what these tests are about: it is small.
static hh_evaluate_options options_of(hh_evaluate_memory memory)
{
    static const hh_setting_value small[] = {{"network.d", 16}, {"network.epochs", 2}};
    hh_evaluate_options options = hh_evaluate_defaults();
    options.memory = memory;
    options.settings = small;
    options.setting_count = 2;
    return options;
}

static void take_result(void *context, const hh_result *result)
{
    *(hh_result *)context = *result;
}

static hh_result result_of(const hh_log *log, hh_evaluate_memory memory, const char *model)
{
    hh_error error = {0};
    hh_result result = {0};
    hh_evaluate_options options = options_of(memory);
    const hh_setting_value forever[] = {{"transitions.half_life", 0}, {"pop.half_life", 0}};
    options.settings = forever;
    options.setting_count = 2;
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, take_result, &result, &error), HH_OK, "%s",
                 error.message);
    return result;
}

Test(static, the_clock_counts_sessions)
{
    hh_log *log = static_log("a b\nc\n", "a x b\n");
    hh_log_stats stats;
    hh_log_stats_read(log, &stats);
    cr_assert_eq(stats.sessions, 3);
    cr_assert_eq(stats.train, 2);
    cr_assert_eq(stats.clicks, 6);
    cr_assert_eq(stats.items, 4);
    const hh_time times[] = {0, 1, HH_SECOND, 2 * HH_SECOND, 2 * HH_SECOND + 1, 2 * HH_SECOND + 2};
    cr_assert_arr_eq(log->time, times, sizeof times);
    cr_assert_str_eq(hh_log_item(log, 3, NULL), "x");
    hh_log_free(log);

    char longer[2500 * 2 + 8]; // longer than its second
    for (int i = 0; i < 2500; i++)
        memcpy(longer + 2 * i, "a ", 3);
    log = static_log(longer, "b c\n");
    cr_assert_eq(log->time[2500], 2500);
    hh_log_free(log);
}

// a is followed by b twice and by c once; b by c once. The lists of the test's prefixes, by hand:
//   a -> b: b is 1st.    a b -> a: c, then what is popular: a 3, b 3, c 2. Equal scores: a is 3rd.
//   c -> x: x is not in the training, a miss.    c x -> b: nothing follows x; a 3, b 3, c 2: b is 2nd.
Test(static, figures_by_hand)
{
    hh_log *log = static_log("a b\na b c\na c\nb\n", "a b a\nc x b\nd\n");
    hh_result result = result_of(log, HH_REMEMBER_TRAIN, "transitions");
    cr_assert_eq(result.targets, 4);
    cr_assert_float_eq(result.hr[HH_AT_20], 3.0 / 4, 1e-9);
    cr_assert_float_eq(result.mrr[HH_AT_20], (1 + 1.0 / 3 + 0 + 1.0 / 2) / 4, 1e-9);
    cr_assert_float_eq(result.ndcg[HH_AT_5], (1 + 1 / log2(4) + 1 / log2(3)) / 4, 1e-9);
    cr_assert_float_eq(result.coverage, 1, 1e-9); // of the training's items
    // With the sessions of the test that were scored: c is followed by x, but only in its own session.
    result = result_of(log, HH_REMEMBER_CLOSED, "transitions");
    cr_assert_eq(result.targets, 4);
    cr_assert_float_eq(result.hr[HH_AT_20], 3.0 / 4, 1e-9);
    hh_log_free(log);
    log = static_log("a b\n", "c d\nc d\n");
    cr_assert_float_eq(result_of(log, HH_REMEMBER_TRAIN, "transitions").hr[HH_AT_20], 0, 1e-9);
    cr_assert_float_eq(result_of(log, HH_REMEMBER_CLOSED, "transitions").mrr[HH_AT_20], 1.0 / 2, 1e-9);
    hh_log_free(log);
}

// ---- what a list may know ----

enum { ITEMS = 30 };

// Lines of sessions in which 3 i follows i more often than not.
static void random_lines(char *text, size_t size, int lines, uint64_t seed)
{
    *text = '\0';
    for (int line = 0; line < lines; line++) {
        uint32_t item = small_random(&seed, ITEMS), count = 1 + small_random(&seed, 6);
        for (uint32_t i = 0; i < count; i++) {
            snprintf(text + strlen(text), size - strlen(text), "i%u%s", item, i + 1 < count ? " " : "\n");
            item = small_random(&seed, 3) ? 3 * item % ITEMS : small_random(&seed, ITEMS);
        }
    }
}

static char train[16384], first[4096], second[4096], both[8192];

static void write_texts(void)
{
    random_lines(train, sizeof train, 300, 1);
    for (int item = 0; item < ITEMS; item++) // so that every item has its number from the training
        snprintf(train + strlen(train), sizeof train - strlen(train), "i%d\n", item);
    random_lines(first, sizeof first, 40, 2);
    random_lines(second, sizeof second, 60, 3);
    snprintf(both, sizeof both, "%s%s", first, second);
}

static kept_lists lists_of(const char *test, hh_evaluate_memory memory, const char *model)
{
    hh_log *log = static_log(train, test);
    kept_lists lists = small_run(log, options_of(memory), model);
    hh_log_free(log);
    return lists;
}

static bool same_items(const kept_list *a, const kept_list *b)
{
    return a->count == b->count && a->target == b->target && a->rank == b->rank &&
           memcmp(a->items, b->items, a->count * sizeof *a->items) == 0;
}

// How many lists about the sessions of `second` change when those of `first` come before them in the test.
static size_t changed_by_first(hh_evaluate_memory memory, const char *model)
{
    kept_lists after = lists_of(both, memory, model), alone = lists_of(second, memory, model);
    size_t before = after.count - alone.count, changed = 0;
    cr_assert_gt(before, 50);
    cr_assert_gt(alone.count, 100);
    for (size_t i = 0; i < alone.count; i++)
        changed += !same_items(&alone.lists[i], &after.lists[before + i]);
    free(after.lists);
    free(alone.lists);
    return changed;
}

Test(static, no_list_knows_a_click_of_the_test)
{
    write_texts();
    const hh_model_info *info;
    for (size_t i = 0; (info = hh_evaluate_model(i)); i++)
        cr_assert_eq(changed_by_first(HH_REMEMBER_TRAIN, info->name), 0, "%s", info->name);
    const char *const models[] = {"mixture", "next", "knn-long", "transitions", "stan", "lookup"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        cr_assert_gt(changed_by_first(HH_REMEMBER_CLOSED, models[i]), 10, "%s: this test tests nothing",
                     models[i]);
}

Test(static, what_was_scored_before_does_not_change_with_what_comes)
{
    write_texts();
    const hh_model_info *info;
    for (size_t m = 0; (info = hh_evaluate_model(m)); m++) {
        kept_lists all = lists_of(both, HH_REMEMBER_CLOSED, info->name);
        kept_lists some = lists_of(first, HH_REMEMBER_CLOSED, info->name);
        cr_assert_gt(some.count, 50);
        for (size_t i = 0; i < some.count; i++)
            cr_assert(same_items(&some.lists[i], &all.lists[i]), "%s, list %zu", info->name, i);
        free(all.lists);
        free(some.lists);
    }
}

// Each item is followed by the one at its place in a cycle that skips: nothing but the last click tells.
Test(static, the_network_learns_what_follows)
{
    static char taught[400 * 16], asked[40 * 16];
    char *texts[] = {taught, asked};
    const int sizes[] = {400, 40};
    for (int t = 0; t < 2; t++)
        for (int s = 0, at = 0; s < sizes[t]; s++) {
            int item = 7 * s % 60;
            at += snprintf(texts[t] + at, 16, "%d %d %d\n", item, (item + 17) % 60, (item + 34) % 60);
        }
    hh_log *log = static_log(taught, asked);
    hh_error error = {0};
    hh_evaluate_options options = options_of(HH_REMEMBER_TRAIN);
    hh_setting_value settings[] = {{"network.epochs", 20}, {"network.batch", 32}, {"network.on", 1}};
    options.settings = settings;
    options.setting_count = 3;
    const char *const network = "network", *const graph = "graph";
    hh_result result = {0};
    cr_assert_eq(hh_evaluate(log, &options, &network, 1, take_result, &result, &error), HH_OK, "%s",
                 error.message);
    cr_assert_eq(result.targets, 80);
    cr_assert_gt(result.mrr[HH_AT_20], 0.9, "%g", result.mrr[HH_AT_20]);
    cr_assert_eq(hh_evaluate(log, &options, &graph, 1, take_result, &result, &error), HH_OK);
    cr_assert_gt(result.mrr[HH_AT_20], 0.9, "%g", result.mrr[HH_AT_20]);
    settings[2].value = 0;
    cr_assert_eq(hh_evaluate(log, &options, &network, 1, take_result, &result, &error), HH_OK);
    cr_assert_eq(result.hr[HH_AT_20], 0, "there is no network");
    hh_log_free(log);
}

// The protocol of the released code: it must show the leak, or it is not that protocol.
Test(static, rows_of_a_batch_give_the_answers_away)
{
    // Nothing can be learned from this training, and each step is made once.
    hh_log *log = static_log("z\n", "a b c d e f\ng h i j k l\n");
    hh_result honest = result_of(log, HH_REMEMBER_TRAIN, "lookup");
    hh_result leaking = result_of(log, HH_REMEMBER_BATCH, "lookup");
    cr_assert_eq(honest.targets, 10);
    cr_assert_eq(leaking.targets, 10);
    cr_assert_eq(honest.hr[HH_AT_20], 0);
    cr_assert_float_eq(leaking.mrr[HH_AT_5], 8.0 / 10, 1e-9); // all but the last click of each session
    cr_assert_gt(result_of(log, HH_REMEMBER_BATCH, "knn-long").hr[HH_AT_20], 0.79);
    hh_log_free(log);
}

// Sessions that come again and again teach a network that heeds neighbours to believe them. Those of the test
// are new, so nothing of them can be foreseen; but the rows of a batch are neighbours that know.
Test(static, a_network_that_heeds_neighbours_believes_the_rows_of_a_batch)
{
    enum { WIDE = 97, SESSIONS = 60, LENGTH = 5, TIMES = 6 };
    static char taught[TIMES * SESSIONS * LENGTH * 4 + 1], asked[SESSIONS * LENGTH * 4 + 1];
    for (int s = 0, at = 0; s < TIMES * SESSIONS; s++)
        for (int i = 0; i < LENGTH; i++)
            at += snprintf(taught + at, 5, "%d%c", (s % SESSIONS * 31 + i * i * 7 + 3 * i) % WIDE,
                           i + 1 < LENGTH ? ' ' : '\n');
    for (int s = 0, at = 0; s < SESSIONS; s++)
        for (int i = 0; i < LENGTH; i++)
            at += snprintf(asked + at, 5, "%d%c", (s * 53 + i * i * i * 11 + 40 * i) % WIDE,
                           i + 1 < LENGTH ? ' ' : '\n');
    hh_log *log = static_log(taught, asked);
    hh_setting_value settings[] = {{"network.epochs", 20}, {"network.batch", 64},
                                   {"network.d", 32},      {"network.item-dropout", 0.8},
                                   {"network.global", 1},  {"network.votes", 1}};
    const char *const network = "network";
    double mrr[2];
    const hh_evaluate_memory memories[] = {HH_REMEMBER_TRAIN, HH_REMEMBER_BATCH};
    for (int m = 0; m < 2; m++) {
        hh_evaluate_options options = options_of(memories[m]);
        options.settings = settings;
        options.setting_count = sizeof settings / sizeof *settings;
        hh_result result = {0};
        hh_error error = {0};
        cr_assert_eq(hh_evaluate(log, &options, &network, 1, take_result, &result, &error), HH_OK, "%s",
                     error.message);
        cr_assert_eq(result.targets, SESSIONS * (LENGTH - 1));
        mrr[m] = result.mrr[HH_AT_20];
    }
    cr_expect_lt(mrr[0], 0.1, "%g", mrr[0]);
    cr_expect_gt(mrr[1], 4 * mrr[0], "%g and %g", mrr[0], mrr[1]);
    hh_log_free(log);
}

Test(static, a_batch_ends_after_512_rows)
{
    char test[513 * 6 + 16] = "";
    for (int i = 0; i < 511; i++) // a row each, that nobody else can use
        memcpy(test + 4 * i, "z z\n", 5);
    memcpy(test + 4 * 511, "a b c\n",
           7); // the last row of the first batch, a -> b, and the first of the second
    hh_log *log = static_log("y\n", test);
    hh_evaluate_options options = options_of(HH_REMEMBER_BATCH);
    kept_lists lists = small_run(log, options, "lookup");
    cr_assert_eq(lists.count, 513);
    cr_assert_eq(lists.lists[511].rank, UINT32_MAX, "the row [a, b] is in the next batch");
    free(lists.lists);
    hh_log_free(log);
}

// ---- wrong calls, tuning, memory ----

Test(static, what_does_not_go_together_is_refused)
{
    hh_error error = {0};
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(read_text(sessions, "a b\nb c\n", &error), HH_OK);
    const uint32_t wrong[][2] = {{0, 1}, {1, 1}, {2, 2}, {1, 3}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_null(hh_log_of_sessions(sessions, wrong[i][0], wrong[i][1], &error));
        cr_assert_eq(error.status, HH_ARGUMENT);
    }
    hh_log *log = hh_log_of_sessions(sessions, 1, 2, &error);
    hh_sessions_free(sessions);
    const char *model = "pop";
    hh_evaluate_options options = options_of(HH_REMEMBER_CLICKS);
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error), HH_ARGUMENT);
    options = options_of(HH_REMEMBER_TRAIN);
    options.ask = HH_ASK_AFTER_CLICK;
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error), HH_ARGUMENT);
    cr_assert_eq(hh_log_add(log, "v", 1, "i", 1, 5, &error), HH_ARGUMENT);
    hh_log_free(log);
    const small_click clicks[] = {{0, 1, 5}, {0, 2, 6}};
    log = small_log(clicks, 2, HH_MINUTE, 0);
    options = options_of(HH_REMEMBER_TRAIN);
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error), HH_ARGUMENT);
    options = options_of(HH_REMEMBER_BATCH);
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error), HH_ARGUMENT);
    hh_log_free(log);
}

Test(static, tuning_asks_about_the_test_of_the_log_that_it_is_given)
{
    write_texts();
    hh_log *log = static_log(train, second);
    hh_tune_options tuning = hh_tune_defaults();
    tuning.evaluate.memory = HH_REMEMBER_TRAIN;
    tuning.rounds = 1;
    hh_tuned tuned;
    hh_error error = {0};
    cr_assert_eq(hh_tune(log, &tuning, "sr", &tuned, &error), HH_OK, "%s", error.message);
    hh_evaluate_options options = options_of(HH_REMEMBER_TRAIN);
    options.settings = tuned.settings;
    options.setting_count = tuned.count;
    hh_result again;
    const char *model = "sr";
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, take_result, &again, &error), HH_OK);
    cr_assert_eq(again.targets, tuned.after.targets);
    cr_assert_eq(again.mrr[HH_AT_20], tuned.after.mrr[HH_AT_20]);
    double before = tuned.before.hr[HH_AT_20] * tuned.before.mrr[HH_AT_20];
    cr_assert_gt(tuned.after.hr[HH_AT_20] * tuned.after.mrr[HH_AT_20], before);
    hh_log_free(log);
}

static void each_allocation_may_fail(hh_evaluate_memory memory, const char *model)
{
    hh_error error = {0};
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(read_text(sessions, "a b c\nb c a a\nc d\nc a b\nb x\n", &error), HH_OK);
    hh_evaluate_options options = options_of(memory);
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        hh_log *log = hh_log_of_sessions(sessions, 3, 5, &error);
        hh_status status = error.status;
        if (log)
            status = hh_evaluate(log, &options, &model, 1, ignore_result, NULL, &error);
        bool done = fail_alloc_done();
        hh_log_free(log);
        if (!done) {
            cr_assert_eq(status, HH_OK);
            cr_assert_gt(n, 10);
            break;
        }
        cr_assert_eq(status, HH_MEMORY, "%s, allocation %ld", model, n);
    }
    hh_sessions_free(sessions);
}

Test(static, when_memory_runs_out_it_is_said)
{
    each_allocation_may_fail(HH_REMEMBER_TRAIN, "mixture");
    each_allocation_may_fail(HH_REMEMBER_TRAIN, "lookup");
    each_allocation_may_fail(HH_REMEMBER_BATCH, "mixture");
    each_allocation_may_fail(HH_REMEMBER_BATCH, "stan");
}
