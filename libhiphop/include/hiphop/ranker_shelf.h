// The rankers of a stream, as of any time: one learns from clicks, and puts the ranker aside now and then;
// who asks as of a time gets the newest that has learned from earlier clicks alone, however far the teacher
// is ahead.
//
//   hh_ranker_shelf_learn  shortlist, the item that was clicked -> test, then learn; sometimes a ranker more
//   hh_ranker_shelf_read   a time -> the ranker for it, copied into one of the reader's own
//
// One teacher at a time; readers are many, and neither lock nor wait. A reader's copy is his own, so no
// ranker has to stay for the sake of who still uses it, and the shelf's memory is that of its begin: SHELF
// rankers of some 16 kB, and the trainer's examples.
#ifndef HIPHOP_RANKER_SHELF_H
#define HIPHOP_RANKER_SHELF_H

#include <hiphop/ranker.h>

// As the mixture's weights: a ranker is put aside every 64 lessons, at most every 15 seconds of event time,
// and the last 256 are kept, so for an hour or more.
typedef struct hh_ranker_shelf hh_ranker_shelf;

hh_ranker_shelf *hh_ranker_shelf_new(const hh_ranker_options *options, hh_error *error);
void hh_ranker_shelf_free(hh_ranker_shelf *shelf); // after all its readers; may be NULL
const hh_ranker_options *hh_ranker_shelf_options(const hh_ranker_shelf *shelf);

// ---- the teacher ----

// As hh_ranker_trainer_learn. A click far ahead of the rest (a visitor's clock that is wrong) stops the new
// rankers until time has caught up; those before it stay.
void hh_ranker_shelf_learn(hh_ranker_shelf *shelf, const hh_shortlist *shortlist, hh_item clicked,
                           hh_time time);
void hh_ranker_shelf_progress(const hh_ranker_shelf *shelf, hh_ranker_progress *progress);

// ---- readers (any thread) ----

// Makes *ranker, made with the shelf's options, the newest one that is earlier than as_of. *number: which one
// it is already, 0 at first. False where there is none: *ranker is not to be used then.
bool hh_ranker_shelf_read(const hh_ranker_shelf *shelf, hh_time as_of, hh_ranker *ranker, uint64_t *number);

#endif
