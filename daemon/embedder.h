// The embedder: one thread that makes vectors of the texts of items. Of a group's instances only the elected
// one does (election.h); the others wait for the office. It reads topics.item_vectors, to know what there is;
// then topics.items, from its beginning each time it is elected: whatever has no vector of its text yet gets
// one from the provider. So nothing has to be committed, and whatever is lost is made again
// (docs/decisions/0007-one-maker-of-vectors.md). Neither keeper nor workers wait for it.
#ifndef DAEMON_EMBEDDER_H
#define DAEMON_EMBEDDER_H

#include "shared.h"
#include <hiphop/status.h>

typedef struct hh_embedder hh_embedder;

// By the settings: hh_vectors_made() holds.
hh_embedder *hh_embedder_new(hh_shared *shared, hh_error *error);
hh_status hh_embedder_start(hh_embedder *embedder, hh_error *error);
void hh_embedder_join(hh_embedder *embedder);
void hh_embedder_free(hh_embedder *embedder); // after its thread has ended; may be NULL

hh_pulse *hh_embedder_pulse(hh_embedder *embedder);

// What the settings say of items, tried out: the template, and the fields in items.schema. For --check, too.
hh_status hh_embedder_try(const hh_config *config, hh_error *error);

#endif
