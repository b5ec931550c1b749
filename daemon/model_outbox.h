// The trainer's producer, of models and of item vectors: a model is on its topic whole or not at all. All
// trainers of a group share one transactional id, so that the next one fences off whoever still thinks that
// it trains.
#ifndef DAEMON_MODEL_OUTBOX_H
#define DAEMON_MODEL_OUTBOX_H

#include "model_keeper.h"
#include <hiphop/text.h>

typedef struct hh_model_outbox hh_model_outbox;

hh_model_outbox *hh_model_outbox_new(hh_shared *shared, hh_pulse *pulse); // NULL when out of memory
void hh_model_outbox_free(hh_model_outbox *outbox);                       // may be NULL
bool hh_model_outbox_is_open(const hh_model_outbox *outbox);
void hh_model_outbox_close(hh_model_outbox *outbox); // what is not committed never was

// Connects, and fences off those before. HH_OK; HH_IO: not now, and it has been said.
hh_status hh_model_outbox_open(hh_model_outbox *outbox);
// The model's bytes in chunks, its manifest, and then tombstones of what goes, in one transaction. HH_OK: it
// is there. HH_IO: it is not, and has been said; closed where another has fenced this one off.
hh_status hh_model_outbox_publish(hh_model_outbox *outbox, const hh_manifest *manifest, const void *bytes,
                                  const hh_retained *gone, size_t gone_count);

// What is not a model, record by record in transactions of its own. HH_OK; else HH_IO, it has been said, and
// the outbox is closed: nothing of the transaction is there.
hh_status hh_model_outbox_begin(hh_model_outbox *outbox);
// value NULL: a tombstone. Into partition 0.
hh_status hh_model_outbox_put(hh_model_outbox *outbox, const char *topic, hh_text key, const void *value,
                              size_t size);
hh_status hh_model_outbox_commit(hh_model_outbox *outbox);
// The offset behind the last record of the topic's partition 0; -1: closed, or no broker has answered.
int64_t hh_model_outbox_end(hh_model_outbox *outbox, const char *topic);

#endif
