// Where a log begins and ends, asked for with a time-out that holds.
#include "wire/kafka.h"

// A time before the epoch stands for the beginning or the end, as in Kafka's protocol.
static rd_kafka_resp_err_t ask(rd_kafka_t *client, const char *topic, int32_t partition, int64_t time,
                               int64_t *offset, int timeout_ms)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, topic, partition);
    entry->offset = time;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, timeout_ms);
    if (!code)
        code = entry->err;
    if (!code && entry->offset < 0)
        code = RD_KAFKA_RESP_ERR__FAIL;
    *offset = entry->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

rd_kafka_resp_err_t hh_kafka_log_end(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *end,
                                     int timeout_ms)
{
    return ask(client, topic, partition, RD_KAFKA_OFFSET_END, end, timeout_ms);
}

rd_kafka_resp_err_t hh_kafka_log_bounds(rd_kafka_t *client, const char *topic, int32_t partition,
                                        int64_t *begin, int64_t *end, int timeout_ms)
{
    rd_kafka_resp_err_t code = ask(client, topic, partition, RD_KAFKA_OFFSET_BEGINNING, begin, timeout_ms);
    return code ? code : hh_kafka_log_end(client, topic, partition, end, timeout_ms);
}
