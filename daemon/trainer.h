// The trainer: one thread that, while this instance is the one that trains (election.h), every
// training.interval trains the model in service further on the newest window, lets the gate judge it on lists
// that it has not seen, and publishes it with its manifest. What the gate refuses is published as a manifest
// alone, for people to read. It works at low priority, and on training.threads threads.
#ifndef DAEMON_TRAINER_H
#define DAEMON_TRAINER_H

#include "model_keeper.h"

typedef struct hh_trainer hh_trainer;

// models: outlives it.
hh_trainer *hh_trainer_new(hh_shared *shared, hh_model_keeper *models, hh_error *error);
hh_status hh_trainer_start(hh_trainer *trainer, hh_error *error);
void hh_trainer_join(hh_trainer *trainer);
void hh_trainer_free(hh_trainer *trainer); // after its thread has ended; may be NULL
hh_pulse *hh_trainer_pulse(hh_trainer *trainer);

#endif
