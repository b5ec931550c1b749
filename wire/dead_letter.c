// Dead letters as Kafka Connect writes them, so that tools for those read ours.
#include "wire/kafka.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    rd_kafka_header_add(headers, name, -1, value, (ssize_t)strlen(value));
}

rd_kafka_headers_t *hh_dead_letter_headers(const rd_kafka_message_t *message, const char *group,
                                           const char *stage, const char *reason, const char *sentence)
{
    rd_kafka_headers_t *own, *headers;
    // Headers that can't be parsed are left out: the letter matters more.
    if (rd_kafka_message_headers(message, &own) == RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = rd_kafka_headers_copy(own);
    else
        headers = rd_kafka_headers_new(8);
    char number[32];
    add(headers, "__connect.errors.topic", rd_kafka_topic_name(message->rkt));
    snprintf(number, sizeof number, "%" PRId32, message->partition);
    add(headers, "__connect.errors.partition", number);
    snprintf(number, sizeof number, "%" PRId64, message->offset);
    add(headers, "__connect.errors.offset", number);
    add(headers, "__connect.errors.connector.name", group);
    add(headers, "__connect.errors.stage", stage);
    add(headers, "__connect.errors.class.name", "hiphop");
    add(headers, "__connect.errors.exception.class.name", reason);
    add(headers, "__connect.errors.exception.message", sentence);
    return headers;
}
