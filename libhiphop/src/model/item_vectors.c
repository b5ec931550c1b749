// The items' vectors: x = norm(e_v + sum over the sources of t_v P + b), there and back. Sources are what is
// known of an item from elsewhere, by a language model or any other; they stay as they are, and P is learned.
// Vectors are widened and put end to end in blocks of RUN x PART numbers, so that a batch's rows, wherever
// they stand, are read in products of matrices.
#include "model/network.h"

#include "nn/matrix.h"
#include "nn/vector.h"
#include "wide.h"

#include <math.h>

#define RUN  64  // rows at once
#define PART 256 // numbers of their vectors at once

static const hh_tensor *projector(const hh_network *network, uint32_t source)
{
    return &network->tensor[HH_TENSOR_SOURCE0_P + 2 * source];
}

static const hh_tensor *offset(const hh_network *network, uint32_t source)
{
    return &network->tensor[HH_TENSOR_SOURCE0_B + 2 * source];
}

static bool has_vectors(const hh_source *source)
{
    return source->vector || source->bytes;
}

bool hh_source_has(const hh_source *source, uint32_t item)
{
    if (source->bytes)
        return source->scale[item] > 0;
    return source->vector && (!source->present || source->present[item]);
}

bool hh_item_described(const hh_network *network, uint32_t item)
{
    for (size_t i = 0; i < network->said.cols; i++)
        if (network->said.value[item * network->said.cols + i] != 0)
            return true;
    for (uint32_t s = 0; s < network->source_count; s++)
        if (hh_source_has(&network->source[s], item))
            return true;
    return false;
}

// ---- what vectors say ----

HH_WIDE static void widen(float *restrict into, const int8_t *restrict bytes, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        into[i] = scale * bytes[i];
}

// The n numbers from `first` on of the items' vectors, end to end.
static void gather(float *t, const hh_source *source, const uint32_t *item, size_t rows, size_t first,
                   size_t n)
{
    for (size_t r = 0; r < rows; r++) {
        size_t at = item[r] * (size_t)source->width + first;
        if (source->bytes)
            widen(t + r * n, source->bytes + at, source->scale[item[r]], n);
        else
            memcpy(t + r * n, source->vector + at, n * sizeof *t);
    }
}

static size_t part_of(const hh_source *source, size_t first)
{
    return source->width - first < PART ? source->width - first : PART;
}

static void read_source(float *said, const hh_network *network, uint32_t s, const uint32_t *item, size_t rows)
{
    const hh_source *source = &network->source[s];
    size_t d = network->d;
    float t[RUN * PART];
    for (size_t first = 0, n; first < source->width; first += n) {
        n = part_of(source, first);
        gather(t, source, item, rows, first, n);
        hh_mul(said, 1, t, projector(network, s)->value + first * d, rows, d, n);
    }
    for (size_t r = 0; r < rows; r++)
        if (hh_source_has(source, item[r]))
            hh_add_scaled(said + r * d, 1, offset(network, s)->value, d);
}

void hh_items_said(float *said, const hh_network *network, const uint32_t *item, size_t rows)
{
    size_t d = network->d;
    for (size_t r = 0; r < rows && network->said.cols > 0; r++)
        hh_add_scaled(said + r * d, 1, network->said.value + item[r] * d, d);
    for (uint32_t s = 0; s < network->source_count; s++)
        for (size_t r = 0, count; r < rows && has_vectors(&network->source[s]); r += count) {
            count = rows - r < RUN ? rows - r : RUN;
            read_source(said + r * d, network, s, item + r, count);
        }
}

void hh_source_says(float *said, const hh_network *network, uint32_t source, const int8_t *bytes, float scale)
{
    hh_network alone = *network; // of one item, with this source of it
    alone.source[source] =
        (hh_source){.width = network->source[source].width, .bytes = bytes, .scale = &scale};
    read_source(said, &alone, source, &(uint32_t){0}, 1);
}

hh_status hh_network_settle(hh_network *network, hh_error *error)
{
    size_t items = network->item.rows, d = network->d;
    if (network->source_count == 0 || network->said.cols > 0)
        return HH_OK;
    hh_tensor said;
    if (!hh_tensor_new(&said, "said", items, d))
        return hh_fail(error, HH_MEMORY, NULL);
    uint32_t item[RUN];
    for (size_t first = 0, rows; first < items; first += rows) {
        rows = items - first < RUN ? items - first : RUN;
        for (size_t r = 0; r < rows; r++)
            item[r] = (uint32_t)(first + r);
        hh_items_said(said.value + first * d, network, item, rows);
    }
    network->said = said;
    for (uint32_t s = 0; s < network->source_count; s++)
        network->source[s] = (hh_source){.name = network->source[s].name, .width = network->source[s].width};
    return HH_OK;
}

// ---- the items' vectors ----

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
    hh_items_said(x, network, item, rows);
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

static void source_back(hh_gradients *gradients, const float *de, const hh_network *network, uint32_t s,
                        const uint32_t *item, size_t rows)
{
    const hh_source *source = &network->source[s];
    size_t d = network->d;
    float t[RUN * PART];
    for (size_t first = 0, n; first < source->width; first += n) {
        n = part_of(source, first);
        gather(t, source, item, rows, first, n);
        hh_mul_tn(gradients->tensor[HH_TENSOR_SOURCE0_P + 2 * s] + first * d, 1, t, de, n, d, rows);
    }
    for (size_t r = 0; r < rows; r++)
        if (hh_source_has(source, item[r]))
            hh_add_scaled(gradients->tensor[HH_TENSOR_SOURCE0_B + 2 * s], 1, de + r * d, d);
}

void hh_items_sources_back(hh_gradients *gradients, float *de, const hh_network *network,
                           const uint32_t *item, const uint8_t *kept, size_t rows)
{
    size_t d = network->d;
    for (uint32_t s = 0; s < network->source_count; s++)
        for (size_t r = 0, count; r < rows; r += count) {
            count = rows - r < RUN ? rows - r : RUN;
            source_back(gradients, de + r * d, network, s, item + r, count);
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
