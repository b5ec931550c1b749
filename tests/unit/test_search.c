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
// What a search says of row r of h, whose own items are row first + r of own, NULL: none, against all logits.
static void check_found(const hh_search *search, const float *h, size_t r, const hh_ragged *own, size_t first,
                        const float *bias, double sum_off)
{
    size_t items = search->items, d = search->d;
    slow_found *all = malloc(items * sizeof *all);
    double *logit = malloc(items * sizeof *logit), sum = 0;
    cr_assert(all && logit);
    for (uint32_t i = 0; i < items; i++) {
        all[i] = (slow_found){0, i};
        for (size_t j = 0; j < d; j++)
            all[i].logit += (double)search->scale * (double)h[r * d + j] * (double)search->x[i * d + j];
        for (uint32_t e = own ? own->begin[first + r] : 0; own && e < own->begin[first + r + 1]; e++)
            all[i].logit += own->at[e] == i ? (double)bias[e] : 0;
        logit[i] = all[i].logit;
        sum += exp(all[i].logit);
    }
    cr_assert_float_eq((double)search->log_sum[r], log(sum), sum_off);
    qsort(all, items, sizeof *all, better_first);
    cr_assert_eq(search->count[r], search->k);
    for (size_t i = 0; i < search->count[r]; i++) {
        const hh_found_item *found = &search->best[r * search->k + i];
        // which of two that differ by rounding comes first is free, but each says its own logit
        cr_assert_float_eq((double)found->logit, all[i].logit, 1e-4);
        cr_assert_float_eq((double)found->logit, logit[found->item], 1e-4);
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(search->best[r * search->k + j].item, found->item);
    }
    free(all);
    free(logit);
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
    cr_assert_eq(search.k, k < items ? k : items);
    for (size_t r = 0; r < rows; r++)
        check_found(&search, h, r, biased ? &own : NULL, first, bias, 1e-4);
    free(raw);
    free(x);
    free(length);
    free(h);
    free(raw_h);
    free(at);
    free(bias);
    hh_arena_free(&arena);
}

// One session out of a table; all vectors the same: whatever a byte can be off, all are looked at again.
static void check_one(uint32_t items, uint32_t d, size_t k, bool biased, bool same, uint64_t seed)
{
    hh_network_options options = hh_network_defaults();
    options.d = d;
    hh_network *network = hh_network_new(&options, items, seed, NULL);
    cr_assert_not_null(network);
    for (uint32_t item = 1; item < items && same; item++)
        memcpy(network->item.value + item * (size_t)d, network->item.value, d * sizeof(float));
    hh_vector_table table;
    cr_assert(hh_vector_table_init(&table, network));
    hh_random random = {seed};
    hh_arena arena = {0};
    hh_search search;
    cr_assert(hh_search_init_one(&search, &table, k, 12, &arena));
    float length, *h = zero_floats(d), *products = zero_floats(table.blocks * HH_TABLE_BLOCK);
    for (int round = 0; round < 20; round++) {
        float *raw = random_floats(d, 1, &random), bias[3] = {4, -3, 0.5f};
        hh_normalise(h, &length, round ? raw : table.x, 1, d);
        uint32_t begin[2] = {0, 3}, at[3] = {0, items / 2, items - 1};
        hh_ragged own = {1, begin, at};
        hh_search_run_one(&search, h, biased ? &own : NULL, biased ? bias : NULL);
        check_found(&search, h, 0, biased ? &own : NULL, 0, bias, 5e-3);
        hh_vector_table_products(&table, h, 0, table.blocks, products);
        float off = 0, error = hh_vector_table_error(&table, h);
        for (uint32_t i = 0; i < items; i++)
            off = fmaxf(off, fabsf(products[i] - hh_dot(h, table.x + i * d, d)));
        cr_assert(off <= error && error < 0.03f, "off by %g, where %g is promised", (double)off,
                  (double)error);
        free(raw);
    }
    free(h);
    free(products);
    hh_vector_table_clear(&table);
    hh_network_free(network);
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

Test(search, finds_the_best_of_one_session)
{
    check_one(3000, 19, 20, false, false, 1);
    check_one(3000, 64, 101, true, false, 2);
    check_one(1024, 100, 1, true, false, 3);
    check_one(70, 8, 100, true, false, 4);
    check_one(64, 300, 20, false, false, 5);
    check_one(1500, 16, 30, true, true, 6);
}
