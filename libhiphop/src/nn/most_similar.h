// The neighbours most like a session, as one vector (Zhang et al. 2025, section 4.4): of its candidates the
// few nearest by cosine, weighted by the softmax of their cosines. n_j have length 1, or are zero.
//
//     c_j = n_j . f / |f|,   w = softmax(c of the nearest),   out = sum_j w_j n_j
#ifndef NN_MOST_SIMILAR_H
#define NN_MOST_SIMILAR_H

#include "nn/arena.h"
#include "nn/ragged.h"

#define HH_SIMILAR_MAX 64

typedef struct hh_similar_shape {
    size_t d;
    uint32_t keep;  // K_s, at most HH_SIMILAR_MAX
    hh_ragged near; // [prefixes] lists of entries
} hh_similar_shape;

typedef struct hh_similar_state {
    float *unit, *length; // [prefixes x d] f / |f|, [prefixes]
    uint32_t *chosen;     // [prefixes x keep] entries
    uint32_t *count;      // [prefixes] of them
    float *weight;        // [prefixes x keep]
    float *d_unit;        // [prefixes x d] scratch of the way back; NULL without
} hh_similar_state;

void hh_similar_take(hh_similar_state *state, const hh_similar_shape *shape, bool learns, hh_arena *arena);
// out [prefixes x d], f [prefixes x d], n [entries x d]
void hh_similar(float *out, hh_similar_state *state, const hh_similar_shape *shape, const float *f,
                const float *n);
// df +=, dn +=
void hh_similar_back(float *df, float *dn, const float *d_out, hh_similar_state *state,
                     const hh_similar_shape *shape, const float *n);

#endif
