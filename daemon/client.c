// librdkafka clients as the daemon's threads use them.
#include "client.h"

#include "log.h"
#include "rights.h"
#include <string.h>
#include <syslog.h>

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    hh_pulse *pulse = rd_kafka_opaque(client);
    // The only one to say on which topic a transaction fails.
    if (level <= LOG_ERR && strcmp(facility, "ADDPARTS") == 0 && strstr(text, "uthorization failed")) {
        HH_COMPLAIN(pulse->shared->log, HH_LOG_WARNING, "a transaction can't write to a topic",
                    HH_TEXT("text", text));
        return;
    }
    // librdkafka calls every broken connection an error; what matters of them comes through on_error.
    HH_COMPLAIN(pulse->shared->log, level <= LOG_WARNING ? HH_LOG_INFO : HH_LOG_DEBUG, "librdkafka says",
                HH_TEXT("facility", facility), HH_TEXT("text", text));
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)client;
    hh_pulse *pulse = opaque;
    // Which right is said by who asked for something; a login is nobody else's.
    char refusal[HH_REFUSAL_SIZE];
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
        hh_refusal(pulse, (rd_kafka_resp_err_t)code, reason, &(hh_right){0}, refusal);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        atomic_store(&pulse->broken, true);
    HH_COMPLAIN(pulse->shared->log, HH_LOG_WARNING, "Kafka trouble",
                HH_TEXT("error", rd_kafka_err2name((rd_kafka_resp_err_t)code)), HH_TEXT("reason", reason));
}

rd_kafka_conf_t *hh_client_conf(const hh_config *config, hh_kafka_role role, hh_pulse *pulse, hh_error *error)
{
    rd_kafka_conf_t *conf = hh_kafka_conf(role, config->kafka.brokers, config->kafka.properties.items,
                                          config->kafka.properties.count, error);
    if (!conf)
        return NULL;
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, pulse);
    return conf;
}

hh_status hh_client_set(rd_kafka_conf_t *conf, const char *property, const char *value, hh_error *error)
{
    char trouble[300];
    if (rd_kafka_conf_set(conf, property, value, trouble, sizeof trouble) == RD_KAFKA_CONF_OK)
        return HH_OK;
    return hh_fail(error, HH_ARGUMENT, "Kafka property %s: %s", property, trouble);
}

rd_kafka_t *hh_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, hh_error *error)
{
    char trouble[300];
    rd_kafka_t *client = rd_kafka_new(type, conf, trouble, sizeof trouble);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        hh_fail(error, HH_ARGUMENT, "no Kafka client can be made: %s", trouble);
    }
    return client;
}

rd_kafka_topic_t *hh_client_topic(rd_kafka_t *client, const char *name, hh_error *error)
{
    char trouble[200];
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(client);
    // The simple consumer would commit, into a group that nobody asked for.
    if (rd_kafka_type(client) == RD_KAFKA_CONSUMER &&
        rd_kafka_topic_conf_set(conf, "auto.commit.enable", "false", trouble, sizeof trouble) !=
            RD_KAFKA_CONF_OK) {
        rd_kafka_topic_conf_destroy(conf);
        hh_fail(error, HH_ARGUMENT, "topic \"%s\": %s", name, trouble);
        return NULL;
    }
    rd_kafka_topic_t *made = rd_kafka_topic_new(client, name, conf);
    if (!made)
        hh_fail(error, HH_ARGUMENT, "topic \"%s\": %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    return made;
}

void hh_client_free(rd_kafka_t *client)
{
    if (!client)
        return;
    if (rd_kafka_type(client) == RD_KAFKA_PRODUCER)
        rd_kafka_purge(client,
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

bool hh_client_probe(rd_kafka_t *client, hh_pulse *pulse, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(client, 0, NULL, &metadata, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    rd_kafka_metadata_destroy(metadata);
    atomic_store(&pulse->broken, false);
    return true;
}
