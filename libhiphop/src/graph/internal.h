// The rooms behind <hiphop/graph.h>, as its files see each other.
//
//   graph.c       the writer: sessions, clicks, merges, expiry
//   store.c       memory of sessions: blocks by size class, slots, the visitors' chains
//   item_table.c  item numbers, ids, clicks held
//   postings.c    for each item, the sessions that hold it, newest last
//   journal.c     what the writer did lately, in order of arrival, for those who keep sums (pop)
//   described.c   what items are
//   alike.c       which are described alike; sketch.c which may be
//   description.c what readers see of that
//   expected.c    how many clicks descriptions have promised
//   epoch.c       who reads, and what can be freed when
//   query.c       one query, from the session's items to votes
//   pair.c ...    its experts: knn.c, repeat.c, text.c, pop_votes.c
//   pop.c         the sums of pop, as of a query; pop_past.c those of long ago
//   walk.c        the sessions that a query reads; vote.c what they vote for
//   shares.c      its last step; threshold.c what was no candidate of it and should have been
//
// What readers may see while the writer works is either immutable once published (by a release store of the
// reference to it) or atomic. A reader enters an epoch before it follows a reference, and what the writer has
// unlinked is freed only when no reader is left in that epoch or an earlier one.
#ifndef HIPHOP_GRAPH_INTERNAL_H
#define HIPHOP_GRAPH_INTERNAL_H

#include "graph/sketch.h"

#include <hiphop/graph.h>
#include <stdatomic.h>
#include <string.h>

#define HH_NONE UINT32_MAX

// ---- sessions ----

// A click in a session: `at` milliseconds after the session's base. That of the first click is below 1000,
// which leaves room beside it for the number of clicks: see hh_block_count, hh_click_at.
typedef struct hh_click {
    uint32_t item;
    _Atomic uint32_t at;
} hh_click;

#define HH_FIRST_BITS 10 // of the first click's `at`, the others count the session's clicks

// A session's clicks in time order. Immutable but for appending: a click is written, then counted.
typedef struct hh_block {
    uint32_t base; // the first click's second after the graph's origin
    uint32_t tag;  // of the visitor
    hh_click clicks[];
} hh_block;

// Where a session is: postings name sessions by slot, so that a block can be replaced by a larger one.
typedef struct hh_slot {
    _Atomic uint32_t block; // HH_NONE: nobody's
    _Atomic uint32_t next;  // slot of another session in the chain of its visitor's tag
    // for the writer: memory for 2^30 slots with their blocks has no number any more
    uint32_t closed_next : 31; // slot of the session that was closed next
    uint32_t unchained : 1;    // is in no chain any more
} hh_slot;

// A visitor's sessions that a query looks at: where many people go by one name ("anonymous"), there are no
// end of them.
#define HH_CHAIN_LOOKS 1000

#define HH_CHUNK_BITS      19 // a chunk holds 2^19 words of 4 bytes: a large page
#define HH_CHUNKS          8192
#define HH_SLOT_CHUNK_BITS 14
#define HH_BLOCK_CLASSES   40
#define HH_SESSION_CLICKS  (3u << (HH_CHUNK_BITS - 3)) // of one session at most: the largest block in a chunk

typedef struct hh_store {
    uint32_t *_Atomic chunks[HH_CHUNKS];
    uint32_t used_chunks, used_words; // of the last chunk
    uint32_t free_blocks[HH_BLOCK_CLASSES];
    hh_slot *_Atomic *slots;                     // [slot_chunks]
    uint32_t slot_chunks, used_slots, free_slot; // free_slot: chained by `next`
    _Atomic uint32_t *chains;                    // [chain_count] by tag
    uint32_t chain_count, chained;               // chained: since it began
    size_t memory;
} hh_store;

// ---- items ----

// The sessions that hold an item, in order of (its first click in the session, tag): newest last. May hold
// slots that are no longer sessions of the item: readers check. The oldest are dropped, see postings.c.
typedef struct hh_postings {
    _Atomic uint32_t begin, end;
    uint32_t capacity;
    _Atomic bool stale; // may name expired sessions, and so, when a slot is used again, name one twice
    _Atomic uint32_t slots[];
} hh_postings;

