// The gated graph step of SR-GNN (Wu et al. 2019, equations 1 to 5; docs/model.md) over session graphs as
// they grow. A version is a node's state from one click to the next that gives it an edge: a click changes
// the states of two nodes at most, so all prefixes of a session of n clicks need at most 2 n versions.
//
//     m = x W + b                           [nodes x 2d]: what a node sends along its edges, and back
//     a = [mean of m over the version's predecessors, left half || over its successors, right half]
//     r = sigmoid(a G_r + g_r + x U_r + u_r),  z likewise
//     c = tanh(a G_c + g_c + r * (x U_c + u_c))
//     h = (1 - z) c + z x                   [versions x d]
#ifndef NN_GATED_STEP_H
#define NN_GATED_STEP_H

#include "nn/arena.h"
#include "nn/ragged.h"

typedef struct hh_gated_weights { // or their gradients
    float *w, *b;                 // [d x 2d], [2d]
    float *g, *g_bias;            // [2d x 3d], [3d]: r, z, c
    float *u, *u_bias;            // [d x 3d], [3d]
} hh_gated_weights;

typedef struct hh_gated_shape {
    size_t d, nodes;
    hh_ragged before, after; // [versions] nodes
    const uint32_t *node;    // [versions]
} hh_gated_shape;

typedef struct hh_gated_state {           // what the way back needs
    float *sent;                          // [nodes x 2d]
    float *a;                             // [versions x 2d]
    float *ux;                            // [nodes x 3d]
    float *gates;                         // [versions x 3d]: r, z, c
    float *d_gates, *d_a, *d_sent, *d_ux; // scratch of the way back; NULL without
} hh_gated_state;

void hh_gated_take(hh_gated_state *state, const hh_gated_shape *shape, bool learns, hh_arena *arena);
void hh_gated_step(float *h, hh_gated_state *state, const hh_gated_shape *shape,
                   const hh_gated_weights *weights, const float *x);
// dx += , gradients +=
void hh_gated_step_back(float *dx, hh_gated_weights *gradients, const float *dh, hh_gated_state *state,
                        const hh_gated_shape *shape, const hh_gated_weights *weights, const float *x);

#endif
