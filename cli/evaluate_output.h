// What hiphop evaluate prints on stdout.
#ifndef CLI_EVALUATE_OUTPUT_H
#define CLI_EVALUATE_OUTPUT_H

#include <hiphop/evaluate.h>

void cli_print_models(void); // and their settings
// protocol: how the figures came about, one line. All results as a table; one as a line of JSON, false: it
// could not be written.
void cli_print_results(const hh_log *log, const char *protocol, const hh_result *results, size_t count);
bool cli_print_result(const char *protocol, const hh_result *result);

// What came of training as the stream goes: each training a line on stderr, all of them one on stdout.
typedef struct cli_trainings {
    uint32_t trained, promoted;
    double seconds, gate_seconds;
} cli_trainings;
void cli_print_training(void *trainings, const hh_training *training);
bool cli_print_trainings(const cli_trainings *trainings, bool json); // false: it could not be written

#endif
