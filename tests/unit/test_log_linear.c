// Network and graph as a product: its scores, and the exponent that is learned.
#include "evaluate/log_linear.h"
#include "nn/random.h"

#include <criterion/criterion.h>
#include <math.h>

#define COUNT 60

Test(log_linear, is_the_product)
{
    hh_log_linear by = hh_log_linear_new(0.5);
    const float graph[3] = {0, 0.03f, 0.2f}, network[6] = {0.5f, 9, 0.1f, 9, 0, 9};
    float scores[3];
    hh_log_linear_scores(&by, graph, network, 2, 3, scores);
    const double expected[3] = {0.5, 0.1 * sqrt(301), 1e-6 * sqrt(2001)};
    for (int i = 0; i < 3; i++)
        cr_assert_float_eq(scores[i], expected[i], 1e-5 * expected[i]);
}

Test(log_linear, without_a_network_the_order_is_the_graphs)
{
    hh_log_linear by = hh_log_linear_new(-1);
    const float graph[4] = {0.1f, 0, 0.6f, 0.3f}, network[4] = {0};
    float scores[4];
    hh_log_linear_scores(&by, graph, network, 1, 4, scores);
    cr_assert(scores[2] > scores[3] && scores[3] > scores[0] && scores[0] > scores[1] && scores[1] > 0);
}

// The exponent after clicks that are each the best item by `truth`, or nothing that can be foreseen.
static double learned(double truth, double fixed, uint64_t seed)
{
    hh_log_linear by = hh_log_linear_new(fixed), real = hh_log_linear_new(truth);
    hh_two_terms list = {0};
    hh_random random = hh_random_of(seed, 1);
    for (int click = 0; click < 1000; click++) {
        float graph[COUNT], network[2 * COUNT], scores[COUNT];
        uint32_t items[COUNT], clicked = 0;
        for (uint32_t i = 0; i < COUNT; i++) {
            items[i] = 1000 - i;
            graph[i] = hh_random_below(&random, 3) ? 0 : 0.1f * hh_random_unit(&random);
            network[2 * i] = expf(8 * (hh_random_unit(&random) - 1));
        }
        float flat[COUNT];
        for (uint32_t i = 0; i < COUNT; i++)
            flat[i] = network[2 * i];
        hh_log_linear_scores(&real, graph, flat, 1, COUNT, scores);
        for (uint32_t i = 1; i < COUNT; i++)
            clicked = scores[i] > scores[clicked] ? i : clicked;
        if (click % 3 == 0)
            clicked = hh_random_below(&random, COUNT);
        cr_assert(hh_log_linear_keep(&list, items, graph, network, 2, COUNT));
        hh_log_linear_learn(&by, &list, items[clicked]);
        hh_log_linear_learn(&by, &list, 7); // no candidate: nothing to learn from
    }
    hh_two_terms_free(&list);
    return by.beta;
}

Test(log_linear, finds_the_exponent)
{
    const double truths[] = {0, 0.1, 0.35, 0.7, 1.4, 2.8};
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        cr_assert_eq(learned(truths[i], -1, i), truths[i], "%g", truths[i]);
    cr_assert_eq(learned(1.4, 0.3, 1), 0.3, "it stays where it is put");
}
