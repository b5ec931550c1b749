// The global inter-session graph (docs/graph.md): who clicked what, in which session, when.
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

// An item of one graph. The number stays valid while the item has clicks, is withdrawn or is described;
// without any of these, until some 4,000 other items have been interned or have lost their last click.
typedef uint32_t hh_item;
#define HH_ITEM_NONE UINT32_MAX

// The experts. Each gives a distribution over items (sums to 1, or all 0 where it knows nothing; the last two
// to less, since they speak of few items). pop, pair
// and knn say nothing of the session's own items: how often those come back is for repeat to know, and for
// next, which sees it happen. This is the one place that lists the experts.
typedef enum hh_expert {
    HH_EXPERT_POP_SHORT, // popular now, by the shortest of three half-lives
    HH_EXPERT_POP_MIDDLE,
    HH_EXPERT_POP_LONG,
    HH_EXPERT_NEXT,       // items clicked right after the session's last item
    HH_EXPERT_PAIR_SHORT, // items clicked soon after the session's items, by two half-lives
    HH_EXPERT_PAIR_LONG,
    HH_EXPERT_KNN_SHORT, // items of the nearest sessions, by two half-lives
    HH_EXPERT_KNN_LONG,
    HH_EXPERT_REPEAT_LAST, // the item clicked last
    HH_EXPERT_REPEAT,      // the session's other items
    HH_EXPERT_NETWORK,     // what the query's `foresight` says; none: nothing
    // Of items with fewer than 20 clicks, by what they are (hh_graph_describe):
    HH_EXPERT_INHERIT, // what next, pair and knn give to items that are described alike
    HH_EXPERT_COSINE,  // described like the session's items
    HH_EXPERTS
} hh_expert;

// Those before these two; the mixture learns the weights of these (hiphop/recommend.h).
#define HH_MIXED_EXPERTS HH_EXPERT_INHERIT

#define HH_POPS 3

typedef struct hh_graph_options {
    // what the graph holds
    uint32_t max_clicks; // hard bound on clicks held
    hh_time max_age;     // sessions whose last click is older than this go; 0: never
    // Hard bound on items with vectors, at most 10^7; each takes its numbers, a byte each, 64 bytes
    // a source, and 500.
    uint32_t max_described;
    // of the hash of ids: where these come from strangers, let it be random, so that none can be made to
    // collide
    uint64_t seed;
    // half-lives, from short to long
    hh_time pop_half_life[HH_POPS];
    hh_time pair_half_life[2];
    hh_time knn_half_life[2];
    // what queries read
    // newest sessions read for each item of the asking session, of each the last 512 clicks
    uint32_t sessions;
    uint32_t neighbours; // nearest sessions that vote
    // settings of the experts, each at its definition in the experts' files: knn_decay and knn_reach 0.01 to
    // 1000, knn_idf 0 to 5, the others 0 to 1
    double pair_decay;    // q: by how much an item counts less for each click further back
    double pair_norm;     // exponent of the row sum
    double pair_backward; // what came before an item, against what came after, for the longer half-life
    double knn_decay;     // clicks back over which an item's weight falls to 1/e
    double knn_reach;     // clicks after the match over which a vote falls to 1/e
    double knn_backward;  // what a neighbour holds before the match, against after
    double knn_idf;       // exponent of the rarity of a voted item
    double repeat_decay;  // the session's other items, each click further back
} hh_graph_options;

hh_graph_options hh_graph_defaults(void);

hh_graph *hh_graph_new(const hh_graph_options *options, hh_error *error);
void hh_graph_free(hh_graph *graph); // after all its readers

// ---- the writer (one thread) ----

// The number of an item, made on first use; HH_ITEM_NONE when out of memory.
hh_item hh_graph_intern(hh_graph *graph, const char *id, size_t length);
// Withdrawn items are never voted for. The mark outlives the item's clicks.
hh_status hh_graph_withdraw(hh_graph *graph, hh_item item, bool withdrawn);

// What an item is, as a vector of whatever makes it (hiphop/semantics.h, a language model, images): `width`
// numbers of any length, copied; NULL or all zeros: this source has none of it any more. An item may have one
// of each source, 0 to HH_DESCRIPTIONS - 1 as the caller numbers them; items are alike by the mean of the
// cosines of the sources that both have. Described items can be recommended before their first click.
// Whom it is like is known when all has been settled, and is found by sketches: of those nearest to an item
// one in a hundred may be missed (docs/semantics.md, with what it costs). The call that is the 64th with
// nothing settled settles. HH_ARGUMENT: no such source, a width that is not 1 .. 65536 or not that of the
// source's other vectors, or a number that is not finite. HH_NOT_FOUND: no such item. HH_LIMIT: max_described
// items are. HH_MEMORY. After any failure all is as before.
#define HH_DESCRIPTIONS 8
hh_status hh_graph_describe(hh_graph *graph, hh_item item, uint32_t source, const float *vector,
                            uint32_t width);
