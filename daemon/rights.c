// Refusals in words; see rights.h.
#include "rights.h"

#include <stdio.h>

bool hh_is_refusal(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
           code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT ||
           code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT ||
           code == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL;
}

void hh_group_of(const hh_config *config, const char *office, char name[HH_REFUSAL_SIZE / 2])
{
    snprintf(name, HH_REFUSAL_SIZE / 2, office ? "%s.%s" : "%s", config->kafka.group, office);
}

void hh_transactional_of(const hh_config *config, const char *office, char name[HH_REFUSAL_SIZE / 2])
{
    snprintf(name, HH_REFUSAL_SIZE / 2, office ? "%s.%s" : "%s-%s-w", config->kafka.group,
             office ? office : config->instance.id);
}

void hh_refusal_text(const hh_config *config, rd_kafka_resp_err_t code, const hh_right *right,
                     char text[HH_REFUSAL_SIZE])
{
    char name[HH_REFUSAL_SIZE / 2];
    const char *operation = right->operation ? right->operation : "Write"; // of another refusal, just then
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        hh_group_of(config, right->office, name);
        snprintf(text, HH_REFUSAL_SIZE, "Kafka's user lacks the right Read on the group %s", name);
    } else if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED) {
        hh_transactional_of(config, right->office, name);
        snprintf(text, HH_REFUSAL_SIZE, "Kafka's user lacks the right Write on %s %s",
                 right->office ? "the transactional id" : "transactional ids that begin with", name);
    } else if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && right->topic) {
        snprintf(text, HH_REFUSAL_SIZE, "Kafka's user lacks the right %s on the topic %s", operation,
                 right->topic);
    } else if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        snprintf(text, HH_REFUSAL_SIZE, "Kafka's user lacks the right %s on a topic; the log says which",
                 operation);
    } else if (code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED) {
        snprintf(text, HH_REFUSAL_SIZE, "Kafka's user lacks a right on the cluster");
    } else if (code == RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT) {
        snprintf(text, HH_REFUSAL_SIZE,
                 "the brokers refuse session.timeout.ms in kafka.properties: theirs are "
                 "group.min.session.timeout.ms to group.max.session.timeout.ms");
    } else if (code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT) {
        snprintf(text, HH_REFUSAL_SIZE,
                 "the brokers refuse transaction.timeout.ms in kafka.properties: it is more than their "
                 "transaction.max.timeout.ms");
    } else if (code == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL) {
        hh_group_of(config, right->office, name);
        snprintf(text, HH_REFUSAL_SIZE,
                 "the group %s has members that share partitions out in another way: if they are no hiphopd, "
                 "choose another kafka.group",
                 name);
    } else {
        snprintf(text, HH_REFUSAL_SIZE,
                 "Kafka refuses the login: sasl.mechanism, sasl.username or sasl.password is wrong");
    }
}

const char *hh_refusal(hh_pulse *pulse, rd_kafka_resp_err_t code, const char *said, const hh_right *right,
                       char text[HH_REFUSAL_SIZE])
{
    if (!hh_is_refusal(code))
        return said;
    hh_refusal_text(pulse->shared->config, code, right, text);
    atomic_store(&pulse->refused_topic, right->topic);
    atomic_store(&pulse->refused_operation, right->operation);
    atomic_store(&pulse->refused, (int)code);
    atomic_store(&pulse->refused_at, hh_steady_clock());
    return text;
}

bool hh_refused(const hh_pulse *pulse, hh_time within_ms, char text[HH_REFUSAL_SIZE])
{
    rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)atomic_load(&pulse->refused);
    if (!code || (within_ms && hh_steady_clock() - atomic_load(&pulse->refused_at) > within_ms))
        return false;
    const hh_right right = {.topic = atomic_load(&pulse->refused_topic),
                            .operation = atomic_load(&pulse->refused_operation)};
    hh_refusal_text(pulse->shared->config, code, &right, text);
    return true;
}

void hh_not_refused(hh_pulse *pulse)
{
    atomic_store(&pulse->refused, 0);
}
