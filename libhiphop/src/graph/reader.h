// A reader: its place in the list of readers, its pop sums, and the scratch memory of its queries, which is
// reused, so that after warm-up a query allocates nothing.
#ifndef HIPHOP_GRAPH_READER_H
#define HIPHOP_GRAPH_READER_H

#include "graph/internal.h"

#define HH_DEPTH   10 // clicks of the asking session that pair and knn look at, and the reach of a pair
#define HH_BROUGHT HH_NONE
#define HH_NAMED   (HH_NONE - 1)
#define HH_LENGTHS 64 // of sessions, whose factor is looked up
#define HH_REACH   32 // clicks around a match that a neighbour votes for
#define HH_NEXT_TO 5  // clicks around a match that pair counts
// Most sessions are shorter than this or as long. They are read and counted without loops, whose ends nobody
// could predict: all as if they had so many clicks, of which some count nothing.
#define HH_SHORT 4

typedef float hh_four __attribute__((vector_size(16)));
typedef int32_t hh_four_whole __attribute__((vector_size(16)));

// ---- pop: sums over all clicks before as_of, kept from query to query ----

typedef struct hh_pop_item {
    int64_t sums[HH_POPS];
    uint32_t clicks;
    bool hidden; // withdrawn
} hh_pop_item;   // half a line of the cache: queries look at a hundred

// The items with the largest sums, best first; nobody outside ranks before anybody in it.
typedef struct hh_pop_top {
    uint32_t *items; // [capacity]
    uint32_t count;
    int64_t outside; // no item outside has a larger sum
    int64_t total;   // of all items that are not hidden
} hh_pop_top;

// A journal entry whose time is near as_of: counted if earlier.
typedef struct hh_pop_entry {
    hh_time time;
    uint32_t item;
    int32_t sign;
} hh_pop_entry;

typedef struct hh_pop {
    bool known; // the sums are those as of as_of, which is never at or before the floor
    hh_time as_of;
    uint64_t cursor; // next journal entry
    hh_scale scale;
    hh_pop_item *items;          // [capacity]
    uint32_t (*places)[HH_POPS]; // [capacity] 1 + index in the top list, 0: not in it
    uint32_t capacity;
    uint32_t live; // items with clicks that are not hidden
    uint64_t clicks;
    hh_pop_top top[HH_POPS];
    uint32_t top_capacity;
    hh_pop_entry *window; // [window_capacity] by time; the first `counted` are in the sums
    size_t window_count, counted, window_capacity;
    hh_time floor; // entries not in the window are not later than this
} hh_pop;

void hh_pop_free(hh_pop *pop);
// Brings the sums to as_of, or as near to it as the journal reaches back. pop->known is false afterwards
// where the writer was too fast for a copy of the sums.
hh_status hh_pop_sync(hh_reader *reader, hh_time as_of);
// Makes the top lists hold the best `count` (or all there are).
hh_status hh_pop_reserve(hh_reader *reader, uint32_t count);

// ---- a query ----

typedef struct hh_neighbour {
    hh_four left;                  // of it after its age, by the half-lives of pair and of knn
    uint32_t candidates[HH_SHORT]; // of a short session: its items while its item is read, then their rows
    const hh_block *block;
    uint32_t slot;
    uint32_t clicks; // before as_of
    uint32_t match;  // position of the last click on an item of the asking session
    uint32_t depth;  // last item of the asking session for which it was read
    float similarity;
    float age; // in ms
} hh_neighbour;

_Static_assert(sizeof(hh_neighbour) == 64, "a neighbour is one line of the cache");

// What a candidate has been given so far. Row 0 is nobody's, for what must not be counted; a candidate's is
// the one after its number.
typedef struct hh_row {
    hh_four pair; // of the item that is being read: next, pair short, pair long, and how often it followed
    float knn[2];
    uint32_t neighbours;
    uint32_t seen; // by which neighbour last; HH_BROUGHT: in the session; HH_NAMED: by its foresight
} hh_row;

typedef struct hh_found { // a click on the item that is being read
    uint32_t neighbour, at;
} hh_found;

typedef struct hh_own_click {
    hh_time time;
    hh_item item;
} hh_own_click;

struct hh_reader {
    hh_graph *graph;
    _Atomic uint64_t active; // the epoch in which it reads, 0: it does not
    _Atomic bool taken;
    _Atomic int64_t asked; // as_of of its latest query, INT64_MAX before the first
    hh_reader *next;
    uint32_t inside; // how often it has entered and not left
    hh_pop pop;

    // the query
    hh_time as_of;
    hh_time limit; // as_of in milliseconds after the graph's origin
    uint32_t tag;
    hh_time session_start;
    uint32_t used; // item numbers ever given out
    bool blind;    // nothing was ever clicked
    bool failed;   // out of memory
    const hh_foresight *foresight;

    uint32_t *index; // [index_capacity] by item: first + the candidate; what is outside is of other queries
    uint32_t index_capacity, first;
    hh_item *items; // [capacity] the candidates
    float (*shares)[HH_EXPERTS];
    hh_evidence *evidence;
    hh_row *rows;         // [capacity + 1]
    hh_four *paired;      // [capacity] rows' pair of all items read, each at its right size
    uint32_t count, made; // made: withdrawn ones, which are dropped, included
    uint32_t capacity, row_capacity;