// Call it when for now there is nothing more to describe, so that readers see all that was.
void hh_graph_settle(hh_graph *graph);
// A part of that, about a millisecond, for a writer that has other things to do meanwhile; whether more is
// left.
bool hh_graph_settle_some(hh_graph *graph);
// Descriptions promise clicks. A click on whatever item, at `time`, was expected on each of these with that
// probability (hh_mixture_expected), as if they had never been tried; an item's chance, by which inherit and
// cosine are multiplied, is 0.3 / (0.3 + all that was expected of it so far). So an item that was just
// described counts as much as those that it is like, and what is offered for long in vain fades by itself. A
// query's chances are as of its time, too: they know nothing of that second or later ones, and lag behind by
// a quarter at most; asked about a time before the last eight such quarters, an item counts as never tried.
// Items that are not described are passed over.
void hh_graph_expect(hh_graph *graph, const hh_item *items, const float *expected, size_t count,
                     hh_time time);
// What is expected of a described item before `time` does not count; of several times the earliest. For a
// writer that is told everything anew, first the items, then the clicks that came before them.
void hh_graph_launched(hh_graph *graph, hh_item item, hh_time time);

// A session in the graph, as the writer holds it.
typedef struct hh_graph_session hh_graph_session;

// Begins a session; visitor: any hash of the visitor, the same one that queries pass. NULL when out of
// memory.
hh_graph_session *hh_graph_open(hh_graph *graph, uint64_t visitor);
// A click; it is put in time order (after those of the same time). Makes room first: the sessions closed
// longest ago go; where only open ones are left, the one that rested longest loses its clicks (its handle
// stays good). HH_LIMIT: the time is more than 68 years from the graph's first click, or 49 days from its
// session's; or the session has 196,608 clicks. HH_ARGUMENT: no such item. After any failure the graph is as
// before, but for what has expired.
hh_status hh_graph_click(hh_graph *graph, hh_graph_session *session, hh_item item, hh_time time);
// Joins `from` into `into`, both of one visitor; `from` is gone afterwards, unless it fails.
hh_status hh_graph_merge(hh_graph *graph, hh_graph_session *into, hh_graph_session *from);
// No more clicks will come; the handle is gone afterwards, the session stays until it expires.
void hh_graph_close(hh_graph *graph, hh_graph_session *session);

// ---- readers (any thread, each with its own hh_reader) ----

hh_reader *hh_reader_new(hh_graph *graph, hh_error *error);
void hh_reader_free(hh_reader *reader);

// Until it is released, no number becomes another item's for this reader: what a query gave can be spelt out.
// Hold for as long as that takes, not longer: what the writer frees meanwhile waits. Holds may be nested.
void hh_reader_hold(hh_reader *reader);
void hh_reader_release(hh_reader *reader);

hh_item hh_graph_find(hh_reader *reader, const char *id, size_t length);   // HH_ITEM_NONE: never seen
bool hh_graph_withdrawn(hh_reader *reader, const char *id, size_t length); // whether this item is
// The order of two items by their ids, bytewise: < 0, 0, > 0.
int hh_graph_compare(hh_reader *reader, hh_item a, hh_item b);
// Copies the item's id into buffer (NUL-terminated, cut at size) and returns its whole length; 0 for none.
size_t hh_graph_id(hh_reader *reader, hh_item item, char *buffer, size_t size);

// What the share of an expert from outside counts for in a list, times its weight: docs/graph.md, "The
// mixture".
#define HH_NETWORK_TRUST 1.5F

// An expert from outside, such as a network that has read the session.
typedef struct hh_foresight {
    const hh_item *items; // [count] its best, HH_ITEM_NONE among them is passed over: all become candidates
    size_t count;
    float rest; // no other item has a larger share
    // share[i * HH_EXPERTS] of items[i]; called by hh_graph_query and hh_graph_query_more
    void (*shares)(void *context, const hh_item *items, size_t count, float *share);
    void *context;
    // What else it has to say of the session, for a ranker with so many extra inputs: the network's intents.
    const float *extra; // [extra_count]
    size_t extra_count; // 0: nothing
} hh_foresight;

