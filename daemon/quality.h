// What a session was last shown, kept with it to judge the list by the click that comes next: every
// recommendation is an experiment. The yardstick beside it is what was popular at the same moment.
#ifndef DAEMON_QUALITY_H
#define DAEMON_QUALITY_H

#include "metrics.h"
#include <hiphop/graph.h>
#include <stdint.h>

typedef struct hh_shown {
    uint32_t count, popular_count;
    uint32_t items[HH_LIVE_RANKS], popular[HH_LIVE_RANKS]; // hashes of item ids, best first
} hh_shown;

uint32_t hh_shown_hash(const char *item, size_t length);
// Ranks of the item in what was shown and in what was popular: 1 = first, 0 = not there.
void hh_shown_ranks(const hh_shown *shown, uint32_t item, unsigned *rank, unsigned *popularity_rank);

// Keeps the first `wanted` items that are not in the session. Returns how many.
size_t hh_leave_out(hh_item *items, size_t count, const hh_item *session, size_t length, size_t wanted);

#endif
