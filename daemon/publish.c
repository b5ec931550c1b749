// From sessions to records: lists, closed sessions, dead letters.
#include "publish.h"

#include "quality.h"
#include "report.h"
#include "seer.h"
#include "visitor.h"
#include "wire/kafka.h"
#include "wire/records.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATIENCE_MS = 200,   // longest that one list waits for the graph
    IMPATIENT_MS = 5000, // after one that waited in vain, none does
};

#define REASON_SIZE     128
#define SESSION_ID_SIZE 40
#define WAITING_MAX     65536 // lists of one commit whose latency is measured

struct hh_publisher {
    hh_shared *shared;
    hh_outbox *outbox;
    const hh_intern *items;
    hh_recommender *recommender; // NULL: recommendations are off
    hh_seer *seer;               // likewise
    hh_encoder *lists, *sessions;
    hh_encoder *quality; // NULL where it is not told
    float *scores;       // [scores_room] of the graph alone
    size_t scores_room;
    // scratch of a list
    hh_item *query;   // [query_room]
    hh_item *popular; // [query_room + HH_LIVE_RANKS]
    uint32_t query_room;
    hh_recommendation *list;  // [k]
    hh_recommended_item *out; // [k]
    char *ids;                // [k x (HH_ID_MAX + 1)]
    char *reasons;            // [k x REASON_SIZE]
    // scratch of a session
    hh_session_record_click *clicks; // [clicks_room]
    uint32_t clicks_room;
    // of this commit
    hh_time *waiting; // [waiting_count] when the clicks that were answered came into Kafka
    size_t waiting_count, waiting_room;
    hh_time impatient_until; // steady clock: till then no graph is waited for
    uint64_t answered, foreseen, stale, closed[HH_CLOSE_MAX_DURATION + 1], dead[HH_DEAD_LETTER_COUNT];
};

static hh_status prepare_lists(hh_publisher *p, hh_error *error)
{
    const hh_config *config = p->shared->config;
    uint32_t k = config->recommend.k;
    hh_recommend_options options = {.k = k, .hide_session_items = config->recommend.hide_session_items};
    p->recommender = hh_recommender_new(p->shared->graph, p->shared->mixture, &options, error);
    if (!p->recommender || hh_recommender_follow(p->recommender, p->shared->rankers, error))
        return error->status;
    p->seer = hh_seer_new(p->shared, hh_recommender_reader(p->recommender));
    p->list = calloc(k, sizeof *p->list);
    p->out = calloc(k, sizeof *p->out);
    p->ids = calloc(k, HH_ID_MAX + 1);
    p->reasons = calloc(k, REASON_SIZE);
    if (!p->seer || !p->list || !p->out || !p->ids || !p->reasons)
        return hh_fail(error, HH_MEMORY, NULL);
    p->lists = hh_encoder_new((hh_format)config->recommendations.format, error);
    if (p->lists && *config->topics.quality)
        p->quality = hh_encoder_new((hh_format)config->quality.format, error);
    return p->lists && (p->quality || !*config->topics.quality) ? HH_OK : error->status;
}

hh_publisher *hh_publisher_new(hh_shared *shared, hh_outbox *outbox, const hh_intern *items, hh_error *error)
{
    hh_publisher *p = calloc(1, sizeof *p);
    if (!p) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    p->shared = shared;
    p->outbox = outbox;
    p->items = items;
    hh_status status = shared->graph ? prepare_lists(p, error) : HH_OK;
    if (status == HH_OK && *shared->config->topics.sessions) {
        p->sessions = hh_encoder_new((hh_format)shared->config->sessions.format, error);
        status = p->sessions ? HH_OK : error->status;
    }
    if (status == HH_OK)
        return p;
    hh_publisher_free(p);
    return NULL;
}

void hh_publisher_free(hh_publisher *p)
{
    if (!p)
        return;
    hh_seer_free(p->seer);
    hh_recommender_free(p->recommender);
    hh_encoder_free(p->lists);
    hh_encoder_free(p->quality);
    free(p->scores);
    hh_encoder_free(p->sessions);
    free(p->query);
    free(p->popular);
    free(p->list);
    free(p->out);
    free(p->ids);
    free(p->reasons);
    free(p->clicks);
    free(p->waiting);
    free(p);
}

