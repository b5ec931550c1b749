#include "recommend/mixture_numbers.h"

#include <criterion/criterion.h>
#include <hiphop/recommend.h>
#include <math.h>
#include <string.h>

static hh_time now = 1700000000000; // of the next lesson

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
    hh_mixture_learn(mixture, &votes, clicked, now += HH_SECOND);
}

static double weight_at(const hh_mixture *mixture, size_t length, hh_expert expert, hh_time as_of)
{
    double weights[HH_EXPERTS], sum = 0;
    hh_context context = hh_context_of(&(hh_votes){.length = length});
    hh_mixture_weights(mixture, &context, as_of, weights);
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        sum += weights[e];
    cr_assert_float_eq(sum, 1, 1e-9);
    return weights[expert];
}

static double weight_of(const hh_mixture *mixture, size_t length, hh_expert expert)
{
    return weight_at(mixture, length, expert, INT64_MAX);
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

Test(mixture, whoever_is_always_the_better_one_is_found_within_hundreds_of_clicks)
{
    hh_mixture *mixture = hh_mixture_new();
    float shares[1][HH_EXPERTS];
    for (int e = 0; e < HH_EXPERTS; e++)
        shares[0][e] = e == HH_EXPERT_KNN_LONG ? 0.8f : 0.4f;
    const hh_item clicked = 0;
    hh_votes votes = {
        .count = 1, .items = &clicked, .shares = (const float(*)[HH_EXPERTS])shares, .length = 2};
    for (int i = 0; i < 300; i++)
        hh_mixture_learn(mixture, &votes, clicked, now += HH_SECOND);
    cr_assert_gt(weight_of(mixture, 2, HH_EXPERT_KNN_LONG), 0.9);
    hh_mixture_free(mixture);
}

Test(mixture, sessions_of_different_length_have_weights_of_their_own)
{
    hh_mixture *mixture = hh_mixture_new();
    for (int i = 0; i < 1000; i++) {
        learn(mixture, 1, HH_EXPERT_NEXT, 0);
        learn(mixture, 4, HH_EXPERT_KNN_LONG, 0);
    }
    cr_assert_gt(weight_of(mixture, 1, HH_EXPERT_NEXT), 0.8);
    cr_assert_gt(weight_of(mixture, 4, HH_EXPERT_KNN_LONG), 0.8);
    cr_assert_eq(weight_of(mixture, 5, HH_EXPERT_NEXT), weight_of(mixture, 500, HH_EXPERT_NEXT));
    hh_mixture_free(mixture);
}

Test(mixture, what_a_rare_context_lacks_all_have_taught)
{
    hh_mixture *mixture = hh_mixture_new();
    for (int i = 0; i < 1000; i++)
        learn(mixture, 4, HH_EXPERT_NEXT, 0);
    cr_assert_gt(weight_of(mixture, 1, HH_EXPERT_NEXT), 0.5);
    cr_assert_lt(weight_of(mixture, 1, HH_EXPERT_NEXT), weight_of(mixture, 4, HH_EXPERT_NEXT));
    hh_mixture_free(mixture);
}

static bool same_context(hh_votes a, hh_votes b)
{
    hh_context x = hh_context_of(&a), y = hh_context_of(&b);
    return memcmp(x.row, y.row, sizeof x.row) == 0;
}

Test(mixture, contexts_tell_magnitudes_apart_and_how_the_last_item_came_back)
{
    cr_assert(same_context((hh_votes){.length = 5}, (hh_votes){.length = 50}));
    cr_assert_not(same_context((hh_votes){.length = 4}, (hh_votes){.length = 5}));
    cr_assert_not(same_context((hh_votes){.last_before = 0}, (hh_votes){.last_before = 1}));
    cr_assert_not(same_context((hh_votes){.last_before = 1}, (hh_votes){.last_before = 2}));
    cr_assert(same_context((hh_votes){.last_before = 2}, (hh_votes){.last_before = 9}));
    cr_assert_not(same_context((hh_votes){.neighbours = 0}, (hh_votes){.neighbours = 1}));
    cr_assert(same_context((hh_votes){.neighbours = 1}, (hh_votes){.neighbours = 3}));
    cr_assert_not(same_context((hh_votes){.neighbours = 3}, (hh_votes){.neighbours = 4}));
    cr_assert(same_context((hh_votes){.neighbours = 256}, (hh_votes){.neighbours = UINT32_MAX}));
    cr_assert_not(same_context((hh_votes){.last_clicks = 15}, (hh_votes){.last_clicks = 16}));
    cr_assert_not(same_context((hh_votes){.mass[HH_EXPERT_NEXT] = 0.01f}, (hh_votes){.length = 0}));
    cr_assert_not(same_context((hh_votes){.mass[HH_EXPERT_PAIR_SHORT] = 1}, (hh_votes){.length = 0}));
}

Test(mixture, the_mean_is_of_what_lessons_were_weighed_by)
{
    hh_mixture *mixture = hh_mixture_new();
    double mean[HH_EXPERTS], sum = 0;
    hh_mixture_mean(mixture, mean);
    cr_assert_float_eq(mean[HH_EXPERT_NEXT], 1.0 / HH_MIXED_EXPERTS, 1e-9);
    for (int i = 0; i < 5000; i++)
        learn(mixture, 3, HH_EXPERT_NEXT, 0);
    hh_mixture_mean(mixture, mean);
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        sum += mean[e];
    cr_assert_float_eq(sum, 1, 1e-6);
    cr_assert_gt(mean[HH_EXPERT_NEXT], 0.9);
    hh_mixture_free(mixture);
}

Test(mixture, what_nobody_voted_for_teaches_nothing)
{
    hh_mixture *mixture = hh_mixture_new();
    double before = weight_of(mixture, 1, HH_EXPERT_REPEAT);
    learn(mixture, 1, HH_EXPERT_NEXT, 7);
    learn(mixture, 1, HH_EXPERT_NEXT, HH_ITEM_NONE);
    hh_mixture_learn(mixture, &(hh_votes){.length = 1}, 0, now);
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

Test(mixture, what_is_asked_as_of_a_time_has_learned_from_earlier_clicks_alone)
{
    hh_mixture *behind = hh_mixture_new(), *ahead = hh_mixture_new();
    hh_time begin = now;
    for (int i = 0; i < 1000; i++)
        learn(behind, 2, HH_EXPERT_NEXT, 0);
    hh_time as_of = now + 1;
    now = begin;
    for (int i = 0; i < 1000; i++)
        learn(ahead, 2, HH_EXPERT_NEXT, 0);
    for (int i = 0; i < 5000; i++)
        learn(ahead, 2, HH_EXPERT_POP_SHORT, 0);
    cr_assert_gt(weight_at(behind, 2, HH_EXPERT_NEXT, as_of), 0.8);
    for (hh_time at = begin; at < as_of; at += 7 * HH_SECOND)
        cr_assert_eq(weight_at(ahead, 2, HH_EXPERT_NEXT, at), weight_at(behind, 2, HH_EXPERT_NEXT, at));
    cr_assert_gt(weight_of(ahead, 2, HH_EXPERT_POP_SHORT), 0.8);
    cr_assert_lt(weight_at(ahead, 2, HH_EXPERT_NEXT, begin), 0.11, "nothing is earlier");
    hh_mixture_free(behind);
    hh_mixture_free(ahead);
}

Test(mixture, a_click_from_the_future_takes_nobody_what_was_learned)
{
    hh_mixture *mixture = hh_mixture_new();
    for (int i = 0; i < 1000; i++)
        learn(mixture, 2, HH_EXPERT_NEXT, 0);
    hh_time present = now;
    now += 5 * HH_MINUTE;
    learn(mixture, 2, HH_EXPERT_NEXT, 0);
    for (int i = 0; i < 100000; i++) {
        now = present + i; // much in little time
        learn(mixture, 2, HH_EXPERT_NEXT, 0);
    }
    cr_assert_gt(weight_at(mixture, 2, HH_EXPERT_NEXT, present + HH_SECOND), 0.8);
    hh_mixture_free(mixture);
}

Test(mixture, weights_are_kept_for_an_hour_on_the_fastest_stream)
{
    hh_mixture *mixture = hh_mixture_new();
    hh_time begin = now;
    for (int i = 0; i < 1000; i++)
        learn(mixture, 2, HH_EXPERT_NEXT, 0);
    hh_time present = now;
    while (now < present + HH_HOUR) {
        learn(mixture, 2, HH_EXPERT_NEXT, 0);
        now -= HH_SECOND - 10;
    }
    cr_assert_gt(weight_at(mixture, 2, HH_EXPERT_NEXT, present), 0.8);
    cr_assert_lt(weight_at(mixture, 2, HH_EXPERT_NEXT, begin), 0.11);
    hh_mixture_free(mixture);
}

Test(mixture, of_a_long_backlog_some_weights_of_each_time_are_kept)
{
    enum { LESSONS = 60000 };
    hh_mixture *mixture = hh_mixture_new();
    hh_time begin = now;
    for (int i = 0; i < LESSONS; i++)
        learn(mixture, 2, i < LESSONS / 2 ? HH_EXPERT_NEXT : HH_EXPERT_POP_SHORT, 0);
    for (int i = 5000; i < LESSONS / 2; i += 1000) {
        cr_assert_gt(weight_at(mixture, 2, HH_EXPERT_NEXT, begin + i * HH_SECOND), 0.8, "lesson %d", i);
        cr_assert_lt(weight_at(mixture, 2, HH_EXPERT_POP_SHORT, begin + i * HH_SECOND), 0.05, "lesson %d", i);
    }
    hh_mixture_free(mixture);
}

// A lesson where descriptions give `text` to the item clicked, and 0.5 to all.
static void learn_text(hh_mixture *mixture, float graph, float text)
{
    float shares[1][HH_EXPERTS] = {{0}};
    shares[0][HH_EXPERT_NEXT] = graph;
    shares[0][HH_EXPERT_COSINE] = text;
    hh_item clicked = 3;
    hh_votes votes = {
        .count = 1, .items = &clicked, .shares = (const float(*)[HH_EXPERTS])shares, .length = 2};
    votes.mass[HH_EXPERT_COSINE] = 0.5f;
    hh_mixture_learn(mixture, &votes, clicked, now += HH_SECOND);
}

Test(mixture, descriptions_count_by_the_votes_that_they_stand_for)
{
    hh_mixture *mixture = hh_mixture_new();
    hh_context context = hh_context_of(&(hh_votes){.length = 2});
    for (int round = 0; round < 6; round++) {
        double weights[HH_EXPERTS], votes = 0;
        context.foreseen = round % 2;
        hh_mixture_weights(mixture, &context, INT64_MAX, weights);
        for (int e = HH_EXPERT_NEXT; e <= HH_EXPERT_KNN_LONG; e++)
            votes += weights[e];
        if (context.foreseen) // a network that says nothing of this session counts for nothing
            votes += weights[HH_EXPERT_NETWORK];
        cr_assert_float_eq(weights[HH_EXPERT_INHERIT], HH_TEXT_WEIGHT * votes, 1e-9);
        cr_assert_float_eq(weights[HH_EXPERT_COSINE], HH_TEXT_WEIGHT * votes, 1e-9);
        for (int i = 0; i < 300; i++)
            learn(mixture, 2, round > 3 ? HH_EXPERT_POP_LONG : round ? HH_EXPERT_NETWORK : HH_EXPERT_NEXT, 0);
    }
    hh_mixture_free(mixture);
}

Test(mixture, what_descriptions_promise_is_their_part_as_if_never_tried)
{
    hh_mixture *mixture = hh_mixture_new();
    float shares[3][HH_EXPERTS] = {{0}}, expected[3];
    hh_evidence evidence[3] = {{.chance = 0.25f}, {.chance = 1}, {.chance = 0}};
    shares[0][HH_EXPERT_INHERIT] = 0.01f;
    shares[0][HH_EXPERT_COSINE] = 0.02f;
    shares[1][HH_EXPERT_COSINE] = 0.1f;
    shares[2][HH_EXPERT_NEXT] = 1;
    hh_votes votes = {
        .count = 3, .shares = (const float(*)[HH_EXPERTS])shares, .evidence = evidence, .length = 2};
    votes.mass[HH_EXPERT_INHERIT] = 0.01f;
    votes.mass[HH_EXPERT_COSINE] = 0.12f;
    double weights[HH_EXPERTS];
    hh_context context = hh_context_of(&votes);
    hh_mixture_weights(mixture, &context, 0, weights);
    double weight = weights[HH_EXPERT_COSINE], all = 1 + weight * 0.13;
    hh_mixture_expected(mixture, &votes, expected);
    cr_assert_float_eq((double)expected[0], weight * 0.03 / all / 0.25, 1e-6);
    cr_assert_float_eq((double)expected[1], weight * 0.1 / all, 1e-6);
    cr_assert_eq(expected[2], 0);
    hh_mixture_free(mixture);
}

Test(mixture, where_nothing_is_described_nothing_is_different)
{
    hh_mixture *one = hh_mixture_new(), *other = hh_mixture_new();
    for (int i = 0; i < 500; i++) {
        learn(one, 2, HH_EXPERT_NEXT, 0);
        learn(other, 2, HH_EXPERT_NEXT, 0);
        if (i % 2)
            learn_text(other, 0, 0.4f); // known by its description alone
    }
    cr_assert_gt(weight_of(other, 2, HH_EXPERT_NEXT), 0.9);
    cr_assert_float_eq(weight_of(one, 2, HH_EXPERT_NEXT), weight_of(other, 2, HH_EXPERT_NEXT), 0.02);
    hh_mixture_free(one);
    hh_mixture_free(other);
}

// One made of another's numbers has its weights, as of any time.
Test(mixture, comes_back_from_its_numbers)
{
    float logits[CONTEXTS][HH_MIXED_EXPERTS], mean[HH_EXPERTS];
    hh_mixture *mixture = hh_mixture_new();
    for (int i = 0; i < 1000; i++)
        learn(mixture, (size_t)i % 4, i % 3 ? HH_EXPERT_NEXT : HH_EXPERT_NETWORK, 0);
    hh_mixture_numbers(mixture, logits, mean);
    hh_time when = now;
    for (int i = 0; i < 64; i++) // what is put aside for those who ask has seen all of that
        learn(mixture, 2, HH_EXPERT_PAIR_LONG, 1);
    hh_mixture *back = hh_mixture_of((const float(*)[HH_MIXED_EXPERTS])logits);
    double sum = 0;
    for (size_t length = 0; length < 4; length++)
        for (hh_expert expert = 0; expert < HH_EXPERTS; expert++) {
            double weight = weight_at(back, length, expert, when + 1);
            cr_assert_eq(weight, weight_at(back, length, expert, HH_TIME_MIN + 1));
            cr_assert_eq(weight, weight_at(back, length, expert, INT64_MAX));
            // the newest put aside by then may lack the latest lessons
            cr_assert_float_eq(weight, weight_at(mixture, length, expert, when + 1), 0.1);
        }
    cr_assert_gt(weight_of(back, 2, HH_EXPERT_NEXT), 0.5);
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        sum += (double)mean[e];
    cr_assert_float_eq(sum, 1, 1e-5);
    hh_mixture_free(back);
    hh_mixture_free(mixture);
}

Test(mixture, what_is_settled_has_all_lessons)
{
    hh_mixture *mixture = hh_mixture_new();
    for (int i = 0; i < 63; i++)
        learn(mixture, 2, HH_EXPERT_NEXT, 0);
    double before = weight_of(mixture, 2, HH_EXPERT_NEXT);
    cr_assert_lt(before, 0.11, "too few for a snapshot");
    hh_mixture_settle(mixture);
    cr_assert_gt(weight_of(mixture, 2, HH_EXPERT_NEXT), 2 * before);
    cr_assert_eq(weight_at(mixture, 2, HH_EXPERT_NEXT, now), before, "not for whom it would be too early");
    hh_mixture_free(mixture);
}

// Where graph and network both speak for an item it has more than where one does; together the candidates
// have as much as by the plain sum.
Test(mixture, what_graph_and_network_agree_on_counts_for_more)
{
    hh_mixture *mixture = hh_mixture_new();
    float shares[3][HH_EXPERTS] = {{0}}, scores[3], without[3];
    shares[0][HH_EXPERT_NEXT] = 0.25f;
    shares[1][HH_EXPERT_NETWORK] = 0.5f;
    shares[2][HH_EXPERT_NEXT] = 0.125f;
    shares[2][HH_EXPERT_NETWORK] = 0.5f;
    hh_votes votes = {.count = 3, .shares = (const float(*)[HH_EXPERTS])shares, .length = 1};
    hh_mixture_scores(mixture, &votes, scores);
    double graph = weight_of(mixture, 1, HH_EXPERT_NEXT),
           network = 1.5 * weight_of(mixture, 1, HH_EXPERT_NETWORK);
    const double worth[] = {0.25 * graph, 0.5 * network, pow(sqrt(0.125 * graph) + sqrt(0.5 * network), 2)};
    for (int i = 0; i < 3; i++)
        cr_assert_float_eq(scores[i], worth[i], 1e-6);
    hh_mixture_scores_without(mixture, &votes, HH_EXPERT_NETWORK, without);
    cr_assert_float_eq(without[2], 0.125 * graph, 1e-6);
    cr_assert_eq(without[1], 0);
    hh_mixture_free(mixture);
}
