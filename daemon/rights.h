// What Kafka refuses to its user, or to settings, in words that say which right is to be given to whom, or
// what is to be set.
#ifndef DAEMON_RIGHTS_H
#define DAEMON_RIGHTS_H

#include "shared.h"
#include <librdkafka/rdkafka.h>

#define HH_REFUSAL_SIZE 800

// Where something was refused.
typedef struct hh_right {
    const char *office;    // of the group and the transactional id: "trainer", "semantics"; NULL: a worker's
    const char *topic;     // NULL: any that is written to
    const char *operation; // on the topic: "Read", "Write"
} hh_right;

// Whether Kafka refuses the login, a right, or a time-out or the assignor of the configuration.
bool hh_is_refusal(rd_kafka_resp_err_t code);

// The sentence for a refusal.
void hh_refusal_text(const hh_config *config, rd_kafka_resp_err_t code, const hh_right *right,
                     char text[HH_REFUSAL_SIZE]);

// Notes a refusal in the pulse, for /ready. Returns why, for the log: a sentence in `text`, or what Kafka
// `said` where it is no refusal.
const char *hh_refusal(hh_pulse *pulse, rd_kafka_resp_err_t code, const char *said, const hh_right *right,
                       char text[HH_REFUSAL_SIZE]);

// What a pulse has noted, as a sentence in `text`; false where there is nothing, or nothing in the last
// within_ms (0: ever).
bool hh_refused(const hh_pulse *pulse, hh_time within_ms, char text[HH_REFUSAL_SIZE]);
// It works again.
void hh_not_refused(hh_pulse *pulse);

// The group and transactional ids of an office (NULL: of the workers; their ids only begin so).
void hh_group_of(const hh_config *config, const char *office, char name[HH_REFUSAL_SIZE / 2]);
void hh_transactional_of(const hh_config *config, const char *office, char name[HH_REFUSAL_SIZE / 2]);

#endif
