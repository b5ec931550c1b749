#include "sender.h"

#include "interrupt.h"
#include "wire/kafka.h"

#include <stdlib.h>
#include <string.h>

struct sender {
    rd_kafka_t *client;
    rd_kafka_topic_t *topics[SENDER_TOPICS];
    int topic_count;
    sender_counts counts;
    char trouble[256];    // why the first failed record failed
    char connection[256]; // what the client said last about its brokers
};

#define PATIENCE_MS 10000 // for brokers that do not answer at all

// Measured: with the default queue of 100,000 records the caller waits more than the brokers do; and small
// clicks arrive 1.5 times as fast without compression, which a slow network may want (--property).
static const char *const defaults[] = {"queue.buffering.max.messages=500000",
                                       "queue.buffering.max.kbytes=524288", "compression.codec=none",
                                       "linger.ms=5"};
#define DEFAULTS (sizeof defaults / sizeof *defaults)

static void note_trouble(struct sender *sender, const char *sentence)
{
    if (sender->trouble[0] == '\0')
        snprintf(sender->trouble, sizeof sender->trouble, "%s", sentence);
}

// The client tries again by itself; what it says is of interest only if nothing comes of it.
static void note_connection(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)client;
    struct sender *sender = opaque;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        snprintf(sender->connection, sizeof sender->connection, "%s", reason);
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct sender *sender = opaque;
    if (!message->err) {
        sender->counts.acknowledged++;
        return;
    }
    sender->counts.failed++;
    note_trouble(sender, rd_kafka_err2str(message->err));
}

hh_status sender_new(const char *brokers, const char *const *properties, size_t count, struct sender **made,
                     hh_error *error)
{
    *made = NULL;
    struct sender *sender = calloc(1, sizeof *sender);
    const char **all = calloc(DEFAULTS + count, sizeof *all);
    if (!sender || !all) {
        free(sender);
        free(all);
        return hh_fail(error, HH_MEMORY, NULL);
    }
    memcpy(all, defaults, sizeof defaults);
    if (count > 0)
        memcpy(all + DEFAULTS, properties, count * sizeof *all); // later ones win
    rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_PRODUCER, brokers, all, DEFAULTS + count, error);
    free(all);
    if (!conf) {
        free(sender);
        return error ? error->status : HH_ARGUMENT;
    }
    rd_kafka_conf_set_opaque(conf, sender);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, note_connection);
    rd_kafka_conf_set_log_cb(conf, NULL);
    char reason[256];
    sender->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!sender->client) {
        rd_kafka_conf_destroy(conf);
        free(sender);
        return hh_fail(error, HH_ARGUMENT, "no Kafka client with these properties: %s", reason);
    }
    *made = sender;
    return HH_OK;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    rd_kafka_purge(sender->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    for (int topic = 0; topic < sender->topic_count; topic++)
        rd_kafka_topic_destroy(sender->topics[topic]);
    rd_kafka_destroy(sender->client);
    free(sender);
}

// Adds what the client last said about its brokers to the error.
static hh_status with_connection(struct sender *sender, hh_status status, hh_error *error)
{
    rd_kafka_poll(sender->client, 0);
    if (!error || !sender->connection[0])
        return status;
    char said[sizeof error->message];
    memcpy(said, error->message, sizeof said);
    return hh_fail(error, status, "%.250s (%s)", said, sender->connection);
}

static void note_complaint(void *context, const char *sentence)
{
    note_trouble(context, sentence);
}

