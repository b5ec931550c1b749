// The network's list against all logits, its reasons, and alike items.
#include "model/scorer.h"

#include <criterion/criterion.h>
#include <hiphop/network_list.h>
#include <math.h>
#include <stdlib.h>

#define ITEMS 40

static hh_network *network_of(bool graph, bool own_bias)
{
    hh_network_options options = hh_network_defaults();
    options.d = 8;
    options.positions = 4;
    options.graph = graph;
    options.own_bias = own_bias;
    hh_network *network = hh_network_new(&options, ITEMS, 5, NULL);
    hh_random random = hh_random_of(1, 2);
    hh_tensor *bias = &network->tensor[HH_TENSOR_OWN_BIAS];
    for (size_t i = 0; i < bias->rows * bias->cols; i++)
        bias->value[i] = 3 * hh_random_unit(&random);
    return network;
}

static void assert_list_is_right(hh_network *network, bool hide)
{
    static const uint32_t clicks[] = {3, 17, 3, 5, 9, 22};
    float logits[ITEMS], sum = 0;
    hh_scorer scorer;
    hh_error error;
    cr_assert(hh_scorer_init(&scorer, network));
    cr_assert(hh_scorer_read(&scorer, &(hh_session_view){clicks, 6}, 1, true));
    hh_scorer_logits(&scorer, 0, 1, logits);
    for (int i = 0; i < ITEMS; i++)
        sum += expf(logits[i]);
    hh_network_list_options options = {.k = 10, .longest = 6, .hide_session_items = hide};
    hh_network_reader *reader = hh_network_reader_new(network, &options, NULL, &error);
    hh_network_item list[10];
    size_t count;
    cr_assert_eq(hh_network_list(reader, clicks, 6, list, &count, &error), HH_OK);
    cr_assert_eq(count, 10);
    for (size_t i = 0; i < count; i++) {
        bool held = false;
        size_t better = 0;
        for (int c = 0; c < 6; c++)
            held = held || clicks[c] == list[i].item;
        for (uint32_t other = 0; other < ITEMS; other++) {
            bool other_held = false;
            for (int c = 0; c < 6; c++)
                other_held = other_held || clicks[c] == other;
            better += logits[other] > logits[list[i].item] && !(hide && other_held);
        }
        cr_assert_eq(better, i);
        cr_assert_eq(list[i].repeated, held);
        cr_assert_not(hide && held);
        cr_assert_float_eq(list[i].score, expf(logits[list[i].item]) / sum, 1e-4f);
        cr_assert(list[i].click < 6 && list[i].click_share >= 0 && list[i].click_share <= 1.0001f);
        cr_assert(list[i].click_share == 0 || list[i].click >= 2, "only the last 4 clicks are read back");
    }
    hh_network_reader_free(reader);
    hh_scorer_free(&scorer);
    hh_network_free(network);
}

Test(network_list, the_best_of_all_logits)
{
    assert_list_is_right(network_of(true, true), false);
    assert_list_is_right(network_of(true, true), true);
    assert_list_is_right(network_of(false, false), false);
}

// With the identity as T's upper half and 0 below, a session's vector is the sum of its clicks' items.
Test(network_list, the_reason_is_the_click_that_speaks_most)
{
    hh_network *network = network_of(false, false);
    hh_error error;
    float *t = network->tensor[HH_TENSOR_ATTENTION_T].value;
    for (size_t row = 0; row < 16; row++)
        for (size_t col = 0; col < 8; col++)
            t[row * 8 + col] = row == col;
    for (size_t i = 0; i < 4 * (size_t)8; i++)
        network->tensor[HH_TENSOR_POSITION].value[i] = 0;
    for (uint32_t item = 0; item < ITEMS; item++) // items 0, 8, 16, ... are alike, and so on
        for (uint32_t c = 0; c < 8; c++)
            network->item.value[item * 8 + c] = (item % 8 == c ? 1 : 0) + 0.001f * (float)item / ITEMS;
    const uint32_t clicks[] = {1, 2, 3};
    hh_network_list_options options = {.k = 12, .longest = 100, .hide_session_items = true};
    hh_network_reader *reader = hh_network_reader_new(network, &options, NULL, &error);
    hh_network_item list[12];
    size_t count;
    cr_assert_eq(hh_network_list(reader, clicks, 3, list, &count, &error), HH_OK);
    cr_assert_eq(count, 12);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(list[i].item % 8, clicks[list[i].click], "item %u", list[i].item);
        cr_assert_gt(list[i].click_share, 0.9f);
    }
    cr_assert_eq(hh_network_near(reader, 10, list, &count, &error), HH_OK);
    cr_assert_eq(count, 12);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(list[i].item % 8, 2);
        cr_assert_neq(list[i].item, 10);
        cr_assert_float_eq(list[i].score, 1, 1e-3f);
    }
    cr_assert_lt(list[4].score, 0.1f);
    hh_network_reader_free(reader);
    hh_network_free(network);
}

Test(network_list, wrong_calls_are_explained)
{
    hh_network *network = network_of(true, true);
    hh_network_list_options options = hh_network_list_defaults();
    hh_network_item list[20];
    size_t count;
    hh_error error;
    options.k = 0;
    cr_assert_null(hh_network_reader_new(network, &options, NULL, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    options.k = 20;
    hh_network_reader *reader = hh_network_reader_new(network, &options, NULL, &error);
    cr_assert_eq(hh_network_list(reader, (const uint32_t[]){1}, 0, list, &count, &error), HH_ARGUMENT);
    cr_assert_eq(hh_network_list(reader, (const uint32_t[]){ITEMS}, 1, list, &count, &error), HH_ARGUMENT);
    cr_assert_eq(hh_network_near(reader, ITEMS, list, &count, &error), HH_ARGUMENT);
    hh_network_reader_free(reader);
    hh_network_free(network);
}
