#include "recommend/context.h"

// The row for x in a block: its first for none, then one for each power of 4, the last for all larger ones.
static uint8_t magnitude(int first, int last, float x)
{
    int row = first + (x > 0);
    for (; x >= 4 && row < last; x /= 4)
        row++;
    return (uint8_t)row;
}

#define MAGNITUDE(block, x) magnitude(CONTEXT_##block, CONTEXT_##block##_LAST, x)
#define SHARP               4 // a mass of 1/4 is what a count of 1 is

hh_context hh_context_of(const hh_votes *votes)
{
    size_t most = CONTEXT_LENGTH_LAST - CONTEXT_LENGTH, before = votes->last_before;
    size_t length = votes->length < most ? votes->length : most;
    return (hh_context){.row =
                            {
                                CONTEXT_ALL,
                                (uint8_t)(CONTEXT_LENGTH + length),
                                (uint8_t)(CONTEXT_RETURN + (before == 0   ? 0
                                                            : before == 1 ? 1
                                                                          : 2)),
                                MAGNITUDE(NEIGHBOURS, (float)votes->neighbours),
                                MAGNITUDE(LAST_CLICKS, (float)votes->last_clicks),
                                MAGNITUDE(NEXT, SHARP * votes->mass[HH_EXPERT_NEXT]),
                                MAGNITUDE(PAIR, SHARP * votes->mass[HH_EXPERT_PAIR_SHORT]),
                            },
                        .foreseen = votes->foreseen};
}
