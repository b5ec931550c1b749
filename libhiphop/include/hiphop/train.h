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
#include <math.h>

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

// X(KIND, field, "name", default, low, high, "what it is for"): see <hiphop/option.h>.
#define HH_TRAIN_OPTIONS(X)                                                                               \
    X(WHOLE, seed, "seed", 1, 0, 0x1p53, "decides all that is drawn")                                     \
    X(COUNT, threads, "threads", 1, 1, 256, "that train; the result depends on their number")             \
    X(COUNT, epochs, "epochs", 0, 0, 10000,                                                               \
      "over which the rate falls to 0; 0: 6, or more, up to 24, where 6 are less than 2,000 steps")       \
    X(COUNT, patience, "patience", 2, 1, 10000,                                                           \
      "epochs without a better MRR@20 on the sessions held out, after which it stops")                    \
    X(SHARE, held_out, "held-out", 0.1, 0, 0.9,                                                           \
      "share of the sessions, the latest, that chooses the epoch; 0: the last epoch counts")              \
    X(SWITCH, refit, "refit", true, 0, 1,                                                                 \
      "then train anew on all sessions, for as many epochs as were best")                                 \
    X(COUNT, batch, "batch", 512, 1, 1000000, "prefixes of a batch, about: a batch holds whole sessions") \
    X(COUNT, negatives, "negatives", 4096, 0, 1000000000,                                                 \
      "items that each prefix is held against, drawn anew for each batch; 0: all items")                  \
    X(COUNT, longest, "longest", 100, 2, 10000, "sessions are cut to their last so many clicks")          \
    X(REAL, rate, "rate", 4e-3, 1e-9, 1, "of Adam, after the warm-up")                                    \
    X(COUNT, warm_up, "warm-up", 50, 0, 1000000000, "steps over which it rises from 0")                   \
    X(REAL, decay, "decay", 0, 0, 1, "of the weights")                                                    \
    X(REAL, focus, "focus", 0, 0, 10, "gamma of the focal loss; 0: cross-entropy")                        \
    X(REAL, margin, "margin", 0, 0, 1, "of the target's angle, in radians")                               \
    X(REAL, hard, "hard", 1, 0.1, 1,                                                                      \
      "the cosine of items nearer than the target is times this at first, growing to 1 at the end")       \
    X(REAL, contrast, "contrast", 0.3, 0, 10, "weight of the contrastive loss")                           \
    X(REAL, temperature, "temperature", 0.5, 0.1, 10, "in it, times 0.99 an epoch, 0.1 at least")         \
    X(COUNT, others, "others", 64, 0, 100000, "sessions that each is held against in it")

typedef struct hh_train_options {
    hh_network_options network;
    HH_TRAIN_OPTIONS(HH_OPTION_FIELD)
    const hh_source *sources; // [source_count] of the data's items; they outlive the network
    uint32_t source_count;
    // May be NULL. Called a few times a second at most where there is a clock; false: stop here, with HH_OK
    // and the network as it is.
    bool (*progress)(void *context, const hh_train_progress *progress);
    // May be NULL. Called at the end of each epoch, and when progress() has said stop, with all that is
    // needed to go on; the bytes are valid during the call. false: stop here, as progress() can.
    bool (*checkpoint)(void *context, const void *bytes, size_t size);
    void *context;
    // May be NULL. Called once where sessions are held out: when the epoch is chosen, and before the network
    // is trained anew on all sessions. `network` is that of the best epoch, the callee's to free from now on;
    // the sessions from `held` on it has not learned from, so here is learned how far it can be trusted
    // (hiphop/fitted.h). What comes of it goes to fitted[fitted_count], which are the caller's: they are part
    // of the checkpoints from then on, and a training that goes on from one finds them there again.
    // HH_STOPPED: stop here, as progress() can; any other failure is that of the training.
    hh_status (*fit)(void *context, hh_network *network, uint32_t held, hh_error *error);
    float *fitted;
    size_t fitted_count;
    double (*clock)(void); // seconds; NULL: no times
    // Bytes that checkpoint() was given by a training on the same sessions with the same options: it is gone
    // on with, and gives the network that it would have given without a break, bit for bit. NULL: from the
    // start.
    const void *resume;
    size_t resume_size;
    // A network that is trained further, in a copy, instead of random weights: with its own options, not with
    // `network`, and with Adam's moments where hh_train has left it some; with the projectors that it has for
    // `sources`. NULL: none. Not together with resume or a second run (refit).
    const hh_network *start;
    const uint32_t *start_row; // [items] each item's row in it; UINT32_MAX: a new one. NULL: the same items
} hh_train_options;

hh_train_options hh_train_defaults(void);
const hh_option *hh_train_option_table(void); // ended by a row without a name; network has its own

// X(KIND, field, "name", before anything is known, low, high, "what it is")
#define HH_TRAIN_RECORD(X)                                                                                   \
    X(WHOLE, sessions, "sessions", 0, 0, 0x1p53, "trained on in an epoch of the last run")                   \
    X(WHOLE, prefixes, "prefixes", 0, 0, 0x1p53, "the lists of these sessions")                              \
    X(COUNT, epochs, "epochs", 0, 0, UINT32_MAX, "that the network has been trained")                        \
    X(WHOLE, steps, "steps", 0, 0, 0x1p53, "of Adam")                                                        \
    X(SHARE, loss, "loss", 0, -INFINITY, INFINITY, "mean of that epoch")                                     \
    X(SHARE, hr, "hr@20", NAN, 0, 1, "on the sessions held out, at the best epoch; none were: not a number") \
    X(SHARE, mrr, "mrr@20", NAN, 0, 1, "the same")                                                           \
    X(SHARE, seconds, "seconds", 0, 0, INFINITY, "all in all")                                               \
    X(SHARE, epoch_seconds, "epoch-seconds", 0, 0, INFINITY, "the latest epoch")                             \
    X(SWITCH, stopped, "stopped", false, 0, 1, "by progress()")                                              \
    X(WHOLE, parameter_bytes, "parameter-bytes", 0, 0, 0x1p53, "of all that is learned")                     \
    X(WHOLE, adam_bytes, "adam-bytes", 0, 0, 0x1p53, "of Adam's moments, while it trained")                  \
    X(WHOLE, workspace_bytes, "workspace-bytes", 0, 0, 0x1p53, "of its largest batch, there and back")

typedef struct hh_train_record {
    HH_TRAIN_RECORD(HH_OPTION_FIELD)
} hh_train_record;

hh_train_record hh_train_record_new(void);
const hh_option *hh_train_record_table(void); // ended by a row without a name

// The options of a checkpoint: HH_FORMAT, HH_MEMORY.
hh_status hh_train_checkpoint_options(const void *bytes, size_t size, hh_train_options *options,
                                      hh_error *error);

// NULL on failure: HH_ARGUMENT, HH_MEMORY; HH_FORMAT: options->resume is no checkpoint, or a damaged one.
hh_network *hh_train(const hh_train_data *data, const hh_train_options *options, hh_train_record *record,
                     hh_error *error);

#endif
