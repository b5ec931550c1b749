// Tuning sees the first share of the log and nothing else, and what it promises is what evaluate finds there.
#include "unit/small_log.h"

#define GAP (5 * HH_MINUTE)

enum { CLICKS = 1200 };

static hh_result evaluated;

static void take_result(void *context, const hh_result *result)
{
    (void)context;
    evaluated = *result;
}

static hh_tuned tune(const small_click *clicks, const char *model, uint32_t rounds)
{
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    hh_tune_options options = hh_tune_defaults();
    const hh_setting_value fixed[] = {{"stan.idf", 0.6}, {"graph.neighbours", 50}};
    options.evaluate.settings = fixed;
    options.evaluate.setting_count = 2;
    options.targets = 200;
    options.rounds = rounds;
    hh_tuned tuned;
    hh_error error = {0};
    cr_assert_eq(hh_tune(log, &options, model, &tuned, &error), HH_OK, "%s", error.message);
    for (size_t i = 0; i < tuned.count; i++) {
        bool given = false;
        for (size_t k = 0; k < 2; k++)
            if (strcmp(tuned.settings[i].name, fixed[k].name) == 0) {
                given = true;
                cr_assert_eq(tuned.settings[i].value, fixed[k].value, "what is set stays as it is");
            }
        cr_assert_eq(tuned.given[i], given, "%s", tuned.settings[i].name);
    }

    // The same again by hh_evaluate: on the first half, the settings reach what tune says.
    hh_setting_value settings[HH_TUNED + 2];
    memcpy(settings, fixed, sizeof fixed);
    memcpy(settings + 2, tuned.settings, tuned.count * sizeof *settings);
    hh_evaluate_options again = hh_evaluate_defaults();
    again.settings = settings;
    again.setting_count = tuned.count + 2;
    again.from = options.share / 2;
    again.until = options.share;
    again.every = (uint32_t)(CLICKS * options.share / 2 / options.targets);
    cr_assert_eq(hh_evaluate(log, &again, &model, 1, take_result, NULL, &error), HH_OK);
    cr_assert_float_eq(evaluated.hr[HH_AT_20], tuned.after.hr[HH_AT_20], 1e-12, "%s", model);
    cr_assert_float_eq(evaluated.mrr[HH_AT_20], tuned.after.mrr[HH_AT_20], 1e-12, "%s", model);
    hh_log_free(log);
    return tuned;
}

static void check(const char *model, uint32_t rounds)
{
    small_click *clicks = malloc(CLICKS * sizeof *clicks);
    cr_assert_not_null(clicks);
    small_clicks(clicks, CLICKS, 30, 80, 9);
    hh_tuned tuned = tune(clicks, model, rounds);
    cr_assert_geq(tuned.after.hr[HH_AT_20] * tuned.after.mrr[HH_AT_20],
                  tuned.before.hr[HH_AT_20] * tuned.before.mrr[HH_AT_20]);
    cr_assert_gt(tuned.trials, 10);
    for (size_t i = 1; i < tuned.count; i++) { // lists rise
        const char *name = tuned.settings[i].name, *bracket = strchr(name, '[');
        if (bracket && bracket[1] != '0')
            cr_assert_geq(tuned.settings[i].value, tuned.settings[i - 1].value, "%s", name);
    }
    for (size_t i = CLICKS / 2; i < CLICKS; i++) // another second half
        clicks[i].item = (clicks[i].item * 11 + 3) % 80;
    hh_tuned again = tune(clicks, model, rounds);
    cr_assert_eq(again.trials, tuned.trials);
    cr_assert_eq(again.count, tuned.count);
    for (size_t i = 0; i < tuned.count; i++)
        cr_assert_eq(again.settings[i].value, tuned.settings[i].value, "%s", tuned.settings[i].name);
    cr_assert_eq(again.after.mrr[HH_AT_20], tuned.after.mrr[HH_AT_20]);
    free(clicks);
}

Test(tuning, a_baseline)
{
    check("stan", 3);
}

