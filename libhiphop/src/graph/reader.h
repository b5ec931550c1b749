// A reader: its place in the list of readers, its pop sums, and the scratch memory of its queries, which is
// reused, so that after warm-up a query allocates nothing.
#ifndef HIPHOP_GRAPH_READER_H
#define HIPHOP_GRAPH_READER_H

#include "graph/internal.h"
#include "wide.h"

#define HH_DEPTH   10 // clicks of the asking session that pair and knn look at, and the reach of a pair
#define HH_BROUGHT HH_NONE
#define HH_NAMED   (HH_NONE - 1)
#define HH_LENGTHS 64 // of sessions that are looked up
#define HH_REACH   32 // clicks around a match that a neighbour votes for
#define HH_NEXT_TO 5  // clicks around a match that pair counts
// of next's votes by the longer half-life: on fast streams the recent decide, on slow ones there are only old
// ones
#define HH_NEXT_LONG 0.1f
#define HH_SHORT     4        // clicks that most sessions have at most; these are dealt with by length
#define HH_GENERAL   HH_SHORT // the list of all others

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
    hh_time floor;   // entries not in the window are not later than this
    hh_time ceiling; // what is as late is not in it, but is there: INT64_MAX, or this is hh_pop_past()'s
    uint32_t late;   // queries from before what the sums can go back to, less those that were not
    uint64_t asked;  // queries since the sums were made
} hh_pop;

void hh_pop_free(hh_pop *pop);
// Brings the sums to as_of, or as near to it as the journal reaches back. pop->known is false afterwards
// where the writer was too fast for a copy of the sums.
hh_status hh_pop_sync(hh_reader *reader, hh_time as_of);
// Makes the sums those as of as_of, out of the sessions: for readers from before the journal. It takes as
// long as reading all clicks a few times.
hh_status hh_pop_past(hh_reader *reader, hh_time as_of);
hh_status hh_pop_reserve_items(hh_pop *pop, uint32_t count);
// Puts an entry behind the others of the window.
hh_status hh_pop_window_add(hh_reader *reader, const hh_pop_entry *entry);
void hh_pop_window_sort(hh_pop *pop);
// What is to be known of the sums together.
void hh_pop_add_up(hh_reader *reader);
// Makes the top lists hold the best `count` (or all there are).
hh_status hh_pop_reserve(hh_reader *reader, uint32_t count);

// ---- a query ----

typedef struct hh_neighbour {
    const hh_block *block;
    uint32_t slot;
    uint32_t clicks;             // before as_of
    uint32_t match;              // position of the last click on an item of the asking session
    uint32_t depth;              // last item of the asking session for which it was read
    uint32_t rows[HH_SHORT - 1]; // in a list by length: of its clicks without the match
    uint8_t at, first;           // there: the match; the asking session's item for which it was first read
} hh_neighbour;

// Numbers of the neighbours that are reckoned with eight at a time: each column has room for whole eights.
enum {
    HH_COLUMN_AGE,        // of the last click before as_of, in ms
    HH_COLUMN_SIMILARITY, // knn's, without the session's length
    HH_COLUMN_SIZE,       // knn's factor of the length
    HH_COLUMN_RANK,       // how near it is
    HH_COLUMN_LEFT,       // of it after its age, by the half-lives of pair and of knn
    HH_COLUMNS = HH_COLUMN_LEFT + 4
};

// What a neighbour votes with, by the lanes of a row: knn's have nothing of who is not among the nearest.
typedef hh_four hh_weight[2];

// What a candidate has been given so far, in lanes. Row 0 is nobody's, for what must not be counted; a
// candidate's is the one after its number.
typedef hh_eight hh_row;
enum {
    HH_ROW_NEXT, // by pair's half-lives
    HH_ROW_NEXT_LONG,
    HH_ROW_PAIR, // by two half-lives
    HH_ROW_KNN = HH_ROW_PAIR + 2,
    HH_ROW_NEIGHBOURS = HH_ROW_KNN + 2, // how many of the nearest went on to it
    HH_ROW_FOLLOWED,                    // how often it followed
};

typedef struct hh_list { // of neighbours
    uint32_t *numbers;   // [count]
    uint32_t count, capacity;
    uint32_t known; // those before the item that is being read
} hh_list;

typedef struct hh_length { // what depends on a session's number of clicks
    float size;            // knn's factor
    uint32_t list;
} hh_length;

