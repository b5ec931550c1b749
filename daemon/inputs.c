// Topics and schema that the settings name; see inputs.h.
#include "inputs.h"

#include <errno.h>
#include <hiphop/semantics.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_MAX = 1 << 20 }; // bytes; the largest that people have are some tens of thousands

size_t hh_topics_needed(const hh_config *config, hh_kafka_topic topics[HH_TOPICS])
{
    const struct {
        const char *name, *cleanup, *rights;
        bool used;
    } rows[HH_TOPICS] = {
        {config->topics.clicks, "delete", "Read", true},
        {config->topics.items, "compact", "Read", config->recommend.enabled},
        {config->topics.item_vectors, "compact", hh_vectors_made(config) ? "Read and Write" : "Read",
         hh_vectors_read(config)},
        {config->topics.recommendations, "delete", "Write", config->recommend.enabled},
        {config->topics.models, "compact", config->training.enabled ? "Read and Write" : "Read",
         config->recommend.enabled},
        {config->topics.quality, "compact", "Write", config->recommend.enabled},
        {config->topics.embeddings, "compact", "Read and Write", hh_embeddings_made(config)},
        {config->topics.sessions, "delete", "Write", true},
        {config->topics.dead_letters, "delete", "Write", true},
    };
    int partitions = (int)config->topics.partitions, replication = (int)config->topics.replication;
    size_t count = 0;
    for (size_t i = 0; i < HH_TOPICS; i++)
        if (rows[i].used && rows[i].name[0] != '\0')
            topics[count++] = (hh_kafka_topic){
                .name = rows[i].name,
                .partitions = partitions,
                .replication = replication,
                .cleanup = rows[i].cleanup,
                .tombstones = rows[i].name == config->topics.items ? HH_KAFKA_TOMBSTONES_MS : 0,
                .rights = rows[i].rights,
            };
    return count;
}

static const hh_kafka_topic *topic_named(const hh_kafka_topic *topics, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(topics[i].name, name) == 0 && !topics[i].missing)
            return &topics[i];
    return NULL;
}

bool hh_withdrawals_fade(const hh_config *config, const hh_kafka_topic *topics, size_t count, char *sentence,
                         size_t size)
{
    const hh_kafka_topic *items = topic_named(topics, count, config->topics.items),
                         *clicks = topic_named(topics, count, config->topics.clicks);
    if (!items || !clicks || items->keeps_tombstones == 0 || clicks->keeps == 0)
        return false;
    int64_t enough = clicks->keeps < HH_KAFKA_TOMBSTONES_MS ? clicks->keeps : HH_KAFKA_TOMBSTONES_MS;
    if (config->graph.max_age > 0 && config->graph.max_age < enough)
        enough = config->graph.max_age;
    if (items->keeps_tombstones >= enough)
        return false;
    snprintf(sentence, size,
             "the topic %s keeps tombstones for %.1f hours (delete.retention.ms), and clicks are remembered "
             "for longer: an item that was withdrawn before that is listed again after a restart. Let "
             "kafka-configs.sh --alter --entity-type topics --entity-name %s set delete.retention.ms=%lld",
             items->name, (double)items->keeps_tombstones / 3600000, items->name,
             (long long)HH_KAFKA_TOMBSTONES_MS);
    return true;
}

bool hh_vectors_read(const hh_config *config)
{
    return config->recommend.enabled && config->semantics.provider != HH_SEMANTICS_NONE &&
           config->topics.item_vectors[0] != '\0';
}

bool hh_vectors_made(const hh_config *config)
{
    return hh_vectors_read(config) && config->semantics.provider != HH_SEMANTICS_TOPIC &&
           config->topics.items[0] != '\0';
}

static hh_status parse_source(const char *written, hh_vector_source *source, hh_error *error)
{
    const char *sign = strchr(written, '=');
    char *end = NULL;
    unsigned long width = sign ? strtoul(sign + 1, &end, 10) : 0;
    *source = (hh_vector_source){.name = {written, sign ? (size_t)(sign - written) : strlen(written)}};
    if (!hh_source_name_valid(source->name))
        return hh_fail(
            error, HH_ARGUMENT,
            "\"%.100s\" is neither name nor name=width, where a name is 1 to %d letters, digits, '.', "
            "'_' and '-'",
            written, HH_SOURCE_MAX);
    if (sign && (sign[1] < '0' || sign[1] > '9' || *end || width == 0 || width > HH_WIDTH_MAX))
        return hh_fail(error, HH_ARGUMENT, "the width of \"%.100s\" is not 1 to %d", written, HH_WIDTH_MAX);
    source->width = (uint32_t)width;
    return HH_OK;
}

