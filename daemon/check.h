// hiphopd --check: whether the daemon could do its work with these settings, said in one line for each thing.
// Nothing is changed, in Kafka neither.
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "settings.h"
#include <stdio.h>

// HH_OK when everything is right, HH_IO when no broker answers, HH_ARGUMENT when anything else is wrong.
hh_status hh_check(const hh_settings *settings, FILE *out);

#endif
