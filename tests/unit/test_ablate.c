// Trials of the network's parts: which are run, that what is compared is comparable, and the arithmetic.
#include "evaluate/click_log.h"
#include "evaluate/model_kind.h"

#include <criterion/criterion.h>
#include <hiphop/ablate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS 512

typedef struct heard {
    hh_trial_run run[RUNS];
    size_t count;
    uint32_t stop_at; // calls of progress, after which it stops; 0: never
    uint32_t calls;
} heard;

static hh_log *some_log(void)
{
    char path[] = "/tmp/hiphop-ablate-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    cr_assert_not_null(file);
    for (int s = 0; s < 120; s++) { // what follows item i is i + 1, round and round
        int at = (7 * s + s / 3) % 20, clicks = 2 + s % 4;
        for (int c = 0; c < clicks; c++)
            fprintf(file, "%d%c", (at + c) % 20, c + 1 < clicks ? ' ' : '\n');
    }
    fclose(file);
    hh_error error = {0};
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(hh_sessions_read(sessions, path, &error), HH_OK, "%s", error.message);
    unlink(path);
    hh_log *log = hh_log_of_sessions(sessions, 100, 120, &error);
    cr_assert_not_null(log, "%s", error.message);
    hh_sessions_free(sessions);
    return log;
}

static void hear(void *context, const hh_trial_run *run)
{
    heard *self = context;
    cr_assert_lt(self->count, RUNS);
    self->run[self->count++] = *run;
}

static bool goes_on(void *context, const hh_train_progress *training)
{
    heard *self = context;
    (void)training;
    return ++self->calls != self->stop_at;
}

static const hh_setting_value small[] = {
    {"network.d", 8}, {"network.epochs", 1}, {"network.batch", 64}, {"network.warm-up", 2}};

static hh_ablate_options options_of(uint32_t seeds)
{
    hh_ablate_options options = hh_ablate_defaults();
    options.seeds = seeds;
    options.evaluate.settings = small;
    options.evaluate.setting_count = sizeof small / sizeof *small;
    return options;
}

static void only(hh_ablate_options *options, hh_trial_group group)
{
    memset(options->wanted, 0, sizeof options->wanted);
    options->wanted[group] = true;
}

static heard *ablate(const hh_log *log, const hh_ablate_options *options)
{
    heard *all = calloc(1, sizeof *all);
    hh_error error = {0};
    cr_assert_eq(hh_ablate(log, options, hear, all, &error), HH_OK, "%s", error.message);
    cr_expect_eq(all->count, hh_ablate_runs(options));
    return all;
}

static const hh_trial_run *find(const heard *all, const char *name, uint64_t seed)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->run[i].trial->name, name) == 0 && all->run[i].seed == seed)
            return &all->run[i];
    cr_assert_fail("there is no run of %s", name);
    return NULL;
}

static double mrr(const heard *all, const char *name, uint64_t seed)
{
    return find(all, name, seed)->result[HH_LIST_NETWORK].mrr[HH_AT_20];
}

Test(ablate, every_trial_runs_and_is_held_against_one_that_there_is)
{
    hh_log *log = some_log();
    hh_ablate_options options = options_of(1);
    heard *all = ablate(log, &options), *again = ablate(log, &options);
    const hh_trial *trial;
    for (size_t i = 0, at = 0; (trial = hh_ablate_trial(i)); i++) {
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(trial->name, hh_ablate_trial(j)->name);
        for (size_t s = 0; s < trial->setting_count; s++)
            cr_expect_not_null(hh_setting_find(trial->settings[s].name), "%s", trial->settings[s].name);
        if (trial->described) // there are no vectors
            continue;
        cr_expect_eq(all->run[at].trial, trial);
        if (trial->against)
            find(all, trial->against, 1);
        cr_expect_eq(all->run[at].result[HH_LIST_HIPHOP].targets, 50);
        for (int list = 0; list < HH_LISTS; list++) {
            cr_expect_str_eq(all->run[at].result[list].model, hh_ablate_lists[list]);
            cr_expect_eq(all->run[at].result[list].mrr[HH_AT_20], again->run[at].result[list].mrr[HH_AT_20],
                         "the same call gives the same figures");
        }
        at++;
    }
    cr_expect_neq(mrr(all, "default", 1), mrr(all, "paper", 1));
    cr_expect_neq(mrr(all, "default", 1), mrr(all, "default - graph step", 1));
    cr_expect_neq(mrr(all, "default", 1), mrr(all, "default, shuffled", 1));
    cr_expect_eq(mrr(all, "paper - all of these", 1), mrr(all, "default", 1));
    cr_expect_eq(mrr(all, "paper, k = 12", 1), mrr(all, "paper", 1), "12 is the default");
    free(all);
    free(again);
    hh_log_free(log);
}

