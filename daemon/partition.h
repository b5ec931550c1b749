// One partition of the clicks as a worker holds it: its sessionizer, where it stands in the log, and what
// Kafka is told of it. What is committed is the true position, and as its metadata the text
//   "h1 <wall clock, ms> <gap>,<lateness>,<max_duration>,<max_clicks> <checkpoint>"
// (or the checkpoint alone, where all would be too long) out of which the next holder builds the same open
// sessions, given that it has the same session rules (docs/decisions/0004-exactly-once.md).
#ifndef DAEMON_PARTITION_H
#define DAEMON_PARTITION_H

#include "age.h"
#include <hiphop/session.h>
#include <hiphop/status.h>
#include <stdbool.h>
#include <stdint.h>

#define HH_METADATA_SIZE 4097 // what Kafka takes, and a NUL
#define HH_RULES_SIZE    96

typedef struct hh_worker hh_worker;

typedef struct hh_partition {
    hh_worker *worker;
    int32_t number;
    hh_sessionizer *sessionizer;
    bool held;         // librdkafka has it in its assignment
    bool assigned;     // it is restored, and its messages count
    bool failed;       // it could not be restored when that was tried last
    bool out_of_range; // the log no longer has what it wants to read
    int64_t next;      // offset of the next record to be read, replay included
    int64_t position;  // records before this one are dealt with
    bool moved;        // there is something to commit
    bool at_end;
    bool unseen;         // no broker has answered when asked whether it still is
    int64_t end;         // where the consumer met the end, while at_end
    hh_time quiet_since; // wall clock, while at_end
    hh_time next_tick;   // steady clock
    hh_age age;          // how long records have been waiting
    int64_t record_time; // Kafka's timestamp of the record at hand
} hh_partition;

// A partition that knows nothing yet. NULL when out of memory.
hh_partition *hh_partition_new(hh_worker *worker, int32_t number);
void hh_partition_free(hh_partition *partition);

// Makes it continue from what is committed: position and metadata as Kafka returned them (NULL or
// "" where nothing is committed). Sets `next` to the offset to read from. Metadata that is not ours, which
// somebody's tool has put there, is an empty past; it is logged.
hh_status hh_partition_restore(hh_partition *partition, int64_t position, const char *metadata, hh_time now,
                               hh_error *error);

// The metadata for the position as it is now.
hh_status hh_partition_metadata(hh_partition *partition, hh_time now, char text[HH_METADATA_SIZE]);

// The checkpoint within committed metadata (NULL: none); into *written the time at which it was committed,
// left alone where the text doesn't say, and into `rules` the session rules by then, "" where it doesn't say.
const char *hh_metadata_parse(const char *text, hh_time *written, char rules[HH_RULES_SIZE]);

#endif
