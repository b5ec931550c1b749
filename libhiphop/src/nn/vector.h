// Rows of floats, and the functions that the compiler turns into vector code.
#ifndef NN_VECTOR_H
#define NN_VECTOR_H

#include "wide.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// e^x, to 2e-7 of it, for -87 <= x <= 88; beyond, as at the bound.
static inline float hh_exp(float x)
{
    x = x > -87.0f ? x : -87.0f;
    x = x < 88.0f ? x : 88.0f;
    float scaled = x * 1.44269504f, rounded = (scaled + 12582912.0f) - 12582912.0f;
    // x - n ln 2 in two steps, so that nothing is lost
    float rest = (x - rounded * 0.693359375f) + rounded * 2.12194440e-4f;
    float power = 1.9875691500e-4f;
    power = power * rest + 1.3981999507e-3f;
    power = power * rest + 8.3334519073e-3f;
    power = power * rest + 4.1665795894e-2f;
    power = power * rest + 1.6666665459e-1f;
    power = power * rest + 5.0000001201e-1f;
    power = power * rest * rest + rest + 1.0f;
    union {
        int32_t whole;
        float number;
    } two = {((int32_t)rounded + 127) << 23};
    return power * two.number;
}

// log x, to 2e-7 (absolutely, near 1), for normal x > 0.
static inline float hh_ln(float x)
{
    union {
        float number;
        int32_t whole;
    } bits = {x};
    int32_t exponent = (bits.whole - 0x3f3504f3) >> 23; // so that the rest is in sqrt(1/2) .. sqrt(2)
    bits.whole -= exponent * (1 << 23);
    float s = (bits.number - 1) / (bits.number + 1), z = s * s; // log of it = 2 artanh s
    float series = 0.222222222f;
    series = series * z + 0.285714286f;
    series = series * z + 0.4f;
    series = series * z + 0.666666667f;
    return (float)exponent * 0.693147181f + (2 * s + s * z * series);
}

static inline float hh_sigmoid(float x)
{
    return 1.0f / (1.0f + hh_exp(-x));
}

static inline float hh_tanh(float x)
{
    return 1.0f - 2.0f / (1.0f + hh_exp(2.0f * x));
}

float hh_dot(const float *a, const float *b, size_t n);
void hh_add_scaled(float *to, float factor, const float *from, size_t n); // to += factor * from
void hh_exp_all(float *x, size_t n);
float hh_largest(const float *x, size_t n); // n >= 1
float hh_sum(const float *x, size_t n);

// y = x / |x|, row by row. length[rows]: |x|, which the way back needs; a row of zeros stays one.
void hh_normalise(float *y, float *length, const float *x, size_t rows, size_t d);
// dx += (dy - y (y . dy)) / |x|
void hh_normalise_back(float *dx, const float *dy, const float *y, const float *length, size_t rows,
                       size_t d);

#endif
