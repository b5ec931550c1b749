// The graph keeper: one thread that reads all partitions of the clicks, and the items, and is the graph's
// only writer. It begins graph.max_clicks before the end of the log; once it has caught up with the ends that
// it saw at its start, the graph is loaded. It also teaches mixture and ranker (lessons.h).
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "shared.h"
#include <hiphop/status.h>

typedef struct hh_keeper hh_keeper;

hh_keeper *hh_keeper_new(hh_shared *shared, hh_error *error);
hh_status hh_keeper_start(hh_keeper *keeper, hh_error *error);
void hh_keeper_join(hh_keeper *keeper);
void hh_keeper_free(hh_keeper *keeper); // after its thread has ended; may be NULL

bool hh_keeper_loaded(hh_keeper *keeper);
hh_pulse *hh_keeper_pulse(hh_keeper *keeper);

#endif
