// The network in an evaluation of a stream: it learns what had closed by its time, and nothing later.
#include "evaluate/click_log.h"
#include "unit/small_log.h"

#include <math.h>

#define CLICKS   6000
#define VISITORS 60
#define ITEMS    50
#define GAP      (5 * HH_MINUTE)
#define EVERY    (2 * HH_HOUR)

typedef struct kept_trainings {
    hh_training training[64];
    size_t count;
} kept_trainings;

static void keep_training(void *context, const hh_training *training)
{
    kept_trainings *kept = context;
    cr_assert_lt(kept->count, 64);
    kept->training[kept->count++] = *training;
}

static const hh_setting_value small_network[] = {
    {"network.d", 16},        {"network.item-dropout", 0.1}, {"network.state-dropout", 0},
    {"network.epochs", 8},    {"network.batch", 64},         {"network.warm-up", 10},
    {"training.rate", 0.004}, {"training.gate-lists", 300},  {"training.gate-share", 1},
    {"training.gate", 1}};
#define SETTINGS (sizeof small_network / sizeof *small_network)

static hh_evaluate_options options_of(hh_evaluate_ask ask, kept_trainings *trainings)
{
    hh_evaluate_options options = hh_evaluate_defaults();
    options.ask = ask;
    options.from = 0.4;
    options.train_every = EVERY;
    options.settings = small_network;
    options.setting_count = SETTINGS;
    options.trained = trainings ? keep_training : NULL;
    options.trained_context = trainings;
    return options;
}

static bool same_training(const hh_training *a, const hh_training *b)
{
    return a->time == b->time && a->promoted == b->promoted && a->sessions == b->sessions &&
           a->clicks == b->clicks && a->items == b->items && a->record.loss == b->record.loss &&
           a->gate.with_candidate.ndcg == b->gate.with_candidate.ndcg &&
           a->gate.over_service.low == b->gate.over_service.low;
}

// From some time on everybody clicks something else: no list and no training before that is another.
static void plant_future(hh_evaluate_ask ask, const char *model)
{
    small_click *clicks = malloc(CLICKS * sizeof *clicks);
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 1);
    static kept_trainings trainings[2];
    memset(trainings, 0, sizeof trainings);
    kept_lists lists[2];
    size_t planted = CLICKS * 7 / 10;
    hh_time time = clicks[planted].time;
    for (int run = 0; run < 2; run++) {
        for (size_t i = planted; i < CLICKS && run; i++)
            clicks[i].item = (clicks[i].item * 7 + 13) % ITEMS;
        hh_log *log = small_log(clicks, CLICKS, GAP, 0);
        lists[run] = small_run(log, options_of(ask, &trainings[run]), model);
        hh_log_free(log);
    }
    size_t compared = 0, different = 0, before = 0, after = 0;
    cr_assert_eq(lists[0].count, lists[1].count);
    for (size_t i = 0; i < lists[0].count; i++) {
        kept_list *one = &lists[0].lists[i], *other = &lists[1].lists[i];
        bool same = one->count == other->count && memcmp(one->items, other->items, sizeof one->items) == 0;
        cr_assert_eq(one->as_of, other->as_of);
        cr_assert(same || one->as_of >= time, "a list of %lld changed", (long long)one->as_of);
        compared += one->as_of < time;
        different += !same;
    }
    cr_assert(compared > 500 && different > 500, "%zu, %zu", compared, different);
    cr_assert_eq(trainings[0].count, trainings[1].count);
    for (size_t i = 0; i < trainings[0].count; i++) {
        bool same = same_training(&trainings[0].training[i], &trainings[1].training[i]);
        cr_assert(same || trainings[0].training[i].time > time, "a training of the past changed");
        before += trainings[0].training[i].time <= time;
        after += !same;
    }
    cr_assert(before >= 2 && after >= 2, "%zu, %zu", before, after);
    free(lists[0].lists);
    free(lists[1].lists);
    free(clicks);
}

Test(network_stream, a_planted_future_changes_neither_list_nor_training)
{
    plant_future(HH_ASK_AT_NEXT, "network");
    plant_future(HH_ASK_AT_NEXT, "mixture");
    plant_future(HH_ASK_AT_NEXT, "hiphop");
}

Test(network_stream, nor_when_lists_are_asked_for_after_the_click)
{
    plant_future(HH_ASK_AFTER_CLICK, "network");
    plant_future(HH_ASK_AFTER_CLICK, "mixture");
}

// Counted by hand: what has closed by then, of two clicks or more.
Test(network_stream, a_training_knows_what_has_closed_by_its_time)
{
    small_click clicks[CLICKS];
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 2);
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    kept_trainings trainings = {0};
    hh_evaluate_options options = options_of(HH_ASK_AT_NEXT, &trainings);
    hh_setting_value settings[SETTINGS];
    memcpy(settings, small_network, sizeof settings);
    settings[SETTINGS - 1].value = 0; // no gate: nothing is held out
    options.settings = settings;
    free(small_run(log, options, "network").lists);
    cr_assert_geq(trainings.count, 3);
    for (size_t t = 0; t < trainings.count; t++) {
        hh_time time = trainings.training[t].time;
        cr_assert_eq(time % EVERY, 0);
        uint64_t sessions = 0;
        for (uint32_t s = 0; s < log->sessions; s++)
            sessions += log->session[s].known_from <= time && log->session[s].count >= 2;
        cr_assert_eq(trainings.training[t].sessions, sessions);
        cr_assert(trainings.training[t].promoted && !trainings.training[t].judged);
        cr_assert_eq(trainings.training[t].scratch, t == 0);
    }
    hh_log_free(log);
}

