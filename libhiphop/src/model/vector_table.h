// A network's item vectors as those who serve one session at a time read them: whole, and in a byte a number,
// which is a quarter to go through. Never changed, so threads share one.
#ifndef MODEL_VECTOR_TABLE_H
#define MODEL_VECTOR_TABLE_H

#include "model/network.h"

#include <hiphop/foreseer.h>

#define HH_TABLE_BLOCK 64 // items whose numbers lie side by side

struct hh_vector_table {
    const hh_model *model; // NULL where it was made of a network alone
    const hh_network *network;
    size_t items, d, blocks;
    float *x, *length; // [items x d] normalised, [items]
    int8_t *code;      // [blocks x d x HH_TABLE_BLOCK]: x is step * code, about
    float *step;       // [blocks x HH_TABLE_BLOCK]; 0 of those behind the last item
    float off;         // the largest |x - step * code| of an item
};

bool hh_vector_table_init(hh_vector_table *table, const hh_network *network); // false: out of memory
void hh_vector_table_clear(hh_vector_table *table);

// products[count x HH_TABLE_BLOCK] of h [d] with the items of blocks first .. first + count - 1, each off by
// hh_vector_table_error at most.
void hh_vector_table_products(const hh_vector_table *table, const float *h, size_t first, size_t count,
                              float *products);
float hh_vector_table_error(const hh_vector_table *table, const float *h);

#endif
