// The keeper's view of the log: every partition of the clicks, begun graph.max_clicks before the end, in an
// order near to event time while it catches up; and every partition of the items and
// of their vectors.
#ifndef DAEMON_FEED_H
#define DAEMON_FEED_H

#include "shared.h"
#include <hiphop/session.h>
#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>

typedef enum hh_feed_kind { HH_FEED_CLICKS, HH_FEED_ITEMS, HH_FEED_VECTORS, HH_FEED_KINDS } hh_feed_kind;

typedef struct hh_feed_partition {
    int32_t number;
    hh_feed_kind kind;
    rd_kafka_queue_t *queue; // its own, forwarded to the feed's once caught up
    bool caught_up, at_end;
    int64_t target; // caught up from this offset on
    int64_t next, end;
    hh_time quiet_since, next_tick;
    hh_time clock;        // event time of the last click
    void *consumer_state; // the keeper's: its sessionizer
} hh_feed_partition;

typedef struct hh_feed hh_feed;

hh_feed *hh_feed_new(hh_shared *shared, hh_pulse *pulse, hh_error *error);
void hh_feed_free(hh_feed *feed);

// Finds partitions and offsets and begins to read; again later, for partitions that are new. False where no
// broker answers yet.
bool hh_feed_look_up(hh_feed *feed);
bool hh_feed_caught_up(const hh_feed *feed);
uint64_t hh_feed_to_load(const hh_feed *feed); // clicks between the begin and the ends seen at the start
uint64_t hh_feed_lag(hh_feed *feed);

size_t hh_feed_count(const hh_feed *feed);
hh_feed_partition *hh_feed_at(hh_feed *feed, size_t number); // valid until the feed is freed

// The next records, at most `room`, waiting for up to timeout_ms for the first. Records and ends only; the
// caller destroys them. *partition of each in partitions[]. Vectors that come beside clicks only if they are
// wanted.
size_t hh_feed_take(hh_feed *feed, rd_kafka_message_t **records, hh_feed_partition **partitions, size_t room,
                    bool vectors, int timeout_ms);
// Whether the log of the partition still ends where the feed stands: HH_OK. HH_NOT_FOUND: it goes on. HH_IO:
// no broker has answered.
hh_status hh_feed_still_at_end(hh_feed *feed, const hh_feed_partition *partition);

#endif
