// The HIPHOP network (docs/model.md): from the items of a session to a score for every item.
#ifndef HIPHOP_MODEL_H
#define HIPHOP_MODEL_H

#include <hiphop/option.h>

typedef struct hh_network hh_network;

// X(KIND, field, "name", default, low, high, "what it is for"): see <hiphop/option.h>. A SWITCH is a part of
// the network that can be off.
#define HH_NETWORK_OPTIONS(X)                                                                             \
    X(COUNT, d, "d", 100, 1, 4096, "width of all vectors")                                                \
    X(COUNT, positions, "positions", 50, 1, 10000, "a session is read back over so many clicks at most")  \
    X(REAL, scale, "scale", 12, 0.1, 1000, "s: logit = s h . x")                                          \
    X(REAL, item_dropout, "item-dropout", 0.4, 0, 0.95, "of the items' vectors, while training")          \
    X(REAL, state_dropout, "state-dropout", 0.25, 0, 0.95, "of the nodes' states after the graph step")   \
    X(SWITCH, graph, "graph", true, 0, 1, "the gated graph step")                                         \
    X(SWITCH, own_bias, "own-bias", true, 0, 1,                                                           \
      "a bias for items that the session holds, by their distance and its length")                        \
    X(COUNT, intents, "intents", 0, 0, 64, "M, with as many heads each; 0: none")                         \
    X(SWITCH, intent_readout, "intent-readout", false, 0, 1, "intents are part of the session's vector")  \
    X(SWITCH, global, "global", false, 0, 1, "neighbour sessions, by all that the session holds")         \
    X(SWITCH, local, "local", false, 0, 1, "neighbour sessions, by its last clicks")                      \
    X(COUNT, last, "last", 3, 1, 1000, "of these last clicks, how many")                                  \
    X(COUNT, nearest, "nearest", 12, 1, 1000, "neighbours of each of the two kinds, at most")             \
    X(COUNT, newest, "newest", 256, 1, 100000, "sessions known of an item, at most")                      \
    X(SWITCH, whole, "whole", false, 0, 1,                                                                \
      "a neighbour says all its items; else those beside the match, mainly after it")                     \
    X(SWITCH, denoising, "denoising", false, 0, 1,                                                        \
      "intents decide which neighbours count; else their overlap does")                                   \
    X(SWITCH, similar, "similar", false, 0, 1,                                                            \
      "the most similar neighbours are part of the session's vector")                                     \
    X(COUNT, most_similar, "most-similar", 3, 1, 64, "of these, how many")                                \
    X(SWITCH, gate, "gate", false, 0, 1, "as far as intents let them, from nothing on; else wholly")      \
    X(SWITCH, votes, "votes", false, 0, 1, "neighbours vote for items")                                   \
    X(SWITCH, contrastive, "contrastive", false, 0, 1, "a session shall be like its neighbours")          \
    X(REAL, id_dropout, "id-dropout", 0.1, 0, 0.9, "of items' own vectors where a source describes them") \
    X(REAL, id_length, "id-length", 0.6, 0, 1000,                                                         \
      "of items' own vectors at most where a source describes them")

typedef struct hh_network_options {
    HH_NETWORK_OPTIONS(HH_OPTION_FIELD)
} hh_network_options;

const hh_option *hh_network_option_table(void); // ended by a row without a name
hh_network_options hh_network_defaults(void);
// Every value is in its range, and every part has what it needs; else HH_ARGUMENT.
hh_status hh_network_options_check(const hh_network_options *options, hh_error *error);

// What is known of items beside the clicks: a vector each, by a language model or any other. Frozen: the
// network learns to read it. Full numbers, or a byte each, as a graph has them (<hiphop/descriptions.h>);
// neither in a network that has been settled, whose items hold what was read of them.
#define HH_SOURCES 8
typedef struct hh_source {
    const char *name;
    uint32_t width;
    const float *vector;    // [items x width], zeros where there is none
    const uint8_t *present; // [items] of these; NULL: all have one
    const int8_t *bytes;    // [items x width], where there is no `vector`: each number is its byte x scale
    const float *scale;     // [items] 0: has none
} hh_source;

// A network with random weights, a function of the seed, for items 0 .. items - 1. NULL on failure.
hh_network *hh_network_new(const hh_network_options *options, uint32_t items, uint64_t seed, hh_error *error);
// With sources, HH_SOURCES at most, whose vectors outlive the network and its copies.
hh_network *hh_network_new_described(const hh_network_options *options, uint32_t items,
                                     const hh_source *sources, uint32_t source_count, uint64_t seed,
                                     hh_error *error);
void hh_network_free(hh_network *network); // may be NULL
// From now on each item holds what its sources say, P t + b, d numbers instead of their widths: the vectors
// may go. It scores, is saved and is trained further, with vectors of its new items, but not in place.
// HH_MEMORY: it is as before.
hh_status hh_network_settle(hh_network *network, hh_error *error);
// The same weights again; NULL when out of memory.
hh_network *hh_network_copy(const hh_network *network);

const hh_network_options *hh_network_options_of(const hh_network *network);
uint32_t hh_network_items(const hh_network *network);
// What items are found by: x of docs/model.md, of length 1 (0 where nothing is known of the item), of the
// items first .. first + count - 1, which the network has, into x [count x d]. The logit of an item is
// `scale` times its inner product with the session's vector, which has length 1 too.
void hh_network_item_vectors(const hh_network *network, uint32_t first, uint32_t count, float *x);

#endif
