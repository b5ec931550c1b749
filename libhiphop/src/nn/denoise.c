#include "nn/denoise.h"

#include "nn/entmax.h"
#include "nn/matrix.h"
#include "nn/softmax.h"
#include "nn/vector.h"

#define SELU_SCALE 1.05070098f
#define SELU_ALPHA 1.67326324f

void hh_denoise_take(hh_denoise_state *state, const hh_denoise_shape *shape, bool learns, hh_arena *arena)
{
    size_t d = shape->d, prefixes = shape->near.count, near = shape->near.begin[prefixes];
    size_t guided = shape->guided ? shape->hidden : 0;
    *state = (hh_denoise_state){
        .key = HH_TAKE(arena, shape->entries * guided, float),
        .query = HH_TAKE(arena, prefixes * guided, float),
        .alpha = HH_TAKE(arena, prefixes, float),
        .p = HH_TAKE(arena, near, float),
        .sum = HH_TAKE(arena, prefixes * d, float),
        .bent = HH_TAKE(arena, prefixes * d, float),
        .length = HH_TAKE(arena, prefixes, float),
    };
    if (!learns)
        return;
    state->d_p = HH_TAKE_ZERO(arena, near, float);
    state->d_a = HH_TAKE(arena, near, float);
    state->d_sum = HH_TAKE(arena, prefixes * d, float);
    state->d_key = HH_TAKE(arena, shape->entries * guided, float);
    state->d_query = HH_TAKE(arena, prefixes * guided, float);
}

HH_WIDE static float score(const float *restrict key, const float *restrict query, const float *restrict w0,
                           size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        float x = key[i] + query[i];
        sum += w0[i] * (x > 0 ? x : 0);
    }
    return sum;
}

HH_WIDE static void score_back(float *restrict d_key, float *restrict d_query, float *restrict d_w0, float da,
                               const float *restrict key, const float *restrict query,
                               const float *restrict w0, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = key[i] + query[i], open = x > 0 ? da : 0;
        d_w0[i] += open * x;
        d_key[i] += open * w0[i];
        d_query[i] += open * w0[i];
    }
}

static float selu(float x)
{
    return SELU_SCALE * (x > 0 ? x : SELU_ALPHA * (hh_exp(x) - 1));
}

static float selu_slope(float x, float y) // y: selu(x)
{
    return x > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA;
}

void hh_denoise(float *out, hh_denoise_state *state, const hh_denoise_shape *shape,
                const hh_denoise_weights *weights, const float *n, const float *intent)
{
    size_t d = shape->d, hidden = shape->hidden, prefixes = shape->near.count;
    const uint32_t *begin = shape->near.begin, *entry = shape->near.at;
    if (shape->guided) {
        hh_mul(state->key, 0, n, weights->w1, shape->entries, hidden, d);
        for (size_t p = 0; p < prefixes; p++)
            memcpy(state->query + p * hidden, weights->b, hidden * sizeof(float));
        hh_mul(state->query, 1, intent, weights->w2, prefixes, hidden, d);
    }
    memset(state->sum, 0, prefixes * d * sizeof(float));
    for (size_t p = 0; p < prefixes; p++) {
        uint32_t first = begin[p], end = begin[p + 1];
        if (first == end)
            continue;
        for (uint32_t i = first; i < end; i++)
            state->p[i] = weights->prior[0] * shape->prior[i];
        if (shape->guided) {
            for (uint32_t i = first; i < end; i++)
                state->p[i] +=
                    score(state->key + entry[i] * hidden, state->query + p * hidden, weights->w0, hidden);
            state->alpha[p] = 1 + hh_sigmoid(hh_dot(weights->alpha, intent + p * d, d));
            hh_entmax(state->p + first, state->p + first, end - first, state->alpha[p]);
        } else {
            hh_softmax(state->p + first, end - first);
        }
        for (uint32_t i = first; i < end; i++)
            if (state->p[i] > 0)
                hh_add_scaled(state->sum + p * d, state->p[i], n + entry[i] * d, d);
    }
    for (size_t i = 0; i < prefixes * d; i++)
        state->bent[i] = selu(state->sum[i]);
    hh_normalise(out, state->length, state->bent, prefixes, d);
}

void hh_denoise_back(float *dn, float *d_intent, hh_denoise_weights *gradients, const float *d_out,
                     hh_denoise_state *state, const hh_denoise_shape *shape,
                     const hh_denoise_weights *weights, const float *n, const float *intent, const float *out)
{
    size_t d = shape->d, hidden = shape->hidden, prefixes = shape->near.count;
    const uint32_t *begin = shape->near.begin, *entry = shape->near.at;
    memset(state->d_sum, 0, prefixes * d * sizeof(float));
    memset(state->d_a, 0, begin[prefixes] * sizeof(float));
    if (shape->guided) {
        memset(state->d_key, 0, shape->entries * hidden * sizeof(float));
        memset(state->d_query, 0, prefixes * hidden * sizeof(float));
    }
    hh_normalise_back(state->d_sum, d_out, out, state->length, prefixes, d);
    for (size_t i = 0; i < prefixes * d; i++)
        state->d_sum[i] *= selu_slope(state->sum[i], state->bent[i]);
    for (size_t p = 0; p < prefixes; p++) {
        uint32_t first = begin[p], end = begin[p + 1];
        if (first == end)
            continue;
        for (uint32_t i = first; i < end; i++)
            if (state->p[i] > 0) {
                state->d_p[i] += hh_dot(state->d_sum + p * d, n + entry[i] * d, d);
                hh_add_scaled(dn + entry[i] * d, state->p[i], state->d_sum + p * d, d);
            }
        if (shape->guided) {
            float alpha = state->alpha[p];
            float d_alpha =
                hh_entmax_back(state->d_a + first, state->d_p + first, state->p + first, end - first, alpha);
            float slope = d_alpha * (alpha - 1) * (2 - alpha);
            hh_add_scaled(gradients->alpha, slope, intent + p * d, d);
            hh_add_scaled(d_intent + p * d, slope, weights->alpha, d);
        } else {
            hh_softmax_back(state->d_a + first, state->d_p + first, state->p + first, end - first);
        }
        for (uint32_t i = first; i < end; i++) {
            gradients->prior[0] += state->d_a[i] * shape->prior[i];
            if (shape->guided && state->p[i] > 0)
                score_back(state->d_key + entry[i] * hidden, state->d_query + p * hidden, gradients->w0,
                           state->d_a[i], state->key + entry[i] * hidden, state->query + p * hidden,
                           weights->w0, hidden);
        }
    }
    if (!shape->guided)
        return;
    hh_mul_tn(gradients->w1, 1, n, state->d_key, d, hidden, shape->entries);
    hh_mul_nt(dn, 1, state->d_key, weights->w1, shape->entries, d, hidden);
    hh_mul_tn(gradients->w2, 1, intent, state->d_query, d, hidden, prefixes);
    hh_mul_nt(d_intent, 1, state->d_query, weights->w2, prefixes, d, hidden);
    for (size_t p = 0; p < prefixes; p++)
        hh_add_scaled(gradients->b, 1, state->d_query + p * hidden, hidden);
}
