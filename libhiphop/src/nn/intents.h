// The intents of a session (Zhang et al. 2025, section 4.3): M learned queries attend to the clicks by
// attention of M heads, and what they see is pooled, the largest of the M in each place:
//
//     k_i = h_i K, v_i = h_i V,  alpha[m, t] = softmax_i(q_m[t] . k_i[t] / sqrt(d / M))     [t]: of head t
//     seen_m = [sum_i alpha[m, 0] v_i[0] || ... || sum_i alpha[m, M - 1] v_i[M - 1]] O
//     intent = max_m seen_m
//
// Clicks are ragged: only those that happened are attended to.
#ifndef NN_INTENTS_H
#define NN_INTENTS_H

#include "nn/arena.h"
#include "nn/ragged.h"

typedef struct hh_intents_weights { // or their gradients
    float *query;                   // [intents x d]
    float *k, *v, *o;               // [d x d] each
} hh_intents_weights;

typedef struct hh_intents_shape {
    size_t d, intents, versions;
    hh_ragged clicks; // [prefixes] versions of the prefix' clicks; each has one at least
} hh_intents_shape;

typedef struct hh_intents_state {
    float *key, *value;  // [versions x d]
    float *score;        // [versions x intents x heads]
    float *alpha;        // [clicks x intents x heads]
    float *heads, *seen; // [prefixes x intents x d] before O, after it
    uint32_t *largest;   // [prefixes x d] which intent was
    float *d_seen;       // as seen; and so on: scratch of the way back, NULL without
    float *d_heads;
    float *d_key, *d_value, *d_score;
} hh_intents_state;

void hh_intents_take(hh_intents_state *state, const hh_intents_shape *shape, bool learns, hh_arena *arena);
// out [prefixes x d], h [versions x d]
void hh_intents(float *out, hh_intents_state *state, const hh_intents_shape *shape,
                const hh_intents_weights *weights, const float *h);
// dh +=, gradients +=
void hh_intents_back(float *dh, hh_intents_weights *gradients, const float *d_out, hh_intents_state *state,
                     const hh_intents_shape *shape, const hh_intents_weights *weights, const float *h);

#endif
