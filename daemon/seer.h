// One thread's view of the model in service: follows it, and says what it foresees of a query.
#ifndef DAEMON_SEER_H
#define DAEMON_SEER_H

#include "shared.h"

typedef struct hh_seer hh_seer;

// reader: of shared->graph, outlives it. NULL: out of memory.
hh_seer *hh_seer_new(hh_shared *shared, hh_reader *reader);
void hh_seer_free(hh_seer *seer); // may be NULL

// What the model in service foresees, valid until the next call; *version is the model's. NULL, and 0, where
// there is none, where it knows none of the items, where it is later than the query's time, and where it was
// taken out. Hold the reader from before the query's items were looked up.
const hh_foresight *hh_seer_read(hh_seer *seer, const hh_query *query, int64_t *version);

#endif
