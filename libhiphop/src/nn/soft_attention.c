#include "nn/soft_attention.h"

#include "nn/matrix.h"
#include "nn/vector.h"

void hh_attention_take(hh_attention_state *state, const hh_attention_shape *shape, bool learns,
                       hh_arena *arena)
{
    size_t d = shape->d, prefixes = shape->clicks.count, clicks = shape->clicks.begin[prefixes];
    *state = (hh_attention_state){
        .last = HH_TAKE(arena, prefixes * d, float),
        .query = HH_TAKE(arena, prefixes * d, float),
        .key = HH_TAKE(arena, shape->versions * d, float),
        .place = HH_TAKE(arena, shape->positions * d, float),
        .bent = HH_TAKE(arena, clicks * d, float),
        .alpha = HH_TAKE(arena, clicks, float),
        .joined = HH_TAKE(arena, prefixes * 2 * d, float),
    };
    if (!learns)
        return;
    state->d_joined = HH_TAKE(arena, prefixes * 2 * d, float);
    state->d_query = HH_TAKE(arena, prefixes * d, float);
    state->d_key = HH_TAKE(arena, shape->versions * d, float);
    state->d_place = HH_TAKE(arena, shape->positions * d, float);
    state->d_alpha = HH_TAKE(arena, clicks, float);
}

// The row of the position table for click i of a prefix of `count`.
static size_t place_of(size_t i, size_t count, size_t positions)
{
    size_t back = count - 1 - i;
    return back < positions ? back : positions - 1;
}

HH_WIDE static float bend(float *restrict bent, const float *restrict query, const float *restrict key,
                          const float *restrict place, const float *restrict w3, size_t d)
{
    float e = 0;
#pragma omp simd reduction(+ : e)
    for (size_t i = 0; i < d; i++) {
        bent[i] = hh_sigmoid(query[i] + key[i] + place[i]);
        e += w3[i] * bent[i];
    }
    return e;
}

