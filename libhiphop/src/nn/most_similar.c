#include "nn/most_similar.h"

#include "nn/softmax.h"
#include "nn/vector.h"

void hh_similar_take(hh_similar_state *state, const hh_similar_shape *shape, bool learns, hh_arena *arena)
{
    size_t prefixes = shape->near.count;
    *state = (hh_similar_state){
        .unit = HH_TAKE(arena, prefixes * shape->d, float),
        .length = HH_TAKE(arena, prefixes, float),
        .chosen = HH_TAKE(arena, prefixes * shape->keep, uint32_t),
        .count = HH_TAKE(arena, prefixes, uint32_t),
        .weight = HH_TAKE(arena, prefixes * shape->keep, float),
    };
    if (learns)
        state->d_unit = HH_TAKE(arena, prefixes * shape->d, float);
}

// Keeps the nearest in descending order.
static uint32_t keep(uint32_t *chosen, float *cosine, uint32_t count, uint32_t most, uint32_t entry,
                     float with)
{
    if (count == most && with <= cosine[count - 1])
        return count;
    uint32_t at = count < most ? count++ : count - 1;
    for (; at > 0 && cosine[at - 1] < with; at--) {
        cosine[at] = cosine[at - 1];
        chosen[at] = chosen[at - 1];
    }
    cosine[at] = with;
    chosen[at] = entry;
    return count;
}

void hh_similar(float *out, hh_similar_state *state, const hh_similar_shape *shape, const float *f,
                const float *n)
{
    size_t d = shape->d, prefixes = shape->near.count;
    hh_normalise(state->unit, state->length, f, prefixes, d);
    memset(out, 0, prefixes * d * sizeof *out);
    for (size_t p = 0; p < prefixes; p++) {
        uint32_t *chosen = state->chosen + p * shape->keep, count = 0;
        float *weight = state->weight + p * shape->keep;
        for (uint32_t i = shape->near.begin[p]; i < shape->near.begin[p + 1]; i++) {
            uint32_t entry = shape->near.at[i];
            count = keep(chosen, weight, count, shape->keep, entry,
                         hh_dot(state->unit + p * d, n + entry * d, d));
        }
        state->count[p] = count;
        if (count > 0)
            hh_softmax(weight, count);
        for (uint32_t i = 0; i < count; i++)
            hh_add_scaled(out + p * d, weight[i], n + chosen[i] * d, d);
    }
}

void hh_similar_back(float *df, float *dn, const float *d_out, hh_similar_state *state,
                     const hh_similar_shape *shape, const float *n)
{
    size_t d = shape->d, prefixes = shape->near.count;
    memset(state->d_unit, 0, prefixes * d * sizeof(float));
    for (size_t p = 0; p < prefixes; p++) {
        const uint32_t *chosen = state->chosen + p * shape->keep;
        const float *weight = state->weight + p * shape->keep;
        float d_weight[HH_SIMILAR_MAX] = {0}, d_cosine[HH_SIMILAR_MAX] = {0};
        for (uint32_t i = 0; i < state->count[p]; i++) {
            d_weight[i] = hh_dot(d_out + p * d, n + chosen[i] * d, d);
            hh_add_scaled(dn + chosen[i] * d, weight[i], d_out + p * d, d);
        }
        hh_softmax_back(d_cosine, d_weight, weight, state->count[p]);
        for (uint32_t i = 0; i < state->count[p]; i++) {
            hh_add_scaled(dn + chosen[i] * d, d_cosine[i], state->unit + p * d, d);
            hh_add_scaled(state->d_unit + p * d, d_cosine[i], n + chosen[i] * d, d);
        }
    }
    hh_normalise_back(df, state->d_unit, state->unit, state->length, prefixes, d);
}
