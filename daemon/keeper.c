// The graph's writer.
#include "keeper.h"

#include "client.h"
#include "feed.h"
#include "inputs.h"
#include "items.h"
#include "learning.h"
#include "lessons.h"
#include "vector_reader.h"
#include "visitor.h"
#include "wire/records.h"
#include <pthread.h>
#include <stdlib.h>

enum {
    BATCH = 256,
    IDLE_MS = 100,
    LOOK_MS = 500,       // between looks at idle partitions and gauges
    NO_ANSWER_MS = 5000, // no such looks after one that no broker has answered
    LOOK_UP_MS = 10000,  // between looks for new partitions, as often as workers have them
    LOADING_MS = 15000,  // between two words about loading that takes long
};

struct hh_keeper {
    hh_shared *shared;
    hh_pulse pulse;
    pthread_t thread;
    bool started;
    atomic_bool loaded;

    // the thread's own
    hh_feed *feed;
    hh_reader *reader;
    hh_click_decoder *decoder;
    hh_vector_reader *vectors; // NULL where none are read
    hh_time now;               // wall clock
    hh_status trouble;
    hh_time next_look, next_look_up, next_probe, next_word; // steady clock
    size_t first_probe;                                     // of the feed's partitions
    hh_lessons *lessons;
    uint64_t clicks, clicks_at_look;
};

typedef struct hh_keeper_partition {
    hh_keeper *keeper;
    hh_sessionizer *sessionizer;
} hh_keeper_partition;

// ---- sessions ----

static hh_status take_click(hh_keeper *keeper, const hh_session *session, uint32_t position)
{
    hh_graph *graph = keeper->shared->graph;
    uint64_t visitor = hh_visitor_hash(session->visitor, session->visitor_length);
    hh_status status = hh_lessons_take(keeper->lessons, session, position, visitor);
    if (!*session->attachment)
        *session->attachment = hh_graph_open(graph, visitor);
    if (status || !*session->attachment)
        return HH_MEMORY;
    status = hh_graph_click(graph, *session->attachment, session->clicks[position].item,
                            session->clicks[position].time);
    if (status != HH_LIMIT)
        return status;
    HH_COMPLAIN(keeper->shared->log, HH_LOG_WARNING,
                "a click is too far away in time for the graph, or its session too long: it is left out",
                HH_NUMBER("time", session->clicks[position].time));
    return HH_OK;
}

static hh_status merge(hh_keeper *keeper, const hh_session *session, const hh_session *other)
{
    hh_status status = HH_OK;
    if (!*session->attachment)
        *session->attachment = *other->attachment;
    else if (*other->attachment)
        status = hh_graph_merge(keeper->shared->graph, *session->attachment, *other->attachment);
    if (status) // then they stay two
        hh_graph_close(keeper->shared->graph, *other->attachment);
    *other->attachment = NULL;
    return status == HH_MEMORY ? status : HH_OK;
}

static void release(void *context, const hh_session *session)
{
    hh_keeper_partition *state = context;
    if (*session->attachment)
        hh_graph_close(state->keeper->shared->graph, *session->attachment);
    *session->attachment = NULL;
}

static void on_session(void *context, const hh_session_event *event)
{
    hh_keeper_partition *state = context;
    hh_status status = HH_OK;
    switch (event->kind) {
    case HH_SESSION_CLICK:
        status = take_click(state->keeper, event->session, event->position);
        break;
    case HH_SESSION_MERGED:
        status = merge(state->keeper, event->session, event->other);
        break;
    case HH_SESSION_CLOSED:
        if (state->keeper->shared->learning)
            status =
                hh_learning_closed(state->keeper->shared->learning, state->keeper->reader, event->session,
                                   hh_visitor_hash(event->session->visitor, event->session->visitor_length));
        release(state, event->session);
        break;
    }
    if (status)
        state->keeper->trouble = status;
}

