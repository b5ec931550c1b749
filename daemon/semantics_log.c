#include "semantics_log.h"

#include "client.h"
#include "rights.h"
#include <stdlib.h>
#include <string.h>

enum {
    CALL_MS = 1000,
    FETCH_MS = 50, // mostly 1; but now and then a partition that was just stopped does not start again
    TOPICS = 2
};

typedef struct partition {
    bool begun, caught_up;
    int64_t target; // caught up from this offset on
    int64_t old;    // the target of the first time
} partition;

typedef struct topic {
    rd_kafka_topic_t *handle;
    rd_kafka_queue_t *queue;
    partition *partitions;
    int32_t count;
} topic;

struct hh_semantics_log {
    hh_shared *shared;
    hh_pulse *pulse;
    rd_kafka_t *reader, *fetcher, *producer; // fetcher: NULL until it is needed
    rd_kafka_topic_t *fetched, *written;
    topic topics[TOPICS];
    void (*unwritten)(void *context, hh_text key);
    void *context;
};

// ---- clients ----

// Items and vectors are far fewer than clicks: little is fetched ahead.
// A partition that is begun anew waits for what was being fetched, so that is not to wait for long.
static rd_kafka_t *reader_new(hh_semantics_log *log, const char *ahead, const char *wait_ms, hh_error *error)
{
    rd_kafka_conf_t *conf = hh_client_conf(log->shared->config, HH_KAFKA_READER, log->pulse, error);
    if (!conf)
        return NULL;
    if (hh_client_set(conf, "queued.min.messages", ahead, error) == HH_OK &&
        hh_client_set(conf, "queued.max.messages.kbytes", "16384", error) == HH_OK &&
        hh_client_set(conf, "fetch.wait.max.ms", wait_ms, error) == HH_OK)
        return hh_client_new(RD_KAFKA_CONSUMER, conf, error);
    rd_kafka_conf_destroy(conf);
    return NULL;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *record, void *opaque)
{
    (void)client;
    (void)opaque;
    hh_semantics_log *log = record->_private;
    if (!record->err)
        return;
    char refusal[HH_REFUSAL_SIZE];
    const hh_right right = {.topic = log->shared->config->topics.item_vectors, .operation = "Write"};
    HH_COMPLAIN(log->shared->log, HH_LOG_WARNING, "an item's vector can't be written",
                HH_TEXT("error", rd_kafka_err2name(record->err)),
                HH_TEXT("reason",
                        hh_refusal(log->pulse, record->err, rd_kafka_err2str(record->err), &right, refusal)),
                HH_BYTES("key", record->key, record->key_len));
    log->unwritten(log->context, (hh_text){record->key, record->key_len});
}

static rd_kafka_t *producer_new(hh_semantics_log *log, hh_error *error)
{
    rd_kafka_conf_t *conf = hh_client_conf(log->shared->config, HH_KAFKA_PRODUCER, log->pulse, error);
    if (!conf)
        return NULL;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    // An outage is no reason to lose what was paid for.
    if (hh_client_set(conf, "message.timeout.ms", "0", error) == HH_OK)
        return hh_client_new(RD_KAFKA_PRODUCER, conf, error);
    rd_kafka_conf_destroy(conf);
    return NULL;
}

hh_semantics_log *hh_semantics_log_new(hh_shared *shared, hh_pulse *pulse,
                                       void (*unwritten)(void *context, hh_text key), void *context,
                                       hh_error *error)
{
    const char *const names[TOPICS] = {shared->config->topics.item_vectors, shared->config->topics.items};
    hh_semantics_log *log = calloc(1, sizeof *log);
    if (!log) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    *log = (hh_semantics_log){.shared = shared, .pulse = pulse, .unwritten = unwritten, .context = context};
    log->reader = reader_new(log, "10000", "100", error);
    log->producer = log->reader ? producer_new(log, error) : NULL;
    log->written = log->producer ? hh_client_topic(log->producer, names[HH_SEMANTICS_VECTORS], error) : NULL;
    bool good = log->written != NULL;
    for (int i = 0; i < TOPICS && good; i++) {
        log->topics[i].queue = rd_kafka_queue_new(log->reader);
        log->topics[i].handle = hh_client_topic(log->reader, names[i], error);
        good = log->topics[i].handle != NULL;
    }
    if (good)
        return log;
    hh_semantics_log_free(log);
    return NULL;
}

static void stop(topic *of)
{
    for (int32_t i = 0; i < of->count; i++)
        if (of->partitions[i].begun)
            rd_kafka_consume_stop(of->handle, i);
    for (int32_t i = 0; i < of->count; i++)
        of->partitions[i].begun = of->partitions[i].caught_up = false;
}

void hh_semantics_log_free(hh_semantics_log *log)
{
    if (!log)
        return;
    for (int i = 0; i < TOPICS; i++) {
        topic *of = &log->topics[i];
        stop(of);
        free(of->partitions);
        if (of->queue)
            rd_kafka_queue_destroy(of->queue);
        if (of->handle)
            rd_kafka_topic_destroy(of->handle);
    }
    if (log->fetched)
        rd_kafka_topic_destroy(log->fetched);
    if (log->written)
        rd_kafka_topic_destroy(log->written);
    hh_client_free(log->fetcher);
    hh_client_free(log->reader);
    hh_client_free(log->producer);
    free(log);
}

// ---- reading ----

