// Tries out what the settings name, from the inside to the outside: schema, brokers, topics, rights.
#include "check.h"

#include "embedder.h"
#include "inputs.h"
#include "rights.h"
#include "wire/kafka.h"
#include "wire/records.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMEOUT_MS = 10000, AGAIN_MS = 200 };

// A transaction's time-out that no broker takes. It says so after a look at the rights, and before it does
// anything with the transactional id, which may be in use.
#define TOO_LONG_MS "2000000000"

typedef struct hh_checking {
    const hh_config *config;
    FILE *out;
    hh_status status;         // the first trouble
    rd_kafka_resp_err_t said; // by a client, why it gets no answer
    char reason[300];
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

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)client;
    hh_checking *checking = opaque;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||       // says less than what came before,
        checking->said == RD_KAFKA_RESP_ERR__AUTHENTICATION) // which another broker may not know
        return;
    checking->said = (rd_kafka_resp_err_t)code;
    snprintf(checking->reason, sizeof checking->reason, "%s", reason);
}

// transactional_id: NULL for a client that asks, and writes nothing.
static rd_kafka_t *connect_brokers(hh_checking *checking, const char *transactional_id)
{
    const hh_config *config = checking->config;
    char reason[256];
    hh_error error;
    rd_kafka_conf_t *conf =
        hh_kafka_conf(transactional_id ? HH_KAFKA_TRANSACTIONAL : HH_KAFKA_ADMIN, config->kafka.brokers,
                      config->kafka.properties.items, config->kafka.properties.count, &error);
    if (!conf) {
        wrong(checking, HH_ARGUMENT, error.message);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, NULL); // what it logs says less than the sentence that follows
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, checking);
    if (transactional_id) {
        rd_kafka_conf_set(conf, "transactional.id", transactional_id, reason, sizeof reason);
        rd_kafka_conf_set(conf, "transaction.timeout.ms", TOO_LONG_MS, reason, sizeof reason);
        rd_kafka_conf_set(conf, "socket.timeout.ms", "10000", reason, sizeof reason); // not as long as that
    }
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        wrong(checking, HH_ARGUMENT, reason);
    }
    return client;
}

// librdkafka before 2.6.1 answers a SCRAM challenge in a way that Kafka 4 refuses as a wrong password.
static const char *scram_hint(rd_kafka_t *client)
{
    char mechanism[64];
    size_t size = sizeof mechanism;
    bool scram =
        rd_kafka_conf_get(rd_kafka_conf(client), "sasl.mechanism", mechanism, &size) == RD_KAFKA_CONF_OK &&
        strncmp(mechanism, "SCRAM-", 6) == 0;
    return scram && rd_kafka_version() < 0x020601ff
               ? "; or the brokers are of Kafka 4, where SCRAM needs librdkafka 2.6.1"
               : "";
}

