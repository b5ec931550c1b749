// The ranker: the last step from votes to a list (docs/ranker.md). A small network scores the candidates that
// the mixture thinks best, by what every expert says of each of them and by what there is to say of the
// query, and is trained listwise: cross-entropy of the clicked item over the list.
//
//   hh_shortlist_make        votes and the mixture's scores -> the candidates with their inputs
//   hh_ranker_scores         shortlist, ranker -> a score for every candidate
//   hh_ranker_trainer_learn  shortlist, the item that was clicked -> test, then learn
//   hh_ranker_trainer_publish -> a ranker that never changes again
//
// Untrained it orders exactly as the mixture does. A ranker is constant: many threads may use one, and
// whoever publishes a new one hands the pointer over as he likes. One thread at a time for each trainer and
// shortlist.
#ifndef HIPHOP_RANKER_H
#define HIPHOP_RANKER_H

#include <hiphop/graph.h>

typedef struct hh_ranker_options {
    uint32_t candidates; // that are ranked, the mixture's best; 20 .. 1024: 112
    uint32_t extra;      // further inputs about the query, such as the network's intent vector; <= 1024: 0
    // What is in the session already is never listed: it is not ranked, nor learned from.
    bool hide_session_items;
    // the trainer's
    uint32_t batch;         // examples in a step: 32
    uint32_t memory;        // latest examples that it keeps, some 2 kB each: 16384
    uint32_t replays;       // of them, how many are learned from again with each new one: 3
    float rate, rate_least; // Adam's, at first and when it has learned much: 0.002, 0.0003
    uint64_t seed;
} hh_ranker_options;

hh_ranker_options hh_ranker_defaults(void);

// ---- the candidates of one query ----

typedef struct hh_shortlist hh_shortlist;

// HH_ARGUMENT: an option out of range.
hh_shortlist *hh_shortlist_new(const hh_ranker_options *options, hh_error *error);
void hh_shortlist_free(hh_shortlist *shortlist); // may be NULL
// Replaces what it holds; nothing of the arguments is referred to afterwards. votes: of `query`.
// mixture[votes->count]: hh_mixture_scores. extra[options.extra]: NULL where there is none.
void hh_shortlist_make(hh_shortlist *shortlist, const hh_query *query, const hh_votes *votes,
                       const float *mixture, const float *extra);

// ---- the network ----

typedef struct hh_ranker hh_ranker;

// Untrained. To be filled by hh_ranker_tensors, or used as it is.
hh_ranker *hh_ranker_new(const hh_ranker_options *options, hh_error *error);
void hh_ranker_free(hh_ranker *ranker); // may be NULL
// scores[count] for the `count` votes and the mixture that the shortlist was made of: those on the shortlist
// share their part of the mixture anew, those that are not follow behind them in the mixture's order. All
// are > 0 where the mixture's are. Where the ranker is untrained or switched off: the mixture's scores.
void hh_ranker_scores(const hh_ranker *ranker, const hh_shortlist *shortlist, const float *mixture,
                      size_t count, float *scores);
// Whether it makes the lists: it is trained, and was no worse than the mixture when it was published.
bool hh_ranker_active(const hh_ranker *ranker);
// The time of the latest click it has learned from, HH_TIME_MIN for none: a list as of a later time may use
// it.
hh_time hh_ranker_learned(const hh_ranker *ranker);

// Everything that a ranker is, for a file; a loaded one has these values in a ranker made with the same
// options. The number of experts is in the shapes.
typedef struct hh_ranker_tensor {
    const char *name; // static
    size_t rows, cols;
    float *value; // [rows x cols], the ranker's; to be changed before anybody else knows the ranker
} hh_ranker_tensor;
#define HH_RANKER_TENSORS 6
void hh_ranker_tensors(hh_ranker *ranker, hh_ranker_tensor tensors[HH_RANKER_TENSORS]);

// ---- the trainer ----

typedef struct hh_ranker_trainer hh_ranker_trainer;

hh_ranker_trainer *hh_ranker_trainer_new(const hh_ranker_options *options, hh_error *error);
void hh_ranker_trainer_free(hh_ranker_trainer *trainer); // may be NULL
// `clicked` is what the list of this shortlist should have foreseen, clicked at `time`. It is compared first
// (see active), then learned: now, in steps of options.batch.
void hh_ranker_trainer_learn(hh_ranker_trainer *trainer, const hh_shortlist *shortlist, hh_item clicked,
                             hh_time time);
// The other way, for a log that is at hand: keeps the example for hh_ranker_trainer_fit, and learns nothing
// yet. Beyond options.memory the oldest go.
void hh_ranker_trainer_add(hh_ranker_trainer *trainer, const hh_shortlist *shortlist, hh_item clicked,
                           hh_time time);
// Goes through the kept examples `epochs` times in random order, the rate falling to 0. Returns the mean loss
// of the last epoch; the ranker is active afterwards until learn() has found it worse. go_on (may be NULL) is
// asked with each 64th example; false ends it there, with what has been learned and a loss of 0.
double hh_ranker_trainer_fit(hh_ranker_trainer *trainer, uint32_t epochs, bool (*go_on)(void *context),
                             void *context);
// Mean loss of what is on a list, in nats, of the kept examples.
double hh_ranker_trainer_loss(hh_ranker_trainer *trainer);

// Recent means over what was compared; what is not on a shortlist, neither has listed.
typedef struct hh_ranker_figures {
    double hr20, mrr20;
} hh_ranker_figures;

typedef struct hh_ranker_progress {
    uint64_t examples; // compared
    hh_ranker_figures ranker, mixture;
    double gain; // of ranker over mixture: HR@20 + MRR@20
    bool active;
} hh_ranker_progress;
void hh_ranker_trainer_progress(const hh_ranker_trainer *trainer, hh_ranker_progress *progress);

// What has been learned, as a ranker of its own; NULL when out of memory.
hh_ranker *hh_ranker_trainer_publish(const hh_ranker_trainer *trainer);

#endif
