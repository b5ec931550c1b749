// The functions on rows of floats, over their range and at odd lengths.
#include "gradients.h"
#include "nn/dropout.h"
#include "nn/matrix.h"
#include "nn/vector.h"

Test(vector, exp_is_good_to_2e_7_over_its_range)
{
    double worst = 0;
    float x[1000], at[1000];
    for (int i = 0; i < 1000 * 1000;) {
        for (int j = 0; j < 1000; j++, i++)
            x[j] = at[j] = -87 + 175 * (float)i / (1000 * 1000);
        hh_exp_all(x, 1000);
        for (int j = 0; j < 1000; j++) {
            worst = fmax(worst, fabs((double)x[j] / exp((double)at[j]) - 1));
            worst = fmax(worst, fabs((double)hh_exp(at[j]) / exp((double)at[j]) - 1));
        }
    }
    cr_assert_lt(worst, 2e-7, "off by %g", worst);
}

Test(vector, exp_beyond_its_range_is_as_at_the_bound)
{
    cr_assert_eq(hh_exp(-1000), hh_exp(-87));
    cr_assert_eq(hh_exp(-INFINITY), hh_exp(-87));
    cr_assert_eq(hh_exp(1000), hh_exp(88));
    cr_assert_eq(hh_exp(INFINITY), hh_exp(88));
    cr_assert_eq(hh_exp(0), 1);
}

Test(vector, sigmoid_and_tanh_are_good_to_2e_7)
{
    double sigmoid = 0, hyperbolic = 0;
    for (int i = 0; i <= 1000 * 1000; i++) {
        float x = -100 + 200 * (float)i / (1000 * 1000);
        sigmoid = fmax(sigmoid, fabs((double)hh_sigmoid(x) - 1 / (1 + exp(-(double)x))));
        hyperbolic = fmax(hyperbolic, fabs((double)hh_tanh(x) - tanh((double)x)));
    }
    cr_assert_lt(sigmoid, 2e-7, "sigmoid off by %g", sigmoid);
    cr_assert_lt(hyperbolic, 2e-7, "tanh off by %g", hyperbolic);
    cr_assert_eq(hh_tanh(INFINITY), 1);
    cr_assert_eq(hh_tanh(-INFINITY), -1);
}

Test(vector, sums_at_every_length)
{
    hh_random random = {1};
    for (size_t n = 1; n < 70; n++) {
        float *a = random_floats(n, 1, &random), *b = random_floats(n, 1, &random);
        double dot = 0, sum = 0, size = 0;
        float most = a[0];
        for (size_t i = 0; i < n; i++) {
            dot += (double)a[i] * (double)b[i];
            size += fabs((double)a[i] * (double)b[i]) + fabs((double)a[i]);
            sum += (double)a[i];
            most = a[i] > most ? a[i] : most;
        }
        cr_assert_float_eq((double)hh_dot(a, b, n), dot, 1e-6 * size);
        cr_assert_float_eq((double)hh_sum(a, n), sum, 1e-6 * size);
        cr_assert_eq(hh_largest(a, n), most);
        double *want = doubles_of(b, n);
        for (size_t i = 0; i < n; i++)
            want[i] += 0.3 * (double)a[i];
        hh_add_scaled(b, 0.3f, a, n);
        check_near("to", b, want, n, 1e-6);
        free(a);
        free(b);
        free(want);
    }
}

Test(vector, products_of_matrices_are_row_major)
{
    enum { M = 5, N = 3, K = 7 };
    hh_random random = {2};
    float *a = random_floats(M * K, 1, &random), *b = random_floats(K * N, 1, &random);
    float *first = random_floats(M * N, 1, &random), at[K * M], bt[N * K], c[3][M * N];
    double want[M * N];
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) {
            want[i * N + j] = 0.5 * (double)first[i * N + j];
            for (size_t k = 0; k < K; k++)
                want[i * N + j] += (double)a[i * K + k] * (double)b[k * N + j];
        }
    for (size_t k = 0; k < K; k++) {
        for (size_t i = 0; i < M; i++)
            at[k * M + i] = a[i * K + k];
        for (size_t j = 0; j < N; j++)
            bt[j * K + k] = b[k * N + j];
    }
    for (int i = 0; i < 3; i++)
        memcpy(c[i], first, sizeof c[i]);
    hh_mul(c[0], 0.5f, a, b, M, N, K);
    hh_mul_nt(c[1], 0.5f, a, bt, M, N, K);
    hh_mul_tn(c[2], 0.5f, at, b, M, N, K);
    for (int i = 0; i < 3; i++)
        check_near("c", c[i], want, M * N, 1e-6);
    free(a);
    free(b);
    free(first);
}

