// Alpha-entmax (Peters, Niculae and Martins 2019): between softmax (alpha 1) and sparsemax (alpha 2). What is
// far behind gets exactly 0.
//
//     p_i = max((alpha - 1) a_i - tau, 0)^(1 / (alpha - 1)), with the tau at which they sum to 1
#ifndef NN_ENTMAX_H
#define NN_ENTMAX_H

#include <stddef.h>

#define HH_ENTMAX_LEAST 1.01f // below, alpha counts as this: the gradient towards it is 0 / 0 at 1

// p [n] = of a [n]; n >= 1, alpha in (1, 2], p may be a. An a_i of -INFINITY gets 0; one must be finite.
void hh_entmax(float *p, const float *a, size_t n, float alpha);
// da [n] += of dp [n]; returns d alpha (Correia, Niculae and Martins 2019, equation 10).
float hh_entmax_back(float *da, const float *dp, const float *p, size_t n, float alpha);

#endif
