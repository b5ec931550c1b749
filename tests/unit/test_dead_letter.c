// A record goes through librdkafka's mock broker, since only a client can make a message with headers.
#include <criterion/criterion.h>

#include "wire/kafka.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers)
{
    char trouble[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "group.id", "g", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    if (brokers)
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    else
        rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", NULL, 0);
    rd_kafka_t *made = rd_kafka_new(type, conf, trouble, sizeof trouble);
    cr_assert_not_null(made, "%s", trouble);
    return made;
}

// The last value under the name.
static void expect(const rd_kafka_headers_t *headers, const char *name, const char *wanted)
{
    const void *value;
    size_t size;
    cr_assert_eq(rd_kafka_header_get_last(headers, name, &value, &size), RD_KAFKA_RESP_ERR_NO_ERROR, "no %s",
                 name);
    cr_assert(size == strlen(wanted) && memcmp(value, wanted, size) == 0, "%s is %.*s", name, (int)size,
              (const char *)value);
}

Test(dead_letter, keeps_the_headers_and_says_what_and_where)
{
    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, NULL);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(producer));
    for (int i = 0; i < 2; i++) // the first has headers, one of them twice and one null
        cr_assert_eq((i ? rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("clicks"), RD_KAFKA_V_PARTITION(0),
                                            RD_KAFKA_V_VALUE("x", 1), RD_KAFKA_V_END)
                        : rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("clicks"), RD_KAFKA_V_PARTITION(0),
                                            RD_KAFKA_V_VALUE("x", 1), RD_KAFKA_V_HEADER("trace", "a\0b", 3),
                                            RD_KAFKA_V_HEADER("trace", "c", 1),
                                            RD_KAFKA_V_HEADER("none", NULL, 0), RD_KAFKA_V_END)),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(rd_kafka_flush(producer, 5000), RD_KAFKA_RESP_ERR_NO_ERROR);

    rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, brokers);
    rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(partitions, "clicks", 0)->offset = 0;
    rd_kafka_assign(consumer, partitions);
    rd_kafka_topic_partition_list_destroy(partitions);
    for (int i = 0; i < 2; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 5000);
        cr_assert(message && !message->err);
        rd_kafka_headers_t *headers =
            hh_dead_letter_headers(message, "hiphop", "decode", "malformed", "it is no JSON");
        expect(headers, "__connect.errors.topic", "clicks");
        expect(headers, "__connect.errors.partition", "0");
        expect(headers, "__connect.errors.offset", i ? "1" : "0");
        expect(headers, "__connect.errors.connector.name", "hiphop");
        expect(headers, "__connect.errors.stage", "decode");
        expect(headers, "__connect.errors.class.name", "hiphop");
        expect(headers, "__connect.errors.exception.class.name", "malformed");
        expect(headers, "__connect.errors.exception.message", "it is no JSON");
        cr_assert_eq(rd_kafka_header_cnt(headers), i ? 8 : 11);
        if (i == 0) {
            const char *name;
            const void *value;
            size_t size;
            cr_assert_eq(rd_kafka_header_get_all(headers, 0, &name, &value, &size),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
            cr_assert(strcmp(name, "trace") == 0 && size == 3 && memcmp(value, "a\0b", 3) == 0);
            cr_assert_eq(rd_kafka_header_get(headers, 1, "trace", &value, &size), RD_KAFKA_RESP_ERR_NO_ERROR);
            cr_assert(size == 1 && *(const char *)value == 'c');
            cr_assert_eq(rd_kafka_header_get_last(headers, "none", &value, &size),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
            cr_assert_null(value);
        }
        rd_kafka_headers_destroy(headers);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
}
