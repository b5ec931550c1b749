// What bench/pipeline.py needs at full speed, as one program; each command prints one line of key=value.
//
//   loop BROKERS IN OUT EVERY BYTES MS      the bare librdkafka loop: reads IN from its beginning to its end,
//   writes a
//                                           record of BYTES to OUT for every EVERY/1000 clicks, in
//                                           transactions of MS with the position in them: what any
//                                           exactly-once pipeline costs at least
//   echo BROKERS IN OUT MS                  answers every record of IN from now on with a list of 20 items to
//   OUT,
//                                           in transactions of MS with the position in them, or, where MS is
//                                           0, outside of any; until SIGTERM: what Kafka's own part of the
//                                           latency is
//   latency BROKERS IN OUT FILE RATE SECONDS ISOLATION
//                                           writes the clicks of FILE as clicks of now and waits for their
//                                           lists
//   count BROKERS TOPIC                     records and bytes (key and value) in a topic
//   clicks COUNT                            a synthetic click file on standard output, for machines without
//   data
#include "wire/kafka.h"
#include "wire/records.h"

#include <hiphop/click_file.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 1024

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static void check(rd_kafka_resp_err_t err, const char *what)
{
    if (err)
        die("%s: %s", what, rd_kafka_err2str(err));
}

static void check_error(rd_kafka_error_t *error, const char *what)
{
    if (error)
        die("%s: %s", what, rd_kafka_error_string(error));
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long long number(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0')
        die("%s is no number", text);
    return value;
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    (void)producer, (void)message, (void)opaque;
}

static rd_kafka_t *client(hh_kafka_role role, const char *brokers, const char *property, const char *value,
                          const char *property2, const char *value2)
{
    hh_error error;
    char trouble[300];
    rd_kafka_conf_t *conf = hh_kafka_conf(role, brokers, NULL, 0, &error);
    if (!conf)
        die("%s", error.message);
    if ((property && rd_kafka_conf_set(conf, property, value, trouble, sizeof trouble)) ||
        (property2 && rd_kafka_conf_set(conf, property2, value2, trouble, sizeof trouble)))
        die("%s", trouble);
    if (role == HH_KAFKA_PRODUCER) // a commit that no report wakes looks every 10 ms whether all is written
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *made = rd_kafka_new(role == HH_KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf,
                                    trouble, sizeof trouble);
    if (!made)
        die("%s", trouble);
    if (role != HH_KAFKA_PRODUCER)
        check(rd_kafka_poll_set_consumer(made), "consumer");
    return made;
}

// Assigns all partitions of a topic from `offset`; *end (may be NULL) is the number of offsets up to the ends
// now.
static int assign_all(rd_kafka_t *consumer, const char *topic, int64_t offset, int64_t *end)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, topic, NULL);
    check(rd_kafka_metadata(consumer, 0, handle, &metadata, 10000), topic);
    int count = metadata->topics[0].partition_cnt;
    if (count == 0)
        die("%s has no partitions", topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++) {
        int64_t low, high;
        check(rd_kafka_query_watermark_offsets(consumer, topic, i, &low, &high, 10000), topic);
        rd_kafka_topic_partition_list_add(list, topic, i)->offset =
            offset == RD_KAFKA_OFFSET_END ? high : offset;
        if (end)
            *end += high - low;
    }
    check(rd_kafka_assign(consumer, list), "assign");
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(handle);
    return count;
}

// Else the first records wait a second for it.
static rd_kafka_topic_t *known_topic(rd_kafka_t *producer, const char *topic)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    check(rd_kafka_metadata(producer, 0, handle, &metadata, 10000), topic);
    rd_kafka_metadata_destroy(metadata);
    return handle;
}

// ---- loop ----

static void commit(rd_kafka_t *producer, const rd_kafka_consumer_group_metadata_t *group, const char *topic,
                   const int64_t *next, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        if (next[i])
            rd_kafka_topic_partition_list_add(list, topic, i)->offset = next[i];
    check_error(rd_kafka_send_offsets_to_transaction(producer, list, group, 10000), "offsets");
    check_error(rd_kafka_commit_transaction(producer, 10000), "commit");
    rd_kafka_topic_partition_list_destroy(list);
}

