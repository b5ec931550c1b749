// The topics that vectors are made from and written to, as the one instance that makes them sees them: all
// partitions of topics.item_vectors and topics.items, from their beginnings, without a group; a record of
// item_vectors by its place; and a producer. One thread.
#ifndef DAEMON_SEMANTICS_LOG_H
#define DAEMON_SEMANTICS_LOG_H

#include "shared.h"
#include "vector_index.h"
#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>

typedef enum hh_semantics_topic { HH_SEMANTICS_VECTORS, HH_SEMANTICS_ITEMS } hh_semantics_topic;

typedef struct hh_semantics_log hh_semantics_log;

// unwritten: a record could not be written after all; its key.
hh_semantics_log *hh_semantics_log_new(hh_shared *shared, hh_pulse *pulse,
                                       void (*unwritten)(void *context, hh_text key), void *context,
                                       hh_error *error);
void hh_semantics_log_free(hh_semantics_log *log); // may be NULL; what is not acknowledged may be lost

// Begins to read the topic at the beginning, once more where it was being read; later, partitions that are
// new. False where no broker tells where it ends.
bool hh_semantics_log_begin(hh_semantics_log *log, hh_semantics_topic topic);
bool hh_semantics_log_look_up(hh_semantics_log *log, hh_semantics_topic topic);
// Whether all has been read up to the ends that were seen when its reading began.
bool hh_semantics_log_caught_up(const hh_semantics_log *log, hh_semantics_topic topic);
// Whether the record was there when the topic was first begun.
bool hh_semantics_log_old(const hh_semantics_log *log, hh_semantics_topic topic,
                          const rd_kafka_message_t *record);

// The next records, at most `room`, waiting for up to timeout_ms for the first. The caller destroys them.
size_t hh_semantics_log_take(hh_semantics_log *log, hh_semantics_topic topic, rd_kafka_message_t **records,
                             size_t room, int timeout_ms);
// The record of item_vectors at the place, which the caller destroys. HH_NOT_FOUND: it isn't there any more.
// HH_IO: it did not come within some milliseconds; try again.
hh_status hh_semantics_log_fetch(hh_semantics_log *log, hh_vector_place place, rd_kafka_message_t **record);

// Writes to item_vectors, value.bytes NULL for a tombstone; both are copied. False: there is no room now.
bool hh_semantics_log_put(hh_semantics_log *log, hh_text key, hh_text value);
// Serves callbacks; records that are not acknowledged yet.
int hh_semantics_log_serve(hh_semantics_log *log);

#endif
