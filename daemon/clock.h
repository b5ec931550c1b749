// The two clocks of the daemon. The library has none: times are passed in.
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <hiphop/time.h>
#include <time.h>

static inline hh_time hh_clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (hh_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Wall-clock time, to compare with event times and record timestamps.
static inline hh_time hh_wall_clock(void)
{
    return hh_clock_read(CLOCK_REALTIME);
}

// For durations and deadlines: never jumps.
static inline hh_time hh_steady_clock(void)
{
    return hh_clock_read(CLOCK_MONOTONIC);
}

#endif