typedef struct hh_item_entry {
    hh_postings *_Atomic postings;
    char *_Atomic id; // NULL: nobody's
    uint32_t length;  // of id
    uint32_t hash;
    _Atomic uint32_t clicks; // held
    _Atomic bool withdrawn;
    bool described;                // has a vector of semantics
    bool idle;                     // in the queue of items without clicks
    bool again;                    // lost its last click since: to the end of the queue when its turn comes
    hh_time newest;                // key of the last posting
    _Atomic int64_t sums[HH_POPS]; // the pop sums of all clicks held, see journal.c
} hh_item_entry;

_Static_assert(sizeof(hh_item_entry) == 64, "an item is one line of the cache");

#define HH_ITEM_CHUNK_BITS 10
#define HH_ITEM_CHUNKS     (1u << (30 - HH_ITEM_CHUNK_BITS))

typedef struct hh_item_table { // open addressing; replaced whole when it grows
    uint32_t mask;
    _Atomic uint32_t numbers[]; // HH_NONE: free, HH_NONE - 1: was used
} hh_item_table;

typedef struct hh_items {
    hh_item_entry *_Atomic *chunks; // [chunk_count]
    uint32_t chunk_count;
    _Atomic uint32_t used; // numbers ever given out
    uint32_t count, marks;
    uint32_t free_number; // a stack, chained by the entries' `length`; HH_NONE: empty
    hh_item_table *_Atomic table;
    uint32_t *idle; // ring [idle_capacity] of items without clicks, oldest first
    uint32_t idle_begin, idle_count, idle_capacity;
    size_t memory;
} hh_items;

// ---- what items are (described.c) ----

#define HH_ROW_CHUNK_BITS 10
#define HH_PENDING        64 // rows that are compared with all others in one pass
#define HH_NEAR           16 // nearest of all
#define HH_NEAR_COLD      32 // nearest of those with
#define HH_COLD_CLICKS    20 // fewer clicks than this
#define HH_STEPS          8  // of what was expected of an item

// Lists in no order; an entry is 1 + a row, then the bits of the cosine. 0: none. The row may be nobody's any
// more.
typedef struct hh_related {
    _Atomic uint64_t near[HH_NEAR], cold[HH_NEAR_COLD];
    _Atomic uint64_t expected[HH_STEPS]; // see expected.c
} hh_related;

typedef struct hh_row_chunk {
    _Atomic uint32_t item[1 << HH_ROW_CHUNK_BITS]; // HH_ITEM_NONE: nobody's
    hh_related related[1 << HH_ROW_CHUNK_BITS];
    _Atomic uint32_t stamp[1 << HH_ROW_CHUNK_BITS]; // of its description, never 0
    // the writer's alone
    float near_least[1 << HH_ROW_CHUNK_BITS], cold_least[1 << HH_ROW_CHUNK_BITS]; // that would enter a list
    // as signs of a sketch: for those with many clicks, with few
    uint16_t limits[2][1 << HH_ROW_CHUNK_BITS];
    uint32_t clicks[1 << HH_ROW_CHUNK_BITS];
    double expected[1 << HH_ROW_CHUNK_BITS]; // clicks, by its description
    hh_time since[1 << HH_ROW_CHUNK_BITS];   // what was earlier does not count
    uint32_t next_free[1 << HH_ROW_CHUNK_BITS];
    bool waits[1 << HH_ROW_CHUNK_BITS];  // for its pass
    bool linked[1 << HH_ROW_CHUNK_BITS]; // compared with all others
    bool dead[1 << HH_ROW_CHUNK_BITS];   // nobody's, but lists may name it
} hh_row_chunk;

typedef struct hh_source_chunk {
    uint32_t width;
    _Atomic float scale[1 << HH_ROW_CHUNK_BITS]; // of a row's numbers to a vector of length 1; 0: has none
    uint64_t sketches[HH_SKETCH_WORDS << HH_ROW_CHUNK_BITS]; // of them, see sketch.h; the writer's alone
    int8_t numbers[];                                        // [rows x width, made a multiple of 32]
} hh_source_chunk;

