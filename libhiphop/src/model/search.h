// The k best items of a session's vector, exactly, and the sum that makes shares of logits. Items are gone
// through in tiles whose logits stay in the cache: 64 sessions cost little more than the bare product. One
// session is answered out of a table of a byte a number: all items that could be among the best by what a
// byte can be off are looked at again, exactly.
#ifndef MODEL_SEARCH_H
#define MODEL_SEARCH_H

#include "model/vector_table.h"
#include "nn/arena.h"
#include "nn/ragged.h"

#define HH_SEARCH_ROWS 64 // sessions at once

typedef struct hh_found_item {
    uint32_t item;
    float logit;
} hh_found_item;

typedef struct hh_search {
    const float *x; // [items x d] normalised
    size_t items, d, k;
    float scale;         // logit = scale h . x
    float *tile;         // [HH_SEARCH_ROWS x tile]
    hh_found_item *best; // [HH_SEARCH_ROWS x k] best first, ties by item
    size_t *count;       // [HH_SEARCH_ROWS] of them
    float *log_sum;      // [HH_SEARCH_ROWS] log of the sum of e^logit over all items
    float *heap;         // [k] for one row: the k largest of the groups' largest logits, the least on top
    const hh_vector_table *table; // NULL: for many rows
} hh_search;

// 1 <= k; memory of the arena. False when out of memory.
bool hh_search_init(hh_search *search, const float *x, size_t items, size_t d, size_t k, float scale,
                    hh_arena *arena);
// For hh_search_run_one alone: over the items of a table.
bool hh_search_init_one(hh_search *search, const hh_vector_table *table, size_t k, float scale,
                        hh_arena *arena);
// h [rows x d], rows <= HH_SEARCH_ROWS. own: of each row, from `first` on, items whose logits have a bias
// [own entries]; NULL: none have.
void hh_search_run(hh_search *search, const float *h, size_t rows, const hh_ragged *own, size_t first,
                   const float *bias);
// h [d], |h| <= 1; own: its first row. The best as hh_search_run finds them; in the sum, items that are none
// of those looked at again are off by what a byte is off, either way, so that log_sum is so to some
// thousandths.
void hh_search_run_one(hh_search *search, const float *h, const hh_ragged *own, const float *bias);

#endif
