// A worker's producer: transactions, or acknowledged deliveries.
#include "outbox.h"

#include "client.h"
#include "committer.h"
#include "largest.h"
#include "log.h"
#include "rights.h"
#include "stamp.h"
#include "transaction.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FULL_MS = 10,       // wait for room in the queue
    PATIENCE_MS = 5000, // that positions are offered again which the group refuses, where that is waited for
    LONGEST_OFFER_MS = 30000, // else, while brokers answer
    REST = 10,                // pauses before another producer, after one that Kafka refused
};

struct hh_outbox {
    hh_shared *shared;
    hh_pulse *pulse;
    unsigned worker;
    bool transactional;
    rd_kafka_t *producer;       // of the records; NULL: hh_outbox_open() is due
    hh_transaction transaction; // of the same producer, or at least once of the committer's own
    hh_committer *committer;    // at least once
    rd_kafka_topic_t *topics[HH_OUTPUTS];
    bool troubled; // a record was refused, or was not delivered
    // at least once: records belong to one of two rounds; a round is over when its commit is asked for
    unsigned round;
    uint64_t waiting[2];                        // records of the round that no broker has acknowledged
    rd_kafka_topic_partition_list_t *positions; // of the round that is being closed; NULL: none is
    hh_time offered, next_offer; // steady clock: when first, 0 not yet; and when again, after a refusal
    // A broker that refuses a batch for its size doesn't say which record is to blame. From then on each
    // record is a batch of its own, and who is refused again is too large.
    bool want_single, single; // the next producer, and this one, send one record a batch
    hh_largest largest[HH_OUTPUTS];
    hh_stamp stamps[HH_OUTPUTS]; // read whenever a producer is opened
    bool stamp_refused;          // since then
    uint64_t lost[HH_OUTPUTS];   // records of this commit that are too large
};

hh_outbox *hh_outbox_new(hh_shared *shared, hh_pulse *pulse, unsigned worker, hh_error *error)
{
    hh_outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    outbox->shared = shared;
    outbox->pulse = pulse;
    outbox->worker = worker;
    outbox->transaction = (hh_transaction){.shared = shared, .pulse = pulse, .beats = true, .worker = worker};
    outbox->transactional = shared->config->pipeline.delivery == HH_EXACTLY_ONCE;
    for (int i = 0; i < HH_OUTPUTS; i++)
        outbox->stamps[i] = HH_STAMP_DEFAULT;
    return outbox;
}

static void say(hh_outbox *outbox, const char *what, const char *name, const char *text)
{
    HH_COMPLAIN(outbox->shared->log, HH_LOG_WARNING, what, HH_NUMBER("worker", outbox->worker),
                HH_TEXT("error", name), HH_TEXT("reason", text));
}

// The same of what may be a refusal: topic is the one that was to be written to, or NULL.
static void say_code(hh_outbox *outbox, const char *what, rd_kafka_resp_err_t code, const char *text,
                     const char *topic)
{
    char refusal[HH_REFUSAL_SIZE];
    const hh_right right = {.topic = topic, .operation = "Write"};
    say(outbox, what, rd_kafka_err2name(code), hh_refusal(outbox->pulse, code, text, &right, refusal));
}

static void drop_producer(hh_outbox *outbox)
{
    for (int i = 0; i < HH_OUTPUTS; i++) {
        if (outbox->topics[i])
            rd_kafka_topic_destroy(outbox->topics[i]);
        outbox->topics[i] = NULL;
    }
    hh_committer_free(outbox->committer);
    if (outbox->transaction.producer != outbox->producer)
        hh_client_free(outbox->transaction.producer);
    hh_client_free(outbox->producer);
    outbox->committer = NULL;
    outbox->producer = outbox->transaction.producer = NULL;
    outbox->transaction.begun = outbox->troubled = false;
    outbox->waiting[0] = outbox->waiting[1] = 0;
    memset(outbox->lost, 0, sizeof outbox->lost);
    if (outbox->positions)
        rd_kafka_topic_partition_list_destroy(outbox->positions);
    outbox->positions = NULL;
    outbox->next_offer = 0;
}