typedef struct hh_query {
    const hh_item *items; // [length] the session so far in time order; HH_ITEM_NONE where unknown
    size_t length;        // 0: a visitor of whom nothing is known
    hh_time as_of;        // sees only what is strictly earlier; but see hh_graph_query
    uint64_t visitor;     // as given to hh_graph_open
    // Sessions of `visitor` with a click from here to as_of are left out. (Their clicks still count for pop
    // and as rarity where the visitor has begun a thousand sessions since, as one whom many people share may
    // have.)
    hh_time session_start;
    const hh_foresight *foresight; // NULL: none; there until hh_graph_query_more is through
} hh_query;

// Why an item is there, in numbers: the raw material of reasons.
typedef struct hh_evidence {
    uint32_t neighbours; // of the nearest sessions, how many went on to the item
    uint32_t followed;   // times the item followed an item of the session, in the sessions read (undecayed)
    uint32_t onward;     // times it followed what pair leads to from there, where few sessions were read
    hh_item alike;       // where inherit or cosine gives it anything: the item that speaks most for it
    float chance;        // there: 1, or less: see hh_graph_expect
} hh_evidence;

// Candidates and what each expert says of them. Owned by the reader, valid until its next query.
typedef struct hh_votes {
    size_t count;
    const hh_item *items;              // [count], distinct, none withdrawn
    const float (*shares)[HH_EXPERTS]; // [count x HH_EXPERTS]
    const hh_evidence *evidence;       // [count]
    size_t length;                     // of the session that asked, as in the query
    hh_time as_of;                     // likewise
    uint32_t neighbours;               // nearest sessions found, <= options.neighbours
    // Each expert's votes together before they were made to sum to 1: how much it goes by. 0 for pop.
    float mass[HH_EXPERTS];
    // How much the session's last item is clicked, but for this session's own clicks: by each half-life of
    // pop, as a share of all clicks, and how often.
    float last_popularity[HH_POPS];
    uint32_t last_clicks;
    size_t last_before; // clicks back at which the session had clicked its last item before; 0: never
    bool foreseen;      // the query had a foresight: network's shares are what it says
} hh_votes;

// All experts' votes. The candidates hold every item with a vote of pair, knn or repeat, and the top
// `popular` of each pop expert, so that a list of that length can always be filled where enough items exist.
// One exception to as_of: pop, and the click counts that weigh rarity, follow a reader's queries back and
// forth over max_clicks / 32 changes (clicks learned or forgotten). A single query from before that gets the
// earliest that they know; a reader that begins there, or asks so some hundred times, gets them as they were,
// by a look through all sessions, now and then.
// And an item's sessions are there for the time of each reader's latest query, however far the writer is
// ahead, up to some 10 * `sessions` newer ones; then the older ones are dropped.
hh_status hh_graph_query(hh_reader *reader, const hh_query *query, size_t popular, hh_votes *votes);

// Completes the votes of the reader's last query, for a mixture with these weights: of the items that are no
// candidates, and so have shares of the pop experts alone, all become candidates that are worth `least` or
// more, the sum of their shares times the weights. What was a candidate stays at its place. Hold the reader
// from before the query on.
hh_status hh_graph_query_more(hh_reader *reader, const double weights[HH_EXPERTS], float least,
                              hh_votes *votes);

// What is clicked most by a pop expert's half-life, best first, as of the reader's last query and whoever
// asked it: his own items and clicks count like all others. Fills items[0 .. result - 1], result <= count; at
// least as many as the query's `popular`, where so many items exist. 0 for other experts.
size_t hh_graph_popular(const hh_reader *reader, hh_expert expert, hh_item *items, size_t count);

// ---- what items are, for readers ----

// What a source says of an item, as the graph has it: a vector of length 1, its numbers bytes[width] x scale.
// width 0: nothing. Hold the reader while it is read; what it shows is not changed meanwhile.
typedef struct hh_description {
    const int8_t *bytes;
    uint32_t width;
    float scale;
} hh_description;
hh_description hh_graph_description(hh_reader *reader, hh_item item, uint32_t source);
// Another number whenever what is known of the item is another; 0: nothing is.
uint32_t hh_graph_description_stamp(hh_reader *reader, hh_item item);
// The described items that are not withdrawn, one after another, on the whole the latest first; HH_ITEM_NONE
// behind the last. Begin with *place UINT32_MAX. What changes between two calls may be met twice or not at
// all.
hh_item hh_graph_described_before(hh_reader *reader, uint32_t *place);

// ---- what there is to see (any thread) ----
typedef struct hh_graph_stats {
    uint64_t clicks, sessions, open_sessions, items, described, memory_bytes;
    uint64_t withdrawals;   // how often an item was withdrawn, or came back
    hh_time newest, oldest; // event times held
} hh_graph_stats;
void hh_graph_stats_read(const hh_graph *graph, hh_graph_stats *stats);

#endif
