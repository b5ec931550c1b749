// Training the network on sessions (docs/model.md).
//
//   hh_train_options options = hh_train_defaults();
//   hh_network *network = hh_train(&sessions, &options, &record, &error);
//
// The same sessions, options, seed and number of threads give the same network, bit for bit, on machines of
// one kind.
#ifndef HIPHOP_TRAIN_H
#define HIPHOP_TRAIN_H

#include <hiphop/model.h>

typedef struct hh_train_data { // the caller's, for as long as it trains
    uint32_t sessions, items;
    const uint32_t *item;  // [first[sessions]] all sessions in time order, one after another; each is < items
    const uint32_t *first; // [sessions + 1] session s has the clicks first[s] .. first[s + 1] - 1
} hh_train_data;

typedef struct hh_train_progress {
    uint32_t epoch, epochs; // under way, from 1; of this run at most
    bool refit;             // on all sessions, after the epoch was chosen
    double done;            // 0 .. 1 of the epoch
    double loss;            // mean of the epoch so far
    double seconds_left;    // of all that is to come, by options.clock; 0: not known
    double hr, mrr;         // @20 on the sessions held out, after the latest epoch; NAN before
} hh_train_progress;

typedef struct hh_train_options {
    hh_network_options network;
    uint64_t seed;
    uint32_t threads;
    uint32_t epochs;    // over which the rate falls to 0
    uint32_t patience;  // epochs without a better MRR@20 on the sessions held out, after which it stops
    double held_out;    // share of the sessions, the latest; 0: nothing is held out, the last epoch counts
    bool refit;         // then train anew on all sessions, for as many epochs as were best
    uint32_t batch;     // prefixes of a batch, about: a batch holds whole sessions
    uint32_t negatives; // items that each prefix is held against, drawn anew for each batch; 0: all items
    uint32_t longest;   // sessions are cut to their last so many clicks
    float rate;         // of Adam, after the warm-up
    uint32_t warm_up;   // steps over which it rises from 0
    float decay;        // of the weights
    // May be NULL. Called a few times a second at most where there is a clock; false: stop here, with HH_OK
    // and the network as it is.
    bool (*progress)(void *context, const hh_train_progress *progress);
    void *context;
    double (*clock)(void); // seconds; NULL: no times
} hh_train_options;

hh_train_options hh_train_defaults(void);

typedef struct hh_train_record {
    size_t sessions, prefixes; // trained on in an epoch of the last run
    uint32_t epochs;           // that the network has been trained
    uint64_t steps;
    double loss;                   // mean of the last epoch
    double hr, mrr;                // @20 on the sessions held out, at the best epoch; NAN where none were
    double seconds, epoch_seconds; // all in all; the median epoch
    bool stopped;                  // by progress()
} hh_train_record;

// NULL on failure: HH_ARGUMENT, HH_MEMORY.
hh_network *hh_train(const hh_train_data *data, const hh_train_options *options, hh_train_record *record,
                     hh_error *error);

#endif
