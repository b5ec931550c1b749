// Reading all partitions without a group.
#include "feed.h"

#include "client.h"
#include "inputs.h"
#include "rights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALL_MS = 1000,
    CHUNK = 64,        // clicks taken from one partition before the others are looked at again
    PATIENCE_MS = 200, // how long the partition that is furthest behind is waited for
    SLICE_MS = 10,
    VECTORS = 16, // taken at a time beside clicks
};

struct hh_feed {
    hh_shared *shared;
    hh_pulse *pulse;
    rd_kafka_t *client;
    rd_kafka_topic_t *topics[HH_FEED_KINDS]; // NULL where there is no such topic
    rd_kafka_queue_t *live;                  // what has caught up
    rd_kafka_queue_t *aside;                 // of it vectors
    hh_feed_partition **partitions;
    size_t count;
    bool shared_out; // the client knows how many partitions there are
    uint64_t to_load;
};

static void close_client(hh_feed *feed)
{
    if (feed->live)
        rd_kafka_queue_destroy(feed->live);
    if (feed->aside)
        rd_kafka_queue_destroy(feed->aside);
    for (int kind = 0; kind < HH_FEED_KINDS; kind++)
        if (feed->topics[kind])
            rd_kafka_topic_destroy(feed->topics[kind]);
    hh_client_free(feed->client);
    feed->live = feed->aside = NULL;
    memset(feed->topics, 0, sizeof feed->topics);
    feed->client = NULL;
}

static void list_topics(const hh_config *config, const char *names[HH_FEED_KINDS])
{
    names[HH_FEED_CLICKS] = config->topics.clicks;
    names[HH_FEED_ITEMS] = config->topics.items;
    names[HH_FEED_VECTORS] = hh_vectors_read(config) ? config->topics.item_vectors : "";
}

// What is ours to set: not where the user has set it.
static hh_status share(rd_kafka_conf_t *conf, const char *property, long whole, long least, int partitions,
                       hh_error *error)
{
    char value[24], ours[24];
    size_t size = sizeof value;
    snprintf(ours, sizeof ours, "%ld", whole);
    if (partitions < 2 || rd_kafka_conf_get(conf, property, value, &size) != RD_KAFKA_CONF_OK ||
        strcmp(value, ours) != 0)
        return HH_OK;
    snprintf(ours, sizeof ours, "%ld", whole / partitions > least ? whole / partitions : least);
    return hh_client_set(conf, property, ours, error);
}

// librdkafka queues so much for each partition: here, where all are read and queued apart, the partitions
// share what a worker's have each.
static hh_status open_client(hh_feed *feed, int partitions, hh_error *error)
{
    const hh_config *config = feed->shared->config;
    rd_kafka_conf_t *conf = hh_client_conf(config, HH_KAFKA_KEEPER, feed->pulse, error);
    if (!conf)
        return error->status;
    hh_status status = share(conf, "queued.min.messages", 1000000, 20000, partitions, error);
    if (status == HH_OK)
        status = share(conf, "queued.max.messages.kbytes", 65536, 4096, partitions, error);
    if (status) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    feed->client = hh_client_new(RD_KAFKA_CONSUMER, conf, error);
    if (!feed->client)
        return error->status;
    feed->live = rd_kafka_queue_new(feed->client);
    feed->aside = rd_kafka_queue_new(feed->client);
    const char *names[HH_FEED_KINDS];
    list_topics(config, names);
    for (int kind = 0; kind < HH_FEED_KINDS; kind++) {
        feed->topics[kind] = *names[kind] ? hh_client_topic(feed->client, names[kind], error) : NULL;
        if (*names[kind] && !feed->topics[kind])
            return error->status;
    }
    return HH_OK;
}

hh_feed *hh_feed_new(hh_shared *shared, hh_pulse *pulse, hh_error *error)
{
    hh_feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    feed->shared = shared;
    feed->pulse = pulse;
    if (open_client(feed, 1, error) == HH_OK)
        return feed;
    hh_feed_free(feed);
    return NULL;
}