// Without a topic in the question: a broker might create it.
static bool check_brokers(hh_checking *checking, rd_kafka_t *client)
{
    const struct rd_kafka_metadata *metadata;
    char sentence[1024];
    rd_kafka_resp_err_t trouble = rd_kafka_metadata(client, 0, NULL, &metadata, TIMEOUT_MS);
    if (trouble != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_poll(client, 0); // for on_error
        bool login = checking->said == RD_KAFKA_RESP_ERR__AUTHENTICATION;
        const char *reason = checking->said ? checking->reason : rd_kafka_err2str(trouble);
        if (login)
            snprintf(sentence, sizeof sentence,
                     "kafka.properties: the login is refused; sasl.mechanism, sasl.username or sasl.password "
                     "is wrong%s: %s",
                     scram_hint(client), reason);
        else
            snprintf(sentence, sizeof sentence, "kafka.brokers: none of %.300s answers within %d s: %s",
                     checking->config->kafka.brokers, TIMEOUT_MS / 1000, reason);
        wrong(checking, login ? HH_ARGUMENT : HH_IO, sentence);
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

static void check_topic(hh_checking *checking, rd_kafka_t *client, hh_kafka_topic *topic, int partitions)
{
    hh_error error;
    char sentence[1024];
    hh_status status = hh_kafka_topics(
        client, topic, 1, checking->config->topics.create ? HH_KAFKA_CREATE_TRY : HH_KAFKA_CREATE_NOT,
        TIMEOUT_MS, wrong_topic, checking, &error);
    if (status == HH_IO) {
        wrong(checking, HH_IO, error.message);
    } else if (status == HH_OK && topic->missing) {
        right(checking, "topic %s is missing and will be created", topic->name);
    } else if (status == HH_OK && partitions == 0) {
        snprintf(sentence, sizeof sentence,
                 "the topic %s is there, and Kafka's user lacks the right %s on it", topic->name,
                 topic->rights);
        wrong(checking, HH_ARGUMENT, sentence);
    } else if (status == HH_OK) {
        right(checking, "topic %s has %d partition%s and cleanup.policy %s", topic->name, partitions,
              partitions == 1 ? "" : "s", topic->cleanup);
    }
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
    for (size_t i = 0; i < count; i++)
        check_topic(checking, client, &topics[i], partitions_of(metadata, topics[i].name));
    char sentence[1024];
    if (hh_withdrawals_fade(checking->config, topics, count, sentence, sizeof sentence))
        fprintf(checking->out, "note   %s\n", sentence);
    rd_kafka_metadata_destroy(metadata);
}

// What a broker says of the group, which it says to nobody who may not see it.
static rd_kafka_resp_err_t ask_group(rd_kafka_t *client, const char *name)
{
    char trouble[200];
    const rd_kafka_ConsumerGroupDescription_t **groups = NULL;
    size_t count = 0;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_AdminOptions_set_request_timeout(options, TIMEOUT_MS, trouble, sizeof trouble);
    rd_kafka_DescribeConsumerGroups(client, &name, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS + 500);
    const rd_kafka_DescribeConsumerGroups_result_t *result =
        event ? rd_kafka_event_DescribeConsumerGroups_result(event) : NULL;
    if (result)
        groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count);
    rd_kafka_resp_err_t code = count == 1
                                   ? rd_kafka_error_code(rd_kafka_ConsumerGroupDescription_error(groups[0]))
                                   : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return code;
}

// Whether the group's coordinator has only just come to be one.
static bool moves(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
}

static void check_group(hh_checking *checking, rd_kafka_t *client, const char *office)
{
    char name[HH_REFUSAL_SIZE / 2], sentence[1024];
    rd_kafka_resp_err_t code;
    hh_time until = hh_steady_clock() + TIMEOUT_MS;
    hh_group_of(checking->config, office, name);
    while (moves(code = ask_group(client, name)) && hh_steady_clock() < until)
        nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        hh_refusal_text(checking->config, code, &(hh_right){.office = office}, sentence);
        wrong(checking, HH_ARGUMENT, sentence);
    } else if (code) {
        snprintf(sentence, sizeof sentence, "nobody tells of the group %s: %s", name, rd_kafka_err2str(code));
        wrong(checking, HH_IO, sentence);
    } else {
        right(checking, "group %s may be seen", name);
    }
}

// What the brokers say of a transactional id, in words too where it is a trouble. A worker's is one that no
// worker has.
static rd_kafka_resp_err_t check_transactional_id(hh_checking *checking, const char *office)
{
    char name[HH_REFUSAL_SIZE / 2], id[HH_REFUSAL_SIZE], sentence[1024];
    hh_transactional_of(checking->config, office, name);
    snprintf(id, sizeof id, "%s%s", name, office ? "" : "check");
    rd_kafka_t *client = connect_brokers(checking, id);
    if (!client)
        return RD_KAFKA_RESP_ERR__FAIL;
    rd_kafka_error_t *trouble = rd_kafka_init_transactions(client, TIMEOUT_MS);
    rd_kafka_resp_err_t code = rd_kafka_error_code(trouble);
    if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED) {
        hh_refusal_text(checking->config, code, &(hh_right){.office = office}, sentence);
        wrong(checking, HH_ARGUMENT, sentence);
    } else if (code && code != RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT) {
        snprintf(sentence, sizeof sentence, "the transactional id %s can't be tried: %s", id,
                 rd_kafka_error_string(trouble));
        wrong(checking, HH_IO, sentence);
    } else if (office) {
        right(checking, "transactional id %s may be used", name);
    } else {
        right(checking, "transactional ids that begin with %s may be used", name);
    }
    rd_kafka_error_destroy(trouble);
    rd_kafka_destroy(client);
    return code;
}

static void check_rights(hh_checking *checking, rd_kafka_t *client)
{
    check_group(checking, client, NULL);
    rd_kafka_resp_err_t code = check_transactional_id(checking, NULL);
    if (hh_trains(checking->config)) {
        check_group(checking, client, "trainer");
        // Where no time-out is too long, trying it would take it from the trainer that is at work.
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            check_transactional_id(checking, "trainer");
    }
    if (hh_vectors_made(checking->config))
        check_group(checking, client, "semantics");
}

hh_status hh_check(const hh_settings *settings, FILE *out)
{
    hh_checking checking = {hh_settings_config(settings), out, HH_OK, RD_KAFKA_RESP_ERR_NO_ERROR, ""};
    right(&checking, "settings");
    check_clicks(&checking);
    check_semantics(&checking);
    rd_kafka_t *client = connect_brokers(&checking, NULL);
    if (client && check_brokers(&checking, client)) {
        check_topics(&checking, client);
        check_rights(&checking, client);
    }
    if (client)
        rd_kafka_destroy(client);
    return checking.status;
}
