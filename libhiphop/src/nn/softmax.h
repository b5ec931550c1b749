// Softmax of one row, there and back.
#ifndef NN_SOFTMAX_H
#define NN_SOFTMAX_H

#include "nn/vector.h"

static inline void hh_softmax(float *x, size_t n)
{
    float most = hh_largest(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] -= most;
    hh_exp_all(x, n);
    float sum = hh_sum(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

// da += of dp
static inline void hh_softmax_back(float *da, const float *dp, const float *p, size_t n)
{
    float mean = hh_dot(p, dp, n);
    for (size_t i = 0; i < n; i++)
        da[i] += p[i] * (dp[i] - mean);
}

#endif
