#include "evaluate/ranking_model.h"
#include "fail_alloc.h"
#include "made_votes.h"
#include "recommend/ranker_weights.h"

#include <criterion/criterion.h>
#include <hiphop/ranker.h>
#include <hiphop/recommend.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(ranker, the_shortlist_is_the_best_of_the_mixture)
{
    votes_made *made = votes_of(1);
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = list_of(&options, made);
    cr_assert_leq(shortlist->count, options.candidates);
    cr_assert_geq(shortlist->count, options.candidates * 3 / 4);
    float least = 1;
    for (uint32_t i = 0; i < shortlist->count; i++)
        least = shortlist->mixture[i] < least ? shortlist->mixture[i] : least;
    uint32_t better = 0;
    for (int i = 0; i < CANDIDATES; i++)
        better += made->mixture[i] >= least;
    cr_assert_eq(better, shortlist->count);
    cr_assert_lt(shortlist->most, least);
    hh_shortlist_free(shortlist);
    free(made);
}

Test(ranker, inputs_say_what_the_experts_and_the_session_say)
{
    votes_made *made = votes_of(2);
    made->mixture[20] = 0.3f; // the last item, and the one before it
    made->mixture[7] = 0.2f;
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = list_of(&options, made);
    bool last = false, before = false;
    for (uint32_t i = 0; i < shortlist->count; i++) {
        const float *row = shortlist->inputs + (size_t)i * CANDIDATE_INPUTS;
        uint32_t at = shortlist->rows[i];
        for (int e = 0; e < HH_MIXED_EXPERTS; e++)
            cr_assert_float_eq(row[e] * LOG_SCALE + LOG_FLOOR, logf(made->shares[at][e] + FLOOR), 1e-4);
        cr_assert_float_eq(row[INPUT_OWN], at == 20 || at == 7, 0);
        cr_assert_float_eq(row[INPUT_NEAR], at == 20 ? 1 : at == 7 ? 0.5 : 0, 0);
        last = last || at == 20;
        before = before || at == 7;
    }
    cr_assert(last && before);
    hh_shortlist_free(shortlist);

    options.hide_session_items = true;
    shortlist = list_of(&options, made);
    for (uint32_t i = 0; i < shortlist->count; i++)
        cr_assert(shortlist->rows[i] != 20 && shortlist->rows[i] != 7);
    hh_shortlist_free(shortlist);
    free(made);
}

// Whether both put any two candidates into the same order.
static void check_same_order(const float *a, const float *b)
{
    for (int i = 0; i < CANDIDATES; i++)
        for (int k = 0; k < CANDIDATES; k++)
            if (a[i] > a[k] * 1.00001f)
                cr_assert_gt(b[i], b[k], "%d %d: %g > %g but %g <= %g", i, k, (double)a[i], (double)a[k],
                             (double)b[i], (double)b[k]);
}

Test(ranker, untrained_it_orders_as_the_mixture)
{
    votes_made *made = votes_of(3);
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = list_of(&options, made);
    hh_ranker *ranker = hh_ranker_new(&options, NULL);
    float scores[CANDIDATES];
    cr_assert_not(hh_ranker_active(ranker));
    hh_ranker_scores(ranker, shortlist, made->mixture, CANDIDATES, scores);
    cr_assert_arr_eq(scores, made->mixture, sizeof scores);
    hh_ranker_tensor tensors[HH_RANKER_TENSORS];
    hh_ranker_tensors(ranker, tensors);
    tensors[HH_RANKER_TENSORS - 1].value[0] = 1; // made to speak
    hh_ranker_scores(ranker, shortlist, made->mixture, CANDIDATES, scores);
    check_same_order(made->mixture, scores);
    float sum = 0, ranked = 0;
    for (uint32_t i = 0; i < shortlist->count; i++) {
        sum += scores[shortlist->rows[i]];
        ranked += shortlist->mixture[i];
    }
    cr_assert_float_eq(sum, ranked, 1e-5);
    hh_ranker_free(ranker);
    hh_shortlist_free(shortlist);
    free(made);
}