static void softmax(float *x, size_t n)
{
    float most = hh_largest(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] -= most;
    hh_exp_all(x, n);
    float sum = hh_sum(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

// One prefix, of clicks version[0 .. count): joined [2d] = [sum_i alpha_i s_i || last]. query [d], last [d],
// key [versions x d] and place [positions x d] as in the state; bent [count x d] and alpha [count] for the
// way back.
static void join(float *joined, float *bent, float *alpha, const hh_attention_weights *weights,
                 const float *query, const float *last, const float *key, const float *place, const float *h,
                 const uint32_t *version, size_t count, size_t positions, size_t d)
{
    for (size_t i = 0; i < count; i++)
        alpha[i] = bend(bent + i * d, query, key + version[i] * d, place + place_of(i, count, positions) * d,
                        weights->w3, d);
    softmax(alpha, count);
    memset(joined, 0, d * sizeof *joined);
    for (size_t i = 0; i < count; i++) {
        hh_add_scaled(joined, alpha[i], h + version[i] * d, d);
        hh_add_scaled(joined, alpha[i], weights->position + place_of(i, count, positions) * d, d);
    }
    memcpy(joined + d, last, d * sizeof *joined);
}

void hh_attention(float *out, hh_attention_state *state, const hh_attention_shape *shape,
                  const hh_attention_weights *weights, const float *h)
{
    size_t d = shape->d, prefixes = shape->clicks.count, longest = 0;
    const uint32_t *begin = shape->clicks.begin, *version = shape->clicks.at;
    for (size_t p = 0; p < prefixes; p++) {
        size_t count = begin[p + 1] - begin[p];
        longest = count > longest ? count : longest;
        float *last = state->last + p * d;
        memcpy(last, h + version[begin[p + 1] - 1] * d, d * sizeof *last);
        hh_add_scaled(last, 1, weights->position, d);
        memcpy(state->query + p * d, weights->b, d * sizeof(float));
    }
    hh_mul(state->query, 1, state->last, weights->w1, prefixes, d, d);
    hh_mul(state->key, 0, h, weights->w2, shape->versions, d, d);
    hh_mul(state->place, 0, weights->position, weights->w2,
           longest < shape->positions ? longest : shape->positions, d, d);
    for (size_t p = 0; p < prefixes; p++)
        join(state->joined + p * 2 * d, state->bent + begin[p] * d, state->alpha + begin[p], weights,
             state->query + p * d, state->last + p * d, state->key, state->place, h, version + begin[p],
             begin[p + 1] - begin[p], shape->positions, d);
    hh_mul(out, 0, state->joined, weights->t, prefixes, d, 2 * d);
}

// de is known: what it does to the query, the key, the place and w3
HH_WIDE static void bend_back(float *restrict d_query, float *restrict d_key, float *restrict d_place,
                              float *restrict d_w3, float de, const float *restrict bent,
                              const float *restrict w3, size_t d)
{
    for (size_t i = 0; i < d; i++) {
        float change = de * w3[i] * bent[i] * (1 - bent[i]);
        d_w3[i] += de * bent[i];
        d_query[i] += change;
        d_key[i] += change;
        d_place[i] += change;
    }
}

void hh_attention_back(float *dh, hh_attention_weights *gradients, const float *d_out,
                       hh_attention_state *state, const hh_attention_shape *shape,
                       const hh_attention_weights *weights, const float *h)
{
    size_t d = shape->d, prefixes = shape->clicks.count;
    const uint32_t *begin = shape->clicks.begin, *version = shape->clicks.at;
    hh_mul_tn(gradients->t, 1, state->joined, d_out, 2 * d, d, prefixes);
    hh_mul_nt(state->d_joined, 0, d_out, weights->t, prefixes, 2 * d, d);
    memset(state->d_query, 0, prefixes * d * sizeof(float));
    memset(state->d_key, 0, shape->versions * d * sizeof(float));
    memset(state->d_place, 0, shape->positions * d * sizeof(float));
    for (size_t p = 0; p < prefixes; p++) {
        uint32_t first = begin[p], end = begin[p + 1];
        const float *d_sum = state->d_joined + p * 2 * d;
        float mean = 0;
        for (uint32_t i = first; i < end; i++) {
            size_t place = place_of(i - first, end - first, shape->positions);
            state->d_alpha[i - first] =
                hh_dot(d_sum, h + version[i] * d, d) + hh_dot(d_sum, weights->position + place * d, d);
            mean += state->alpha[i] * state->d_alpha[i - first];
            hh_add_scaled(dh + version[i] * d, state->alpha[i], d_sum, d);
            hh_add_scaled(gradients->position + place * d, state->alpha[i], d_sum, d);
        }
        for (uint32_t i = first; i < end; i++)
            bend_back(state->d_query + p * d, state->d_key + version[i] * d,
                      state->d_place + place_of(i - first, end - first, shape->positions) * d, gradients->w3,
                      state->alpha[i] * (state->d_alpha[i - first] - mean), state->bent + i * d, weights->w3,
                      d);
    }
    hh_mul_tn(gradients->w1, 1, state->last, state->d_query, d, d, prefixes);
    hh_mul_tn(gradients->w2, 1, h, state->d_key, d, d, shape->versions);
    hh_mul_tn(gradients->w2, 1, weights->position, state->d_place, d, d, shape->positions);
    hh_mul_nt(dh, 1, state->d_key, weights->w2, shape->versions, d, d);
    hh_mul_nt(gradients->position, 1, state->d_place, weights->w2, shape->positions, d, d);
    float *d_last = state->last; // s_n is not needed any more
    hh_mul_nt(d_last, 0, state->d_query, weights->w1, prefixes, d, d);
    for (size_t p = 0; p < prefixes; p++) {
        float *change = d_last + p * d;
        hh_add_scaled(change, 1, state->d_joined + p * 2 * d + d, d);
        hh_add_scaled(dh + version[begin[p + 1] - 1] * d, 1, change, d);
        hh_add_scaled(gradients->position, 1, change, d);
        hh_add_scaled(gradients->b, 1, state->d_query + p * d, d);
    }
}
