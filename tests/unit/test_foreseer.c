// The network's forecast in the graph's numbers: the same shares as the network's own list, item by item.
#include "fail_alloc.h"
#include "unit/small_model.h"

#include <hiphop/foreseer.h>
#include <hiphop/network_list.h>
#include <hiphop/recommend.h>
#include <math.h>

#define LONG_ID 700 // bytes

typedef struct stage {
    hh_model *model;
    hh_graph *graph;
    hh_reader *reader;
    hh_vector_table *table;
    hh_item item[SMALL_ITEMS]; // the graph's numbers of the model's items; HH_ITEM_NONE of the last but one
    hh_item stranger;          // an item that the model does not know
} stage;

static stage set_up(void)
{
    stage it = {.model = small_model()};
    it.table = hh_vector_table_new(it.model, NULL);
    hh_graph_options options = hh_graph_defaults();
    hh_error error;
    it.graph = hh_graph_new(&options, &error);
    it.reader = it.graph ? hh_reader_new(it.graph, &error) : NULL;
    cr_assert_not_null(it.reader);
    hh_graph_session *session = hh_graph_open(it.graph, 1);
    char strange[LONG_ID];
    memset(strange, 'x', sizeof strange);
    it.stranger = hh_graph_intern(it.graph, strange, sizeof strange); // numbers are not the model's rows
    cr_assert_eq(hh_graph_click(it.graph, session, it.stranger, 500), HH_OK);
    for (uint32_t row = SMALL_ITEMS; row-- > 0;) {
        size_t length;
        const char *id = hh_model_item(it.model, row, &length);
        it.item[row] = HH_ITEM_NONE;
        if (row == SMALL_ITEMS - 2)
            continue;
        it.item[row] = hh_graph_intern(it.graph, id, length);
        cr_assert_eq(hh_graph_click(it.graph, session, it.item[row], 1000 + row), HH_OK);
    }
    hh_graph_close(it.graph, session);
    return it;
}

static void clear(stage *it)
{
    hh_reader_free(it->reader);
    hh_graph_free(it->graph);
    hh_vector_table_free(it->table);
    hh_model_free(it->model);
}

Test(foreseer, says_what_the_network_lists)
{
    stage it = set_up();
    hh_error error;
    hh_foreseer *foreseer = hh_foreseer_new(it.table, it.reader, SMALL_ITEMS, &error);
    hh_network_list_options options = hh_network_list_defaults();
    options.k = SMALL_ITEMS;
    hh_network_reader *network = hh_network_reader_new(hh_model_network(it.model), &options, NULL, &error);
    cr_assert(foreseer && network);
    hh_reader_hold(it.reader);
    // What the model does not know is passed over, and so is what the graph does not.
    hh_item session[] = {it.item[2], it.stranger, it.item[0], HH_ITEM_NONE};
    const hh_foresight *foresight = hh_foreseer_read(foreseer, session, 4, NULL);
    hh_network_item list[SMALL_ITEMS];
    size_t count;
    cr_assert_eq(hh_network_list(network, (uint32_t[]){2, 0}, 2, list, &count, &error), HH_OK);
    cr_assert_not_null(foresight);
    cr_assert_eq(foresight->count, count);
    cr_assert_eq(foresight->rest, 0, "there are no others");
    float shares[SMALL_ITEMS * HH_EXPERTS] = {0}, sum = 0;
    foresight->shares(foresight->context, foresight->items, count, shares);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(foresight->items[i], it.item[list[i].item], "%zu", i);
        if (foresight->items[i] != HH_ITEM_NONE)
            cr_assert_float_eq(shares[i * HH_EXPERTS], list[i].score, 1e-5);
        sum += list[i].score;
    }
    cr_assert_float_eq(sum, 1, 1e-5);
    float strange[HH_EXPERTS] = {1};
    foresight->shares(foresight->context, &it.stranger, 1, strange);
    cr_assert_eq(strange[0], 0);
    hh_reader_release(it.reader);
    hh_network_reader_free(network);
    hh_foreseer_free(foreseer);
    clear(&it);
}

Test(foreseer, bounds_what_it_does_not_list)
{
    stage it = set_up();
    hh_foreseer *foreseer = hh_foreseer_new(it.table, it.reader, 2, NULL);
    cr_assert_not_null(foreseer);
    const hh_foresight *foresight = hh_foreseer_read(foreseer, &it.item[1], 1, NULL);
    cr_assert_not_null(foresight);
    cr_assert_eq(foresight->count, 2);
    float shares[SMALL_ITEMS * HH_EXPERTS];
    foresight->shares(foresight->context, it.item, SMALL_ITEMS, shares);
    for (size_t row = 0; row < SMALL_ITEMS; row++)
        if (it.item[row] != foresight->items[0] && it.item[row] != foresight->items[1])
            cr_assert_leq(shares[row * HH_EXPERTS], foresight->rest * 1.00001f);
    cr_assert_gt(foresight->rest, 0);
    hh_foreseer_free(foreseer);
    clear(&it);
}

