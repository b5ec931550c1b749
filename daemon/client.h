// librdkafka clients as the daemon's threads use them: its log in ours, and whether any broker answers.
#ifndef DAEMON_CLIENT_H
#define DAEMON_CLIENT_H

#include "shared.h"
#include "wire/kafka.h"

// A configuration for the role. The client's callbacks are given `opaque`, its errors go to the pulse.
// The opaque of the configuration is the pulse.
rd_kafka_conf_t *hh_client_conf(const hh_config *config, hh_kafka_role role, hh_pulse *pulse,
                                hh_error *error);
// Sets one of our own properties; HH_ARGUMENT with the reason.
hh_status hh_client_set(rd_kafka_conf_t *conf, const char *property, const char *value, hh_error *error);
// Makes the client; takes the configuration over in any case.
rd_kafka_t *hh_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, hh_error *error);
// A topic of a producer, or of a consumer that reads partitions by itself. NULL: HH_ARGUMENT with the reason.
rd_kafka_topic_t *hh_client_topic(rd_kafka_t *client, const char *name, hh_error *error);
// Ends it without waiting for brokers; may be NULL.
void hh_client_free(rd_kafka_t *client);

// Whether a broker answers a small question within timeout_ms; clears pulse->broken where one does.
bool hh_client_probe(rd_kafka_t *client, hh_pulse *pulse, int timeout_ms);

#endif
