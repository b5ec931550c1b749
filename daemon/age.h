// How long a record has been waiting for its turn, so that nobody gets a list that he no longer waits for.
//
// Kafka's timestamp alone doesn't say: a producer may set it to the event time, and a history replayed today
// bears the times of long ago. But a record can't have waited for longer than since the log was last seen to
// end before it. So its age is the smaller of the two: now - timestamp, and now - the last time at which the
// log was known not to hold it. That time is known from the ends of the log that we have seen, and for what
// was there before we came, from when the group last committed (or, for a group that never did, since we
// began).
#ifndef DAEMON_AGE_H
#define DAEMON_AGE_H

#include <hiphop/time.h>
#include <stdint.h>

#define HH_AGE_SIGHTS 64

typedef struct hh_age_sight {
    int64_t end;  // the log held nothing from this offset on ...
    hh_time seen; // ... at this time of the wall clock
} hh_age_sight;

typedef struct hh_age {
    hh_age_sight sights[HH_AGE_SIGHTS]; // a ring, both members rising
    unsigned first, count;
} hh_age;

// What is at `position` and after was not dealt with at `seen`.
void hh_age_begin(hh_age *age, int64_t position, hh_time seen);
// The log ends at `end` now. At most one sight every `spacing` ms is kept.
void hh_age_see(hh_age *age, int64_t end, hh_time now, hh_time spacing);
// Milliseconds that the record at `offset` has waited at most; ask with rising offsets. timestamp: Kafka's,
// < 0 where there is none.
hh_time hh_age_of(hh_age *age, int64_t offset, hh_time timestamp, hh_time now);

#endif
