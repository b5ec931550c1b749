// Lists of different lengths, end to end: list i is at[begin[i]] .. at[begin[i + 1] - 1]. Nothing is padded:
// a session of three clicks costs three clicks.
#ifndef NN_RAGGED_H
#define NN_RAGGED_H

#include <stddef.h>
#include <stdint.h>

typedef struct hh_ragged {
    size_t count;
    uint32_t *begin; // [count + 1]
    uint32_t *at;    // [begin[count]]
} hh_ragged;

#endif
