// The k best items and the sum over all, against sorting every logit.
#include "gradients.h"
#include "model/search.h"
#include "nn/vector.h"

typedef struct slow_found {
    double logit;
    uint32_t item;
} slow_found;

static int better_first(const void *a, const void *b)
{
    const slow_found *x = a, *y = b;
    return x->logit != y->logit ? (x->logit < y->logit ? 1 : -1) : (x->item > y->item) - (x->item < y->item);
}

// Items `twins` apart have the same vector, so that there are ties.
static void check_search(size_t items, size_t d, size_t k, size_t rows, size_t twins, bool biased,
                         uint64_t seed)
{
    hh_random random = {seed};
    const size_t first = 2; // rows begin in the middle of the lists of own items
    float *raw = random_floats(items * d, 1, &random), *x = zero_floats(items * d),
          *length = zero_floats(items), *h = zero_floats(rows * d),
          *raw_h = random_floats(rows * d, 1, &random);
    for (size_t i = twins; i < items; i++)
        memcpy(raw + i * d, raw + (i - twins) * d, d * sizeof *raw);
    hh_normalise(x, length, raw, items, d);
    hh_normalise(h, length, raw_h, rows < items ? rows : items, d);
    uint32_t begin[80] = {0}, *at = malloc((rows + first) * 4 * sizeof *at);
    cr_assert_not_null(at);
    for (size_t p = 0; p < rows + first; p++) {
        uint32_t count = hh_random_below(&random, 4);
        for (uint32_t i = 0; i < count; i++) // distinct
            at[begin[p] + i] = (uint32_t)(i * items / 4) + hh_random_below(&random, (uint32_t)items / 4);
        begin[p + 1] = begin[p] + count;
    }
    float *bias = random_floats(begin[rows + first], 10, &random);
    hh_ragged own = {rows + first, begin, at};
    hh_arena arena = {0};
    hh_search search;
    cr_assert(hh_search_init(&search, x, items, d, k, 12, &arena));
    hh_search_run(&search, h, rows, biased ? &own : NULL, first, biased ? bias : NULL);
    slow_found *all = malloc(items * sizeof *all);
    cr_assert_not_null(all);
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (uint32_t i = 0; i < items; i++) {
            all[i] = (slow_found){0, i};
            for (size_t j = 0; j < d; j++)
                all[i].logit += 12 * (double)h[r * d + j] * (double)x[i * d + j];
            for (uint32_t e = begin[first + r]; e < begin[first + r + 1] && biased; e++)
                all[i].logit += at[e] == i ? (double)bias[e] : 0;
            sum += exp(all[i].logit);
        }
        cr_assert_float_eq((double)search.log_sum[r], log(sum), 1e-4);
        double *logit = malloc(items * sizeof *logit);
        for (uint32_t i = 0; i < items; i++)
            logit[i] = all[i].logit;
        qsort(all, items, sizeof *all, better_first);
        cr_assert_eq(search.count[r], k < items ? k : items);
        for (size_t i = 0; i < search.count[r]; i++) {
            const hh_found_item *found = &search.best[r * search.k + i];
            // which of two that differ by rounding comes first is free, but each says its own logit
            cr_assert_float_eq((double)found->logit, all[i].logit, 1e-4);
            cr_assert_float_eq((double)found->logit, logit[found->item], 1e-4);
            for (size_t j = 0; j < i; j++)
                cr_assert_neq(search.best[r * search.k + j].item, found->item);
        }
        free(logit);
    }
    free(all);
    free(raw);
    free(x);
    free(length);
    free(h);
    free(raw_h);
    free(at);
    free(bias);
    hh_arena_free(&arena);
}

Test(search, finds_the_best_of_all)
{
    check_search(3000, 19, 20, 5, 3000, false, 1); // more than one tile
    check_search(3000, 19, 20, 64, 3000, true, 2);
    check_search(2100, 8, 20, 1, 2100, true, 3);
    check_search(1024, 8, 1, 2, 1024, true, 4);
}

Test(search, finds_all_there_are)
{
    check_search(70, 8, 100, 3, 70, true, 5);
    check_search(70, 8, 70, 1, 70, false, 6);
}

Test(search, takes_ties_once_each)
{
    check_search(2500, 6, 30, 4, 7, false, 7);
    check_search(2500, 6, 30, 4, 7, true, 8);
}
