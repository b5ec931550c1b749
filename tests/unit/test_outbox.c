// The error paths of a worker's producer, on librdkafka's mock brokers. What becomes visible in Kafka is for
// the integration tests: the mock keeps no transactional offsets and shows aborted records.
#include "daemon/outbox.h"
#include "daemon/settings.h"
#include "daemon/transaction.h"
#include "wire/kafka.h"
#include <criterion/criterion.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { API_PRODUCE = 0, API_INIT_PRODUCER_ID = 22, API_END_TXN = 26, API_TXN_OFFSET_COMMIT = 28 };

typedef struct stage {
    rd_kafka_t *host, *consumer;
    rd_kafka_mock_cluster_t *mock;
    hh_settings *settings;
    hh_shared shared;
    hh_pulse pulse;
    hh_outbox *outbox;
    rd_kafka_topic_partition_list_t *positions;
} stage;

static void no_complaint(void *context, const char *sentence)
{
    (void)context;
    (void)sentence;
    cr_assert(false, "%s", sentence);
}

static void set(stage *s, const char *name, const char *value)
{
    char assignment[300];
    snprintf(assignment, sizeof assignment, "%s=%s", name, value);
    cr_assert_eq(hh_settings_set(s->settings, assignment, no_complaint, NULL), HH_OK);
}

static void begin(stage *s, const char *delivery)
{
    char text[300];
    hh_error error;
    *s = (stage){0};
    rd_kafka_conf_t *quiet = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(quiet, NULL);
    s->host = rd_kafka_new(RD_KAFKA_PRODUCER, quiet, text, sizeof text);
    s->mock = rd_kafka_mock_cluster_new(s->host, 1);
    for (const char *const *topic = (const char *const[]){"clicks", "hiphop.recommendations",
                                                          "hiphop.sessions", "hiphop.dead-letters", NULL};
         *topic; topic++)
        rd_kafka_mock_topic_create(s->mock, *topic, 1, 1);
    s->settings = hh_settings_new();
    set(s, "kafka.brokers", rd_kafka_mock_cluster_bootstraps(s->mock));
    set(s, "instance.id", "test");
    set(s, "pipeline.delivery", delivery);
    set(s, "log.level", "error");
    s->shared.config = hh_settings_config(s->settings);
    s->shared.log = hh_logger_new(STDERR_FILENO, s->shared.config->log.level);
    s->pulse.shared = &s->shared;

    rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_WORKER, s->shared.config->kafka.brokers, NULL, 0, &error);
    rd_kafka_conf_set_log_cb(conf, NULL);
    cr_assert_eq(rd_kafka_conf_set(conf, "group.id", "hiphop", text, sizeof text), RD_KAFKA_CONF_OK);
    s->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    s->positions = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(s->positions, "clicks", 0)->offset = 7;
    s->outbox = hh_outbox_new(&s->shared, &s->pulse, 0, &error);
    cr_assert_eq(hh_outbox_open(s->outbox), HH_OUTBOX_DONE);
}

static void end(stage *s)
{
    hh_outbox_free(s->outbox);
    rd_kafka_topic_partition_list_destroy(s->positions);
    rd_kafka_destroy(s->consumer);
    rd_kafka_mock_cluster_destroy(s->mock);
    rd_kafka_destroy(s->host);
    hh_logger_free(s->shared.log);
    hh_settings_free(s->settings);
}

static void put(stage *s)
{
    hh_outbox_put(s->outbox, &(hh_outgoing){.to = HH_OUTPUT_SESSIONS,
                                            .key = "k",
                                            .key_length = 1,
                                            .value = "value",
                                            .value_length = 5,
                                            .timestamp = 1700000000000});
}

static hh_outbox_result commit(stage *s)
{
    return hh_outbox_commit(s->outbox, s->consumer, s->positions, true);
}

// Whatever has happened: work goes through again. librdkafka may need a second attempt after an epoch that
// the brokers did not like.
static void assert_works(stage *s)
{
    hh_outbox_result result = HH_OUTBOX_LOST;
    for (int attempt = 0; attempt < 3 && result == HH_OUTBOX_LOST; attempt++) {
        cr_assert_eq(hh_outbox_open(s->outbox), HH_OUTBOX_DONE);
        put(s);
        result = commit(s);
    }
    cr_assert_eq(result, HH_OUTBOX_DONE);
}

