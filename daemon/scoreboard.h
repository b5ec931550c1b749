// How good the lists were, by the model that had a say in them: what was published, beside what the graph
// alone would have listed and what was popular. Every worker adds; the newest judged clicks weigh most. A
// model whose lists are worse than the graph's is taken out of service by this.
#ifndef DAEMON_SCOREBOARD_H
#define DAEMON_SCOREBOARD_H

#include "metrics.h"
#include "service.h"

#define HH_SCORED_VERSIONS 8 // the newest; 0, the graph alone, is always among them

enum { HH_SCORE_LISTS = 3 }; // HH_LIST_HIPHOP, HH_LIST_GRAPH, HH_LIST_POPULARITY

typedef struct hh_score {
    int64_t version;  // of the model; 0: the graph alone
    hh_time begin;    // wall clock: its first list
    uint64_t lists;   // published
    uint64_t targets; // clicks that they were judged by
    double weight; // of the newest of these, faded, that the figures are means over: at most HH_SCORE_WINDOW
    double hr[HH_SCORE_LISTS], mrr[HH_SCORE_LISTS]; // @20
    double drop, error; // mean of the graph's hits - the published ones', and its standard error
    double coverage;    // distinct items listed, about
    bool out;           // taken out of service
} hh_score;

#define HH_SCORE_WINDOW 8192.0

typedef struct hh_scoreboard hh_scoreboard;

// max_drop: of HR@20, as a share; a model that costs more for sure is taken out of `service`, which may be
// NULL. NULL when out of memory.
hh_scoreboard *hh_scoreboard_new(hh_service *service, double max_drop);
void hh_scoreboard_free(hh_scoreboard *scoreboard); // may be NULL

// A list of these items (hashes) was published.
void hh_scoreboard_listed(hh_scoreboard *scoreboard, int64_t version, hh_time now, const uint32_t *items,
                          size_t count);
// It was judged: ranks as of hh_metrics_judge. True where this took the model out of service.
bool hh_scoreboard_judge(hh_scoreboard *scoreboard, int64_t version, const unsigned ranks[HH_SCORE_LISTS]);

// All versions that were scored, the newest first; returns how many.
size_t hh_scoreboard_read(hh_scoreboard *scoreboard, hh_score scores[HH_SCORED_VERSIONS]);
// Whether it is time to publish them: true once every interval in which there was anything to count, for one
// caller of all threads.
bool hh_scoreboard_due(hh_scoreboard *scoreboard, hh_time steady, hh_time interval);

#endif
