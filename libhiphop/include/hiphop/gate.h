// The gate: whether a network that has just been trained may take the place of the one in service
// (docs/training.md). It is tried on the newest lists whose outcome is known, all of them later than what it
// was trained on: each time with the same question, the same target and the same lists of the graph.
//
//   hh_slice *slice = hh_slice_new(2000, false, &error);
//   hh_gate_trial trial = {...}; hh_gate_trial_take(&trial, items, shares, count);   when a list is asked for
//   trial.target = clicked; hh_slice_add(slice, &trial);                   when the click has come
//   hh_gate_judge(slice, row_of, NULL, candidate, service, &options, &result, &error)
//
// A contender's list is the graph's, mixed with what the network foresees: (1 - w) graph + w network, with
// the w that says most of the slice. What counts is NDCG@20. Differences are paired, their intervals
// from a bootstrap; the same slice, models and options give the same result.
#ifndef HIPHOP_GATE_H
#define HIPHOP_GATE_H

#include <hiphop/model_file.h>
#include <hiphop/time.h>

// ---- the slice: the newest lists whose outcome is known ----

#define HH_TRIAL_CLICKS     50  // of a session, the last
#define HH_TRIAL_CANDIDATES 100 // of the graph, the best

typedef struct hh_gate_trial { // items by the caller's numbers
    hh_time as_of;
    uint32_t target;
    uint32_t length, count;
    uint32_t session[HH_TRIAL_CLICKS];  // [length]
    uint32_t item[HH_TRIAL_CANDIDATES]; // [count]
    float share[HH_TRIAL_CANDIDATES];   // [count] what the graph alone gives them, summing to 1 at most
} hh_gate_trial;

// The session's last clicks, and the best of the graph's candidates.
void hh_gate_trial_take(hh_gate_trial *trial, const uint32_t *session, size_t length, const uint32_t *items,
                        const float *shares, size_t count);

typedef struct hh_slice hh_slice;
// Of so many trials at most, >= 1. hide: what is in the session already is not listed.
hh_slice *hh_slice_new(uint32_t trials, bool hide, hh_error *error);
void hh_slice_free(hh_slice *slice);                            // may be NULL
void hh_slice_add(hh_slice *slice, const hh_gate_trial *trial); // the oldest goes where it is full
// The trials of the other one, made for as many; its own are gone.
void hh_slice_copy(hh_slice *slice, const hh_slice *from);
// Those asked for before this time go.
void hh_slice_drop(hh_slice *slice, hh_time before);
uint32_t hh_slice_count(const hh_slice *slice);
// When its first list was asked for; INT64_MAX: there is none. What ended before is held out from nobody.
hh_time hh_slice_begin(const hh_slice *slice);

// ---- the judgement ----

typedef struct hh_gate_options {
    uint32_t rounds;   // of the bootstrap
    double confidence; // of the intervals
    uint32_t least;    // trials without which nothing is judged
    uint64_t seed;
} hh_gate_options;

hh_gate_options hh_gate_defaults(void); // 1000, 0.95, 100, 1

typedef enum hh_gate_verdict {
    HH_GATE_PROMOTED,
    HH_GATE_REFUSED,
    HH_GATE_UNJUDGED, // too few trials: it stays out where there is another in service
} hh_gate_verdict;

typedef struct hh_gate_figures {
    double hr, mrr, ndcg; // @20
} hh_gate_figures;

typedef struct hh_gate_difference { // of NDCG@20, candidate - other
    double mean, low, high;
} hh_gate_difference;

typedef struct hh_gate_result {
    hh_gate_verdict verdict;
    uint32_t trials;
    bool service;                                        // there is a model in service
    hh_gate_figures graph, with_service, with_candidate; // the graph alone, and mixed with each
    hh_gate_figures service_alone, candidate_alone;
    double service_weight, candidate_weight; // w
    hh_gate_difference over_graph, over_service, alone;
} hh_gate_result;

// The row of the caller's item in a model; UINT32_MAX: it does not know it.
typedef uint32_t hh_row_of(void *context, const hh_model *model, uint32_t item);

// Refused where one of the differences lies below 0 with all of its interval: with the graph, to the graph
// alone and to the graph with the model in service; without it, to the model in service. service NULL: there
// is none. HH_MEMORY.
hh_status hh_gate_judge(const hh_slice *slice, hh_row_of *row_of, void *context, const hh_model *candidate,
                        const hh_model *service, const hh_gate_options *options, hh_gate_result *result,
                        hh_error *error);
// A sentence for people, NUL-terminated in text[size].
void hh_gate_text(const hh_gate_result *result, char *text, size_t size);

// The interval of the mean of paired differences (of count, >= 1), by a seeded bootstrap. HH_MEMORY.
hh_status hh_gate_interval(const double *difference, uint32_t count, const hh_gate_options *options,
                           hh_gate_difference *result);

#endif
