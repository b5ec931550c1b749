// A worker: a consumer in the group, its partitions' open sessions, a recommender and a producer, on a thread
// of its own that shares nothing that is written. It polls clicks, decodes and sessionizes them, answers each
// with a list, and commits (docs/decisions/0004-exactly-once.md).
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "outbox.h"
#include "partition.h"
#include "publish.h"
#include "shared.h"
#include "wire/records.h"
#include <hiphop/intern.h>
#include <hiphop/session.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>

typedef struct hh_rebalance {
    rd_kafka_resp_err_t what;
    bool lost; // they may be somebody else's already
    rd_kafka_topic_partition_list_t *partitions;
    struct hh_rebalance *next;
} hh_rebalance;

struct hh_worker {
    hh_shared *shared;
    hh_pulse pulse;
    unsigned number;
    pthread_t thread;
    bool started;
    _Atomic int assigned; // partitions being consumed; -1 before the first assignment, and after a loss

    // the rest is the thread's own
    uint64_t seed;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    hh_outbox *outbox;
    hh_publisher *publisher;
    hh_click_decoder *decoder;
    hh_intern *items;          // of the open sessions' clicks, one reference for each
    hh_partition **partitions; // [partition_slots], by partition number; NULL: not ours
    int32_t partition_slots;
    unsigned fatal_streak;    // of the consumer
    hh_time last_fatal;       // steady clock
    hh_rebalance *rebalances; // asked for by the group and not dealt with, oldest first
    bool restoring;           // some partition is not assigned yet
    bool joined, closing;
    hh_time now;                                 // wall clock of this round
    hh_time next_restore, next_look, next_probe; // steady clock
    int32_t first_probe;                         // the partition that is looked at first
    hh_time pause;                               // before the next restore, after a commit that failed
    hh_time restore_pause;                       // and after one that failed itself
    rd_kafka_topic_partition_list_t *positions;  // scratch of a commit
    bool pending;                                // something was done since the last commit
    hh_time behind_since;                        // steady clock: more clicks wait than a batch; 0: they don't
    bool acknowledging;                          // at least once: a commit waits for acknowledgements
    hh_time pending_since, commit_begun;         // steady clock
    uint64_t pending_messages;
    uint64_t taken, dead[HH_DEAD_LETTER_COUNT]; // not yet added to the metrics
    hh_status trouble;                          // met in a callback
};

hh_worker *hh_worker_new(hh_shared *shared, unsigned number, hh_error *error);
hh_status hh_worker_start(hh_worker *worker, hh_error *error);
void hh_worker_join(hh_worker *worker);
void hh_worker_free(hh_worker *worker); // after its thread has ended; may be NULL

// ---- for partition.c ----

// The sink of its sessionizers (context: the hh_partition), and what frees a session they drop.
void hh_worker_session(void *context, const hh_session_event *event);
void hh_worker_release(void *context, const hh_session *session);

// ---- for group.c ----

// Commits what is pending; wait: until it is acknowledged. What comes back has been acted upon.
hh_outbox_result hh_worker_commit(hh_worker *worker, bool wait);
// Drops what is pending; all partitions go back to what is committed.
hh_outbox_result hh_worker_give_up(hh_worker *worker);

#endif