static void loop(const char *brokers, const char *in, const char *out, double every, size_t bytes,
                 double interval)
{
    static char recent[1 << 20]; // values read last, one after the other
    size_t filled = 0;
    int64_t next[256] = {0}, done = 0, total = 0;
    double due = every, first = 0, begun = 0;
    rd_kafka_message_t *messages[BATCH];
    if (bytes > 65536)
        die("a record of %zu bytes is too large", bytes);
    rd_kafka_t *consumer = client(HH_KAFKA_WORKER, brokers, "group.id", "bare-loop", NULL, NULL);
    rd_kafka_t *producer =
        client(HH_KAFKA_PRODUCER, brokers, "transactional.id", "bare-loop", "linger.ms", "30");
    rd_kafka_topic_t *handle = known_topic(producer, out);
    check_error(rd_kafka_init_transactions(producer, 30000), "transactions");
    int partitions = assign_all(consumer, in, 0, &total);
    if (partitions > 256)
        die("too many partitions");
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    while (done < total) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);
        for (ssize_t i = 0; i < got; i++) {
            rd_kafka_message_t *message = messages[i];
            if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
                die("%s", rd_kafka_message_errstr(message));
            if (!message->err) {
                if (!begun) {
                    begun = seconds();
                    first = first ? first : begun;
                    check_error(rd_kafka_begin_transaction(producer), "begin");
                }
                if (message->len > sizeof recent - filled || message->len > 65536)
                    filled = bytes; // old bytes do as well
                size_t length = message->len < 65536 ? message->len : 65536;
                memcpy(recent + filled, message->payload, length);
                filled += length;
                done++;
                next[message->partition] = message->offset + 1;
                if (--due <= 0) {
                    due += every;
                    rd_kafka_resp_err_t err;
                    char *value = filled > bytes ? recent + filled - bytes : recent;
                    while (
                        (err = rd_kafka_producev(
                             producer, RD_KAFKA_V_RKT(handle), RD_KAFKA_V_KEY(message->key, message->key_len),
                             RD_KAFKA_V_VALUE(value, bytes), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_TIMESTAMP(rd_kafka_message_timestamp(message, NULL)),
                             RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
                        rd_kafka_poll(producer, 10);
                    check(err, "produce");
                }
            }
            rd_kafka_message_destroy(message);
        }
        rd_kafka_poll(producer, 0);
        if (begun && (seconds() - begun >= interval || done >= total)) {
            commit(producer, group, in, next, partitions);
            begun = 0;
        }
    }
    double took = seconds() - first;
    printf("clicks=%" PRId64 " seconds=%.3f rate=%.0f\n", done, took, (double)done / took);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_consumer_close(consumer);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
}

// ---- echo ----

static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static hh_text list_of(hh_encoder *encoder, const rd_kafka_message_t *click)
{
    static hh_recommended_item items[20];
    hh_text text, clicked = {"184502", 6};
    for (size_t i = 0; i < 20; i++)
        items[i] = (hh_recommended_item){
            .item = {"276235", 6}, .score = 0.1 - 0.004 * (double)i, .reason = {"popular now", 11}};
    hh_recommendations_record list = {.visitor = {click->key, click->key_len},
                                      .session_id = {"0-123456", 8},
                                      .clicked_item = clicked,
                                      .timestamp = rd_kafka_message_timestamp(click, NULL),
                                      .position = 1,
                                      .items = items,
                                      .count = 20};
    if (hh_encode_recommendations(encoder, &list, &text) != HH_OK)
        die("a list can't be written");
    return text;
}

static void echo(const char *brokers, const char *in, const char *out, double interval)
{
    hh_error error;
    int64_t next[256] = {0};
    double begun = 0;
    bool transactional = interval > 0;
    rd_kafka_t *consumer = client(HH_KAFKA_WORKER, brokers, "group.id", "bare-echo", NULL, NULL);
    rd_kafka_t *producer =
        transactional ? client(HH_KAFKA_PRODUCER, brokers, "transactional.id", "bare-echo", "linger.ms", "30")
                      : client(HH_KAFKA_PRODUCER, brokers, NULL, NULL, NULL, NULL);
    rd_kafka_topic_t *handle = known_topic(producer, out);
    hh_encoder *encoder = hh_encoder_new(HH_FORMAT_JSON, &error);
    if (!encoder)
        die("%s", error.message);
    if (transactional)
        check_error(rd_kafka_init_transactions(producer, 30000), "transactions");
    int partitions = assign_all(consumer, in, RD_KAFKA_OFFSET_END, NULL);
    if (partitions > 256)
        die("too many partitions");
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(consumer);
    signal(SIGTERM, end);
    while (!ended) {
        int wait = !begun ? 100 : (int)((begun + interval - seconds()) * 1000);
        rd_kafka_message_t *click = rd_kafka_consumer_poll(consumer, wait > 0 ? wait : 0);
        if (click && !click->err) {
            hh_text list = list_of(encoder, click);
            if (transactional && !begun) {
                check_error(rd_kafka_begin_transaction(producer), "begin");
                begun = seconds();
            }
            next[click->partition] = click->offset + 1;
            check(rd_kafka_producev(producer, RD_KAFKA_V_RKT(handle),
                                    RD_KAFKA_V_KEY(click->key, click->key_len),
                                    RD_KAFKA_V_VALUE((void *)(uintptr_t)list.bytes, list.length),
                                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                  "produce");
        }
        if (click)
            rd_kafka_message_destroy(click);
        rd_kafka_poll(producer, 0);
        if (begun && seconds() - begun >= interval) {
            commit(producer, group, in, next, partitions);
            begun = 0;
        }
    }
    if (begun)
        commit(producer, group, in, next, partitions);
    rd_kafka_flush(producer, 5000);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_consumer_close(consumer);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
    hh_encoder_free(encoder);
}

// ---- latency ----

typedef struct latency_run {
    hh_time start;  // event time of click 0; click n has start + n milliseconds
    double *sent;   // [count] when click n was handed to librdkafka
    double *waited; // [answered] milliseconds
    int64_t count, answered, warm;
} latency_run;

static void take_answer(latency_run *run, hh_recommendations_decoder *decoder,
                        const rd_kafka_message_t *message)
{
    hh_recommendations_record record;
    hh_error error;
    double now = seconds();
    if (message->err)
        return;
    if (hh_recommendations_decode(decoder, message->payload, message->len, &record, &error) != HH_OK)
        die("a list can't be read: %s", error.message);
    int64_t click = record.timestamp - run->start;
    if (click < 0 || click >= run->count || run->sent[click] == 0)
        return; // somebody else's
    if (click >= run->warm)
        run->waited[run->answered++] = (now - run->sent[click]) * 1000;
    run->sent[click] = 0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void latency(const char *brokers, const char *in, const char *out, const char *file, int rate,
                    int duration, const char *isolation)
{
    hh_error error;
    struct timespec wall;
    latency_run run = {.count = (int64_t)rate * duration, .warm = (int64_t)rate * 3};
    if (rate < 1 || rate > 1000 || duration < 4)
        die("at most 1000 clicks/s, for 4 seconds or more");
    run.sent = calloc((size_t)run.count, sizeof *run.sent);
    run.waited = calloc((size_t)run.count, sizeof *run.waited);
    hh_click_file *clicks = hh_click_file_open(file, &error);
    hh_encoder *encoder = hh_encoder_new(HH_FORMAT_JSON, &error);
    hh_recommendations_decoder *decoder = hh_recommendations_decoder_new(HH_FORMAT_JSON, &error);
    if (!run.sent || !run.waited || !clicks || !encoder || !decoder)
        die("%s", error.message);
    rd_kafka_t *consumer = client(HH_KAFKA_READER, brokers, "isolation.level", isolation, NULL, NULL);
    rd_kafka_t *producer = client(HH_KAFKA_PRODUCER, brokers, "linger.ms", "0", "compression.type", "none");
    rd_kafka_topic_t *handle = known_topic(producer, in);
    assign_all(consumer, out, RD_KAFKA_OFFSET_END, NULL);
    rd_kafka_message_t *message;
    for (double settled = seconds() + 1; seconds() < settled;)
        if ((message = rd_kafka_consumer_poll(consumer, 10)))
            rd_kafka_message_destroy(message);

    clock_gettime(CLOCK_REALTIME, &wall);
    run.start = (hh_time)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
    double begin = seconds(), end = begin + duration + 5;
    int64_t next = 0;
    while (seconds() < end && run.answered < run.count - run.warm) {
        if (next < run.count && seconds() >= begin + (double)next / rate) {
            hh_click_row row;
            bool over;
            hh_text value;
            char visitor[HH_CLICK_FILE_ID_MAX + 8];
            if (hh_click_file_next(clicks, &row, &over, &error) != HH_OK || over)
                die("%s has too few clicks", file);
            int length = snprintf(visitor, sizeof visitor, "live-%.*s", (int)row.visitor_length, row.visitor);
            hh_click click = {{visitor, (size_t)length}, {row.item, row.item_length}, run.start + next};
            if (hh_encode_click(encoder, &click, &value) != HH_OK)
                die("a click of %s can't be written", file);
            run.sent[next++] = seconds();
            check(rd_kafka_producev(producer, RD_KAFKA_V_RKT(handle), RD_KAFKA_V_KEY(visitor, (size_t)length),
                                    RD_KAFKA_V_VALUE((void *)(uintptr_t)value.bytes, value.length),
                                    RD_KAFKA_V_TIMESTAMP(click.time),
                                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                  "produce");
            rd_kafka_poll(producer, 0);
            message = rd_kafka_consumer_poll(consumer, 0);
        } else {
            message = rd_kafka_consumer_poll(consumer, 1);
        }
        while (message) {
            take_answer(&run, decoder, message);
            rd_kafka_message_destroy(message);
            message = rd_kafka_consumer_poll(consumer, 0);
        }
    }
    qsort(run.waited, (size_t)run.answered, sizeof *run.waited, by_size);
    if (!run.answered)
        die("no list came");
    printf("clicks=%" PRId64 " answered=%" PRId64 " p50=%.2f p90=%.2f p99=%.2f p999=%.2f max=%.2f\n",
           run.count - run.warm, run.answered, run.waited[run.answered / 2],
           run.waited[run.answered * 9 / 10], run.waited[run.answered * 99 / 100],
           run.waited[run.answered * 999 / 1000], run.waited[run.answered - 1]);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_flush(producer, 5000);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(producer);
    hh_recommendations_decoder_free(decoder);
    hh_encoder_free(encoder);
    hh_click_file_close(clicks);
    free(run.sent);
    free(run.waited);
}

// ---- count, clicks ----

static void count(const char *brokers, const char *topic)
{
    rd_kafka_t *consumer = client(HH_KAFKA_READER, brokers, NULL, NULL, NULL, NULL);
    int open = assign_all(consumer, topic, 0, NULL);
    uint64_t records = 0, bytes = 0;
    while (open) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 10000);
        if (!message)
            die("%s does not end", topic);
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            open--;
        } else if (message->err) {
            die("%s", rd_kafka_message_errstr(message));
        } else {
            records++;
            bytes += message->len;
        }
        rd_kafka_message_destroy(message);
    }
    printf("records=%" PRIu64 " bytes=%" PRIu64 "\n", records, bytes);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

static uint64_t next_random(uint64_t *state) // splitmix64
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void clicks(int64_t wanted)
{
    uint64_t state = 1;
    puts("visitor\titem\tunix_ms");
    for (int64_t i = 0; i < wanted; i++) {
        double u = (double)(next_random(&state) >> 11) / 9007199254740992.0;
        printf("%" PRIu64 "\t%d\t%" PRId64 "\n", next_random(&state) % (uint64_t)(wanted / 6 + 1),
               (int)(30000 * u * u * u), INT64_C(1506826800000) + i * 450);
    }
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "loop") == 0 && argc == 8)
        loop(argv[2], argv[3], argv[4], (double)number(argv[5]) / 1000, (size_t)number(argv[6]),
             (double)number(argv[7]) / 1000);
    else if (strcmp(command, "echo") == 0 && argc == 6)
        echo(argv[2], argv[3], argv[4], (double)number(argv[5]) / 1000);
    else if (strcmp(command, "latency") == 0 && argc == 9)
        latency(argv[2], argv[3], argv[4], argv[5], (int)number(argv[6]), (int)number(argv[7]), argv[8]);
    else if (strcmp(command, "count") == 0 && argc == 4)
        count(argv[2], argv[3]);
    else if (strcmp(command, "clicks") == 0 && argc == 3)
        clicks(number(argv[2]));
    else
        die("the commands are described at the top of bench/kafka_probe.c");
    return 0;
}