// "<partition>-<offset>". Once a list and once a session: snprintf was a thirtieth of a worker's time.
static hh_text session_id(const hh_partition *partition, const hh_session *session,
                          char text[SESSION_ID_SIZE])
{
    char *first = text + SESSION_ID_SIZE;
    uint64_t left = (uint64_t)session->id;
    do {
        *--first = (char)('0' + left % 10);
    } while (left /= 10);
    *--first = '-';
    left = (uint64_t)partition->number;
    do {
        *--first = (char)('0' + left % 10);
    } while (left /= 10);
    return (hh_text){first, (size_t)(text + SESSION_ID_SIZE - first)};
}

static hh_text item_text(const hh_publisher *p, uint32_t number)
{
    hh_text text;
    text.bytes = hh_intern_bytes(p->items, number, &text.length);
    return text;
}

// ---- lists ----

// The prefix of the session up to `position`, in the graph's numbers.
static hh_status translate(hh_publisher *p, const hh_session *session, uint32_t position)
{
    uint32_t count = position + 1;
    if (count > p->query_room) {
        uint32_t room = count + count / 2 + 8;
        hh_item *query = realloc(p->query, room * sizeof *query);
        if (!query)
            return HH_MEMORY;
        p->query = query;
        hh_item *popular = realloc(p->popular, (room + HH_LIVE_RANKS) * sizeof *popular);
        if (!popular)
            return HH_MEMORY;
        p->popular = popular;
        p->query_room = room;
    }
    hh_reader *reader = hh_recommender_reader(p->recommender);
    for (uint32_t i = 0; i < count; i++) {
        hh_text item = item_text(p, session->clicks[i].item);
        p->query[i] = hh_graph_find(reader, item.bytes, item.length);
    }
    return HH_OK;
}

static uint32_t hash_of(hh_publisher *p, hh_item item)
{
    char id[HH_ID_MAX + 1];
    size_t bytes = hh_graph_id(hh_recommender_reader(p->recommender), item, id, sizeof id);
    return hh_shown_hash(id, bytes < sizeof id ? bytes : sizeof id - 1);
}

static void judge(hh_publisher *p, const hh_shown *shown, hh_text clicked)
{
    unsigned ranks[HH_SCORE_LISTS];
    hh_shown_ranks(shown, hh_shown_hash(clicked.bytes, clicked.length), ranks);
    hh_metrics_judge(p->shared->metrics, ranks[HH_LIST_HIPHOP], ranks[HH_LIST_GRAPH],
                     ranks[HH_LIST_POPULARITY]);
    if (hh_scoreboard_judge(p->shared->scoreboard, shown->version, ranks))
        HH_LOG(
            p->shared->log, HH_LOG_WARNING,
            "lists are worse with the model than without it: the graph alone recommends until the next one",
            HH_NUMBER("version", shown->version));
}

// What the graph alone would have listed, of the same candidates: the mixture of its experts, neither network
// nor ranker.
static hh_status remember_graph(hh_publisher *p, hh_shown *shown, const hh_votes *votes, size_t length)
{
    hh_item best[HH_LIVE_RANKS];
    if (votes->count > p->scores_room) {
        size_t room = votes->count + votes->count / 2;
        float *scores = realloc(p->scores, room * sizeof *scores);
        if (!scores)
            return HH_MEMORY;
        p->scores = scores;
        p->scores_room = room;
    }
    const hh_shared *shared = p->shared;
    const hh_mixture *mixture = shared->graph_mixture ? shared->graph_mixture : shared->mixture;
    hh_mixture_scores_without(mixture, votes, HH_EXPERT_NETWORK, p->scores);
    shown->graph_count =
        (uint32_t)hh_best_of(votes->items, p->scores, votes->count, p->query, length, best, shown->count);
    for (uint32_t i = 0; i < shown->graph_count; i++)
        shown->graph[i] = hash_of(p, best[i]);
    return HH_OK;
}

