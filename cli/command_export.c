// hiphop export: item vectors as files, out of their topic or out of a model.
#include "command.h"

#include "interrupt.h"
#include "kafka_args.h"
#include "model_input.h"
#include "output_file.h"
#include "vector_files.h"
#include "wire/embedding_set.h"
#include "wire/kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 10000 // for brokers that do not answer at all

enum { EMBEDDINGS, BROKERS, TOPIC, MODEL, PROPERTY };

static const cli_option options[] = {
    [EMBEDDINGS] = {"embeddings", "PREFIX",
                    "write PREFIX.npy, a vector a row, and PREFIX.ids.jsonl, their items"},
    [BROKERS] = BROKERS_ROW,
    [TOPIC] = {"topic", "NAME", "topic of item vectors (hiphop.embeddings)"},
    [MODEL] = {"model", "FILE", "instead of a topic: the vectors of a model's items"},
    [PROPERTY] = PROPERTY_ROW,
    {0},
};

typedef struct export_request {
    const char *prefix, *topic, *model;
    kafka_args kafka;
} export_request;

static bool read_request(cli_args *args, export_request *request)
{
    const char *value;
    bool good = true;
    *request = (export_request){.topic = "hiphop.embeddings"};
    for (int option; good && (option = cli_next(args, &value)) != CLI_END;)
        switch (option) {
        case EMBEDDINGS:
            request->prefix = value;
            break;
        case BROKERS:
            request->kafka.brokers = value;
            break;
        case TOPIC:
            request->topic = value;
            break;
        case MODEL:
            request->model = value;
            break;
        case PROPERTY:
            good = read_property(args, value, &request->kafka);
            break;
        default: // CLI_BAD
            good = false;
        }
    if (good && (!request->prefix || !request->prefix[0]))
        good = cli_usage_error(args, "--embeddings is needed: where to write to") == CLI_OK;
    if (good && request->prefix[strlen(request->prefix) - 1] == '/')
        good = cli_usage_error(
                   args, "--embeddings: %s is a directory; write where the files' names begin, like %sitems",
                   request->prefix, request->prefix) == CLI_OK;
    if (good && request->model && request->kafka.brokers)
        good = cli_usage_error(args, "--brokers or --model, not both: where to read from") == CLI_OK;
    if (good && !request->model && !request->kafka.brokers)
        good = cli_usage_error(args, "either --brokers or --model is needed: where to read from") == CLI_OK;
    return good;
}

static int write_rows(cli_args *args, const export_request *request, item_vector *rows, size_t count,
                      uint32_t d, const char *of)
{
    hh_error error;
    if (vector_files_write(request->prefix, rows, count, d, &error))
        return cli_failure(args, "%s", error.message);
    printf("%zu items, %u numbers each, of %s: %s.npy, %s.ids.jsonl\n", count, d, of, request->prefix,
           request->prefix);
    return CLI_OK;
}

// ---- from the topic ----

static rd_kafka_t *open_client(const kafka_args *kafka, hh_error *error)
{
    char reason[256];
    rd_kafka_conf_t *conf =
        hh_kafka_conf(HH_KAFKA_READER, kafka->brokers, kafka->properties, kafka->property_count, error);
    if (!conf)
        return NULL;
    rd_kafka_conf_set_log_cb(conf, NULL); // errors come with the messages
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (client) {
        rd_kafka_poll_set_consumer(client);
        return client;
    }
    rd_kafka_conf_destroy(conf);
    hh_fail(error, HH_ARGUMENT, "no Kafka client with these properties: %s", reason);
    return NULL;
}

// A record that is no use matters where the snapshot is not whole in the end, which is seen then.
static hh_status take_record(void *context, const rd_kafka_message_t *record, hh_error *error)
{
    if (interrupted())
        return hh_fail(error, HH_STOPPED, "interrupted");
    if (!record)
        return HH_OK;
    hh_status status = hh_embedding_set_take(context, (hh_text){record->key, record->key_len},
                                             record->payload, record->len, error);
    return status == HH_FORMAT ? HH_OK : status;
}

