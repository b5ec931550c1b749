// Who trains: of all instances the one to which Kafka has assigned the models' partition, in a group of its
// own (kafka.group + ".trainer"). When it leaves, or is not heard of for session.timeout.ms, another gets it.
// Who does not know that yet is fenced off by the transactions of the next (model_outbox.h).
//
// One thread, the trainer's.
#ifndef DAEMON_ELECTION_H
#define DAEMON_ELECTION_H

#include "shared.h"
#include <hiphop/status.h>

typedef struct hh_election hh_election;

hh_election *hh_election_new(hh_shared *shared, hh_error *error); // joins
void hh_election_free(hh_election *election);                     // may be NULL
// Serves what the group says, for up to wait_ms; must be called every few minutes at least.
void hh_election_serve(hh_election *election, int wait_ms);
bool hh_election_leads(const hh_election *election);
// The offset behind the last record of the models' topic; -1: no broker has answered.
int64_t hh_election_end(hh_election *election);
// So that another may train at once.
void hh_election_leave(hh_election *election);

#endif
