// A worker and its partitions on librdkafka's mock brokers, some of which have no leader.
#include "daemon/settings.h"
#include "daemon/worker.h"
#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <unistd.h>

enum { PARTITIONS = 4, PATIENCE_MS = 30000 };

typedef struct stage {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *mock;
    hh_settings *settings;
    hh_shared shared;
    hh_worker *worker;
} stage;

static void no_complaint(void *context, const char *sentence)
{
    (void)context;
    cr_assert(false, "%s", sentence);
}

static void set(stage *s, const char *name, const char *value)
{
    char assignment[300];
    snprintf(assignment, sizeof assignment, "%s=%s", name, value);
    cr_assert_eq(hh_settings_set(s->settings, assignment, no_complaint, NULL), HH_OK);
}

static void begin(stage *s)
{
    char text[300];
    *s = (stage){0};
    rd_kafka_conf_t *quiet = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(quiet, NULL);
    s->host = rd_kafka_new(RD_KAFKA_PRODUCER, quiet, text, sizeof text);
    s->mock = rd_kafka_mock_cluster_new(s->host, 1);
    rd_kafka_mock_topic_create(s->mock, "clicks", PARTITIONS, 1);
    rd_kafka_mock_topic_create(s->mock, "hiphop.recommendations", 1, 1);
    rd_kafka_mock_topic_create(s->mock, "hiphop.sessions", 1, 1);
    rd_kafka_mock_topic_create(s->mock, "hiphop.dead-letters", 1, 1);
    s->settings = hh_settings_new();
    set(s, "kafka.brokers", rd_kafka_mock_cluster_bootstraps(s->mock));
    set(s, "instance.id", "test");
    set(s, "pipeline.workers", "1");
    s->shared.config = hh_settings_config(s->settings);
    s->shared.log = hh_logger_new(STDERR_FILENO, HH_LOG_ERROR);
    s->shared.metrics = hh_metrics_new();
}

static void start(stage *s)
{
    hh_error error;
    s->worker = hh_worker_new(&s->shared, 0, &error);
    cr_assert_not_null(s->worker, "%s", error.message);
    cr_assert_eq(hh_worker_start(s->worker, &error), HH_OK);
}

static void end(stage *s)
{
    atomic_store(&s->shared.stop_by, hh_steady_clock() + 2000);
    atomic_store(&s->shared.stopping, true);
    hh_worker_join(s->worker);
    cr_assert_not(atomic_load(&s->worker->pulse.failed));
    hh_worker_free(s->worker);
    rd_kafka_mock_cluster_destroy(s->mock);
    rd_kafka_destroy(s->host);
    hh_metrics_free(s->shared.metrics);
    hh_logger_free(s->shared.log);
    hh_settings_free(s->settings);
}

static bool comes_to(stage *s, int assigned)
{
    for (int i = 0; i < PATIENCE_MS / 20 && atomic_load(&s->worker->assigned) != assigned; i++)
        usleep(20000);
    return atomic_load(&s->worker->assigned) == assigned;
}

Test(group, a_partition_without_a_leader_holds_up_no_other)
{
    stage s;
    begin(&s);
    rd_kafka_mock_partition_set_leader(s.mock, "clicks", 0, -1);
    rd_kafka_mock_partition_set_leader(s.mock, "clicks", 2, -1);
    start(&s);
    cr_assert(comes_to(&s, PARTITIONS - 2), "%d are assigned", atomic_load(&s.worker->assigned));
    rd_kafka_mock_partition_set_leader(s.mock, "clicks", 0, 1);
    rd_kafka_mock_partition_set_leader(s.mock, "clicks", 2, 1);
    cr_assert(comes_to(&s, PARTITIONS), "%d are assigned", atomic_load(&s.worker->assigned));
    end(&s);
}

// One click of now into every partition.
static void click_everywhere(stage *s)
{
    char text[300], click[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(s->mock), text,
                                   sizeof text),
                 RD_KAFKA_CONF_OK);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    int length = snprintf(click, sizeof click, "{\"visitor\":\"v\",\"item\":\"i\",\"timestamp\":%lld}",
                          (long long)hh_wall_clock());
    for (int32_t i = 0; i < PARTITIONS; i++)
        cr_assert_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("clicks"), RD_KAFKA_V_PARTITION(i),
                                       RD_KAFKA_V_VALUE(click, (size_t)length),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(rd_kafka_flush(producer, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(producer);
}

static bool comes_to_count(stage *s, hh_metric metric, double count)
{
    for (int i = 0; i < PATIENCE_MS / 20 && hh_metrics_sum(s->shared.metrics, metric) < count; i++)
        usleep(20000);
    return hh_metrics_sum(s->shared.metrics, metric) == count;
}

Test(group, an_idle_partition_without_a_leader_keeps_no_other_open)
{
    stage s;
    begin(&s);
    set(&s, "session.gap", "1s");
    set(&s, "session.lateness", "0s");
    set(&s, "session.idle_timeout", "2s");
    start(&s);
    cr_assert(comes_to(&s, PARTITIONS));
    click_everywhere(&s);
    cr_assert(comes_to_count(&s, HH_METRIC_CLICKS, PARTITIONS));
    usleep(300000); // the ends are met
    rd_kafka_mock_partition_set_leader(s.mock, "clicks", 0, -1);
    cr_assert(comes_to_count(&s, HH_METRIC_SESSIONS_CLOSED, PARTITIONS - 1));
    end(&s);
}
