// Records into Kafka, as fast as they come, each of them accounted for: acknowledged by the brokers, or
// failed. What replay and simulate send with. Idempotent (no record twice, the order kept), compressed, and
// partitioned by the key as Java clients do.
#ifndef CLI_SENDER_H
#define CLI_SENDER_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stddef.h>
#include <stdint.h>

struct sender;

// properties: "key=value" of the user for librdkafka, [count].
hh_status sender_new(const char *brokers, const char *const *properties, size_t count, struct sender **made,
                     hh_error *error);
void sender_free(struct sender *sender);

// A topic to send to, created where it is missing (partitions <= 0: as the broker likes; cleanup: "delete" or
// "compact"); *topic is its number in sender_put. At most SENDER_TOPICS.
#define SENDER_TOPICS 4
hh_status sender_topic(struct sender *sender, const char *name, int partitions, const char *cleanup,
                       int *topic, hh_error *error);

// How long the brokers keep the topic's records after their timestamps, in ms; -1: for ever, or it can't be
// asked.
int64_t sender_retention(struct sender *sender, const char *name);

// The record is copied. value NULL: a tombstone. Waits while the queue is full. HH_IO as soon as any record
// so far has failed, HH_LIMIT when it was interrupted while waiting; the record is then not sent.
hh_status sender_put(struct sender *sender, int topic, const void *key, size_t key_length, const void *value,
                     size_t value_length, hh_time time, hh_error *error);

// Serves what the brokers have answered, for at most so long. HH_IO as soon as any record has failed.
hh_status sender_serve(struct sender *sender, int milliseconds, hh_error *error);

// Waits until every record is acknowledged or failed. HH_IO with how many were not acknowledged, and why.
hh_status sender_finish(struct sender *sender, int timeout_ms, hh_error *error);

typedef struct sender_counts {
    uint64_t sent, acknowledged, failed; // sent >= acknowledged + failed
} sender_counts;
sender_counts sender_count(const struct sender *sender);

#endif
