// The gate: a worse network is refused, one that is as good is promoted, and the same again gives the same.
#include "model/network.h"
#include "train/contest.h"
#include "train/slice.h"

#include <criterion/criterion.h>
#include <hiphop/gate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS 40

// A network that has been trained on sessions where i + step follows i.
static hh_model *model_of(uint32_t step, uint32_t epochs)
{
    uint32_t item[300 * 5], first[301], at = 0;
    for (uint32_t s = 0; s < 300; s++) {
        first[s] = at;
        for (uint32_t i = 0; i < 5; i++)
            item[at++] = (s * 7 + i * step) % ITEMS;
    }
    first[300] = at;
    hh_train_options options = hh_train_defaults();
    options.network.d = 16;
    options.epochs = epochs;
    options.batch = 32;
    options.warm_up = 10;
    options.held_out = 0;
    options.refit = false;
    hh_train_record record;
    hh_error error = {0};
    hh_network *network = hh_train(&(hh_train_data){300, ITEMS, item, first}, &options, &record, &error);
    cr_assert_not_null(network, "%s", error.message);
    char ids[ITEMS * 2];
    uint64_t begin[ITEMS + 1];
    for (uint32_t i = 0; i <= ITEMS; i++)
        begin[i] = 2 * (uint64_t)i;
    for (uint32_t i = 0; i < ITEMS; i++) {
        ids[2 * i] = (char)('a' + i / 10);
        ids[2 * i + 1] = (char)('0' + i % 10);
    }
    hh_model_facts facts = {.options = options, .record = record};
    hh_model *model = hh_model_new(network, &(hh_item_ids){ITEMS, begin, ids}, &facts, &error);
    cr_assert_not_null(model, "%s", error.message);
    return model;
}

static uint32_t same_row(void *context, const hh_model *model, uint32_t item)
{
    (void)context;
    (void)model;
    return item;
}

// i + 1 is clicked after i; the graph knows little: that it is one of ten.
static hh_slice *slice_of(uint32_t trials)
{
    hh_error error = {0};
    hh_slice *slice = hh_slice_new(400, false, &error);
    cr_assert_not_null(slice, "%s", error.message);
    for (uint32_t t = 0; t < trials; t++) {
        uint32_t items[ITEMS], session[2] = {t % ITEMS, (t + 1) % ITEMS};
        float shares[ITEMS];
        for (uint32_t i = 0; i < ITEMS; i++) {
            items[i] = i;
            shares[i] = i % 4 == (t + 2) % 4 ? 0.1f - 0.001f * (float)(i * 13 % ITEMS) : 0;
        }
        hh_gate_trial trial = {.as_of = 1000 + t, .target = (t + 2) % ITEMS};
        hh_gate_trial_take(&trial, session, 2, items, shares, ITEMS);
        hh_slice_add(slice, &trial);
    }
    return slice;
}

static hh_gate_result judge(const hh_slice *slice, const hh_model *candidate, const hh_model *service)
{
    hh_error error = {0};
    hh_gate_options options = hh_gate_defaults();
    hh_gate_result result;
    cr_assert_eq(hh_gate_judge(slice, same_row, NULL, candidate, service, &options, &result, &error), HH_OK);
    return result;
}

Test(gate, a_good_network_is_promoted_and_a_worse_one_refused)
{
    hh_model *good = model_of(1, 6), *bad = model_of(3, 6);
    hh_slice *slice = slice_of(300);
    char text[512];
    hh_gate_result result = judge(slice, good, NULL);
    cr_assert_eq(result.verdict, HH_GATE_PROMOTED);
    cr_assert_eq(result.trials, 300);
    cr_assert_gt(result.candidate_alone.mrr, 0.9);
    cr_assert_gt(result.over_graph.low, 0.1, "it says what the graph does not know");
    cr_assert_gt(result.candidate_weight, 0.5);
    hh_gate_text(&result, text, sizeof text);
    cr_assert(strncmp(text, "promoted: ", 10) == 0, "%s", text);

    result = judge(slice, bad, good);
    cr_assert_eq(result.verdict, HH_GATE_REFUSED);
    cr_assert_lt(result.over_service.high, 0);
    hh_gate_text(&result, text, sizeof text);
    cr_assert(strncmp(text, "refused: ", 9) == 0, "%s", text);

    result = judge(slice, good, bad);
    cr_assert_eq(result.verdict, HH_GATE_PROMOTED);
    hh_model_free(good);
    hh_model_free(bad);
    hh_slice_free(slice);
}

