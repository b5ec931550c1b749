#include "nn/intents.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <math.h>

void hh_intents_take(hh_intents_state *state, const hh_intents_shape *shape, bool learns, hh_arena *arena)
{
    size_t d = shape->d, m = shape->intents, prefixes = shape->clicks.count;
    *state = (hh_intents_state){
        .key = HH_TAKE(arena, shape->versions * d, float),
        .value = HH_TAKE(arena, shape->versions * d, float),
        .score = HH_TAKE(arena, shape->versions * m * m, float),
        .alpha = HH_TAKE(arena, shape->clicks.begin[prefixes] * m * m, float),
        .heads = HH_TAKE(arena, prefixes * m * d, float),
        .seen = HH_TAKE(arena, prefixes * m * d, float),
        .largest = HH_TAKE(arena, prefixes * d, uint32_t),
    };
    if (!learns)
        return;
    state->d_seen = HH_TAKE(arena, prefixes * m * d, float);
    state->d_heads = HH_TAKE(arena, prefixes * m * d, float);
    state->d_key = HH_TAKE(arena, shape->versions * d, float);
    state->d_value = HH_TAKE(arena, shape->versions * d, float);
    state->d_score = HH_TAKE(arena, shape->versions * m * m, float);
}

typedef struct head { // its columns
    size_t begin, width;
    float scale;
} head;

static head head_of(const hh_intents_shape *shape, size_t t)
{
    size_t begin = t * shape->d / shape->intents, width = (t + 1) * shape->d / shape->intents - begin;
    return (head){begin, width, width > 0 ? 1 / sqrtf((float)width) : 0};
}

// alpha [clicks x pairs] from the scores of the prefix' versions, each pair of intent and head on its own
static void attend(float *alpha, const float *score, const uint32_t *version, size_t clicks, size_t pairs)
{
    for (size_t pair = 0; pair < pairs; pair++) {
        float most = -INFINITY, sum = 0;
        for (size_t i = 0; i < clicks; i++) {
            float of = score[version[i] * pairs + pair];
            most = of > most ? of : most;
        }
        for (size_t i = 0; i < clicks; i++)
            sum += alpha[i * pairs + pair] = hh_exp(score[version[i] * pairs + pair] - most);
        for (size_t i = 0; i < clicks; i++)
            alpha[i * pairs + pair] /= sum;
    }
}

void hh_intents(float *out, hh_intents_state *state, const hh_intents_shape *shape,
                const hh_intents_weights *weights, const float *h)
{
    size_t d = shape->d, m = shape->intents, prefixes = shape->clicks.count;
    const uint32_t *begin = shape->clicks.begin, *version = shape->clicks.at;
    hh_mul(state->key, 0, h, weights->k, shape->versions, d, d);
    hh_mul(state->value, 0, h, weights->v, shape->versions, d, d);
    for (size_t v = 0; v < shape->versions; v++)
        for (size_t q = 0; q < m; q++)
            for (size_t t = 0; t < m; t++) {
                head of = head_of(shape, t);
                state->score[(v * m + q) * m + t] =
                    of.scale *
                    hh_dot(weights->query + q * d + of.begin, state->key + v * d + of.begin, of.width);
            }
    memset(state->heads, 0, prefixes * m * d * sizeof(float));
    for (size_t p = 0; p < prefixes; p++) {
        float *alpha = state->alpha + begin[p] * m * m;
        attend(alpha, state->score, version + begin[p], begin[p + 1] - begin[p], m * m);
        for (uint32_t i = begin[p]; i < begin[p + 1]; i++, alpha += m * m)
            for (size_t q = 0; q < m; q++)
                for (size_t t = 0; t < m; t++) {
                    head of = head_of(shape, t);
                    hh_add_scaled(state->heads + (p * m + q) * d + of.begin, alpha[q * m + t],
                                  state->value + version[i] * d + of.begin, of.width);
                }
    }
    hh_mul(state->seen, 0, state->heads, weights->o, prefixes * m, d, d);
    for (size_t p = 0; p < prefixes; p++)
        for (size_t c = 0; c < d; c++) {
            const float *seen = state->seen + p * m * d + c;
            uint32_t largest = 0;
            for (uint32_t q = 1; q < m; q++)
                largest = seen[q * d] > seen[largest * d] ? q : largest;
            state->largest[p * d + c] = largest;
            out[p * d + c] = seen[largest * d];
        }
}

// Of one prefix: from d_heads to d_value and d_score.
static void attend_back(hh_intents_state *state, const hh_intents_shape *shape, size_t p)
{
    size_t d = shape->d, m = shape->intents;
    uint32_t first = shape->clicks.begin[p], end = shape->clicks.begin[p + 1];
    const uint32_t *version = shape->clicks.at;
    for (size_t q = 0; q < m; q++)
        for (size_t t = 0; t < m; t++) {
            head of = head_of(shape, t);
            const float *d_head = state->d_heads + (p * m + q) * d + of.begin;
            const float *alpha = state->alpha + q * m + t;
            float mean = 0;
            for (uint32_t i = first; i < end; i++) {
                float weight = alpha[i * m * m];
                mean += weight * hh_dot(d_head, state->value + version[i] * d + of.begin, of.width);
                hh_add_scaled(state->d_value + version[i] * d + of.begin, weight, d_head, of.width);
            }
            for (uint32_t i = first; i < end; i++) {
                float d_alpha = hh_dot(d_head, state->value + version[i] * d + of.begin, of.width);
                state->d_score[(version[i] * m + q) * m + t] += alpha[i * m * m] * (d_alpha - mean);
            }
        }
}

void hh_intents_back(float *dh, hh_intents_weights *gradients, const float *d_out, hh_intents_state *state,
                     const hh_intents_shape *shape, const hh_intents_weights *weights, const float *h)
{
    size_t d = shape->d, m = shape->intents, prefixes = shape->clicks.count, versions = shape->versions;
    memset(state->d_seen, 0, prefixes * m * d * sizeof(float));
    memset(state->d_key, 0, versions * d * sizeof(float));
    memset(state->d_value, 0, versions * d * sizeof(float));
    memset(state->d_score, 0, versions * m * m * sizeof(float));
    for (size_t p = 0; p < prefixes; p++)
        for (size_t c = 0; c < d; c++)
            state->d_seen[(p * m + state->largest[p * d + c]) * d + c] = d_out[p * d + c];
    hh_mul_tn(gradients->o, 1, state->heads, state->d_seen, d, d, prefixes * m);
    hh_mul_nt(state->d_heads, 0, state->d_seen, weights->o, prefixes * m, d, d);
    for (size_t p = 0; p < prefixes; p++)
        attend_back(state, shape, p);
    for (size_t v = 0; v < versions; v++)
        for (size_t q = 0; q < m; q++)
            for (size_t t = 0; t < m; t++) {
                head of = head_of(shape, t);
                float change = of.scale * state->d_score[(v * m + q) * m + t];
                hh_add_scaled(state->d_key + v * d + of.begin, change, weights->query + q * d + of.begin,
                              of.width);
                hh_add_scaled(gradients->query + q * d + of.begin, change, state->key + v * d + of.begin,
                              of.width);
            }
    hh_mul_tn(gradients->k, 1, h, state->d_key, d, d, versions);
    hh_mul_tn(gradients->v, 1, h, state->d_value, d, d, versions);
    hh_mul_nt(dh, 1, state->d_key, weights->k, versions, d, d);
    hh_mul_nt(dh, 1, state->d_value, weights->v, versions, d, d);
}
