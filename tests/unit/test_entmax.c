// Alpha-entmax against slow references, and its gradients, that of alpha included, against differences.
#include "nn/entmax.h"
#include "nn/random.h"
#include "nn/softmax.h"

#include <criterion/criterion.h>
#include <math.h>

#define N 12

static void draw(float *a, uint64_t number, float spread)
{
    hh_random random = hh_random_of(3, number);
    for (int i = 0; i < N; i++)
        a[i] = spread * hh_random_normal(&random);
}

// tau by halving, in double.
static void slow(double *p, const float *a, double alpha)
{
    double low = -1e3, high = 1e3;
    for (int step = 0; step < 200; step++) {
        double tau = (low + high) / 2, sum = 0;
        for (int i = 0; i < N; i++) {
            double x = (alpha - 1) * a[i] - tau;
            sum += p[i] = x > 0 ? pow(x, 1 / (alpha - 1)) : 0;
        }
        *(sum > 1 ? &low : &high) = tau;
    }
}

Test(entmax, agrees_with_halving)
{
    const float alphas[] = {1.05f, 1.2f, 1.5f, 1.7f, 2};
    for (uint64_t number = 0; number < 50; number++)
        for (int k = 0; k < 5; k++) {
            float a[N], p[N], sum = 0;
            double reference[N];
            draw(a, number, number % 2 ? 0.5f : 3);
            slow(reference, a, alphas[k]);
            hh_entmax(p, a, N, alphas[k]);
            for (int i = 0; i < N; i++) {
                cr_expect_float_eq(p[i], reference[i], 2e-6, "alpha %g", alphas[k]);
                sum += p[i];
            }
            cr_expect_float_eq(sum, 1, 1e-6);
        }
}

Test(entmax, is_sparsemax_at_2)
{
    float a[] = {1.2f, 0.9f, 0.1f, -3}, p[4]; // by hand: the first two, tau = (1.2 + 0.9 - 1) / 2
    hh_entmax(p, a, 4, 2);
    cr_expect_float_eq(p[0], 0.65f, 1e-6);
    cr_expect_float_eq(p[1], 0.35f, 1e-6);
    cr_expect_eq(p[2], 0);
    cr_expect_eq(p[3], 0);
}

Test(entmax, comes_near_softmax_at_1)
{
    float a[N], p[N], soft[N];
    draw(a, 1, 1);
    memcpy(soft, a, sizeof soft);
    hh_softmax(soft, N);
    hh_entmax(p, a, N, HH_ENTMAX_LEAST);
    for (int i = 0; i < N; i++)
        cr_expect_float_eq(p[i], soft[i], 0.01);
}

Test(entmax, ignores_what_is_impossible)
{
    float a[] = {0, -INFINITY, 0}, p[3];
    hh_entmax(p, a, 3, 1.5f);
    cr_expect_float_eq(p[0], 0.5f, 1e-6);
    cr_expect_eq(p[1], 0);
    float one = -70, alone;
    hh_entmax(&alone, &one, 1, 1.3f);
    cr_expect_float_eq(alone, 1, 1e-6);
}

static double value(const float *a, float alpha, const float *dp)
{
    double p[N], sum = 0;
    slow(p, a, alpha);
    for (int i = 0; i < N; i++)
        sum += p[i] * dp[i];
    return sum;
}

Test(entmax, gradients)
{
    const float alphas[] = {1.1f, 1.3f, 1.5f, 1.9f};
    for (uint64_t number = 0; number < 20; number++)
        for (int k = 0; k < 4; k++) {
            float a[N], dp[N], p[N], da[N] = {0}, alpha = alphas[k], step = 1e-4f;
            draw(a, number, 1);
            draw(dp, number + 100, 1);
            hh_entmax(p, a, N, alpha);
            float d_alpha = hh_entmax_back(da, dp, p, N, alpha);
            float low = alpha - step, high = alpha + step;
            double measured = (value(a, high, dp) - value(a, low, dp)) / ((double)high - low);
            cr_expect_float_eq(d_alpha, measured, 2e-3 + 0.01 * fabs(measured), "alpha %g", alpha);
            for (int i = 0; i < N; i++) {
                float kept = a[i];
                a[i] = high = kept + step;
                double after = value(a, alpha, dp);
                a[i] = low = kept - step;
                measured = (after - value(a, alpha, dp)) / ((double)high - low);
                a[i] = kept;
                cr_expect_float_eq(da[i], measured, 2e-3 + 0.01 * fabs(measured), "alpha %g", alpha);
            }
        }
}