// ---- the way back ----

typedef struct layers {
    hh_ranker_shape shapes[RANKER_LAYERS];
    float *values[RANKER_LAYERS], *gradients[RANKER_LAYERS];
} layers;

static double weighed(const layers *network, const hh_ranker_example *example, const float *weights)
{
    float scores[CANDIDATES];
    double sum = 0;
    hh_ranker_forward(network->values, example, NULL, scores);
    for (uint32_t i = 0; i < example->count; i++)
        sum += (double)(scores[i] * weights[i]);
    return sum;
}

Test(ranker, gradients_are_those_of_finite_differences)
{
    hh_ranker_options options = hh_ranker_defaults();
    options.candidates = 20;
    options.extra = 3;
    votes_made *made = votes_of(4);
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, (const float[]){1, -2, 0.5f});
    cr_assert_gt(shortlist->count, 5);
    hh_ranker_example example = hh_shortlist_example(shortlist);
    layers network = {0};
    hh_ranker_shapes(&options, network.shapes);
    uint64_t seed = 5;
    for (int l = 0; l < RANKER_LAYERS; l++) {
        size_t size = network.shapes[l].rows * network.shapes[l].cols;
        network.values[l] = calloc(size, sizeof(float));
        network.gradients[l] = calloc(size, sizeof(float));
        for (size_t i = 0; i < size; i++)
            network.values[l][i] = noise(&seed) - 0.5f;
    }
    float weights[CANDIDATES], scores[CANDIDATES], hidden[20 * HIDDEN];
    for (uint32_t i = 0; i < example.count; i++)
        weights[i] = noise(&seed) - 0.5f;
    hh_ranker_forward(network.values, &example, hidden, scores);
    hh_ranker_backward(network.gradients, network.values, &example, hidden, weights);
    for (int l = 0; l < RANKER_LAYERS; l++) {
        size_t size = network.shapes[l].rows * network.shapes[l].cols;
        double largest = 0, off = 0; // a few differences span a bend of relu: most must fit well
        for (size_t i = 0; i < size; i++) {
            float value = network.values[l][i], by = 0x1p-8f;
            network.values[l][i] = value + by;
            double above = weighed(&network, &example, weights);
            network.values[l][i] = value - by;
            double difference = (above - weighed(&network, &example, weights)) / (2 * (double)by);
            network.values[l][i] = value;
            largest = fmax(largest, fabs(difference));
            off += fabs(difference - (double)network.gradients[l][i]);
        }
        cr_assert_gt(largest, 0.01, "%s: %g", network.shapes[l].name, largest);
        cr_assert_lt(off / (double)size, 0.01 * largest, "%s: off by %g of %g", network.shapes[l].name,
                     off / (double)size, largest);
    }
    for (int l = 0; l < RANKER_LAYERS; l++) {
        free(network.values[l]);
        free(network.gradients[l]);
    }
    hh_shortlist_free(shortlist);
    free(made);
}

// ---- learning ----

// A pattern that no mixture can express: in sessions of one click NEXT is right, in those of two KNN.
static hh_item plant(votes_made *made, uint64_t *seed)
{
    uint32_t next = (uint32_t)(noise(seed) * 50), knn = 50 + (uint32_t)(noise(seed) * 50);
    memset(made->shares, 0, sizeof made->shares);
    for (uint32_t i = 0; i < 100; i++) {
        made->shares[i][HH_EXPERT_NEXT] = i == next ? 0.5f : 0.005f;
        made->shares[i][HH_EXPERT_KNN_LONG] = i == knn ? 0.5f : 0.005f;
    }
    mix(made);
    bool one = noise(seed) < 0.5f;
    made->query.length = made->votes.length = one ? 1 : 2;
    return made->items[one ? next : knn];
}

