// From what happens to sessions to records in the outbox: lists, closed sessions, dead letters.
#ifndef DAEMON_PUBLISH_H
#define DAEMON_PUBLISH_H

#include "metrics.h"
#include "outbox.h"
#include "partition.h"
#include <hiphop/intern.h>
#include <librdkafka/rdkafka.h>

typedef struct hh_publisher hh_publisher;

hh_publisher *hh_publisher_new(hh_shared *shared, hh_outbox *outbox, const hh_intern *items, hh_error *error);
void hh_publisher_free(hh_publisher *publisher);

// Answers clicks[position] of the session, which has just come in, with a list, out of the session up to it:
// a click out of order gets the list that it would have got in time. partition->record_time is the Kafka
// timestamp of its record, partition->next the offset behind it.
hh_status hh_publish_list(hh_publisher *publisher, hh_partition *partition, const hh_session *session,
                          uint32_t position, hh_time now);
// A closed session; frees its attachment.
hh_status hh_publish_session(hh_publisher *publisher, const hh_partition *partition,
                             const hh_session *session, hh_close_reason reason);
// How good the lists were, where a report is due; *put: of how many records.
hh_status hh_publish_quality(hh_publisher *publisher, size_t *put);
// A record that could not be used.
void hh_publish_dead_letter(hh_publisher *publisher, const rd_kafka_message_t *message, hh_dead_letter reason,
                            const char *sentence);

// After a commit: what was published is visible now. Adds to the metrics what was done since the last call.
void hh_publisher_committed(hh_publisher *publisher, hh_time now);
// What was published since the last commit never happened.
void hh_publisher_dropped(hh_publisher *publisher);

#endif