static void forget(hh_feed_partition *partition)
{
    hh_keeper_partition *state = partition->consumer_state;
    if (!state)
        return;
    hh_sessionizer_free(state->sessionizer, release);
    free(state);
    partition->consumer_state = NULL;
}

static hh_keeper_partition *state_of(hh_keeper *keeper, hh_feed_partition *partition)
{
    hh_keeper_partition *state = partition->consumer_state;
    hh_error error;
    if (state)
        return state;
    state = calloc(1, sizeof *state);
    if (!state)
        return NULL;
    state->keeper = keeper;
    state->sessionizer = hh_sessionizer_new(&keeper->shared->config->session, on_session, state, &error);
    if (!state->sessionizer) {
        free(state);
        return NULL;
    }
    return partition->consumer_state = state;
}

// ---- records ----

static void take_record(hh_keeper *keeper, hh_feed_partition *partition, const rd_kafka_message_t *record)
{
    hh_click click;
    hh_error error;
    if (record->err)
        return; // an end
    if (partition->kind == HH_FEED_ITEMS) {
        keeper->trouble = hh_items_take(keeper->shared->graph, keeper->reader, record);
        return;
    }
    if (partition->kind == HH_FEED_VECTORS) {
        keeper->trouble = hh_vector_reader_take(keeper->vectors, record, !atomic_load(&keeper->loaded));
        return;
    }
    // What is no click is the workers' to complain of.
    if (record->len == 0 || hh_click_decode(keeper->decoder, record->payload, record->len, &click, &error))
        return;
    hh_keeper_partition *state = state_of(keeper, partition);
    hh_item item =
        state ? hh_graph_intern(keeper->shared->graph, click.item.bytes, click.item.length) : HH_ITEM_NONE;
    if (item == HH_ITEM_NONE) {
        keeper->trouble = HH_MEMORY;
        return;
    }
    hh_click_fate fate;
    hh_status status = hh_sessionizer_push(state->sessionizer, record->offset, click.visitor.bytes,
                                           click.visitor.length, item, click.time, keeper->now, &fate, NULL);
    if (status == HH_ARGUMENT) // offsets went back: the topic was made anew
        forget(partition);
    else if (status)
        keeper->trouble = status;
    else if (fate == HH_CLICK_TAKEN && click.time > partition->clock)
        partition->clock = click.time;
    keeper->clicks++;
}

static void note_reach(hh_keeper *keeper, const hh_feed_partition *partition,
                       const rd_kafka_message_t *record)
{
    if (partition->kind == HH_FEED_CLICKS && !record->err && partition->number < HH_REACH)
        atomic_store_explicit(&keeper->shared->reach[partition->number], record->offset + 1,
                              memory_order_release);
}

// Where clicks are keyed by visitor, as they should be, the key says whose session will be wanted.
static void expect(const hh_feed_partition *partition, const rd_kafka_message_t *record)
{
    const hh_keeper_partition *state = partition->consumer_state;
    if (!record->err && state && record->key_len <= HH_ID_MAX)
        hh_sessionizer_expect(state->sessionizer, record->key, record->key_len);
}

// ---- now and then ----

static void close_idle(hh_keeper *keeper, size_t number, hh_time steady)
{
    hh_feed_partition *partition = hh_feed_at(keeper->feed, number);
    hh_keeper_partition *state = partition->consumer_state;
    hh_time timeout = keeper->shared->config->session.idle_timeout;
    if (!state || !partition->at_end || timeout == 0 || steady < keeper->next_probe ||
        keeper->now - partition->quiet_since < timeout || steady < partition->next_tick ||
        hh_sessionizer_open(state->sessionizer) == 0)
        return;
    partition->next_tick = steady + LOOK_MS;
    hh_status status = hh_feed_still_at_end(keeper->feed, partition);
    hh_pulse_beat(&keeper->pulse);
    if (status == HH_IO) { // each costs half a second; the others come first the next time
        keeper->next_probe = hh_steady_clock() + NO_ANSWER_MS;
        keeper->first_probe = number + 1;
        partition->quiet_since = hh_wall_clock(); // nobody knows what has come meanwhile
    }
    if (status)
        return;
    status = hh_sessionizer_tick(state->sessionizer, keeper->now, partition->quiet_since);
    if (status)
        keeper->trouble = status;
}

