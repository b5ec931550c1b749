// How long to leave somebody alone who has failed: twice as long each time, with jitter, so that those who
// failed together do not come back together.
#ifndef DAEMON_BACKOFF_H
#define DAEMON_BACKOFF_H

#include <hiphop/time.h>
#include <stdint.h>

#define HH_BACKOFF_FIRST 250 // ms

// The pause after `failures` in a row (from 1 on), in ms: between a half and the whole of
// min(250 * 2^(failures - 1), longest), drawn by `random`, any 32 bits.
static inline hh_time hh_backoff(uint32_t failures, hh_time longest, uint32_t random)
{
    hh_time pause = HH_BACKOFF_FIRST;
    for (uint32_t i = 1; i < failures && pause < longest; i++)
        pause *= 2;
    if (pause > longest)
        pause = longest;
    return pause - (hh_time)((uint64_t)(pause / 2) * random >> 32);
}

#endif
