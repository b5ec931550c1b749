// The worker's thread: poll, decode, sessionize, publish, commit; and what comes in between: partitions that
// come and go, idle partitions, and going back to what is committed.
#include "worker.h"

#include "client.h"
#include "group.h"
#include "inputs.h"
#include "quality.h"
#include "rights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    BATCH = 512,                   // messages taken from the consumer's queue at a time
    BEHIND_MS = 500,               // longest transaction of who is behind
    IDLE_MS = 100,                 // longest sleep
    COMMIT_MESSAGES = 500000,      // a commit at the latest after so many
    ACKNOWLEDGED_COMMIT_MS = 5000, // at least once: between commits
    FIRST_PAUSE_MS = 100,
    LONGEST_PAUSE_MS = 5000, // between attempts that fail
    LOOK_MS = 500,           // between looks at idle partitions and gauges
    PROBE_MS = 500,          // longest that such a look may wait for a broker
    NO_ANSWER_MS = 5000,     // no such looks after one that no broker has answered
};

// ---- sessions ----

void hh_worker_release(void *context, const hh_session *session)
{
    hh_partition *partition = context;
    for (uint32_t i = 0; i < session->count; i++)
        hh_intern_release(partition->worker->items, session->clicks[i].item);
    free(*session->attachment);
    *session->attachment = NULL;
}

// Of two sessions that become one, what the visitor saw last is that of the later one.
static void merge_shown(const hh_session *session, const hh_session *other)
{
    const void *drop = *session->attachment;
    if (session->clicks[session->count - 1].time < other->clicks[other->count - 1].time)
        *session->attachment = *other->attachment;
    else
        drop = *other->attachment;
    *other->attachment = NULL;
    free((void *)drop);
}

void hh_worker_session(void *context, const hh_session_event *event)
{
    hh_partition *partition = context;
    hh_worker *worker = partition->worker;
    hh_status status = HH_OK;
    switch (event->kind) {
    case HH_SESSION_CLICK:
        if (!event->muted)
            status =
                hh_publish_list(worker->publisher, partition, event->session, event->position, worker->now);
        break;
    case HH_SESSION_MERGED:
        merge_shown(event->session, event->other);
        break;
    case HH_SESSION_CLOSED:
        if (!event->muted) {
            status = hh_publish_session(worker->publisher, partition, event->session, event->reason);
            partition->moved = worker->pending = true;
        }
        hh_worker_release(partition, event->session);
        break;
    }
    if (status == HH_MEMORY)
        worker->trouble = status;
    else if (status) // a limit of the record's format: it would be met again for ever
        HH_COMPLAIN(worker->shared->log, HH_LOG_ERROR, "a record can't be made and is left out",
                    HH_NUMBER("partition", partition->number), HH_NUMBER("session", event->session->id),
                    HH_TEXT("reason", hh_status_text(status)));
}

// ---- messages ----

// Something was done that is to be committed.
static void to_commit(hh_worker *worker)
{
    if (worker->pending)
        return;
    worker->pending = true;
    worker->pending_since = hh_steady_clock();
}

static void moved(hh_worker *worker, hh_partition *partition)
{
    partition->moved = true;
    to_commit(worker);
    worker->pending_messages++;
}

static void dead_letter(hh_worker *worker, const rd_kafka_message_t *message, hh_dead_letter reason,
                        const char *sentence)
{
    worker->dead[reason]++;
    hh_publish_dead_letter(worker->publisher, message, reason, sentence);
}

static void take_click(hh_worker *worker, hh_partition *partition, const rd_kafka_message_t *message)
{
    bool replay = message->offset < partition->position;
    hh_click click;
    hh_error error;
    partition->next = message->offset + 1;
    partition->at_end = false;
    if (!replay) {
        partition->position = partition->next;
        moved(worker, partition);
    }
    // A tombstone is never decoded: there is nothing in it.
    hh_status status = message->len == 0
                           ? HH_FORMAT
                           : hh_click_decode(worker->decoder, message->payload, message->len, &click, &error);
    if (status == HH_MEMORY) {
        worker->trouble = status;
        return;
    }
    if (status) {
        if (!replay)
            dead_letter(worker, message, message->len == 0 ? HH_DEAD_EMPTY : HH_DEAD_MALFORMED,
                        message->len == 0 ? "the record has no value" : error.message);
        return;
    }
    rd_kafka_timestamp_type_t type;
    partition->record_time = rd_kafka_message_timestamp(message, &type);
    uint32_t item = hh_intern_acquire(worker->items, click.item.bytes, click.item.length);
    if (item == HH_INTERN_NONE) {
        worker->trouble = HH_MEMORY;
        return;
    }
    hh_click_fate fate;
    status = hh_sessionizer_push(partition->sessionizer, message->offset, click.visitor.bytes,
                                 click.visitor.length, item, click.time, worker->now, &fate, NULL);
    if (status)
        worker->trouble = status;
    if (status || fate != HH_CLICK_TAKEN)
        hh_intern_release(worker->items, item);
    if (status || replay)
        return;
    if (fate == HH_CLICK_TAKEN)
        worker->taken++;
    else if (fate == HH_CLICK_LATE)
        dead_letter(worker, message, HH_DEAD_LATE, "the click is older than the watermark of its partition");
    else
        dead_letter(worker, message, HH_DEAD_FUTURE,
                    "the click is further ahead of the clock than session.max_skew");
}

