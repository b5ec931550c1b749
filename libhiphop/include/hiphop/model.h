// The HIPHOP network (docs/model.md): from the items of a session to a score for every item.
#ifndef HIPHOP_MODEL_H
#define HIPHOP_MODEL_H

#include <hiphop/option.h>

typedef struct hh_network hh_network;

// X(KIND, field, "name", default, low, high, "what it is for"): see <hiphop/option.h>. A SWITCH is a part of
// the network that can be off.
#define HH_NETWORK_OPTIONS(X)                                                                            \
    X(COUNT, d, "d", 100, 1, 4096, "width of all vectors")                                               \
    X(COUNT, positions, "positions", 50, 1, 10000, "a session is read back over so many clicks at most") \
    X(REAL, scale, "scale", 12, 0.1, 1000, "s: logit = s h . x")                                         \
    X(REAL, item_dropout, "item-dropout", 0.4, 0, 0.95, "of the items' vectors, while training")         \
    X(REAL, state_dropout, "state-dropout", 0.25, 0, 0.95, "of the nodes' states after the graph step")  \
    X(SWITCH, graph, "graph", true, 0, 1, "the gated graph step")                                        \
    X(SWITCH, own_bias, "own-bias", true, 0, 1,                                                          \
      "a bias for items that the session holds, by their distance and its length")

typedef struct hh_network_options {
    HH_NETWORK_OPTIONS(HH_OPTION_FIELD)
} hh_network_options;

const hh_option *hh_network_option_table(void); // ended by a row without a name
hh_network_options hh_network_defaults(void);

// A network with random weights, a function of the seed, for items 0 .. items - 1. NULL on failure.
hh_network *hh_network_new(const hh_network_options *options, uint32_t items, uint64_t seed, hh_error *error);
void hh_network_free(hh_network *network); // may be NULL
// The same weights again; NULL when out of memory.
hh_network *hh_network_copy(const hh_network *network);

#endif
