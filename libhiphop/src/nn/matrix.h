// Products of dense matrices by OpenBLAS; all matrices are row-major and without gaps. OpenBLAS is held to
// the calling thread (hh_network_new): threads are the trainer's. It must still be the threaded build: the
// serial one hands two threads the same scratch memory.
#ifndef NN_MATRIX_H
#define NN_MATRIX_H

#include <cblas.h>
#include <stddef.h>

// c [m x n] = keep * c + a [m x k] b [k x n]
static inline void hh_mul(float *c, float keep, const float *a, const float *b, size_t m, size_t n, size_t k)
{
    if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)k, (int)n, 1, b, (int)n, a, 1, keep, c, 1);
    else if (m && n)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b,
                    (int)n, keep, c, (int)n);
}

// c [m x n] = keep * c + a [m x k] b^T, b [n x k]
static inline void hh_mul_nt(float *c, float keep, const float *a, const float *b, size_t m, size_t n,
                             size_t k)
{
    if (m && n)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)k,
                    keep, c, (int)n);
}

// c [m x n] = keep * c + a^T b, a [k x m], b [k x n]
static inline void hh_mul_tn(float *c, float keep, const float *a, const float *b, size_t m, size_t n,
                             size_t k)
{
    if (m && n)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)m, b, (int)n,
                    keep, c, (int)n);
}

#endif
