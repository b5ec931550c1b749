// Publishing models, and what goes with them.
#include "model_outbox.h"

#include "client.h"
#include "rights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARTITION = 0,
    CALL_MS = 1000,
    FULL_MS = 50,
    COMMIT_MS = 60000, // then it is given up
};

struct hh_model_outbox {
    hh_shared *shared;
    hh_pulse *pulse;
    rd_kafka_t *producer; // NULL: closed
    const char *topic;    // that was written to last; the config's
};

hh_model_outbox *hh_model_outbox_new(hh_shared *shared, hh_pulse *pulse)
{
    hh_model_outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox)
        return NULL;
    outbox->shared = shared;
    outbox->pulse = pulse;
    return outbox;
}

void hh_model_outbox_free(hh_model_outbox *outbox)
{
    if (!outbox)
        return;
    hh_model_outbox_close(outbox);
    free(outbox);
}

bool hh_model_outbox_is_open(const hh_model_outbox *outbox)
{
    return outbox->producer != NULL;
}

void hh_model_outbox_close(hh_model_outbox *outbox)
{
    hh_client_free(outbox->producer);
    outbox->producer = NULL;
}

// Says what has failed; true where the same call may be tried again.
static bool complain(hh_model_outbox *outbox, const char *what, rd_kafka_error_t *trouble)
{
    bool again = rd_kafka_error_is_retriable(trouble);
    bool fatal = rd_kafka_error_is_fatal(trouble);
    char refusal[HH_REFUSAL_SIZE];
    const hh_right right = {.office = "trainer", .topic = outbox->topic, .operation = "Write"};
    HH_COMPLAIN(outbox->shared->log, HH_LOG_WARNING, what, HH_TEXT("error", rd_kafka_error_name(trouble)),
                HH_TEXT("reason", hh_refusal(outbox->pulse, rd_kafka_error_code(trouble),
                                             rd_kafka_error_string(trouble), &right, refusal)));
    rd_kafka_error_destroy(trouble);
    if (fatal)
        hh_model_outbox_close(outbox);
    return again && !fatal;
}

hh_status hh_model_outbox_open(hh_model_outbox *outbox)
{
    const hh_config *config = outbox->shared->config;
    hh_error error = {0};
    char id[HH_REFUSAL_SIZE / 2];
    if (outbox->producer)
        return HH_OK;
    hh_transactional_of(config, "trainer", id);
    rd_kafka_conf_t *conf = hh_client_conf(config, HH_KAFKA_TRANSACTIONAL, outbox->pulse, &error);
    if (conf && hh_client_set(conf, "transactional.id", id, &error) == HH_OK)
        outbox->producer = hh_client_new(RD_KAFKA_PRODUCER, conf, &error);
    else if (conf)
        rd_kafka_conf_destroy(conf);
    if (!outbox->producer) {
        HH_COMPLAIN(outbox->shared->log, HH_LOG_ERROR, "no producer of models",
                    HH_TEXT("reason", error.message));
        return HH_IO;
    }
    rd_kafka_error_t *trouble = rd_kafka_init_transactions(outbox->producer, CALL_MS);
    if (!trouble)
        return HH_OK;
    complain(outbox, "models can't be published yet", trouble);
    hh_model_outbox_close(outbox);
    return HH_IO;
}

static bool put(hh_model_outbox *outbox, const char *topic, hh_text key, const void *value, size_t size)
{
    outbox->topic = topic;
    for (;;) {
        rd_kafka_resp_err_t code =
            rd_kafka_producev(outbox->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(PARTITION),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.bytes, key.length),
                              RD_KAFKA_V_VALUE((void *)value, size), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || hh_stopping(outbox->shared)) {
            if (code)
                HH_COMPLAIN(outbox->shared->log, HH_LOG_WARNING, "record not taken", HH_TEXT("topic", topic),
                            HH_TEXT("error", rd_kafka_err2name(code)),
                            HH_TEXT("reason", rd_kafka_err2str(code)));
            return code == RD_KAFKA_RESP_ERR_NO_ERROR;
        }
        rd_kafka_poll(outbox->producer, FULL_MS);
        hh_pulse_beat(outbox->pulse);
    }
}

