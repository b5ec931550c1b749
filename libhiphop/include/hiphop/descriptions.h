// What a graph knows of items by their descriptions, as a training wants it (docs/training.md): which items
// are described, and their vectors, a byte a number, just as the graph has them. So nothing holds them in
// full: they take the memory that graph.max_described bounds, and once more for the items of a training while
// it trains.
//
// Any thread with a reader of its own, while the graph's writer goes on.
#ifndef HIPHOP_DESCRIPTIONS_H
#define HIPHOP_DESCRIPTIONS_H

#include <hiphop/graph.h>
#include <hiphop/model_file.h>
#include <hiphop/text.h>

// The ids of described items that are not withdrawn, `most` at most, on the whole the latest first.
typedef struct hh_described_items {
    hh_item_ids ids;
    void *memory[2];
} hh_described_items;
hh_status hh_described_items_take(hh_reader *reader, uint32_t most, hh_described_items *items,
                                  hh_error *error);
void hh_described_items_free(hh_described_items *items); // all zero is none

typedef struct hh_descriptions {
    hh_source source[HH_SOURCES]; // [count] those that describe some of the items
    uint32_t count;
    void *memory[HH_SOURCES][3];
} hh_descriptions;

// Of the items with these ids. names [count]: of the graph's sources, in the order of their numbers there,
// HH_SOURCES at most. Vectors of a source that are not as wide as its first are left out: it is changing.
hh_status hh_descriptions_take(hh_reader *reader, const hh_text *names, uint32_t count,
                               const hh_item_ids *ids, hh_descriptions *descriptions, hh_error *error);
void hh_descriptions_free(hh_descriptions *descriptions); // all zero is none

#endif
