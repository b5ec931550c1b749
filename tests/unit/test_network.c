// The whole network, batched, with node states shared among the prefixes of a session, against
// slow_network.h: session vectors, logits, loss and every gradient.
#include "model/scorer.h"
#include "slow_network.h"

static const uint32_t repeats[] = {0, 1, 2, 1, 3, 0}, self_loop[] = {4, 4, 5, 5, 5, 4}, pair[] = {6, 7},
                      same[] = {8, 8}, long_one[] = {0, 9, 10, 9, 2, 3, 9, 11, 0, 1, 5, 10};
#define VIEW(array)                            \
    {                                          \
        array, sizeof(array) / sizeof *(array) \
    }
static const hh_session_view sessions[] = {VIEW(repeats), VIEW(self_loop), VIEW(pair), VIEW(same),
                                           VIEW(long_one)};
enum { SESSIONS = sizeof sessions / sizeof *sessions, ITEMS = 13 };

// A network in which nothing is 0.
static hh_network *new_network(const hh_network_options *options, uint32_t items)
{
    hh_network *network = hh_network_new(options, items, 5, NULL);
    cr_assert_not_null(network);
    hh_random random = {6};
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        for (size_t i = 0; i < network->tensor[t].rows * network->tensor[t].cols; i++)
            network->tensor[t].value[i] = 0.5f * hh_random_normal(&random);
    return network;
}

static void copy_weights(double **at, const hh_network *network)
{
    at[0] = doubles_of(network->item.value, network->item.rows * network->d);
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        at[1 + t] = doubles_of(network->tensor[t].value, network->tensor[t].rows * network->tensor[t].cols);
}

static void free_weights(double **at)
{
    for (int l = 0; l < SLOW_LEAVES; l++)
        free(at[l]);
}

// ---- forward ----

static void check_vectors(const hh_network_options *options, const hh_session_view *views, size_t count,
                          uint32_t items, bool whole)
{
    hh_network *network = new_network(options, items);
    slow_network slow = {.options = *options, .items = items};
    double *at[SLOW_LEAVES], h[SLOW_WIDTH], *want = malloc(items * sizeof *want);
    copy_weights(at, network);
    hh_scorer scorer;
    cr_assert(hh_scorer_init(&scorer, network) && hh_scorer_read(&scorer, views, count, whole));
    float *logits = malloc(scorer.batch.prefixes * items * sizeof *logits);
    cr_assert(logits && want);
    hh_scorer_logits(&scorer, 0, scorer.batch.prefixes, logits);
    size_t p = 0;
    for (size_t s = 0; s < count; s++)
        for (uint32_t n = whole ? views[s].length : 1; n < views[s].length + (whole ? 1 : 0); n++, p++) {
            slow_session(h, &slow, at, views[s].items, n, NULL, NULL);
            check_near("h", scorer.pass.session + p * options->d, h, options->d, 1e-5);
            cr_assert_eq(scorer.batch.session[p], s);
            for (uint32_t item = 0; item < items && !whole; item++)
                want[item] = slow_logit(&slow, at, h, views[s].items, n, item);
            if (!whole)
                check_near("logit", logits + p * items, want, items, 1e-5);
        }
    cr_assert_eq(p, scorer.batch.prefixes);
    hh_scorer_free(&scorer);
    hh_network_free(network);
    free_weights(at);
    free(logits);
    free(want);
}

static hh_network_options options_of(uint32_t d, uint32_t positions, bool graph, bool own_bias)
{
    hh_network_options options = hh_network_defaults();
    options.d = d;
    options.positions = positions;
    options.graph = graph;
    options.own_bias = own_bias;
    return options;
}

Test(network, vectors_and_logits_are_those_of_each_prefix_alone)
{
    for (int parts = 0; parts < 4; parts++)
        for (uint32_t positions = 1; positions <= 20; positions += positions < 4 ? 1 : 16) {
            hh_network_options options = options_of(19, positions, parts & 1, parts & 2);
            check_vectors(&options, sessions, SESSIONS, ITEMS, false);
            check_vectors(&options, sessions, SESSIONS, ITEMS, true);
        }
}

Test(network, vectors_of_random_sessions)
{
    hh_random random = {11};
    static uint32_t items[60][30];
    hh_session_view views[60];
    for (size_t s = 0; s < 60; s++) {
        uint32_t length = 2 + hh_random_below(&random, 29), few = 1 + hh_random_below(&random, 20);
        for (uint32_t i = 0; i < length; i++)
            items[s][i] = hh_random_below(&random, few);
        views[s] = (hh_session_view){items[s], length};
    }
    hh_network_options options = options_of(33, 12, true, true);
    check_vectors(&options, views, 60, 20, false);
    check_vectors(&options, views, 60, 20, true);
}

// ---- there and back ----

// Where dropout's factors of each click are (slow_network.x_mask, h_mask); the window holds all clicks.
static void find_masks(const float **x_mask, const float **h_mask, const hh_pass *pass, const hh_batch *batch)
{
    size_t p = 0;
    for (size_t s = 0; s < SESSIONS; s++)
        for (uint32_t n = 1; n < sessions[s].length; n++, p++)
            for (uint32_t i = 0; i < n; i++) {
                uint32_t version = batch->attention.clicks.at[batch->attention.clicks.begin[p] + i];
                h_mask[p * SLOW_LONGEST + i] = pass->h_mask + version * batch->d;
                x_mask[s * SLOW_LONGEST + i] = pass->x_mask + batch->gated.node[version] * batch->d;
            }
}

