// Where a log begins and ends, on librdkafka's mock of a cluster.
#include <criterion/criterion.h>

#include "wire/kafka.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <time.h>

static char trouble[300];

static rd_kafka_t *client(hh_kafka_role role, const char *brokers)
{
    hh_error error;
    rd_kafka_conf_t *conf = hh_kafka_conf(role, brokers, NULL, 0, &error);
    cr_assert_not_null(conf, "%s", error.message);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_t *made = rd_kafka_new(role == HH_KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf,
                                    trouble, sizeof trouble);
    cr_assert_not_null(made, "%s", trouble);
    return made;
}

static void produce(const char *brokers, int32_t partition, int count)
{
    rd_kafka_t *producer = client(HH_KAFKA_PRODUCER, brokers);
    for (int i = 0; i < count; i++)
        cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("clicks"), RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_VALUE("x", 1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(rd_kafka_flush(producer, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(producer);
}

static time_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

Test(kafka_bounds, are_told_and_waited_for_no_longer_than_asked)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, trouble, sizeof trouble);
    cr_assert_not_null(host, "%s", trouble);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 1);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    cr_assert_eq(rd_kafka_mock_topic_create(cluster, "clicks", 2, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    produce(brokers, 1, 7);

    rd_kafka_t *consumer = client(HH_KAFKA_READER, brokers);
    int64_t begin, end;
    cr_assert_eq(hh_kafka_log_bounds(consumer, "clicks", 1, &begin, &end, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert(begin == 0 && end == 7, "%ld %ld", (long)begin, (long)end);
    cr_assert_eq(hh_kafka_log_bounds(consumer, "clicks", 0, &begin, &end, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert(begin == 0 && end == 0);
    cr_assert_eq(hh_kafka_log_end(consumer, "clicks", 1, &end, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(end, 7);
    cr_assert_neq(hh_kafka_log_end(consumer, "clicks", 2, &end, 1000), RD_KAFKA_RESP_ERR_NO_ERROR);

    // A broker that is there and doesn't answer, and one that is not there.
    rd_kafka_mock_broker_set_rtt(cluster, 1, 60000);
    time_t begun = now();
    cr_assert_neq(hh_kafka_log_end(consumer, "clicks", 1, &end, 500), RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_lt(now() - begun, 30);
    rd_kafka_mock_broker_set_rtt(cluster, 1, 0);
    rd_kafka_mock_broker_set_down(cluster, 1);
    begun = now();
    cr_assert_neq(hh_kafka_log_bounds(consumer, "clicks", 1, &begin, &end, 500), RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_lt(now() - begun, 30);

    rd_kafka_destroy(consumer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
}
