// Judging a list by the click that comes after it.
#include "quality.h"

#define XXH_INLINE_ALL
#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

uint32_t hh_shown_hash(const char *item, size_t length)
{
    return (uint32_t)XXH3_64bits(item, length);
}

static unsigned rank_in(const uint32_t *items, uint32_t count, uint32_t item)
{
    for (uint32_t i = 0; i < count; i++)
        if (items[i] == item)
            return i + 1;
    return 0;
}

void hh_shown_ranks(const hh_shown *shown, uint32_t item, unsigned ranks[3])
{
    ranks[HH_LIST_HIPHOP] = rank_in(shown->items, shown->count, item);
    ranks[HH_LIST_GRAPH] = rank_in(shown->graph, shown->graph_count, item);
    ranks[HH_LIST_POPULARITY] = rank_in(shown->popular, shown->popular_count, item);
}

static bool holds(const hh_item *session, size_t length, hh_item item)
{
    for (size_t i = 0; i < length; i++)
        if (session[i] == item)
            return true;
    return false;
}

size_t hh_leave_out(hh_item *items, size_t count, const hh_item *session, size_t length, size_t wanted)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < wanted; i++)
        if (!holds(session, length, items[i]))
            items[kept++] = items[i];
    return kept;
}

size_t hh_best_of(const hh_item *items, const float *scores, size_t count, const hh_item *session,
                  size_t length, hh_item *best, size_t wanted)
{
    float worth[HH_LIVE_RANKS];
    size_t kept = 0;
    wanted = wanted < HH_LIVE_RANKS ? wanted : HH_LIVE_RANKS;
    for (size_t i = 0; i < count; i++) {
        if (wanted == 0 || (kept == wanted && !(scores[i] > worth[kept - 1])) ||
            holds(session, length, items[i]))
            continue;
        size_t at = kept < wanted ? kept++ : kept - 1;
        for (; at > 0 && worth[at - 1] < scores[i]; at--) {
            worth[at] = worth[at - 1];
            best[at] = best[at - 1];
        }
        worth[at] = scores[i];
        best[at] = items[i];
    }
    return kept;
}