// Where clicks are keyed by visitor, as they should be, the key says whose session will be wanted.
static void expect(const hh_worker *worker, const rd_kafka_message_t *message)
{
    const hh_partition *partition = hh_group_partition(worker, message->partition);
    if (!message->err && partition && partition->assigned && message->key_len <= HH_ID_MAX)
        hh_sessionizer_expect(partition->sessionizer, message->key, message->key_len);
}

static void take_message(hh_worker *worker, const rd_kafka_message_t *message)
{
    hh_partition *partition = hh_group_partition(worker, message->partition);
    if (!message->rkt || !partition || !partition->assigned) {
        if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            hh_group_trouble(worker, message->err, rd_kafka_message_errstr(message));
        return; // of a partition that has just gone
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (message->offset >= partition->next) // else: read before a rewind
            take_click(worker, partition, message);
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (message->offset < partition->next)
            return;
        partition->at_end = true;
        partition->end = message->offset;
        partition->unseen = false;
        partition->quiet_since = worker->now;
        // What was between the last record and the end is gone: compacted, or of aborted transactions.
        partition->next = message->offset;
        hh_age_see(&partition->age, message->offset, worker->now, 0);
        atomic_store(&worker->pulse.broken, false);
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        hh_group_out_of_range(worker, partition);
    } else {
        hh_group_trouble(worker, message->err, rd_kafka_message_errstr(message));
    }
}

// ---- committing ----

// What there is to tell Kafka: position and metadata of every partition that has moved.
static hh_status collect_positions(hh_worker *worker)
{
    char text[HH_METADATA_SIZE];
    const char *topic = worker->shared->config->topics.clicks;
    rd_kafka_topic_partition_list_destroy(worker->positions);
    worker->positions = rd_kafka_topic_partition_list_new(worker->partition_slots);
    for (int32_t i = 0; i < worker->partition_slots; i++) {
        hh_partition *partition = worker->partitions[i];
        if (!partition || !partition->assigned || !partition->moved)
            continue;
        hh_status status = hh_partition_metadata(partition, worker->now, text);
        if (status)
            return status;
        rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(worker->positions, topic, i);
        entry->offset = partition->position;
        entry->metadata = strdup(text); // librdkafka frees it
        entry->metadata_size = strlen(text);
        if (!entry->metadata)
            return HH_MEMORY;
    }
    return HH_OK;
}

static void count_commit(hh_worker *worker, hh_time begun)
{
    hh_metrics *metrics = worker->shared->metrics;
    hh_metrics_observe(metrics, HH_METRIC_COMMIT, (double)(hh_steady_clock() - begun) / 1000);
    hh_metrics_add(metrics, HH_METRIC_TRANSACTIONS, HH_COMMITTED, 1);
    hh_metrics_add(metrics, HH_METRIC_CLICKS, HH_OUTCOME_TAKEN, worker->taken);
    for (size_t i = 0; i < HH_DEAD_LETTER_COUNT; i++)
        hh_metrics_add(metrics, HH_METRIC_CLICKS, HH_OUTCOME_DEAD + i, worker->dead[i]);
    worker->taken = 0;
    memset(worker->dead, 0, sizeof worker->dead);
    hh_publisher_committed(worker->publisher, hh_wall_clock());
    worker->pause = 0;
    atomic_store(&worker->pulse.broken, false);
    hh_not_refused(&worker->pulse);
}

static void dealt_with(hh_worker *worker)
{
    for (int32_t i = 0; i < worker->partition_slots; i++)
        if (worker->partitions[i])
            worker->partitions[i]->moved = false;
    worker->pending = false;
    worker->pending_messages = 0;
}

