// Where a training stands, as bytes in the container of docs/model-format.md (kind `training`): the network,
// Adam's moments, the best network so far, and how far it has come. Going on from them gives what would have
// come of it without a break, bit for bit: all that is drawn is a function of the seed and the step, but for
// the order in which the negatives stand, which is kept too.
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "train/step.h"

#define HH_COURSE_STATE(X)                                                                          \
    X(SWITCH, refit, "refit", false, 0, 1, "the second run, on all sessions")                       \
    X(COUNT, epoch, "epoch", 1, 1, UINT32_MAX, "under way")                                         \
    X(COUNT, epochs, "epochs", 0, 0, UINT32_MAX, "of this run, at most")                            \
    X(WHOLE, next, "next", 0, 0, UINT32_MAX, "sessions of the epoch that are behind, in its order") \
    X(WHOLE, seen, "seen", 0, 0, 0x1p53, "their prefixes")                                          \
    X(SHARE, loss, "loss", 0, -INFINITY, INFINITY, "their sum")                                     \
    X(WHOLE, steps, "steps", 0, 0, 0x1p53, "of Adam in this run")                                   \
    X(COUNT, best, "best", 0, 0, UINT32_MAX, "epoch whose network is kept; 0: none is")             \
    X(SHARE, seconds, "seconds", 0, 0, INFINITY, "spent so far")

typedef struct hh_course_state {
    HH_COURSE_STATE(HH_OPTION_FIELD)
} hh_course_state;

hh_course_state hh_course_state_new(void);

// What a checkpoint is of. All pointers are the caller's, kept may be NULL.
typedef struct hh_checkpoint {
    const hh_train_data *data;
    const hh_train_options *options;
    hh_train_record *record;
    hh_course_state *state;
    hh_network *network; // with moments
    hh_network *kept;
    uint32_t *drawn; // [items] of the stepper
} hh_checkpoint;

hh_status hh_checkpoint_encode(const hh_checkpoint *checkpoint, void **bytes, size_t *size, hh_error *error);
// First state and record alone, of a checkpoint that must be of this data and these options: HH_FORMAT,
// HH_ARGUMENT (it is of others; the message says which), HH_MEMORY.
hh_status hh_checkpoint_state(const hh_checkpoint *checkpoint, const void *bytes, size_t size,
                              hh_error *error);
// Then weights, moments and what is drawn, into a network, a kept one (where state->best is not 0) and a
// stepper that have been made, and what is fitted to options->fitted.
hh_status hh_checkpoint_weights(const hh_checkpoint *checkpoint, const void *bytes, size_t size,
                                hh_error *error);

#endif
