// A batch of whole sessions as the network sees it: nodes, versions of nodes, prefixes, all ragged. Every
// prefix but a session's last has the click after it as its target.
//
// Items stand in rows, numbered within the batch: first the columns that every prefix is held against (all
// items, or a sample), then what else the batch's sessions hold.
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

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
} hh_batch;

typedef struct hh_batch_options {
    size_t d;
    uint32_t positions; // a prefix is read back over so many clicks at most
    bool graph;         // nodes have edges; else each has one version
    bool last_only;     // the whole session is the only prefix, and has no target
} hh_batch_options;

// All of it in the arena; false when out of memory. All items must have rows.
bool hh_batch_build(hh_batch *batch, const hh_session_view *sessions, size_t count, const hh_batch_rows *rows,
                    const hh_batch_options *options, hh_arena *arena);

#endif
