// Membership in the consumer group, and restoring partitions.
#include "group.h"

#include "client.h"
#include "rights.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALL_MS = 1000,        // longest that one call may wait for a broker
    PAUSE_MS = 200,        // before another attempt to restore when the group's coordinator doesn't answer,
    FIRST_PAUSE_MS = 1000, // and when only partitions are left that could not be restored the last time
    LONGEST_PAUSE_MS = 5000,
    DRAIN_MESSAGES = 64,
    STREAK_MS = 60000, // fatal errors nearer than this are a streak,
    STREAK_MAX = 5,    // and so many are enough
};

// ---- rebalances ----

static void on_rebalance(rd_kafka_t *consumer, rd_kafka_resp_err_t what,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    hh_worker *worker = (hh_worker *)((char *)opaque - offsetof(hh_worker, pulse));
    hh_rebalance *asked = worker->closing ? NULL : calloc(1, sizeof *asked);
    if (asked) {
        asked->what = what;
        asked->lost = rd_kafka_assignment_lost(consumer);
        asked->partitions = rd_kafka_topic_partition_list_copy(partitions);
        hh_rebalance **last = &worker->rebalances;
        while (*last)
            last = &(*last)->next;
        // What the same call still brings is of partitions that are ours until this is dealt with. It must
        // not be kept back by rd_kafka_yield(): rd_kafka_consume_batch_queue() of librdkafka 2.0 then takes
        // one more message from its queue, and drops it.
        *last = asked;
        return;
    }
    if (!worker->closing)
        worker->trouble = HH_MEMORY;
    if (what == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(consumer, partitions));
    else
        rd_kafka_assign(consumer, NULL);
}

static void say_error(hh_worker *worker, const char *what, rd_kafka_error_t *error)
{
    if (!error)
        return;
    HH_COMPLAIN(worker->shared->log, HH_LOG_WARNING, what, HH_NUMBER("worker", worker->number),
                HH_TEXT("error", rd_kafka_error_name(error)),
                HH_TEXT("reason", rd_kafka_error_string(error)));
    rd_kafka_error_destroy(error);
}

static void say_partitions(hh_worker *worker, const char *what,
                           const rd_kafka_topic_partition_list_t *partitions)
{
    char text[256] = "";
    size_t length = 0;
    for (int i = 0; i < partitions->cnt && length < sizeof text; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%ld", i ? "," : "",
                                   (long)partitions->elems[i].partition);
    HH_LOG(worker->shared->log, HH_LOG_INFO, what, HH_NUMBER("worker", worker->number),
           HH_NUMBER("count", partitions->cnt), HH_TEXT("partitions", text));
}

static void count_assigned(hh_worker *worker)
{
    int assigned = 0;
    for (int32_t i = 0; i < worker->partition_slots; i++)
        assigned += worker->partitions[i] && worker->partitions[i]->assigned;
    atomic_store(&worker->assigned, assigned);
}

static hh_status make_room(hh_worker *worker, int32_t number)
{
    if (number < worker->partition_slots)
        return HH_OK;
    int32_t slots = number + 1 > 2 * worker->partition_slots ? number + 1 : 2 * worker->partition_slots;
    hh_partition **partitions = realloc(worker->partitions, (size_t)slots * sizeof(hh_partition *));
    if (!partitions)
        return HH_MEMORY;
    memset(partitions + worker->partition_slots, 0,
           (size_t)(slots - worker->partition_slots) * sizeof(hh_partition *));
    worker->partitions = partitions;
    worker->partition_slots = slots;
    return HH_OK;
}

static hh_outbox_result take_over(hh_worker *worker, const hh_rebalance *asked)
{
    say_partitions(worker, "partitions assigned", asked->partitions);
    hh_not_refused(&worker->pulse);
    if (asked->partitions->cnt == 0) {
        say_error(worker, "assignment refused",
                  rd_kafka_incremental_assign(worker->consumer, asked->partitions));
        count_assigned(worker);
        return HH_OUTBOX_DONE;
    }
    for (int i = 0; i < asked->partitions->cnt; i++) {
        int32_t number = asked->partitions->elems[i].partition;
        worker->trouble = make_room(worker, number);
        if (!worker->trouble && !worker->partitions[number]) {
            worker->partitions[number] = hh_partition_new(worker, number);
            worker->trouble = worker->partitions[number] ? HH_OK : HH_MEMORY;
        }
        if (worker->trouble)
            return HH_OUTBOX_FAILED;
    }
    worker->restoring = true; // the group hears of it when we know where to begin
    worker->next_restore = 0;
    return HH_OUTBOX_DONE;
}