void hh_outbox_free(hh_outbox *outbox)
{
    if (!outbox)
        return;
    drop_producer(outbox);
    free(outbox);
}

// ---- connecting ----

static int64_t header_bytes(const rd_kafka_headers_t *headers)
{
    const char *name;
    const void *value;
    size_t size, bytes = 0;
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        bytes += strlen(name) + size;
    return (int64_t)bytes;
}

static void list_topics(const hh_config *config, const char *names[HH_OUTPUTS])
{
    names[HH_OUTPUT_RECOMMENDATIONS] = config->topics.recommendations;
    names[HH_OUTPUT_SESSIONS] = config->topics.sessions;
    names[HH_OUTPUT_QUALITY] = config->recommend.enabled ? config->topics.quality : "";
    names[HH_OUTPUT_DEAD_LETTERS] = config->topics.dead_letters;
}

// Which one it is; HH_OUTPUTS: none.
static int output_of(const hh_outbox *outbox, const rd_kafka_topic_t *topic)
{
    int i = 0;
    while (i < HH_OUTPUTS && outbox->topics[i] != topic)
        i++;
    return i;
}

static void learn_size(hh_outbox *outbox, const rd_kafka_message_t *message, hh_largest *largest)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_message_headers(message, &headers); // none: stays NULL
    int64_t size = (int64_t)(message->key_len + message->len) + header_bytes(headers);
    if (!message->err)
        hh_largest_taken(largest, size);
    else if (outbox->single)
        hh_largest_refused(largest, size, hh_steady_clock());
    else
        outbox->want_single = true;
}

// Another producer reads the limits again.
static void refuse_stamp(hh_outbox *outbox, const rd_kafka_topic_t *topic)
{
    int to = output_of(outbox, topic);
    if (to < HH_OUTPUTS)
        outbox->stamps[to].refused = outbox->stamp_refused = true;
    HH_COMPLAIN(outbox->shared->log, HH_LOG_WARNING,
                "a topic refuses the time of a record, which is written again with one nearer to the present",
                HH_NUMBER("worker", outbox->worker), HH_TEXT("topic", rd_kafka_topic_name(topic)));
}