// What is popular, by the half-life that the mixture trusts most.
static void remember_popular(hh_publisher *p, hh_shown *shown, const hh_votes *votes, hh_time time,
                             size_t length)
{
    double weights[HH_EXPERTS];
    hh_context context = hh_context_of(votes);
    hh_mixture_weights(p->shared->mixture, &context, time, weights);
    hh_expert best = HH_EXPERT_POP_SHORT;
    for (hh_expert e = HH_EXPERT_POP_SHORT; e <= HH_EXPERT_POP_LONG; e++)
        best = weights[e] > weights[best] ? e : best;
    const hh_reader *reader = hh_recommender_reader(p->recommender);
    size_t popular = hh_graph_popular(reader, best, p->popular, shown->count + length);
    shown->popular_count = (uint32_t)hh_leave_out(p->popular, popular, p->query, length, shown->count);
    for (uint32_t i = 0; i < shown->popular_count; i++)
        shown->popular[i] = hash_of(p, p->popular[i]);
}

// Judges what the session was shown last by the click that has come, and remembers what it is shown now, with
// the yardsticks beside it: as long as our list, by the same rule about the session's own items.
static hh_status remember(hh_publisher *p, const hh_session *session, uint32_t position, size_t count,
                          int64_t version)
{
    if (position + 1 != session->count) // out of order: not what a visitor did after he saw the list
        return HH_OK;
    hh_shown *shown = *session->attachment;
    if (shown) {
        judge(p, shown, item_text(p, session->clicks[position].item));
    } else {
        shown = *session->attachment = malloc(sizeof *shown);
        if (!shown)
            return HH_MEMORY;
    }
    const hh_votes *votes = hh_recommender_votes(p->recommender);
    size_t length = p->shared->config->recommend.hide_session_items ? position + 1 : 0;
    votes = votes ? votes : &(hh_votes){0};
    shown->version = version;
    shown->count = count < HH_LIVE_RANKS ? (uint32_t)count : HH_LIVE_RANKS;
    for (uint32_t i = 0; i < shown->count; i++)
        shown->items[i] = hh_shown_hash(p->out[i].item.bytes, p->out[i].item.length);
    hh_scoreboard_listed(p->shared->scoreboard, version, hh_wall_clock(), shown->items, shown->count);
    remember_popular(p, shown, votes, session->clicks[position].time, length);
    return remember_graph(p, shown, votes, length);
}

// The list as the encoder wants it. Returns how many items it has: one that was forgotten meanwhile is left
// out.
static size_t spell_out(hh_publisher *p, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        char *id = p->ids + kept * (HH_ID_MAX + 1), *reason = p->reasons + kept * REASON_SIZE;
        size_t length =
            hh_graph_id(hh_recommender_reader(p->recommender), p->list[i].item, id, HH_ID_MAX + 1);
        if (length == 0 || length > HH_ID_MAX)
            continue;
        hh_reason_text(&p->list[i], reason, REASON_SIZE);
        char like[REASON_SIZE / 2]; // where its id is short, it is named
        size_t like_length =
            p->list[i].like == HH_ITEM_NONE
                ? 0
                : hh_graph_id(hh_recommender_reader(p->recommender), p->list[i].like, like, sizeof like);
        if (like_length && like_length < sizeof like)
            snprintf(reason, REASON_SIZE, HH_REASON_LIKE "%s", like);
        p->out[kept++] = (hh_recommended_item){
            .item = {id, length}, .score = p->list[i].score, .reason = {reason, strlen(reason)}};
    }
    return kept;
}

