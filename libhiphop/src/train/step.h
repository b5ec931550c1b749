// One step of training: a batch of whole sessions, shared out among threads, there and back, and Adam.
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "model/network.h"
#include "train/crew.h"

#include <hiphop/train.h>

typedef struct hh_stepper hh_stepper;

// The network is learned in place and outlives the stepper; the moments that it may have are gone on with.
// NULL: out of memory or threads.
hh_stepper *hh_stepper_new(hh_network *network, uint32_t threads, uint32_t negatives, uint64_t seed);
void hh_stepper_free(hh_stepper *stepper);
// The order of the items from which negatives are drawn, [items]: with the network, its moments and the
// number of the next step, all there is to know of a training.
uint32_t *hh_stepper_drawn(hh_stepper *stepper);
// Where the sessions' neighbours are, of a network that heeds them: see hh_batch_options. All outlive the
// stepper.
void hh_stepper_set_neighbours(hh_stepper *stepper, const hh_neighbour_index *index,
                               const hh_neighbour_list *list, const uint32_t *clicks);
// Holds prefixes against seen items alone, [items]: what is never a target would only learn to be none.
void hh_stepper_set_seen(hh_stepper *stepper, const uint8_t *seen);
void hh_stepper_set_objective(hh_stepper *stepper, const hh_objective *objective); // else cross-entropy
// adam->step counts from 1 and, with the seed, says what is drawn. *loss: mean of the batch. false: out of
// memory, and nothing was learned.
bool hh_stepper_step(hh_stepper *stepper, const hh_session_view *sessions, size_t count, const hh_adam *adam,
                     double *loss);

// Bytes of the largest batch so far, there and back, and of the gradients: what steps need beside the
// network.
size_t hh_stepper_workspace(const hh_stepper *stepper);

#endif
