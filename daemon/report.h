// What the scoreboard says, into the metrics and onto the topic of quality.
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include "outbox.h"
#include "scoreboard.h"
#include "wire/records.h"

// Every quality.interval in which there was anything to count, by whichever worker comes first: a record for
// each version, with what else its next transaction holds. encoder: in quality.format; NULL: there is no such
// topic. *put: how many records. HH_MEMORY.
hh_status hh_report(hh_shared *shared, hh_outbox *outbox, hh_encoder *encoder, size_t *put);

#endif
