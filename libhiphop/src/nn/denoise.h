// Intent-guided denoising of neighbours (Zhang et al. 2025, section 4.4): which of its neighbour sessions a
// session listens to, and what they say together. n_j are the neighbours' vectors, g is the session's intent:
//
//     a_j = w0 . relu(n_j W1 + g W2 + b) + c prior_j,   alpha = 1 + sigmoid(w . g)
//     p = alpha-entmax(a),   sum = sum_j p_j n_j,   out = selu(sum) / |selu(sum)|
//
// Without guidance p = softmax(c prior). A session without neighbours gets zeros.
#ifndef NN_DENOISE_H
#define NN_DENOISE_H

#include "nn/arena.h"
#include "nn/ragged.h"

typedef struct hh_denoise_weights { // or their gradients
    float *w1, *w2;                 // [d x hidden]
    float *b, *w0;                  // [hidden]
    float *alpha;                   // [d] w
    float *prior;                   // [1] c
} hh_denoise_weights;

typedef struct hh_denoise_shape {
    size_t d, hidden;
    size_t entries;     // neighbours that have a vector
    hh_ragged near;     // [prefixes] lists of entries
    const float *prior; // [near entries]
    bool guided;
} hh_denoise_shape;

typedef struct hh_denoise_state {
    float *key;        // [entries x hidden] n W1
    float *query;      // [prefixes x hidden] g W2 + b
    float *alpha;      // [prefixes]
    float *p;          // [near entries]
    float *sum, *bent; // [prefixes x d] before selu, after it
    float *length;     // [prefixes] |bent|
    float *d_p;        // [near entries]: and so on: scratch of the way back, NULL without
    float *d_a;        // [near entries]
    float *d_sum;      // [prefixes x d]
    float *d_key;      // [entries x hidden]
    float *d_query;    // [prefixes x hidden]
} hh_denoise_state;

void hh_denoise_take(hh_denoise_state *state, const hh_denoise_shape *shape, bool learns, hh_arena *arena);
// out [prefixes x d], n [entries x d], intent [prefixes x d]
void hh_denoise(float *out, hh_denoise_state *state, const hh_denoise_shape *shape,
                const hh_denoise_weights *weights, const float *n, const float *intent);
// dn +=, d_intent +=, gradients +=. What else depends on p has been added to state->d_p [near entries], which
// otherwise is zero.
void hh_denoise_back(float *dn, float *d_intent, hh_denoise_weights *gradients, const float *d_out,
                     hh_denoise_state *state, const hh_denoise_shape *shape,
                     const hh_denoise_weights *weights, const float *n, const float *intent,
                     const float *out);

#endif
