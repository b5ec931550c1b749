// The k largest of hundreds of floats that are not negative, without sorting them.
#ifndef HIPHOP_BOUND_H
#define HIPHOP_BOUND_H

#include <stdint.h>

// A bound that k of the values reach; the k-th largest itself where several are equal to it. k <= count.
float hh_bound(const float *values, uint32_t count, uint32_t k);
// How many reach the bound.
uint32_t hh_bound_reached(const float *values, uint32_t count, float bound);

#endif
