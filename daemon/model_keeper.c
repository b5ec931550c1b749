// Reading the topic of models.
#include "model_keeper.h"

#include "assembly.h"
#include "client.h"
#include "rights.h"
#include "service.h"
#include <hiphop/foreseer.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    IDLE_MS = 200,
    PARTITION = 0, // all models are in one: their order counts
};

struct hh_model_keeper {
    hh_shared *shared;
    hh_pulse pulse;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; // of on_topic
    hh_on_topic on_topic;
    // the thread's own
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    hh_assembly assembly;
};

hh_pulse *hh_model_keeper_pulse(hh_model_keeper *keeper)
{
    return &keeper->pulse;
}

void hh_model_keeper_look(hh_model_keeper *keeper, hh_on_topic *on_topic)
{
    pthread_mutex_lock(&keeper->lock);
    *on_topic = keeper->on_topic;
    pthread_mutex_unlock(&keeper->lock);
}

// ---- what is on the topic ----

static void forget(hh_on_topic *on_topic, size_t at)
{
    memmove(&on_topic->retained[at], &on_topic->retained[at + 1],
            (--on_topic->count - at) * sizeof *on_topic->retained);
}

static void note(hh_model_keeper *keeper, const hh_manifest *manifest)
{
    hh_on_topic *on_topic = &keeper->on_topic;
    pthread_mutex_lock(&keeper->lock);
    for (size_t i = 0; i < on_topic->count; i++)
        if (on_topic->retained[i].version == manifest->version)
            forget(on_topic, i--);
    if (on_topic->count == HH_RETAINED_MAX)
        forget(on_topic, 0);
    on_topic->retained[on_topic->count++] = (hh_retained){manifest->version, manifest->chunks};
    if (manifest->version > on_topic->newest_version)
        on_topic->newest_version = manifest->version;
    if (manifest->trained > on_topic->trained) {
        on_topic->trained = manifest->trained;
        on_topic->as_of = manifest->as_of;
    }
    pthread_mutex_unlock(&keeper->lock);
}

static void note_tombstone(hh_model_keeper *keeper, int64_t version, int32_t chunk)
{
    pthread_mutex_lock(&keeper->lock);
    for (size_t i = 0; chunk == HH_MODEL_MANIFEST && i < keeper->on_topic.count; i++)
        if (keeper->on_topic.retained[i].version == version)
            forget(&keeper->on_topic, i--);
    pthread_mutex_unlock(&keeper->lock);
}

// ---- records ----

static void refuse(hh_model_keeper *keeper, int64_t version, const hh_error *error)
{
    hh_metrics_add(keeper->shared->metrics, HH_METRIC_MODELS_READ, HH_MODEL_REFUSED, 1);
    HH_COMPLAIN(keeper->shared->log, HH_LOG_ERROR, "a model can't be used; the one in service stays",
                HH_TEXT("topic", keeper->shared->config->topics.models), HH_NUMBER("version", version),
                HH_TEXT("reason", error->message));
}

static void serve(hh_model_keeper *keeper, hh_model *model, const hh_manifest *manifest)
{
    hh_shared *shared = keeper->shared;
    hh_error error;
    hh_vector_table *items = hh_vector_table_new(model, &error); // or it can't be served
    if (!items)
        hh_model_free(model);
    else if (hh_service_put(shared->service, model, items, manifest->version, manifest->as_of)) {
        hh_fail(&error, HH_MEMORY, NULL);
        items = NULL;
    }
    if (!items) {
        refuse(keeper, manifest->version, &error);
        return;
    }
    note(keeper, manifest);
    hh_metrics_add(shared->metrics, HH_METRIC_MODELS_READ, HH_MODEL_SERVED, 1);
    hh_metrics_set(shared->metrics, HH_METRIC_MODEL_VERSION, 0, (double)manifest->version);
    hh_metrics_set(shared->metrics, HH_METRIC_MODEL_AGE, 0, (double)manifest->trained);
    HH_LOG(shared->log, HH_LOG_INFO, "model in service", HH_NUMBER("version", manifest->version),
           HH_NUMBER("items", manifest->items), HH_NUMBER("bytes", (int64_t)manifest->bytes),
           HH_TEXT("trained_by", manifest->instance), HH_TEXT("how", manifest->text));
}