static void fail_next(stage *s, int api, rd_kafka_resp_err_t error, int times)
{
    for (int i = 0; i < times; i++)
        rd_kafka_mock_push_request_errors(s->mock, (int16_t)api, 1, error);
}

Test(outbox, commits_one_transaction_after_the_other)
{
    stage s;
    begin(&s, "exactly-once");
    for (int i = 0; i < 3; i++)
        assert_works(&s);
    cr_assert_eq(commit(&s), HH_OUTBOX_DONE, "positions alone are a transaction too");
    end(&s);
}

// The first records of a transaction that begins at once would be refused, and sent again 20 ms later.
Test(outbox, lets_the_broker_settle_a_transaction_before_the_next)
{
    stage s;
    char text[300];
    begin(&s, "exactly-once");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(s.mock), text,
                                   sizeof text),
                 RD_KAFKA_CONF_OK);
    cr_assert_eq(rd_kafka_conf_set(conf, "transactional.id", "settles", text, sizeof text), RD_KAFKA_CONF_OK);
    hh_transaction transaction = {.shared = &s.shared,
                                  .pulse = &s.pulse,
                                  .producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text)};
    cr_assert_null(rd_kafka_init_transactions(transaction.producer, 10000));
    rd_kafka_consumer_group_metadata_t *membership = rd_kafka_consumer_group_metadata(s.consumer);
    cr_assert(hh_transaction_begin(&transaction));
    hh_time before = hh_steady_clock();
    cr_assert_eq(hh_transaction_commit(&transaction, s.positions, membership), HH_TRANSACTION_DONE);
    cr_assert_geq(transaction.committed, before);
    transaction.committed = hh_steady_clock(); // this very moment, wherever the test was held up
    cr_assert(hh_transaction_begin(&transaction));
    cr_assert_geq(hh_steady_clock() - transaction.committed, HH_SETTLE_MS);
    cr_assert(hh_transaction_roll_back(&transaction));
    rd_kafka_consumer_group_metadata_destroy(membership);
    rd_kafka_destroy(transaction.producer);
    end(&s);
}

Test(outbox, tries_the_same_commit_again_where_that_may_help)
{
    stage s;
    begin(&s, "exactly-once");
    put(&s);
    fail_next(&s, API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, 2);
    fail_next(&s, API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 1);
    cr_assert_eq(commit(&s), HH_OUTBOX_DONE);
    assert_works(&s);
    end(&s);
}

Test(outbox, loses_what_the_group_no_longer_lets_it_commit)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                                                 RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
                                                 RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID};
    stage s;
    begin(&s, "exactly-once");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        put(&s);
        fail_next(&s, API_TXN_OFFSET_COMMIT, errors[i], 1);
        cr_assert_eq(commit(&s), HH_OUTBOX_LOST, "%s", rd_kafka_err2name(errors[i]));
        assert_works(&s);
    }
    end(&s);
}

Test(outbox, begins_anew_when_it_is_fenced)
{
    stage s;
    begin(&s, "exactly-once");
    put(&s);
    fail_next(&s, API_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    cr_assert_eq(commit(&s), HH_OUTBOX_LOST);
    assert_works(&s);
    end(&s);
}

Test(outbox, loses_a_transaction_of_which_a_record_was_refused)
{
    stage s;
    begin(&s, "exactly-once");
    put(&s);
    fail_next(&s, API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);
    cr_assert_eq(commit(&s), HH_OUTBOX_LOST);
    assert_works(&s);
    end(&s);
}

Test(outbox, aborts_when_told_to)
{
    stage s;
    begin(&s, "exactly-once");
    put(&s);
    cr_assert_eq(hh_outbox_abort(s.outbox), HH_OUTBOX_LOST);
    assert_works(&s);
    end(&s);
}

Test(outbox, waits_for_a_coordinator_before_it_opens)
{
    stage s;
    begin(&s, "exactly-once");
    fail_next(&s, API_END_TXN, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 1);
    put(&s);
    cr_assert_eq(commit(&s), HH_OUTBOX_LOST);
    fail_next(&s, API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, 3);
    assert_works(&s);
    end(&s);
}

Test(outbox, gives_up_in_time_when_no_broker_answers)
{
    stage s;
    begin(&s, "exactly-once");
    put(&s);
    rd_kafka_mock_broker_set_down(s.mock, 1);
    atomic_store(&s.shared.stop_by, hh_steady_clock() + 1);
    atomic_store(&s.shared.stopping, true);
    cr_assert_eq(commit(&s), HH_OUTBOX_STOPPED);
    end(&s);
}

Test(outbox, acknowledged_commits_wait_for_what_was_put_before)
{
    stage s;
    begin(&s, "at-least-once");
    rd_kafka_mock_broker_set_rtt(s.mock, 1, 200);
    put(&s);
    cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, s.positions, false), HH_OUTBOX_LATER);
    put(&s); // belongs to the next one
    cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, NULL, true), HH_OUTBOX_DONE);
    cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, NULL, true), HH_OUTBOX_DONE, "nothing to commit");
    cr_assert_eq(commit(&s), HH_OUTBOX_DONE);
    end(&s);
}

