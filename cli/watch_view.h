// What `hiphop watch` shows of a recommendation record: what the visitor did, what is offered and why, and
// whether the session's list before had the item that was clicked now. It remembers a bounded number of
// sessions.
#ifndef CLI_WATCH_VIEW_H
#define CLI_WATCH_VIEW_H

#include "titles.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct watch_options {
    FILE *out;                   // the caller's; NULL: nothing is shown, only counted
    const struct titles *titles; // the caller's
    bool colours;
    uint32_t top; // items shown of a list
} watch_options;

typedef struct watch_totals {
    uint64_t lists, sessions;
    uint64_t judged;        // lists whose session went on: the next click tells how good they were
    uint64_t hits;          // ... that had the next click among their first 20
    double reciprocal;      // sum of 1/rank of the hits
    int64_t model_version;  // of the newest list
    hh_time oldest, newest; // event times
} watch_totals;

struct watch_view;

struct watch_view *watch_view_new(const watch_options *options); // NULL: out of memory
void watch_view_free(struct watch_view *view);
// The records of a session in the order in which they were published. shown: whether to print it too.
hh_status watch_view_take(struct watch_view *view, const hh_recommendations_record *record, bool shown);
watch_totals watch_view_count(const struct watch_view *view);
void watch_print_totals(const watch_totals *totals, FILE *out);

#endif
