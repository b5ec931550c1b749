#include <criterion/criterion.h>

#include "wire/kafka.h"

#include <stdio.h>
#include <string.h>

static hh_error error;

static const char *get(const rd_kafka_conf_t *conf, const char *property)
{
    static char value[200];
    size_t size = sizeof value;
    cr_assert_eq(rd_kafka_conf_get(conf, property, value, &size), RD_KAFKA_CONF_OK, "%s is not set",
                 property);
    return value;
}

Test(kafka_conf, workers_read_what_is_committed_and_commit_nothing_by_themselves)
{
    rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_WORKER, "localhost:1", NULL, 0, &error);
    cr_assert_not_null(conf, "%s", error.message);
    cr_assert_str_eq(get(conf, "bootstrap.servers"), "localhost:1");
    cr_assert_str_eq(get(conf, "enable.auto.commit"), "false");
    cr_assert_str_eq(get(conf, "isolation.level"), "read_committed");
    cr_assert_str_eq(get(conf, "partition.assignment.strategy"), "cooperative-sticky");
    cr_assert_str_eq(get(conf, "queued.min.messages"), "1000000");
    rd_kafka_conf_destroy(conf);
}

Test(kafka_conf, producers_are_idempotent_and_partition_as_java_does)
{
    rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_PRODUCER, "localhost:1", NULL, 0, &error);
    cr_assert_str_eq(get(conf, "enable.idempotence"), "true");
    cr_assert_str_eq(get(conf, "partitioner"), "murmur2_random");
    cr_assert_str_eq(get(conf, "transaction.timeout.ms"), "10000");
    rd_kafka_conf_destroy(conf);
}

// librdkafka checks combinations only when a client is made.
Test(kafka_conf, every_role_makes_a_client)
{
    for (hh_kafka_role role = HH_KAFKA_WORKER; role <= HH_KAFKA_ADMIN; role++) {
        char trouble[300];
        rd_kafka_conf_t *conf = hh_kafka_conf(role, "127.0.0.1:1", NULL, 0, &error);
        cr_assert_not_null(conf, "%s", error.message);
        rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
        if (role == HH_KAFKA_WORKER)
            rd_kafka_conf_set(conf, "group.id", "g", NULL, 0);
        if (role == HH_KAFKA_PRODUCER)
            rd_kafka_conf_set(conf, "transactional.id", "t", NULL, 0);
        rd_kafka_t *client = rd_kafka_new(role <= HH_KAFKA_READER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER,
                                          conf, trouble, sizeof trouble);
        cr_assert_not_null(client, "%s", trouble);
        rd_kafka_destroy(client);
    }
}

Test(kafka_conf, properties_pass_through_verbatim_and_win_over_defaults)
{
    static const char *const properties[] = {"linger.ms=50", "sasl.password=a=b c ", "client.id=shop",
                                             "compression.type=zstd"};
    rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_PRODUCER, "localhost:1", properties, 4, &error);
    cr_assert_not_null(conf, "%s", error.message);
    cr_assert_str_eq(get(conf, "linger.ms"), "50");
    cr_assert_str_eq(get(conf, "sasl.password"), "a=b c ");
    cr_assert_str_eq(get(conf, "client.id"), "shop");
    rd_kafka_conf_destroy(conf);
}

Test(kafka_conf, refuses_what_would_break_a_promise_with_the_reason)
{
    static const char *const must[] = {"enable.auto.commit",
                                       "transactional.id",
                                       "group.id",
                                       "group.instance.id",
                                       "isolation.level",
                                       "partition.assignment.strategy",
                                       "enable.idempotence",
                                       "acks",
                                       "partitioner",
                                       "auto.offset.reset",
                                       "auto.commit.enable",
                                       "offset.store.method",
                                       "enable.auto.offset.store"};
    size_t count;
    const hh_kafka_refusal *refusals = hh_kafka_refusals(&count);
    for (size_t i = 0; i < sizeof must / sizeof *must; i++) {
        bool found = false;
        for (size_t j = 0; j < count; j++)
            found = found || strcmp(refusals[j].property, must[i]) == 0;
        cr_assert(found, "%s is not refused", must[i]);
    }
    rd_kafka_conf_t *known = rd_kafka_conf_new();
    for (size_t i = 0; i < count; i++) {
        char property[100], value[200];
        size_t size = sizeof value;
        snprintf(property, sizeof property, "%s=true", refusals[i].property);
        const char *const one[] = {property};
        cr_assert_null(hh_kafka_conf(HH_KAFKA_WORKER, "localhost:1", one, 1, &error), "%s", property);
        cr_assert_eq(error.status, HH_ARGUMENT);
        cr_assert(strstr(error.message, refusals[i].reason) && strstr(error.message, refusals[i].property));
        snprintf(property, sizeof property, "topic.%s=true", refusals[i].property);
        cr_assert_null(hh_kafka_conf(HH_KAFKA_WORKER, "localhost:1", one, 1, &error), "%s", property);
        cr_assert(strstr(error.message, refusals[i].reason), "%s: %s", property, error.message);
        // And it is a property that librdkafka has: a name misspelt here would refuse nothing.
        cr_assert_neq(rd_kafka_conf_get(known, refusals[i].property, value, &size), RD_KAFKA_CONF_INVALID,
                      "librdkafka has no %s", refusals[i].property);
    }
    rd_kafka_conf_destroy(known);
}

Test(kafka_conf, refuses_what_is_no_property)
{
    static const struct {
        const char *property, *says;
    } cases[] = {
        {"linger.ms", "key=value, unlike \"linger.ms\""},
        {"=5", "key=value"},
        {"", "key=value"},
        {"sasl.password: secret", "unlike \"sasl.password\""},
        {"no.such.thing=1", "No such configuration property"},
        {"linger.ms=soon", "linger.ms"},
        {"linger.ms=-5", "linger.ms"},
        {" linger.ms=5", "No such configuration property"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const one[] = {cases[i].property};
        cr_assert_null(hh_kafka_conf(HH_KAFKA_PRODUCER, "localhost:1", one, 1, &error), "%s",
                       cases[i].property);
        cr_assert(strstr(error.message, cases[i].says), "%s", error.message);
        cr_assert_null(strstr(error.message, "secret"), "a password is shown");
    }
    cr_assert_null(hh_kafka_conf(HH_KAFKA_READER, "", NULL, 0, &error));
    cr_assert_null(hh_kafka_conf(HH_KAFKA_READER, NULL, NULL, 0, &error));
}

static void count_sentence(void *context, const char *sentence)
{
    cr_assert_not_null(sentence);
    ++*(int *)context;
}

// Where Kafka answers is tested with a real one (tests/integration).
Test(kafka_topics, says_when_nobody_answers)
{
    char trouble[300];
    int complaints = 0;
    rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_ADMIN, "127.0.0.1:1", NULL, 0, &error);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, trouble, sizeof trouble);
    hh_kafka_topic topic = {.name = "t", .partitions = 1, .replication = 1, .cleanup = "delete"};
    cr_assert_eq(
        hh_kafka_topics(client, &topic, 1, HH_KAFKA_CREATE, 300, count_sentence, &complaints, &error), HH_IO);
    cr_assert(strstr(error.message, "Kafka does not answer"), "%s", error.message);
    cr_assert_eq(complaints, 0);
    rd_kafka_destroy(client);
}