// The topic's name as it is in the settings, which outlive the producer.
static const char *name_of(const hh_outbox *outbox, const rd_kafka_topic_t *topic)
{
    const char *names[HH_OUTPUTS];
    list_topics(outbox->shared->config, names);
    int to = output_of(outbox, topic);
    return to < HH_OUTPUTS ? names[to] : NULL;
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer;
    (void)opaque;
    hh_outbox *outbox = rd_kafka_topic_opaque(message->rkt);
    uint64_t *waiting = message->_private;
    int to = output_of(outbox, message->rkt);
    if (to < HH_OUTPUTS &&
        (message->err ? message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE : outbox->largest[to].trying))
        learn_size(outbox, message, &outbox->largest[to]);
    if (message->err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
        refuse_stamp(outbox, message->rkt);
    if (outbox->transactional) // the commit says what went wrong
        return;
    --*waiting;
    if (message->err && !outbox->troubled) {
        outbox->troubled = true;
        say_code(outbox, "record not delivered", message->err, rd_kafka_err2str(message->err),
                 name_of(outbox, message->rkt));
    }
}

static rd_kafka_t *make_client(hh_outbox *outbox, bool transactions, hh_error *error)
{
    const hh_config *config = outbox->shared->config;
    rd_kafka_conf_t *conf = hh_client_conf(config, transactions ? HH_KAFKA_TRANSACTIONAL : HH_KAFKA_PRODUCER,
                                           outbox->pulse, error);
    if (!conf)
        return NULL;
    hh_status status = HH_OK;
    // Reports of success, too: without them rd_kafka_commit_transaction() only looks every 10 ms whether the
    // brokers have everything.
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (outbox->single)
        status = hh_client_set(conf, "batch.num.messages", "1", error);
    if (transactions && status == HH_OK) {
        char id[512];
        // The name is the fence: stable over restarts, so that a successor settles what we left open.
        snprintf(id, sizeof id, "%s-%s-w%u", config->kafka.group, config->instance.id, outbox->worker);
        status = hh_client_set(conf, "transactional.id", id, error);
    } else if (status == HH_OK) {
        status = hh_client_set(conf, "message.timeout.ms", "0", error); // an outage is no reason to lose one
    }
    if (status == HH_OK)
        return hh_client_new(RD_KAFKA_PRODUCER, conf, error);
    rd_kafka_conf_destroy(conf);
    return NULL;
}

static hh_status make_producer(hh_outbox *outbox, hh_error *error)
{
    const hh_config *config = outbox->shared->config;
    if (outbox->want_single && !outbox->single)
        HH_LOG(outbox->shared->log, HH_LOG_WARNING,
               "brokers refuse batches for their size; every record is sent by itself from now on, which is "
               "slow: raise max.message.bytes of the topics, or lower batch.size",
               HH_NUMBER("worker", outbox->worker));
    outbox->single = outbox->want_single;
    rd_kafka_t *transactional = outbox->transaction.producer = make_client(outbox, true, error);
    if (transactional)
        outbox->producer = outbox->transactional ? transactional : make_client(outbox, false, error);
    if (!outbox->producer)
        return error->status;
    const char *names[HH_OUTPUTS];
    list_topics(config, names);
    for (int i = 0; i < HH_OUTPUTS; i++) {
        if (!*names[i])
            continue;
        rd_kafka_topic_conf_t *topic = rd_kafka_default_topic_conf_dup(outbox->producer);
        rd_kafka_topic_conf_set_opaque(topic, outbox);
        outbox->topics[i] = rd_kafka_topic_new(outbox->producer, names[i], topic);
        if (!outbox->topics[i])
            return hh_fail(error, HH_ARGUMENT, "topic \"%s\": %s", names[i],
                           rd_kafka_err2str(rd_kafka_last_error()));
    }
    return HH_OK;
}

// The topics' partitions, before the first transaction: in its midst the look-up would cost a second.
static bool look_up_topics(hh_outbox *outbox)
{
    for (int i = 0; i < HH_OUTPUTS; i++) {
        const struct rd_kafka_metadata *metadata;
        if (!outbox->topics[i])
            continue;
        if (rd_kafka_metadata(outbox->producer, 0, outbox->topics[i], &metadata, HH_CALL_MS))
            return false;
        rd_kafka_resp_err_t code =
            metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        rd_kafka_metadata_destroy(metadata);
        if (code) {
            say_code(outbox, "a topic can't be written to yet", code, rd_kafka_err2str(code),
                     name_of(outbox, outbox->topics[i]));
            return false;
        }
    }
    return true;
}

// Which times the topics take. Where nobody says it, it stays at what was known.
static void read_stamps(hh_outbox *outbox)
{
    const char *names[HH_OUTPUTS];
    hh_kafka_topic topics[HH_OUTPUTS];
    hh_stamp *stamps[HH_OUTPUTS];
    size_t count = 0;
    hh_error error;
    list_topics(outbox->shared->config, names);
    for (int i = 0; i < HH_OUTPUTS; i++)
        if (*names[i]) {
            stamps[count] = &outbox->stamps[i];
            topics[count++] = (hh_kafka_topic){
                .name = names[i], .behind = outbox->stamps[i].behind, .ahead = outbox->stamps[i].ahead};
        }
    (void)hh_kafka_topics(outbox->producer, topics, count, HH_KAFKA_CREATE_NOT, HH_CALL_MS, NULL, NULL,
                          &error);
    for (size_t i = 0; i < count; i++)
        hh_stamp_learn(stamps[i], topics[i].behind, topics[i].ahead);
    outbox->stamp_refused = false;
}

static hh_outbox_result fail_open(hh_outbox *outbox, const hh_error *error)
{
    HH_LOG(outbox->shared->log, HH_LOG_ERROR, "no producer", HH_TEXT("error", error->message));
    drop_producer(outbox);
    return HH_OUTBOX_FAILED;
}

hh_outbox_result hh_outbox_open(hh_outbox *outbox)
{
    if (outbox->producer)
        return HH_OUTBOX_DONE;
    hh_error error;
    if (make_producer(outbox, &error))
        return fail_open(outbox, &error);
    for (;;) {
        rd_kafka_error_t *trouble = rd_kafka_init_transactions(outbox->transaction.producer, HH_CALL_MS);
        if (!trouble)
            break;
        bool again = rd_kafka_error_is_retriable(trouble), fatal = rd_kafka_error_is_fatal(trouble);
        bool refused = hh_is_refusal(rd_kafka_error_code(trouble));
        say_code(outbox, "producer can't be opened", rd_kafka_error_code(trouble),
                 rd_kafka_error_string(trouble), NULL);
        rd_kafka_error_destroy(trouble);
        if (!again) {
            drop_producer(outbox);
            // Another will be made: not at once, where it meets the same.
            for (int i = 0; refused && i < REST && !hh_stopping(outbox->shared); i++)
                hh_transaction_pause(&outbox->transaction);
            return fatal ? HH_OUTBOX_LOST : HH_OUTBOX_FAILED;
        }
        if (hh_stopping(outbox->shared) || !hh_transaction_pause(&outbox->transaction))
            return HH_OUTBOX_STOPPED;
    }
    while (!look_up_topics(outbox))
        if (hh_stopping(outbox->shared) || !hh_transaction_pause(&outbox->transaction))
            return HH_OUTBOX_STOPPED;
    read_stamps(outbox);
    if (outbox->transactional)
        return HH_OUTBOX_DONE;
    outbox->committer =
        hh_committer_new(outbox->shared, outbox->pulse, outbox->worker, outbox->transaction.producer, &error);
    if (outbox->committer)
        return HH_OUTBOX_DONE;
    return fail_open(outbox, &error);
}

void hh_outbox_serve(hh_outbox *outbox)
{
    if (outbox->producer)
        rd_kafka_poll(outbox->producer, 0);
}

// ---- putting ----

static rd_kafka_resp_err_t produce(hh_outbox *outbox, const hh_outgoing *record, rd_kafka_headers_t *headers)
{
    return rd_kafka_producev(
        outbox->producer, RD_KAFKA_V_RKT(outbox->topics[record->to]),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY((void *)record->key, record->key_length),
        RD_KAFKA_V_VALUE((void *)record->value, record->value_length),
        RD_KAFKA_V_TIMESTAMP(hh_stamp_of(&outbox->stamps[record->to], record->timestamp, hh_wall_clock())),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(&outbox->waiting[outbox->round]), RD_KAFKA_V_END);
}

// Puts it into the queue, waiting for room. The headers are taken over only where that works.
static rd_kafka_resp_err_t enqueue(hh_outbox *outbox, const hh_outgoing *record)
{
    rd_kafka_resp_err_t code;
    if (!outbox->producer || !outbox->topics[record->to] ||
        (outbox->transactional && !hh_transaction_begin(&outbox->transaction)))
        return RD_KAFKA_RESP_ERR__STATE;
    hh_largest *largest = &outbox->largest[record->to];
    if (largest->bytes && // nearly never
        hh_largest_refuses(
            largest, (int64_t)(record->key_length + record->value_length) + header_bytes(record->headers),
            hh_steady_clock()))
        return RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    while ((code = produce(outbox, record, record->headers)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(outbox->producer, FULL_MS);
        hh_pulse_beat(outbox->pulse);
        if (hh_out_of_time(outbox->shared))
            break;
    }
    return code;
}

// All but what Kafka Connect's convention and hiphop add.
static void drop_foreign(rd_kafka_headers_t *headers)
{
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size);) {
        if (strncmp(name, "__connect.errors.", 17) == 0 || strncmp(name, "hiphop.", 7) == 0) {
            i++;
            continue;
        }
        char *gone = strdup(name); // the name goes with the header
        rd_kafka_resp_err_t code =
            gone ? rd_kafka_header_remove(headers, gone) : RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
        free(gone);
        if (code)
            return;
    }
}

