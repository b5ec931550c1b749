// The group of those who would take the office.
#include "election.h"

#include "client.h"
#include "rights.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    PARTITION = 0,
    CALL_MS = 1000,
    DRAIN = 16,
    DOUBT_MS = 300000, // who subscribes is told once that there is no topic; making it may fail at first
};

struct hh_election {
    hh_pulse pulse; // the client's opaque; first, so that callbacks find the rest
    rd_kafka_t *consumer;
    const char *topic;
    void (*lost)(void *context);
    void *context;
    bool leads, leaving;
    hh_time doubted_until; // steady clock: the topic may not be there
};

static bool has_ours(const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++)
        if (partitions->elems[i].partition == PARTITION)
            return true;
    return false;
}

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t what,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    hh_election *election = opaque;
    rd_kafka_error_t *error;
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        error = rd_kafka_incremental_assign(consumer, partitions);
        rd_kafka_pause_partitions(consumer, partitions); // it is there to be had, not to be read
        election->leads |= has_ours(partitions);
    } else {
        // Lost without a word: somebody else may have it already.
        if (election->leads && has_ours(partitions) && election->lost && !election->leaving &&
            !rd_kafka_assignment_lost(consumer))
            election->lost(election->context);
        error = rd_kafka_incremental_unassign(consumer, partitions);
        election->leads &= !has_ours(partitions);
    }
    if (!error)
        return;
    HH_COMPLAIN(election->pulse.shared->log, HH_LOG_WARNING, "an election failed",
                HH_TEXT("office", election->pulse.name), HH_TEXT("error", rd_kafka_error_name(error)),
                HH_TEXT("reason", rd_kafka_error_string(error)));
    rd_kafka_error_destroy(error);
}

static hh_status join(hh_election *election, hh_error *error)
{
    const hh_config *config = election->pulse.shared->config;
    char group[HH_REFUSAL_SIZE / 2];
    hh_group_of(config, election->pulse.name, group);
    rd_kafka_conf_t *conf = hh_client_conf(config, HH_KAFKA_WORKER, &election->pulse, error);
    if (!conf)
        return error->status;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    hh_status status = hh_client_set(conf, "group.id", group, error);
    if (status) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    election->consumer = hh_client_new(RD_KAFKA_CONSUMER, conf, error);
    if (!election->consumer)
        return error->status;
    rd_kafka_poll_set_consumer(election->consumer);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, election->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(election->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code ? hh_fail(error, HH_IO, "the group %s can't be joined: %s", group, rd_kafka_err2str(code))
                : HH_OK;
}

hh_election *hh_election_new(hh_shared *shared, const char *office, const char *topic,
                             void (*lost)(void *context), void *context, hh_error *error)
{
    hh_election *election = calloc(1, sizeof *election);
    if (!election) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    *election = (hh_election){
        .pulse = {.shared = shared, .name = office}, .topic = topic, .lost = lost, .context = context};
    if (join(election, error) == HH_OK)
        return election;
    hh_election_free(election);
    return NULL;
}

void hh_election_free(hh_election *election)
{
    if (!election)
        return;
    hh_client_free(election->consumer);
    free(election);
}

static void say_trouble(hh_election *election, const rd_kafka_message_t *message)
{
    char refusal[HH_REFUSAL_SIZE];
    const hh_right right = {.office = election->pulse.name, .topic = election->topic, .operation = "Read"};
    if (!message->err || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return;
    if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        election->doubted_until = hh_steady_clock() + DOUBT_MS;
    HH_COMPLAIN(election->pulse.shared->log, HH_LOG_WARNING, "an election can't be held",
                HH_TEXT("office", election->pulse.name), HH_TEXT("error", rd_kafka_err2name(message->err)),
                HH_TEXT("reason", hh_refusal(&election->pulse, message->err, rd_kafka_message_errstr(message),
                                             &right, refusal)));
}

void hh_election_serve(hh_election *election, int wait_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(election->consumer, wait_ms);
    if (message) {
        say_trouble(election, message);
        rd_kafka_message_destroy(message);
    }
    if (election->leads && rd_kafka_assignment_lost(election->consumer))
        election->leads = false;
    if (!election->leads && hh_steady_clock() < election->doubted_until)
        atomic_store(&election->pulse.shared->doubts_topics, true);
}

bool hh_election_leads(const hh_election *election)
{
    return election->leads;
}

int64_t hh_election_end(hh_election *election)
{
    int64_t end;
    return hh_kafka_log_end(election->consumer, election->topic, PARTITION, &end, CALL_MS) ? -1 : end;
}

void hh_election_leave(hh_election *election)
{
    rd_kafka_message_t *messages[DRAIN];
    election->leads = false;
    election->leaving = true;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(election->consumer);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(election->consumer, queue);
    while (!error && !rd_kafka_consumer_closed(election->consumer) &&
           !hh_out_of_time(election->pulse.shared)) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 20, messages, DRAIN);
        for (ssize_t i = 0; i < count; i++)
            rd_kafka_message_destroy(messages[i]);
    }
    rd_kafka_error_destroy(error);
    rd_kafka_queue_destroy(queue);
}