// How often the clicked item had the best score alone.
static double first_places(const hh_ranker *ranker, hh_shortlist *shortlist, uint64_t seed)
{
    votes_made *made = votes_of(6);
    int found = 0;
    for (int i = 0; i < 500; i++) {
        hh_item clicked = plant(made, &seed);
        float scores[CANDIDATES];
        hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, NULL);
        hh_ranker_scores(ranker, shortlist, made->mixture, CANDIDATES, scores);
        int best = 0, ties = 0;
        for (int k = 1; k < CANDIDATES; k++)
            best = scores[k] > scores[best] ? k : best;
        for (int k = 0; k < CANDIDATES; k++)
            ties += scores[k] == scores[best];
        found += ties == 1 && made->items[best] == clicked;
    }
    free(made);
    return found / 500.0;
}

static hh_ranker_trainer *trained(const hh_ranker_options *options, bool stream, hh_shortlist *shortlist)
{
    hh_error error;
    hh_ranker_trainer *trainer = hh_ranker_trainer_new(options, &error);
    cr_assert(trainer);
    votes_made *made = votes_of(6);
    uint64_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        hh_item clicked = plant(made, &seed);
        hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, NULL);
        if (stream)
            hh_ranker_trainer_learn(trainer, shortlist, clicked, 1000 + i);
        else
            hh_ranker_trainer_add(trainer, shortlist, clicked, 1000 + i);
    }
    free(made);
    return trainer;
}

Test(ranker, what_no_mixture_can_say_is_learned_from_a_stream)
{
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_ranker_trainer *trainer = trained(&options, true, shortlist);
    hh_ranker *untrained = hh_ranker_new(&options, NULL), *ranker = hh_ranker_trainer_publish(trainer);
    cr_assert_lt(first_places(untrained, shortlist, 8), 0.6);
    cr_assert(hh_ranker_active(ranker));
    cr_assert_eq(hh_ranker_learned(ranker), 1000 + 2999);
    cr_assert_gt(first_places(ranker, shortlist, 8), 0.97);
    hh_ranker_progress progress;
    hh_ranker_trainer_progress(trainer, &progress);
    cr_assert_eq(progress.examples, 3000 - 512); // those before the first step are not compared
    cr_assert_gt(progress.gain, 0.2);
    cr_assert_float_eq(
        progress.gain,
        progress.ranker.hr20 + progress.ranker.mrr20 - progress.mixture.hr20 - progress.mixture.mrr20, 1e-9);
    cr_assert(progress.mixture.hr20 > 0.1 && progress.ranker.hr20 <= 1);
    hh_ranker_free(untrained);
    hh_ranker_free(ranker);
    hh_ranker_trainer_free(trainer);
    hh_shortlist_free(shortlist);
}

static bool three_times(void *context)
{
    return ++*(int *)context < 4;
}

Test(ranker, a_fit_ends_when_it_is_told_to)
{
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_ranker_trainer *trainer = trained(&options, false, shortlist);
    double before = hh_ranker_trainer_loss(trainer);
    int asked = 0;
    cr_assert_eq(hh_ranker_trainer_fit(trainer, 4, three_times, &asked), 0);
    cr_assert_eq(asked, 4);
    double after = hh_ranker_trainer_loss(trainer);
    cr_assert(after < before && after > 0.3 * before, "%g of %g: it has learned from 192 examples", after,
              before);
    hh_ranker_trainer_free(trainer);
    hh_shortlist_free(shortlist);
}

Test(ranker, a_log_at_hand_is_fitted_in_epochs)
{
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_ranker_trainer *trainer = trained(&options, false, shortlist);
    double before = hh_ranker_trainer_loss(trainer);
    hh_ranker *ranker = hh_ranker_trainer_publish(trainer);
    cr_assert_not(hh_ranker_active(ranker), "nothing is learned yet");
    hh_ranker_free(ranker);
    double last = hh_ranker_trainer_fit(trainer, 4, NULL, NULL), after = hh_ranker_trainer_loss(trainer);
    cr_assert_lt(after, 0.3 * before);
    cr_assert_float_eq(last, after, 0.1);
    ranker = hh_ranker_trainer_publish(trainer);
    cr_assert(hh_ranker_active(ranker));
    cr_assert_gt(first_places(ranker, shortlist, 8), 0.97);
    hh_ranker_free(ranker);
    hh_ranker_trainer_free(trainer);
    hh_shortlist_free(shortlist);
}

