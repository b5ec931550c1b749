// What a worker writes, and how it becomes visible: its producer.
//
// Exactly once: everything put since the last commit is one Kafka transaction together with the positions
// of the clicks that it was made from. At least once: records go out at once, and positions are committed
// after the brokers have acknowledged everything put before; a position that the group refuses while it
// rebalances is kept and offered again.
//
// After HH_OUTBOX_LOST nothing that was put since the last successful commit counts. The caller goes back to
// what Kafka says is committed: this one path serves aborted transactions, fenced producers, and commits
// whose outcome nobody knows. One thread.
#ifndef DAEMON_OUTBOX_H
#define DAEMON_OUTBOX_H

#include "shared.h"
#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>

typedef enum hh_output {
    HH_OUTPUT_RECOMMENDATIONS,
    HH_OUTPUT_SESSIONS,
    HH_OUTPUT_QUALITY,
    HH_OUTPUT_DEAD_LETTERS,
    HH_OUTPUTS
} hh_output;

typedef enum hh_outbox_result {
    HH_OUTBOX_DONE,
    HH_OUTBOX_LATER,   // at least once only: not everything is acknowledged or committed yet, ask again
    HH_OUTBOX_LOST,    // go back to what is committed
    HH_OUTBOX_STOPPED, // the daemon stops and there is no time to wait for the brokers
    HH_OUTBOX_FAILED,  // will never work, and has been said
} hh_outbox_result;

typedef struct hh_outbox hh_outbox;

hh_outbox *hh_outbox_new(hh_shared *shared, hh_pulse *pulse, unsigned worker, hh_error *error);
void hh_outbox_free(hh_outbox *outbox); // may be NULL; what is not committed is dropped

// Connects, fences whoever used this worker's name before, and waits for its last transaction to be settled.
// Waits for brokers as long as it takes.
hh_outbox_result hh_outbox_open(hh_outbox *outbox);

typedef struct hh_outgoing {
    hh_output to;
    const void *key, *value; // copied; NULL key or value: null
    size_t key_length, value_length;
    hh_time timestamp;
    rd_kafka_headers_t *headers; // taken over; NULL: none
} hh_outgoing;

// Adds a record; waits for room where the queue is full. Trouble shows at the next commit. A dead letter that
// is too large for Kafka goes without its value, whose size the header hiphop.value.bytes then tells; false:
// the record is too large and is left out, which has been said, and is counted at the next commit.
bool hh_outbox_put(hh_outbox *outbox, const hh_outgoing *record);
// Whether hh_outbox_put() has met trouble, so that more work would be in vain.
bool hh_outbox_troubled(const hh_outbox *outbox);

// Exactly once: commits what was put, and the positions (with their metadata) of the consumer's group.
// At least once: the first call takes `positions` as they stand and returns LATER until all that was put
// before is acknowledged, and they are committed, for which nobody waits. A caller that got LATER goes on
// working, and asks again with NULL positions. `wait` turns LATER into waiting.
hh_outbox_result hh_outbox_commit(hh_outbox *outbox, rd_kafka_t *consumer,
                                  const rd_kafka_topic_partition_list_t *positions, bool wait);

// Drops what was put since the last commit.
hh_outbox_result hh_outbox_abort(hh_outbox *outbox);

// Serves callbacks; call often.
void hh_outbox_serve(hh_outbox *outbox);

#endif