static int write_set(cli_args *args, const export_request *request, const hh_embedding_set *set)
{
    hh_snapshot snapshot;
    hh_error error;
    char of[64];
    hh_embedding found;
    size_t count = 0;
    hh_status status = hh_embedding_set_check(set, &snapshot, &error);
    if (status)
        return cli_failure(args, "topic \"%s\": %s%s", request->topic, error.message,
                           status == HH_FORMAT ? "; hiphopd makes it good with its next snapshot" : "");
    item_vector *rows = malloc((hh_embedding_set_count(set) + 1) * sizeof *rows);
    if (!rows)
        return cli_failure(args, "out of memory");
    for (size_t i = 0; i < hh_embedding_set_end(set); i++)
        if (hh_embedding_set_at(set, i, &found))
            rows[count++] = (item_vector){found.item, found.vector};
    snprintf(of, sizeof of, "version %lld", (long long)snapshot.version);
    int result = write_rows(args, request, rows, count, snapshot.dimension, of);
    free(rows);
    return result;
}

static int export_topic(cli_args *args, const export_request *request)
{
    hh_error error;
    interrupt_catch();
    hh_embedding_set *set = hh_embedding_set_new(&error);
    rd_kafka_t *client = set ? open_client(&request->kafka, &error) : NULL;
    hh_status status = client ? hh_kafka_read(client, request->topic, HH_EMBEDDING_PARTITION, PATIENCE_MS,
                                              take_record, set, &error)
                              : error.status;
    if (client)
        rd_kafka_destroy(client);
    int result = status == HH_STOPPED ? CLI_INTERRUPTED
                 : status             ? cli_failure(args, "%s", error.message)
                                      : write_set(args, request, set);
    hh_embedding_set_free(set);
    return result;
}

// ---- from a model ----

static int export_model(cli_args *args, const export_request *request)
{
    hh_model *model = cli_load_model(args, request->model);
    if (!model)
        return CLI_FAILURE;
    const hh_network *network = hh_model_network(model);
    uint32_t items = hh_model_items(model), d = hh_network_options_of(network)->d;
    float *x = malloc((size_t)items * d * sizeof *x);
    item_vector *rows = malloc(((size_t)items + 1) * sizeof *rows);
    int result = CLI_FAILURE;
    if (x && rows) {
        hh_network_item_vectors(network, 0, items, x);
        for (uint32_t i = 0; i < items; i++) {
            rows[i].item.bytes = hh_model_item(model, i, &rows[i].item.length);
            rows[i].vector = x + (size_t)i * d;
        }
        result = write_rows(args, request, rows, items, d, request->model);
    } else {
        cli_failure(args, "out of memory");
    }
    free(rows);
    free(x);
    hh_model_free(model);
    return result;
}

// Neither file is the model.
static bool may_write(cli_args *args, const export_request *request)
{
    bool good = true;
    for (size_t i = 0; vector_files_suffix[i] && good; i++) {
        char *path;
        if (asprintf(&path, "%s%s", request->prefix, vector_files_suffix[i]) < 0)
            return cli_failure(args, "out of memory") == CLI_OK;
        good = cli_output_file(args, path, &request->model, 1);
        free(path);
    }
    return good;
}

static int run(cli_args *args)
{
    export_request request;
    if (!read_request(args, &request))
        return CLI_USAGE;
    if (!may_write(args, &request))
        return CLI_FAILURE;
    return request.model ? export_model(args, &request) : export_topic(args, &request);
}

const cli_command cli_export = {
    .name = "export",
    .summary = "item vectors for NumPy and vector databases, from their topic or a model",
    .options = options,
    .notes = "Row i of numpy.load(\"PREFIX.npy\") is the vector of the item in line i of PREFIX.ids.jsonl, a "
             "JSON\n"
             "string; the order is that of the ids. Nothing is written of a snapshot that is not whole.\n\n"
             "Example:\n"
             "  hiphop export --brokers localhost:9092 --embeddings items",
    .run = run,
};
