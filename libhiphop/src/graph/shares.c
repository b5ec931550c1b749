// A query's last step, from what the rows and pop have of each candidate to the experts' shares, without the
// items that are withdrawn.
#include "graph/reader.h"
#include "wide.h"

#include <string.h>

static bool may_be_listed(const hh_reader *reader, uint32_t candidate)
{
    hh_item item = reader->items[candidate];
    // What pop knows of the item is in the cache by now; only numbers that the caller brought may be
    // nobody's.
    if (reader->pop.known && item < reader->pop.capacity && reader->seen[candidate] < HH_NAMED)
        return !reader->pop.items[item].hidden;
    const hh_item_entry *entry = hh_item_at(&reader->graph->items, item);
    return atomic_load_explicit(&entry->id, memory_order_acquire) &&
           !atomic_load_explicit(&entry->withdrawn, memory_order_acquire);
}

// Puts the candidates that may be listed, and their rows, one behind another, with pop's shares. Returns the
// rows' sums.
HH_WIDE static void keep_listed(hh_reader *reader, hh_row *sum)
{
    hh_row all = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < reader->count; i++) {
        if (!may_be_listed(reader, i))
            continue;
        float *shares = reader->shares[kept], rarity = reader->rarity[i];
        if (kept != i) {
            memcpy(shares, reader->shares[i], sizeof *reader->shares);
            reader->index[reader->items[i]] = reader->first + kept;
        }
        hh_pop_shares(reader, i, shares);
        reader->items[kept] = reader->items[i];
        hh_row row = reader->rows[1 + i] * (hh_row){1, 1, 1, 1, rarity, rarity, 1, 1};
        row[HH_ROW_NEXT] += HH_NEXT_LONG * row[HH_ROW_NEXT_LONG];
        reader->rows[1 + kept++] = row;
        all += row;
    }
    hh_clear_candidates(reader, kept, reader->count);
    reader->count = kept;
    *sum = all;
}

// The columns of a row in those of the shares from next to network; repeat's are there already.
#define IN_SHARES(row, there) __builtin_shufflevector(row, there, 0, 2, 3, 4, 5, 13, 14, 15)

_Static_assert(HH_EXPERT_NEXT == 3 && HH_EXPERT_KNN_LONG == 7 && HH_EXPERT_NETWORK == 10,
               "IN_SHARES has them all");

HH_WIDE static void scale(hh_reader *reader, const float factors[HH_EXPERTS])
{
    hh_eight by, there;
    memcpy(&by, &factors[HH_EXPERT_NEXT], sizeof by);
    for (uint32_t i = 0; i < reader->count; i++) {
        float *shares = &reader->shares[i][HH_EXPERT_NEXT];
        hh_row row = reader->rows[1 + i];
        memcpy(&there, shares, sizeof there);
        there = IN_SHARES(row, there) * by;
        memcpy(shares, &there, sizeof there);
        reader->evidence[i] = (hh_evidence){.neighbours = (uint32_t)row[HH_ROW_NEIGHBOURS],
                                            .followed = (uint32_t)row[HH_ROW_FOLLOWED]};
    }
}

void hh_make_shares(hh_reader *reader, float mass[HH_EXPERTS])
{
    hh_row sum;
    hh_eight there = {0};
    hh_knn_rarity(reader);
    keep_listed(reader, &sum);
    for (uint32_t i = 0; i < reader->count; i++)
        for (int e = HH_EXPERT_REPEAT_LAST; e <= HH_EXPERT_REPEAT; e++)
            mass[e] += reader->shares[i][e];
    there = IN_SHARES(sum, there);
    for (int e = HH_EXPERT_NEXT; e <= HH_EXPERT_KNN_LONG; e++)
        mass[e] = there[e - HH_EXPERT_NEXT];
    float factors[HH_EXPERTS] = {0};
    for (int e = HH_POPS; e < HH_EXPERT_NETWORK; e++)
        factors[e] = mass[e] > 1e-30f ? 1 / mass[e] : 0;
    scale(reader, factors);
    hh_votes_foresight(reader, 0);
}
