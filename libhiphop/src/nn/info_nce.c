#include "nn/info_nce.h"

#include "nn/matrix.h"
#include "nn/softmax.h"
#include "nn/vector.h"

#include <math.h>
#include <stdbool.h>

void hh_nce_take(hh_nce_state *state, const hh_nce_shape *shape, hh_arena *arena)
{
    *state = (hh_nce_state){
        .like = HH_TAKE(arena, shape->prefixes * shape->prefixes, float),
        .sign = HH_TAKE(arena, shape->prefixes, uint64_t),
        .near = HH_TAKE(arena, shape->prefixes, uint32_t),
        .weight = HH_TAKE(arena, shape->prefixes + 1, float),
    };
}

static bool share_item(const hh_nce_state *state, const hh_nce_shape *shape, size_t p, size_t q)
{
    if (!(state->sign[p] & state->sign[q]))
        return false;
    for (uint32_t i = shape->first[p]; i < shape->end[p]; i++)
        for (uint32_t j = shape->first[q]; j < shape->end[q]; j++)
            if (shape->item[i] == shape->item[j])
                return true;
    return false;
}

// A heap of the nearest by `like`, the farthest of them on top.
static void sink(uint32_t *heap, uint32_t count, uint32_t at, const float *like)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && like[heap[child + 1]] < like[heap[child]])
            child++;
        if (like[heap[at]] <= like[heap[child]])
            return;
        uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
    }
}

static uint32_t choose(hh_nce_state *state, const hh_nce_shape *shape, size_t p)
{
    const float *like = state->like + p * shape->prefixes;
    uint32_t count = 0;
    for (uint32_t q = 0; q < shape->prefixes; q++) {
        bool full = count == shape->negatives;
        if (q == p || (full && (count == 0 || like[q] <= like[state->near[0]])) ||
            share_item(state, shape, p, q))
            continue;
        if (!full) {
            state->near[count++] = q;
            if (count == shape->negatives)
                for (uint32_t at = count / 2; at-- > 0;)
                    sink(state->near, count, at, like);
            continue;
        }
        state->near[0] = q;
        sink(state->near, count, 0, like);
    }
    return count;
}

double hh_info_nce(float *da, float *db, hh_nce_state *state, const hh_nce_shape *shape, const float *a,
                   const float *b)
{
    size_t d = shape->d, prefixes = shape->prefixes;
    double loss = 0;
    hh_mul_nt(state->like, 0, a, a, prefixes, prefixes, d);
    for (size_t p = 0; p < prefixes; p++) {
        state->sign[p] = 0;
        for (uint32_t i = shape->first[p]; i < shape->end[p]; i++)
            state->sign[p] |= 1ull << ((shape->item[i] * 0x9e3779b1u) >> 26);
    }
    for (size_t p = 0; p < prefixes; p++) {
        const float *own = a + p * d, *positive = b + p * d;
        if (!(hh_dot(positive, positive, d) > 0))
            continue;
        uint32_t count = choose(state, shape, p);
        float *weight = state->weight;
        weight[count] = hh_dot(own, positive, d) / shape->temperature;
        for (uint32_t i = 0; i < count; i++)
            weight[i] = state->like[p * prefixes + state->near[i]] / shape->temperature;
        hh_softmax(weight, count + 1);
        loss -= log(weight[count] > 1e-30f ? weight[count] : 1e-30f);
        float by = shape->share / shape->temperature;
        hh_add_scaled(da + p * d, by * (weight[count] - 1), positive, d);
        hh_add_scaled(db + p * d, by * (weight[count] - 1), own, d);
        for (uint32_t i = 0; i < count; i++) {
            size_t q = state->near[i];
            hh_add_scaled(da + p * d, by * weight[i], a + q * d, d);
            hh_add_scaled(da + q * d, by * weight[i], own, d);
        }
    }
    return loss * shape->share;
}
