#include "evaluate/rows.h"

#include <math.h>
#include <stdlib.h>

bool hh_rows_init(hh_rows *rows, uint32_t items, double half_life)
{
    *rows = (struct hh_rows){.items = items, .half_life = half_life, .slots = 1 << 16};
    rows->rows = calloc((size_t)items + 1, sizeof *rows->rows);
    rows->keys = malloc(rows->slots * sizeof *rows->keys);
    rows->places = calloc(rows->slots, sizeof *rows->places);
    return rows->rows && rows->keys && rows->places;
}

void hh_rows_free(hh_rows *rows)
{
    for (uint32_t x = 0; rows->rows && x < rows->items; x++)
        free(rows->rows[x].entries);
    free(rows->rows);
    free(rows->keys);
    free(rows->places);
}

static uint64_t mixed(uint64_t key) // the finalizer of MurmurHash3
{
    key = (key ^ (key >> 33)) * 0xff51afd7ed558ccd;
    key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53;
    return key ^ (key >> 33);
}

static uint64_t slot_of(const hh_rows *rows, uint64_t key)
{
    uint64_t slot = mixed(key) & (rows->slots - 1);
    while (rows->places[slot] && rows->keys[slot] != key)
        slot = (slot + 1) & (rows->slots - 1);
    return slot;
}

static bool double_slots(hh_rows *rows)
{
    struct hh_rows larger = *rows;
    larger.slots *= 2;
    larger.keys = malloc(larger.slots * sizeof *larger.keys);
    larger.places = calloc(larger.slots, sizeof *larger.places);
    if (!larger.keys || !larger.places) {
        free(larger.keys);
        free(larger.places);
        return false;
    }
    for (uint64_t old = 0; old < rows->slots; old++) {
        if (!rows->places[old])
            continue;
        uint64_t slot = slot_of(&larger, rows->keys[old]);
        larger.keys[slot] = rows->keys[old];
        larger.places[slot] = rows->places[old];
    }
    free(rows->keys);
    free(rows->places);
    *rows = larger;
    return true;
}

static float decayed(const hh_rows *rows, float weight, hh_time age)
{
    return rows->half_life > 0 && age > 0 ? weight * exp2f(-(float)((double)age / rows->half_life)) : weight;
}

bool hh_rows_add(hh_rows *rows, uint32_t x, uint32_t y, float weight, hh_time time)
{
    if (2 * rows->used >= rows->slots && !double_slots(rows))
        return false;
    hh_row *row = &rows->rows[x];
    uint64_t key = (uint64_t)x << 32 | y;
    uint64_t slot = slot_of(rows, key);
    if (!rows->places[slot]) {
        if (row->count == row->room) {
            uint32_t room = 2 * row->room + 4;
            hh_row_entry *larger = realloc(row->entries, room * sizeof *larger);
            if (!larger)
                return false;
            row->entries = larger;
            row->room = room;
        }
        row->entries[row->count++] = (hh_row_entry){.item = y, .weight = weight, .last = time};
        rows->keys[slot] = key;
        rows->places[slot] = row->count;
        rows->used++;
        return true;
    }
    hh_row_entry *entry = &row->entries[rows->places[slot] - 1];
    if (time >= entry->last) {
        entry->weight = decayed(rows, entry->weight, time - entry->last) + weight;
        entry->last = time;
    } else { // closed sessions are learned late
        entry->weight += decayed(rows, weight, entry->last - time);
    }
    return true;
}

float hh_rows_weight(const hh_rows *rows, const hh_row_entry *entry, hh_time as_of)
{
    return decayed(rows, entry->weight, as_of - entry->last);
}