void hh_feed_free(hh_feed *feed)
{
    if (!feed)
        return;
    for (size_t i = 0; i < feed->count; i++) {
        hh_feed_partition *partition = feed->partitions[i];
        rd_kafka_consume_stop(feed->topics[partition->kind], partition->number);
        rd_kafka_queue_destroy(partition->queue);
        free(partition);
    }
    free(feed->partitions);
    close_client(feed);
    free(feed);
}

size_t hh_feed_count(const hh_feed *feed)
{
    return feed->count;
}

hh_feed_partition *hh_feed_at(hh_feed *feed, size_t number)
{
    return feed->partitions[number];
}

bool hh_feed_caught_up(const hh_feed *feed)
{
    bool clicks = false;
    for (size_t i = 0; i < feed->count; i++) {
        if (!feed->partitions[i]->caught_up)
            return false;
        clicks |= feed->partitions[i]->kind == HH_FEED_CLICKS;
    }
    return clicks;
}

uint64_t hh_feed_to_load(const hh_feed *feed)
{
    return feed->to_load;
}

uint64_t hh_feed_lag(hh_feed *feed)
{
    uint64_t lag = 0;
    for (size_t i = 0; i < feed->count; i++) {
        const hh_feed_partition *partition = feed->partitions[i];
        int64_t low, high;
        if (partition->kind == HH_FEED_CLICKS && !partition->at_end &&
            rd_kafka_get_watermark_offsets(feed->client, rd_kafka_topic_name(feed->topics[HH_FEED_CLICKS]),
                                           partition->number, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
            high > partition->next)
            lag += (uint64_t)(high - partition->next);
    }
    return lag;
}

// ---- finding ----

static void complain(hh_feed *feed, const rd_kafka_topic_t *of, rd_kafka_resp_err_t code, const char *said)
{
    char refusal[HH_REFUSAL_SIZE];
    hh_right right = {.operation = "Read"};
    const char *names[HH_FEED_KINDS];
    list_topics(feed->shared->config, names);
    for (int kind = 0; kind < HH_FEED_KINDS; kind++)
        if (of && feed->topics[kind] == of)
            right.topic = names[kind];
    HH_COMPLAIN(feed->shared->log, HH_LOG_WARNING, "the keeper can't read",
                HH_TEXT("error", rd_kafka_err2name(code)),
                HH_TEXT("reason", hh_refusal(feed->pulse, code, said, &right, refusal)));
}

// Partitions of a topic, or -1 where no broker tells.
static int partitions_of(hh_feed *feed, rd_kafka_topic_t *of)
{
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(feed->client, 0, of, &metadata, CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    int count = -1;
    rd_kafka_resp_err_t code =
        metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code)
        complain(feed, of, code, rd_kafka_err2str(code));
    else
        count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    atomic_store(&feed->pulse->broken, false);
    return count;
}

static int known(const hh_feed *feed, hh_feed_kind kind)
{
    int count = 0;
    for (size_t i = 0; i < feed->count; i++)
        count += feed->partitions[i]->kind == kind;
    return count;
}

typedef struct hh_extent {
    int64_t low, high;
} hh_extent;

// Where to begin in each partition so that max_clicks are read in all: from the same share of each, since all
// partitions keep the same span of time.
static void choose_begin(const hh_feed *feed, const hh_extent *extents, int count, int64_t *begins)
{
    double held = 0, wanted = feed->shared->config->graph.max_clicks;
    for (int i = 0; i < count; i++)
        held += (double)(extents[i].high - extents[i].low);
    double share = held > wanted ? wanted / held : 1;
    for (int i = 0; i < count; i++)
        begins[i] = extents[i].high - (int64_t)((double)(extents[i].high - extents[i].low) * share);
}

static bool begin_partition(hh_feed *feed, hh_feed_kind kind, int32_t number, int64_t begin, int64_t end)
{
    rd_kafka_topic_t *of = feed->topics[kind];
    hh_feed_partition **partitions =
        realloc(feed->partitions, (feed->count + 1) * sizeof(hh_feed_partition *));
    if (!partitions)
        return false;
    feed->partitions = partitions;
    hh_feed_partition *partition = calloc(1, sizeof *partition);
    if (!partition)
        return false;
    *partition = (hh_feed_partition){
        .number = number, .kind = kind, .target = end, .next = begin, .clock = HH_TIME_MIN};
    partition->queue = rd_kafka_queue_new(feed->client);
    if (rd_kafka_consume_start_queue(of, number, begin, partition->queue)) {
        rd_kafka_queue_destroy(partition->queue);
        free(partition);
        return false;
    }
    feed->partitions[feed->count++] = partition;
    if (kind == HH_FEED_CLICKS)
        feed->to_load += (uint64_t)(end - begin);
    return true;
}

static bool look_up_topic(hh_feed *feed, hh_feed_kind kind)
{
    rd_kafka_topic_t *of = feed->topics[kind];
    if (!of)
        return true;
    int from = known(feed, kind), count = partitions_of(feed, of);
    if (count < 0)
        return false;
    if (count <= from)
        return true;
    hh_extent *extents = calloc((size_t)(count - from), sizeof *extents);
    int64_t *begins = calloc((size_t)(count - from), sizeof *begins);
    bool found = extents && begins;
    for (int i = from; i < count && found; i++) {
        found = !hh_kafka_log_bounds(feed->client, rd_kafka_topic_name(of), i, &extents[i - from].low,
                                     &extents[i - from].high, CALL_MS);
        begins[i - from] = extents[i - from].low;
        hh_pulse_beat(feed->pulse);
    }
    if (found && kind == HH_FEED_CLICKS)
        choose_begin(feed, extents, count - from, begins);
    for (int i = from; i < count && found; i++)
        found = begin_partition(feed, kind, i, begins[i - from], extents[i - from].high);
    free(extents);
    free(begins);
    return found;
}

// Before anything is read: a client that knows how many share its queues.
static bool share_out(hh_feed *feed)
{
    hh_error error;
    int partitions = partitions_of(feed, feed->topics[HH_FEED_CLICKS]);
    if (partitions < 1)
        return false;
    feed->shared_out = true;
    if (partitions == 1)
        return true;
    close_client(feed);
    if (open_client(feed, partitions, &error) == HH_OK)
        return true;
    close_client(feed);
    return false;
}

bool hh_feed_look_up(hh_feed *feed)
{
    if (!feed->client) { // it could not be made anew
        hh_error error;
        if (open_client(feed, 1, &error))
            close_client(feed);
    }
    if (!feed->client)
        return false;
    rd_kafka_poll(feed->client, 0);
    if (!feed->shared_out && !share_out(feed))
        return false;
    return look_up_topic(feed, HH_FEED_ITEMS) && look_up_topic(feed, HH_FEED_VECTORS) &&
           look_up_topic(feed, HH_FEED_CLICKS);
}

// ---- reading ----

static hh_feed_partition *partition_of(hh_feed *feed, const rd_kafka_message_t *record)
{
    for (size_t i = 0; i < feed->count; i++)
        if (feed->partitions[i]->number == record->partition &&
            feed->topics[feed->partitions[i]->kind] == record->rkt)
            return feed->partitions[i];
    return NULL;
}

// The partition that is furthest behind in event time, so that the graph is built in nearly the order in
// which things happened. Items come first, and what they are: what is withdrawn is so from the beginning.
static hh_feed_partition *furthest_behind(hh_feed *feed, const hh_feed_partition *not_this)
{
    hh_feed_partition *found = NULL;
    for (size_t i = 0; i < feed->count; i++) {
        hh_feed_partition *partition = feed->partitions[i];
        if (partition->caught_up || partition == not_this)
            continue;
        if (partition->kind != HH_FEED_CLICKS)
            return partition;
        if (!found || partition->clock < found->clock)
            found = partition;
    }
    return found;
}

// Follows what was read; drops what is neither a record nor an end. Returns how many are left.
static size_t follow(hh_feed *feed, rd_kafka_message_t **records, hh_feed_partition **partitions,
                     ssize_t count)
{
    size_t kept = 0;
    for (ssize_t i = 0; i < count; i++) {
        rd_kafka_message_t *record = records[i];
        hh_feed_partition *partition = record->rkt ? partition_of(feed, record) : NULL;
        bool end = record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (!partition || (record->err && !end)) {
            complain(feed, record->rkt, record->err, rd_kafka_message_errstr(record));
            rd_kafka_message_destroy(record);
            continue;
        }
        partition->at_end = end;
        if (end) {
            partition->end = record->offset;
            partition->quiet_since = hh_wall_clock();
        } else {
            partition->next = record->offset + 1;
        }
        if (!partition->caught_up && (end || partition->next >= partition->target)) {
            partition->caught_up = true;
            rd_kafka_queue_forward(partition->queue,
                                   partition->kind == HH_FEED_VECTORS ? feed->aside : feed->live);
        }
        partitions[kept] = partition;
        records[kept++] = record;
    }
    return kept;
}

// Of a partition's own queue, while it catches up.
static ssize_t take_chunk(hh_feed *feed, hh_feed_partition *partition, rd_kafka_message_t **records,
                          size_t room, int patience_ms)
{
    room = room < CHUNK ? room : CHUNK;
    for (int waited = 0;; waited += SLICE_MS) {
        ssize_t count =
            rd_kafka_consume_batch_queue(partition->queue, waited ? SLICE_MS : 0, records, waited ? 1 : room);
        if (count > 0 || waited >= patience_ms || hh_stopping(feed->shared))
            return count;
    }
}

// Of what is live, or else of what is furthest behind, or else of what comes within timeout_ms.
static ssize_t take_next(hh_feed *feed, rd_kafka_message_t **records, size_t room, int timeout_ms)
{
    ssize_t count = rd_kafka_consume_batch_queue(feed->live, 0, records, room);
    if (count > 0)
        return count;
    hh_feed_partition *behind = furthest_behind(feed, NULL);
    if (!behind)
        return rd_kafka_consume_batch_queue(feed->live, timeout_ms, records, 1);
    count = take_chunk(feed, behind, records, room, timeout_ms ? PATIENCE_MS : 0);
    hh_feed_partition *next = count > 0 ? NULL : furthest_behind(feed, behind);
    if (next) // a partition whose leader is away must not keep all others waiting
        count = take_chunk(feed, next, records, room, 0);
    return count;
}

size_t hh_feed_take(hh_feed *feed, rd_kafka_message_t **records, hh_feed_partition **partitions, size_t room,
                    bool vectors, int timeout_ms)
{
    rd_kafka_poll(feed->client, 0);
    // A catalogue that is made anew must keep no click waiting: of its vectors only so many each time.
    size_t some = !vectors ? 0 : room < VECTORS ? room : VECTORS;
    ssize_t first = some ? rd_kafka_consume_batch_queue(feed->aside, 0, records, some) : 0;
    first = first > 0 ? first : 0;
    ssize_t count = take_next(feed, records + first, room - (size_t)first, first > 0 ? 0 : timeout_ms);
    return follow(feed, records, partitions, first + (count > 0 ? count : 0));
}

hh_status hh_feed_still_at_end(hh_feed *feed, const hh_feed_partition *partition)
{
    int64_t high;
    if (hh_kafka_log_end(feed->client, rd_kafka_topic_name(feed->topics[HH_FEED_CLICKS]), partition->number,
                         &high, CALL_MS / 2))
        return HH_IO;
    return high <= partition->end ? HH_OK : HH_NOT_FOUND;
}
