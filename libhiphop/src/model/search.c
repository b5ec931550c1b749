#include "model/search.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <math.h>

#define TILE  1024
#define CHUNK 32 // logits looked at together

bool hh_search_init(hh_search *search, const float *x, size_t items, size_t d, size_t k, float scale,
                    hh_arena *arena)
{
    *search = (hh_search){
        .x = x,
        .items = items,
        .d = d,
        .k = k < items ? k : items,
        .scale = scale,
        .tile = HH_TAKE(arena, HH_SEARCH_ROWS * TILE, float),
        .best = HH_TAKE(arena, HH_SEARCH_ROWS * k, hh_found_item),
        .count = HH_TAKE(arena, HH_SEARCH_ROWS, size_t),
        .log_sum = HH_TAKE(arena, HH_SEARCH_ROWS, float),
    };
    return !arena->failed;
}

// Into a list that is full, or not yet. Those that are better, or as good with a smaller number, come before.
static void insert(hh_found_item *best, size_t *count, size_t k, hh_found_item found)
{
    size_t at = *count < k ? (*count)++ : k - 1;
    for (; at > 0 && (best[at - 1].logit < found.logit ||
                      (best[at - 1].logit == found.logit && best[at - 1].item > found.item));
         at--)
        best[at] = best[at - 1];
    best[at] = found;
}

static bool belongs(const hh_found_item *best, size_t count, size_t k, hh_found_item found)
{
    if (count < k)
        return true;
    const hh_found_item *last = &best[k - 1];
    return found.logit > last->logit || (found.logit == last->logit && found.item < last->item);
}

// The logits of items first .. first + n - 1. Items come in order, so one that is only as good as the last of
// a full list does not belong there.
static void take_tile(hh_found_item *best, size_t *count, size_t k, const float *logits, size_t n,
                      uint32_t first)
{
    for (size_t begin = 0; begin < n; begin += CHUNK) {
        size_t size = n - begin < CHUNK ? n - begin : CHUNK;
        if (*count == k && hh_largest(logits + begin, size) <= best[k - 1].logit)
            continue;
        for (size_t i = begin; i < begin + size; i++)
            if (logits[i] > -INFINITY && (*count < k || logits[i] > best[k - 1].logit))
                insert(best, count, k, (hh_found_item){first + (uint32_t)i, logits[i]});
    }
}

HH_WIDE static float sum_of_exps(const float *x, float shift, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += hh_exp(x[i] - shift);
    return sum;
}

static void product(float *logits, const hh_search *search, const float *h, size_t rows, size_t first,
                    size_t n)
{
    int d = (int)search->d;
    const float *x = search->x + first * search->d;
    if (rows == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)n, d, search->scale, x, d, h, 1, 0, logits, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)n, d, search->scale, h, d, x, d,
                    0, logits, (int)n);
}

void hh_search_run(hh_search *search, const float *h, size_t rows, const hh_ragged *own, size_t first,
                   const float *bias)
{
    size_t k = search->k;
    double sums[HH_SEARCH_ROWS] = {0};
    float shift = search->scale; // |h| and |x| are 1 at most
    for (size_t r = 0; r < rows; r++)
        search->count[r] = 0;
    for (size_t begin = 0; begin < search->items; begin += TILE) {
        size_t n = search->items - begin < TILE ? search->items - begin : TILE;
        product(search->tile, search, h, rows, begin, n);
        for (size_t r = 0; r < rows; r++) {
            float *logits = search->tile + r * n;
            // those with a bias come last
            for (uint32_t e = own ? own->begin[first + r] : 0; own && e < own->begin[first + r + 1]; e++)
                if (own->at[e] >= begin && own->at[e] < begin + n)
                    logits[own->at[e] - begin] = -INFINITY;
            sums[r] += sum_of_exps(logits, shift, n);
            take_tile(search->best + r * k, &search->count[r], k, logits, n, (uint32_t)begin);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        hh_found_item *best = search->best + r * k;
        for (uint32_t e = own ? own->begin[first + r] : 0; own && e < own->begin[first + r + 1]; e++) {
            const float *x = search->x + own->at[e] * search->d;
            hh_found_item found = {own->at[e],
                                   search->scale * hh_dot(h + r * search->d, x, search->d) + bias[e]};
            sums[r] += exp((double)found.logit - shift);
            if (belongs(best, search->count[r], k, found))
                insert(best, &search->count[r], k, found);
        }
        search->log_sum[r] = (float)log(sums[r]) + shift;
    }
}
