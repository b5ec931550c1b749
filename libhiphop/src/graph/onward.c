// pair's second step. Where few sessions hold the session's items, much that is clicked next stands in none
// of them; it stands in those of the items that they lead to. So pair by the longer half-life becomes
//   p(x) = (1 - PART) * pair(x) + PART * onward(x)
//   onward(x) ~ sum over y of pair(y) * C[y][x] / rowsum(C[y]), x not in the session
// where y are the SOURCES items with the largest pair(y), and C[y] is made as pair's is, of the newest
// SESSIONS sessions that hold y, around the last click on it there, all of one age, and with BACKWARD before
// it.
//
// A step more in the walk on the graph of items, as a network of two layers takes it, without one being
// trained.
#include "graph/reader.h"

#include <string.h>

#define THIN     150u // sessions read: with as many and more the first step knows all that the second does
#define PART     0.5f
#define SOURCES  10u
#define SESSIONS 20u
#define BACKWARD 0.5f
#define AHEAD    8u  // sessions that are fetched before they are read
#define SCAN     64u // a session's last clicks in which the source is looked for

typedef struct step {
    hh_item item;
    float weight;
    bool after;
} step;

// What was clicked around one source.
typedef struct steps {
    step of[SESSIONS * 2 * HH_NEXT_TO];
    uint32_t count;
    float sum;
    uint32_t slots[SESSIONS]; // of the sessions read
    uint32_t sessions;
} steps;

typedef struct source {
    uint32_t candidate;
    float share;
    hh_item item;
} source;

// ---- where the first step leads ----

// Equals go by id, so that the choice does not depend on the order in which clicks arrived.
static bool before(const hh_graph *graph, const source *a, const source *b)
{
    return a->share > b->share || (a->share == b->share && hh_items_compare(graph, a->item, b->item) < 0);
}

// Best first.
static uint32_t find_sources(const hh_reader *reader, source sources[SOURCES])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < reader->count; i++) {
        source one = {i, reader->shares[i][HH_EXPERT_PAIR_LONG], reader->items[i]};
        if (!(one.share > 0) || (count == SOURCES && !before(reader->graph, &one, &sources[count - 1])))
            continue;
        uint32_t at = count < SOURCES ? count++ : count - 1;
        for (; at && before(reader->graph, &one, &sources[at - 1]); at--)
            sources[at] = sources[at - 1];
        sources[at] = one;
    }
    return count;
}

// ---- where the second one does ----

// The session's clicks that the query may see; 0 of the asking one.
static uint32_t clicks_seen(const hh_reader *reader, const hh_block *block)
{
    uint32_t clicks = hh_block_count(block);
    hh_time limit = reader->limit - (hh_time)block->base * 1000;
    if (!clicks || (hh_time)hh_click_at(block, 0) >= limit)
        return 0;
    clicks = hh_clicks_before(block, clicks, limit);
    return hh_is_own(reader, block, clicks) ? 0 : clicks;
}

static void step_from(steps *made, const hh_block *block, uint32_t clicks, hh_item item, uint32_t slot)
{
    const hh_click *its = block->clicks;
    uint32_t first = clicks > SCAN ? clicks - SCAN : 0, at = clicks;
    while (at > first && its[at - 1].item != item)
        at--;
    if (at == first) // a slot that was used again
        return;
    at--;
    for (uint32_t i = 0; i < made->sessions; i++)
        if (made->slots[i] == slot)
            return;
    made->slots[made->sessions++] = slot;
    for (uint32_t i = at > HH_NEXT_TO ? at - HH_NEXT_TO : 0; i < clicks && i <= at + HH_NEXT_TO; i++) {
        if (its[i].item == item)
            continue;
        float weight = i > at ? 1 / (float)(i - at) : BACKWARD / (float)(at - i);
        made->of[made->count++] = (step){its[i].item, weight, i > at};
        made->sum += weight;
    }
}

static void steps_of(const hh_reader *reader, hh_item item, steps *made)
{
    const hh_store *store = &reader->graph->store;
    const hh_postings *postings =
        atomic_load_explicit(&hh_item_at(&reader->graph->items, item)->postings, memory_order_acquire);
    made->count = made->sessions = 0;
    made->sum = 0;
    if (!postings)
        return;
    uint32_t end = atomic_load_explicit(&postings->end, memory_order_acquire);
    uint32_t begin = atomic_load_explicit(&postings->begin, memory_order_relaxed);
    while (end > begin && made->sessions < SESSIONS) {
        uint32_t slot = hh_slot_of(postings, --end);
        const hh_block *block = hh_slot_block(store, slot);
        if (end >= begin + 2 * AHEAD) // in a backlog thousands are later than the query
            __builtin_prefetch(hh_slot_at(store, hh_slot_of(postings, end - 2 * AHEAD)));
        if (end >= begin + AHEAD)
            __builtin_prefetch(hh_slot_block(store, hh_slot_of(postings, end - AHEAD)));
        uint32_t clicks = block ? clicks_seen(reader, block) : 0;
        if (clicks)
            step_from(made, block, clicks, item, slot);
    }
}

// ---- both ----

#define OWN (-1.0f) // the vote of the session's items; all that may be listed are candidates, by repeat

// reader->votes of the candidates, also of those that this brings; returns their sum.
static float go_on(hh_reader *reader, const hh_item *items, size_t length)
{
    source sources[SOURCES];
    steps made;
    uint32_t count = find_sources(reader, sources);
    float sum = 0;
    if (!hh_grow(&reader->votes, &reader->votes_capacity,
                 reader->count + (size_t)count * SESSIONS * 2 * HH_NEXT_TO, sizeof *reader->votes)) {
        reader->failed = true;
        return 0;
    }
    memset(reader->votes, 0, reader->count * sizeof *reader->votes);
    for (size_t i = 0; i < length; i++) {
        uint32_t own = hh_candidate_found(reader, items[i]);
        if (own != HH_NONE)
            reader->votes[own] = OWN;
    }
    for (uint32_t s = 0; s < count; s++) {
        bool followed = reader->evidence[sources[s].candidate].followed > 0; // or it only came before
        steps_of(reader, sources[s].item, &made);
        for (uint32_t i = 0; i < made.count; i++) {
            uint32_t known = reader->count, candidate = hh_bring(reader, made.of[i].item);
            if (candidate == HH_NONE)
                continue;
            if (candidate == known)
                reader->votes[candidate] = 0;
            if (reader->votes[candidate] == OWN)
                continue;
            float vote = sources[s].share * made.of[i].weight / made.sum;
            reader->votes[candidate] += vote;
            reader->evidence[candidate].onward += made.of[i].after && followed;
            sum += vote;
        }
    }
    return sum;
}

void hh_votes_onward(hh_reader *reader, const hh_item *items, size_t length)
{
    uint32_t known = reader->count;
    if (!length || !reader->pop.known || !known || reader->neighbour_count >= THIN)
        return;
    float sum = go_on(reader, items, length);
    if (reader->failed || !(sum > 0))
        return;
    for (uint32_t i = 0; i < reader->count; i++) {
        float *share = &reader->shares[i][HH_EXPERT_PAIR_LONG];
        float vote = reader->votes[i] == OWN ? 0 : reader->votes[i];
        *share = (1 - PART) * *share + PART * vote / sum;
    }
    hh_votes_foresight(reader, known);
}