// Nothing since the last commit has happened: goes back to what Kafka says.
static void go_back(hh_worker *worker)
{
    hh_metrics_add(worker->shared->metrics, HH_METRIC_TRANSACTIONS, HH_ABORTED, 1);
    worker->taken = 0;
    memset(worker->dead, 0, sizeof worker->dead);
    hh_publisher_dropped(worker->publisher);
    dealt_with(worker);
    worker->acknowledging = false;
    hh_group_rewind(worker);
    // Where it fails again and again (no right to write to a topic, say), not without a pause.
    worker->next_restore = hh_steady_clock() + worker->pause;
    worker->pause = worker->pause ? worker->pause * 2 : FIRST_PAUSE_MS;
    worker->pause = worker->pause < LONGEST_PAUSE_MS ? worker->pause : LONGEST_PAUSE_MS;
    if (worker->pause > FIRST_PAUSE_MS)
        atomic_store(&worker->shared->doubts_topics, true);
}

hh_outbox_result hh_worker_give_up(hh_worker *worker)
{
    if (!worker->pending && !worker->acknowledging)
        return HH_OUTBOX_DONE;
    hh_outbox_result result = hh_outbox_abort(worker->outbox);
    if (result == HH_OUTBOX_LOST)
        go_back(worker);
    return result;
}

hh_outbox_result hh_worker_commit(hh_worker *worker, bool wait)
{
    const rd_kafka_topic_partition_list_t *positions = NULL;
    if (worker->trouble) // something was not done: its position must not be committed
        return HH_OUTBOX_FAILED;
    if (!worker->pending && !worker->acknowledging)
        return HH_OUTBOX_DONE;
    worker->now = hh_wall_clock();
    if (worker->pending && (wait || !worker->acknowledging)) {
        worker->trouble = collect_positions(worker);
        if (worker->trouble)
            return HH_OUTBOX_FAILED;
        positions = worker->positions;
        worker->commit_begun = hh_steady_clock();
    }
    hh_outbox_result result = hh_outbox_commit(worker->outbox, worker->consumer, positions, wait);
    hh_pulse_beat(&worker->pulse);
    if (result == HH_OUTBOX_LOST) {
        go_back(worker);
    } else if (result == HH_OUTBOX_DONE || result == HH_OUTBOX_LATER) {
        if (positions)
            dealt_with(worker);
        worker->acknowledging = result == HH_OUTBOX_LATER;
        if (result == HH_OUTBOX_DONE)
            count_commit(worker, worker->commit_begun);
    }
    return result;
}

// When the transaction at hand is to end. Who is behind has lost the race for milliseconds anyway, and longer
// transactions are what lets him catch up: each lasts as long as he had been behind when it began.
static hh_time commit_due(const hh_worker *worker)
{
    hh_time interval = hh_now_duration(&worker->shared->config->pipeline.commit_interval);
    hh_time behind = worker->behind_since ? worker->pending_since - worker->behind_since : 0;
    behind = behind < BEHIND_MS ? behind : BEHIND_MS;
    interval = interval > behind ? interval : behind;
    if (worker->shared->config->pipeline.delivery == HH_AT_LEAST_ONCE && interval < ACKNOWLEDGED_COMMIT_MS)
        interval = ACKNOWLEDGED_COMMIT_MS;
    return worker->pending_since + interval;
}

static bool is_due(const hh_worker *worker)
{
    return worker->pending &&
           (worker->pending_messages >= COMMIT_MESSAGES || hh_steady_clock() >= commit_due(worker));
}

// ---- idle partitions and gauges ----

// Whether the log still ends where the consumer stands. An idle partition is one of which a broker says so;
// when none answers, nobody knows how many clicks wait, and time must not run ahead of them.
static bool still_at_end(hh_worker *worker, hh_partition *partition)
{
    int64_t high;
    rd_kafka_resp_err_t code = hh_kafka_log_end(worker->consumer, worker->shared->config->topics.clicks,
                                                partition->number, &high, PROBE_MS);
    hh_pulse_beat(&worker->pulse);
    partition->unseen = code != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (partition->unseen) { // it has cost PROBE_MS; the others come first the next time
        worker->next_probe = hh_steady_clock() + NO_ANSWER_MS;
        worker->first_probe = partition->number + 1;
        partition->quiet_since = hh_wall_clock();
    }
    return !partition->unseen && high <= partition->end;
}

