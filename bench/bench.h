// What benches share: the time, and ends with a reason.
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <errno.h>
#include <hiphop/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// CPU time of this thread.
static inline double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void check(hh_status status, const char *what)
{
    if (status) {
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, hh_status_text(status));
        exit(1);
    }
}

// The memory, if there is some.
static inline void *need(void *memory)
{
    if (!memory)
        check(HH_MEMORY, "the bench");
    return memory;
}

#endif
