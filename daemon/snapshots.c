// Snapshots of item vectors. A snapshot is written in transactions of TRANSACTION_BYTES, so that none takes
// as long as brokers give one; its marks tell a reader whether it is whole. One that breaks off is followed
// by a full one, so that whoever threw away what came of it misses nothing.
#include "snapshots.h"

#include "client.h"
#include "inputs.h"
#include "service.h"
#include "wire/embedding_set.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRANSACTION_BYTES = 1 << 20,
    RUN = 64,         // vectors at once
    LOOK_EVERY = 256, // records between two questions whether to go on
    PAUSE_MS = 1000,  // between two snapshots at least: withdrawals come in crowds
    READ_MS = 10000,  // brokers may take to answer
};

typedef enum fate { ABSENT, KEPT, WRITTEN } fate; // of an item's vector in a snapshot

struct hh_snapshots {
    hh_shared *shared;
    hh_pulse *pulse;
    hh_model_outbox *outbox;
    hh_reader *reader;
    hh_encoder *encoder;
    hh_embedding_set *set; // what is on the topic; NULL: not known
    int64_t end;           // of the topic, if nobody else writes to it
    int64_t version;       // whose snapshot is whole there; 0: not known
    uint64_t withdrawals;  // in the graph at that snapshot
    hh_time next_try;      // steady clock
    bool (*goes_on)(void *context);
    void *context;
    size_t records, bytes; // read or put since the last look, the last commit
};

// A snapshot to be written.
typedef struct draft {
    const hh_model *model;
    const hh_network *network;
    uint32_t items, d;
    hh_snapshot snapshot;
    bool full;
    uint8_t *fate; // [items]
    float *x;      // [RUN x d]
} draft;

static bool may_go_on(hh_snapshots *snapshots)
{
    hh_pulse_beat(snapshots->pulse);
    return snapshots->goes_on(snapshots->context);
}

static hh_status broken_off(hh_error *error)
{
    return hh_fail(error, HH_STOPPED, "broken off");
}

// ---- reading back ----

static hh_status take_record(void *context, const rd_kafka_message_t *record, hh_error *error)
{
    hh_snapshots *snapshots = context;
    if ((!record || ++snapshots->records % LOOK_EVERY == 0) && !may_go_on(snapshots))
        return broken_off(error);
    if (!record)
        return HH_OK;
    hh_status status = hh_embedding_set_take(snapshots->set, (hh_text){record->key, record->key_len},
                                             record->payload, record->len, error);
    if (status != HH_FORMAT)
        return status;
    HH_COMPLAIN(snapshots->shared->log, HH_LOG_WARNING, "a record of the item vectors is no use",
                HH_TEXT("topic", snapshots->shared->config->topics.embeddings),
                HH_NUMBER("offset", record->offset), HH_TEXT("reason", error->message));
    return HH_OK;
}

static hh_status read_back(hh_snapshots *snapshots, hh_error *error)
{
    const hh_config *config = snapshots->shared->config;
    snapshots->set = hh_embedding_set_new(error);
    rd_kafka_conf_t *conf =
        snapshots->set ? hh_client_conf(config, HH_KAFKA_READER, snapshots->pulse, error) : NULL;
    rd_kafka_t *consumer = conf ? hh_client_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
    if (!consumer)
        return error->status;
    rd_kafka_poll_set_consumer(consumer);
    hh_status status = hh_kafka_read(consumer, config->topics.embeddings, HH_EMBEDDING_PARTITION, READ_MS,
                                     take_record, snapshots, error);
    hh_client_free(consumer);
    return status;
}

// ---- planning ----

static bool is_out(hh_snapshots *snapshots, hh_text item)
{
    return !hh_embedding_item(item) || hh_graph_withdrawn(snapshots->reader, item.bytes, item.length);
}

static bool has_moved(const draft *plan, const hh_embedding *old, const float *x)
{
    double sum = 0;
    if (!old->vector || old->dimension != plan->d)
        return true;
    for (uint32_t i = 0; i < plan->d; i++) {
        double by = (double)x[i] - (double)old->vector[i];
        sum += by * by;
    }
    return sqrt(sum) > (double)plan->snapshot.tolerance;
}

