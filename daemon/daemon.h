// The daemon itself: starts the threads of docs/architecture.md, waits for signals, stops them.
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "settings.h"

// What the process returns; docs/operations.md and systemd/hiphopd.service go by these.
enum {
    HH_EXIT_OK = 0,      // stopped as asked
    HH_EXIT_FAILURE = 1, // could not go on: try again
    HH_EXIT_CONFIG = 2,  // the command line, a setting or a topic is wrong: trying again is no use
};

// Runs until SIGTERM or SIGINT, or until it can't go on; SIGHUP reloads the settings. Returns one of the
// above.
int hh_daemon_run(hh_settings *settings);

#endif