Test(outbox, an_acknowledged_commit_holds_nobody_up)
{
    stage s;
    begin(&s, "at-least-once");
    rd_kafka_mock_broker_set_rtt(s.mock, 1, 200);
    cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, s.positions, false), HH_OUTBOX_LATER, "none waits");
    put(&s);
    cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, NULL, false), HH_OUTBOX_LATER);
    cr_assert_eq(commit(&s), HH_OUTBOX_DONE, "both");
    end(&s);
}

Test(outbox, an_acknowledged_commit_that_no_broker_answers_is_given_up)
{
    stage s;
    begin(&s, "at-least-once");
    rd_kafka_mock_broker_set_down(s.mock, 1);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, i ? NULL : s.positions, false), HH_OUTBOX_LATER);
    cr_assert_eq(hh_outbox_abort(s.outbox), HH_OUTBOX_LOST);
    rd_kafka_mock_broker_set_up(s.mock, 1);
    assert_works(&s);
    cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, s.positions, false), HH_OUTBOX_LATER);
    rd_kafka_mock_broker_set_down(s.mock, 1);
    atomic_store(&s.shared.stop_by, hh_steady_clock() + 1);
    atomic_store(&s.shared.stopping, true);
    cr_assert_eq(commit(&s), HH_OUTBOX_STOPPED);
    end(&s);
}

Test(outbox, acknowledged_commits_are_lost_with_a_record_that_was_refused)
{
    stage s;
    begin(&s, "at-least-once");
    fail_next(&s, API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, 1);
    put(&s);
    cr_assert_eq(commit(&s), HH_OUTBOX_LOST);
    assert_works(&s);
    end(&s);
}

Test(outbox, acknowledged_commits_outlast_a_rebalance)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                                                 RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS};
    stage s;
    begin(&s, "at-least-once");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        put(&s);
        fail_next(&s, API_TXN_OFFSET_COMMIT, errors[i], 2);
        cr_assert_eq(commit(&s), HH_OUTBOX_DONE, "%s: offered again", rd_kafka_err2name(errors[i]));
        fail_next(&s, API_TXN_OFFSET_COMMIT, errors[i], 1);
        cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, s.positions, false), HH_OUTBOX_LATER, "%s: kept",
                     rd_kafka_err2name(errors[i]));
        cr_assert_eq(hh_outbox_commit(s.outbox, s.consumer, NULL, true), HH_OUTBOX_DONE);
        assert_works(&s);
    }
    end(&s);
}

// Half a minute, in which a worker would write more and more that is to be written again.
Test(outbox, acknowledged_commits_are_not_offered_for_ever)
{
    stage s;
    begin(&s, "at-least-once");
    put(&s);
    fail_next(&s, API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, 1000);
    hh_time begun = hh_steady_clock();
    hh_outbox_result result = hh_outbox_commit(s.outbox, s.consumer, s.positions, false);
    for (; result == HH_OUTBOX_LATER; result = hh_outbox_commit(s.outbox, s.consumer, NULL, false)) {
        cr_assert_lt(hh_steady_clock() - begun, 120 * HH_SECOND);
        usleep(5000);
    }
    cr_assert_eq(result, HH_OUTBOX_LOST);
    cr_assert_gt(hh_steady_clock() - begun, 20 * HH_SECOND, "a rebalance may take that long");
    end(&s);
}