static void hide(const hh_worker *worker, int32_t number)
{
    if (number >= HH_METRIC_PARTITIONS)
        return;
    hh_metrics_unset(worker->shared->metrics, HH_METRIC_SESSIONS_OPEN, (size_t)number);
    hh_metrics_unset(worker->shared->metrics, HH_METRIC_WATERMARK, (size_t)number);
    hh_metrics_unset(worker->shared->metrics, HH_METRIC_LAG, (size_t)number);
}

static hh_outbox_result hand_over(hh_worker *worker, const hh_rebalance *asked)
{
    say_partitions(worker, asked->lost ? "partitions lost" : "partitions revoked", asked->partitions);
    hh_outbox_result result = HH_OUTBOX_DONE;
    if (asked->lost) // somebody else may have them already: what we have made of them must not become visible
        result = hh_worker_give_up(worker);
    else
        result = hh_worker_commit(worker, true);
    rd_kafka_topic_partition_list_t *held = rd_kafka_topic_partition_list_new(asked->partitions->cnt);
    for (int i = 0; i < asked->partitions->cnt; i++) {
        int32_t number = asked->partitions->elems[i].partition;
        hh_partition *partition = hh_group_partition(worker, number);
        if (!partition)
            continue;
        if (partition->held)
            rd_kafka_topic_partition_list_add(held, asked->partitions->elems[i].topic, number);
        hh_partition_free(partition);
        worker->partitions[number] = NULL;
        hide(worker, number);
    }
    say_error(worker, "revocation refused", rd_kafka_incremental_unassign(worker->consumer, held));
    rd_kafka_topic_partition_list_destroy(held);
    count_assigned(worker);
    if (asked->lost) // until the group assigns anew, be it nothing
        atomic_store(&worker->assigned, -1);
    return result == HH_OUTBOX_LOST ? HH_OUTBOX_DONE : result;
}

// ---- restoring ----

hh_partition *hh_group_partition(const hh_worker *worker, int32_t number)
{
    return number >= 0 && number < worker->partition_slots ? worker->partitions[number] : NULL;
}

