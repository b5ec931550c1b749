// The clock on the wall: when something is due, and how a long run is getting on.
#ifndef CLI_PACE_H
#define CLI_PACE_H

#include <hiphop/time.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

hh_time wall_now(void);  // Unix time in ms
double steady_now(void); // seconds since some fixed moment; never jumps

// ---- how numbers and times are written ----

#define GROUPED_SIZE 32
const char *grouped(uint64_t number, char text[GROUPED_SIZE]); // "1,520,662"
#define MOMENT_SIZE 32
const char *moment(hh_time time, char text[MOMENT_SIZE]); // "1997-12-04 15:55:49", local time

// "now", Unix milliseconds, or ISO 8601 UTC: "2026-11-24", "2026-11-24T10:35:00", with or without Z.
bool parse_moment(const char *text, hh_time *time);

// ---- progress, on stderr: a bar that is drawn over on a terminal, a line now and then elsewhere ----

struct progress {
    const char *what; // "clicks"
    bool terminal, quiet;
    double begun, shown; // steady_now
};

void progress_begin(struct progress *progress, const char *what, bool quiet);
// share: 0..1 of the work; < 0: nobody knows. newest: event time reached. Cheap to call often.
void progress_show(struct progress *progress, double share, uint64_t count, hh_time newest);
// The same with words of one's own behind the bar, and the seconds left, 0: not known. always: now, whenever
// the last one was.
void progress_text(struct progress *progress, double share, const char *text, double seconds_left,
                   bool always);
void progress_end(struct progress *progress); // takes the bar away
double progress_seconds(const struct progress *progress);

#endif