static void tick(hh_worker *worker, hh_partition *partition, hh_time steady)
{
    hh_time timeout = worker->shared->config->session.idle_timeout;
    if (!partition->at_end)
        return;
    if (!partition->unseen && !atomic_load(&worker->pulse.broken))
        hh_age_see(&partition->age, partition->end, worker->now, 0);
    if (timeout == 0 || steady < worker->next_probe || worker->now - partition->quiet_since < timeout ||
        steady < partition->next_tick || partition->next < partition->position ||
        hh_sessionizer_open(partition->sessionizer) == 0)
        return;
    partition->next_tick = steady + LOOK_MS;
    if (!still_at_end(worker, partition))
        return;
    hh_status status = hh_sessionizer_tick(partition->sessionizer, worker->now, partition->quiet_since);
    if (status)
        worker->trouble = status;
    if (partition->moved)
        worker->pending_since = steady;
}

static void show(hh_worker *worker, hh_partition *partition)
{
    hh_metrics *metrics = worker->shared->metrics;
    size_t cell = (size_t)partition->number;
    int64_t low, high;
    if (cell >= HH_METRIC_PARTITIONS)
        return;
    hh_metrics_set(metrics, HH_METRIC_SESSIONS_OPEN, cell,
                   (double)hh_sessionizer_open(partition->sessionizer));
    hh_time watermark = hh_sessionizer_watermark(partition->sessionizer);
    if (watermark != HH_TIME_MIN)
        hh_metrics_set(metrics, HH_METRIC_WATERMARK, cell, (double)watermark);
    if (rd_kafka_get_watermark_offsets(worker->consumer, worker->shared->config->topics.clicks,
                                       partition->number, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0 && partition->next >= 0) {
        int64_t lag =
            high - (partition->at_end && partition->end > partition->next ? partition->end : partition->next);
        hh_metrics_set(metrics, HH_METRIC_LAG, cell, lag > 0 ? (double)lag : 0);
        hh_age_see(&partition->age, high, worker->now,
                   hh_now_duration(&worker->shared->config->recommend.max_age) / 32);
    }
}

static void look_around(hh_worker *worker)
{
    hh_time steady = hh_steady_clock();
    if (steady < worker->next_look)
        return;
    worker->next_look = steady + LOOK_MS;
    worker->now = hh_wall_clock();
    int32_t first = worker->first_probe;
    for (int32_t i = 0; i < worker->partition_slots && !hh_stopping(worker->shared); i++) {
        hh_partition *partition = worker->partitions[(first + i) % worker->partition_slots];
        if (!partition || !partition->assigned)
            continue;
        tick(worker, partition, steady);
        show(worker, partition);
    }
    size_t reports;
    hh_status status = hh_publish_quality(worker->publisher, &reports);
    if (status)
        worker->trouble = status;
    if (reports > 0)
        to_commit(worker);
    if (atomic_load(&worker->pulse.broken))
        hh_client_probe(worker->consumer, &worker->pulse, PROBE_MS);
}

// ---- the thread ----

static size_t poll_messages(hh_worker *worker, rd_kafka_message_t *messages[BATCH])
{
    ssize_t count = rd_kafka_consume_batch_queue(worker->queue, 0, messages, BATCH);
    if (count == BATCH && !worker->behind_since)
        worker->behind_since = hh_steady_clock();
    else if (count < BATCH / 4) // not at each gap between two fetches
        worker->behind_since = 0;
    if (count > 0)
        return (size_t)count;
    hh_time wait = IDLE_MS;
    if (worker->rebalances)
        return 0;
    if (worker->pending)
        wait = commit_due(worker) - hh_steady_clock();
    if (worker->acknowledging) // deliveries are served by this thread; until then no commit is due
        wait = wait < 1 ? 1 : wait < 5 ? wait : 5;
    if (wait <= 0)
        return 0;
    messages[0] = rd_kafka_consumer_poll(worker->consumer, (int)(wait < IDLE_MS ? wait : IDLE_MS));
    return messages[0] != NULL;
}

// One round. HH_OUTBOX_DONE to go on.
static hh_outbox_result go_round(hh_worker *worker)
{
    rd_kafka_message_t *messages[BATCH];
    hh_outbox_result result = hh_outbox_open(worker->outbox);
    if (result == HH_OUTBOX_LOST)
        return HH_OUTBOX_DONE; // again
    if (result != HH_OUTBOX_DONE)
        return result;
    hh_pulse_beat(&worker->pulse);
    result = hh_group_serve(worker);
    size_t count = result == HH_OUTBOX_DONE ? poll_messages(worker, messages) : 0;
    worker->now = hh_wall_clock();
    size_t taken = 0, expected = 0;
    for (; taken < count && result == HH_OUTBOX_DONE && !worker->trouble; taken++) {
        for (; expected < count && expected <= taken + HH_EXPECT_AHEAD; expected++)
            expect(worker, messages[expected]);
        take_message(worker, messages[taken]);
        rd_kafka_message_destroy(messages[taken]);
        if (taken % 16 == 15 && is_due(worker)) {
            result = hh_worker_commit(worker, false);
            worker->now = hh_wall_clock();
            result = result == HH_OUTBOX_LOST || result == HH_OUTBOX_LATER ? HH_OUTBOX_DONE : result;
        }
    }
    for (; taken < count; taken++) // they will be read again
        rd_kafka_message_destroy(messages[taken]);
    hh_outbox_serve(worker->outbox);
    if (result == HH_OUTBOX_DONE &&
        (is_due(worker) || worker->acknowledging || hh_outbox_troubled(worker->outbox))) {
        if (hh_outbox_troubled(worker->outbox))
            worker->pending = true;
        result = hh_worker_commit(worker, false);
        result = result == HH_OUTBOX_LOST || result == HH_OUTBOX_LATER ? HH_OUTBOX_DONE : result;
    }
    if (result == HH_OUTBOX_DONE && !worker->trouble)
        look_around(worker);
    if (!worker->trouble)
        return result;
    HH_LOG(worker->shared->log, HH_LOG_ERROR, "worker can't go on", HH_NUMBER("worker", worker->number),
           HH_TEXT("reason", hh_status_text(worker->trouble)));
    return HH_OUTBOX_FAILED;
}

static void *run(void *context)
{
    hh_worker *worker = context;
    char name[16];
    snprintf(name, sizeof name, "worker-%u", worker->number);
    pthread_setname_np(pthread_self(), name);
    hh_outbox_result result = HH_OUTBOX_DONE;
    while (result == HH_OUTBOX_DONE && !hh_stopping(worker->shared))
        result = go_round(worker);
    if (result == HH_OUTBOX_DONE)
        hh_worker_commit(worker, true);
    else if (result == HH_OUTBOX_FAILED)
        atomic_store(&worker->pulse.failed, true);
    hh_group_leave(worker);
    return NULL;
}

hh_worker *hh_worker_new(hh_shared *shared, unsigned number, hh_error *error)
{
    const hh_config *config = shared->config;
    hh_worker *worker = calloc(1, sizeof *worker);
    if (!worker) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    worker->shared = shared;
    worker->number = number;
    worker->pulse.shared = shared;
    worker->pulse.name = "worker";
    atomic_store(&worker->assigned, -1);
    if (getrandom(&worker->seed, sizeof worker->seed, 0) != sizeof worker->seed)
        worker->seed = (uint64_t)hh_wall_clock();
    hh_click_fields fields = hh_click_fields_of(config);
    worker->items = hh_intern_new(worker->seed);
    worker->positions = rd_kafka_topic_partition_list_new(1);
    worker->outbox = hh_outbox_new(shared, &worker->pulse, number, error);
    if (worker->outbox)
        worker->decoder =
            hh_click_decoder_new((hh_format)config->clicks.format, shared->clicks_schema, &fields, error);
    if (worker->decoder)
        worker->publisher = hh_publisher_new(shared, worker->outbox, worker->items, error);
    if (worker->publisher && hh_group_open(worker, error) == HH_OK && worker->items)
        return worker;
    if (!worker->items)
        hh_fail(error, HH_MEMORY, NULL);
    hh_worker_free(worker);
    return NULL;
}

hh_status hh_worker_start(hh_worker *worker, hh_error *error)
{
    hh_pulse_beat(&worker->pulse);
    if (pthread_create(&worker->thread, NULL, run, worker))
        return hh_fail(error, HH_IO, "no thread can be started for worker %u", worker->number);
    worker->started = true;
    return HH_OK;
}

void hh_worker_join(hh_worker *worker)
{
    if (worker->started)
        pthread_join(worker->thread, NULL);
    worker->started = false;
}

void hh_worker_free(hh_worker *worker)
{
    if (!worker)
        return;
    hh_group_close(worker);
    free(worker->partitions);
    hh_publisher_free(worker->publisher);
    hh_outbox_free(worker->outbox);
    hh_click_decoder_free(worker->decoder);
    hh_intern_free(worker->items);
    if (worker->positions)
        rd_kafka_topic_partition_list_destroy(worker->positions);
    free(worker);
}