static rd_kafka_resp_err_t restore(hh_worker *worker, hh_partition *partition,
                                   const rd_kafka_topic_partition_t *committed)
{
    int64_t low, high, position = committed->offset;
    char *metadata = NULL;
    hh_error error;
    rd_kafka_resp_err_t code = hh_kafka_log_bounds(worker->consumer, worker->shared->config->topics.clicks,
                                                   partition->number, &low, &high, CALL_MS);
    hh_pulse_beat(&worker->pulse);
    if (code)
        return code;
    if (position > high) {
        HH_LOG(worker->shared->log, HH_LOG_WARNING,
               "committed position is beyond the end of the log, which must have been made anew: beginning "
               "there",
               HH_NUMBER("partition", partition->number), HH_NUMBER("position", position),
               HH_NUMBER("end", high));
        position = -1;
    }
    if (position >= 0 && committed->metadata_size > 0)
        metadata = strndup(committed->metadata, committed->metadata_size);
    worker->trouble =
        hh_partition_restore(partition, position >= 0 ? position : low, metadata, hh_wall_clock(), &error);
    free(metadata);
    if (partition->next < low && !worker->trouble) {
        HH_LOG(
            worker->shared->log, HH_LOG_WARNING,
            partition->position < low
                ? "clicks were deleted before they were read; retention.ms of the topic is too short"
                : "clicks of open sessions were deleted, and these sessions with them; retention.ms of the "
                  "topic is too short",
            HH_NUMBER("partition", partition->number), HH_NUMBER("needed", partition->next),
            HH_NUMBER("committed", partition->position), HH_NUMBER("oldest", low));
        partition->next = low;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void say_not_yet(hh_worker *worker, int32_t number, rd_kafka_resp_err_t code)
{
    char refusal[HH_REFUSAL_SIZE];
    const hh_right right = {.topic = worker->shared->config->topics.clicks, .operation = "Read"};
    HH_COMPLAIN(worker->shared->log, HH_LOG_WARNING, "partitions can't be restored yet",
                HH_NUMBER("worker", worker->number), HH_NUMBER("partition", number),
                HH_TEXT("error", rd_kafka_err2name(code)),
                HH_TEXT("reason", hh_refusal(&worker->pulse, code, rd_kafka_err2str(code), &right, refusal)));
}

// Restores the partitions of the list, those first that did not fail the last time, and adds them to `ready`.
// The first that fails ends it: a partition without a leader costs a second, and must not hold up those that
// have one for longer.
static void restore_some(hh_worker *worker, const rd_kafka_topic_partition_list_t *list,
                         rd_kafka_topic_partition_list_t *ready)
{
    for (int failed = 0; failed < 2; failed++)
        for (int i = 0; i < list->cnt; i++) {
            const rd_kafka_topic_partition_t *committed = &list->elems[i];
            hh_partition *partition = worker->partitions[committed->partition];
            if (partition->failed != failed)
                continue;
            rd_kafka_resp_err_t code =
                committed->err ? committed->err : restore(worker, partition, committed);
            if (worker->trouble)
                return;
            partition->failed = code != RD_KAFKA_RESP_ERR_NO_ERROR;
            if (partition->failed) {
                say_not_yet(worker, partition->number, code);
                return;
            }
            rd_kafka_topic_partition_list_add(ready, committed->topic, partition->number)->offset =
                partition->next;
        }
}

static bool assign(hh_worker *worker, const rd_kafka_topic_partition_list_t *ready)
{
    rd_kafka_error_t *error = rd_kafka_incremental_assign(worker->consumer, ready);
    if (error) {
        say_error(worker, "assignment refused", error);
        return false;
    }
    for (int i = 0; i < ready->cnt; i++) {
        hh_partition *partition = worker->partitions[ready->elems[i].partition];
        int64_t replay = partition->position - partition->next;
        partition->assigned = partition->held = true;
        HH_LOG(worker->shared->log, HH_LOG_INFO, "partition restored", HH_NUMBER("worker", worker->number),
               HH_NUMBER("partition", partition->number), HH_NUMBER("position", partition->position),
               HH_NUMBER("replay", replay > 0 ? replay : 0));
    }
    return true;
}

// When to try again what is not assigned yet; at once where something has just worked or was not tried.
static void plan_restore(hh_worker *worker, bool progress)
{
    bool untried = false;
    worker->restoring = false;
    for (int32_t i = 0; i < worker->partition_slots; i++) {
        const hh_partition *partition = worker->partitions[i];
        if (!partition || partition->assigned)
            continue;
        worker->restoring = true;
        untried |= !partition->failed;
    }
    hh_time pause = worker->restore_pause;
    pause = progress ? 0 : pause ? 2 * pause : FIRST_PAUSE_MS;
    worker->restore_pause = pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS;
    worker->next_restore = hh_steady_clock() + (untried ? 0 : worker->restore_pause);
}

// Brings every partition that isn't assigned to where Kafka says it stands, as far as brokers let us.
static void restore_all(hh_worker *worker)
{
    const char *topic = worker->shared->config->topics.clicks;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(worker->partition_slots);
    rd_kafka_topic_partition_list_t *held = rd_kafka_topic_partition_list_new(worker->partition_slots);
    rd_kafka_topic_partition_list_t *ready = rd_kafka_topic_partition_list_new(worker->partition_slots);
    for (int32_t i = 0; i < worker->partition_slots; i++) {
        hh_partition *partition = worker->partitions[i];
        if (!partition || partition->assigned)
            continue;
        rd_kafka_topic_partition_list_add(list, topic, i);
        if (partition->held)
            rd_kafka_topic_partition_list_add(held, topic, i);
        partition->held = false;
    }
    if (held->cnt)
        say_error(worker, "rewind refused", rd_kafka_incremental_unassign(worker->consumer, held));
    // Waits for a predecessor's transaction to be settled: librdkafka asks for stable offsets.
    rd_kafka_resp_err_t code =
        list->cnt ? rd_kafka_committed(worker->consumer, list, CALL_MS) : RD_KAFKA_RESP_ERR_NO_ERROR;
    hh_pulse_beat(&worker->pulse);
    if (code) {
        say_not_yet(worker, -1, code);
        worker->next_restore = hh_steady_clock() + PAUSE_MS;
    } else {
        restore_some(worker, list, ready);
    }
    if (!code && !worker->trouble) {
        bool refused = ready->cnt && !assign(worker, ready);
        plan_restore(worker, ready->cnt && !refused);
        if (refused)
            worker->next_restore = hh_steady_clock() + worker->restore_pause;
        if (ready->cnt || !worker->restoring) {
            if (list->cnt) // else nobody was asked
                atomic_store(&worker->pulse.broken, false);
            count_assigned(worker);
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_topic_partition_list_destroy(held);
    rd_kafka_topic_partition_list_destroy(ready);
}

void hh_group_rewind(hh_worker *worker)
{
    for (int32_t i = 0; i < worker->partition_slots; i++)
        if (worker->partitions[i])
            worker->partitions[i]->assigned = false;
    worker->restoring = true;
    worker->next_restore = 0;
}

void hh_group_out_of_range(hh_worker *worker, hh_partition *partition)
{
    // What was done of it is committed first by hh_group_serve(), or it would be done twice.
    partition->out_of_range = true;
    worker->restoring = true;
    worker->next_restore = 0;
}

static hh_outbox_result leave_ranges(hh_worker *worker)
{
    bool any = false;
    for (int32_t i = 0; i < worker->partition_slots; i++)
        any |= worker->partitions[i] && worker->partitions[i]->out_of_range;
    if (!any)
        return HH_OUTBOX_DONE;
    hh_outbox_result result = hh_worker_commit(worker, true);
    for (int32_t i = 0; i < worker->partition_slots; i++) {
        if (!worker->partitions[i] || !worker->partitions[i]->out_of_range)
            continue;
        worker->partitions[i]->out_of_range = false;
        worker->partitions[i]->assigned = false;
    }
    return result == HH_OUTBOX_LOST ? HH_OUTBOX_DONE : result;
}

static hh_outbox_result join(hh_worker *worker)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, worker->shared->config->topics.clicks, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(worker->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    worker->joined = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code)
        hh_group_trouble(worker, code, rd_kafka_err2str(code));
    return code ? HH_OUTBOX_FAILED : HH_OUTBOX_DONE;
}

static void forget_rebalances(hh_worker *worker)
{
    while (worker->rebalances) {
        hh_rebalance *asked = worker->rebalances;
        worker->rebalances = asked->next;
        if (asked->what != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
            rd_kafka_assign(worker->consumer, NULL);
        rd_kafka_topic_partition_list_destroy(asked->partitions);
        free(asked);
    }
}

// The consumer is beyond repair, and a new one takes its place. This happens to a lone daemon, too:
// librdkafka 2.0.2 may fence itself when the coordinator comes back in the middle of its join. Who is fenced
// again and again shares its name with another hiphopd, and gives way.
static hh_outbox_result rejoin(hh_worker *worker, rd_kafka_resp_err_t fatal, const char *reason)
{
    hh_error error;
    hh_time steady = hh_steady_clock();
    worker->fatal_streak = steady - worker->last_fatal < STREAK_MS ? worker->fatal_streak + 1 : 1;
    worker->last_fatal = steady;
    HH_LOG(worker->shared->log, HH_LOG_ERROR, "the consumer is replaced", HH_NUMBER("worker", worker->number),
           HH_TEXT("error", rd_kafka_err2name(fatal)), HH_TEXT("reason", reason));
    if (worker->fatal_streak > STREAK_MAX) {
        HH_LOG(worker->shared->log, HH_LOG_ERROR,
               fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
                   ? "another hiphopd of this group has the same instance.id and has taken over"
                   : "the consumer can't go on",
               HH_TEXT("instance", worker->shared->config->instance.id));
        return HH_OUTBOX_FAILED;
    }
    hh_outbox_result result = hh_worker_give_up(worker);
    if (result != HH_OUTBOX_DONE && result != HH_OUTBOX_LOST)
        return result;
    worker->closing = true; // callbacks that still come are answered at once
    forget_rebalances(worker);
    hh_group_close(worker);
    worker->closing = worker->joined = worker->restoring = false;
    atomic_store(&worker->assigned, -1);
    if (hh_group_open(worker, &error) == HH_OK)
        return HH_OUTBOX_DONE;
    HH_LOG(worker->shared->log, HH_LOG_ERROR, "no consumer", HH_TEXT("reason", error.message));
    return HH_OUTBOX_FAILED;
}

hh_outbox_result hh_group_serve(hh_worker *worker)
{
    hh_outbox_result result = HH_OUTBOX_DONE;
    char reason[300];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(worker->consumer, reason, sizeof reason);
    if (fatal)
        result = rejoin(worker, fatal, reason);
    if (result == HH_OUTBOX_DONE && !worker->joined)
        result = join(worker);
    while (worker->rebalances && result == HH_OUTBOX_DONE) {
        hh_rebalance *asked = worker->rebalances;
        hh_metrics_add(worker->shared->metrics, HH_METRIC_REBALANCES, 0, 1);
        if (asked->what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
            result = take_over(worker, asked);
        else
            result = hand_over(worker, asked);
        worker->rebalances = asked->next;
        rd_kafka_topic_partition_list_destroy(asked->partitions);
        free(asked);
    }
    if (result == HH_OUTBOX_DONE && worker->restoring && hh_steady_clock() >= worker->next_restore) {
        result = leave_ranges(worker);
        if (result == HH_OUTBOX_DONE)
            restore_all(worker);
    }
    return result;
}

// ---- trouble, and the end ----

void hh_group_trouble(hh_worker *worker, rd_kafka_resp_err_t code, const char *text)
{
    char refusal[HH_REFUSAL_SIZE];
    const hh_right right = {.topic = worker->shared->config->topics.clicks, .operation = "Read"};
    HH_COMPLAIN(worker->shared->log, HH_LOG_WARNING, "clicks can't be read",
                HH_NUMBER("worker", worker->number), HH_TEXT("error", rd_kafka_err2name(code)),
                HH_TEXT("reason", hh_refusal(&worker->pulse, code, text, &right, refusal)));
}

hh_status hh_group_open(hh_worker *worker, hh_error *error)
{
    const hh_config *config = worker->shared->config;
    char instance[300];
    rd_kafka_conf_t *conf = hh_client_conf(config, HH_KAFKA_WORKER, &worker->pulse, error);
    if (!conf)
        return error->status;
    snprintf(instance, sizeof instance, "%s-w%u", config->instance.id, worker->number);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    hh_status status = hh_client_set(conf, "group.id", config->kafka.group, error);
    if (status == HH_OK) // static membership: after a restart its partitions are still its own
        status = hh_client_set(conf, "group.instance.id", instance, error);
    if (status == HH_OK) // we know where to begin, and want to hear of it where that is not to be had
        status = hh_client_set(conf, "auto.offset.reset", "error", error);
    if (status) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    worker->consumer = hh_client_new(RD_KAFKA_CONSUMER, conf, error);
    if (!worker->consumer)
        return error->status;
    rd_kafka_poll_set_consumer(worker->consumer);
    worker->queue = rd_kafka_queue_get_consumer(worker->consumer);
    return HH_OK;
}

void hh_group_leave(hh_worker *worker)
{
    rd_kafka_message_t *messages[DRAIN_MESSAGES];
    if (!worker->consumer)
        return;
    worker->closing = true;
    forget_rebalances(worker);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(worker->consumer);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(worker->consumer, queue);
    while (!error && !rd_kafka_consumer_closed(worker->consumer) && !hh_out_of_time(worker->shared)) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, 20, messages, DRAIN_MESSAGES);
        for (ssize_t i = 0; i < count; i++)
            rd_kafka_message_destroy(messages[i]);
    }
    say_error(worker, "the group was not left", error);
    rd_kafka_queue_destroy(queue);
}

void hh_group_close(hh_worker *worker)
{
    for (int32_t i = 0; i < worker->partition_slots; i++) {
        if (worker->partitions[i])
            hide(worker, i);
        hh_partition_free(worker->partitions[i]);
        worker->partitions[i] = NULL;
    }
    if (worker->queue)
        rd_kafka_queue_destroy(worker->queue);
    worker->queue = NULL;
    hh_client_free(worker->consumer);
    worker->consumer = NULL;
}
