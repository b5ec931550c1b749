#include "nn/vector.h"

#include <math.h>

HH_WIDE float hh_dot(const float *a, const float *b, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

HH_WIDE void hh_add_scaled(float *restrict to, float factor, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += factor * from[i];
}

HH_WIDE void hh_exp_all(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = hh_exp(x[i]);
}

HH_WIDE float hh_largest(const float *x, size_t n)
{
    float largest = x[0];
#pragma omp simd reduction(max : largest)
    for (size_t i = 0; i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
    return largest;
}

HH_WIDE float hh_sum(const float *x, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

void hh_normalise(float *y, float *length, const float *x, size_t rows, size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        float norm = sqrtf(hh_dot(x + r * d, x + r * d, d));
        length[r] = norm;
        memset(y + r * d, 0, d * sizeof *y);
        if (norm > 0)
            hh_add_scaled(y + r * d, 1 / norm, x + r * d, d);
    }
}

void hh_normalise_back(float *dx, const float *dy, const float *y, const float *length, size_t rows, size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        if (!(length[r] > 0))
            continue;
        float along = hh_dot(y + r * d, dy + r * d, d);
        hh_add_scaled(dx + r * d, 1 / length[r], dy + r * d, d);
        hh_add_scaled(dx + r * d, -along / length[r], y + r * d, d);
    }
}