static void check_network(const hh_network_options *options, const uint32_t *columns, size_t column_count,
                          bool dropout)
{
    hh_network *network = new_network(options, ITEMS);
    size_t d = options->d, prefixes = 0;
    hh_batch_rows rows;
    cr_assert(hh_batch_rows_init(&rows, ITEMS));
    hh_batch_rows_begin(&rows);
    for (size_t i = 0; i < column_count; i++)
        cr_assert(hh_batch_rows_add(&rows, columns ? columns[i] : (uint32_t)i));
    rows.columns = rows.count;
    for (size_t s = 0; s < SESSIONS; s++) {
        prefixes += sessions[s].length - 1;
        for (uint32_t i = 0; i < sessions[s].length; i++)
            cr_assert(hh_batch_rows_add(&rows, sessions[s].items[i]));
    }
    hh_arena arena = {0};
    hh_batch batch;
    hh_batch_options shape = {.d = d, .positions = options->positions, .graph = options->graph};
    cr_assert(hh_batch_build(&batch, sessions, SESSIONS, &rows, &shape, &arena));
    cr_assert_eq(batch.prefixes, prefixes);
    hh_pass pass;
    cr_assert(hh_pass_take(&pass, network, &batch, rows.columns, true, &arena));
    float *x = zero_floats(rows.count * d), *length = zero_floats(rows.count),
          *dx = zero_floats(rows.count * d), *de = zero_floats(rows.count * d),
          *d_item = zero_floats(ITEMS * d);
    hh_gradients gradients;
    cr_assert(hh_gradients_init(&gradients, network));
    hh_items_vectors(x, length, network, rows.item, rows.count);
    hh_random random = {12};
    hh_pass_forward(&pass, network, &batch, x, dropout ? &random : NULL);
    double alone = hh_pass_loss(&pass, network, &batch, x, 1 / (float)prefixes, NULL, NULL);
    double loss = hh_pass_loss(&pass, network, &batch, x, 1 / (float)prefixes, dx, &gradients);
    hh_items_vectors_back(de, dx, x, length, network, rows.count);
    for (size_t r = 0; r < rows.count; r++)
        memcpy(d_item + rows.item[r] * d, de + r * d, d * sizeof *de);

    const float *x_mask[SESSIONS * SLOW_LONGEST], *h_mask[SESSIONS * 16 * SLOW_LONGEST];
    slow_network slow = {*options, ITEMS, sessions, SESSIONS, columns, column_count, NULL, NULL};
    if (dropout) {
        find_masks(x_mask, h_mask, &pass, &batch);
        slow.x_mask = x_mask;
        slow.h_mask = h_mask;
    }
    leaf leaves[SLOW_LEAVES] = {{"item", network->item.value, d_item, ITEMS * d}};
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        leaves[1 + t] = (leaf){network->tensor[t].name, network->tensor[t].value, gradients.tensor[t],
                               network->tensor[t].rows * network->tensor[t].cols};
    double want = check_gradients(leaves, SLOW_LEAVES, slow_network_loss, &slow);
    cr_assert_float_eq(loss, want, 1e-5 * want, "%g instead of %g", loss, want);
    cr_assert_eq(alone, loss);
    hh_gradients_free(&gradients);
    hh_batch_rows_free(&rows);
    hh_arena_free(&arena);
    hh_network_free(network);
    free(x);
    free(length);
    free(dx);
    free(de);
    free(d_item);
}

Test(network, every_gradient_over_all_items)
{
    for (int parts = 0; parts < 4; parts++) {
        hh_network_options options = options_of(5, 20, parts & 1, parts & 2);
        check_network(&options, NULL, ITEMS, false);
    }
}

Test(network, every_gradient_where_sessions_are_longer_than_there_are_positions)
{
    hh_network_options options = options_of(5, 3, true, true);
    check_network(&options, NULL, ITEMS, false);
}

Test(network, every_gradient_over_a_sample)
{
    const uint32_t columns[] = {12, 9, 0, 4, 7};
    hh_network_options options = options_of(5, 20, true, true);
    check_network(&options, columns, 5, false);
}

Test(network, every_gradient_through_dropout)
{
    for (int graph = 0; graph < 2; graph++) {
        hh_network_options options = options_of(5, 20, graph, true);
        check_network(&options, NULL, ITEMS, true);
    }
}

// ---- networks ----

Test(network, is_a_function_of_its_seed_and_its_copy_is_the_same)
{
    hh_network_options options = options_of(8, 5, true, true);
    hh_network *one = hh_network_new(&options, 9, 1, NULL), *two = hh_network_new(&options, 9, 1, NULL),
               *other = hh_network_new(&options, 9, 2, NULL);
    cr_assert(one && two && other);
    hh_network *twin = hh_network_copy(one);
    cr_assert_not_null(twin);
    cr_assert_arr_eq(one->item.value, two->item.value, 72 * sizeof(float));
    cr_assert(memcmp(one->item.value, other->item.value, 72 * sizeof(float)) != 0);
    cr_assert_arr_eq(one->item.value, twin->item.value, 72 * sizeof(float));
    cr_assert_eq(twin->d, 8);
    for (int t = 0; t < HH_TENSOR_COUNT; t++) {
        size_t size = one->tensor[t].rows * one->tensor[t].cols * sizeof(float);
        cr_assert_eq(size, twin->tensor[t].rows * twin->tensor[t].cols * sizeof(float));
        cr_assert_arr_eq(one->tensor[t].value, two->tensor[t].value, size);
        cr_assert_arr_eq(one->tensor[t].value, twin->tensor[t].value, size);
    }
    hh_network_free(one);
    hh_network_free(two);
    hh_network_free(other);
    hh_network_free(twin);
    hh_network_free(NULL);
}
