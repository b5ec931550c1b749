// Item vectors for others to search in: whenever another model is in service, or an item is withdrawn or
// comes back, the instance that trains publishes what has changed of the items' vectors (docs/embeddings.md).
// What is there already it reads back from the topic, once in each term of office.
//
// One thread, the trainer's, while it is in office and its outbox is open.
#ifndef DAEMON_SNAPSHOTS_H
#define DAEMON_SNAPSHOTS_H

#include "model_outbox.h"

typedef struct hh_snapshots hh_snapshots;

// outbox: outlives it.
hh_snapshots *hh_snapshots_new(hh_shared *shared, hh_pulse *pulse, hh_model_outbox *outbox, hh_error *error);
void hh_snapshots_free(hh_snapshots *snapshots); // may be NULL
// Publishes what is due, if anything is. goes_on: asked several times a second; false: break off.
void hh_snapshots_serve(hh_snapshots *snapshots, bool (*goes_on)(void *context), void *context);
// Out of office: what is on the topic is known no longer.
void hh_snapshots_leave(hh_snapshots *snapshots);

#endif