    hh_own_click *own; // [own_count] the asking session's own clicks that the graph has
    uint32_t own_count, own_capacity;
    uint32_t *own_clicks; // [own_items] of the first candidates, on each
    uint32_t own_items, own_items_capacity;
    int64_t (*own_sums)[HH_POPS]; // [own_items]
    uint32_t own_sums_capacity;
    float per_click[HH_POPS]; // share that one unit of an item's sum is

    hh_neighbour *neighbours; // [neighbour_count]
    uint32_t neighbour_count, neighbour_capacity;
    uint32_t known;   // neighbours before those of the item that is being read
    bool all_new;     // no session can be met twice yet, so that nobody has a place
    uint32_t *places; // [place_mask + 1] 1 + the neighbour in a slot, by its hash
    uint32_t place_mask, place_capacity;
    hh_found *found; // [found_count] of one item
    uint32_t found_count, found_capacity;
    float *similar;   // [neighbour_count] similarity, less where a session is long
    float *ranks;     // [neighbour_count] how near they are
    float *scratch;   // [neighbour_count] of the choice of the nearest
    uint32_t *chosen; // [chosen_count] the nearest, in the order in which they were read
    uint32_t chosen_count;

    // the graph's options, as the query needs them
    uint32_t at_once; // clicks of a short session
    hh_four
        pair_part[2 * HH_NEXT_TO + 1]; // of next, pair, pair, following in a click at HH_NEXT_TO + distance
    hh_four pair_sums[2][HH_NEXT_TO + 1]; // by half-life, of pair's parts of so many clicks before, after
    hh_four pair_short[HH_SHORT][HH_SHORT][HH_SHORT]; // parts by clicks - 1, match, click of a short session
    hh_four pair_mass[HH_SHORT][HH_SHORT];            // the parts' sum
    float knn_short[HH_SHORT][HH_SHORT][HH_SHORT];
    float rate[4];                    // 1 / half-life, of pair and of knn
    float knn_size[HH_LENGTHS];       // factor of a session of so many clicks
    float knn_part[2 * HH_REACH + 1]; // weight of the click at HH_REACH + its distance after the match
};

// The candidate of an item, made on first use; HH_NONE for an item that is newer than the query, or when
// memory is out.
uint32_t hh_candidate_new(hh_reader *reader, hh_item item);

static inline uint32_t hh_candidate(hh_reader *reader, hh_item item)
{
    if (item < reader->index_capacity) {
        uint32_t candidate = reader->index[item] - reader->first;
        if (candidate < reader->count)
            return candidate;
    }
    return hh_candidate_new(reader, item);
}

// Its row, 0 for what is no candidate.
static inline uint32_t hh_row_of(hh_reader *reader, hh_item item)
{
    return hh_candidate(reader, item) + 1; // HH_NONE + 1 is 0
}

static inline uint32_t hh_place_of(const hh_reader *reader, uint32_t slot)
{
    return (slot * 0x9e3779b1u >> 7) & reader->place_mask;
}

// Grows *memory, an array of *capacity elements of `size` bytes, to at least `count`; false when out of
// memory.
bool hh_grow(void *memory, uint32_t *capacity, size_t count, size_t size);

static inline void hh_show_candidates(const hh_reader *reader, hh_votes *votes)
{
    votes->count = reader->count;
    votes->items = reader->items;
    votes->shares = (const float(*)[HH_EXPERTS])reader->shares;
    votes->evidence = reader->evidence;
}

// The clicks on an item, and all, that the query may know of.
float hh_query_clicks(const hh_reader *reader, uint32_t candidate);
float hh_query_all_clicks(const hh_reader *reader);

// 2^x for four x <= 0, to 2e-7 of it; 0 below 2^-126.
static inline hh_four hh_half(hh_four x)
{
    hh_four least = {-126, -126, -126, -126};
    hh_four_whole low = x < least;
    x = (hh_four)(((hh_four_whole)x & ~low) | ((hh_four_whole)least & low));
    hh_four_whole whole = __builtin_convertvector(x, hh_four_whole) - 1; // x - whole is in 0..1
    hh_four part = x - __builtin_convertvector(whole, hh_four);
    hh_four power = 0.00898934009f + part * 0.00187757667f;
    power = 0.0558263180f + part * power;
    power = 0.240153617f + part * power;
    power = 0.693153073f + part * power;
    return (1 + part * power) * (hh_four)((whole + 127) << 23);
}

// One pass over the sessions that hold the asking session's latest items, newest first: pair.c gets what
// followed and preceded them, knn.c the sessions themselves.
void hh_walk(hh_reader *reader, const hh_item *items, size_t length);

// The experts. Each fills its column(s) of the candidates' rows or shares, not yet scaled to sum to 1, but
// for pop's: those are of all items that are not in the asking session, also of items that are no candidates.
void hh_votes_pop(hh_reader *reader, uint32_t popular);
// After hh_votes_pop: how much the session's last item is clicked.
void hh_pop_last(hh_reader *reader, hh_item item, hh_votes *votes);
void hh_pair_init(hh_reader *reader);
void hh_votes_pair(hh_reader *reader, uint32_t depth); // next and pair, from reader->found
void hh_knn_init(hh_reader *reader);
void hh_votes_knn(hh_reader *reader);
void hh_votes_repeat(hh_reader *reader, const hh_item *items, size_t length);
// Clicks back at which the last item was clicked before; 0: never, or it is unknown.
size_t hh_last_before(const hh_item *items, size_t length);
void hh_votes_foresight(hh_reader *reader, uint32_t first); // of the candidates from `first` on, as shares

#endif
