// What is learned from clicks about the experts: each shows which of them had known it, and whether the
// ranker had listed it higher than the mixture. The keeper's, one thread.
#ifndef DAEMON_LESSONS_H
#define DAEMON_LESSONS_H

#include "seer.h"
#include <hiphop/session.h>

typedef struct hh_lessons hh_lessons;

// reader: the teacher's own, of shared->graph.
hh_lessons *hh_lessons_new(hh_shared *shared, hh_reader *reader, hh_error *error);
void hh_lessons_free(hh_lessons *lessons); // may be NULL

// So many clicks are to be loaded at start: only some of them are learned from.
void hh_lessons_expect(hh_lessons *lessons, uint64_t clicks);
// So many clicks came in so many milliseconds: of the coming ones, as many are learned from as time allows.
void hh_lessons_plan(hh_lessons *lessons, uint64_t clicks, hh_time elapsed_ms);

// A click that has come into the session, before the graph has learned it. items: the graph's numbers.
hh_status hh_lessons_take(hh_lessons *lessons, const hh_session *session, uint32_t position,
                          uint64_t visitor);
// Into the metrics; and into the log, when the ranker has begun to make the lists, or does so no more.
void hh_lessons_show(hh_lessons *lessons);

#endif