typedef struct hh_source_rows {
    uint32_t width, count; // 0: describes nothing
    hh_source_chunk *_Atomic *_Atomic chunks;
    int16_t *wide;              // [(1 + HH_PENDING) x width] room to compare in
    hh_sketch held[HH_PENDING]; // of the rows that others are compared with
    float held_scales[HH_PENDING];
    float *room; // to make a sketch in
} hh_source_rows;

typedef struct hh_described {
    _Atomic uint32_t count;          // items
    _Atomic uint32_t *_Atomic *rows; // [HH_ITEM_CHUNKS] of items, + 1; NULL: nothing was ever described
    hh_row_chunk *_Atomic *chunks;   // [chunk_count]
    hh_source_rows sources[HH_DESCRIPTIONS];
    uint32_t chunk_count;
    _Atomic uint32_t used; // rows ever given out
    uint32_t dead, free_row;
    uint32_t stamp; // the latest
    uint32_t waiting[HH_PENDING], pending;
    uint32_t next_chunk, end; // of the pass that is under way: what is met next, and rows at its beginning
    bool held_cold[HH_PENDING];
    uint32_t held[HH_PENDING], held_count; // rows that others are compared with
    hh_time clock;                         // of the latest outcome, see expected.c
    double work, refill_cost;              // multiplications: saved up, and what a list took last
    size_t memory;
} hh_described;

// ---- the journal ----

typedef enum hh_entry_kind {
    HH_ENTRY_ADD,      // a click was learned
    HH_ENTRY_REMOVE,   // a click was forgotten
    HH_ENTRY_WITHDRAW, // the item must not be voted for
    HH_ENTRY_RESTORE,
    HH_ENTRY_FORGET, // the item's number is nobody's any more
} hh_entry_kind;

typedef struct hh_entry {
    hh_time time;
    uint32_t item;
    hh_entry_kind kind;
    uint64_t index; // entries before it
} hh_entry;

#define HH_SCALE_EXACT 6 // half-lives after the zero from which on a click weighs 2^20 or more

// 2^((time - zero) / half-life) in fixed point. The zero moves on in steps of HH_SCALE_STEP half-lives.
typedef struct hh_scale {
    hh_time half_life[HH_POPS];
    hh_time zero[HH_POPS];
} hh_scale;

typedef struct hh_lost {
    _Atomic int64_t time;
    _Atomic uint64_t what, index;
} hh_lost;

typedef struct hh_journal {
    _Atomic uint64_t begun, done; // entries whose change has begun, is done
    uint64_t size;
    struct {
        _Atomic uint32_t time, more, item; // more: kind | time >> 32 << 8
    } * ring;                              // [size]
    // Of the entries that were overwritten, those with the latest times: a few clicks from clocks that are
    // ahead must not hide the past from everybody. A heap, the earliest first.
    hh_lost *latest; // [latest_capacity]
    uint32_t latest_capacity;
    _Atomic uint32_t latest_count;
    _Atomic uint64_t latest_changed; // odd while the heap is being changed
    _Atomic int64_t floor;           // nothing overwritten is later, but for what the heap holds
    _Atomic uint64_t rescaled;       // odd while the sums are being rescaled
    hh_scale scale;                  // of the items' sums
    _Atomic int64_t zero[HH_POPS];   // scale.zero, for readers
} hh_journal;

// ---- readers ----

typedef enum hh_retired_kind {
    HH_RETIRED_MEMORY,
    HH_RETIRED_BLOCK,
    HH_RETIRED_SLOT,
    HH_RETIRED_ITEM,
    HH_RETIRED_ROW
} hh_retired_kind;

typedef struct hh_retired {
    uint64_t epoch;
    hh_retired_kind kind;
    uint32_t number;
    void *memory;
} hh_retired;

typedef struct hh_epochs {
    _Atomic uint64_t now;
    _Atomic(struct hh_reader *) readers; // a list; readers are never unlinked but reused
    hh_retired *queue;                   // ring [queue_capacity]
    size_t queue_begin, queue_count, queue_capacity;
    uint64_t advance;
} hh_epochs;

// ---- the graph ----

struct hh_graph_session {
    uint32_t slot; // HH_NONE before the first click
    uint64_t visitor;
    hh_graph_session *older, *newer; // in its list
};

typedef struct hh_open_list {
    hh_graph_session *oldest, *newest;
} hh_open_list;