Test(foreseer, has_nothing_to_say_of_what_it_does_not_know)
{
    stage it = set_up();
    hh_status status = HH_MEMORY;
    hh_foreseer *foreseer = hh_foreseer_new(it.table, it.reader, 2, NULL);
    cr_assert_null(hh_foreseer_read(foreseer, NULL, 0, &status));
    cr_assert_eq(status, HH_OK);
    cr_assert_null(hh_foreseer_read(foreseer, (hh_item[]){it.stranger, HH_ITEM_NONE}, 2, NULL));
    hh_foreseer_free(foreseer);
    hh_error error;
    cr_assert_null(hh_foreseer_new(it.table, it.reader, 0, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    clear(&it);
}

// Of a session it reads as many clicks as it was trained on, the last.
Test(foreseer, reads_the_end_of_a_long_session)
{
    stage it = set_up();
    hh_foreseer *foreseer = hh_foreseer_new(it.table, it.reader, SMALL_ITEMS, NULL);
    uint32_t longest = hh_model_facts_of(it.model)->options.longest;
    cr_assert_lt(longest, 1000);
    hh_item items[1010];
    float share[3][SMALL_ITEMS * HH_EXPERTS] = {{0}};
    for (int change = 0; change < 3; change++) { // none; the last that is too long ago; the first that is not
        for (uint32_t i = 0; i < longest + 5; i++)
            items[i] = it.item[i % 3];
        if (change)
            items[3 + change] = it.item[SMALL_ITEMS - 1];
        const hh_foresight *foresight = hh_foreseer_read(foreseer, items, longest + 5, NULL);
        foresight->shares(foresight->context, it.item, SMALL_ITEMS, share[change]);
    }
    cr_expect_arr_eq(share[0], share[1], sizeof share[0]);
    cr_expect_arr_neq(share[0], share[2], sizeof share[0]);
    hh_foreseer_free(foreseer);
    clear(&it);
}

// A list is the mixture's with the network in it: what only the network knows is listed.
Test(foreseer, is_an_expert_of_the_mixture)
{
    stage it = set_up();
    hh_mixture *mixture = hh_mixture_new();
    hh_recommend_options options = {.k = SMALL_ITEMS + 1};
    hh_recommender *recommender = hh_recommender_new(it.graph, mixture, &options, NULL);
    hh_foreseer *foreseer = hh_foreseer_new(it.table, hh_recommender_reader(recommender), 100, NULL);
    hh_query query = {.items = &it.item[2], .length = 1, .as_of = 5000, .visitor = 9, .session_start = 4000};
    hh_recommendation alone[SMALL_ITEMS + 1], both[SMALL_ITEMS + 1];
    size_t count;
    cr_assert_eq(hh_recommend(recommender, &query, alone, &count), HH_OK);
    cr_assert_eq(count, SMALL_ITEMS);
    query.foresight = hh_foreseer_read(foreseer, query.items, query.length, NULL);
    cr_assert_eq(hh_recommend(recommender, &query, both, &count), HH_OK);
    const hh_votes *votes = hh_recommender_votes(recommender);
    float sum = 0;
    for (size_t i = 0; i < votes->count; i++)
        sum += votes->shares[i][HH_EXPERT_NETWORK];
    cr_assert_gt(sum, 0.5);
    cr_assert_leq(sum, 1.00001);
    // Scores are shares of next clicks, also where graph and network agree.
    double weights[HH_EXPERTS], plain = 0, listed = 0;
    hh_context context = hh_context_of(votes);
    hh_mixture_weights(mixture, &context, INT64_MAX, weights);
    for (size_t i = 0; i < votes->count; i++)
        for (int e = 0; e < HH_EXPERTS; e++)
            plain += weights[e] * (double)votes->shares[i][e];
    for (size_t i = 0; i < count; i++)
        listed += (double)both[i].score;
    cr_assert_eq(count, votes->count);
    cr_assert_float_eq(listed, plain, 1e-4);
    cr_assert_leq(listed, 1.0001);
    hh_foreseer_free(foreseer);
    hh_recommender_free(recommender);
    hh_mixture_free(mixture);
    clear(&it);
}

Test(foreseer, out_of_memory)
{
    stage it = set_up();
    hh_error error;
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        hh_foreseer *foreseer = hh_foreseer_new(it.table, it.reader, 3, &error);
        bool failed = fail_alloc_done();
        if (!failed) {
            hh_foreseer_free(foreseer);
            break;
        }
        cr_assert_null(foreseer);
        cr_assert_eq(error.status, HH_MEMORY);
    }
    hh_foreseer *foreseer = hh_foreseer_new(it.table, it.reader, 3, &error);
    cr_assert_not_null(foreseer);
    hh_status status;
    for (long n = 0;; n++) {
        fail_alloc_at(n);
        const hh_foresight *foresight = hh_foreseer_read(foreseer, it.item, 3, &status);
        if (!fail_alloc_done())
            break;
        cr_assert_null(foresight);
        cr_assert_eq(status, HH_MEMORY);
    }
    hh_foreseer_free(foreseer);
    clear(&it);
}