static hh_text id_of(const hh_model *model, uint32_t item)
{
    hh_text id;
    id.bytes = hh_model_item(model, item, &id.length);
    return id;
}

static void plan_item(hh_snapshots *snapshots, draft *plan, uint32_t item, const float *x)
{
    hh_text id = id_of(plan->model, item);
    hh_embedding old;
    plan->fate[item] = ABSENT;
    if (is_out(snapshots, id))
        return;
    bool known = hh_embedding_set_find(snapshots->set, id, &old);
    plan->fate[item] = plan->full || !known || has_moved(plan, &old, x) ? WRITTEN : KEPT;
    plan->snapshot.count++;
    plan->snapshot.written += plan->fate[item] == WRITTEN;
    plan->snapshot.checksum +=
        hh_embedding_checksum(id, plan->fate[item] == WRITTEN ? x : old.vector, plan->d);
}

static bool stays(const draft *plan, hh_text item)
{
    uint32_t row = hh_model_find(plan->model, item.bytes, item.length);
    return row != HH_MODEL_NO_ITEM && plan->fate[row] != ABSENT;
}

// What the topic is to hold, beside what it does; whole: that is a snapshot.
static hh_status make_plan(hh_snapshots *snapshots, draft *plan, const hh_served *served, bool whole,
                           const hh_snapshot *there, hh_error *error)
{
    const hh_config *config = snapshots->shared->config;
    const hh_network_options *options = hh_network_options_of(hh_model_network(served->model));
    bool another = !whole || there->version != served->version;
    plan->model = served->model;
    plan->network = hh_model_network(served->model);
    plan->items = hh_model_items(served->model);
    plan->d = options->d;
    plan->full = !whole || there->dimension != plan->d ||
                 (another && there->since_full + 1 >= config->embeddings.full_every);
    plan->snapshot = (hh_snapshot){.version = served->version,
                                   .dimension = plan->d,
                                   .since_full = plan->full ? 0 : there->since_full + 1,
                                   .scale = (float)options->scale,
                                   .tolerance = (float)config->embeddings.tolerance};
    plan->fate = malloc(plan->items + (size_t)1);
    plan->x = malloc((size_t)RUN * plan->d * sizeof *plan->x);
    if (!plan->fate || !plan->x)
        return hh_fail(error, HH_MEMORY, NULL);
    for (uint32_t item = 0; item < plan->items; item++) {
        uint32_t at = item % RUN, left = plan->items - item;
        if (at == 0 && !may_go_on(snapshots))
            return broken_off(error);
        if (at == 0)
            hh_network_item_vectors(plan->network, item, left < RUN ? left : RUN, plan->x);
        plan_item(snapshots, plan, item, plan->x + (size_t)at * plan->d);
    }
    hh_embedding found;
    for (size_t i = 0; i < hh_embedding_set_end(snapshots->set); i++)
        plan->snapshot.removed += hh_embedding_set_at(snapshots->set, i, &found) && !stays(plan, found.item);
    return HH_OK;
}

// ---- writing ----

static hh_status failed(hh_error *error)
{
    return hh_fail(error, HH_IO, "Kafka has not taken it");
}

static hh_status commit(hh_snapshots *snapshots, hh_error *error)
{
    if (hh_model_outbox_commit(snapshots->outbox))
        return failed(error);
    snapshots->end++; // a transaction's end has an offset, too
    return HH_OK;
}

static hh_status put(hh_snapshots *snapshots, hh_text key, hh_text value, hh_error *error)
{
    if (snapshots->bytes >= TRANSACTION_BYTES) {
        snapshots->bytes = 0;
        if (commit(snapshots, error))
            return error->status;
        if (!may_go_on(snapshots))
            return broken_off(error);
        if (hh_model_outbox_begin(snapshots->outbox))
            return failed(error);
    }
    snapshots->bytes += key.length + value.length;
    snapshots->end++;
    return hh_model_outbox_put(snapshots->outbox, snapshots->shared->config->topics.embeddings, key,
                               value.bytes, value.length)
               ? failed(error)
               : HH_OK;
}

