// The model in service: published whole, never changed, swapped in one step. Readers neither lock nor wait;
// the old one lives until its last reader has let it go.
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <hiphop/foreseer.h>
#include <hiphop/model_file.h>
#include <hiphop/time.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct hh_served {
    hh_model *model;
    hh_vector_table *items;   // its items' vectors, for all readers
    int64_t version;          // 1 or more
    hh_time as_of;            // event time: only lists as of this time or a later one may use it
    atomic_bool out;          // taken out of the lists: it made them worse
    atomic_int_fast64_t refs; // who holds it
} hh_served;

typedef struct hh_service hh_service;

hh_service *hh_service_new(void);          // NULL when out of memory
void hh_service_free(hh_service *service); // after its readers; may be NULL

// From now on this is the model in service; it and its table are taken, also on failure: HH_MEMORY.
hh_status hh_service_put(hh_service *service, hh_model *model, hh_vector_table *items, int64_t version,
                         hh_time as_of);

// Whether there is another model in service than the reader's of this version (0: he has none); *next is held
// for him then, beside his own, until he releases it. Where another thread is at it just now, that is for the
// next call to see.
bool hh_service_follow(hh_service *service, int64_t version, hh_served **next);
// The model in service, held; NULL: there is none. For those who may wait for another thread that is at it.
hh_served *hh_service_hold(hh_service *service);
// The model of this version makes no lists from now on. False: another one is in service.
bool hh_service_take_out(hh_service *service, int64_t version);
void hh_served_release(hh_served **held); // may hold NULL

#endif
