// hiphop: the library on the command line. This file only finds the command; each command is a file of its
// own, listed in command.h.
//
// Exit status: 0 done, 1 it failed, 2 the call was wrong.
#include "command.h"

#include <hiphop/processor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_command *const commands[] = {
#define CLI_ROW(name) &cli_##name,
    CLI_COMMANDS(CLI_ROW)
#undef CLI_ROW
        NULL};

static void print_overview(FILE *out)
{
    fprintf(out, "hiphop: session-based recommendation out of a click stream\n\n"
                 "Usage: hiphop COMMAND [OPTIONS]\n\nCommands:\n");
    for (const cli_command *const *command = commands; *command; command++)
        fprintf(out, "  %-10s %s\n", (*command)->name, (*command)->summary);
    fprintf(out, "  %-10s %s\n\n", "help", "explain a command: hiphop help COMMAND");
    fprintf(out, "hiphop --version prints the version.\n");
}

static const cli_command *find(const char *name)
{
    for (const cli_command *const *command = commands; *command; command++)
        if (strcmp((*command)->name, name) == 0)
            return *command;
    fprintf(stderr, "hiphop: there is no command '%s'; 'hiphop help' lists them\n", name);
    return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

// What was printed must have arrived: a full disk is a failure.
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("hiphop: standard output");
    return status == CLI_OK ? CLI_FAILURE : status;
}

int main(int argc, char **argv)
{
    hh_processor_use(argv, getenv("OPENBLAS_CORETYPE"));
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("hiphop %s\n", HH_VERSION);
        return finish(CLI_OK);
    }
    bool help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (help && argc == 2) {
        print_overview(stdout);
        return finish(CLI_OK);
    }
    if (help)
        name = argv[2];
    const cli_command *command = find(name);
    if (!command)
        return CLI_USAGE;
    if (help || asks_for_help(argc - 2, argv + 2)) {
        cli_print_help(command);
        return finish(CLI_OK);
    }
    cli_args args;
    cli_args_init(&args, command, argc - 2, argv + 2);
    return finish(command->run(&args));
}
