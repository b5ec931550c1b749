// A producer's transactions, and the positions that they commit. One thread; `given_up` is any thread's.
#ifndef DAEMON_TRANSACTION_H
#define DAEMON_TRANSACTION_H

#include "shared.h"
#include <librdkafka/rdkafka.h>

enum {
    // Longest that one call may wait for a broker: between calls we look whether to stop. Sending positions
    // may take longer with librdkafka 2.0: socket.timeout.ms, and as long as a coordinator is gone, which
    // the main thread sees to.
    HH_CALL_MS = 1000,
    HH_RETRY_MS = 100, // before doing again what has just failed
    // From a commit to the next transaction: the broker still settles the one, refuses the other's first
    // records meanwhile, and librdkafka asks again only 20 ms later.
    HH_SETTLE_MS = 3,
};

typedef struct hh_transaction {
    hh_shared *shared;
    hh_pulse *pulse; // shows what is refused
    bool beats;      // the pulse, between two attempts
    unsigned worker; // for the log
    rd_kafka_t *producer;
    bool begun;           // one is open
    hh_time committed;    // steady clock: the one before
    atomic_bool given_up; // no attempt after the one that is being made
} hh_transaction;

typedef enum hh_transaction_end {
    HH_TRANSACTION_DONE,
    HH_TRANSACTION_REFUSED, // it still is open: roll it back
    HH_TRANSACTION_BROKEN,  // it still is open, and only another producer can settle it
} hh_transaction_end;

// Begins one where none is open, HH_SETTLE_MS after the one before at the earliest. False: the producer is
// beyond repair, which has been said.
bool hh_transaction_begin(hh_transaction *transaction);

// Commits the open one with the positions. What may pass is tried again, for as long as it takes.
hh_transaction_end hh_transaction_commit(hh_transaction *transaction,
                                         const rd_kafka_topic_partition_list_t *positions,
                                         const rd_kafka_consumer_group_metadata_t *membership);

// Ends the open one, if any, without a trace. False where that is not known to have worked.
bool hh_transaction_roll_back(hh_transaction *transaction);

// Between two attempts; false when there is no time for another one.
bool hh_transaction_pause(const hh_transaction *transaction);

#endif