Test(gate, one_that_is_equal_is_promoted)
{
    hh_model *one = model_of(1, 3), *other = model_of(1, 3);
    hh_slice *slice = slice_of(300);
    hh_gate_result result = judge(slice, one, other);
    cr_assert_eq(result.verdict, HH_GATE_PROMOTED);
    cr_assert_eq(result.over_service.mean, 0);
    cr_assert_eq(result.over_service.low, 0);
    cr_assert_eq(result.over_service.high, 0);
    hh_model_free(one);
    hh_model_free(other);
    hh_slice_free(slice);
}

// Both mean nothing beside this graph, which knows the answer; but what is worse alone does not come in.
Test(gate, behind_a_graph_that_knows_it_all_a_worse_network_is_seen_too)
{
    hh_error error = {0};
    hh_model *good = model_of(1, 6), *bad = model_of(3, 6);
    hh_slice *slice = hh_slice_new(400, false, &error);
    for (uint32_t t = 0; t < 300; t++) {
        uint32_t session[2] = {t % ITEMS, (t + 1) % ITEMS}, target = (t + 2) % ITEMS;
        float share = 1;
        hh_gate_trial trial = {.as_of = t, .target = target};
        hh_gate_trial_take(&trial, session, 2, &target, &share, 1);
        hh_slice_add(slice, &trial);
    }
    hh_gate_result result = judge(slice, bad, good);
    cr_assert_eq(result.verdict, HH_GATE_REFUSED);
    cr_assert_eq(result.graph.mrr, 1);
    cr_assert_lt(result.alone.high, 0);
    char text[512];
    hh_gate_text(&result, text, sizeof text);
    cr_assert(strncmp(text, "refused, without the graph: ", 28) == 0, "%s", text);
    hh_model_free(good);
    hh_model_free(bad);
    hh_slice_free(slice);
}

Test(gate, the_same_again)
{
    hh_model *one = model_of(1, 1), *other = model_of(1, 2);
    hh_slice *slice = slice_of(300);
    hh_gate_result first = judge(slice, one, other), second = judge(slice, one, other);
    cr_assert_neq(first.over_service.low, first.over_service.high);
    cr_assert_eq(memcmp(&first.over_service, &second.over_service, sizeof first.over_service), 0);
    cr_assert_eq(memcmp(&first.over_graph, &second.over_graph, sizeof first.over_graph), 0);
    cr_assert_eq(first.candidate_weight, second.candidate_weight);
    hh_model_free(one);
    hh_model_free(other);
    hh_slice_free(slice);
}

Test(gate, too_few_lists_judge_nothing)
{
    hh_model *model = model_of(1, 1);
    hh_slice *slice = slice_of(99);
    hh_gate_result result = judge(slice, model, NULL);
    cr_assert_eq(result.verdict, HH_GATE_UNJUDGED);
    hh_model_free(model);
    hh_slice_free(slice);
}

// Against the textbook: the mean's standard error, times 1.96.
Test(gate, the_interval_is_that_of_the_mean)
{
    hh_gate_options options = hh_gate_defaults();
    options.rounds = 20000;
    double values[400];
    hh_random random = {5};
    for (int i = 0; i < 400; i++)
        values[i] = 0.5 + hh_random_normal(&random);
    hh_gate_difference it;
    cr_assert_eq(hh_gate_interval(values, 400, &options, &it), HH_OK);
    double sum = 0, squares = 0;
    for (int i = 0; i < 400; i++) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    double mean = sum / 400, error = sqrt((squares / 400 - mean * mean) / 400);
    cr_assert_float_eq(it.mean, mean, 1e-12);
    cr_assert_float_eq(it.low, mean - 1.96 * error, 0.05 * error);
    cr_assert_float_eq(it.high, mean + 1.96 * error, 0.05 * error);
}

