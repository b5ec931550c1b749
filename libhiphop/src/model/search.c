#include "model/search.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <math.h>

#define TILE  1024
#define CHUNK 32 // logits looked at together
#define GROUP 16 // in the search for one

// Of `logits` numbers in all and `rows` lists.
static bool init(hh_search *search, size_t logits, size_t rows, hh_arena *arena)
{
    search->k = search->k < search->items ? search->k : search->items;
    search->tile = HH_TAKE(arena, logits, float);
    search->best = HH_TAKE(arena, rows * search->k + 1, hh_found_item);
    search->count = HH_TAKE(arena, rows, size_t);
    search->log_sum = HH_TAKE(arena, rows, float);
    return !arena->failed;
}

bool hh_search_init(hh_search *search, const float *x, size_t items, size_t d, size_t k, float scale,
                    hh_arena *arena)
{
    *search = (hh_search){.x = x, .items = items, .d = d, .k = k, .scale = scale};
    return init(search, HH_SEARCH_ROWS * TILE, HH_SEARCH_ROWS, arena);
}

bool hh_search_init_one(hh_search *search, const hh_vector_table *table, size_t k, float scale,
                        hh_arena *arena)
{
    *search = (hh_search){
        .x = table->x, .items = table->items, .d = table->d, .k = k, .scale = scale, .table = table};
    size_t all = table->blocks * HH_TABLE_BLOCK;
    search->heap = HH_TAKE(arena, k, float);
    return init(search, all + all / GROUP, 1, arena);
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

HH_WIDEST static float sum_of_exps(const float *x, float shift, size_t n)
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

// Lists the items with a bias, which are in `row` of own, too, and adds them to the sum of all others.
static float log_of_all(hh_search *search, const float *h, size_t list, const hh_ragged *own, size_t row,
                        const float *bias, double sum)
{
    float shift = search->scale;
    size_t k = search->k, *count = &search->count[list];
    hh_found_item *best = search->best + list * k;
    for (uint32_t e = own ? own->begin[row] : 0; own && e < own->begin[row + 1]; e++) {
        const float *x = search->x + own->at[e] * search->d;
        hh_found_item found = {own->at[e], search->scale * hh_dot(h, x, search->d) + bias[e]};
        sum += exp((double)found.logit - shift);
        if (belongs(best, *count, k, found))
            insert(best, count, k, found);
    }
    return (float)log(sum) + shift;
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
    for (size_t r = 0; r < rows; r++)
        search->log_sum[r] = log_of_all(search, h + r * search->d, r, own, first + r, bias, sums[r]);
}

// ---- one ----

HH_WIDE static void scale_all(float *x, float factor, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

// The largest of each GROUP logits; n is a multiple of GROUP.
HH_WIDEST static void largest_of_groups(const float *logits, size_t n, float *largest)
{
    for (size_t begin = 0; begin < n; begin += GROUP) {
        float most = logits[begin];
#pragma omp simd reduction(max : most)
        for (size_t i = begin; i < begin + GROUP; i++)
            most = logits[i] > most ? logits[i] : most;
        largest[begin / GROUP] = most;
    }
}

// The k-th largest of n numbers, -INFINITY where there are fewer. heap[k]
static float kth_largest(const float *x, size_t n, float *heap, size_t k)
{
    for (size_t i = 0; i < k; i++)
        heap[i] = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (x[i] <= heap[0])
            continue;
        size_t at = 0;
        for (size_t child; (child = 2 * at + 1) < k; at = child) {
            child += child + 1 < k && heap[child + 1] < heap[child];
            if (heap[child] >= x[i])
                break;
            heap[at] = heap[child];
        }
        heap[at] = x[i];
    }
    return heap[0];
}

void hh_search_run_one(hh_search *search, const float *h, const hh_ragged *own, const float *bias)
{
    const hh_vector_table *table = search->table;
    size_t all = table->blocks * HH_TABLE_BLOCK, k = search->k, *count = search->count;
    float *logits = search->tile, *largest = logits + all, shift = search->scale;
    double sum = 0;
    *count = 0;
    for (size_t block = 0; block < table->blocks; block += TILE / HH_TABLE_BLOCK) {
        size_t left = table->blocks - block,
               blocks = left < TILE / HH_TABLE_BLOCK ? left : TILE / HH_TABLE_BLOCK;
        size_t begin = block * HH_TABLE_BLOCK, end = begin + blocks * HH_TABLE_BLOCK;
        hh_vector_table_products(table, h, block, blocks, logits + begin);
        scale_all(logits + begin, search->scale, end - begin);
        for (size_t i = search->items; i < end; i++)
            logits[i] = -INFINITY;
        for (uint32_t e = own ? own->begin[0] : 0; own && e < own->begin[1]; e++)
            if (own->at[e] >= begin && own->at[e] < end)
                logits[own->at[e]] = -INFINITY; // those with a bias come last
        sum += (double)sum_of_exps(logits + begin, shift, end - begin);
        largest_of_groups(logits + begin, end - begin, largest + begin / GROUP);
    }
    // k groups have an item that is as good as this; what is further below than both can be off is none of
    // the best.
    float least = kth_largest(largest, all / GROUP, search->heap, k) -
                  2 * search->scale * hh_vector_table_error(table, h);
    for (size_t group = 0; group < all / GROUP; group++) {
        if (largest[group] < least || largest[group] == -INFINITY)
            continue;
        for (size_t i = group * GROUP; i < (group + 1) * GROUP; i++) {
            if (logits[i] < least || logits[i] == -INFINITY)
                continue;
            float logit = search->scale * hh_dot(h, search->x + i * search->d, search->d);
            sum += (double)hh_exp(logit - shift) - (double)hh_exp(logits[i] - shift);
            if (*count < k || logit > search->best[k - 1].logit)
                insert(search->best, count, k, (hh_found_item){(uint32_t)i, logit});
        }
    }
    *search->log_sum = log_of_all(search, h, 0, own, 0, bias, sum);
}
