// What the keeper gathers for the trainer: the window of closed sessions, and the newest lists whose outcome
// is known, by which the gate judges. Every instance gathers, so that whoever becomes the trainer can begin
// at once. Filled by the keeper's thread, taken by the trainer's.
#ifndef DAEMON_LEARNING_H
#define DAEMON_LEARNING_H

#include "shared.h"
#include <hiphop/continual.h>
#include <hiphop/session.h>

typedef struct hh_learning hh_learning;

// The settings of training.* as the library takes them.
hh_continual_options hh_learning_options(const hh_config *config);

hh_learning *hh_learning_new(const hh_config *config, hh_error *error);
void hh_learning_free(hh_learning *learning); // may be NULL

// ---- the keeper ----

// A session that has closed. reader: the keeper's, of the graph that has its items. HH_MEMORY.
hh_status hh_learning_closed(hh_learning *learning, hh_reader *reader, const hh_session *session,
                             uint64_t visitor);
// All that stood on the topics when this instance started is known now.
void hh_learning_begin(hh_learning *learning);
// A list and what was clicked after it, items by the graph's numbers. Passed over while the trainer is at it:
// the keeper does not wait.
void hh_learning_trial(hh_learning *learning, const hh_gate_trial *trial);

// ---- the trainer ----

uint64_t hh_learning_sessions(hh_learning *learning); // closed so far, those of one click not counted
uint64_t hh_learning_since(hh_learning *learning, hh_time time); // of those kept, with later clicks than that
bool hh_learning_begun(hh_learning *learning); // before, items lack descriptions that they have

typedef struct hh_lesson_plan {
    hh_time now;                  // event time of the newest click that has a part in it
    hh_window_sessions sessions;  // ended before the first of the lists
    hh_descriptions descriptions; // of their items
    hh_slice *slice;              // NULL: the gate is off
} hh_lesson_plan;

// All that is there for a training after this model (NULL: there is none), copied. reader: the trainer's.
// HH_MEMORY.
hh_status hh_learning_take(hh_learning *learning, hh_reader *reader, const hh_continual *continual,
                           hh_lesson_plan *plan, hh_error *error);
void hh_lesson_plan_free(hh_lesson_plan *plan); // all zero is none

#endif