// A dead letter says where the click is: it still is one without the value, then without the click's own
// headers, and last without its key.
static rd_kafka_resp_err_t enqueue_smaller(hh_outbox *outbox, const hh_outgoing *record)
{
    char size[24];
    hh_outgoing letter = *record;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    letter.value = NULL;
    letter.value_length = 0;
    if (record->value) {
        snprintf(size, sizeof size, "%zu", record->value_length);
        if (record->headers)
            rd_kafka_header_add(record->headers, "hiphop.value.bytes", -1, size, -1);
        code = enqueue(outbox, &letter);
    }
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        if (record->headers)
            drop_foreign(record->headers);
        code = enqueue(outbox, &letter);
    }
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && letter.key) {
        letter.key = NULL;
        letter.key_length = 0;
        code = enqueue(outbox, &letter);
    }
    return code;
}

bool hh_outbox_put(hh_outbox *outbox, const hh_outgoing *record)
{
    rd_kafka_resp_err_t code = outbox->troubled ? RD_KAFKA_RESP_ERR__STATE : enqueue(outbox, record);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && record->to == HH_OUTPUT_DEAD_LETTERS)
        code = enqueue_smaller(outbox, record);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        outbox->waiting[outbox->round] += !outbox->transactional;
        return true;
    }
    if (record->headers)
        rd_kafka_headers_destroy(record->headers);
    if (outbox->troubled)
        return true;
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        // Going back would only meet it again.
        HH_COMPLAIN(outbox->shared->log, HH_LOG_ERROR,
                    "record larger than message.max.bytes, or than its topic takes, is lost",
                    HH_TEXT("topic", rd_kafka_topic_name(outbox->topics[record->to])),
                    HH_NUMBER("bytes", (int64_t)record->value_length));
        outbox->lost[record->to]++;
        return false;
    }
    outbox->troubled = true;
    say(outbox, "record not taken", rd_kafka_err2name(code), rd_kafka_err2str(code));
    return true;
}

