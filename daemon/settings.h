// Where the settings come from: the table's defaults, then the configuration file, then --set, in this order;
// no environment variable changes one. Every complaint is a sentence that begins with where it arose:
//   hiphopd.conf:12: session.gap: "thirty" is not a duration; write 30m, 1h or 500ms
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include "options.h"
#include <hiphop/status.h>

typedef struct hh_settings hh_settings;

// Receives one sentence, without newline, valid during the call.
typedef void hh_say(void *context, const char *sentence);

// The defaults; NULL when out of memory.
hh_settings *hh_settings_new(void);
void hh_settings_free(hh_settings *settings);

// Valid as long as the settings.
const hh_config *hh_settings_config(const hh_settings *settings);

// Reads a file, in libconfig's syntax; goes on after a mistake so that all of them are told. HH_IO where it
// can't be read, HH_ARGUMENT where something was complained of.
hh_status hh_settings_read(hh_settings *settings, const char *path, hh_say *complain, void *context);
// "name=value", as after --set. A LIST gets one item more.
hh_status hh_settings_set(hh_settings *settings, const char *assignment, hh_say *complain, void *context);
// Once all sources are read: kafka.properties_file, the host name for an empty instance.id, and what must
// hold between settings.
hh_status hh_settings_finish(hh_settings *settings, hh_say *complain, void *context);

// SIGHUP: reads the same sources again. What may change changes at once and is said; what needs a restart
// is complained of and stays; where there is any mistake in them, everything stays. HH_OK where nothing was
// complained of. One thread; others may be reading members that may change.
hh_status hh_settings_reload(hh_settings *settings, hh_say *say, hh_say *complain, void *context);

// "hiphopd.conf:12: session.gap", "--set session.gap" or, for a default, "session.gap".
void hh_settings_place(const hh_settings *settings, const hh_config_option *option, char *text, size_t size);

#endif
