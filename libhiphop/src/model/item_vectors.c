// The items' vectors: x = norm(e_v + sum over the sources of t_v P + b), there and back. Sources are what is
// known of an item from elsewhere, by a language model or any other; they stay as they are, and P is learned.
#include "model/network.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <math.h>

#define RUN 64 // rows at once

static const hh_tensor *projector(const hh_network *network, uint32_t source)
{
    return &network->tensor[HH_TENSOR_SOURCE0_P + 2 * source];
}

static const hh_tensor *offset(const hh_network *network, uint32_t source)
{
    return &network->tensor[HH_TENSOR_SOURCE0_B + 2 * source];
}

bool hh_source_has(const hh_source *source, uint32_t item)
{
    return !source->present || source->present[item];
}

bool hh_item_described(const hh_network *network, uint32_t item)
{
    for (uint32_t s = 0; s < network->source_count; s++)
        if (hh_source_has(&network->source[s], item))
            return true;
    return false;
}

// How many rows from `row` on have consecutive items, so that their vectors stand end to end.
static size_t run_of(const uint32_t *item, size_t row, size_t rows)
{
    size_t count = 1;
    while (count < RUN && row + count < rows && item[row + count] == item[row] + count)
        count++;
    return count;
}

static void describe(float *x, const hh_network *network, const uint32_t *item, size_t rows)
{
    size_t d = network->d;
    for (uint32_t s = 0; s < network->source_count; s++) {
        const hh_source *source = &network->source[s];
        for (size_t r = 0, count; r < rows; r += count) {
            count = run_of(item, r, rows);
            hh_mul(x + r * d, 1, source->vector + item[r] * (size_t)source->width,
                   projector(network, s)->value, count, d, source->width);
            for (size_t i = 0; i < count; i++)
                if (hh_source_has(source, item[r + i]))
                    hh_add_scaled(x + (r + i) * d, 1, offset(network, s)->value, d);
        }
    }
}

void hh_items_vectors_kept(float *x, float *length, const hh_network *network, const uint32_t *item,
                           const uint8_t *kept, size_t rows)
{
    size_t d = network->d;
    if (network->source_count == 0) {
        for (size_t r = 0; r < rows; r++)
            hh_normalise(x + r * d, length + r, network->item.value + item[r] * d, 1, d);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        if (!kept || kept[r])
            memcpy(x + r * d, network->item.value + item[r] * d, d * sizeof *x);
        else
            memset(x + r * d, 0, d * sizeof *x);
    describe(x, network, item, rows);
    for (size_t r = 0; r < rows; r++) {
        float norm = sqrtf(hh_dot(x + r * d, x + r * d, d)), by = norm > 0 ? 1 / norm : 0;
        length[r] = norm;
        for (size_t i = 0; i < d; i++)
            x[r * d + i] *= by;
    }
}

void hh_items_vectors(float *x, float *length, const hh_network *network, const uint32_t *item, size_t rows)
{
    hh_items_vectors_kept(x, length, network, item, NULL, rows);
}

// In runs that begin where a scorer's do, so that the numbers are the same.
void hh_network_item_vectors(const hh_network *network, uint32_t first, uint32_t count, float *x)
{
    uint32_t item[RUN];
    float length[RUN];
    for (uint32_t done = 0, rows; done < count; done += rows) {
        rows = RUN - (first + done) % RUN;
        if (rows > count - done)
            rows = count - done;
        for (uint32_t r = 0; r < rows; r++)
            item[r] = first + done + r;
        hh_items_vectors(x + (size_t)done * network->d, length, network, item, rows);
    }
}

void hh_items_vectors_back(float *de, const float *dx, const float *x, const float *length,
                           const hh_network *network, size_t rows)
{
    memset(de, 0, rows * network->d * sizeof *de);
    hh_normalise_back(de, dx, x, length, rows, network->d);
}

void hh_items_sources_back(hh_gradients *gradients, float *de, const hh_network *network,
                           const uint32_t *item, const uint8_t *kept, size_t rows)
{
    size_t d = network->d;
    for (uint32_t s = 0; s < network->source_count; s++) {
        const hh_source *source = &network->source[s];
        for (size_t r = 0, count; r < rows; r += count) {
            count = run_of(item, r, rows);
            hh_mul_tn(gradients->tensor[HH_TENSOR_SOURCE0_P + 2 * s], 1,
                      source->vector + item[r] * (size_t)source->width, de + r * d, source->width, d, count);
            for (size_t i = 0; i < count; i++)
                if (hh_source_has(source, item[r + i]))
                    hh_add_scaled(gradients->tensor[HH_TENSOR_SOURCE0_B + 2 * s], 1, de + (r + i) * d, d);
        }
    }
    for (size_t r = 0; r < rows && kept; r++)
        if (!kept[r])
            memset(de + r * d, 0, d * sizeof *de);
}

void hh_items_keep_short(hh_network *network, const uint32_t *item, size_t rows)
{
    size_t d = network->d;
    float bound = network->options.id_length;
    for (size_t r = 0; r < rows && network->source_count > 0; r++) {
        float *e = network->item.value + item[r] * d, length = sqrtf(hh_dot(e, e, d));
        if (length <= bound || !hh_item_described(network, item[r]))
            continue;
        for (size_t i = 0; i < d; i++)
            e[i] *= bound / length;
    }
}