bool hh_outbox_troubled(const hh_outbox *outbox)
{
    return outbox->troubled;
}

// ---- transactions ----

// Drops the producer itself: it is fenced, or no broker answers in time. Its successor settles the rest.
static hh_outbox_result start_over(hh_outbox *outbox)
{
    drop_producer(outbox);
    return hh_out_of_time(outbox->shared) ? HH_OUTBOX_STOPPED : HH_OUTBOX_LOST;
}

hh_outbox_result hh_outbox_abort(hh_outbox *outbox)
{
    if (!outbox->producer)
        return start_over(outbox);
    if (!outbox->transactional) // nothing to take back: what was written is written, and will be again
        return start_over(outbox);
    if (outbox->troubled &&
        !outbox->transaction.begun) // not even a transaction could begin: it is beyond repair
        return start_over(outbox);
    outbox->troubled = false;
    memset(outbox->lost, 0, sizeof outbox->lost);
    bool settled = hh_transaction_roll_back(&outbox->transaction);
    rd_kafka_poll(outbox->producer, 0);
    if ((outbox->want_single && !outbox->single) || outbox->stamp_refused)
        return start_over(outbox);
    return settled ? HH_OUTBOX_LOST : start_over(outbox);
}

static hh_outbox_result commit_transaction(hh_outbox *outbox, rd_kafka_t *consumer,
                                           const rd_kafka_topic_partition_list_t *positions)
{
    if (!outbox->producer)
        return start_over(outbox);
    if (outbox->troubled)
        return hh_outbox_abort(outbox);
    if (!hh_transaction_begin(&outbox->transaction)) // it is beyond repair
        return start_over(outbox);
    // The membership as it is now: positions of a partition that was taken from us are refused by it.
    rd_kafka_consumer_group_metadata_t *membership = rd_kafka_consumer_group_metadata(consumer);
    hh_transaction_end end = membership ? hh_transaction_commit(&outbox->transaction, positions, membership)
                                        : HH_TRANSACTION_REFUSED;
    if (membership)
        rd_kafka_consumer_group_metadata_destroy(membership);
    if (end == HH_TRANSACTION_DONE)
        return HH_OUTBOX_DONE;
    return end == HH_TRANSACTION_REFUSED ? hh_outbox_abort(outbox) : start_over(outbox);
}

// ---- acknowledged deliveries ----

