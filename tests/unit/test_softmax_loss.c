// The loss over all items or a sample of them, with what must be exact, against its definition in double.
#include "gradients.h"
#include "nn/softmax_loss.h"

enum { L_H, L_X, L_BIAS, L_LEAVES };

static double slow_loss(double *const *at, const void *context)
{
    const hh_loss_shape *shape = context;
    size_t d = shape->d;
    double total = 0, scale = (double)shape->scale;
    for (size_t p = 0; p < shape->prefixes; p++) {
        const double *h = at[L_H] + p * d;
        size_t begin = shape->exact.begin[p], end = shape->exact.begin[p + 1], counted = 0;
        double sum = 0, target = 0;
        for (size_t e = begin; e < end; e++) {
            double logit = at[L_BIAS][e];
            for (size_t i = 0; i < d; i++)
                logit += scale * h[i] * at[L_X][shape->exact.at[e] * d + i];
            sum += exp(logit);
            if (e == begin)
                target = logit;
        }
        for (int pass = 0; pass < 2; pass++) // first how many count, then what they count for
            for (size_t c = 0; c < shape->columns; c++) {
                bool is_exact = false;
                for (size_t e = begin; e < end; e++)
                    is_exact = is_exact || shape->exact.at[e] == c;
                if (is_exact)
                    continue;
                double logit = 0;
                for (size_t i = 0; i < d; i++)
                    logit += scale * h[i] * at[L_X][c * d + i];
                if (pass == 0)
                    counted++;
                else
                    sum += exp(logit) * (double)(shape->items - (end - begin)) / (double)counted;
            }
        double loss = log(sum) - target;
        total += (shape->gamma > 0 ? pow(1 - exp(-loss), (double)shape->gamma) : 1) * loss;
    }
    return total * (double)shape->share;
}

typedef struct loss_case {
    size_t d, rows, prefixes, columns, items;
    uint32_t longest; // list of exact ones
    float scale, gamma;
} loss_case;

static void check_loss(const loss_case *c, uint64_t seed)
{
    hh_random random = {seed};
    size_t d = c->d;
    uint32_t *begin = malloc((c->prefixes + 1) * sizeof *begin),
             *at = malloc(c->prefixes * c->longest * sizeof *at), *row = malloc(c->rows * sizeof *row);
    cr_assert(begin && at && row);
    begin[0] = 0;
    for (uint32_t r = 0; r < c->rows; r++)
        row[r] = r;
    for (size_t p = 0; p < c->prefixes; p++) {
        uint32_t length = 1 + hh_random_below(&random, c->longest);
        for (uint32_t i = 0; i < length; i++) { // distinct
            uint32_t other = i + hh_random_below(&random, (uint32_t)c->rows - i), kept = row[other];
            row[other] = row[i];
            at[begin[p] + i] = row[i] = kept;
        }
        begin[p + 1] = begin[p] + length;
    }
    size_t entries = begin[c->prefixes];
    float *bias = random_floats(entries, 1, &random);
    float *value[L_LEAVES] = {random_floats(c->prefixes * d, 1, &random),
                              random_floats(c->rows * d, 1, &random), bias};
    const size_t vectors[] = {c->prefixes, c->rows};
    for (int l = 0; l < 2; l++) // the loss relies on lengths of at most 1
        for (size_t r = 0; r < vectors[l]; r++) {
            double length = 0;
            for (size_t i = 0; i < d; i++)
                length += pow((double)value[l][r * d + i], 2);
            for (size_t i = 0; i < d; i++)
                value[l][r * d + i] /= (float)sqrt(length);
        }
    hh_loss_shape shape = {.d = d,
                           .rows = c->rows,
                           .prefixes = c->prefixes,
                           .columns = c->columns,
                           .items = c->items,
                           .exact = {c->prefixes, begin, at},
                           .bias = bias,
                           .scale = c->scale,
                           .gamma = c->gamma,
                           .share = 0.125f};
    size_t sizes[L_LEAVES] = {c->prefixes * d, c->rows * d, entries};
    float *dh = random_floats(sizes[L_H], 1, &random), *dx = zero_floats(sizes[L_X]),
          *d_bias = random_floats(entries, 1, &random);
    hh_arena arena = {0};
    hh_loss_state state;
    hh_loss_take(&state, &shape, &arena);
    cr_assert_not(arena.failed);
    double there = hh_softmax_loss(NULL, NULL, NULL, &state, &shape, value[L_H], value[L_X]);
    double both = hh_softmax_loss(dh, dx, d_bias, &state, &shape, value[L_H], value[L_X]);
    leaf leaves[] = {{"h", value[L_H], dh, sizes[L_H]},
                     {"x", value[L_X], dx, sizes[L_X]},
                     {"bias", bias, d_bias, entries}};
    double want = check_gradients(leaves, L_LEAVES, slow_loss, &shape);
    cr_assert_float_eq(there, want, 1e-5 * want + 1e-6);
    cr_assert_float_eq(both, want, 1e-5 * want + 1e-6);
    free(begin);
    free(at);
    free(row);
    free(value[L_H]);
    free(value[L_X]);
    free(bias);
    free(dh);
    free(dx);
    free(d_bias);
    hh_arena_free(&arena);
}

