// The votes of all neighbours, for pair (pair.c) and knn (knn.c) at once: what a session gives to one of its
// clicks is its weights, by the lanes of a row, times the parts of a click at that distance.
#include "graph/reader.h"
#include "wide.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE void weigh(const hh_neighbour *neighbour, hh_four scale, bool near, hh_eight *weight)
{
    hh_four left = neighbour->left;
    hh_four pair = __builtin_shufflevector(left, left, 0, 1, 0, 1) * scale;
    hh_four knn = {left[2], left[3], neighbour->near, 1}, nothing = {0, 0, 0, 1};
    knn = near ? knn : nothing;
    *weight = __builtin_shufflevector(pair, knn, 0, 1, 2, 3, 4, 5, 6, 7);
}

// Those of a list by length; inlined for each number of clicks.
INLINE void vote_short(hh_reader *reader, uint32_t clicks)
{
    const hh_list *list = &reader->lists[clicks - 1];
    const hh_neighbour *neighbours = reader->neighbours;
    hh_row *rows = reader->rows;
    for (uint32_t i = 0; i < list->count; i++) {
        const hh_neighbour *neighbour = &neighbours[list->numbers[i]];
        uint32_t at = neighbour->at;
        hh_eight weight;
        weigh(neighbour, reader->scale[neighbour->first], neighbour->match == at, &weight);
        const hh_eight *parts = reader->part_short[clicks][at];
        for (uint32_t j = 0; j + 1 < clicks; j++)
            rows[neighbour->rows[j]] += weight * parts[j];
    }
}

// The clicks around a match, for pair, and around the last for knn, too.
INLINE void vote_general(hh_reader *reader, const hh_found *found)
{
    const hh_neighbour *neighbour = &reader->neighbours[found->neighbour];
    const hh_click *clicks = neighbour->block->clicks;
    uint32_t at = found->at, count = neighbour->clicks;
    bool near = at == neighbour->match && neighbour->near > 0;
    uint32_t back = near ? HH_REACH : reader->at_once ? HH_NEXT_TO : 0, reach = near ? HH_REACH : HH_NEXT_TO;
    uint32_t first = at > back ? at - back : 0, end = count < at + reach + 1 ? count : at + reach + 1;
    hh_eight weight[2]; // for a row that has this neighbour's voice, and for one that has not
    weigh(neighbour, reader->scale[found->depth], near, &weight[1]);
    weight[0] = weight[1];
    weight[0][HH_ROW_NEIGHBOURS] = 0;
    for (uint32_t i = first; i < end; i++) { // the match, too: it gets nothing
        uint32_t candidate = hh_candidate(reader, clicks[i].item);
        if (candidate == HH_NONE)
            continue;
        uint32_t before = reader->seen[candidate], now = found->neighbour + 1;
        reader->rows[candidate + 1] += weight[before != now] * reader->part[HH_REACH + i - at];
        reader->seen[candidate] = near & (i > at) ? now : before;
    }
}

HH_WIDE void hh_vote(hh_reader *reader)
{
    vote_short(reader, 2);
    vote_short(reader, 3);
    vote_short(reader, 4);
    for (uint32_t i = 0; i < reader->found_count; i++)
        vote_general(reader, &reader->found[i]);
}