// Kept examples are rounded: to half of a step of 1/64, which is 0.03 nats of a vote.
Test(ranker, what_is_kept_is_what_was_seen_but_for_rounding)
{
    hh_ranker_options options = hh_ranker_defaults();
    hh_ranker_trainer *trainer = hh_ranker_trainer_new(&options, NULL);
    double seen = 0;
    for (int i = 0; i < 50; i++) {
        votes_made *made = votes_of((uint64_t)i);
        for (int k = 0; k < CANDIDATES; k++)
            made->evidence[k].followed = UINT32_MAX; // its logarithm is more than a byte holds
        hh_shortlist *shortlist = list_of(&options, made);
        uint32_t clicked = (uint32_t)i % shortlist->count;
        double sum = 0;
        for (uint32_t k = 0; k < shortlist->count; k++)
            sum += exp((double)(LOG_SCALE * shortlist->inputs[k * CANDIDATE_INPUTS + INPUT_MIXTURE]));
        seen +=
            log(sum) - (double)(LOG_SCALE * shortlist->inputs[clicked * CANDIDATE_INPUTS + INPUT_MIXTURE]);
        hh_ranker_trainer_add(trainer, shortlist, shortlist->items[clicked], i);
        hh_shortlist_free(shortlist);
        free(made);
    }
    cr_assert_gt(seen / 50, 1);
    cr_assert_float_eq(hh_ranker_trainer_loss(trainer), seen / 50, 0.02); // untrained: as the mixture
    hh_ranker_trainer_free(trainer);
}

// How sure a ranking model is of the pattern: the mean score of what will be clicked, in lists that teach
// nothing. Before them it is taught.
static double taught(hh_evaluate_memory memory, bool *settles)
{
    hh_evaluate_options options = hh_evaluate_defaults();
    hh_ranking_model model = {0};
    options.memory = memory;
    cr_assert(hh_ranking_model_init(&model, &options, true, 0, NULL));
    votes_made *made = votes_of(6);
    const float *scores;
    uint64_t seed = 7;
    double sum = 0;
    for (int i = 0; i < 1200; i++) {
        void *learns;
        hh_item clicked = plant(made, &seed);
        cr_assert_eq(
            hh_ranking_model_answer(&model, &made->query, &made->votes, made->mixture, &scores, &learns),
            HH_OK);
        hh_ranking_model_outcome(&model, learns, clicked, 1000 + i);
    }
    *settles = model.settles;
    for (int i = 0; i < 200; i++) {
        hh_item clicked = plant(made, &seed);
        cr_assert_eq(
            hh_ranking_model_answer(&model, &made->query, &made->votes, made->mixture, &scores, NULL), HH_OK);
        for (int k = 0; k < CANDIDATES; k++)
            sum += made->items[k] == clicked ? (double)scores[k] : 0;
        cr_assert_not(model.settles);
    }
    free(made);
    hh_ranking_model_free(&model);
    return sum / 200;
}

Test(ranker, before_a_test_that_teaches_nothing_it_goes_through_its_lessons_again)
{
    bool settles;
    double stream = taught(HH_REMEMBER_CLICKS, &settles);
    cr_expect_not(settles);
    double log = taught(HH_REMEMBER_TRAIN, &settles);
    cr_expect(settles);
    cr_expect_gt(log, 1.1 * stream, "%g and %g", stream, log);
}

