// What a model recommends, made of the model alone: the graph of the sessions in it, its network, and what
// mixture and ranker have learned beside it.
//
//   hh_fitted *fitted = hh_fitted_read(model, &error);
//   hh_lister *lister = hh_lister_new(model, fitted, &options, &error);
//   hh_lister_list(lister, clicks, length, list, &count, &error);
//
// The sessions have no clock; the order in which they stand is the order of time, as in docs/evaluation.md,
// and a list is as of their end.
#ifndef HIPHOP_LISTER_H
#define HIPHOP_LISTER_H

#include <hiphop/fitted.h>

typedef struct hh_lister_options {
    uint32_t k;              // length of a list
    bool hide_session_items; // what is in the session already is not listed
    bool ranked;             // by the ranker, where it makes lists; else by the mixture
} hh_lister_options;
hh_lister_options hh_lister_defaults(void); // 20, shown, ranked

// One thread's.
typedef struct hh_lister hh_lister;
// Model and fitted outlive it. It takes some 100 bytes a click of the model's, and a vector of each item.
// HH_NOT_FOUND: the model holds no sessions. HH_ARGUMENT, HH_MEMORY.
hh_lister *hh_lister_new(const hh_model *model, const hh_fitted *fitted, const hh_lister_options *options,
                         hh_error *error);
void hh_lister_free(hh_lister *lister); // may be NULL

// The exact k best after a session of these clicks, best first, into list[k]; *count < k where fewer items
// are in the model's sessions, or described. Items, `like` too, are the model's. HH_ARGUMENT: there is no
// click, or one on an item that the model does not have; HH_MEMORY.
hh_status hh_lister_list(hh_lister *lister, const uint32_t *clicks, size_t length, hh_recommendation *list,
                         size_t *count, hh_error *error);

#endif