static void take_record(hh_model_keeper *keeper, const rd_kafka_message_t *record)
{
    hh_manifest manifest;
    hh_model *model;
    hh_error error;
    int64_t version;
    int32_t chunk;
    switch (hh_assembly_take(&keeper->assembly, record->key, record->key_len, record->payload, record->len,
                             &manifest, &model, &error)) {
    case HH_ASSEMBLED_NOTHING:
        if (!record->payload && hh_model_key_parse(record->key, record->key_len, &version, &chunk))
            note_tombstone(keeper, version, chunk);
        break;
    case HH_ASSEMBLED_MODEL:
        serve(keeper, model, &manifest);
        break;
    case HH_ASSEMBLED_REJECTED:
        note(keeper, &manifest);
        hh_metrics_add(keeper->shared->metrics, HH_METRIC_MODELS_READ, HH_MODEL_REJECTED, 1);
        break;
    case HH_ASSEMBLED_BAD:
        refuse(keeper, manifest.version, &error);
        break;
    }
}

static void take_message(hh_model_keeper *keeper, const rd_kafka_message_t *message)
{
    bool end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        return; // librdkafka asks for it; who reads a partition by himself needs no group
    if (message->err && !end) {
        char refusal[HH_REFUSAL_SIZE];
        const hh_right right = {.topic = keeper->shared->config->topics.models, .operation = "Read"};
        HH_COMPLAIN(keeper->shared->log, HH_LOG_WARNING, "the model keeper can't read",
                    HH_TEXT("error", rd_kafka_err2name(message->err)),
                    HH_TEXT("reason", hh_refusal(&keeper->pulse, message->err,
                                                 rd_kafka_message_errstr(message), &right, refusal)));
        return;
    }
    atomic_store(&keeper->pulse.broken, false);
    if (!end)
        take_record(keeper, message);
    pthread_mutex_lock(&keeper->lock);
    keeper->on_topic.next = end ? message->offset : message->offset + 1;
    pthread_mutex_unlock(&keeper->lock);
}

// ---- the thread ----

static void *run(void *context)
{
    hh_model_keeper *keeper = context;
    rd_kafka_message_t *messages[BATCH];
    pthread_setname_np(pthread_self(), "model-keeper");
    while (!hh_stopping(keeper->shared)) {
        hh_pulse_beat(&keeper->pulse);
        ssize_t count = rd_kafka_consume_batch_queue(keeper->queue, IDLE_MS, messages, BATCH);
        for (ssize_t i = 0; i < count; i++) {
            if (!hh_stopping(keeper->shared))
                take_message(keeper, messages[i]);
            rd_kafka_message_destroy(messages[i]);
            hh_pulse_beat(&keeper->pulse);
        }
    }
    return NULL;
}

static hh_status open(hh_model_keeper *keeper, hh_error *error)
{
    const hh_config *config = keeper->shared->config;
    rd_kafka_conf_t *conf = hh_client_conf(config, HH_KAFKA_READER, &keeper->pulse, error);
    keeper->consumer = conf ? hh_client_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
    if (!keeper->consumer)
        return error->status;
    rd_kafka_poll_set_consumer(keeper->consumer);
    keeper->queue = rd_kafka_queue_get_consumer(keeper->consumer);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(all, config->topics.models, PARTITION)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code = rd_kafka_assign(keeper->consumer, all);
    rd_kafka_topic_partition_list_destroy(all);
    if (code)
        return hh_fail(error, HH_IO, "topic \"%s\" can't be read: %s", config->topics.models,
                       rd_kafka_err2str(code));
    return HH_OK;
}

hh_model_keeper *hh_model_keeper_new(hh_shared *shared, hh_error *error)
{
    hh_model_keeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    keeper->shared = shared;
    keeper->pulse = (hh_pulse){.shared = shared, .name = "model keeper"};
    keeper->on_topic.next = -1;
    pthread_mutex_init(&keeper->lock, NULL);
    if (open(keeper, error) == HH_OK)
        return keeper;
    hh_model_keeper_free(keeper);
    return NULL;
}

hh_status hh_model_keeper_start(hh_model_keeper *keeper, hh_error *error)
{
    hh_pulse_beat(&keeper->pulse);
    if (pthread_create(&keeper->thread, NULL, run, keeper))
        return hh_fail(error, HH_IO, "no thread can be started for the model keeper");
    keeper->started = true;
    return HH_OK;
}

void hh_model_keeper_join(hh_model_keeper *keeper)
{
    if (keeper->started)
        pthread_join(keeper->thread, NULL);
    keeper->started = false;
}

void hh_model_keeper_free(hh_model_keeper *keeper)
{
    if (!keeper)
        return;
    if (keeper->queue)
        rd_kafka_queue_destroy(keeper->queue);
    hh_client_free(keeper->consumer);
    hh_assembly_clear(&keeper->assembly);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}
