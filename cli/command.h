// A subcommand of hiphop is one file with one const descriptor. Its option table is all there is: parsing,
// --help and error messages come from it. A new command touches its file, the list at the end of this header
// and CMakeLists.txt.
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stdint.h>

// What the process returns.
enum { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

typedef struct cli_option {
    const char *name;  // without the dashes; NULL ends a table
    const char *value; // what the value is called ("FILE"); NULL: a flag
    const char *text;  // help; further lines after '\n'
} cli_option;

typedef struct cli_args cli_args;

typedef struct cli_command {
    const char *name;
    const char *summary;       // one line
    const char *operands;      // what follows the options ("TOPIC..."); NULL: nothing may
    const cli_option *options; // ended by a row without a name; may be NULL
    const char *notes;         // what else --help says; may be NULL
    int (*run)(cli_args *args);
} cli_command;

// ---- reading the options (arguments.c); what goes wrong is said on stderr, with the command's name ----

// The next option: its row in the command's table and its value (NULL for a flag). Both "--name value" and
// "--name=value" are understood, "--" ends the options. An option behind an operand is CLI_BAD.
#define CLI_END (-1) // no more options; operands are left to cli_operand
#define CLI_BAD (-2) // not an option of this command, or its value is missing: return CLI_USAGE
int cli_next(cli_args *args, const char **value);
const char *cli_operand(cli_args *args); // the next operand; NULL: no more

// Values of the option that cli_next has just returned. false: it was no such value, and that has been said.
bool cli_duration(cli_args *args, const char *text, hh_time *duration); // "250ms" "30m" "1.5h" "7d"; "0"
bool cli_number(cli_args *args, const char *text, double low, double high, double *number);
bool cli_count(cli_args *args, const char *text, uint64_t low, uint64_t high, uint64_t *count);

// Says what is wrong on stderr and returns CLI_USAGE (a mistake in the call) or CLI_FAILURE (all else).
int cli_usage_error(cli_args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_failure(cli_args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

void cli_print_help(const cli_command *command);
void cli_args_init(cli_args *args, const cli_command *command, int argc, char **argv);

struct cli_args {
    const cli_command *command;
    int argc;
    char **argv;
    int next;              // in argv
    const cli_option *row; // the option read last
};

// ---- the commands, in the order in which help lists them ----
// X(name) \ X(name) ...: cli_name is the descriptor, in name.c or command_name.c
#define CLI_COMMANDS(X) \
    X(train) X(recommend) X(inspect) X(evaluate) X(ablate) X(tune) X(replay) X(simulate) X(watch) X(export)

#define CLI_DECLARE(name) extern const cli_command cli_##name;
CLI_COMMANDS(CLI_DECLARE)
#undef CLI_DECLARE

#endif
