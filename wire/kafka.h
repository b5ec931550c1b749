// librdkafka, set up the one way hiphop uses it: properties passed through, refused where they would break a
// promise, topics made where they are missing, dead letters in the Kafka Connect header convention.
#ifndef WIRE_KAFKA_H
#define WIRE_KAFKA_H

#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>

// What a client is for: decides the defaults and which user properties are refused.
typedef enum hh_kafka_role {
    HH_KAFKA_WORKER,   // consumer in the group, offsets committed by its producer's transactions
    HH_KAFKA_READER,   // consumer without a group: graph keeper, items, watch
    HH_KAFKA_PRODUCER, // transactional or idempotent producer of outputs, partitioned as Java clients do
                       // (murmur2)
    HH_KAFKA_ADMIN,
} hh_kafka_role;

// A configuration for the role with the user's "key=value" properties applied. The caller owns it until
// rd_kafka_new succeeds. HH_ARGUMENT, with the reason, for a property that is unknown, malformed or refused.
rd_kafka_conf_t *hh_kafka_conf(hh_kafka_role role, const char *brokers, const char *const *properties,
                               size_t count, hh_error *error);

// A topic as it must be.
typedef struct hh_kafka_topic {
    const char *name;
    int partitions;      // when created; <= 0: as the broker likes
    int replication;     // when created; <= 0: as the broker likes
    const char *cleanup; // "delete" or "compact", checked where the topic exists; NULL: any
} hh_kafka_topic;

// Creates the topics that are missing (create = false: complains of them) and checks the cleanup policy of
// those that are there. One sentence per trouble goes to `complain`; returns HH_OK only where there is none.
hh_status hh_kafka_topics(rd_kafka_t *client, const hh_kafka_topic *topics, size_t count, bool create,
                          int timeout_ms, void (*complain)(void *context, const char *sentence),
                          void *context, hh_error *error);

// The headers of a dead letter for a message that could not be used: those of the message plus
// __connect.errors.topic, .partition, .offset, .connector.name, .stage, .class.name, .exception.class.name
// and .exception.message. The caller produces the original key, value and timestamp with them and owns them
// until then.
rd_kafka_headers_t *hh_dead_letter_headers(const rd_kafka_message_t *message, const char *group,
                                           const char *stage, const char *reason, const char *sentence);

#endif
