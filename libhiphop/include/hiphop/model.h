// The HIPHOP network (docs/model.md): from the items of a session to a score for every item.
#ifndef HIPHOP_MODEL_H
#define HIPHOP_MODEL_H

#include <hiphop/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hh_network hh_network;

typedef struct hh_network_options {
    uint32_t d;          // width of all vectors
    uint32_t positions;  // a session is read back over so many clicks at most
    float scale;         // s: logit = s h . x
    float item_dropout;  // while training, of the items' vectors as they go in
    float state_dropout; // and of the nodes' states after the graph step
    // the parts, each of which can be off
    bool graph;    // the gated graph step
    bool own_bias; // a bias for items that the session holds, by their distance and its length
} hh_network_options;

hh_network_options hh_network_defaults(void);

// A network with random weights, a function of the seed, for items 0 .. items - 1. NULL on failure.
hh_network *hh_network_new(const hh_network_options *options, uint32_t items, uint64_t seed, hh_error *error);
void hh_network_free(hh_network *network); // may be NULL
// The same weights again; NULL when out of memory.
hh_network *hh_network_copy(const hh_network *network);

#endif