static hh_status put_record(hh_snapshots *snapshots, const hh_embedding_record *record, hh_error *error)
{
    hh_text bytes;
    hh_text key = record->kind == HH_EMBEDDING_VECTOR ? record->item : hh_embedding_mark(record->kind);
    hh_status status = hh_encode_embedding(snapshots->encoder, record, &bytes);
    if (status)
        return hh_fail(error, status, "the record of \"%.*s\" can't be written: %s",
                       (int)(key.length < 100 ? key.length : 100), key.bytes, hh_status_text(status));
    status = put(snapshots, key, bytes, error);
    return status ? status : hh_embedding_set_note(snapshots->set, record, error);
}

static hh_status put_mark(hh_snapshots *snapshots, const draft *plan, hh_embedding_kind kind, hh_error *error)
{
    hh_embedding_record mark = {.kind = kind, .version = plan->snapshot.version, .snapshot = plan->snapshot};
    return put_record(snapshots, &mark, error);
}

static hh_status put_vectors(hh_snapshots *snapshots, draft *plan, hh_error *error)
{
    hh_status status = HH_OK;
    for (uint32_t item = 0; status == HH_OK && item < plan->items; item++) {
        uint32_t at = item % RUN, left = plan->items - item;
        if (at == 0)
            hh_network_item_vectors(plan->network, item, left < RUN ? left : RUN, plan->x);
        hh_embedding_record record = {.kind = HH_EMBEDDING_VECTOR,
                                      .version = plan->snapshot.version,
                                      .item = id_of(plan->model, item),
                                      .vector = plan->x + (size_t)at * plan->d,
                                      .dimension = plan->d};
        if (plan->fate[item] == WRITTEN)
            status = put_record(snapshots, &record, error);
    }
    return status;
}

static hh_status put_tombstones(hh_snapshots *snapshots, const draft *plan, hh_error *error)
{
    hh_status status = HH_OK;
    hh_embedding found;
    for (size_t i = 0; status == HH_OK && i < hh_embedding_set_end(snapshots->set); i++) {
        if (!hh_embedding_set_at(snapshots->set, i, &found) || stays(plan, found.item))
            continue;
        status = put(snapshots, found.item, (hh_text){0}, error);
        hh_embedding_set_remove(snapshots->set, found.item);
    }
    return status;
}

static hh_status write_plan(hh_snapshots *snapshots, draft *plan, hh_error *error)
{
    snapshots->bytes = 0;
    if (hh_model_outbox_begin(snapshots->outbox))
        return failed(error);
    hh_status status = put_mark(snapshots, plan, HH_EMBEDDING_BEGIN, error);
    if (status == HH_OK)
        status = put_vectors(snapshots, plan, error);
    if (status == HH_OK)
        status = put_tombstones(snapshots, plan, error);
    if (status == HH_OK)
        status = put_mark(snapshots, plan, HH_EMBEDDING_END, error);
    if (status == HH_OK)
        status = commit(snapshots, error);
    if (status)
        hh_model_outbox_close(snapshots->outbox); // the open transaction never was
    return status;
}

// ---- the whole ----

static void report(hh_snapshots *snapshots, const hh_snapshot *snapshot)
{
    hh_metrics *metrics = snapshots->shared->metrics;
    hh_metrics_add(metrics, HH_METRIC_SNAPSHOTS, snapshot->since_full ? HH_SNAPSHOT_DELTA : HH_SNAPSHOT_FULL,
                   1);
    hh_metrics_add(metrics, HH_METRIC_EMBEDDINGS, HH_EMBEDDING_IS_VECTOR, snapshot->written);
    hh_metrics_add(metrics, HH_METRIC_EMBEDDINGS, HH_EMBEDDING_IS_TOMBSTONE, snapshot->removed);
    HH_LOG(snapshots->shared->log, HH_LOG_INFO, "item vectors published",
           HH_NUMBER("version", snapshot->version), HH_NUMBER("items", snapshot->count),
           HH_NUMBER("written", snapshot->written), HH_NUMBER("removed", snapshot->removed));
}

