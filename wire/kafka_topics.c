// Topics as they must be. Whether a topic is there is asked by DescribeConfigs, which tells its cleanup
// policy too, and which never makes a broker create a topic as asking for metadata may.
#include "wire/kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    hh_kafka_topic *topics;
    size_t count;
    hh_kafka_create create;
    int timeout_ms;
    void (*complain)(void *context, const char *sentence);
    void *context;
    bool trouble;
    hh_error *error;
} check;

__attribute__((format(printf, 2, 3))) static void complain(check *c, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    c->trouble = true;
    if (c->complain)
        c->complain(c->context, sentence);
}

// The answer to an admin request: an event of the kind, which the caller destroys, or NULL with *error.
static rd_kafka_event_t *answer(check *c, rd_kafka_event_type_t kind)
{
    // A little longer than the request itself may take, so that its own error arrives.
    rd_kafka_event_t *event = rd_kafka_queue_poll(c->queue, c->timeout_ms + 500);
    if (event && rd_kafka_event_type(event) == kind &&
        rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return event;
    hh_fail(c->error, HH_IO, "Kafka does not answer: %s",
            event ? rd_kafka_event_error_string(event) : "no answer in time");
    if (event)
        rd_kafka_event_destroy(event);
    return NULL;
}

static rd_kafka_AdminOptions_t *options(check *c, rd_kafka_admin_op_t op)
{
    char trouble[200];
    rd_kafka_AdminOptions_t *made = rd_kafka_AdminOptions_new(c->client, op);
    rd_kafka_AdminOptions_set_request_timeout(made, c->timeout_ms, trouble, sizeof trouble);
    return made;
}

static hh_kafka_topic *topic_named(check *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->topics[i].name, name) == 0)
            return &c->topics[i];
    return NULL;
}

static const char *value_of(const rd_kafka_ConfigResource_t *resource, const char *name)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

static void check_cleanup(check *c, const hh_kafka_topic *topic, const rd_kafka_ConfigResource_t *resource)
{
    const char *value = value_of(resource, "cleanup.policy");
    if (topic->cleanup && value && strcmp(value, topic->cleanup) != 0)
        complain(c, "the topic %s has cleanup.policy=%s but needs %s; change it, or name another topic",
                 topic->name, value, topic->cleanup);
}

#define UNLIMITED (INT64_MAX / 2) // times may be added to it

// Lowers *limit to what the topic says by that name.
static void lower(int64_t *limit, const rd_kafka_ConfigResource_t *resource, const char *name)
{
    char *end;
    const char *value = value_of(resource, name);
    long long said = value ? strtoll(value, &end, 10) : -1;
    if (said >= 0 && end != value && *end == '\0' && said < *limit)
        *limit = said;
}

static void read_limits(hh_kafka_topic *topic, const rd_kafka_ConfigResource_t *resource)
{
    const char *type = value_of(resource, "message.timestamp.type");
    if (!type)
        return;
    topic->behind = topic->ahead = UNLIMITED;
    if (strcmp(type, "LogAppendTime") == 0) // the broker sets the time, whatever is written
        return;
    lower(&topic->behind, resource, "message.timestamp.before.max.ms");
    lower(&topic->ahead, resource, "message.timestamp.after.max.ms");
    // Kafka before 4 has this for both ways. As of 3.6 it has all three, and goes by one or the other: the
    // smaller is right in any case.
    lower(&topic->behind, resource, "message.timestamp.difference.max.ms");
    lower(&topic->ahead, resource, "message.timestamp.difference.max.ms");
}

static void read_times(hh_kafka_topic *topic, const rd_kafka_ConfigResource_t *resource)
{
    topic->keeps = topic->keeps_tombstones = UNLIMITED;
    lower(&topic->keeps, resource, "retention.ms"); // -1: for ever
    lower(&topic->keeps_tombstones, resource, "delete.retention.ms");
}

static hh_status look(check *c)
{
    rd_kafka_ConfigResource_t **resources = calloc(c->count, sizeof *resources);
    if (!resources)
        return hh_fail(c->error, HH_MEMORY, NULL);
    for (size_t i = 0; i < c->count; i++)
        resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, c->topics[i].name);
    rd_kafka_AdminOptions_t *how = options(c, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(c->client, resources, c->count, how, c->queue);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_ConfigResource_destroy_array(resources, c->count);
    free(resources);

    rd_kafka_event_t *event = answer(c, RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT);
    if (!event)
        return HH_IO;
    size_t count;
    const rd_kafka_ConfigResource_t **found =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        hh_kafka_topic *topic = topic_named(c, rd_kafka_ConfigResource_name(found[i]));
        rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(found[i]);
        if (!topic)
            continue;
        if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            topic->missing = true;
        else if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            complain(c, "the topic %s can't be looked at: Kafka's user lacks the right DescribeConfigs on it",
                     topic->name);
        else if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
            complain(c, "the topic %s can't be looked at: %s", topic->name, rd_kafka_err2str(err));
        else {
            check_cleanup(c, topic, found[i]);
            read_limits(topic, found[i]);
            read_times(topic, found[i]);
        }
    }
    rd_kafka_event_destroy(event);
    return HH_OK;
}