Test(softmax_loss, over_all_items)
{
    check_loss(&(loss_case){5, 12, 7, 12, 12, 4, 12, 0}, 1);
    check_loss(&(loss_case){3, 9, 70, 9, 9, 3, 12, 0}, 2); // more prefixes than are taken at once
}

Test(softmax_loss, over_a_sample)
{
    check_loss(&(loss_case){5, 12, 9, 8, 40, 4, 12, 0}, 3);
    check_loss(&(loss_case){9, 20, 6, 3, 100000, 6, 12, 0}, 4);
}

Test(softmax_loss, where_no_column_is_left)
{
    check_loss(&(loss_case){4, 6, 30, 1, 50, 5, 8, 0}, 5); // the only column is often masked
    check_loss(&(loss_case){4, 6, 5, 0, 50, 5, 8, 0}, 6);
}

Test(softmax_loss, where_exact_ones_are_all_there_is)
{
    check_loss(&(loss_case){4, 1, 3, 1, 1, 1, 8, 0}, 7);
    check_loss(&(loss_case){4, 3, 12, 3, 3, 3, 8, 0}, 8);
}

Test(softmax_loss, focal)
{
    check_loss(&(loss_case){5, 12, 8, 12, 12, 4, 6, 2}, 9);
    check_loss(&(loss_case){5, 12, 8, 7, 30, 4, 12, 0.5f}, 10);
    check_loss(&(loss_case){5, 12, 8, 7, 30, 4, 20, 5}, 11);
}

// A certain target and a hopeless one: nothing overflows.
Test(softmax_loss, at_its_ends)
{
    const float h[2] = {1, 0}, x[6] = {1, 0, -1, 0, 0, 1};
    float dh[2], dx[6], d_bias[1];
    hh_arena arena = {0};
    for (uint32_t target = 0; target < 2; target++)
        for (int focal = 0; focal < 2; focal++) {
            uint32_t begin[2] = {0, 1};
            const float bias = target == 0 ? 60 : -60;
            hh_loss_shape shape = {.d = 2,
                                   .rows = 3,
                                   .prefixes = 1,
                                   .columns = 3,
                                   .items = 3,
                                   .exact = {1, begin, &target},
                                   .bias = &bias,
                                   .scale = 40,
                                   .gamma = focal ? 2 : 0,
                                   .share = 1};
            hh_loss_state state;
            hh_arena_reset(&arena);
            hh_loss_take(&state, &shape, &arena);
            memset(dx, 0, sizeof dx);
            double loss = hh_softmax_loss(dh, dx, d_bias, &state, &shape, h, x);
            cr_assert_float_eq(loss, target == 0 ? 0 : 140, 1e-3);
            cr_assert_float_eq((double)d_bias[0], target == 0 ? 0 : -1, 1e-6);
            for (int i = 0; i < 6; i++)
                cr_assert(isfinite(dx[i]) && isfinite(dh[i % 2]));
        }
    hh_arena_free(&arena);
}
