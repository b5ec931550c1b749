// Who ends the process where stopping it takes too long: librdkafka may wait where it can't be told not to (a
// name that doesn't resolve, say). Nothing is lost by going: what is not committed will be done again.
#ifndef DAEMON_LAST_RESORT_H
#define DAEMON_LAST_RESORT_H

#include <stdbool.h>

// Starts the thread that will do it, before it is known that no more can be started; once a process. false:
// it can't be started.
bool hh_last_resort_ready(void);
// From now on the process has so long until it ends with this code, come what may.
void hh_last_resort(int code, int milliseconds);

#endif
