#include <criterion/criterion.h>
#include <hiphop/recommend.h>
#include <math.h>

// Votes over two items: `right` experts give item 0 all, the others item 1.
static void learn(hh_mixture *mixture, size_t length, hh_expert right, hh_item clicked)
{
    float shares[2][HH_EXPERTS];
    for (int e = 0; e < HH_EXPERTS; e++) {
        shares[0][e] = e == (int)right;
        shares[1][e] = e != (int)right;
    }
    const hh_item items[2] = {0, 1};
    hh_votes votes = {
        .count = 2, .items = items, .shares = (const float(*)[HH_EXPERTS])shares, .length = length};
    hh_mixture_learn(mixture, &votes, clicked);
}

static double weight_of(const hh_mixture *mixture, size_t length, hh_expert expert)
{
    double weights[HH_EXPERTS], sum = 0;
    hh_mixture_weights(mixture, length, weights);
    for (int e = 0; e < HH_EXPERTS; e++)
        sum += weights[e];
    cr_assert_float_eq(sum, 1, 1e-9);
    return weights[expert];
}

Test(mixture, weight_goes_to_whoever_knows_and_comes_back_when_that_changes)
{
    hh_mixture *mixture = hh_mixture_new();
    for (int i = 0; i < 5000; i++)
        learn(mixture, 2, HH_EXPERT_NEXT, 0);
    cr_assert_gt(weight_of(mixture, 2, HH_EXPERT_NEXT), 0.95);
    for (int i = 0; i < 200000; i++)
        learn(mixture, 2, HH_EXPERT_POP_SHORT, 0);
    cr_assert_gt(weight_of(mixture, 2, HH_EXPERT_POP_SHORT), 0.9);
    hh_mixture_free(mixture);
}

Test(mixture, sessions_of_different_length_have_weights_of_their_own)
{
    hh_mixture *mixture = hh_mixture_new();
    double before = weight_of(mixture, 1, HH_EXPERT_NEXT);
    for (int i = 0; i < 1000; i++)
        learn(mixture, 4, HH_EXPERT_NEXT, 0);
    cr_assert_eq(weight_of(mixture, 1, HH_EXPERT_NEXT), before);
    cr_assert_gt(weight_of(mixture, 4, HH_EXPERT_NEXT), 0.8);
    cr_assert_eq(weight_of(mixture, 5, HH_EXPERT_NEXT), weight_of(mixture, 500, HH_EXPERT_NEXT));
    hh_mixture_free(mixture);
}

Test(mixture, what_nobody_voted_for_teaches_nothing)
{
    hh_mixture *mixture = hh_mixture_new();
    double before = weight_of(mixture, 1, HH_EXPERT_REPEAT);
    learn(mixture, 1, HH_EXPERT_NEXT, 7);
    learn(mixture, 1, HH_EXPERT_NEXT, HH_ITEM_NONE);
    hh_mixture_learn(mixture, &(hh_votes){.length = 1}, 0);
    cr_assert_eq(weight_of(mixture, 1, HH_EXPERT_REPEAT), before);
    hh_mixture_free(mixture);
}

Test(mixture, scores_are_the_weighted_shares)
{
    hh_mixture *mixture = hh_mixture_new();
    float shares[2][HH_EXPERTS] = {{0}}, scores[2];
    shares[0][HH_EXPERT_NEXT] = 0.25f;
    shares[1][HH_EXPERT_KNN_LONG] = 1;
    hh_votes votes = {.count = 2, .shares = (const float(*)[HH_EXPERTS])shares, .length = 1};
    hh_mixture_scores(mixture, &votes, scores);
    cr_assert_float_eq(scores[0], 0.25 * weight_of(mixture, 1, HH_EXPERT_NEXT), 1e-6);
    cr_assert_float_eq(scores[1], weight_of(mixture, 1, HH_EXPERT_KNN_LONG), 1e-6);
    hh_mixture_free(mixture);
}