hh_status sender_topic(struct sender *sender, const char *name, int partitions, const char *cleanup,
                       int *topic, hh_error *error)
{
    if (sender->topic_count == SENDER_TOPICS)
        return hh_fail(error, HH_LIMIT, "more than %d topics", SENDER_TOPICS);
    hh_kafka_topic wanted = {.name = name, .partitions = partitions, .cleanup = cleanup};
    if (cleanup && strcmp(cleanup, "compact") == 0)
        wanted.tombstones = HH_KAFKA_TOMBSTONES_MS;
    hh_status status = hh_kafka_topics(sender->client, &wanted, 1, HH_KAFKA_CREATE, PATIENCE_MS,
                                       note_complaint, sender, error);
    if (status == HH_ARGUMENT && sender->trouble[0])
        return hh_fail(error, status, "%s", sender->trouble);
    if (status != HH_OK)
        return with_connection(sender, status, error);
    rd_kafka_topic_t *made = rd_kafka_topic_new(sender->client, name, NULL);
    if (!made)
        return hh_fail(error, HH_ARGUMENT, "topic '%s': %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    *topic = sender->topic_count;
    sender->topics[sender->topic_count++] = made;
    return HH_OK;
}

static int64_t retention_of(rd_kafka_event_t *answer)
{
    size_t topics, count;
    const rd_kafka_ConfigResource_t **found =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer), &topics);
    const rd_kafka_ConfigEntry_t **entries =
        topics == 1 ? rd_kafka_ConfigResource_configs(found[0], &count) : NULL;
    for (size_t i = 0; entries && i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "retention.ms") == 0) {
            const char *value = rd_kafka_ConfigEntry_value(entries[i]);
            return value ? strtoll(value, NULL, 10) : -1;
        }
    return -1;
}

int64_t sender_retention(struct sender *sender, const char *name)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(sender->client);
    rd_kafka_ConfigResource_t *topic = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_DescribeConfigs(sender->client, &topic, 1, NULL, queue);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, PATIENCE_MS);
    int64_t retention = -1;
    if (answer && rd_kafka_event_type(answer) == RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT &&
        !rd_kafka_event_error(answer))
        retention = retention_of(answer);
    if (answer)
        rd_kafka_event_destroy(answer);
    rd_kafka_ConfigResource_destroy(topic);
    rd_kafka_queue_destroy(queue);
    return retention;
}

static hh_status trouble(const struct sender *sender, hh_error *error)
{
    if (sender->counts.failed == 0)
        return HH_OK;
    return hh_fail(error, HH_IO, "the brokers did not take a record: %s", sender->trouble);
}

hh_status sender_serve(struct sender *sender, int milliseconds, hh_error *error)
{
    rd_kafka_poll(sender->client, milliseconds);
    return trouble(sender, error);
}

hh_status sender_put(struct sender *sender, int topic, const void *key, size_t key_length, const void *value,
                     size_t value_length, hh_time time, hh_error *error)
{
    // librdkafka only reads what the pointers point to: the flag says copy.
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = sender->topics[topic]},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key, key_length}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value, value_length}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = time},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };
    for (;;) {
        rd_kafka_error_t *refused = rd_kafka_produceva(sender->client, parts, sizeof parts / sizeof *parts);
        if (!refused)
            break;
        rd_kafka_resp_err_t code = rd_kafka_error_code(refused);
        rd_kafka_error_destroy(refused);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return hh_fail(error, HH_IO, "a record could not be sent: %s", rd_kafka_err2str(code));
        hh_status status = sender_serve(sender, 10, error);
        if (status != HH_OK)
            return status;
        if (interrupted())
            return hh_fail(error, HH_LIMIT, "interrupted");
    }
    return ++sender->counts.sent % 256 == 0 ? sender_serve(sender, 0, error) : HH_OK;
}

hh_status sender_finish(struct sender *sender, int timeout_ms, hh_error *error)
{
    rd_kafka_flush(sender->client, timeout_ms);
    uint64_t missing = sender->counts.sent - sender->counts.acknowledged;
    if (missing == 0)
        return HH_OK;
    return hh_fail(error, HH_IO, "%llu of %llu records were not acknowledged: %s",
                   (unsigned long long)missing, (unsigned long long)sender->counts.sent,
                   sender->trouble[0] ? sender->trouble : "no answer in time");
}

sender_counts sender_count(const struct sender *sender)
{
    return sender->counts;
}
