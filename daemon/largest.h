// How large a record a topic's brokers take, as far as it is known from what they have refused. Somebody may
// raise the limit, so one that is larger is tried again: after a minute, and ever less often while it is
// refused.
#ifndef DAEMON_LARGEST_H
#define DAEMON_LARGEST_H

#include <hiphop/time.h>
#include <stdbool.h>
#include <stdint.h>

// Of one topic; all zero: nothing was refused. Times are of the steady clock, in ms.
typedef struct hh_largest {
    int64_t bytes;            // of key, value and headers; 0: whatever it be
    hh_time try_again, pause; // when one that is larger, and how long after the time before
    bool trying;              // one is on its way, or its fate is not known
} hh_largest;

// What became of a record of so many bytes.
void hh_largest_refused(hh_largest *largest, int64_t bytes, hh_time now);
void hh_largest_taken(hh_largest *largest, int64_t bytes);
// Whether so many bytes would be refused. When it is time to try again, one is not.
bool hh_largest_refuses(hh_largest *largest, int64_t bytes, hh_time now);

#endif