struct hh_graph {
    hh_graph_options options;
    uint64_t seed;
    uint32_t keep;          // postings that a query may read
    _Atomic int64_t origin; // HH_TIME_MIN before the first click
    hh_store store;
    hh_items items;
    hh_described described;
    hh_journal journal;
    hh_epochs epochs;
    hh_open_list held, empty; // open sessions with clicks, by the last to arrive; and those without
    uint32_t closed_oldest, closed_newest; // slots of closed sessions, HH_NONE: none
    _Atomic uint64_t clicks, sessions, open, item_count, withdrawals;
    _Atomic int64_t newest, oldest;
    _Atomic size_t memory;
};

// store.c
hh_status hh_store_init(hh_store *store, uint32_t max_clicks);
void hh_store_free(hh_store *store);
uint32_t
hh_store_capacity(uint32_t count); // clicks that the block of a session of `count` clicks has room for
uint32_t hh_store_block_new(hh_store *store, uint32_t count); // HH_NONE: out of memory
void hh_store_block_free(hh_store *store, uint32_t block);
uint32_t hh_store_slot_new(hh_store *store); // HH_NONE: out of memory
void hh_store_slot_free(hh_store *store, uint32_t slot);
void hh_store_chain(hh_store *store, uint32_t slot, uint32_t tag);
void hh_store_unchain(hh_store *store, uint32_t slot, uint32_t tag);

static inline uint32_t *hh_words_at(const hh_store *store, uint32_t at)
{
    uint32_t *chunk = atomic_load_explicit(&store->chunks[at >> HH_CHUNK_BITS], memory_order_acquire);
    return chunk + (at & ((1u << HH_CHUNK_BITS) - 1));
}

static inline hh_block *hh_block_at(const hh_store *store, uint32_t block)
{
    return (hh_block *)hh_words_at(store, block);
}

static inline hh_slot *hh_slot_at(const hh_store *store, uint32_t slot)
{
    hh_slot *chunk = atomic_load_explicit(&store->slots[slot >> HH_SLOT_CHUNK_BITS], memory_order_acquire);
    return chunk + (slot & ((1u << HH_SLOT_CHUNK_BITS) - 1));
}

// The clicks of the session in a slot, NULL where there is none.
static inline const hh_block *hh_slot_block(const hh_store *store, uint32_t slot)
{
    uint32_t block = atomic_load_explicit(&hh_slot_at(store, slot)->block, memory_order_acquire);
    return block == HH_NONE ? NULL : hh_block_at(store, block);
}

// The same for the writer, in a slot that holds one.
static inline const hh_block *hh_held_block(const hh_store *store, uint32_t slot)
{
    return hh_block_at(store, atomic_load_explicit(&hh_slot_at(store, slot)->block, memory_order_relaxed));
}

static inline hh_time hh_block_base(const hh_graph *graph, const hh_block *block)
{
    return atomic_load_explicit(&graph->origin, memory_order_relaxed) + (hh_time)block->base * 1000;
}

static inline uint32_t hh_block_count(const hh_block *block)
{
    return atomic_load_explicit(&block->clicks[0].at, memory_order_acquire) >> HH_FIRST_BITS;
}

static inline uint32_t hh_click_at(const hh_block *block, uint32_t i)
{
    uint32_t at = atomic_load_explicit(&block->clicks[i].at, memory_order_relaxed);
    return i ? at : at & ((1u << HH_FIRST_BITS) - 1);
}

static inline hh_time hh_click_time(const hh_graph *graph, const hh_block *block, uint32_t i)
{
    return hh_block_base(graph, block) + hh_click_at(block, i);
}

static inline _Atomic uint32_t *hh_chain_of(const hh_store *store, uint32_t tag)
{
    return &store->chains[(uint64_t)tag * store->chain_count >> 32];
}

static inline uint32_t hh_visitor_tag(uint64_t visitor)
{
    return (uint32_t)((visitor * 0x9e3779b97f4a7c15u) >> 32);
}

