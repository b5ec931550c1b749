// What the threads of the daemon share: set before they start, or atomic, or behind its own interface.
#ifndef DAEMON_SHARED_H
#define DAEMON_SHARED_H

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "options.h"
#include <hiphop/graph.h>
#include <hiphop/recommend.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { HH_REACH = 1024 }; // partitions of which it is known how far the keeper has read them

typedef struct hh_shared {
    const hh_config *config;
    hh_logger *log;
    hh_metrics *metrics;
    const char *clicks_schema; // text of the Avro schema of clicks; NULL for JSON
    hh_graph *graph;           // NULL where recommend.enabled is off
    hh_mixture *mixture;       // NULL likewise; learned by the keeper, read by the workers
    hh_ranker_shelf *rankers;  // likewise; NULL also where recommend.ranker is off
    hh_mixture
        *graph_mixture; // of the graph's own experts: the yardstick of the network; NULL without models
    struct hh_service *service;   // the model in service (service.h); NULL where there is no topic of models
    struct hh_learning *learning; // what the trainer learns from (learning.h); likewise
    struct hh_scoreboard *scoreboard; // of the lists (scoreboard.h); NULL where recommend.enabled is off
    _Atomic int64_t reach[HH_REACH];  // of partition n: the clicks before this offset are in the graph
    atomic_bool doubts_topics;        // what is written fails again and again: are the topics still there?
    atomic_bool stopping;
    _Atomic hh_time stop_by; // steady clock: what has not ended by then is left as it is; 0: not stopping
} hh_shared;

// What a thread shows of itself to the main thread.
typedef struct hh_pulse {
    hh_shared *shared;
    const char *name;     // of the thread
    _Atomic hh_time beat; // steady clock, when it last went round; 0: not started
    atomic_bool broken;   // no broker answers
    atomic_bool failed;   // it has ended because it could not go on; it has said why
    // What Kafka has refused (rights.h), when on the steady clock, and on which topic; 0: nothing
    atomic_int refused;
    _Atomic hh_time refused_at;
    _Atomic(const char *) refused_topic, refused_operation; // the config's, and static
} hh_pulse;

static inline void hh_pulse_beat(hh_pulse *pulse)
{
    atomic_store_explicit(&pulse->beat, hh_steady_clock(), memory_order_relaxed);
}

static inline bool hh_stopping(hh_shared *shared)
{
    return atomic_load_explicit(&shared->stopping, memory_order_relaxed);
}

// Whether it is time to leave things as they are: what is not committed will be done again.
static inline bool hh_out_of_time(hh_shared *shared)
{
    return hh_stopping(shared) && hh_steady_clock() >= atomic_load(&shared->stop_by);
}

// Single-writer counters: read by the metrics while their thread adds, at the price of a plain addition.
typedef _Atomic uint64_t hh_counter;

static inline void hh_count(hh_counter *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

#endif
