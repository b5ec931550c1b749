// What a session was last shown, kept with it to judge the list by the click that comes next: every
// recommendation is an experiment. The yardstick beside it is what was popular at the same moment.
#ifndef DAEMON_QUALITY_H
#define DAEMON_QUALITY_H

#include "metrics.h"
#include <hiphop/graph.h>
#include <stdint.h>

typedef struct hh_shown {
    int64_t version; // of the model that had a say in it; 0: the graph alone
    uint32_t count, graph_count, popular_count;
    // Hashes of item ids, best first: what was published, what the graph alone would have listed, what was
    // popular. Without a model what was published is the graph's own.
    uint32_t items[HH_LIVE_RANKS], graph[HH_LIVE_RANKS], popular[HH_LIVE_RANKS];
} hh_shown;

uint32_t hh_shown_hash(const char *item, size_t length);
// Ranks of the item in the three, by HH_LIST_...: 1 = first, 0 = not there.
void hh_shown_ranks(const hh_shown *shown, uint32_t item, unsigned ranks[3]);
// The best `wanted` of the candidates by their scores that are not in the session, best first, ties by place.
// Returns how many.
size_t hh_best_of(const hh_item *items, const float *scores, size_t count, const hh_item *session,
                  size_t length, hh_item *best, size_t wanted);

// Keeps the first `wanted` items that are not in the session. Returns how many.
size_t hh_leave_out(hh_item *items, size_t count, const hh_item *session, size_t length, size_t wanted);

#endif
