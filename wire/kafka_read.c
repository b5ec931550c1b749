// Reading a partition once, from its first record to its end.
#include "wire/kafka.h"

#include <time.h>

enum { SLICE_MS = 200, METADATA_MS = 1000 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool passes(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__RESOLVE || code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; // librdkafka asks for it, we need no group
}

// Why nothing comes. librdkafka tells of a topic that is not there only after half a minute.
static hh_status silence(rd_kafka_t *consumer, const char *topic, int32_t partition, hh_error *error)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code =
        handle ? rd_kafka_metadata(consumer, 0, handle, &metadata, METADATA_MS) : rd_kafka_last_error();
    if (handle)
        rd_kafka_topic_destroy(handle);
    bool answered = code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1;
    int32_t partitions = answered ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_resp_err_t said = answered ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    if (!answered)
        return hh_fail(error, HH_IO, "topic \"%s\" can't be read: no broker answers", topic);
    if (said == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return hh_fail(error, HH_NOT_FOUND, "topic \"%s\" can't be read: there is no such topic", topic);
    if (said != RD_KAFKA_RESP_ERR_NO_ERROR)
        return hh_fail(error, HH_IO, "topic \"%s\" can't be read: %s", topic, rd_kafka_err2str(said));
    if (partition >= partitions)
        return hh_fail(error, HH_NOT_FOUND, "topic \"%s\" can't be read: it has no partition %d", topic,
                       partition);
    return hh_fail(error, HH_IO, "topic \"%s\" can't be read: the leader of partition %d does not answer",
                   topic, partition);
}

hh_status hh_kafka_read(rd_kafka_t *consumer, const char *topic, int32_t partition, int patience_ms,
                        hh_kafka_reader *reader, void *context, hh_error *error)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(all, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code = rd_kafka_assign(consumer, all);
    rd_kafka_topic_partition_list_destroy(all);
    hh_status status =
        code ? hh_fail(error, HH_IO, "topic \"%s\" can't be read: %s", topic, rd_kafka_err2str(code)) : HH_OK;
    bool end = false;
    for (int64_t patience = now_ms() + patience_ms; status == HH_OK && !end;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, SLICE_MS);
        end = message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (message && !message->err)
            patience = now_ms() + patience_ms;
        if (!end && message && message->err && !passes(message->err))
            status = hh_fail(error,
                             message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                                     message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                                     message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
                                 ? HH_NOT_FOUND
                                 : HH_IO,
                             "topic \"%s\" can't be read: %s", topic, rd_kafka_message_errstr(message));
        else if (!end && now_ms() > patience)
            status = silence(consumer, topic, partition, error);
        else
            status = reader(context, message && !message->err ? message : NULL, error);
        if (message)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_assign(consumer, NULL);
    return status;
}