Test(ablate, a_group_brings_what_it_is_held_against)
{
    hh_log *log = some_log();
    hh_ablate_options options = options_of(2);
    only(&options, HH_TRIALS_LAST);
    heard *all = ablate(log, &options);
    cr_expect_eq(all->count, 2 * 5);
    cr_expect_neq(mrr(all, "paper", 1), mrr(all, "paper", 2), "the seed is the network's");
    free(all);
    hh_log_free(log);
}

Test(ablate, vectors_of_items_are_used_and_can_be_left_out)
{
    hh_log *log = some_log();
    float vector[20 * 3];
    for (int i = 0; i < 60; i++)
        vector[i] = sinf((float)(i * i));
    const hh_source source = {.name = "text", .width = 3, .vector = vector};
    hh_ablate_options options = options_of(1);
    only(&options, HH_TRIALS_ON);
    heard *without = ablate(log, &options);
    options.evaluate.sources = &source;
    options.evaluate.source_count = 1;
    heard *with = ablate(log, &options);
    cr_expect_eq(with->count, without->count + 1);
    cr_expect_neq(mrr(with, "default", 1), mrr(without, "default", 1));
    cr_expect_eq(mrr(with, "default - vectors", 1), mrr(without, "default", 1));
    free(with);
    only(&options, HH_TRIALS_SEMANTICS);
    with = ablate(log, &options);
    cr_expect_eq(with->count, 5);
    cr_expect_eq(mrr(with, "without vectors", 1), mrr(without, "default", 1));
    cr_expect_neq(mrr(with, "vectors", 1), mrr(with, "without vectors", 1));
    cr_expect_neq(mrr(with, "vectors", 1), mrr(with, "vectors by lot", 1));
    const hh_result *none = find(with, "without vectors", 1)->result,
                    *network = find(with, "vectors in network alone", 1)->result,
                    *graph = find(with, "vectors in graph alone", 1)->result;
    cr_expect_eq(network[HH_LIST_GRAPH].mrr[HH_AT_20], none[HH_LIST_GRAPH].mrr[HH_AT_20]);
    cr_expect_neq(network[HH_LIST_NETWORK].mrr[HH_AT_20], none[HH_LIST_NETWORK].mrr[HH_AT_20]);
    cr_expect_eq(graph[HH_LIST_NETWORK].mrr[HH_AT_20], none[HH_LIST_NETWORK].mrr[HH_AT_20]);
    free(with);
    options.evaluate.source_count = 0;
    cr_expect_eq(hh_ablate_runs(&options), 0, "nothing is known");
    free(without);
    hh_log_free(log);
}

Test(ablate, stops_when_it_is_told_to)
{
    hh_log *log = some_log();
    hh_error error = {0};
    hh_ablate_options options = options_of(1);
    heard all = {0};
    options.evaluate.progress = goes_on;
    options.evaluate.progress_context = &all;
    only(&options, HH_TRIALS_OFF);
    cr_assert_eq(hh_ablate(log, &options, hear, &all, &error), HH_OK);
    uint32_t calls = all.calls;
    cr_assert_gt(calls, 10);
    for (uint32_t at = 1; at <= calls; at += 1 + calls / 12) {
        all = (heard){.stop_at = at};
        cr_expect_eq(hh_ablate(log, &options, hear, &all, &error), HH_STOPPED, "at call %u", at);
        cr_expect_lt(all.count, hh_ablate_runs(&options));
    }
    hh_log_free(log);
}