static hh_status make(check *c)
{
    char trouble[300];
    size_t wanted = 0, count;
    rd_kafka_NewTopic_t **made = calloc(c->count, sizeof *made);
    if (!made)
        return hh_fail(c->error, HH_MEMORY, NULL);
    for (size_t i = 0; i < c->count; i++) {
        const hh_kafka_topic *topic = &c->topics[i];
        if (!topic->missing)
            continue;
        rd_kafka_NewTopic_t *fresh =
            rd_kafka_NewTopic_new(topic->name, topic->partitions > 0 ? topic->partitions : -1,
                                  topic->replication > 0 ? topic->replication : -1, trouble, sizeof trouble);
        if (!fresh) {
            complain(c, "the topic %s can't be made: %s", topic->name, trouble);
            continue;
        }
        if (topic->cleanup)
            rd_kafka_NewTopic_set_config(fresh, "cleanup.policy", topic->cleanup);
        if (topic->tombstones > 0) {
            char ms[24];
            snprintf(ms, sizeof ms, "%lld", (long long)topic->tombstones);
            rd_kafka_NewTopic_set_config(fresh, "delete.retention.ms", ms);
        }
        made[wanted++] = fresh;
    }
    hh_status status = HH_OK;
    if (wanted) {
        rd_kafka_AdminOptions_t *how = options(c, RD_KAFKA_ADMIN_OP_CREATETOPICS);
        // Let the controller answer when the topics can be used, not when it has noted the wish.
        rd_kafka_AdminOptions_set_operation_timeout(how, c->timeout_ms, trouble, sizeof trouble);
        rd_kafka_AdminOptions_set_validate_only(how, c->create == HH_KAFKA_CREATE_TRY, trouble,
                                                sizeof trouble);
        rd_kafka_CreateTopics(c->client, made, wanted, how, c->queue);
        rd_kafka_AdminOptions_destroy(how);
        rd_kafka_event_t *event = answer(c, RD_KAFKA_EVENT_CREATETOPICS_RESULT);
        if (!event)
            status = HH_IO;
        const rd_kafka_topic_result_t **results =
            event ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
                  : NULL;
        for (size_t i = 0; results && i < count; i++) {
            rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
            if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
                complain(c, "the topic %s is missing, and Kafka's user lacks the right Create on it",
                         rd_kafka_topic_result_name(results[i]));
            // Another instance may have been faster.
            else if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
                complain(c, "the topic %s can't be made: %s", rd_kafka_topic_result_name(results[i]),
                         rd_kafka_topic_result_error_string(results[i])
                             ? rd_kafka_topic_result_error_string(results[i])
                             : rd_kafka_err2str(err));
        }
        if (event)
            rd_kafka_event_destroy(event);
    }
    rd_kafka_NewTopic_destroy_array(made, wanted);
    free(made);
    return status;
}

hh_status hh_kafka_topics(rd_kafka_t *client, hh_kafka_topic *topics, size_t count, hh_kafka_create create,
                          int timeout_ms, void (*complain_to)(void *context, const char *sentence),
                          void *context, hh_error *error)
{
    check c = {client, NULL, topics, count, create, timeout_ms, complain_to, context, false, error};
    if (count == 0)
        return HH_OK;
    for (size_t i = 0; i < count; i++)
        topics[i].missing = false;
    c.queue = rd_kafka_queue_new(client);
    hh_status status = look(&c);
    for (size_t i = 0; i < count && status == HH_OK && create == HH_KAFKA_CREATE_NOT; i++)
        if (topics[i].missing)
            complain(&c, "the topic %s is missing", topics[i].name);
    if (status == HH_OK && create != HH_KAFKA_CREATE_NOT)
        status = make(&c);
    rd_kafka_queue_destroy(c.queue);
    if (status == HH_OK && c.trouble)
        status = hh_fail(error, HH_ARGUMENT, "not all topics are as they must be");
    return status;
}
