#include "vector_reader.h"

#include "inputs.h"
#include "provider.h"
#include "wire/records.h"
#include <stdlib.h>
#include <string.h>

struct hh_vector_reader {
    hh_shared *shared;
    hh_reader *graph;
    hh_item_vector_decoder *decoder;
    hh_vector_source sources[HH_DESCRIPTIONS];
    size_t source_count;
    char model[HH_MODEL_NAME]; // of the vectors that are made here
    bool unsettled;
};

hh_vector_reader *hh_vector_reader_new(hh_shared *shared, hh_reader *graph, hh_error *error)
{
    hh_vector_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    reader->shared = shared;
    reader->graph = graph;
    reader->source_count = hh_vector_sources(shared->config, reader->sources, error);
    hh_provider_model(shared->config, reader->model);
    if (reader->source_count > 0)
        reader->decoder = hh_item_vector_decoder_new(error);
    if (reader->decoder)
        return reader;
    hh_vector_reader_free(reader);
    return NULL;
}

void hh_vector_reader_free(hh_vector_reader *reader)
{
    if (!reader)
        return;
    hh_item_vector_decoder_free(reader->decoder);
    free(reader);
}

static bool same(hh_text a, hh_text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

// The number of the source, or source_count.
static size_t number_of(const hh_vector_reader *reader, hh_text name)
{
    size_t number = 0;
    while (number < reader->source_count && !same(reader->sources[number].name, name))
        number++;
    return number;
}

static hh_status tell(hh_vector_reader *reader, size_t outcome)
{
    hh_metrics_add(reader->shared->metrics, HH_METRIC_ITEM_VECTORS, outcome, 1);
    return HH_OK;
}

static hh_status refuse(hh_vector_reader *reader, size_t outcome, const rd_kafka_message_t *record,
                        const char *reason)
{
    HH_COMPLAIN(reader->shared->log, HH_LOG_WARNING, "the vector of an item can't be used",
                HH_BYTES("key", record->key, record->key_len), HH_NUMBER("partition", record->partition),
                HH_NUMBER("offset", record->offset), HH_TEXT("reason", reason));
    return tell(reader, outcome);
}

static hh_status take_away(hh_vector_reader *reader, hh_text item, size_t number)
{
    hh_item known = hh_graph_find(reader->graph, item.bytes, item.length);
    hh_status status = HH_OK;
    if (known != HH_ITEM_NONE)
        status = hh_graph_describe(reader->shared->graph, known, (uint32_t)number, NULL, 0);
    return status == HH_MEMORY ? status : tell(reader, HH_VECTOR_WITHDRAWN);
}

static hh_status describe(hh_vector_reader *reader, const rd_kafka_message_t *record, size_t number,
                          const hh_item_vector_record *of, bool loading)
{
    hh_graph *graph = reader->shared->graph;
    rd_kafka_timestamp_type_t kind;
    hh_vector_source *source = &reader->sources[number];
    if (source->width && of->width != source->width)
        return refuse(reader, HH_VECTOR_WRONG_WIDTH, record, "it is not as wide as its source's vectors are");
    hh_item item = hh_graph_intern(graph, of->item.bytes, of->item.length);
    if (item == HH_ITEM_NONE)
        return HH_MEMORY;
    switch (hh_graph_describe(graph, item, (uint32_t)number, of->vector, (uint32_t)of->width)) {
    case HH_OK:
        if (loading && rd_kafka_message_timestamp(record, &kind) > 0 &&
            kind != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
            hh_graph_launched(graph, item, rd_kafka_message_timestamp(record, NULL));
        source->width = (uint32_t)of->width;
        reader->unsettled = true;
        return tell(reader, HH_VECTOR_TAKEN);
    case HH_MEMORY:
        return HH_MEMORY;
    case HH_LIMIT:
        return refuse(reader, HH_VECTOR_NO_ROOM, record, "graph.max_described items have vectors already");
    default:
        return refuse(reader, HH_VECTOR_MALFORMED, record, "the graph can't take it");
    }
}

hh_status hh_vector_reader_take(hh_vector_reader *reader, const rd_kafka_message_t *record, bool loading)
{
    hh_text source, item;
    hh_item_vector_record of;
    hh_error error;
    if (hh_vector_key_split(record->key, record->key_len, &source, &item, &error))
        return refuse(reader, HH_VECTOR_MALFORMED, record, error.message);
    size_t number = number_of(reader, source);
    if (number == reader->source_count)
        return tell(reader, HH_VECTOR_OTHER_SOURCE);
    if (record->len == 0)
        return take_away(reader, item, number);
    hh_status status = hh_item_vector_decode(reader->decoder, record->payload, record->len, &of, &error);
    if (status == HH_MEMORY)
        return status;
    if (status)
        return refuse(reader, HH_VECTOR_MALFORMED, record, error.message);
    if (!same(of.source, source) || !same(of.item, item))
        return refuse(reader, HH_VECTOR_MALFORMED, record, "its key is of another source or item");
    // Not comparable with those that are made now; it will be made anew.
    if (reader->sources[number].own && !same(of.model, (hh_text){reader->model, strlen(reader->model)}))
        return tell(reader, HH_VECTOR_OTHER_MODEL);
    return describe(reader, record, number, &of, loading);
}

bool hh_vector_reader_settle(hh_vector_reader *reader, bool wholly)
{
    if (reader->unsettled && wholly)
        hh_graph_settle(reader->shared->graph);
    reader->unsettled = reader->unsettled && !wholly && hh_graph_settle_some(reader->shared->graph);
    return reader->unsettled;
}
