// What evaluate and tune share: click files and session files as logs, and settings given by name.
#ifndef CLI_LOG_INPUT_H
#define CLI_LOG_INPUT_H

#include "command.h"
#include "item_sources.h"

#include <hiphop/evaluate.h>

// How a log is cut into sessions: rows of a command's table.
#define CLI_GAP                                                     \
    {                                                               \
        "gap", "DURATION", "a pause this long ends a session (30m)" \
    }
#define CLI_LATENESS                                                               \
    {                                                                              \
        "lateness", "DURATION", "how far behind the newest click one may come (0)" \
    }
#define CLI_MAX_DURATION                                                         \
    {                                                                            \
        "max-duration", "DURATION", "longest session, first to last click (12h)" \
    }
#define CLI_MAX_CLICKS                                         \
    {                                                          \
        "max-clicks", "N", "clicks of a session at most (500)" \
    }
// What holds without them: as hiphopd has it, but that no click may come late.
hh_log_options cli_log_defaults(void);
// The value of the one that cli_next has just returned; false: it was none, and that has been said.
bool cli_log_option(cli_args *args, const char *text, hh_log_options *options);

// Reads the whole file into a log and says on stderr what was left out. NULL: it failed, and that was said.
hh_log *cli_read_log(cli_args *args, const char *path, const hh_log_options *options);

// Sessions that learn and sessions that are asked about, as a log. test NULL: the last tenth of the sessions
// in `train` is the test. tuning: where not NULL, receives the log that settings may be chosen on, which has
// nothing of `test`: its test is that last tenth. sources: may be NULL; they are read for the log's items.
// NULL: it failed, and that was said.
hh_log *cli_read_sessions(cli_args *args, const char *train, const char *test, hh_log **tuning,
                          item_sources *sources);

#define CLI_SETTINGS 256
#define CLI_LIST_MAX 8 // values of one list
typedef struct cli_settings {
    hh_setting_value values[CLI_SETTINGS];
    size_t count;
} cli_settings;
// One "NAME=VALUE" or "NAME=VALUE,VALUE" (a list: NAME[0], NAME[1]) into the settings; false: it was none,
// and that has been said.
bool cli_setting(cli_args *args, const char *text, cli_settings *settings);

// Seconds of a steady clock.
double cli_seconds(void);

#endif