Test(gate, a_slice_keeps_the_newest_and_a_trial_the_best)
{
    hh_error error = {0};
    hh_slice *slice = hh_slice_new(10, false, &error);
    cr_assert_eq(hh_slice_begin(slice), INT64_MAX);
    for (uint32_t t = 0; t < 25; t++)
        hh_slice_add(slice, &(hh_gate_trial){.as_of = t});
    cr_assert_eq(hh_slice_count(slice), 10);
    cr_assert_eq(hh_slice_begin(slice), 15);
    hh_slice_free(slice);

    uint32_t items[1000], session[80];
    float shares[1000];
    for (uint32_t i = 0; i < 1000; i++) {
        items[i] = i;
        shares[i] = (float)(i * 377 % 1000); // all different
    }
    for (uint32_t i = 0; i < 80; i++)
        session[i] = i;
    hh_gate_trial trial;
    hh_gate_trial_take(&trial, session, 80, items, shares, 1000);
    cr_assert_eq(trial.length, HH_TRIAL_CLICKS);
    cr_assert_eq(trial.session[0], 80 - HH_TRIAL_CLICKS);
    cr_assert_eq(trial.count, HH_TRIAL_CANDIDATES);
    bool seen[1000] = {0};
    for (uint32_t i = 0; i < trial.count; i++) {
        cr_assert_geq(trial.share[i], 900);
        cr_assert_eq(trial.share[i], shares[trial.item[i]]);
        cr_assert_not(seen[trial.item[i]]);
        seen[trial.item[i]] = true;
    }
}

Test(gate, lists_of_long_ago_are_dropped_and_the_others_stay_in_order)
{
    hh_slice *slice = hh_slice_new(5, false, NULL);
    for (hh_time time = 1; time <= 8; time++) // the ring has turned over
        hh_slice_add(slice, &(hh_gate_trial){.as_of = time == 6 ? 2 : time, .target = (uint32_t)time});
    hh_slice_drop(slice, 5);
    cr_assert_eq(hh_slice_count(slice), 3);
    cr_assert_eq(hh_slice_begin(slice), 5);
    const uint32_t kept[] = {5, 7, 8};
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(hh_slice_at(slice, i)->target, kept[i]);
    hh_slice_add(slice, &(hh_gate_trial){.as_of = 9, .target = 9});
    hh_slice *copy = hh_slice_new(5, false, NULL);
    hh_slice_add(copy, &(hh_gate_trial){.as_of = 1});
    hh_slice_copy(copy, slice);
    cr_assert(hh_slice_count(copy) == 4 && hh_slice_at(copy, 3)->target == 9 && hh_slice_begin(copy) == 5);
    hh_slice_drop(slice, INT64_MAX);
    cr_assert_eq(hh_slice_count(slice), 0);
    hh_slice_free(slice);
    hh_slice_free(copy);
}

// By hand: three candidates, the target second; hidden session items do not stand before it.
Test(gate, ranks_by_hand)
{
    hh_error error = {0};
    for (int hide = 0; hide < 2; hide++) {
        hh_slice *slice = hh_slice_new(1, hide, &error);
        uint32_t session[] = {7}, items[] = {7, 8, 9, 10};
        float shares[] = {0.4f, 0.2f, 0.2f, 0.1f};
        hh_gate_trial trial = {.target = 9};
        hh_gate_trial_take(&trial, session, 1, items, shares, 4);
        hh_slice_add(slice, &trial);
        hh_contest contest;
        cr_assert(hh_contest_run(&contest, slice, same_row, NULL, NULL));
        cr_assert_float_eq(contest.mixed.mrr, hide ? 1.0 / 2 : 1.0 / 3, 1e-12); // the tie is against it
        cr_assert_eq(contest.mixed.hr, 1);
        hh_contest_free(&contest);
        hh_slice_free(slice);
    }
}
