// inherit, cosine: what is known of items by their descriptions alone, where clicks say little yet. Of items
// with n < HH_COLD_CLICKS clicks, by how little, and by how long they have been expected to be clicked (E
// clicks, expected.c): r(v) = 1 / (1 + n) * PRIOR / (PRIOR + E).
//
// inherit: an item gets of the votes what those that are described most alike get, x its HH_NEAR nearest that
//   have been clicked:
//   p(v) = r(v) * sum over x of cos(v, x)^POWER * votes(x) / sum over x of cos(v, x)^POWER
//   votes(x): the mean of what next, pair and knn give to x.
// cosine: the descriptions most like those of the session's last DEPTH items c_d, where v or c_d is such an
//   item:
//   p(v) = sum over d of pair_decay^d * max(1 / (1 + n_v), 1 / (1 + n_cd)) * PRIOR / (PRIOR + E_v) * cos(c_d,
//   v)^POWER /
//          sum over w of cos(c_d, w)^POWER, over the pair_decay^d
//   w: all items that the lists of c_d have (alike.c), also those with many clicks.
//
// Both are parts of a distribution over all items: a new item is expected to be clicked as those like it are.
// Where many new ones are like one that has most votes, they share 1.
// Who is asked for: the lists of the session's last items and of the SOURCES items with most votes.
#include "graph/reader.h"
#include "in_session.h"

#include <string.h>

#define PRIOR   0.3f
#define DEPTH   5
#define SOURCES 40

typedef struct weighing {
    float sum; // of the list's weights
    float least_near;
    bool near_is_full;
} weighing;

static float weight_of(float cosine)
{
    float square = cosine * cosine;
    return square * square * square; // POWER 6
}

static const hh_related *related_of(const hh_reader *reader, hh_item item)
{
    const hh_described *described = &reader->graph->described;
    uint32_t row = item < reader->used ? hh_described_row(described, item) : HH_NONE;
    if (row == HH_NONE)
        return NULL;
    const hh_row_chunk *chunk =
        atomic_load_explicit(&described->chunks[row >> HH_ROW_CHUNK_BITS], memory_order_acquire);
    return &chunk->related[row & ((1u << HH_ROW_CHUNK_BITS) - 1)];
}

// The item of an entry, HH_ITEM_NONE where it is nobody's any more.
static hh_item entry_item(const hh_reader *reader, uint64_t entry)
{
    if (!entry)
        return HH_ITEM_NONE;
    uint32_t row = hh_entry_row(entry);
    const hh_row_chunk *chunk = atomic_load_explicit(
        &reader->graph->described.chunks[row >> HH_ROW_CHUNK_BITS], memory_order_acquire);
    hh_item item =
        atomic_load_explicit(&chunk->item[row & ((1u << HH_ROW_CHUNK_BITS) - 1)], memory_order_acquire);
    return item < reader->used ? item : HH_ITEM_NONE;
}

static uint64_t read_entry(const _Atomic uint64_t *list, int i)
{
    return atomic_load_explicit(&list[i], memory_order_acquire);
}

// As of the query.
static uint32_t clicks_on(const hh_reader *reader, hh_item item)
{
    return item < reader->pop.capacity ? reader->pop.items[item].clicks : 0;
}

static float rarity(uint32_t clicks)
{
    return clicks < HH_COLD_CLICKS ? 1 / (1 + (float)clicks) : 0;
}

// By what was expected of it until the query.
static float chance(const hh_reader *reader, const hh_related *related)
{
    uint32_t second = reader->limit > 0 ? (uint32_t)(reader->limit / 1000) : 0;
    return PRIOR / (PRIOR + hh_expected_by(related->expected, second));
}

// ---- what next, pair and knn give ----

static float sum_votes(hh_reader *reader)
{
    float sum = 0;
    for (uint32_t i = 0; i < reader->count; i++) {
        float all = 0;
        for (int e = HH_EXPERT_NEXT; e <= HH_EXPERT_KNN_LONG; e++)
            all += reader->shares[i][e];
        reader->votes[i] = all / (HH_EXPERT_KNN_LONG - HH_EXPERT_NEXT + 1);
        sum += reader->votes[i];
    }
    return sum;
}

// The candidates with most votes, a heap with the least on top.
static uint32_t find_sources(const hh_reader *reader, uint32_t sources[SOURCES])
{
    const float *votes = reader->votes;
    uint32_t count = 0;
    for (uint32_t i = 0; i < reader->count; i++) {
        if (!(votes[i] > 0) || (count == SOURCES && votes[i] <= votes[sources[0]]))
            continue;
        uint32_t at = count;
        if (count < SOURCES) {
            for (count++; at && votes[sources[(at - 1) / 2]] > votes[i]; at = (at - 1) / 2)
                sources[at] = sources[(at - 1) / 2];
        } else {
            for (uint32_t child = (at = 0); (child = 2 * at + 1) < SOURCES; at = child) {
                child += child + 1 < SOURCES && votes[sources[child + 1]] < votes[sources[child]];
                if (votes[sources[child]] >= votes[i])
                    break;
                sources[at] = sources[child];
            }
        }
        sources[at] = i;
    }
    return count;
}

// ---- inherit ----

