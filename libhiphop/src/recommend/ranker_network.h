// The network of the ranker, there and back, for one shortlist at a time:
//
//     base      = q W_q + b                                  once a query
//     hidden_i  = relu(x_i W_x + base)                       [HIDDEN], a candidate
//     score_i   = x_i . skip + hidden_i . out
//
// skip begins with the logarithm of the mixture alone and out with zeros: so it begins as the mixture.
#ifndef RECOMMEND_RANKER_NETWORK_H
#define RECOMMEND_RANKER_NETWORK_H

#include "recommend/ranker_inputs.h"

#define HIDDEN 64

enum { RANKER_CANDIDATE, RANKER_QUERY, RANKER_BIAS, RANKER_OUT, RANKER_SKIP, RANKER_LAYERS };

typedef struct hh_ranker_shape {
    const char *name;
    size_t rows, cols;
} hh_ranker_shape;
void hh_ranker_shapes(const hh_ranker_options *options, hh_ranker_shape shapes[RANKER_LAYERS]);

// Random by the seed where it has to be, to be called on zeros.
void hh_ranker_start(const hh_ranker_options *options, float *const layers[RANKER_LAYERS]);

// One shortlist's inputs, wherever they are kept.
typedef struct hh_ranker_example {
    const float *inputs; // [count x CANDIDATE_INPUTS]
    const float *query;  // [queries]
    uint32_t count, queries;
} hh_ranker_example;

// scores[count]; hidden [count x HIDDEN], NULL where no way back is wanted
void hh_ranker_forward(float *const layers[RANKER_LAYERS], const hh_ranker_example *example, float *hidden,
                       float *scores);
// gradients += , from d_scores[count]. hidden is overwritten.
void hh_ranker_backward(float *const gradients[RANKER_LAYERS], float *const layers[RANKER_LAYERS],
                        const hh_ranker_example *example, float *hidden, const float *d_scores);

#endif
