// Tries out what the settings name, from the inside to the outside: schema, brokers, topics.
#include "check.h"

#include "embedder.h"
#include "inputs.h"
#include "wire/kafka.h"
#include "wire/records.h"
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

typedef struct hh_checking {
    const hh_config *config;
    FILE *out;
    hh_status status; // the first trouble
} hh_checking;

static void right(hh_checking *checking, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void right(hh_checking *checking, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("ok     ", checking->out);
    vfprintf(checking->out, format, arguments);
    fputc('\n', checking->out);
    va_end(arguments);
}

static void wrong(hh_checking *checking, hh_status status, const char *sentence)
{
    fprintf(checking->out, "WRONG  %s\n", sentence);
    if (checking->status == HH_OK)
        checking->status = status;
}

static void check_clicks(hh_checking *checking)
{
    const hh_config *config = checking->config;
    hh_click_fields fields = hh_click_fields_of(config);
    hh_error error;
    char *schema;
    hh_status status = hh_click_schema(config, &schema, &error);
    if (status != HH_OK) {
        wrong(checking, HH_ARGUMENT, error.message);
        return;
    }
    hh_click_decoder *decoder =
        hh_click_decoder_new((hh_format)config->clicks.format, schema, &fields, &error);
    if (!decoder)
        wrong(checking, HH_ARGUMENT, error.message);
    else if (schema)
        right(checking, "clicks are Avro by %s, which has %s, %s and %s", config->clicks.schema,
              fields.visitor, fields.item, fields.timestamp);
    else
        right(checking, "clicks are JSON with %s, %s and %s", fields.visitor, fields.item, fields.timestamp);
    hh_click_decoder_free(decoder);
    free(schema);
}

// The key's file is looked at as well, and nothing of the key is said.
static void check_semantics(hh_checking *checking)
{
    hh_error error;
    if (!hh_vectors_made(checking->config))
        return;
    if (hh_embedder_try(checking->config, &error) == HH_OK)
        right(checking, "texts of items are made by \"%s\"", checking->config->semantics.template);
    else
        wrong(checking, HH_ARGUMENT, error.message);
}

static rd_kafka_t *connect_brokers(hh_checking *checking)
{
    const hh_config *config = checking->config;
    char reason[256];
    hh_error error;
    rd_kafka_conf_t *conf =
        hh_kafka_conf(HH_KAFKA_ADMIN, config->kafka.brokers, config->kafka.properties.items,
                      config->kafka.properties.count, &error);
    if (!conf) {
        wrong(checking, HH_ARGUMENT, error.message);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, NULL); // what it logs says less than the sentence that follows
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        wrong(checking, HH_ARGUMENT, reason);
    }
    return client;
}

// Without a topic in the question: a broker might create it.
static bool check_brokers(hh_checking *checking, rd_kafka_t *client)
{
    const struct rd_kafka_metadata *metadata;
    char sentence[512];
    rd_kafka_resp_err_t trouble = rd_kafka_metadata(client, 0, NULL, &metadata, TIMEOUT_MS);
    if (trouble != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(sentence, sizeof sentence, "kafka.brokers: none of %.300s answers within %d s: %s",
                 checking->config->kafka.brokers, TIMEOUT_MS / 1000, rd_kafka_err2str(trouble));
        wrong(checking, HH_IO, sentence);
        return false;
    }
    right(checking, "%s answers for %d broker%s", metadata->orig_broker_name, metadata->broker_cnt,
          metadata->broker_cnt == 1 ? "" : "s");
    rd_kafka_metadata_destroy(metadata);
    return true;
}

// Whether the topic is there, and with how many partitions, out of what the brokers say of all topics.
static int partitions_of(const struct rd_kafka_metadata *metadata, const char *topic)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strcmp(metadata->topics[i].topic, topic) == 0)
            return metadata->topics[i].partition_cnt;
    return 0;
}

static void wrong_topic(void *context, const char *sentence)
{
    wrong(context, HH_ARGUMENT, sentence);
}

static void check_topics(hh_checking *checking, rd_kafka_t *client)
{
    hh_kafka_topic topics[HH_TOPICS];
    size_t count = hh_topics_needed(checking->config, topics);
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(client, 1, NULL, &metadata, TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        wrong(checking, HH_IO, "the brokers do not list their topics");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        hh_error error;
        int partitions = partitions_of(metadata, topics[i].name);
        if (partitions == 0 && checking->config->topics.create)
            right(checking, "topic %s is missing and will be created", topics[i].name);
        else if (hh_kafka_topics(client, &topics[i], 1, false, TIMEOUT_MS, wrong_topic, checking, &error) ==
                 HH_OK)
            right(checking, "topic %s has %d partition%s and cleanup.policy %s", topics[i].name, partitions,
                  partitions == 1 ? "" : "s", topics[i].cleanup);
        else if (error.status == HH_IO)
            wrong(checking, HH_IO, error.message);
    }
    rd_kafka_metadata_destroy(metadata);
}

hh_status hh_check(const hh_settings *settings, FILE *out)
{
    hh_checking checking = {hh_settings_config(settings), out, HH_OK};
    right(&checking, "settings");
    check_clicks(&checking);
    check_semantics(&checking);
    rd_kafka_t *client = connect_brokers(&checking);
    if (client && check_brokers(&checking, client))
        check_topics(&checking, client);
    if (client)
        rd_kafka_destroy(client);
    return checking.status;
}
