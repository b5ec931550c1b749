// Evaluation (docs/evaluation.md): on a log of clicks, predict, score, then learn; or on sessions without a
// clock, learn those of the training, then be asked about those of the test.
//
//   hh_log_new, hh_log_add for each click in order of arrival, hh_log_finish; or hh_log_of_sessions
//   hh_evaluate(log, options, {"mixture", "stan"}, 2, ...) reports the metrics of each model
//
// The models go through the log in time order. Asked for a list, a model knows what was clicked strictly
// before (in sessions that have ended by then, where options.memory says so) and the asking session's own
// clicks so far; the target is told it only when the target's own time has come. Candidates are all items
// clicked before. Every candidate is ranked, and whatever has the target's score stands before it.
//
// One thread at a time for each log; different logs are independent.
#ifndef HIPHOP_EVALUATE_H
#define HIPHOP_EVALUATE_H

#include <hiphop/continual.h>
#include <hiphop/graph.h>
#include <hiphop/session_file.h>
#include <hiphop/status.h>
#include <hiphop/time.h>
#include <hiphop/train.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- the log: clicks in sessions, made by the library's sessionizer ----

typedef struct hh_log hh_log;

typedef struct hh_log_options {
    hh_time gap;          // > 0; ends a session
    hh_time lateness;     // >= 0; clicks further behind the newest one are left out, and counted
    hh_time max_duration; // of a session, from its first click to its last; 0: 12 h, as hiphopd has it
    uint32_t max_clicks;  // of a session; 0: 500, as hiphopd has it
} hh_log_options;

hh_log *hh_log_new(const hh_log_options *options, hh_error *error);
void hh_log_free(hh_log *log); // may be NULL
// The next click to arrive. The bytes are copied. HH_LIMIT: more than 2^32 - 2 clicks.
hh_status hh_log_add(hh_log *log, const char *visitor, size_t visitor_length, const char *item,
                     size_t item_length, hh_time time, hh_error *error);
// No more clicks; to be called once, before the log is used.
hh_status hh_log_finish(hh_log *log, hh_error *error);

// A log of sessions that have no clock, finished: the first `train` of them teach, the others up to `end` are
// the test, and the rest is no part of it. Lines stand in the order of time: a session begins every second
// (HH_SECOND; later where the one before it has more clicks than that), its clicks follow at a millisecond,
// so half-lives count sessions: 1h is 3600 sessions back. What it needs is copied. HH_ARGUMENT: not 1 <=
// train < end <= sessions.
hh_log *hh_log_of_sessions(const hh_sessions *sessions, uint32_t train, uint32_t end, hh_error *error);

// A log of sessions with the order of the clicks inside each drawn by lot: what a model still foresees in it
// owes nothing to that order. HH_ARGUMENT: a log of clicks.
hh_log *hh_log_shuffled(const hh_log *log, uint64_t seed, hh_error *error);

typedef struct hh_log_stats {
    uint64_t clicks, late, sessions, items; // late: left out, not in `clicks`
    uint64_t train;                         // sessions that teach, in a log of sessions; 0: a log of clicks
    hh_time oldest, newest;
} hh_log_stats;
void hh_log_stats_read(const hh_log *log, hh_log_stats *stats);
// The id of an item, as observations number them: 0 .. items - 1, in the order of their bytes; in a log of
// sessions, in that of their first occurrence.
const char *hh_log_item(const hh_log *log, uint32_t item, size_t *length);

// ---- the protocol ----

typedef enum hh_evaluate_memory {
    HH_REMEMBER_CLICKS, // every click is known from its time on, other people's open sessions included
    HH_REMEMBER_CLOSED, // a session is known once it has closed (last click + gap + lateness)
    // In a log of sessions: those that teach are known, and nothing of the test. (With HH_REMEMBER_CLOSED,
    // the sessions of the test that have been scored are known, too.)
    HH_REMEMBER_TRAIN,
    // In a log of sessions, as in the paper's released code: the test is cut into one row for each of its
    // prefixes, and a row knows the other rows of its batch of 512, the longer prefixes of its own session
    // among them. It leaks the answers: figures of it can be compared with nothing.
    HH_REMEMBER_BATCH,
} hh_evaluate_memory;

typedef enum hh_evaluate_ask {
    HH_ASK_AT_NEXT,     // for the list just before the next click comes, as of its time
    HH_ASK_AFTER_CLICK, // for the list right after the click it answers, as of that click's time
} hh_evaluate_ask;

typedef struct hh_setting_value {
    const char *name; // see hh_setting_find
    double value;     // durations in ms
} hh_setting_value;

typedef struct hh_observation { // one list
    const char *model;
    uint64_t visitor;      // hash of the visitor
    hh_time session_start; // of the asking session
    uint32_t position;     // of the target in its session, from 0
    hh_time as_of;
    const uint32_t *items; // [count], best first; ties by item
    uint32_t count;        // at most HH_LIST
    uint32_t target;
    uint32_t rank; // of the target, from 1; UINT32_MAX: no candidate, or nothing speaks for it
} hh_observation;