typedef struct hh_found { // a click on the asking session's item at that depth
    uint32_t neighbour, at, depth;
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
    // Zeros from made on: shares, evidence, seen, and, from made + 1 on, rows.
    hh_row *rows; // [row_capacity], capacity + 1 at least
    uint32_t
        *seen; // [capacity] by which neighbour last; HH_BROUGHT: in the session; HH_NAMED: by its foresight
    float *rarity; // [capacity] factor of knn's votes
    float *votes;  // [votes_capacity] of onward, and of text: what next, pair and knn give, together
    uint32_t votes_capacity;
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
    float *columns[HH_COLUMNS]; // [neighbour_count, filled with zeros to whole eights]
    uint32_t column_capacity;
    hh_weight *weights; // [neighbour_count]
    uint32_t weight_capacity;
    bool all_new;     // no session can be met twice yet, so that nobody has a place
    uint32_t *places; // [place_mask + 1] 1 + the neighbour in a slot, by its hash
    uint32_t place_mask, place_capacity;
    hh_list lists[HH_SHORT + 1]; // by clicks - 1 where that says all of how they vote; the last: all others
    hh_found *found;             // [found_count] matches of those others
    uint32_t found_count, found_capacity;
    // Of what is found of the item, by a row's lanes: where that is not, where it is the neighbour's last
    // match, for which alone knn counts.
    hh_eight scale[2][HH_DEPTH];
    uint32_t chosen_count; // the nearest

    // the graph's options, as the query needs them
    uint32_t at_once;                // clicks of a session for the lists by length
    hh_eight part[2 * HH_REACH + 1]; // of a click at HH_REACH + its distance after the match, by row's lanes
    hh_eight part_short[HH_SHORT + 1][HH_SHORT][HH_SHORT - 1];       // by clicks, match, others
    hh_four mass_before[HH_NEXT_TO + 1], mass_after[HH_NEXT_TO + 1]; // pair's parts of so many clicks
    hh_four mass_short[HH_SHORT + 1][HH_SHORT];                      // by clicks, match
    float rate[4];                                                   // 1 / half-life, of pair and of knn
    float decay[HH_DEPTH];                                           // pair's of the session's items
    hh_length lengths[HH_LENGTHS];                                   // of sessions of so many clicks
};

// The candidate of an item, made on first use; HH_NONE for an item that is newer than the query, or when
// memory is out.
uint32_t hh_candidate_new(hh_reader *reader, hh_item item);
// Makes zeros of what is known of those candidates, but for their rows: what new ones begin with.
void hh_clear_candidates(hh_reader *reader, uint32_t begin, uint32_t end);

static inline uint32_t hh_candidate(hh_reader *reader, hh_item item)
{
    if (item < reader->index_capacity) {
        uint32_t candidate = reader->index[item] - reader->first;
        if (candidate < reader->count)
            return candidate;
    }
    return hh_candidate_new(reader, item);
}

// From hh_make_shares() on, the candidate of an item: HH_NONE where it is none; and made one with its shares
// of pop, HH_NONE where it can't be one.
uint32_t hh_candidate_found(const hh_reader *reader, hh_item item);
uint32_t hh_bring(hh_reader *reader, hh_item item);

static inline uint32_t hh_place_of(const hh_reader *reader, uint32_t slot)
{
    return (slot * 0x9e3779b1u >> 7) & reader->place_mask;
}

static inline uint32_t hh_slot_of(const hh_postings *postings, uint32_t i)
{
    return atomic_load_explicit(&postings->slots[i], memory_order_relaxed);
}

// The clicks of a session of `count` before `limit`, which is in the block's time.
static inline uint32_t hh_clicks_before(const hh_block *block, uint32_t count, hh_time limit)
{
    if (count == 0 || (hh_time)hh_click_at(block, count - 1) < limit)
        return count;
    uint32_t low = 0; // all below are earlier, none from count on
    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if ((hh_time)hh_click_at(block, middle) < limit)
            low = middle + 1;
        else
            count = middle;
    }
    return count;
}

// Whether a session of `clicks` > 0 clicks before as_of is the asking one.
static inline bool hh_is_own(const hh_reader *reader, const hh_block *block, uint32_t clicks)
{
    return block->tag == reader->tag &&
           hh_click_time(reader->graph, block, clicks - 1) >= reader->session_start;
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

// ---- its steps, in this order ----

// Reads the sessions that hold the asking session's latest items, newest first.
void hh_walk(hh_reader *reader, const hh_item *items, size_t length);

// The experts. Each fills its column(s) of the candidates' rows or shares, not yet scaled to sum to 1, but
// for pop's: those are of all items that are not in the asking session, also of items that are no candidates.
// The most popular become candidates, and reader->per_click says what a share is.
void hh_votes_pop(hh_reader *reader, uint32_t popular);
void hh_pop_shares(const hh_reader *reader, uint32_t candidate, float shares[HH_POPS]);
// After hh_votes_pop: how much the session's last item is clicked.
void hh_pop_last(hh_reader *reader, hh_item item, hh_votes *votes);
void hh_pair_init(hh_reader *reader);
void hh_pair_scale(hh_reader *reader); // how much that counts which is found of each item
void hh_knn_init(hh_reader *reader);
hh_length hh_knn_length(const hh_reader *reader, uint32_t clicks);
void hh_knn_choose(hh_reader *reader); // the nearest, and what all vote with
void hh_vote(hh_reader *reader);       // all neighbours, for pair and knn at once
void hh_knn_rarity(hh_reader *reader);
void hh_votes_repeat(hh_reader *reader, const hh_item *items, size_t length);
// Clicks back at which the last item was clicked before; 0: never, or it is unknown.
size_t hh_last_before(const hh_item *items, size_t length);
// All into shares that sum to 1, but pop's; mass[HH_EXPERTS], zeros, become what the votes were together.
void hh_make_shares(hh_reader *reader, float mass[HH_EXPERTS]);
// After that: pair goes on to what comes after what comes after the session's items, where few sessions were
// read. More items become candidates.
void hh_votes_onward(hh_reader *reader, const hh_item *items, size_t length);
// After all that: what is known of items by their descriptions alone. More items become candidates.
void hh_votes_text(hh_reader *reader, const hh_item *items, size_t length, float mass[HH_EXPERTS]);
void hh_votes_foresight(hh_reader *reader, uint32_t first); // of the candidates from `first` on, as shares

#endif
