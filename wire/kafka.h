// librdkafka, set up the one way hiphop uses it: properties passed through, refused where they would break a
// promise, topics made where they are missing, dead letters in the Kafka Connect header convention.
#ifndef WIRE_KAFKA_H
#define WIRE_KAFKA_H

#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

// What a client is for: decides the defaults and which user properties are refused.
typedef enum hh_kafka_role {
    HH_KAFKA_WORKER,        // consumer in the group, offsets committed by its producer's transactions
    HH_KAFKA_KEEPER,        // consumer without a group that follows all partitions: the graph keeper
    HH_KAFKA_READER,        // any other consumer without a group: models, vectors, watch
    HH_KAFKA_PRODUCER,      // idempotent producer of outputs, partitioned as Java clients do (murmur2)
    HH_KAFKA_TRANSACTIONAL, // the same of records that are read once their transaction is committed
    HH_KAFKA_ADMIN,
} hh_kafka_role;

// A configuration for the role, with defaults that were measured (wire/kafka_conf.c says why at each), and
// the user's "key=value" properties on top, verbatim. The caller sets group.id, group.instance.id,
// transactional.id and callbacks on it, and owns it until rd_kafka_new succeeds. NULL with HH_ARGUMENT and
// the reason for a property that is unknown, malformed, of a wrong value, or refused. One list of properties
// serves every role: librdkafka mentions those of the other kind of client in its log (facility CONFWARN),
// which is no trouble.
rd_kafka_conf_t *hh_kafka_conf(hh_kafka_role role, const char *brokers, const char *const *properties,
                               size_t count, hh_error *error);

// The properties that users may not set since hiphop would no longer do what it promises, each with its
// reason in one sentence: the table that hh_kafka_conf goes by, for docs and --help.
typedef struct hh_kafka_refusal {
    const char *property, *reason;
} hh_kafka_refusal;
const hh_kafka_refusal *hh_kafka_refusals(size_t *count);

// A topic as it must be.
typedef struct hh_kafka_topic {
    const char *name;
    int partitions;      // when created; <= 0: as the broker likes
    int replication;     // when created; <= 0: as the broker likes
    const char *cleanup; // "delete" or "compact", checked where the topic exists; NULL: any
    int64_t tombstones;  // ms for which a compacted topic keeps them, when created; 0: as the broker likes
    const char *rights;  // what is done with it, in Kafka's words: "Read", "Write", "Read and Write"
    bool missing;        // said by hh_kafka_topics(): it was not there
    // Likewise, where the brokers say it, else left as they are: how far the timestamp of a record may be
    // from the broker's clock, in ms. Larger than any time where that is not limited.
    int64_t behind, ahead;
    // And for how long records are there (cleanup.policy delete), and tombstones (compact), in ms.
    int64_t keeps, keeps_tombstones;
} hh_kafka_topic;

// What a tombstone says shall outlive whatever else says that the key is there: ten years.
#define HH_KAFKA_TOMBSTONES_MS 315360000000

// What is done about topics that are missing.
typedef enum hh_kafka_create {
    HH_KAFKA_CREATE_NOT, // it is a trouble
    HH_KAFKA_CREATE,
    HH_KAFKA_CREATE_TRY, // the brokers are asked whether they would, and nothing is made
} hh_kafka_create;

// Sees to the topics that are missing, checks the cleanup policy of those that are there, and tells their
// limits; a topic is never changed. Any client will do. One sentence per trouble, such as a right that is
// missing, goes to `complain`, and HH_ARGUMENT comes back where there is any; HH_IO where the brokers do not
// answer within timeout_ms. Several instances may do this at the same time.
hh_status hh_kafka_topics(rd_kafka_t *client, hh_kafka_topic *topics, size_t count, hh_kafka_create create,
                          int timeout_ms, void (*complain)(void *context, const char *sentence),
                          void *context, hh_error *error);

// Reads a partition from its first record to where it ends now, by a consumer of HH_KAFKA_READER that does
// nothing else. The reader gets every record, and NULL some times a second while none comes; what it returns
// but HH_OK ends the reading and comes back. After patience_ms without any: HH_NOT_FOUND where the brokers
// say that there is no such topic, else HH_IO.
typedef hh_status hh_kafka_reader(void *context, const rd_kafka_message_t *record, hh_error *error);
hh_status hh_kafka_read(rd_kafka_t *consumer, const char *topic, int32_t partition, int patience_ms,
                        hh_kafka_reader *reader, void *context, hh_error *error);

// Where a partition's log begins and ends now, as its leader says, for a consumer: at most twice timeout_ms,
// and once for the end alone. rd_kafka_query_watermark_offsets() of librdkafka before 2.3 waits for as long
// as no broker answers, whatever its timeout.
rd_kafka_resp_err_t hh_kafka_log_end(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *end,
                                     int timeout_ms);
rd_kafka_resp_err_t hh_kafka_log_bounds(rd_kafka_t *client, const char *topic, int32_t partition,
                                        int64_t *begin, int64_t *end, int timeout_ms);

// The headers of a dead letter for a message that could not be used: those of the message as they are, plus
//   __connect.errors.topic, .partition, .offset      where the message stands
//   __connect.errors.connector.name                  `group`: who could not use it
//   __connect.errors.stage                           `stage`: what was being done ("decode", "sessionize")
//   __connect.errors.class.name                      "hiphop"
//   __connect.errors.exception.class.name            `reason`: one word, as the metrics have it ("late")
//   __connect.errors.exception.message               `sentence`: what is wrong with it
// all as text, as Kafka Connect writes them. The caller produces the original key, value and timestamp with
// them and owns them until then.
rd_kafka_headers_t *hh_dead_letter_headers(const rd_kafka_message_t *message, const char *group,
                                           const char *stage, const char *reason, const char *sentence);

#endif
