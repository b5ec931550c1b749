// Gradients held against finite differences. The function is written out again in double, slowly and plainly,
// so that the differences are exact to nine digits; what is under test computed its gradient in float.
#ifndef GRADIENTS_H
#define GRADIENTS_H

#include "nn/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LEAVES 64

typedef struct leaf { // one argument of the function
    const char *name;
    const float *value, *gradient; // [n]; gradient NULL: not looked at
    size_t n;
} leaf;

typedef double slow_function(double *const *leaves, const void *context);

static inline float *random_floats(size_t n, float spread, hh_random *random)
{
    float *x = malloc((n + 1) * sizeof *x);
    cr_assert_not_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = spread * hh_random_normal(random);
    return x;
}

static inline float *zero_floats(size_t n)
{
    float *x = calloc(n + 1, sizeof *x);
    cr_assert_not_null(x);
    return x;
}

static inline double *doubles_of(const float *x, size_t n)
{
    double *exact = malloc((n + 1) * sizeof *exact);
    cr_assert_not_null(exact);
    for (size_t i = 0; i < n; i++)
        exact[i] = (double)x[i];
    return exact;
}

// Equal to `relative` of the largest of the reference.
static inline void check_near(const char *name, const float *have, const double *want, size_t n,
                              double relative)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        cr_assert(fabs((double)have[i] - want[i]) <= relative * (largest + 1e-3), "%s[%zu]: %g instead of %g",
                  name, i, (double)have[i], want[i]);
}

// Every entry of every leaf. Returns the value of the function.
static inline double check_gradients(const leaf *leaves, size_t count, slow_function *function,
                                     const void *context)
{
    double *at[MOST_LEAVES];
    cr_assert_leq(count, MOST_LEAVES);
    for (size_t l = 0; l < count; l++)
        at[l] = doubles_of(leaves[l].value, leaves[l].n);
    double value = function(at, context);
    for (size_t l = 0; l < count; l++) {
        double *want = malloc((leaves[l].n + 1) * sizeof *want);
        cr_assert_not_null(want);
        for (size_t i = 0; leaves[l].gradient && i < leaves[l].n; i++) {
            double here = at[l][i], step = 1e-5;
            at[l][i] = here + step;
            double above = function(at, context);
            at[l][i] = here - step;
            double below = function(at, context);
            at[l][i] = here;
            want[i] = (above - below) / (2 * step);
        }
        if (leaves[l].gradient)
            check_near(leaves[l].name, leaves[l].gradient, want, leaves[l].n, 3e-5);
        free(want);
    }
    for (size_t l = 0; l < count; l++)
        free(at[l]);
    return value;
}

// ---- the plain functions ----

static inline double slow_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

// y [n] = x [m] W [m x n]
static inline void slow_mul(double *y, const double *x, const double *w, size_t m, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        y[j] = 0;
        for (size_t i = 0; i < m; i++)
            y[j] += x[i] * w[i * n + j];
    }
}

static inline void slow_normalise(double *y, const double *x, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += x[i] * x[i];
    for (size_t i = 0; i < n; i++)
        y[i] = square > 0 ? x[i] / sqrt(square) : 0;
}

#endif
