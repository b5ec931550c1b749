// The contrastive loss (InfoNCE, van den Oord et al. 2018) between what a session is and what its neighbours
// say: its own two views shall be closer than it is to the sessions of the batch that are most like it and
// share no item with it. a, b have length 1.
//
//     L_p = -log(e^(a_p . b_p / t) / (e^(a_p . b_p / t) + sum over the negatives q of e^(a_p . a_q / t)))
#ifndef NN_INFO_NCE_H
#define NN_INFO_NCE_H

#include "nn/arena.h"

#include <stdint.h>

typedef struct hh_nce_shape {
    size_t d, prefixes;
    uint32_t negatives;          // of each, at most
    float temperature;           // t
    float share;                 // of each prefix in the loss
    const uint32_t *item;        // what it holds: item[first[p]] .. item[end[p] - 1]
    const uint32_t *first, *end; // [prefixes]
} hh_nce_shape;

typedef struct hh_nce_state {
    float *like;    // [prefixes x prefixes] a . a
    uint64_t *sign; // [prefixes] a bit for each of its items, by hash
    uint32_t *near; // [prefixes] negatives of the one at hand
    float *weight;  // [prefixes + 1]
} hh_nce_state;

void hh_nce_take(hh_nce_state *state, const hh_nce_shape *shape, hh_arena *arena);
// Returns share * the sum of the losses; da +=, db +=. A prefix whose b is zero has no loss.
double hh_info_nce(float *da, float *db, hh_nce_state *state, const hh_nce_shape *shape, const float *a,
                   const float *b);

#endif