static void show(hh_keeper *keeper)
{
    hh_metrics *metrics = keeper->shared->metrics;
    hh_graph_stats stats;
    hh_graph_stats_read(keeper->shared->graph, &stats);
    hh_metrics_set(metrics, HH_METRIC_GRAPH_CLICKS, 0, (double)stats.clicks);
    hh_metrics_set(metrics, HH_METRIC_GRAPH_SESSIONS, 0, (double)stats.sessions);
    hh_metrics_set(metrics, HH_METRIC_GRAPH_ITEMS, 0, (double)stats.items);
    hh_metrics_set(metrics, HH_METRIC_GRAPH_MEMORY, 0, (double)stats.memory_bytes);
    hh_metrics_set(metrics, HH_METRIC_KEEPER_LAG, 0, (double)hh_feed_lag(keeper->feed));
    hh_lessons_show(keeper->lessons);
}

static void say_loading(hh_keeper *keeper, hh_time steady)
{
    hh_graph_stats stats;
    if (keeper->next_word && steady >= keeper->next_word) {
        hh_graph_stats_read(keeper->shared->graph, &stats);
        HH_LOG(keeper->shared->log, HH_LOG_INFO, "the graph is being loaded",
               HH_NUMBER("clicks", (int64_t)keeper->clicks), HH_NUMBER("left", hh_feed_lag(keeper->feed)),
               HH_NUMBER("described", (int64_t)stats.described));
    }
    if (steady >= keeper->next_word)
        keeper->next_word = steady + LOADING_MS;
}

static void look_around(hh_keeper *keeper)
{
    hh_time steady = hh_steady_clock();
    if (steady < keeper->next_look)
        return;
    hh_time elapsed = steady - keeper->next_look + LOOK_MS;
    keeper->next_look = steady + LOOK_MS;
    size_t count = hh_feed_count(keeper->feed), first = keeper->first_probe;
    for (size_t i = 0; i < count && !keeper->trouble && !hh_stopping(keeper->shared); i++)
        close_idle(keeper, (first + i) % count, steady);
    show(keeper);
    if (!atomic_load(&keeper->loaded)) {
        say_loading(keeper, steady);
        return;
    }
    hh_lessons_plan(keeper->lessons, keeper->clicks - keeper->clicks_at_look, elapsed);
    keeper->clicks_at_look = keeper->clicks;
    if (steady < keeper->next_look_up)
        return;
    hh_feed_look_up(keeper->feed);
    keeper->next_look_up = steady + LOOK_UP_MS;
}

// ---- the thread ----

static void find_log(hh_keeper *keeper)
{
    while (!hh_stopping(keeper->shared) && !hh_feed_look_up(keeper->feed)) {
        hh_pulse_beat(&keeper->pulse);
        HH_COMPLAIN(keeper->shared->log, HH_LOG_WARNING,
                    "the keeper waits for Kafka to tell where the clicks are",
                    HH_TEXT("topic", keeper->shared->config->topics.clicks));
        nanosleep(&(struct timespec){.tv_nsec = IDLE_MS * 1000000L}, NULL);
    }
    hh_lessons_expect(keeper->lessons, hh_feed_to_load(keeper->feed));
    keeper->next_look_up = hh_steady_clock() + LOOK_UP_MS;
}

