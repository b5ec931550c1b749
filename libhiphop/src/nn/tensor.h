// The tensors that are learned, and Adam, which learns them. Gradients are separate, so that each thread of a
// trainer has its own.
#ifndef NN_TENSOR_H
#define NN_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hh_tensor {
    const char *name; // static
    size_t rows, cols;
    float *value;          // [rows x cols], owned
    float *first, *second; // Adam's moments, owned; NULL until it trains
} hh_tensor;

bool hh_tensor_new(hh_tensor *tensor, const char *name, size_t rows, size_t cols); // all zero
void hh_tensor_free(hh_tensor *tensor);
bool hh_tensor_train(hh_tensor *tensor); // makes the moments, all zero
// More rows, all zero, behind those that are there.
bool hh_tensor_grow(hh_tensor *tensor, size_t rows);

// Adam (Kingma and Ba 2015, algorithm 1).
typedef struct hh_adam {
    float rate, beta1, beta2, epsilon;
    float decay;   // of the weights, decoupled (AdamW)
    uint64_t step; // of this update, from 1
} hh_adam;

// One step of all rows by gradient [rows x cols].
void hh_adam_dense(const hh_adam *adam, hh_tensor *tensor, const float *gradient);
// One step of the rows row[0 .. count) alone, distinct, by gradient [count x cols]; the moments of all others
// stay as they are (as PyTorch's SparseAdam).
void hh_adam_rows(const hh_adam *adam, hh_tensor *tensor, const uint32_t *row, size_t count,
                  const float *gradient);

#endif
