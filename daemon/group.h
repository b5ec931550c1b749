// A worker's membership in the consumer group: which partitions are its own, and bringing each to where Kafka
// says it stands. Rebalances are taken note of in librdkafka's callback and dealt with between two batches,
// so that no message is ever held of a partition that has meanwhile gone and come back.
#ifndef DAEMON_GROUP_H
#define DAEMON_GROUP_H

#include "worker.h"

// Makes the consumer; joins the group at the first hh_group_serve().
hh_status hh_group_open(hh_worker *worker, hh_error *error);
// Leaves politely, but not longer than there is time.
void hh_group_leave(hh_worker *worker);
// Ends the consumer and drops all partitions.
void hh_group_close(hh_worker *worker);

// Deals with partitions that came and went, and restores those that need it. HH_OUTBOX_DONE: go on.
hh_outbox_result hh_group_serve(hh_worker *worker);

// The partition of that number, or NULL where it isn't ours.
hh_partition *hh_group_partition(const hh_worker *worker, int32_t number);

// Everything since the last commit is to be done again: all partitions go back to what is committed.
void hh_group_rewind(hh_worker *worker);
// The log no longer has what this partition was to read next.
void hh_group_out_of_range(hh_worker *worker, hh_partition *partition);
// An error that came instead of a message.
void hh_group_trouble(hh_worker *worker, rd_kafka_resp_err_t code, const char *text);

#endif
