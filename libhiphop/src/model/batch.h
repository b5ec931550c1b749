// A batch of whole sessions as the network sees it: nodes, versions of nodes, prefixes, all ragged. Every
// prefix but a session's last has the click after it as its target.
//
// Items stand in rows, numbered within the batch: first the columns that every prefix is held against (all
// items, or a sample), then what else the batch's sessions hold.
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

#include "model/neighbour_index.h"
#include "nn/arena.h"
#include "nn/gated_step.h"
#include "nn/ragged.h"
#include "nn/soft_attention.h"

#define HH_OWN_STEPS 7 // distances, and lengths, that have a bias of their own; the last is for all beyond
#define HH_OWN_NONE  UINT32_MAX

typedef struct hh_session_view {
    const uint32_t *items; // [length] in time order
    uint32_t length;
} hh_session_view;

// The neighbours of a batch's prefixes. An entry is one neighbour of one prefix, with those of its items that
// say something: docs/model.md.
typedef struct hh_batch_neighbours {
    size_t entries;           // 0: there are none
    hh_ragged all;            // [prefixes] its entries
    hh_ragged set[HH_SETS];   // [prefixes] those of one set
    float *prior[HH_SETS];    // [set entries]
    hh_ragged said;           // [entries] rows of the items
    float *weight;            // [said] of each; they sum to 1
    hh_ragged votes;          // [prefixes] what its entries vote for: places in batch->exact
    float *vote;              // [votes] weight
    uint32_t *voter[HH_SETS]; // [votes] place in set[], or HH_NO_VOTER
} hh_batch_neighbours;

#define HH_NO_VOTER UINT32_MAX

// The rows that items have in this batch.
typedef struct hh_batch_rows {
    uint32_t *row_of; // [items] row, where stamp says so
    uint32_t *stamp;  // [items]
    uint32_t now, items;
    uint32_t *item; // [count] of each row
    uint32_t count, room, columns;
} hh_batch_rows;

bool hh_batch_rows_init(hh_batch_rows *rows, uint32_t items);
void hh_batch_rows_free(hh_batch_rows *rows);
void hh_batch_rows_begin(hh_batch_rows *rows);
bool hh_batch_rows_add(hh_batch_rows *rows, uint32_t item); // false: out of memory
static inline bool hh_batch_rows_have(const hh_batch_rows *rows, uint32_t item)
{
    return rows->stamp[item] == rows->now;
}

typedef struct hh_batch {
    size_t d, nodes, versions, prefixes;
    const uint32_t *node_row; // [nodes] row of its item
    hh_gated_shape gated;
    hh_attention_shape attention; // of the prefixes
    // What the loss is exact about: [prefixes] rows, the target first; and which own-item bias each has,
    // distance * HH_OWN_STEPS + length, or HH_OWN_NONE.
    hh_ragged exact;
    const uint32_t *own;
    const uint32_t *session; // [prefixes] place of its session in the batch
    // [prefixes] the nodes that it holds are first_node[p] .. end_node[p] - 1
    const uint32_t *first_node, *end_node;
    hh_batch_neighbours near;
} hh_batch;

typedef struct hh_batch_options {
    size_t d;
    uint32_t positions; // a prefix is read back over so many clicks at most
    bool graph;         // nodes have edges; else each has one version
    bool last_only;     // the whole session is the only prefix, and has no target
    // NULL: no neighbours
    const hh_neighbour_list *neighbours; // of the prefix that ends with clicks[i]: its number i
    const uint32_t *clicks;              // in which all sessions stand
    const hh_neighbour_index *index;
    bool whole; // a neighbour says all its items, evenly; else those beside the match, mainly after it
    bool votes;
} hh_batch_options;

// All of it in the arena; false when out of memory. All items must have rows.
bool hh_batch_build(hh_batch *batch, const hh_session_view *sessions, size_t count, const hh_batch_rows *rows,
                    const hh_batch_options *options, hh_arena *arena);
// The part of it that is about neighbours (batch_neighbours.c).
bool hh_batch_add_neighbours(hh_batch *batch, const hh_session_view *sessions, const hh_batch_rows *rows,
                             const hh_batch_options *options, hh_arena *arena);
// The rows of all that the sessions' neighbours hold. false: out of memory.
bool hh_batch_rows_add_neighbours(hh_batch_rows *rows, const hh_session_view *sessions, size_t count,
                                  const hh_batch_options *options);

#endif