// The list for the session up to `position`, spelt out into p->out, and which model had a say in it.
static hh_status make_list(hh_publisher *p, const hh_session *session, uint32_t position, size_t *count,
                           int64_t *version)
{
    hh_status status = translate(p, session, position);
    if (status)
        return status;
    const hh_session_click *click = &session->clicks[position];
    hh_query query = {
        .items = p->query,
        .length = position + 1,
        .as_of = click->time,
        .visitor = hh_visitor_hash(session->visitor, session->visitor_length),
        .session_start = session->clicks[0].time,
    };
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    query.foresight = hh_seer_read(p->seer, &query, version);
    status = hh_recommend(p->recommender, &query, p->list, count);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (status)
        return status;
    hh_metrics_observe(p->shared->metrics, HH_METRIC_RECOMMEND,
                       (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9);
    *count = spell_out(p, *count);
    return HH_OK;
}

static void note_waiting(hh_publisher *p, hh_time appended)
{
    if (p->waiting_count == WAITING_MAX)
        return;
    if (p->waiting_count == p->waiting_room) {
        size_t room = p->waiting_room ? 2 * p->waiting_room : 256;
        hh_time *waiting = realloc(p->waiting, room * sizeof *waiting);
        if (!waiting)
            return; // a measurement less
        p->waiting = waiting;
        p->waiting_room = room;
    }
    p->waiting[p->waiting_count++] = appended;
}

// The graph is a moment behind the clicks. Where that leaves a list short, as in the first burst of a new
// shop, it is waited for: false where it has all the clicks before this one, or doesn't get them.
static bool wait_for_graph(hh_publisher *p, const hh_partition *partition)
{
    hh_time now = hh_steady_clock(), until = now + PATIENCE_MS;
    if (partition->number >= HH_REACH || now < p->impatient_until)
        return false;
    _Atomic int64_t *reach = &p->shared->reach[partition->number];
    if (atomic_load_explicit(reach, memory_order_acquire) >= partition->next - 1)
        return false;
    while (atomic_load_explicit(reach, memory_order_acquire) < partition->next - 1) {
        if (hh_stopping(p->shared) || hh_steady_clock() >= until) {
            p->impatient_until = until + IMPATIENT_MS;
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

static hh_status answer(hh_publisher *p, const hh_partition *partition, const hh_session *session,
                        uint32_t position, hh_time appended)
{
    size_t count;
    int64_t version;
    hh_status status = make_list(p, session, position, &count, &version);
    if (status == HH_OK && count < p->shared->config->recommend.k) {
        hh_reader *reader = hh_recommender_reader(p->recommender);
        hh_reader_release(reader);
        bool more = wait_for_graph(p, partition);
        hh_reader_hold(reader);
        if (more)
            status = make_list(p, session, position, &count, &version);
    }
    if (status)
        return status;
    const hh_session_click *click = &session->clicks[position];

    char id[SESSION_ID_SIZE], version_text[24];
    hh_recommendations_record record = {
        .visitor = {session->visitor, session->visitor_length},
        .session_id = session_id(partition, session, id),
        .clicked_item = item_text(p, click->item),
        .timestamp = click->time,
        .position = (int32_t)position + 1,
        .model_version = version,
        .items = p->out,
        .count = count,
    };
    hh_text bytes;
    status = hh_encode_recommendations(p->lists, &record, &bytes);
    if (status)
        return status;
    snprintf(version_text, sizeof version_text, "%lld", (long long)version);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(headers, "model_version", -1, version_text, -1);
    if (!hh_outbox_put(p->outbox, &(hh_outgoing){.to = HH_OUTPUT_RECOMMENDATIONS,
                                                 .key = session->visitor,
                                                 .key_length = session->visitor_length,
                                                 .value = bytes.bytes,
                                                 .value_length = bytes.length,
                                                 .timestamp = click->time,
                                                 .headers = headers}))
        return HH_OK;
    p->answered++;
    p->foreseen += version > 0;
    note_waiting(p, appended);
    return remember(p, session, position, count, version);
}

hh_status hh_publish_list(hh_publisher *p, hh_partition *partition, const hh_session *session,
                          uint32_t position, hh_time now)
{
    if (!p->recommender || hh_outbox_troubled(p->outbox))
        return HH_OK;
    hh_time max_age = hh_now_duration(&p->shared->config->recommend.max_age);
    hh_time age = hh_age_of(&partition->age, partition->next - 1, partition->record_time, now);
    if (max_age > 0 && age > max_age) {
        p->stale++;
        if (position + 1 == session->count) { // no list is judged by the click after the next one
            free(*session->attachment);
            *session->attachment = NULL;
        }
        return HH_OK;
    }
    // No number becomes another item's before all is spelt out.
    hh_reader *reader = hh_recommender_reader(p->recommender);
    hh_reader_hold(reader);
    hh_status status = answer(p, partition, session, position, now - age);
    hh_reader_release(reader);
    return status;
}

hh_status hh_publish_quality(hh_publisher *p, size_t *put)
{
    *put = 0;
    return !p->recommender || hh_outbox_troubled(p->outbox)
               ? HH_OK
               : hh_report(p->shared, p->outbox, p->quality, put);
}

// ---- sessions ----

hh_status hh_publish_session(hh_publisher *p, const hh_partition *partition, const hh_session *session,
                             hh_close_reason reason)
{
    static const char *const words[] = {[HH_CLOSE_GAP] = "gap",
                                        [HH_CLOSE_MAX_CLICKS] = "max_clicks",
                                        [HH_CLOSE_MAX_DURATION] = "max_duration"};
    p->closed[reason]++;
    if (!p->sessions || hh_outbox_troubled(p->outbox))
        return HH_OK;
    if (session->count > p->clicks_room) {
        uint32_t room = session->count + session->count / 2 + 8;
        hh_session_record_click *clicks = realloc(p->clicks, room * sizeof *clicks);
        if (!clicks)
            return HH_MEMORY;
        p->clicks = clicks;
        p->clicks_room = room;
    }
    for (uint32_t i = 0; i < session->count; i++)
        p->clicks[i] =
            (hh_session_record_click){item_text(p, session->clicks[i].item), session->clicks[i].time};
    char id[SESSION_ID_SIZE];
    hh_session_record record = {
        .visitor = {session->visitor, session->visitor_length},
        .session_id = session_id(partition, session, id),
        .start = session->clicks[0].time,
        .end = session->clicks[session->count - 1].time,
        .close_reason = {words[reason], strlen(words[reason])},
        .clicks = p->clicks,
        .count = session->count,
    };
    hh_text bytes;
    hh_status status = hh_encode_session(p->sessions, &record, &bytes);
    if (status)
        return status;
    hh_outbox_put(p->outbox, &(hh_outgoing){.to = HH_OUTPUT_SESSIONS,
                                            .key = session->visitor,
                                            .key_length = session->visitor_length,
                                            .value = bytes.bytes,
                                            .value_length = bytes.length,
                                            .timestamp = record.end});
    return HH_OK;
}

// ---- dead letters ----

void hh_publish_dead_letter(hh_publisher *p, const rd_kafka_message_t *message, hh_dead_letter reason,
                            const char *sentence)
{
    bool decoding = reason == HH_DEAD_MALFORMED || reason == HH_DEAD_EMPTY;
    HH_COMPLAIN(p->shared->log, HH_LOG_WARNING, "click can't be used",
                HH_TEXT("reason", hh_dead_letter_word(reason)), HH_NUMBER("partition", message->partition),
                HH_NUMBER("offset", message->offset), HH_TEXT("why", sentence));
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(message, &type);
    rd_kafka_headers_t *headers =
        hh_dead_letter_headers(message, p->shared->config->kafka.group, decoding ? "decode" : "sessionize",
                               hh_dead_letter_word(reason), sentence);
    bool put =
        hh_outbox_put(p->outbox, &(hh_outgoing){.to = HH_OUTPUT_DEAD_LETTERS,
                                                .key = message->key,
                                                .key_length = message->key_len,
                                                .value = message->payload,
                                                .value_length = message->len,
                                                .timestamp = timestamp >= 0 ? timestamp : hh_wall_clock(),
                                                .headers = headers});
    p->dead[reason] += put;
}

// ---- counting ----

void hh_publisher_dropped(hh_publisher *p)
{
    p->waiting_count = 0;
    p->answered = p->foreseen = p->stale = 0;
    memset(p->closed, 0, sizeof p->closed);
    memset(p->dead, 0, sizeof p->dead);
}

void hh_publisher_committed(hh_publisher *p, hh_time now)
{
    hh_metrics *metrics = p->shared->metrics;
    hh_metrics_add(metrics, HH_METRIC_RECOMMENDATIONS, 0, p->answered);
    hh_metrics_add(metrics, HH_METRIC_MODEL_LISTS, 0, p->foreseen);
    hh_metrics_add(metrics, HH_METRIC_STALE, 0, p->stale);
    for (size_t i = 0; i <= HH_CLOSE_MAX_DURATION; i++)
        hh_metrics_add(metrics, HH_METRIC_SESSIONS_CLOSED, i, p->closed[i]);
    for (size_t i = 0; i < HH_DEAD_LETTER_COUNT; i++)
        hh_metrics_add(metrics, HH_METRIC_DEAD_LETTERS, i, p->dead[i]);
    for (size_t i = 0; i < p->waiting_count; i++) {
        hh_time waited = now - p->waiting[i];
        hh_metrics_observe(metrics, HH_METRIC_LATENCY, waited > 0 ? (double)waited / 1000 : 0);
    }
    hh_publisher_dropped(p);
}