// item_table.c
hh_status hh_items_init(hh_items *items);
void hh_items_free(hh_items *items);
void hh_items_rest(hh_items *items, hh_item item);           // queues the item for reuse if it is in no use
void hh_items_number_free(hh_items *items, uint32_t number); // of an item long gone
int hh_items_compare(const hh_graph *graph, hh_item a, hh_item b); // ids, bytewise

static inline hh_item_entry *hh_item_at(const hh_items *items, hh_item item)
{
    hh_item_entry *chunk =
        atomic_load_explicit(&items->chunks[item >> HH_ITEM_CHUNK_BITS], memory_order_acquire);
    return chunk + (item & ((1u << HH_ITEM_CHUNK_BITS) - 1));
}

// postings.c
// Lists the session, whose first click on the item is at `time`, among the item's; `listed`: it may be there
// already, under another time.
hh_status hh_postings_place(hh_graph *graph, hh_item item, uint32_t slot, uint32_t tag, hh_time time,
                            bool listed);
void hh_postings_drop(hh_graph *graph, hh_item item, uint32_t slot); // the session has expired
void hh_postings_stale(hh_graph *graph, hh_item item);               // a session among them will be nobody's

// described.c
void hh_described_free(hh_described *described);
void hh_described_row_free(hh_described *described, uint32_t row); // of an item long gone
void hh_described_click(hh_graph *graph, hh_item item); // the item has one more; where anything is described

static inline uint32_t hh_entry_row(uint64_t entry)
{
    return (uint32_t)(entry >> 32) - 1;
}

static inline float hh_entry_cosine(uint64_t entry)
{
    union {
        uint32_t bits;
        float number;
    } of = {(uint32_t)entry};
    return of.number;
}

// The row of an item, HH_NONE where it is not described.
static inline uint32_t hh_step_second(uint64_t step)
{
    return (uint32_t)(step >> 32);
}

// The latest sum that was known by that second after the graph's origin; 0: none.
static inline float hh_expected_by(const _Atomic uint64_t steps[HH_STEPS], uint32_t second)
{
    uint64_t latest = 0;
    float sum = 0;
    for (int i = 0; i < HH_STEPS; i++) {
        uint64_t step = atomic_load_explicit(&steps[i], memory_order_acquire);
        if (hh_step_second(step) <= second && step > latest)
            latest = step;
    }
    uint32_t bits = (uint32_t)latest;
    memcpy(&sum, &bits, sizeof sum);
    return sum;
}

static inline uint32_t hh_described_row(const hh_described *described, hh_item item)
{
    const _Atomic uint32_t *places =
        atomic_load_explicit(&described->rows[item >> HH_ITEM_CHUNK_BITS], memory_order_acquire);
    if (!places)
        return HH_NONE;
    return atomic_load_explicit(&places[item & ((1u << HH_ITEM_CHUNK_BITS) - 1)], memory_order_acquire) - 1;
}

// graph.c
void hh_note_memory(hh_graph *graph);

// journal.c
hh_status hh_journal_init(hh_journal *journal, const hh_graph_options *options);
void hh_journal_free(hh_journal *journal);
// Makes the change to the item's sums, clicks and mark, and lets readers know.
void hh_journal_write(hh_graph *graph, hh_entry_kind kind, hh_item item, hh_time time);
// Copies the latest of what was overwritten, first arrived first; returns how many. [latest_capacity]
uint32_t hh_journal_latest(const hh_journal *journal, hh_entry *entries);
// What stands in the ring for the entry, whole only if the writer has not come round to it meanwhile.
hh_entry hh_journal_read(const hh_journal *journal, uint64_t index);
int64_t hh_scale_weight(const hh_scale *scale, int pop, hh_time time);
// How many bits the sums must be shifted right so that `time` fits; moves the zero.
int hh_scale_advance(hh_scale *scale, int pop, hh_time time);

// epoch.c
void hh_epochs_free(hh_graph *graph);
// Makes room for `count` more retired things, so that hh_retire cannot fail.
hh_time hh_readers_slowest(hh_graph *graph); // the earliest as_of among the readers' latest queries
hh_status hh_retire_reserve(hh_graph *graph, size_t count);
void hh_retire(hh_graph *graph, hh_retired_kind kind, uint32_t number, void *memory);
void hh_reader_enter(hh_reader *reader);
void hh_reader_leave(hh_reader *reader);

#endif
