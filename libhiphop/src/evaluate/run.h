// One model's way through a log: what the protocols share. A protocol is a function that goes through the
// log, teaches the model and asks it (prequential.c, batches.c); run.c makes the run and reports.
#ifndef EVALUATE_RUN_H
#define EVALUATE_RUN_H

#include "evaluate/model_kind.h"
#include "evaluate/ranking.h"

typedef struct hh_foreseen { // what an answer had said of the item that was then clicked
    uint32_t item;
    hh_context context; // see hh_answer, as learns
    float scores[MODEL_OUTPUTS];
    void *learns;
} hh_foreseen;

typedef struct hh_run {
    const hh_log *log;
    const hh_evaluate_options *options;
    const hh_model_kind *kind;
    void *model;
    const bool *wanted; // [output_count]
    hh_tally tallies[MODEL_OUTPUTS];
    double train_seconds, predict_seconds;

    uint64_t first, last; // targets first <= place in the stream < last are counted
    bool frozen;          // from `first` on nothing is learned, and lists are as of its time
    uint64_t
        warm_up_from; // before `first`, every so many from here on teach a model that learns from outcomes:
    uint32_t warm_up_every;
    uint64_t targets_seen;  // of those, for options.every
    uint64_t asked;         // times
    uint32_t *item_clicks;  // [items] so far
    uint32_t items_clicked; // with at least one
    uint32_t most_clicks;
    uint32_t *hidden, mark; // [items] == mark: in the asking session
    uint32_t sessions_closed;
    hh_time trained; // when the model was trained last: a multiple of options.train_every
    hh_error *error; // of what went wrong, where there is more to say than the status does

    // For models that learn from outcomes: answers whose target has not come yet (after-click), by session,
    // and those whose target is among the clicks of the time at hand.
    hh_foreseen *pending; // [sessions] those with item == NO_ITEM are none
    hh_foreseen *arrived;
    size_t arrived_count, arrived_room;
} hh_run;

#define NO_ITEM UINT32_MAX

double hh_run_now(const hh_run *run);   // seconds; 0 without a clock
bool hh_run_goes_on(const hh_run *run); // false: its caller wants it to stop
// A click of `log` (the run's, or a batch of it) becomes known to the model.
hh_status hh_run_learn(hh_run *run, const hh_log *log, uint32_t click);
// A click counts for popularity and coverage from now on.
void hh_run_count(hh_run *run, uint32_t item);
// Asks the model. counts: its list is scored against the target.
hh_status hh_run_ask(hh_run *run, const hh_question *question, uint32_t target, bool counts,
                     hh_answer *answer);

// The protocols. place[clicks]: of a click in the stream. The second has no order of its own: it comes after
// the training, which is the first's.
hh_status hh_run_in_order(hh_run *run, const uint32_t *place);
hh_status hh_run_in_batches(hh_run *run, hh_error *error);

#endif