static void *run(void *context)
{
    hh_keeper *keeper = context;
    rd_kafka_message_t *records[BATCH];
    hh_feed_partition *partitions[BATCH];
    pthread_setname_np(pthread_self(), "keeper");
    hh_time begun = hh_steady_clock();
    bool unsettled = false;
    find_log(keeper);
    while (!hh_stopping(keeper->shared) && !keeper->trouble) {
        hh_pulse_beat(&keeper->pulse);
        // What was described is settled in parts, between clicks.
        size_t count =
            hh_feed_take(keeper->feed, records, partitions, BATCH, !unsettled, unsettled ? 0 : IDLE_MS);
        keeper->now = hh_wall_clock();
        for (size_t i = 0, expected = 0; i < count; i++) {
            for (; expected < count && expected <= i + HH_EXPECT_AHEAD; expected++)
                expect(partitions[expected], records[expected]);
            if (!keeper->trouble)
                take_record(keeper, partitions[i], records[i]);
            note_reach(keeper, partitions[i], records[i]);
            rd_kafka_message_destroy(records[i]);
        }
        bool loaded = hh_feed_caught_up(keeper->feed);
        if (keeper->vectors && (loaded || count == 0))
            unsettled = hh_vector_reader_settle(keeper->vectors, !atomic_load(&keeper->loaded));
        if (!atomic_load(&keeper->loaded) && loaded) {
            atomic_store(&keeper->loaded, true);
            if (keeper->shared->learning)
                hh_learning_begin(keeper->shared->learning);
            HH_LOG(keeper->shared->log, HH_LOG_INFO, "graph loaded",
                   HH_NUMBER("clicks", (int64_t)keeper->clicks),
                   HH_REAL("seconds", (double)(hh_steady_clock() - begun) / 1000));
        }
        if (!keeper->trouble)
            look_around(keeper);
    }
    if (keeper->trouble) {
        HH_LOG(keeper->shared->log, HH_LOG_ERROR, "the keeper can't go on",
               HH_TEXT("reason", hh_status_text(keeper->trouble)));
        atomic_store(&keeper->pulse.failed, true);
    }
    return NULL;
}

hh_keeper *hh_keeper_new(hh_shared *shared, hh_error *error)
{
    hh_keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    const hh_config *config = shared->config;
    hh_click_fields fields = hh_click_fields_of(config);
    keeper->shared = shared;
    keeper->pulse.shared = shared;
    keeper->pulse.name = "keeper";
    keeper->reader = hh_reader_new(shared->graph, error);
    if (keeper->reader)
        keeper->lessons = hh_lessons_new(shared, keeper->reader, error);
    if (keeper->lessons)
        keeper->decoder =
            hh_click_decoder_new((hh_format)config->clicks.format, shared->clicks_schema, &fields, error);
    bool vectors = hh_vectors_read(config);
    if (keeper->decoder && vectors)
        keeper->vectors = hh_vector_reader_new(shared, keeper->reader, error);
    if (keeper->decoder && (keeper->vectors || !vectors))
        keeper->feed = hh_feed_new(shared, &keeper->pulse, error);
    if (keeper->feed)
        return keeper;
    hh_keeper_free(keeper);
    return NULL;
}

hh_status hh_keeper_start(hh_keeper *keeper, hh_error *error)
{
    hh_pulse_beat(&keeper->pulse);
    if (pthread_create(&keeper->thread, NULL, run, keeper))
        return hh_fail(error, HH_IO, "no thread can be started for the keeper");
    keeper->started = true;
    return HH_OK;
}

void hh_keeper_join(hh_keeper *keeper)
{
    if (keeper->started)
        pthread_join(keeper->thread, NULL);
    keeper->started = false;
}

void hh_keeper_free(hh_keeper *keeper)
{
    if (!keeper)
        return;
    for (size_t i = 0; keeper->feed && i < hh_feed_count(keeper->feed); i++)
        forget(hh_feed_at(keeper->feed, i));
    hh_feed_free(keeper->feed);
    hh_lessons_free(keeper->lessons);
    hh_vector_reader_free(keeper->vectors);
    hh_reader_free(keeper->reader);
    hh_click_decoder_free(keeper->decoder);
    free(keeper);
}

bool hh_keeper_loaded(hh_keeper *keeper)
{
    return atomic_load(&keeper->loaded);
}

hh_pulse *hh_keeper_pulse(hh_keeper *keeper)
{
    return &keeper->pulse;
}