static uint32_t own_width(const hh_config *config)
{
    bool hashing = config->semantics.provider == HH_SEMANTICS_HASHING;
    return config->semantics.width || !hashing ? config->semantics.width : HH_HASHING_WIDTH;
}

size_t hh_vector_sources(const hh_config *config, hh_vector_source sources[HH_DESCRIPTIONS], hh_error *error)
{
    const hh_list *others = &config->semantics.sources;
    size_t count = 0;
    if (config->semantics.provider != HH_SEMANTICS_TOPIC)
        sources[count++] =
            (hh_vector_source){.name = {config->semantics.source, strlen(config->semantics.source)},
                               .width = own_width(config),
                               .own = true};
    for (size_t i = 0; i < others->count; i++) {
        if (count == HH_DESCRIPTIONS) {
            hh_fail(error, HH_ARGUMENT, "there can't be more than %d sources, with the one that is made here",
                    HH_DESCRIPTIONS);
            return 0;
        }
        if (parse_source(others->items[i], &sources[count], error))
            return 0;
        for (size_t j = 0; j < count; j++)
            if (sources[j].name.length == sources[count].name.length &&
                memcmp(sources[j].name.bytes, sources[count].name.bytes, sources[j].name.length) == 0) {
                hh_fail(error, HH_ARGUMENT, "\"%.100s\" %s", others->items[i],
                        sources[j].own ? "is the name of the vectors that are made here (semantics.source)"
                                       : "stands here twice");
                return 0;
            }
        count++;
    }
    if (count == 0)
        hh_fail(error, HH_ARGUMENT, "no source is named");
    return count;
}

uint32_t hh_vector_names(const hh_config *config, hh_text names[HH_DESCRIPTIONS])
{
    hh_vector_source sources[HH_DESCRIPTIONS];
    hh_error error;
    size_t count = hh_vectors_read(config) ? hh_vector_sources(config, sources, &error) : 0;
    for (size_t i = 0; i < count; i++)
        names[i] = sources[i].name;
    return (uint32_t)count;
}

bool hh_trains(const hh_config *config)
{
    return config->recommend.enabled && config->training.enabled && config->topics.models[0] != '\0';
}

bool hh_embeddings_made(const hh_config *config)
{
    return hh_trains(config) && config->topics.embeddings[0] != '\0';
}

hh_click_fields hh_click_fields_of(const hh_config *config)
{
    return (hh_click_fields){.visitor = config->clicks.fields.visitor,
                             .item = config->clicks.fields.item,
                             .timestamp = config->clicks.fields.timestamp,
                             .unit = (hh_time_unit)config->clicks.timestamp_unit};
}

static hh_status failed(hh_error *error, const char *option, const char *path, const char *why)
{
    return hh_fail(error, HH_IO, "%s: %.300s can't be read: %s", option, path, why);
}

static hh_status read_schema(const char *option, const char *path, char **text, hh_error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return failed(error, option, path, strerror(errno));
    char *buffer = malloc(SCHEMA_MAX);
    size_t length = buffer ? fread(buffer, 1, SCHEMA_MAX, file) : 0;
    bool broken = ferror(file);
    int reason = errno;
    fclose(file);
    if (buffer && !broken && length < SCHEMA_MAX && !memchr(buffer, '\0', length)) {
        buffer[length] = '\0';
        *text = buffer;
        return HH_OK;
    }
    bool none = !buffer;
    free(buffer);
    if (none)
        return hh_fail(error, HH_MEMORY, NULL);
    return failed(error, option, path, broken ? strerror(reason) : "this is no schema in Avro's JSON");
}

hh_status hh_click_schema(const hh_config *config, char **text, hh_error *error)
{
    *text = NULL;
    return config->clicks.format == HH_FORMAT_AVRO
               ? read_schema("clicks.schema", config->clicks.schema, text, error)
               : HH_OK;
}

hh_status hh_item_schema(const hh_config *config, char **text, hh_error *error)
{
    *text = NULL;
    return config->items.format == HH_FORMAT_AVRO
               ? read_schema("items.schema", config->items.schema, text, error)
               : HH_OK;
}
