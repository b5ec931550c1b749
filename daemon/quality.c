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

void hh_shown_ranks(const hh_shown *shown, uint32_t item, unsigned *rank, unsigned *popularity_rank)
{
    *rank = rank_in(shown->items, shown->count, item);
    *popularity_rank = rank_in(shown->popular, shown->popular_count, item);
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
