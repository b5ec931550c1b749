// What mixture and ranker have learned beside a network, as a part of its model: how far the network can be
// trusted, next to the graph of the sessions that it was trained on (docs/model-format.md).
//
// A network must not teach that itself, by sessions that it has learned from: it knows their clicks. So it is
// taught while it is trained, by the sessions held out, when the epoch has been chosen and before all are
// learned from (hh_train_options.fit):
//
//   hh_fitted *fitted = hh_fitted_new(0, &error);
//   options.fitted = hh_fitted_values(fitted, &options.fitted_count);  // they go into checkpoints
//   options.fit = ...                                                  // calls hh_fit
//   network = hh_train(...);
//   model = hh_model_new(network, ...);
//   hh_fitted_attach(fitted, model, &error);
//
// Who has the model gets it back by hh_fitted_read; <hiphop/lister.h> makes lists by it.
#ifndef HIPHOP_FITTED_H
#define HIPHOP_FITTED_H

#include <hiphop/model_file.h>
#include <hiphop/recommend.h>

typedef struct hh_fitted hh_fitted;

// Whose list it is.
typedef enum hh_list_by {
    HH_LIST_BY_NETWORK, // the network alone
    HH_LIST_BY_MIXTURE, // of graph and network
    HH_LIST_BY_RANKER,  // over the mixture; the mixture's where the ranker is no better
    HH_LIST_KINDS
} hh_list_by;
const char *hh_list_name(hh_list_by by); // "network", "mixture", "hiphop"

// As it begins: all experts equal, the ranker untrained. extra: see hh_ranker_options. HH_ARGUMENT,
// HH_MEMORY.
hh_fitted *hh_fitted_new(uint32_t extra, hh_error *error);
void hh_fitted_free(hh_fitted *fitted); // may be NULL

// All its numbers, *count of them, its own; those of one hh_fitted may be copied into another that was made
// alike.
float *hh_fitted_values(hh_fitted *fitted, size_t *count);

// ---- learning ----

typedef struct hh_fit_options {
    uint32_t lessons; // at most, evenly spread over the clicks: 200,000
    // May be NULL; called now and then with the share that is done, 1 while the ranker goes through it again.
    // false: stop, HH_STOPPED.
    bool (*progress)(void *context, double done);
    void *context;
} hh_fit_options;
hh_fit_options hh_fit_defaults(void);

// Test, then learn: each click of the sessions from `first` on is asked for by what the session holds before
// it, with the sessions of the model and those before its own as the graph, and then learned from. The
// model's network must not have learned from any of them; the model's sessions are those before them. A
// lesson is not more than a click, so a training of a few sessions teaches little. HH_MEMORY, HH_ARGUMENT,
// HH_STOPPED; the values are as they were then.
hh_status hh_fit(hh_fitted *fitted, const hh_model *model, const hh_train_data *sessions, uint32_t first,
                 const hh_fit_options *options, hh_error *error);

// What the lists were worth before each was learned from: 0 lessons, nothing was.
typedef struct hh_fitted_record {
    uint64_t lessons;
    double hr20[HH_LIST_KINDS], mrr20[HH_LIST_KINDS]; // shares, 0 .. 1
    bool ranks; // the ranker was better than the mixture, and makes lists
} hh_fitted_record;
hh_fitted_record hh_fitted_record_of(const hh_fitted *fitted);
// The best list by HR@20 + MRR@20; the network's where nothing was learned.
hh_list_by hh_fitted_best(const hh_fitted *fitted);
// The mean of the mixture's weights over its latest thousand or so lessons, as hh_mixture_mean.
void hh_fitted_weights(const hh_fitted *fitted, double weights[HH_EXPERTS]);
const char *hh_expert_name(hh_expert expert); // "pop-short" ...

// ---- in a model ----

// As arrays of the model, `mixture.*`, `fitted.*` and `ranker.*`. HH_FORMAT: the numbers are none that could
// have been learned. HH_MEMORY.
hh_status hh_fitted_attach(const hh_fitted *fitted, hh_model *model, hh_error *error);
// NULL: HH_NOT_FOUND, the model has none; HH_FORMAT, it has what this version can't use, or nobody could;
// HH_MEMORY.
hh_fitted *hh_fitted_read(const hh_model *model, hh_error *error);

#endif