Test(ranker, it_is_a_function_of_its_seed_and_examples)
{
    hh_ranker_options options = hh_ranker_defaults();
    options.memory = 100; // the oldest have gone
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_ranker *rankers[3];
    hh_ranker_tensor tensors[3][HH_RANKER_TENSORS];
    for (int i = 0; i < 3; i++) {
        options.seed = i < 2 ? 11 : 12;
        hh_ranker_trainer *trainer = trained(&options, true, shortlist);
        hh_ranker_trainer_fit(trainer, 2, NULL, NULL);
        rankers[i] = hh_ranker_trainer_publish(trainer);
        hh_ranker_tensors(rankers[i], tensors[i]);
        hh_ranker_trainer_free(trainer);
    }
    for (int t = 0; t < RANKER_LAYERS; t++) {
        size_t bytes = tensors[0][t].rows * tensors[0][t].cols * sizeof(float);
        cr_assert_eq(memcmp(tensors[0][t].value, tensors[1][t].value, bytes), 0, "%s", tensors[0][t].name);
        cr_assert_neq(memcmp(tensors[0][t].value, tensors[2][t].value, bytes), 0, "%s", tensors[0][t].name);
    }
    for (int i = 0; i < 3; i++)
        hh_ranker_free(rankers[i]);
    hh_shortlist_free(shortlist);
}

Test(ranker, its_tensors_are_all_that_it_is)
{
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_ranker_trainer *trainer = trained(&options, true, shortlist);
    hh_ranker *ranker = hh_ranker_trainer_publish(trainer), *copy = hh_ranker_new(&options, NULL);
    hh_ranker_tensor from[HH_RANKER_TENSORS], to[HH_RANKER_TENSORS];
    hh_ranker_tensors(ranker, from);
    hh_ranker_tensors(copy, to);
    for (int t = 0; t < HH_RANKER_TENSORS; t++) {
        cr_assert_str_eq(from[t].name, to[t].name);
        cr_assert(from[t].rows == to[t].rows && from[t].cols == to[t].cols);
        memcpy(to[t].value, from[t].value, from[t].rows * from[t].cols * sizeof(float));
    }
    votes_made *made = votes_of(9);
    hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, NULL);
    float scores[CANDIDATES], copied[CANDIDATES];
    hh_ranker_scores(ranker, shortlist, made->mixture, CANDIDATES, scores);
    hh_ranker_scores(copy, shortlist, made->mixture, CANDIDATES, copied);
    cr_assert_arr_eq(scores, copied, sizeof scores);
    hh_ranker_free(copy);
    hh_ranker_free(ranker);
    hh_ranker_trainer_free(trainer);
    hh_shortlist_free(shortlist);
    free(made);
}

Test(ranker, where_it_is_worse_than_the_mixture_it_is_switched_off_and_comes_back)
{
    // The mixture's best is always right, until a rate out of all proportion throws the ranker about.
    hh_ranker_options options = hh_ranker_defaults();
    options.rate = options.rate_least = 3;
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_ranker_trainer *trainer = hh_ranker_trainer_new(&options, NULL);
    uint64_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        votes_made *made = votes_of((uint64_t)i);
        uint32_t clicked = (uint32_t)(noise(&seed) * CANDIDATES);
        made->shares[clicked][HH_EXPERT_PAIR_LONG] = 0.9f;
        mix(made);
        hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, NULL);
        hh_ranker_trainer_learn(trainer, shortlist, made->items[noise(&seed) < 0.5f ? clicked : 0], i);
        free(made);
    }
    hh_ranker_progress progress;
    hh_ranker_trainer_progress(trainer, &progress);
    cr_assert_lt(progress.gain, 0);
    cr_assert_not(progress.active);
    hh_ranker *ranker = hh_ranker_trainer_publish(trainer);
    cr_assert_not(hh_ranker_active(ranker));
    votes_made *made = votes_of(10);
    float scores[CANDIDATES];
    hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, NULL);
    hh_ranker_scores(ranker, shortlist, made->mixture, CANDIDATES, scores);
    cr_assert_arr_eq(scores, made->mixture, sizeof scores);
    hh_ranker_free(ranker);
    hh_ranker_trainer_free(trainer);
    hh_shortlist_free(shortlist);
    free(made);
}