static bool put_dead_letter(stage *s, size_t size, size_t header_bytes)
{
    static const char zeros[100];
    char *value = calloc(size, 1);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    cr_assert_not_null(value);
    if (header_bytes)
        rd_kafka_header_add(headers, "h", -1, zeros, (ssize_t)header_bytes - 1);
    bool put = hh_outbox_put(s->outbox, &(hh_outgoing){.to = HH_OUTPUT_DEAD_LETTERS,
                                                       .value = value,
                                                       .value_length = size,
                                                       .timestamp = 1700000000000,
                                                       .headers = headers});
    free(value);
    return put;
}

// The newest record of the dead letters.
static rd_kafka_message_t *read_dead_letter(stage *s)
{
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(from, "hiphop.dead-letters", 0)->offset = 0;
    cr_assert_eq(rd_kafka_assign(s->consumer, from), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(from);
    return rd_kafka_consumer_poll(s->consumer, 10000);
}

Test(outbox, a_dead_letter_that_is_too_large_goes_without_its_value)
{
    stage s;
    const void *size;
    size_t length;
    rd_kafka_headers_t *headers;
    begin(&s, "at-least-once");
    cr_assert(put_dead_letter(&s, 2000000, 0));
    cr_assert_eq(commit(&s), HH_OUTBOX_DONE);
    rd_kafka_message_t *letter = read_dead_letter(&s);
    cr_assert(letter && !letter->err && letter->len == 0);
    cr_assert_eq(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert_eq(rd_kafka_header_get_last(headers, "hiphop.value.bytes", &size, &length),
                 RD_KAFKA_RESP_ERR_NO_ERROR);
    cr_assert(length == 7 && memcmp(size, "2000000", 7) == 0);
    rd_kafka_message_destroy(letter);
    end(&s);
}

Test(outbox, a_dead_letter_that_is_too_large_without_its_value_goes_without_the_clicks_headers_and_key)
{
    for (int keyed = 0; keyed < 2; keyed++) {
        stage s;
        size_t large = 2000000;
        char *bytes = calloc(large, 1);
        rd_kafka_headers_t *headers = rd_kafka_headers_new(3);
        cr_assert_not_null(bytes);
        begin(&s, "at-least-once");
        rd_kafka_header_add(headers, "trace", -1, bytes, keyed ? 10 : (ssize_t)large);
        rd_kafka_header_add(headers, "__connect.errors.offset", -1, "7", 1);
        rd_kafka_header_add(headers, "trace", -1, "x", 1);
        cr_assert(hh_outbox_put(s.outbox, &(hh_outgoing){.to = HH_OUTPUT_DEAD_LETTERS,
                                                         .key = keyed ? bytes : "ann",
                                                         .key_length = keyed ? large : 3,
                                                         .value = "{",
                                                         .value_length = 1,
                                                         .timestamp = 1700000000000,
                                                         .headers = headers}));
        free(bytes);
        cr_assert_eq(commit(&s), HH_OUTBOX_DONE);
        rd_kafka_message_t *letter = read_dead_letter(&s);
        cr_assert(letter && !letter->err && letter->len == 0 && letter->key_len == (keyed ? 0 : 3));
        const void *value;
        size_t length;
        cr_assert_eq(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
        cr_expect_eq(rd_kafka_header_get_last(headers, "__connect.errors.offset", &value, &length),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
        cr_expect_eq(rd_kafka_header_get_last(headers, "trace", &value, &length), RD_KAFKA_RESP_ERR__NOENT);
        rd_kafka_message_destroy(letter);
        end(&s);
    }
}

Test(outbox, what_brokers_refuse_for_its_size_is_not_tried_for_ever)
{
    for (int once = 0; once < 2; once++) {
        stage s;
        begin(&s, once ? "exactly-once" : "at-least-once");
        for (int attempt = 0; attempt < 2; attempt++) { // in a batch, and by itself
            fail_next(&s, API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
            cr_assert(put_dead_letter(&s, 1000, 100));
            cr_assert_eq(commit(&s), HH_OUTBOX_LOST);
            cr_assert_eq(hh_outbox_open(s.outbox), HH_OUTBOX_DONE);
        }
        hh_outbox_result result = HH_OUTBOX_LOST;
        for (int attempt = 0; attempt < 3 && result == HH_OUTBOX_LOST; attempt++) {
            cr_assert_eq(hh_outbox_open(s.outbox), HH_OUTBOX_DONE);
            cr_assert(put_dead_letter(&s, 1099, 0), "it fits");
            cr_assert(put_dead_letter(&s, 999, 100), "it fits");
            cr_assert(put_dead_letter(&s, 1000, 100), "it doesn't");
            result = commit(&s);
        }
        cr_assert_eq(result, HH_OUTBOX_DONE);
        size_t lengths[3] = {0};
        rd_kafka_message_t *letter = read_dead_letter(&s);
        for (; letter && letter->err == RD_KAFKA_RESP_ERR_NO_ERROR;
             letter = rd_kafka_consumer_poll(s.consumer, 10000)) {
            lengths[0] = lengths[1];
            lengths[1] = lengths[2];
            lengths[2] = letter->len;
            rd_kafka_message_destroy(letter);
        }
        cr_assert(letter && letter->err == RD_KAFKA_RESP_ERR__PARTITION_EOF);
        rd_kafka_message_destroy(letter);
        cr_assert(lengths[0] == 1099 && lengths[1] == 999 && lengths[2] == 0, "%zu, %zu, %zu", lengths[0],
                  lengths[1], lengths[2]);
        end(&s);
    }
}

// The mock does not tell its topics' limits, so nothing explains the refusal.
Test(outbox, a_record_that_is_refused_for_its_time_is_written_with_the_present)
{
    for (int once = 0; once < 2; once++) {
        stage s;
        begin(&s, once ? "exactly-once" : "at-least-once");
        fail_next(&s, API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, 1);
        cr_assert(put_dead_letter(&s, 1, 0));
        cr_assert_eq(commit(&s), HH_OUTBOX_LOST);
        hh_outbox_result result = HH_OUTBOX_LOST;
        for (int attempt = 0; attempt < 3 && result == HH_OUTBOX_LOST; attempt++) {
            cr_assert_eq(hh_outbox_open(s.outbox), HH_OUTBOX_DONE);
            cr_assert(put_dead_letter(&s, 1, 0));
            result = commit(&s);
        }
        cr_assert_eq(result, HH_OUTBOX_DONE);
        rd_kafka_message_t *letter = read_dead_letter(&s);
        rd_kafka_timestamp_type_t type;
        cr_assert(letter && !letter->err);
        cr_expect_geq(rd_kafka_message_timestamp(letter, &type), hh_wall_clock() - HH_MINUTE);
        rd_kafka_message_destroy(letter);
        end(&s);
    }
}

static bool put_session(stage *s, size_t size)
{
    char *value = calloc(size, 1);
    cr_assert_not_null(value);
    bool put = hh_outbox_put(s->outbox, &(hh_outgoing){.to = HH_OUTPUT_SESSIONS,
                                                       .value = value,
                                                       .value_length = size,
                                                       .timestamp = 1700000000000});
    free(value);
    return put;
}

Test(outbox, what_is_left_out_for_its_size_counts_when_it_is_committed)
{
    for (int once = 0; once < 2; once++) {
        stage s;
        begin(&s, once ? "exactly-once" : "at-least-once");
        s.shared.metrics = hh_metrics_new();
        cr_assert_not_null(s.shared.metrics);
        cr_assert_not(put_session(&s, 2000000));
        cr_assert_eq(hh_outbox_abort(s.outbox), HH_OUTBOX_LOST);
        assert_works(&s);
        cr_expect_eq(hh_metrics_sum(s.shared.metrics, HH_METRIC_RECORDS_LOST), 0, "it comes again");
        cr_assert(put_session(&s, 10), "it fits");
        cr_assert_not(put_session(&s, 2000000));
        cr_assert_not(put_session(&s, 3000000));
        cr_assert_eq(commit(&s), HH_OUTBOX_DONE);
        cr_assert_eq(commit(&s), HH_OUTBOX_DONE);
        cr_expect_eq(hh_metrics_value(s.shared.metrics, HH_METRIC_RECORDS_LOST, HH_OUTPUT_SESSIONS), 2);
        cr_expect_eq(hh_metrics_sum(s.shared.metrics, HH_METRIC_RECORDS_LOST), 2);
        hh_metrics_free(s.shared.metrics);
        end(&s);
    }
}
