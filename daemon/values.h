// Values of options as text and back: one way for the file, for --set and for what is printed.
#ifndef DAEMON_VALUES_H
#define DAEMON_VALUES_H

#include "options.h"
#include <hiphop/status.h>

// Memory that lives as long as a configuration.
typedef struct hh_kept hh_kept;
void hh_kept_free(hh_kept *kept);

// Sets the option's member of *config from text; a LIST gets one item more. The error says what would be
// right, without naming file or option. What the value needs is added to *kept.
hh_status hh_value_parse(const hh_config_option *option, const char *text, hh_config *config, hh_kept **kept,
                         hh_error *error);
// The value as hh_value_parse would take it, NUL-terminated, cut at size; items of a LIST and of DURATIONS
// are separated by commas.
void hh_value_print(const hh_config_option *option, const hh_config *config, char *text, size_t size);

// What may be written, in words: "duration, 1ms to 7d".
void hh_value_describe(const hh_config_option *option, char *text, size_t size);

bool hh_value_equal(const hh_config_option *option, const hh_config *a, const hh_config *b);

// Empties a LIST.
void hh_value_clear(const hh_config_option *option, hh_config *config);

#define HH_VALUE_SIZE 2048 // enough for any value but a very long list

#endif
