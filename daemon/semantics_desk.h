// What the instance does that makes the vectors, while it has the office: reads both topics, knows what there
// is, keeps the queue and writes what the provider has made. One thread.
#ifndef DAEMON_SEMANTICS_DESK_H
#define DAEMON_SEMANTICS_DESK_H

#include "shared.h"
#include <hiphop/status.h>

typedef struct hh_semantics_desk hh_semantics_desk;

hh_semantics_desk *hh_semantics_desk_new(hh_shared *shared, hh_pulse *pulse, hh_error *error);
void hh_semantics_desk_free(hh_semantics_desk *desk); // may be NULL

// Once round; waits for some milliseconds where there is nothing to do. Trouble with brokers or provider is
// counted and said and passes; what comes back is HH_OK or HH_MEMORY.
hh_status hh_semantics_desk_turn(hh_semantics_desk *desk);
// Waits for what is paid for and under way, and for it to be written, until `by` (steady clock) at most.
void hh_semantics_desk_finish(hh_semantics_desk *desk, hh_time by);

#endif