// ---- normalise ----

typedef struct rows_of {
    size_t rows, d;
    const float *wanted; // d loss / d y
} rows_of;

static double slow_rows(double *const *at, const void *context)
{
    const rows_of *self = context;
    double loss = 0, y[64];
    for (size_t r = 0; r < self->rows; r++) {
        slow_normalise(y, at[0] + r * self->d, self->d);
        for (size_t i = 0; i < self->d; i++)
            loss += y[i] * (double)self->wanted[r * self->d + i];
    }
    return loss;
}

Test(vector, normalise_there_and_back)
{
    enum { ROWS = 4, D = 11 };
    hh_random random = {3};
    float *x = random_floats(ROWS * D, 2, &random), *dy = random_floats(ROWS * D, 1, &random);
    float y[ROWS * D], length[ROWS], *dx = zero_floats(ROWS * D);
    hh_normalise(y, length, x, ROWS, D);
    for (size_t r = 0; r < ROWS; r++) {
        double want[D], *row = doubles_of(x + r * D, D);
        slow_normalise(want, row, D);
        check_near("y", y + r * D, want, D, 1e-6);
        cr_assert_float_eq((double)length[r] * want[0], row[0], 1e-5);
        free(row);
    }
    hh_normalise_back(dx, dy, y, length, ROWS, D);
    check_gradients(&(leaf){"x", x, dx, ROWS * D}, 1, slow_rows, &(rows_of){ROWS, D, dy});
    float before = dx[5];
    hh_normalise_back(dx, dy, y, length, ROWS, D);
    cr_assert_float_eq((double)dx[5], 2 * (double)before, 1e-6, "the way back adds");
    free(x);
    free(dy);
    free(dx);
}

Test(vector, a_row_of_zeros_stays_one_and_sends_nothing_back)
{
    float x[6] = {0, 0, 0, 3, 4, 0}, y[6], length[2], dx[6] = {0}, dy[6] = {1, 1, 1, 1, 1, 1};
    hh_normalise(y, length, x, 2, 3);
    hh_normalise_back(dx, dy, y, length, 2, 3);
    for (int i = 0; i < 3; i++)
        cr_assert(y[i] == 0 && dx[i] == 0);
    cr_assert_float_eq((double)y[3], 0.6, 1e-6);
}

// ---- dropout ----

Test(dropout, drops_its_share_and_keeps_the_mean)
{
    enum { N = 100003 };
    float *x = zero_floats(N), *mask = zero_floats(N);
    const float shares[] = {0, 0.1f, 0.25f, 0.5f, 0.9f};
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        hh_random random = {s};
        double p = round((double)shares[s] * 256) / 256, mean = 0, dropped = 0;
        for (size_t i = 0; i < N; i++)
            x[i] = 2;
        hh_dropout(x, mask, N, shares[s], &random);
        for (size_t i = 0; i < N; i++) {
            cr_assert(mask[i] == 0 || fabs((double)mask[i] - 1 / (1 - p)) < 1e-6);
            cr_assert_eq(x[i], 2 * mask[i]);
            mean += (double)x[i] / N;
            dropped += mask[i] == 0;
        }
        cr_assert_float_eq(dropped / N, p, 0.01);
        cr_assert_float_eq(mean, 2, 0.1);
    }
    free(x);
    free(mask);
}

Test(dropout, is_a_function_of_the_generator_and_goes_back_through_the_mask)
{
    float x[2][40], mask[2][40], back[40];
    for (int i = 0; i < 40; i++)
        x[0][i] = x[1][i] = back[i] = (float)i;
    hh_random random = {7}, again = {7};
    hh_dropout(x[0], mask[0], 40, 0.5f, &random);
    hh_dropout(x[1], mask[1], 40, 0.5f, &again);
    cr_assert_arr_eq(x[0], x[1], sizeof x[0]);
    hh_dropout_back(back, mask[0], 40);
    cr_assert_arr_eq(back, x[0], sizeof back);
    hh_dropout(x[1], mask[1], 40, 0.5f, &random);
    cr_assert(memcmp(mask[0], mask[1], sizeof mask[0]) != 0, "the generator has gone on");
}