// Partitions of a topic, or -1 where no broker tells.
static int32_t partitions_of(hh_semantics_log *log, const topic *of)
{
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(log->reader, 0, of->handle, &metadata, CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    int32_t count = -1;
    if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
        count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

static bool begin_partition(hh_semantics_log *log, topic *of, int32_t number)
{
    int64_t low, high;
    partition *begun = &of->partitions[number];
    hh_pulse_beat(log->pulse);
    if (hh_kafka_log_bounds(log->reader, rd_kafka_topic_name(of->handle), number, &low, &high, CALL_MS) ||
        rd_kafka_consume_start_queue(of->handle, number, RD_KAFKA_OFFSET_BEGINNING, of->queue))
        return false;
    *begun = (partition){
        .begun = true, .caught_up = low >= high, .target = high, .old = begun->old > 0 ? begun->old : high};
    return true;
}

bool hh_semantics_log_look_up(hh_semantics_log *log, hh_semantics_topic number)
{
    topic *of = &log->topics[number];
    int32_t count = partitions_of(log, of);
    if (count < 1)
        return false;
    if (count > of->count) {
        partition *more = realloc(of->partitions, (size_t)count * sizeof *more);
        if (!more)
            return false;
        memset(more + of->count, 0, (size_t)(count - of->count) * sizeof *more);
        of->partitions = more;
        of->count = count;
    }
    for (int32_t i = 0; i < of->count; i++)
        if (!of->partitions[i].begun && !begin_partition(log, of, i))
            return false;
    return true;
}

bool hh_semantics_log_begin(hh_semantics_log *log, hh_semantics_topic number)
{
    stop(&log->topics[number]);
    return hh_semantics_log_look_up(log, number);
}

bool hh_semantics_log_caught_up(const hh_semantics_log *log, hh_semantics_topic number)
{
    const topic *of = &log->topics[number];
    for (int32_t i = 0; i < of->count; i++)
        if (!of->partitions[i].caught_up)
            return false;
    return of->count > 0;
}

bool hh_semantics_log_old(const hh_semantics_log *log, hh_semantics_topic number,
                          const rd_kafka_message_t *record)
{
    const topic *of = &log->topics[number];
    return record->partition < of->count && record->offset < of->partitions[record->partition].old;
}

static void say_unread(hh_semantics_log *log, hh_semantics_topic number, const rd_kafka_message_t *record)
{
    char refusal[HH_REFUSAL_SIZE];
    const hh_config *config = log->shared->config;
    const hh_right right = {.topic = number == HH_SEMANTICS_ITEMS ? config->topics.items
                                                                  : config->topics.item_vectors,
                            .operation = "Read"};
    HH_COMPLAIN(log->shared->log, HH_LOG_WARNING, "semantics can't read",
                HH_TEXT("error", rd_kafka_err2name(record->err)),
                HH_TEXT("reason", hh_refusal(log->pulse, record->err, rd_kafka_message_errstr(record), &right,
                                             refusal)));
}

size_t hh_semantics_log_take(hh_semantics_log *log, hh_semantics_topic number, rd_kafka_message_t **records,
                             size_t room, int timeout_ms)
{
    topic *of = &log->topics[number];
    rd_kafka_poll(log->reader, 0);
    ssize_t count = rd_kafka_consume_batch_queue(of->queue, 0, records, room);
    if (count <= 0 && timeout_ms > 0)
        count = rd_kafka_consume_batch_queue(of->queue, timeout_ms, records, 1);
    size_t kept = 0;
    for (ssize_t i = 0; i < count; i++) {
        rd_kafka_message_t *record = records[i];
        bool end = record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        partition *at =
            record->rkt && record->partition < of->count ? &of->partitions[record->partition] : NULL;
        if (at && (end || (!record->err && record->offset + 1 >= at->target)))
            at->caught_up = true;
        if (at && !record->err) {
            records[kept++] = record;
            continue;
        }
        if (!end)
            say_unread(log, number, record);
        rd_kafka_message_destroy(record);
    }
    return kept;
}

hh_status hh_semantics_log_fetch(hh_semantics_log *log, hh_vector_place place, rd_kafka_message_t **record)
{
    hh_error error;
    const char *name = log->shared->config->topics.item_vectors;
    *record = NULL;
    if (!log->fetcher)
        log->fetcher = reader_new(log, "1", "10", &error);
    if (log->fetcher && !log->fetched)
        log->fetched = hh_client_topic(log->fetcher, name, &error);
    if (!log->fetched || rd_kafka_consume_start(log->fetched, place.partition, place.offset))
        return HH_IO;
    rd_kafka_poll(log->fetcher, 0);
    rd_kafka_message_t *found = rd_kafka_consume(log->fetched, place.partition, FETCH_MS);
    rd_kafka_consume_stop(log->fetched, place.partition);
    if (!found)
        return HH_IO;
    bool end = found->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    hh_status status = !found->err && found->offset == place.offset           ? HH_OK
                       : end || (!found->err && found->offset > place.offset) ? HH_NOT_FOUND
                                                                              : HH_IO;
    if (status)
        rd_kafka_message_destroy(found);
    else
        *record = found;
    return status;
}

// ---- writing ----

bool hh_semantics_log_put(hh_semantics_log *log, hh_text key, hh_text value)
{
    return rd_kafka_produce(log->written, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, (void *)value.bytes,
                            value.length, key.bytes, key.length, log) == 0;
}

int hh_semantics_log_serve(hh_semantics_log *log)
{
    rd_kafka_poll(log->producer, 0);
    return rd_kafka_outq_len(log->producer);
}