Test(tuning, the_graph)
{
    check("mixture", 1);
}

// Everybody wants what was clicked in the last minutes: a half-life that is far from the default.
Test(tuning, finds_a_half_life)
{
    small_click *clicks = malloc(CLICKS * sizeof *clicks);
    cr_assert_not_null(clicks);
    uint64_t seed = 4;
    for (size_t i = 0; i < CLICKS; i++)
        clicks[i] = (small_click){small_random(&seed, 10), (uint32_t)(i / 20) % 60 + small_random(&seed, 2),
                                  (hh_time)(i + 1) * HH_MINUTE / 2};
    hh_log *log = small_log(clicks, CLICKS, HH_HOUR, 0);
    hh_tune_options options = hh_tune_defaults();
    hh_tuned tuned;
    cr_assert_eq(hh_tune(log, &options, "pop", &tuned, NULL), HH_OK);
    cr_assert_eq(tuned.count, 1);
    cr_assert_str_eq(tuned.settings[0].name, "pop.half_life");
    cr_assert_lt(tuned.settings[0].value, HH_HOUR);
    cr_assert_gt(tuned.settings[0].value, 0);
    cr_assert_gt(tuned.after.mrr[HH_AT_20], tuned.before.mrr[HH_AT_20]);
    hh_log_free(log);
    free(clicks);
}

// A value of a list that is set stays, and those beside it, which begin at their defaults, keep its order.
static void check_list(const char *name, double value, const double *least, const double *most)
{
    small_click *clicks = malloc(CLICKS * sizeof *clicks);
    cr_assert_not_null(clicks);
    small_clicks(clicks, CLICKS, 30, 80, 9);
    hh_log *log = small_log(clicks, CLICKS, GAP, 0);
    hh_tune_options options = hh_tune_defaults();
    const hh_setting_value fixed = {name, value};
    options.evaluate.settings = &fixed;
    options.evaluate.setting_count = 1;
    options.targets = 50;
    options.rounds = 1;
    hh_tuned tuned;
    hh_error error = {0};
    cr_assert_eq(hh_tune(log, &options, "graph", &tuned, &error), HH_OK, "%s", error.message);
    size_t first = 0;
    while (first < tuned.count && strcmp(tuned.settings[first].name, "graph.pop_half_life[0]") != 0)
        first++;
    cr_assert_lt(first + 2, tuned.count);
    for (size_t i = 0; i < 3; i++) {
        const hh_setting_value *at = &tuned.settings[first + i];
        cr_expect_eq(tuned.given[first + i], strcmp(at->name, name) == 0);
        cr_expect(at->value >= least[i] && at->value <= most[i], "%s = %g", at->name, at->value);
    }
    hh_log_free(log);
    free(clicks);
}

Test(tuning, lists_stay_in_order_around_what_is_set)
{
    const double low = 0, high = 1e300, day = HH_DAY, minute = HH_MINUTE;
    check_list("graph.pop_half_life[0]", 30 * day, (const double[]){30 * day, 30 * day, 30 * day},
               (const double[]){30 * day, high, high});
    check_list("graph.pop_half_life[2]", minute, (const double[]){low, low, minute},
               (const double[]){minute, minute, minute});
}

Test(tuning, what_is_asked_for_wrongly_is_named)
{
    hh_log *log = small_log(NULL, 0, GAP, 0);
    hh_tune_options options = hh_tune_defaults();
    hh_tuned tuned;
    hh_error error = {0};
    cr_assert_eq(hh_tune(log, &options, "nonsense", &tuned, &error), HH_NOT_FOUND);
    options.budget = 5; // without a clock
    cr_assert_eq(hh_tune(log, &options, "pop", &tuned, &error), HH_ARGUMENT);
    options = hh_tune_defaults();
    options.share = 0;
    cr_assert_eq(hh_tune(log, &options, "pop", &tuned, &error), HH_ARGUMENT);
    hh_log_free(log);
}
