// Who of a group's instances does what only one of them should: training, making vectors of items. It is the
// one to which Kafka has assigned partition 0 of a topic, in a group for nothing else (kafka.group + "." +
// the office). When it leaves, or is not heard of for session.timeout.ms, another gets it.
//
// One thread, that of the office.
#ifndef DAEMON_ELECTION_H
#define DAEMON_ELECTION_H

#include "shared.h"
#include <hiphop/status.h>

typedef struct hh_election hh_election;

// Joins. office: "trainer"; lives as long as the election. lost(context), may be NULL: called from
// hh_election_serve() when the office is to be given away and nobody else has it yet: the time to finish, in
// less than a minute, what is begun.
hh_election *hh_election_new(hh_shared *shared, const char *office, const char *topic,
                             void (*lost)(void *context), void *context, hh_error *error);
void hh_election_free(hh_election *election); // may be NULL
// Serves what the group says, for up to wait_ms; must be called every few minutes at least.
void hh_election_serve(hh_election *election, int wait_ms);
bool hh_election_leads(const hh_election *election);
// The offset behind the last record of the topic's partition 0; -1: no broker has answered.
int64_t hh_election_end(hh_election *election);
// So that another may take office at once.
void hh_election_leave(hh_election *election);

#endif