// ---- trouble ----

Test(ranker, options_out_of_range_are_refused)
{
    hh_error error;
    hh_ranker_options options = hh_ranker_defaults();
    options.candidates = 19;
    cr_assert_null(hh_ranker_new(&options, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    options = hh_ranker_defaults();
    options.extra = 1025;
    cr_assert_null(hh_shortlist_new(&options, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    options = hh_ranker_defaults();
    options.memory = 0;
    cr_assert_null(hh_ranker_trainer_new(&options, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
}

Test(ranker, nobody_and_nothing_is_no_trouble)
{
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
    hh_ranker_trainer *trainer = trained(&options, true, shortlist);
    hh_ranker *ranker = hh_ranker_trainer_publish(trainer);
    hh_query query = {0};
    hh_votes votes = {0};
    float scores[CANDIDATES];
    hh_shortlist_make(shortlist, &query, &votes, NULL, NULL);
    cr_assert_eq(shortlist->count, 0);
    hh_ranker_scores(ranker, shortlist, NULL, 0, scores);
    hh_ranker_progress before, after;
    hh_ranker_trainer_progress(trainer, &before);
    hh_ranker_trainer_learn(trainer, shortlist, 1, 1); // not among the candidates
    hh_ranker_trainer_progress(trainer, &after);
    cr_assert_eq(after.examples, before.examples + 1, "neither has it");
    cr_assert_lt(after.ranker.hr20, before.ranker.hr20);
    cr_assert_lt(after.mixture.hr20, before.mixture.hr20);
    cr_assert_eq(after.active, before.active);
    hh_ranker_free(ranker);
    hh_ranker_trainer_free(trainer);
    hh_shortlist_free(shortlist);
}

Test(ranker, memory_that_runs_out_leaves_nothing_half_done)
{
    hh_ranker_options options = hh_ranker_defaults();
    for (long n = 0;; n++) {
        hh_error error = {0};
        fail_alloc_at(n);
        hh_shortlist *shortlist = hh_shortlist_new(&options, &error);
        hh_ranker_trainer *trainer = shortlist ? hh_ranker_trainer_new(&options, &error) : NULL;
        hh_ranker *ranker = trainer ? hh_ranker_new(&options, &error) : NULL;
        if (!ranker)
            cr_assert_eq(error.status, HH_MEMORY);
        bool failed = fail_alloc_done();
        cr_assert_eq(failed, !ranker);
        hh_ranker_free(ranker);
        hh_ranker_trainer_free(trainer);
        hh_shortlist_free(shortlist);
        if (!failed)
            break;
    }
    // Learning goes on without room for older examples; publishing fails alone.
    for (long n = 0; n < 6; n++) {
        hh_shortlist *shortlist = hh_shortlist_new(&options, NULL);
        hh_ranker_trainer *trainer = hh_ranker_trainer_new(&options, NULL);
        votes_made *made = votes_of(12);
        hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, NULL);
        fail_alloc_at(n);
        for (int i = 0; i < 300; i++)
            hh_ranker_trainer_learn(trainer, shortlist, shortlist->items[0], i);
        bool failed = fail_alloc_done();
        cr_assert(failed || n >= 3);
        hh_ranker_trainer_fit(trainer, 1, NULL, NULL);
        fail_alloc_at(0);
        cr_assert_null(hh_ranker_trainer_publish(trainer));
        fail_alloc_done();
        hh_ranker *ranker = hh_ranker_trainer_publish(trainer);
        cr_assert(hh_ranker_active(ranker));
        hh_ranker_free(ranker);
        hh_ranker_trainer_free(trainer);
        hh_shortlist_free(shortlist);
        free(made);
    }
}
