// At least once, too, positions are committed in transactions, which hold nothing else: in a thread of their
// own, since a commit takes tens of milliseconds in which lists would wait.
//
// Why not a consumer's own commits: they wait behind its request to join while another member comes, are
// refused for belonging to the generation before, and librdkafka then takes the whole assignment for lost. A
// producer's don't wait, and an error of theirs means nothing to the membership.
#ifndef DAEMON_COMMITTER_H
#define DAEMON_COMMITTER_H

#include "shared.h"
#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>

typedef struct hh_committer hh_committer;

typedef enum hh_commit_state {
    HH_COMMIT_NONE,    // none has been asked for since the last answer
    HH_COMMIT_ASKED,   // no answer yet
    HH_COMMIT_DONE,    // committed
    HH_COMMIT_REFUSED, // by the group, and rolled back: ask again, as of a later generation
    HH_COMMIT_BROKEN,  // nobody knows, and this committer will not do any more
} hh_commit_state;

// `producer`, whose transactions have been initialised, is lent until hh_committer_free(). The worker's pulse
// shows what Kafka refuses.
hh_committer *hh_committer_new(hh_shared *shared, hh_pulse *pulse, unsigned worker, rd_kafka_t *producer,
                               hh_error *error);

// May be NULL. Waits for the call that is under way: a second as a rule; where librdkafka has lost the
// group's coordinator for as long as it does, which the worker's pulse then shows.
void hh_committer_free(hh_committer *committer);

// Asks for a commit of the positions by the group that the consumer is a member of now; the list is lent
// until there is an answer. HH_MEMORY: not asked.
hh_status hh_committer_ask(hh_committer *committer, rd_kafka_t *consumer,
                           const rd_kafka_topic_partition_list_t *positions);

// How the commit that was asked for stands, after `wait` milliseconds at most. An answer is given once.
hh_commit_state hh_committer_answer(hh_committer *committer, hh_time wait);

#endif