// Has the positions of the closed round committed. While the group rebalances it may refuse them: they are
// kept, and offered again as of the next generation.
static hh_outbox_result offer(hh_outbox *outbox, rd_kafka_t *consumer, bool wait)
{
    hh_time patience = hh_steady_clock() + PATIENCE_MS;
    if (!outbox->offered)
        outbox->offered = hh_steady_clock();
    for (;;) {
        if (rd_kafka_assignment_lost(consumer)) // others may have gone further with these partitions
            return start_over(outbox);
        hh_commit_state state = hh_committer_answer(outbox->committer, wait ? FULL_MS : 0);
        if (state == HH_COMMIT_NONE && (wait || hh_steady_clock() >= outbox->next_offer))
            state = hh_committer_ask(outbox->committer, consumer, outbox->positions) == HH_OK
                        ? HH_COMMIT_ASKED
                        : HH_COMMIT_REFUSED;
        if (state == HH_COMMIT_DONE) {
            rd_kafka_topic_partition_list_destroy(outbox->positions);
            outbox->positions = NULL;
            return HH_OUTBOX_DONE;
        }
        if (state == HH_COMMIT_BROKEN)
            return start_over(outbox);
        if (hh_steady_clock() - outbox->offered > LONGEST_OFFER_MS && !atomic_load(&outbox->pulse->broken)) {
            say(outbox, "positions can't be committed", state == HH_COMMIT_ASKED ? "no answer" : "refused",
                "going back to what is committed; what was written since is written again");
            return start_over(outbox);
        }
        if (state == HH_COMMIT_REFUSED)
            outbox->next_offer = hh_steady_clock() + HH_RETRY_MS;
        if (!wait)
            return HH_OUTBOX_LATER;
        if (state == HH_COMMIT_REFUSED &&
            (outbox->next_offer > patience || !hh_transaction_pause(&outbox->transaction)))
            return start_over(outbox);
        hh_pulse_beat(outbox->pulse);
        if (hh_out_of_time(outbox->shared))
            return HH_OUTBOX_STOPPED;
    }
}

static hh_outbox_result commit_acknowledged(hh_outbox *outbox, rd_kafka_t *consumer,
                                            const rd_kafka_topic_partition_list_t *positions, bool wait)
{
    if (!outbox->producer || outbox->troubled)
        return start_over(outbox);
    if (outbox->positions && positions && wait) {
        hh_outbox_result result = commit_acknowledged(outbox, consumer, NULL, true);
        if (result != HH_OUTBOX_DONE)
            return result;
    }
    if (!outbox->positions && positions) {
        outbox->positions = rd_kafka_topic_partition_list_copy(positions);
        outbox->offered = 0;
        outbox->round ^= 1; // the other round was over before: nothing of it is waiting
    }
    if (!outbox->positions)
        return HH_OUTBOX_DONE;
    const uint64_t *waiting = &outbox->waiting[outbox->round ^ 1];
    rd_kafka_poll(outbox->producer, 0);
    while (*waiting && wait && !outbox->troubled) {
        rd_kafka_poll(outbox->producer, FULL_MS);
        hh_pulse_beat(outbox->pulse);
        if (hh_out_of_time(outbox->shared))
            return HH_OUTBOX_STOPPED;
    }
    if (outbox->troubled)
        return start_over(outbox);
    return *waiting ? HH_OUTBOX_LATER : offer(outbox, consumer, wait);
}

hh_outbox_result hh_outbox_commit(hh_outbox *outbox, rd_kafka_t *consumer,
                                  const rd_kafka_topic_partition_list_t *positions, bool wait)
{
    hh_outbox_result result = outbox->transactional ? commit_transaction(outbox, consumer, positions)
                                                    : commit_acknowledged(outbox, consumer, positions, wait);
    for (size_t i = 0; i < HH_OUTPUTS && result == HH_OUTBOX_DONE; i++)
        if (outbox->lost[i]) {
            hh_metrics_add(outbox->shared->metrics, HH_METRIC_RECORDS_LOST, i, outbox->lost[i]);
            outbox->lost[i] = 0;
        }
    return result;
}
