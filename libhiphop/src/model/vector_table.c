#include "model/vector_table.h"

#include "nn/vector.h"

#include <hiphop/status.h>
#include <math.h>
#include <stdlib.h>

#define BLOCK HH_TABLE_BLOCK

// x [d] as code, whose numbers are BLOCK apart; |x - step * code|.
static float encode(const float *x, size_t d, int8_t *code, float *step)
{
    float most = 0, sum = 0;
    for (size_t i = 0; i < d; i++)
        most = fmaxf(most, fabsf(x[i]));
    *step = most / 127;
    for (size_t i = 0; i < d && most > 0; i++) {
        float nearest = rintf(x[i] / *step);
        code[i * BLOCK] = (int8_t)fmaxf(-127, fminf(nearest, 127));
        float rest = x[i] - *step * (float)code[i * BLOCK];
        sum += rest * rest;
    }
    return sqrtf(sum);
}

bool hh_vector_table_init(hh_vector_table *table, const hh_network *network)
{
    size_t items = network->item.rows, d = network->d, blocks = (items + BLOCK - 1) / BLOCK;
    uint32_t *all = calloc(items + 1, sizeof *all);
    *table = (hh_vector_table){.network = network, .items = items, .d = d, .blocks = blocks};
    table->x = malloc((items * d + 1) * sizeof *table->x);
    table->length = malloc((items + 1) * sizeof *table->length);
    table->code = calloc(blocks * BLOCK + 1, d);
    table->step = calloc(blocks * BLOCK + 1, sizeof *table->step);
    bool done = all && table->x && table->length && table->code && table->step;
    for (uint32_t item = 0; item < items && done; item++)
        all[item] = item;
    if (done)
        hh_items_vectors(table->x, table->length, network, all, items);
    for (size_t item = 0; item < items && done; item++) {
        int8_t *code = table->code + item / BLOCK * d * BLOCK + item % BLOCK;
        table->off = fmaxf(table->off, encode(table->x + item * d, d, code, &table->step[item]));
    }
    free(all);
    if (!done)
        hh_vector_table_clear(table);
    return done;
}

void hh_vector_table_clear(hh_vector_table *table)
{
    free(table->x);
    free(table->length);
    free(table->code);
    free(table->step);
    *table = (hh_vector_table){0};
}

HH_WIDEST void hh_vector_table_products(const hh_vector_table *table, const float *h, size_t first,
                                        size_t count, float *products)
{
    size_t d = table->d;
    const int8_t *code = table->code + first * d * BLOCK;
    const float *step = table->step + first * BLOCK;
    for (size_t b = 0; b < count; b++, step += BLOCK, products += BLOCK) {
        float sum[BLOCK] = {0};
        for (size_t i = 0; i < d; i++, code += BLOCK) {
#pragma omp simd
            for (int item = 0; item < BLOCK; item++)
                sum[item] += h[i] * (float)code[item];
        }
#pragma omp simd
        for (int item = 0; item < BLOCK; item++)
            products[item] = step[item] * sum[item];
    }
}

// |h . (x - step * code)| <= |h| |x - step * code|, and what the sums lose by rounding: d roundings of sums
// that are sqrt(d) |h| at most.
float hh_vector_table_error(const hh_vector_table *table, const float *h)
{
    float d = (float)table->d, size = sqrtf(hh_dot(h, h, table->d));
    return 1.001f * size * (table->off + 1.2e-7f * d * sqrtf(d));
}

// ---- for all threads that serve a model ----

hh_vector_table *hh_vector_table_new(const hh_model *model, hh_error *error)
{
    const hh_network *network = hh_model_network(model);
    hh_train_data sessions;
    if ((network->options.global || network->options.local) && !hh_model_sessions(model, &sessions)) {
        hh_fail(error, HH_ARGUMENT,
                "a network that heeds neighbours needs the sessions that it was trained on, and its model "
                "holds none");
        return NULL;
    }
    hh_vector_table *table = malloc(sizeof *table);
    if (table && hh_vector_table_init(table, network)) {
        table->model = model;
        return table;
    }
    free(table);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

void hh_vector_table_free(hh_vector_table *table)
{
    if (table)
        hh_vector_table_clear(table);
    free(table);
}