// The trainings up to that share of the log, and the lists up to the first that is left out, are as if there
// were all.
Test(network_stream, no_training_after_train_until)
{
    small_click clicks[CLICKS];
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 6);
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    static kept_trainings all, some;
    hh_evaluate_options options = options_of(HH_ASK_AT_NEXT, &all);
    kept_lists with_all = small_run(log, options, "network");
    options = options_of(HH_ASK_AT_NEXT, &some);
    options.train_until = 0.6;
    kept_lists with_some = small_run(log, options, "network");
    hh_time until = clicks[CLICKS * 6 / 10].time;
    cr_assert_gt(some.count, 0);
    cr_assert_gt(all.count, some.count);
    for (size_t t = 0; t < all.count; t++) {
        cr_assert_eq(all.training[t].time <= until, t < some.count);
        cr_assert(t >= some.count || same_training(&all.training[t], &some.training[t]));
    }
    size_t different = 0;
    cr_assert_eq(with_all.count, with_some.count);
    for (size_t i = 0; i < with_all.count; i++) {
        kept_list *one = &with_all.lists[i], *other = &with_some.lists[i];
        bool same = memcmp(one->items, other->items, sizeof one->items) == 0;
        cr_assert(same || one->as_of >= all.training[some.count].time);
        different += !same;
    }
    cr_assert_gt(different, 100);
    free(with_all.lists);
    free(with_some.lists);
    hh_log_free(log);
}

Test(network_stream, train_until_is_a_share_of_the_log)
{
    small_click clicks[200];
    small_clicks(clicks, 200, 10, ITEMS, 7);
    hh_log *log = small_log(clicks, 200, GAP, 0);
    static kept_trainings trainings;
    hh_evaluate_options options = options_of(HH_ASK_AT_NEXT, &trainings);
    const char *model = "network";
    const double bad[] = {-0.1, 1.1, NAN};
    hh_error error = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options.train_until = bad[i];
        cr_assert_eq(hh_evaluate(log, &options, &model, 1, NULL, NULL, &error), HH_ARGUMENT);
        cr_assert_not_null(strstr(error.message, "train_until"), "%s", error.message);
    }
    options.train_until = 0;
    free(small_run(log, options, model).lists);
    for (size_t t = 0; t < trainings.count; t++)
        cr_assert_not(trainings.training[t].trained, "before the first click there is nothing to learn");
    hh_log_free(log);
}

// With the gate, what ended after the first of its lists was asked for is held out.
Test(network_stream, the_gates_lists_are_held_out)
{
    small_click clicks[CLICKS];
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 3);
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    kept_trainings trainings = {0};
    free(small_run(log, options_of(HH_ASK_AT_NEXT, &trainings), "network").lists);
    cr_assert_geq(trainings.count, 3);
    for (size_t t = 0; t < trainings.count; t++) {
        uint64_t closed = 0;
        for (uint32_t s = 0; s < log->sessions; s++)
            closed += log->session[s].known_from <= trainings.training[t].time && log->session[s].count >= 2;
        cr_assert(t == 0 || trainings.training[t].sessions < closed);
        cr_assert(trainings.training[t].judged);
        cr_assert(t < 2 || trainings.training[t].gate.trials == 300);
    }
    hh_log_free(log);
}

// After all others a few single clicks come, each a day later: nothing has closed that could be learned.
Test(network_stream, stragglers_train_nothing)
{
    enum { STRAGGLERS = 5 };
    small_click clicks[CLICKS];
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 5);
    for (int i = 0; i < STRAGGLERS; i++) {
        small_click *click = &clicks[CLICKS - STRAGGLERS + i];
        click->time += (i + 1) * HH_DAY;
        click->visitor = i;
    }
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    for (int gate = 0; gate < 2; gate++) {
        kept_trainings trainings = {0};
        hh_evaluate_options options = options_of(HH_ASK_AT_NEXT, &trainings);
        hh_setting_value settings[SETTINGS];
        memcpy(settings, small_network, sizeof settings);
        settings[SETTINGS - 1].value = gate;
        options.settings = settings;
        free(small_run(log, options, "network").lists);
        cr_assert_gt(trainings.count, STRAGGLERS);
        for (size_t t = 0; t < trainings.count; t++) {
            bool late = t > trainings.count - STRAGGLERS; // all but the first of these
            cr_assert_eq(trainings.training[t].same, late, "%zu of %zu", t, trainings.count);
            cr_assert_eq(trainings.training[t].trained, !late);
        }
    }
    hh_log_free(log);
}

static void take_hr(void *context, const hh_result *result)
{
    *(double *)context = result->hr[HH_AT_5];
}

Test(network_stream, it_learns_and_without_it_there_is_none)
{
    small_click clicks[CLICKS];
    small_clicks(clicks, CLICKS, VISITORS, ITEMS, 4);
    hh_log *log = small_log(clicks, CLICKS, 30 * HH_MINUTE, 0);
    hh_evaluate_options options = options_of(HH_ASK_AT_NEXT, NULL);
    const char *model = "network";
    double with, without;
    hh_error error = {0};
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, take_hr, &with, &error), HH_OK, "%s", error.message);
    options.train_every = 0;
    cr_assert_eq(hh_evaluate(log, &options, &model, 1, take_hr, &without, &error), HH_OK);
    cr_assert_gt(with, 0.15, "%g: five of fifty items would be 0.1", with);
    cr_assert_eq(without, 0);
    hh_log_free(log);
}
