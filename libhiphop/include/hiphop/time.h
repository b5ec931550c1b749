// Time is event time, in milliseconds since 1970-01-01 UTC, unless a name says otherwise. The library never
// reads a clock: whoever needs to know what time it is passes it in.
#ifndef HIPHOP_TIME_H
#define HIPHOP_TIME_H

#include <stdint.h>

typedef int64_t hh_time;

#define HH_TIME_MIN INT64_MIN // "no click yet"
#define HH_SECOND   ((hh_time)1000)
#define HH_MINUTE   (60 * HH_SECOND)
#define HH_HOUR     (60 * HH_MINUTE)
#define HH_DAY      (24 * HH_HOUR)

#endif
