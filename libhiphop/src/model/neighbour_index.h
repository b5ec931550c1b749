// Neighbours: earlier sessions that share items with a prefix (docs/model.md). The index knows the sessions
// that were added to it, so what is found is never later than the question: who trains asks for a session's
// neighbours first and adds the session afterwards.
//
// Two sets for each prefix, by the weight of the items that both hold, I = sum of their ln(1 + N / n):
//
//     global: I / (weight of the prefix' items + weight of the session's - I)        (Jaccard)
//     local:  the same over the last few clicks alone, each times e^-(clicks after it)
//
// both times 2^-(age / half-life), age in sessions.
#ifndef MODEL_NEIGHBOUR_INDEX_H
#define MODEL_NEIGHBOUR_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HH_SET_GLOBAL, HH_SET_LOCAL, HH_SETS };

typedef struct hh_neighbour_options {
    uint32_t newest;  // sessions known of an item, at most
    uint32_t nearest; // of each set, at most
    uint32_t last;    // k, the clicks that the local set goes by
    float half_life;  // in sessions; 0: age does not count
} hh_neighbour_options;

typedef struct hh_neighbour {
    uint32_t session;     // its number in the index
    uint32_t after;       // place in it just behind what matches the latest click that matches
    float prior[HH_SETS]; // ln of the overlap; -INFINITY where it is not in that set
} hh_neighbour;

typedef struct hh_neighbour_list { // those of prefix i are at[begin[i]] .. at[begin[i + 1] - 1]
    size_t *begin;                 // [prefixes + 1]
    hh_neighbour *at;
    size_t prefixes, prefix_room, room;
} hh_neighbour_list;

void hh_neighbour_list_free(hh_neighbour_list *list); // all zero is an empty list
// Prefixes without neighbours, up to this number; false: out of memory.
bool hh_neighbour_list_skip(hh_neighbour_list *list, size_t prefixes);

typedef struct hh_neighbour_index hh_neighbour_index;

hh_neighbour_index *hh_neighbour_index_new(uint32_t items, const hh_neighbour_options *options);
void hh_neighbour_index_free(hh_neighbour_index *index);
// Copies the session; it may be empty. false: out of memory.
bool hh_neighbour_index_add(hh_neighbour_index *index, const uint32_t *items, uint32_t length);
// Appends the neighbours of the prefixes of 1, 2 ... length clicks to the list. false: out of memory.
bool hh_neighbour_index_find(hh_neighbour_index *index, const uint32_t *items, uint32_t length,
                             hh_neighbour_list *list);
// From now on this session is not found, whoever asks; UINT32_MAX: all are.
void hh_neighbour_index_hide(hh_neighbour_index *index, uint32_t session);
uint32_t hh_neighbour_index_count(const hh_neighbour_index *index);
const uint32_t *hh_neighbour_index_session(const hh_neighbour_index *index, uint32_t number,
                                           uint32_t *length);

#endif
