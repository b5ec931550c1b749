// The timestamp that a record gets: its event time, as far as its topic takes that. A record that is refused
// for its time would be tried again for ever.
#ifndef DAEMON_STAMP_H
#define DAEMON_STAMP_H

#include <hiphop/time.h>
#include <stdbool.h>
#include <stdint.h>

// Of one topic.
typedef struct hh_stamp {
    hh_time behind, ahead; // how far from the broker's clock a timestamp may be; see hh_kafka_topic
    bool refused;          // one was, since the limits were read
    bool present;          // one was that is within them: all get the present time
} hh_stamp;

// What brokers set where nobody else did: message.timestamp.before.max.ms and .after.max.ms of Kafka 4.
#define HH_STAMP_DEFAULT ((hh_stamp){.behind = INT64_MAX / 2, .ahead = HH_HOUR})

// now: wall clock. A margin is kept for brokers whose clock is not ours.
hh_time hh_stamp_of(const hh_stamp *stamp, hh_time event, hh_time now);
// The limits have been read again. Where one was refused and they are as before, the clocks differ by more
// than the margin, or nobody may read the limits: then only the present will do.
void hh_stamp_learn(hh_stamp *stamp, hh_time behind, hh_time ahead);

#endif
