// What each part of the network is worth on sessions at hand: trials with a part on or off, or with other
// numbers of something, each run with several seeds, and held against the trial that lacks nothing but it
// (docs/what-earns-its-place.md).
//
//   hh_ablate(log, &options, take_run, &runs, &error)      each run as it ends
//   hh_ablate_summary(runs, count, trial, &summary)        mean and deviation over the seeds
//
// The protocol is that of hh_evaluate on a log of sessions: the network never sees the test, and chooses its
// epoch on the latest of the sessions that teach. The same log, options and seeds give the same figures.
#ifndef HIPHOP_ABLATE_H
#define HIPHOP_ABLATE_H

#include <hiphop/evaluate.h>

// X(GROUP, "name", "what its trials are")
#define HH_TRIAL_GROUPS(X)                                                               \
    X(ON, "on", "From the default: a part on, or off")                                   \
    X(OFF, "off", "From the paper's form, everything on: a part off, or one of ours on") \
    X(DATA, "data", "The clicks of each session in an order drawn by lot")               \
    X(SEMANTICS, "semantics", "What is known of items, for graph and network")           \
    X(INTENTS, "intents", "M, intents, in the paper's form")                             \
    X(NEIGHBOURS, "neighbours", "Neighbours of each kind, in the paper's form")          \
    X(SIMILAR, "similar", "K_s, most similar of them, in the paper's form")              \
    X(NEGATIVES, "negatives", "N_neg of InfoNCE, in the paper's form")                   \
    X(LAST, "last", "Last clicks that local goes by, in the paper's form")

typedef enum hh_trial_group {
#define HH_TRIAL_GROUP_ENUM(GROUP, name, text) HH_TRIALS_##GROUP,
    HH_TRIAL_GROUPS(HH_TRIAL_GROUP_ENUM)
#undef HH_TRIAL_GROUP_ENUM
        HH_TRIAL_GROUP_COUNT
} hh_trial_group;

const char *hh_trial_group_name(hh_trial_group group);
const char *hh_trial_group_text(hh_trial_group group);

#define HH_TRIAL_SETTINGS 16
typedef struct hh_trial {
    hh_trial_group group;
    const char *name;    // "paper - intents"
    const char *against; // the name of the trial that it is held against; NULL: others are held against it
    double number;       // of what is swept; NAN in the groups on, off and data
    bool shuffled;       // clicks inside sessions
    bool described;      // makes sense only where there are vectors of items
    bool lot;            // in the place of each of them another, drawn by lot
    hh_setting_value settings[HH_TRIAL_SETTINGS]; // [setting_count] on top of the caller's
    size_t setting_count;
} hh_trial;

// All trials, those of a group together; NULL behind the last. They are the same in each call.
const hh_trial *hh_ablate_trial(size_t index);

// The lists that each run is scored by.
typedef enum hh_ablate_list {
    HH_LIST_GRAPH,
    HH_LIST_NETWORK,
    HH_LIST_MIXTURE,
    HH_LIST_HIPHOP,
    HH_LISTS
} hh_ablate_list;
extern const char *const hh_ablate_lists[HH_LISTS]; // their names, as models of hh_evaluate

typedef struct hh_trial_run {
    const hh_trial *trial;
    uint64_t seed;
    hh_result result[HH_LISTS];
    double seconds; // by hh_ablate_options.cpu: training, and asking for all lists; of a run that was the
                    // same as an earlier one, what that took
} hh_trial_run;

typedef struct hh_ablate_options {
    hh_evaluate_options evaluate;      // settings: what all trials have in common
    bool wanted[HH_TRIAL_GROUP_COUNT]; // and the trials that those of these groups are held against
    uint32_t seeds;                    // from network.seed on
    double (*cpu)(void);               // seconds; NULL: not measured
    // May be NULL. The run number `run` of `runs` begins, from 0.
    void (*begin)(void *context, const hh_trial *trial, uint64_t seed, uint32_t run, uint32_t runs);
    void *context;
} hh_ablate_options;

hh_ablate_options hh_ablate_defaults(void); // all groups, 3 seeds, without training anew before the test
// How many runs there will be.
uint32_t hh_ablate_runs(const hh_ablate_options *options);

// Runs the trials, all with the first seed, then all with the next one, and reports each when it is through.
// Trials that don't differ are run once and reported each. HH_ARGUMENT: the log has no training sessions, or
// as hh_evaluate says; HH_STOPPED: evaluate.progress wished so; what was reported is good.
hh_status hh_ablate(const hh_log *log, const hh_ablate_options *options,
                    void (*report)(void *context, const hh_trial_run *run), void *context, hh_error *error);

typedef struct hh_spread {
    uint32_t count;
    double mean, deviation; // of the sample; 0 where there are not two
} hh_spread;

typedef struct hh_trial_summary {
    uint32_t runs;
    hh_spread hr[HH_LISTS], mrr[HH_LISTS]; // @20, 0..1
    hh_spread hr_more[HH_LISTS],
        mrr_more[HH_LISTS]; // than the trial it is held against had with the same seed
    hh_spread seconds;
} hh_trial_summary;

void hh_ablate_summary(const hh_trial_run *runs, size_t count, const hh_trial *trial,
                       hh_trial_summary *summary);

#endif