Test(ablate, an_order_drawn_by_lot_keeps_sessions_and_their_items)
{
    hh_log *log = some_log();
    hh_error error = {0};
    hh_log *one = hh_log_shuffled(log, 1, &error), *same = hh_log_shuffled(log, 1, &error),
           *other = hh_log_shuffled(log, 2, &error);
    cr_assert(one && same && other);
    cr_expect_arr_eq(one->item, same->item, log->clicks * sizeof *log->item);
    cr_expect_arr_neq(one->item, other->item, log->clicks * sizeof *log->item);
    cr_expect_arr_neq(one->item, log->item, log->clicks * sizeof *log->item);
    cr_expect_arr_eq(one->time, log->time, log->clicks * sizeof *log->time);
    for (uint32_t s = 0; s < log->sessions; s++)
        for (uint32_t i = 0; i < log->session[s].count; i++) {
            uint32_t first = log->session[s].first, found = 0;
            for (uint32_t j = 0; j < log->session[s].count; j++)
                found += one->item[first + j] == log->item[first + i];
            cr_expect_eq(found, 1);
        }
    hh_log_free(one);
    hh_log_free(same);
    hh_log_free(other);
    hh_log_free(log);
    log = hh_log_new(&(hh_log_options){.gap = HH_MINUTE}, &error);
    cr_assert_eq(hh_log_add(log, "v", 1, "i", 1, 0, &error), HH_OK);
    cr_assert_eq(hh_log_finish(log, &error), HH_OK);
    cr_expect_null(hh_log_shuffled(log, 1, &error));
    cr_expect_eq(error.status, HH_ARGUMENT);
    hh_ablate_options options = options_of(1);
    cr_expect_eq(hh_ablate(log, &options, hear, NULL, &error), HH_ARGUMENT);
    hh_log_free(log);
}

Test(ablate, the_summary_is_over_seeds_and_pairs_them)
{
    const hh_trial base = {.name = "base"}, part = {.name = "part", .against = "base"};
    const double hr[2][3] = {{0.10, 0.20, 0.60}, {0.11, 0.22, 0.63}}; // 0.01, 0.02, 0.03 more
    hh_trial_run runs[6];
    for (int t = 0; t < 2; t++)
        for (int seed = 0; seed < 3; seed++) {
            runs[t * 3 + seed] =
                (hh_trial_run){.trial = t ? &part : &base, .seed = (uint64_t)seed, .seconds = 2};
            runs[t * 3 + seed].result[HH_LIST_NETWORK].hr[HH_AT_20] = hr[t][seed];
        }
    hh_trial_summary summary;
    hh_ablate_summary(runs, 6, &part, &summary);
    cr_expect_eq(summary.runs, 3);
    cr_expect_float_eq(summary.hr[HH_LIST_NETWORK].mean, 0.32, 1e-12);
    cr_expect_float_eq(summary.hr_more[HH_LIST_NETWORK].mean, 0.02, 1e-12);
    cr_expect_float_eq(summary.hr_more[HH_LIST_NETWORK].deviation, 0.01, 1e-12);
    cr_expect_float_eq(summary.seconds.mean, 2, 1e-12);
    hh_ablate_summary(runs, 6, &base, &summary);
    cr_expect_float_eq(summary.hr[HH_LIST_NETWORK].deviation, sqrt(0.07), 1e-12);
    cr_expect_eq(summary.hr_more[HH_LIST_NETWORK].count, 0, "it is held against nothing");
    hh_ablate_summary(runs + 3, 1, &part, &summary);
    cr_expect_eq(summary.hr[HH_LIST_NETWORK].deviation, 0);
    cr_expect_eq(summary.hr_more[HH_LIST_NETWORK].count, 0, "its base was not run with this seed");
}
