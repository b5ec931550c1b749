// A session's vector: soft attention of its last click to all (SR-GNN, equations 6 and 7, with a softmax),
// for every prefix at once. s_i = h[version of click i] + position[clicks from the end]:
//
//     e_i = w3 . sigmoid(s_n W1 + s_i W2 + b),  alpha = softmax(e),  out = [sum_i alpha_i s_i || s_n] T
#ifndef NN_SOFT_ATTENTION_H
#define NN_SOFT_ATTENTION_H

#include "nn/arena.h"
#include "nn/ragged.h"

typedef struct hh_attention_weights { // or their gradients
    float *position;    // [positions x d], by clicks from the end, the last row for all further ones
    float *w1, *w2, *b; // [d x d], [d x d], [d]
    float *w3;          // [d]
    float *t;           // [2d x d]
} hh_attention_weights;

typedef struct hh_attention_shape {
    size_t d, versions, positions;
    hh_ragged clicks; // [prefixes] the versions of a prefix' clicks, in order; each has one at least
} hh_attention_shape;

typedef struct hh_attention_state {
    float *last;                                 // [prefixes x d] s_n
    float *query;                                // [prefixes x d] s_n W1 + b
    float *key;                                  // [versions x d] h W2
    float *place;                                // [positions x d] position W2
    float *bent;                                 // [clicks x d] the sigmoids
    float *alpha;                                // [clicks]
    float *joined;                               // [prefixes x 2d]
    float *d_joined, *d_query, *d_key, *d_place; // scratch of the way back; NULL without
    float *d_alpha;                              // [longest prefix]
} hh_attention_state;

void hh_attention_take(hh_attention_state *state, const hh_attention_shape *shape, bool learns,
                       hh_arena *arena);
// out [prefixes x d], h [versions x d]
void hh_attention(float *out, hh_attention_state *state, const hh_attention_shape *shape,
                  const hh_attention_weights *weights, const float *h);
// dh += , gradients +=
void hh_attention_back(float *dh, hh_attention_weights *gradients, const float *d_out,
                       hh_attention_state *state, const hh_attention_shape *shape,
                       const hh_attention_weights *weights, const float *h);

#endif
