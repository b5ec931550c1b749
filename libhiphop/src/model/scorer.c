#include "model/scorer.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <stdlib.h>

bool hh_scorer_init_with(hh_scorer *scorer, const hh_network *network, const float *x, const float *length)
{
    size_t items = network->item.rows;
    *scorer = (hh_scorer){.network = network, .x = x, .length = length};
    bool done = hh_batch_rows_init(&scorer->rows, (uint32_t)items);
    if (done)
        hh_batch_rows_begin(&scorer->rows);
    for (uint32_t item = 0; item < items && done; item++) // row and item are the same
        done = hh_batch_rows_add(&scorer->rows, item);
    return done;
}

bool hh_scorer_init(hh_scorer *scorer, const hh_network *network)
{
    size_t items = network->item.rows;
    float *x = calloc(items * network->d + 1, sizeof *x), *length = calloc(items + 1, sizeof *length);
    bool done = hh_scorer_init_with(scorer, network, x, length) && x && length;
    scorer->own_x = x;
    scorer->own_length = length;
    if (done)
        hh_scorer_refresh(scorer);
    return done;
}

void hh_scorer_free(hh_scorer *scorer)
{
    free(scorer->own_x);
    free(scorer->own_length);
    hh_batch_rows_free(&scorer->rows);
    hh_neighbour_list_free(&scorer->near);
    hh_arena_free(&scorer->arena);
    *scorer = (hh_scorer){0};
}

void hh_scorer_refresh(hh_scorer *scorer)
{
    hh_items_vectors(scorer->own_x, scorer->own_length, scorer->network, scorer->rows.item,
                     scorer->rows.count);
}

// The sessions again, end to end as the list of their neighbours is; NULL: out of memory.
static const hh_session_view *find_neighbours(hh_scorer *scorer, const hh_session_view *sessions,
                                              size_t count, hh_batch_options *options)
{
    size_t clicks = 0;
    for (size_t s = 0; s < count; s++)
        clicks += sessions[s].length;
    hh_session_view *views = HH_TAKE(&scorer->arena, count, hh_session_view);
    uint32_t *items = HH_TAKE(&scorer->arena, clicks, uint32_t), *end = items;
    if (scorer->arena.failed)
        return NULL;
    options->index = scorer->memory;
    options->neighbours = &scorer->near;
    options->clicks = items;
    scorer->near.prefixes = 0;
    for (size_t s = 0; s < count; s++) {
        uint32_t length = sessions[s].length;
        memcpy(end, sessions[s].items, length * sizeof *end);
        views[s] = (hh_session_view){end, length};
        end += length;
        if (!hh_neighbour_index_find(scorer->memory, sessions[s].items, length, &scorer->near))
            return NULL;
    }
    return views;
}

bool hh_scorer_read(hh_scorer *scorer, const hh_session_view *sessions, size_t count, bool whole)
{
    const hh_network *network = scorer->network;
    hh_batch_options options = hh_batch_options_of(network, whole);
    hh_arena_reset(&scorer->arena);
    bool heeds = scorer->memory && (network->options.global || network->options.local);
    if (heeds && !(sessions = find_neighbours(scorer, sessions, count, &options)))
        return false;
    if (!hh_batch_build(&scorer->batch, sessions, count, &scorer->rows, &options, &scorer->arena) ||
        !hh_pass_take(&scorer->pass, network, &scorer->batch, 0, false, &scorer->arena))
        return false;
    hh_pass_forward(&scorer->pass, network, &scorer->batch, scorer->x, NULL);
    hh_pass_bias(&scorer->pass, network, &scorer->batch);
    return true;
}

void hh_scorer_logits(hh_scorer *scorer, size_t first, size_t count, float *logits)
{
    const hh_network *network = scorer->network;
    const hh_batch *batch = &scorer->batch;
    size_t d = network->d, items = network->item.rows;
    const float *session = scorer->pass.session + first * d;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)items, (int)d,
                network->options.scale, session, (int)d, scorer->x, (int)d, 0, logits, (int)items);
    for (size_t p = 0; p < count; p++)
        for (uint32_t e = batch->exact.begin[first + p]; e < batch->exact.begin[first + p + 1]; e++)
            logits[p * items + batch->exact.at[e]] += scorer->pass.bias[e];
}