typedef struct hh_evaluate_options {
    hh_evaluate_memory memory;
    hh_evaluate_ask ask;
    double begin;            // what is before this share of the log's clicks is never known: 0
    double from, until;      // targets count from this share of the log's clicks to that one: 0.5, 1; in a
                             // log of sessions they are those of its test, whatever is said here
    uint32_t below;          // 0; N: only those count whose item had fewer clicks so far (1: none at all)
    uint32_t every;          // of them, each n-th is asked for: 1
    bool hide_session_items; // what is in the session already is not listed; as a target it is missed
    const hh_setting_value *settings; // [setting_count], the last of a name wins; the rest at their defaults
    size_t setting_count;
    double (*clock)(void); // seconds, for the timings; NULL: none are taken
    // In a log of clicks: at each multiple of this, of event time, the network is trained on what has closed
    // by then, from the first list on that is asked for (docs/training.md). 0: there is no network.
    hh_time train_every;
    double train_until; // not after this share of the log's clicks: 1; the network then stays as it is
    void (*trained)(void *context, const hh_training *training); // may be NULL
    void *trained_context;
    void (*observe)(void *context, const hh_observation *observation); // may be NULL
    void *observe_context;
    // May be NULL. Called now and then, with how the network is getting on while it is trained, with NULL in
    // between. false: stop here, with HH_STOPPED, and report no more.
    bool (*progress)(void *context, const hh_train_progress *training);
    void *progress_context;
    const hh_source *sources; // [source_count] of the log's items, in their order: for the graph,
                              // which knows all from the beginning, and for the network of sessions
    uint32_t source_count;
    // In a log of sessions: items that the training never shows are described when the test begins, as those
    // are that a shop launches; otherwise from the beginning, and then they have been expected in vain.
    bool launch;
} hh_evaluate_options;

hh_evaluate_options hh_evaluate_defaults(void);

// Numbers by lot, a function of the seed: the control of vectors of items, which must earn nothing.
void hh_vectors_by_lot(float *vectors, size_t numbers, uint64_t seed);

// ---- the models ----

typedef struct hh_model_info {
    const char *name, *summary;
    bool baseline; // not the product's
} hh_model_info;
// The models from index 0 on: the graph's mixture, its experts, the baselines; NULL behind the last.
const hh_model_info *hh_evaluate_model(size_t index);

typedef enum hh_setting_kind { HH_SETTING_NUMBER, HH_SETTING_COUNT, HH_SETTING_DURATION } hh_setting_kind;

typedef struct hh_setting {
    const char *name; // "stan.neighbours"; those of the graph are "graph." and a field of hh_graph_options
    const char *text; // one line
    hh_setting_kind kind;
    double low, high; // range; durations in ms
    double standard;  // ask hh_setting_standard
    double grid[16];  // [grid_count] values that hh_tune tries, neighbours beside each other
    size_t grid_count;
} hh_setting;
const hh_setting *hh_evaluate_setting(size_t index); // from 0 on; NULL behind the last
const hh_setting *hh_setting_find(const char *name); // NULL: none of that name

double hh_setting_standard(const hh_setting *setting); // its default
// What the graph is made with: its defaults, changed by options->settings.
hh_graph_options hh_evaluate_graph_options(const hh_evaluate_options *options);

// ---- the result ----

#define HH_LIST 20 // length of a list
enum { HH_AT_5, HH_AT_10, HH_AT_20, HH_CUTOFFS };
extern const uint32_t hh_cutoffs[HH_CUTOFFS];

typedef struct hh_result {
    const char *model;
    uint64_t targets;
    double hr[HH_CUTOFFS], mrr[HH_CUTOFFS], ndcg[HH_CUTOFFS]; // means, 0..1
    double coverage;   // of the items clicked, the share that was in some list
    double popularity; // mean over listed items of clicks so far, relative to the item with the most
    double train_seconds, predict_seconds;
} hh_result;

// Runs the named models; report(context, ...) is called for each when it is through (those of the graph
// share one run), in the order of hh_evaluate_model. HH_NOT_FOUND: no such model, HH_ARGUMENT: an option or
// setting out of range; the message says which. HH_STOPPED: see hh_evaluate_options.progress.
hh_status hh_evaluate(const hh_log *log, const hh_evaluate_options *options, const char *const *models,
                      size_t count, void (*report)(void *context, const hh_result *result), void *context,
                      hh_error *error);

// ---- tuning (tuning.c) ----

typedef struct hh_tune_options {
    hh_evaluate_options
        evaluate;     // the protocol, and settings that stay as they are; begin, from, until, every: ignored
    double share;     // of the log that may be looked at, from its beginning: 0.5; of a log of sessions, all
                      // may: give one whose test is not the test, such as the last tenth of the training
    uint32_t targets; // asked for in a full trial; a short one asks for an eighth of them: 8000
    uint32_t rounds;  // through all settings, at most; it ends when a round has changed nothing
    double budget;    // seconds by evaluate.clock, after which no trial begins; 0: none
    // Called after every setting, may be NULL: how far, the best so far. false: stop here.
    bool (*progress)(void *context, uint32_t trials, const hh_result *best);
    void *context;
} hh_tune_options;

hh_tune_options hh_tune_defaults(void);

#define HH_TUNED 64
typedef struct hh_tuned {
    // [count] of the model, in the order of its table: all that were tried, at their best, and what the
    // caller has set.
    hh_setting_value settings[HH_TUNED];
    bool given[HH_TUNED]; // [count] set by the caller
    size_t count;
    hh_result before, after; // on the same targets of the log's first share: a promise, no result
    uint32_t trials;
} hh_tuned;

// Looks for better settings of a model (for the mixture those of the graph), one setting after another along
// its grid, on the first share of the log alone: short trials choose what a full trial then compares with
// what is best so far. Its aim is the geometric mean of HR@20 and MRR@20. Without a budget the result is a
// function of the log and the options.
hh_status hh_tune(const hh_log *log, const hh_tune_options *options, const char *model, hh_tuned *tuned,
                  hh_error *error);

#endif
