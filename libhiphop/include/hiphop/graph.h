// The global inter-session graph (MODEL.md 7): who clicked what, in which session, when.
//
// It learns from every click at once, from open sessions as well as closed ones, and answers queries *as of*
// a time: a query sees what is strictly earlier than `as_of` and leaves the asking visitor's own session out,
// however far the writer has read ahead. It forgets the oldest sessions when it holds max_clicks, or when
// they are older than max_age.
//
// One writer, many readers. Readers never lock and never wait; what the writer replaces is freed when the
// last reader that could see it has moved on. Each reading thread owns an hh_reader.
#ifndef HIPHOP_GRAPH_H
#define HIPHOP_GRAPH_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hh_graph hh_graph;
typedef struct hh_reader hh_reader;

typedef uint32_t hh_item; // an item of one graph; stays valid while the item has clicks or is withdrawn
#define HH_ITEM_NONE UINT32_MAX

// The experts. Each gives a distribution over items (sums to 1, or all 0 where it knows nothing).
typedef enum hh_expert {
    HH_EXPERT_POP_SHORT, // popular now, by the shortest of three half-lives
    HH_EXPERT_POP_MIDDLE,
    HH_EXPERT_POP_LONG,
    HH_EXPERT_PAIR,   // items that followed the session's items, decayed
    HH_EXPERT_KNN,    // items of the nearest sessions
    HH_EXPERT_REPEAT, // the session's own items
    HH_EXPERTS
} hh_expert;

typedef struct hh_graph_options {
    // what the graph holds
    uint32_t max_clicks; // hard bound on clicks held
    hh_time max_age;     // sessions whose last click is older than this go; 0: never
    // half-lives, MODEL.md 7
    hh_time pop_half_life[3];
    hh_time pair_half_life;
    hh_time knn_half_life;
    // further settings of the experts, each at its definition in the experts' files
    double pair_decay;       // q
    double pair_norm;        // exponent of the row sum
    double pair_backward;    // b
    uint32_t knn_sessions;   // m: newest sessions read for an item
    uint32_t knn_neighbours; // k
    double knn_decay;        // l1, positions
    double knn_reach;        // l3, distance of the voted item
    double knn_backward;     // b
    double knn_idf;          // exponent
    double repeat_last;      // r0
    double repeat_decay;     // q
    double damp_last;        // f0: other experts' votes for c_0
    double damp_session;     // f: other experts' votes for the session's other items
} hh_graph_options;

hh_graph_options hh_graph_defaults(void);

hh_graph *hh_graph_new(const hh_graph_options *options, hh_error *error);
void hh_graph_free(hh_graph *graph); // after all its readers

// ---- the writer (one thread) ----

// The number of an item, made on first use; HH_ITEM_NONE when out of memory.
hh_item hh_graph_intern(hh_graph *graph, const char *id, size_t length);
// Withdrawn items are never voted for. The mark outlives the item's clicks.
hh_status hh_graph_withdraw(hh_graph *graph, hh_item item, bool withdrawn);

// A session in the graph, as the writer holds it.
typedef struct hh_graph_session hh_graph_session;

// Begins a session; visitor: any hash of the visitor, the same one that queries pass. NULL when out of
// memory.
hh_graph_session *hh_graph_open(hh_graph *graph, uint64_t visitor);
// A click; it is put in time order (after those of the same time).
hh_status hh_graph_click(hh_graph *graph, hh_graph_session *session, hh_item item, hh_time time);
// Joins `from` into `into`; `from` is gone afterwards.
hh_status hh_graph_merge(hh_graph *graph, hh_graph_session *into, hh_graph_session *from);
// No more clicks will come; the handle is gone afterwards, the session stays until it expires.
void hh_graph_close(hh_graph *graph, hh_graph_session *session);

// ---- readers (any thread, each with its own hh_reader) ----

hh_reader *hh_reader_new(hh_graph *graph, hh_error *error);
void hh_reader_free(hh_reader *reader);

hh_item hh_graph_find(hh_reader *reader, const char *id, size_t length); // HH_ITEM_NONE: never seen
// Copies the item's id into buffer (NUL-terminated, cut at size) and returns its whole length; 0 for none.
size_t hh_graph_id(hh_reader *reader, hh_item item, char *buffer, size_t size);

typedef struct hh_query {
    const hh_item
        *items;    // [length] the session so far in time order, the last is c_0; HH_ITEM_NONE where unknown
    size_t length; // 0: a visitor of whom nothing is known
    hh_time as_of; // sees only what is strictly earlier
    uint64_t visitor;      // as given to hh_graph_open
    hh_time session_start; // sessions of `visitor` with a click at or after this are left out
} hh_query;

// Why an item is there, in numbers: the raw material of reasons.
typedef struct hh_evidence {
    uint32_t neighbours; // of the nearest sessions read, how many hold the item
    uint32_t followed;   // times the item followed an item of the session (undecayed, within the pair window)
} hh_evidence;

// Candidates and what each expert says of them. Owned by the reader, valid until its next query.
typedef struct hh_votes {
    size_t count;
    const hh_item *items;              // [count], distinct, none withdrawn
    const float (*shares)[HH_EXPERTS]; // [count x HH_EXPERTS]
    const hh_evidence *evidence;       // [count]
    uint32_t neighbours;               // nearest sessions found, <= knn_neighbours
} hh_votes;

// All experts' votes. The candidates hold every item with a vote of pair, knn or repeat, and the top
// `popular` of each pop expert, so that a list of that length can always be filled where enough items exist.
hh_status hh_graph_query(hh_reader *reader, const hh_query *query, size_t popular, hh_votes *votes);

// ---- what there is to see (any thread) ----
typedef struct hh_graph_stats {
    uint64_t clicks, sessions, open_sessions, items, pairs, memory_bytes;
    hh_time newest, oldest; // event times held
} hh_graph_stats;
void hh_graph_stats_read(const hh_graph *graph, hh_graph_stats *stats);

#endif
