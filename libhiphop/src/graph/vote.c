// The votes of all neighbours, for pair (pair.c) and knn (knn.c) at once: what a session gives to one of its
// clicks is its weights, by the lanes of a row, times the parts of a click at that distance.
#include "graph/reader.h"
#include "wide.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

INLINE void weigh(const hh_reader *reader, uint32_t neighbour, bool last, uint32_t depth, hh_eight *weight)
{
    memcpy(weight, reader->weights[neighbour], sizeof *weight);
    *weight *= reader->scale[last][depth];
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
        weigh(reader, list->numbers[i], neighbour->match == at, neighbour->first, &weight);
        const hh_eight *parts = reader->part_short[clicks][at];
        for (uint32_t j = 0; j + 1 < clicks; j++)
            rows[neighbour->rows[j]] += weight * parts[j];
    }
}

// The clicks around a match, for pair.
INLINE void vote_far(hh_reader *reader, const hh_found *found, const hh_neighbour *neighbour)
{
    const hh_click *clicks = neighbour->block->clicks;
    uint32_t at = found->at, back = reader->at_once ? HH_NEXT_TO : 0;
    uint32_t first = at > back ? at - back : 0, end = least(neighbour->clicks, at + HH_NEXT_TO + 1);
    hh_eight weight;
    weigh(reader, found->neighbour, false, found->depth, &weight);
    for (uint32_t i = first; i < end; i++) {                     // the match, too: it gets nothing
        uint32_t row = hh_candidate(reader, clicks[i].item) + 1; // 0 for HH_NONE; may move the rows
        reader->rows[row] += weight * reader->part[HH_REACH + i - at];
    }
}

// The clicks around the last match of one of the nearest, for pair and knn.
INLINE void vote_near(hh_reader *reader, const hh_found *found, const hh_neighbour *neighbour)
{
    const hh_click *clicks = neighbour->block->clicks;
    uint32_t at = found->at, now = found->neighbour + 1;
    uint32_t first = at > HH_REACH ? at - HH_REACH : 0, end = least(neighbour->clicks, at + HH_REACH + 1);
    hh_eight weight[2]; // for a row that has this neighbour's voice, and for one that has not
    weigh(reader, found->neighbour, true, found->depth, &weight[1]);
    weight[0] = weight[1];
    weight[0][HH_ROW_NEIGHBOURS] = 0;
    for (uint32_t i = first; i < end; i++) {
        uint32_t candidate = hh_candidate(reader, clicks[i].item);
        if (candidate == HH_NONE)
            continue;
        uint32_t before = reader->seen[candidate];
        reader->rows[candidate + 1] += weight[before != now] * reader->part[HH_REACH + i - at];
        reader->seen[candidate] = i > at ? now : before;
    }
}

HH_WIDE void hh_vote(hh_reader *reader)
{
    vote_short(reader, 2);
    vote_short(reader, 3);
    vote_short(reader, 4);
    for (uint32_t i = 0; i < reader->found_count; i++) {
        const hh_found *found = &reader->found[i];
        const hh_neighbour *neighbour = &reader->neighbours[found->neighbour];
        if (found->at == neighbour->match && reader->weights[found->neighbour][1][2] > 0)
            vote_near(reader, found, neighbour);
        else
            vote_far(reader, found, neighbour);
    }
}
