// Items that the graph has described since a model was trained: the vectors that the model's projectors make
// of their descriptions, read as they are wanted, the latest kept. One thread each.
#ifndef RECOMMEND_LATE_ITEMS_H
#define RECOMMEND_LATE_ITEMS_H

#include "model/network.h"

#include <hiphop/graph.h>
#include <hiphop/text.h>

#define HH_LATE_KEPT 1024
#define HH_LATE_READ 64 // for one list at most: each costs some microseconds

typedef struct hh_late_items {
    const hh_network *network;
    hh_reader *reader;
    uint32_t source[HH_SOURCES]; // the graph's number of each of the network's
    struct {
        hh_item item;
        uint32_t stamp;
    } * kept;        // [HH_LATE_KEPT] by item; stamp 0: none. NULL: nothing is read
    float *x;        // [HH_LATE_KEPT x d] their vectors
    uint32_t budget; // descriptions that may still be read for this list
} hh_late_items;

// names [count] of the graph's sources by their numbers there. Network and reader outlive it. false: out of
// memory.
bool hh_late_items_init(hh_late_items *late, const hh_network *network, hh_reader *reader,
                        const hh_text *names, uint32_t count);
void hh_late_items_free(hh_late_items *late);  // all zero is none
void hh_late_items_begin(hh_late_items *late); // another list
// The vector of an item, of length 1, until the next call; NULL: nothing is known of it that the network can
// read, or enough was read for this list.
const float *hh_late_items_vector(hh_late_items *late, hh_item item);

#endif