// Knows what is on the topic: also where somebody else has written to it since the last snapshot.
static hh_status know_topic(hh_snapshots *snapshots, hh_error *error)
{
    int64_t end = hh_model_outbox_end(snapshots->outbox, snapshots->shared->config->topics.embeddings);
    if (snapshots->set && end == snapshots->end)
        return HH_OK;
    hh_embedding_set_free(snapshots->set);
    snapshots->end = end;
    return read_back(snapshots, error);
}

static hh_status publish(hh_snapshots *snapshots, const hh_served *served, hh_error *error)
{
    draft plan = {0};
    hh_snapshot there;
    hh_status status = know_topic(snapshots, error);
    if (status)
        return status;
    bool whole = hh_embedding_set_check(snapshots->set, &there, error) == HH_OK;
    status = make_plan(snapshots, &plan, served, whole, &there, error);
    bool news =
        plan.full || there.version != served->version || plan.snapshot.written || plan.snapshot.removed;
    if (status == HH_OK && news)
        status = write_plan(snapshots, &plan, error);
    if (status == HH_OK && news)
        report(snapshots, &plan.snapshot);
    free(plan.fate);
    free(plan.x);
    return status;
}

void hh_snapshots_serve(hh_snapshots *snapshots, bool (*goes_on)(void *context), void *context)
{
    hh_shared *shared = snapshots->shared;
    hh_served *served = NULL;
    hh_graph_stats graph;
    hh_error error = {0};
    if (!hh_embeddings_made(shared->config) || hh_steady_clock() < snapshots->next_try)
        return;
    hh_graph_stats_read(shared->graph, &graph);
    int64_t known = graph.withdrawals == snapshots->withdrawals ? snapshots->version : 0;
    if (!hh_service_follow(shared->service, known, &served))
        return;
    snapshots->next_try = hh_steady_clock() + PAUSE_MS;
    snapshots->goes_on = goes_on;
    snapshots->context = context;
    hh_status status = publish(snapshots, served, &error);
    if (status == HH_OK) {
        snapshots->version = served->version;
        snapshots->withdrawals = graph.withdrawals;
        hh_metrics_set(shared->metrics, HH_METRIC_EMBEDDINGS_VERSION, 0, (double)served->version);
    } else {
        hh_snapshots_leave(snapshots);
        hh_metrics_add(shared->metrics, HH_METRIC_SNAPSHOTS, HH_SNAPSHOT_BROKEN, 1);
        if (status == HH_NOT_FOUND)
            atomic_store(&shared->doubts_topics, true);
        HH_COMPLAIN(shared->log, status == HH_STOPPED ? HH_LOG_INFO : HH_LOG_ERROR,
                    "item vectors not published", HH_NUMBER("version", served->version),
                    HH_TEXT("reason", error.message));
    }
    hh_served_release(&served);
}

void hh_snapshots_leave(hh_snapshots *snapshots)
{
    hh_embedding_set_free(snapshots->set);
    snapshots->set = NULL;
    snapshots->version = 0;
    hh_metrics_unset(snapshots->shared->metrics, HH_METRIC_EMBEDDINGS_VERSION, 0);
}

hh_snapshots *hh_snapshots_new(hh_shared *shared, hh_pulse *pulse, hh_model_outbox *outbox, hh_error *error)
{
    hh_snapshots *snapshots = calloc(1, sizeof *snapshots);
    if (!snapshots) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    snapshots->shared = shared;
    snapshots->pulse = pulse;
    snapshots->outbox = outbox;
    snapshots->reader = hh_reader_new(shared->graph, error);
    if (snapshots->reader)
        snapshots->encoder = hh_encoder_new((hh_format)shared->config->embeddings.format, error);
    if (snapshots->encoder)
        return snapshots;
    hh_snapshots_free(snapshots);
    return NULL;
}

void hh_snapshots_free(hh_snapshots *snapshots)
{
    if (!snapshots)
        return;
    hh_embedding_set_free(snapshots->set);
    hh_encoder_free(snapshots->encoder);
    hh_reader_free(snapshots->reader);
    free(snapshots);
}