static void inherit(hh_reader *reader, uint32_t candidate, uint32_t known)
{
    hh_item item = reader->items[candidate];
    const hh_related *related = related_of(reader, item);
    float rare = rarity(clicks_on(reader, item)), sum = 0, votes = 0, most = 0;
    for (int i = 0; related && i < HH_NEAR; i++) {
        uint64_t entry = read_entry(related->near, i);
        hh_item other = entry_item(reader, entry);
        if (other == HH_ITEM_NONE || clicks_on(reader, other) == 0)
            continue;
        float weight = weight_of(hh_entry_cosine(entry));
        uint32_t from = hh_candidate_found(reader, other);
        sum += weight;
        if (from >= known)
            continue;
        float part = weight * reader->votes[from];
        votes += part;
        if (part > most) {
            most = part;
            reader->evidence[candidate].alike = other;
        }
    }
    if (!(votes > 0))
        return;
    float still = reader->evidence[candidate].chance = chance(reader, related);
    reader->shares[candidate][HH_EXPERT_INHERIT] = still * rare * votes / sum;
}

// Of the items that are described like this one, those with few clicks become candidates.
static void bring_alike(hh_reader *reader, hh_item item, const hh_item *items, size_t length)
{
    const hh_related *related = related_of(reader, item);
    for (int i = 0; related && i < HH_NEAR_COLD && !reader->failed; i++) {
        hh_item other = entry_item(reader, read_entry(related->cold, i));
        if (other != HH_ITEM_NONE && rarity(clicks_on(reader, other)) > 0 &&
            !hh_in_session(items, length, other))
            hh_bring(reader, other);
    }
}

// ---- cosine ----

static void weigh(const hh_related *related, weighing *of)
{
    *of = (weighing){.least_near = 2, .near_is_full = true};
    for (int i = 0; i < HH_NEAR; i++) {
        uint64_t entry = read_entry(related->near, i);
        of->near_is_full = of->near_is_full && entry;
        if (!entry)
            continue;
        float cosine = hh_entry_cosine(entry);
        of->sum += weight_of(cosine);
        of->least_near = cosine < of->least_near ? cosine : of->least_near;
    }
    for (int i = 0; i < HH_NEAR_COLD && of->near_is_full; i++) {
        uint64_t entry = read_entry(related->cold, i);
        if (entry && hh_entry_cosine(entry) < of->least_near)
            of->sum += weight_of(hh_entry_cosine(entry));
    }
}

static void vote(hh_reader *reader, hh_item by, uint64_t entry, float least, float part, const hh_item *items,
                 size_t length)
{
    hh_item other = entry_item(reader, entry);
    if (other == HH_ITEM_NONE)
        return;
    float rare = rarity(clicks_on(reader, other));
    rare = rare > least ? rare : least;
    if (!(rare > 0) || hh_in_session(items, length, other))
        return;
    uint32_t candidate = hh_bring(reader, other);
    if (candidate == HH_NONE)
        return;
    const hh_related *its = related_of(reader, other);
    float still = reader->evidence[candidate].chance = its ? chance(reader, its) : 1;
    float share = still * rare * part * weight_of(hh_entry_cosine(entry));
    float *shares = reader->shares[candidate];
    shares[HH_EXPERT_COSINE] += share;
    if (share > shares[HH_EXPERT_INHERIT])
        reader->evidence[candidate].alike = by;
}

static void cosine(hh_reader *reader, const hh_item *items, size_t length)
{
    float decay = (float)reader->graph->options.pair_decay, part = 1, all = 0;
    for (size_t d = 0; d < length && d < DEPTH; d++, part *= decay)
        all += part;
    part = 1 / all;
    for (size_t d = 0; d < length && d < DEPTH; d++, part *= decay) {
        hh_item item = items[length - 1 - d];
        const hh_related *related = item == HH_ITEM_NONE ? NULL : related_of(reader, item);
        if (!related || hh_in_session(items + length - d, d, item))
            continue;
        weighing of;
        weigh(related, &of);
        float least = rarity(clicks_on(reader, item)), scale = of.sum > 0 ? part / of.sum : 0;
        for (int i = 0; i < HH_NEAR && !reader->failed; i++)
            vote(reader, item, read_entry(related->near, i), least, scale, items, length);
        for (int i = 0; i < HH_NEAR_COLD && of.near_is_full && !reader->failed; i++) {
            uint64_t entry = read_entry(related->cold, i);
            if (entry && hh_entry_cosine(entry) < of.least_near)
                vote(reader, item, entry, least, scale, items, length);
        }
    }
}

// ---- both ----

void hh_votes_text(hh_reader *reader, const hh_item *items, size_t length, float mass[HH_EXPERTS])
{
    uint32_t known = reader->count, sources[SOURCES], count = 0;
    if (!reader->pop.known || !length)
        return;
    if (!hh_grow(&reader->votes, &reader->votes_capacity, known, sizeof *reader->votes)) {
        reader->failed = true;
        return;
    }
    if (sum_votes(reader) > 0)
        count = find_sources(reader, sources);
    for (uint32_t i = 0; i < count; i++)
        bring_alike(reader, reader->items[sources[i]], items, length);
    for (size_t d = 0; d < length && d < DEPTH; d++)
        if (items[length - 1 - d] != HH_ITEM_NONE)
            bring_alike(reader, items[length - 1 - d], items, length);
    for (uint32_t i = 0; i < reader->count && count; i++)
        if (rarity(clicks_on(reader, reader->items[i])) > 0 &&
            !hh_in_session(items, length, reader->items[i]))
            inherit(reader, i, known);
    cosine(reader, items, length);
    hh_votes_foresight(reader, known);
    for (uint32_t i = 0; i < reader->count; i++)
        for (int e = HH_EXPERT_INHERIT; e <= HH_EXPERT_COSINE; e++)
            mass[e] += reader->shares[i][e];
    for (int e = HH_EXPERT_INHERIT; e <= HH_EXPERT_COSINE; e++) {
        if (!(mass[e] > 1))
            continue;
        for (uint32_t i = 0; i < reader->count; i++)
            reader->shares[i][e] /= mass[e];
        mass[e] = 1;
    }
}
