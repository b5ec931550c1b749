// The model keeper: one thread that reads the topic of models and puts each that is whole into service. A
// damaged or foreign one is refused and reported; the one in service stays.
#ifndef DAEMON_MODEL_KEEPER_H
#define DAEMON_MODEL_KEEPER_H

#include "shared.h"
#include "wire/model_records.h"

typedef struct hh_model_keeper hh_model_keeper;

hh_model_keeper *hh_model_keeper_new(hh_shared *shared, hh_error *error);
hh_status hh_model_keeper_start(hh_model_keeper *keeper, hh_error *error);
void hh_model_keeper_join(hh_model_keeper *keeper);
void hh_model_keeper_free(hh_model_keeper *keeper); // after its thread has ended; may be NULL
hh_pulse *hh_model_keeper_pulse(hh_model_keeper *keeper);

// ---- what there is on the topic; any thread ----

// A model of which something is on the topic: what a manifest said.
typedef struct hh_retained {
    int64_t version;
    uint32_t chunks; // 0: it was rejected
} hh_retained;

#define HH_RETAINED_MAX 256 // the newest

typedef struct hh_on_topic {
    int64_t next;           // offset behind the newest record that was read; -1: nobody has answered yet
    int64_t newest_version; // of any model, 0: there was none
    hh_time trained;        // wall clock: when the newest of any fate was; 0
    hh_time as_of;          // event time up to which that one knew clicks
    size_t count;
    hh_retained retained[HH_RETAINED_MAX]; // in the order in which they came
} hh_on_topic;

void hh_model_keeper_look(hh_model_keeper *keeper, hh_on_topic *on_topic);

#endif
