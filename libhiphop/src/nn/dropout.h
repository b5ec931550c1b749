// Inverted dropout: each number is 0 with probability p, else divided by 1 - p. p is taken in steps of 1/256.
#ifndef NN_DROPOUT_H
#define NN_DROPOUT_H

#include "nn/random.h"

#include <stddef.h>

// mask[n]: the factors; x[n] *= mask
void hh_dropout(float *x, float *mask, size_t n, float p, hh_random *random);
void hh_dropout_back(float *dx, const float *mask, size_t n);

#endif
