#include "model/neighbours_of.h"
#include "model/scorer.h"
#include "model/search.h"
#include "nn/matrix.h"
#include "nn/vector.h"

#include <hiphop/network_list.h>
#include <math.h>
#include <stdlib.h>

struct hh_network_reader {
    hh_network_list_options options;
    hh_scorer scorer;
    hh_neighbour_index *memory; // NULL: none
    float *mean;                // [d] of all items' vectors
    hh_arena arena;             // of one list
};

hh_network_list_options hh_network_list_defaults(void)
{
    return (hh_network_list_options){.k = 20, .longest = 100};
}

static bool all_known(const hh_network *network, const hh_train_data *sessions)
{
    for (uint32_t i = 0; sessions && i < sessions->first[sessions->sessions]; i++)
        if (sessions->item[i] >= network->item.rows)
            return false;
    return true;
}

hh_network_reader *hh_network_reader_new(const hh_network *network, const hh_network_list_options *options,
                                         const hh_train_data *sessions, hh_error *error)
{
    if (options->k < 1 || options->k > 10000 || options->longest < 1 || options->longest > 10000) {
        hh_fail(error, HH_ARGUMENT, "a list has 1 to 10000 items, a session 1 to 10000 clicks, not %u and %u",
                options->k, options->longest);
        return NULL;
    }
    if (!all_known(network, sessions)) {
        hh_fail(error, HH_ARGUMENT, "the sessions hold an item that the network does not know");
        return NULL;
    }
    hh_network_reader *reader = calloc(1, sizeof *reader);
    if (reader) {
        reader->options = *options;
        reader->mean = calloc(network->d, sizeof *reader->mean);
        if (reader->mean && hh_scorer_init(&reader->scorer, network) &&
            (!sessions || hh_neighbours_of(network, sessions, options->longest, &reader->memory))) {
            reader->scorer.memory = reader->memory;
            for (size_t item = 0; item < network->item.rows; item++)
                hh_add_scaled(reader->mean, 1 / (float)network->item.rows,
                              reader->scorer.x + item * network->d, network->d);
            return reader;
        }
    }
    hh_network_reader_free(reader);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

void hh_network_reader_free(hh_network_reader *reader)
{
    if (!reader)
        return;
    hh_scorer_free(&reader->scorer);
    if (reader->memory)
        hh_neighbour_index_free(reader->memory);
    hh_arena_free(&reader->arena);
    free(reader->mean);
    free(reader);
}

// ---- a list ----

// What each click that was read gives to the session's vector before it is normalised [clicks x d]: the
// vector is [sum_i alpha_i s_i || s_n] T, so click i gives alpha_i s_i T_1, and the last one s_n T_2 besides.
static float *shares_of_clicks(hh_network_reader *reader)
{
    const hh_network *network = reader->scorer.network;
    const hh_pass *pass = &reader->scorer.pass;
    const hh_attention_shape *shape = &reader->scorer.batch.attention;
    size_t d = network->d, clicks = shape->clicks.begin[1];
    const float *t = network->tensor[HH_TENSOR_ATTENTION_T].value;
    const float *position = network->tensor[HH_TENSOR_POSITION].value;
    float *s = HH_TAKE(&reader->arena, clicks * d, float),
          *given = HH_TAKE(&reader->arena, clicks * d, float);
    if (!given)
        return NULL;
    for (size_t i = 0; i < clicks; i++) {
        size_t back = clicks - 1 - i, place = back < shape->positions ? back : shape->positions - 1;
        for (size_t c = 0; c < d; c++)
            s[i * d + c] =
                pass->attention.alpha[i] * (pass->h[shape->clicks.at[i] * d + c] + position[place * d + c]);
    }
    hh_mul(given, 0, s, t, clicks, d, d);
    hh_mul(given + (clicks - 1) * d, 1, pass->attention.last, t + d * d, 1, d, d);
    return given;
}

// Shares are relative, so what speaks for an item is what speaks more for it than for the mean of all.
static void explain(hh_network_item *listed, const float *given, const hh_network_reader *reader,
                    size_t clicks, size_t before)
{
    size_t d = reader->scorer.network->d;
    const float *x = reader->scorer.x + listed->item * d;
    float most = 0, sum = 0;
    for (size_t i = 0; i < clicks; i++) {
        float part = hh_dot(given + i * d, x, d) - hh_dot(given + i * d, reader->mean, d);
        if (part <= 0)
            continue;
        sum += part;
        if (part > most) {
            most = part;
            listed->click = (uint32_t)(before + i);
        }
    }
    listed->click_share = sum > 0 ? most / sum : 0;
}

static bool holds(const hh_batch *batch, uint32_t item)
{
    for (uint32_t e = 0; e < batch->exact.begin[1]; e++)
        if (batch->exact.at[e] == item) // row and item are the same
            return batch->own[e] != HH_OWN_NONE;
    return false;
}

hh_status hh_network_list(hh_network_reader *reader, const uint32_t *clicks, size_t length,
                          hh_network_item *list, size_t *count, hh_error *error)
{
    hh_scorer *scorer = &reader->scorer;
    const hh_network *network = scorer->network;
    const hh_batch *batch = &scorer->batch;
    size_t k = reader->options.k,
           cut = length > reader->options.longest ? length - reader->options.longest : 0;
    *count = 0;
    if (length == 0)
        return hh_fail(error, HH_ARGUMENT, "a session needs a click before anything can follow it");
    for (size_t i = 0; i < length; i++)
        if (clicks[i] >= network->item.rows)
            return hh_fail(error, HH_ARGUMENT, "item %u is not among the network's %zu items", clicks[i],
                           network->item.rows);
    hh_session_view view = {clicks + cut, (uint32_t)(length - cut)};
    hh_search search;
    hh_arena_reset(&reader->arena);
    if (!hh_scorer_read(scorer, &view, 1, true))
        return hh_fail(error, HH_MEMORY, NULL);
    size_t exact = batch->exact.begin[1], read = batch->attention.clicks.begin[1];
    const float *given = shares_of_clicks(reader);
    if (!given || !hh_search_init(&search, scorer->x, network->item.rows, network->d, k + exact,
                                  network->options.scale, &reader->arena))
        return hh_fail(error, HH_MEMORY, NULL);
    hh_search_run(&search, scorer->pass.session, 1, &batch->exact, 0, scorer->pass.bias);
    for (size_t i = 0; i < search.count[0] && *count < k; i++) {
        hh_found_item found = search.best[i];
        bool repeated = holds(batch, found.item);
        if (repeated && reader->options.hide_session_items)
            continue;
        hh_network_item *listed = &list[(*count)++];
        *listed = (hh_network_item){
            .item = found.item, .score = expf(found.logit - search.log_sum[0]), .repeated = repeated};
        explain(listed, given, reader, read, length - read);
    }
    return HH_OK;
}

// ---- alike ----

hh_status hh_network_near(hh_network_reader *reader, uint32_t item, hh_network_item *list, size_t *count,
                          hh_error *error)
{
    const hh_network *network = reader->scorer.network;
    size_t d = network->d;
    hh_search search;
    *count = 0;
    if (item >= network->item.rows)
        return hh_fail(error, HH_ARGUMENT, "item %u is not among the network's %zu items", item,
                       network->item.rows);
    hh_arena_reset(&reader->arena);
    if (!hh_search_init(&search, reader->scorer.x, network->item.rows, d, reader->options.k + (size_t)1, 1,
                        &reader->arena))
        return hh_fail(error, HH_MEMORY, NULL);
    hh_search_run(&search, reader->scorer.x + item * d, 1, NULL, 0, NULL);
    for (size_t i = 0; i < search.count[0] && *count < reader->options.k; i++)
        if (search.best[i].item != item)
            list[(*count)++] = (hh_network_item){.item = search.best[i].item, .score = search.best[i].logit};
    return HH_OK;
}