static bool put_part(hh_model_outbox *outbox, int64_t version, int32_t chunk, const void *value, size_t size)
{
    char key[HH_MODEL_KEY_SIZE];
    size_t length = hh_model_key(version, chunk, key);
    return put(outbox, outbox->shared->config->topics.models, (hh_text){key, length}, value, size);
}

static bool put_all(hh_model_outbox *outbox, const hh_manifest *manifest, const void *bytes,
                    const hh_retained *gone, size_t gone_count)
{
    char *text = hh_manifest_encode(manifest);
    bool done = text != NULL;
    for (uint32_t chunk = 0; done && chunk < manifest->chunks; chunk++) {
        uint64_t at = (uint64_t)chunk * HH_MODEL_CHUNK, left = manifest->bytes - at;
        done = put_part(outbox, manifest->version, (int32_t)chunk, (const char *)bytes + at,
                        left < HH_MODEL_CHUNK ? left : HH_MODEL_CHUNK);
    }
    done = done && put_part(outbox, manifest->version, HH_MODEL_MANIFEST, text, strlen(text));
    free(text);
    for (size_t i = 0; done && i < gone_count; i++) {
        done = put_part(outbox, gone[i].version, HH_MODEL_MANIFEST, NULL, 0);
        for (uint32_t chunk = 0; done && chunk < gone[i].chunks; chunk++)
            done = put_part(outbox, gone[i].version, (int32_t)chunk, NULL, 0);
    }
    return done;
}

hh_status hh_model_outbox_begin(hh_model_outbox *outbox)
{
    rd_kafka_error_t *trouble = outbox->producer ? rd_kafka_begin_transaction(outbox->producer) : NULL;
    if (outbox->producer && !trouble)
        return HH_OK;
    if (trouble)
        complain(outbox, "no transaction for a model", trouble);
    hh_model_outbox_close(outbox);
    return HH_IO;
}

hh_status hh_model_outbox_put(hh_model_outbox *outbox, const char *topic, hh_text key, const void *value,
                              size_t size)
{
    if (put(outbox, topic, key, value, size))
        return HH_OK;
    hh_model_outbox_close(outbox);
    return HH_IO;
}

// Whoever opens a closed outbox next settles what is left of the transaction.
hh_status hh_model_outbox_commit(hh_model_outbox *outbox)
{
    hh_time patience = hh_steady_clock() + COMMIT_MS;
    for (;;) {
        rd_kafka_error_t *trouble = rd_kafka_commit_transaction(outbox->producer, CALL_MS);
        hh_pulse_beat(outbox->pulse);
        if (!trouble)
            return HH_OK;
        if (!complain(outbox, "models not committed", trouble) || hh_stopping(outbox->shared) ||
            hh_steady_clock() > patience)
            break;
    }
    hh_model_outbox_close(outbox);
    return HH_IO;
}

int64_t hh_model_outbox_end(hh_model_outbox *outbox, const char *topic)
{
    int64_t end;
    return !outbox->producer || hh_kafka_log_end(outbox->producer, topic, PARTITION, &end, CALL_MS) ? -1
                                                                                                    : end;
}

hh_status hh_model_outbox_publish(hh_model_outbox *outbox, const hh_manifest *manifest, const void *bytes,
                                  const hh_retained *gone, size_t gone_count)
{
    hh_status status = hh_model_outbox_begin(outbox);
    if (status == HH_OK && put_all(outbox, manifest, bytes, gone, gone_count))
        return hh_model_outbox_commit(outbox);
    hh_model_outbox_close(outbox);
    return HH_IO;
}
