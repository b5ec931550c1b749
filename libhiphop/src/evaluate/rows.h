// Decayed counts of pairs, by row: how often y came after x, each time counted with 2^(-age / half-life).
#ifndef EVALUATE_ROWS_H
#define EVALUATE_ROWS_H

#include <hiphop/time.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hh_row_entry {
    uint32_t item;
    float weight; // as of `last`
    hh_time last;
} hh_row_entry;

typedef struct hh_row {
    hh_row_entry *entries;
    uint32_t count, room;
} hh_row;

typedef struct hh_rows {
    uint32_t items;
    double half_life; // ms; 0: nothing decays
    hh_row *rows;     // [items]
    // Where the entry of (x, y) stands in row x: open addressing, key x << 32 | y, the place + 1 or 0.
    uint64_t *keys;
    uint32_t *places;
    uint64_t slots, used;
} hh_rows;

bool hh_rows_init(hh_rows *rows, uint32_t items, double half_life);
void hh_rows_free(hh_rows *rows);
// Adds weight, as of time, to (x, y). false: out of memory.
bool hh_rows_add(hh_rows *rows, uint32_t x, uint32_t y, float weight, hh_time time);
// The entry's weight as of a time that is not before any that was added.
float hh_rows_weight(const hh_rows *rows, const hh_row_entry *entry, hh_time as_of);

#endif
