// Options from a table: one loop for every command, so that all of them parse, complain and explain alike.
#include "command.h"

#include "wire/duration.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_args_init(cli_args *args, const cli_command *command, int argc, char **argv)
{
    *args = (cli_args){.command = command, .argc = argc, .argv = argv, .next = 0};
}

static void complain(const cli_args *args, const char *format, va_list arguments)
{
    fprintf(stderr, "hiphop %s: ", args->command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int cli_usage_error(cli_args *args, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(args, format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try 'hiphop %s --help'.\n", args->command->name);
    return CLI_USAGE;
}

int cli_failure(cli_args *args, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(args, format, arguments);
    va_end(arguments);
    return CLI_FAILURE;
}

// literal: "--" stood before them.
static int operands_or_bad(cli_args *args, bool literal)
{
    for (int i = args->next; i < args->argc && args->command->operands && !literal; i++)
        if (args->argv[i][0] == '-' && args->argv[i][1] != '\0') {
            cli_usage_error(args,
                            "'%s' stands too late: options come before %s, and whatever begins with a "
                            "dash and is none comes behind '--'",
                            args->argv[i], args->command->operands);
            return CLI_BAD;
        }
    if (args->command->operands || args->next >= args->argc)
        return CLI_END;
    cli_usage_error(args, "'%s' is not an option, and nothing else is expected here", args->argv[args->next]);
    return CLI_BAD;
}

int cli_next(cli_args *args, const char **value)
{
    *value = NULL;
    if (args->next >= args->argc)
        return CLI_END;
    const char *word = args->argv[args->next];
    if (strncmp(word, "--", 2) != 0) {
        if (word[0] == '-' && word[1] != '\0') {
            cli_usage_error(args, "unknown option '%s'; options begin with two dashes", word);
            return CLI_BAD;
        }
        return operands_or_bad(args, false);
    }
    args->next++;
    if (word[2] == '\0')
        return operands_or_bad(args, true);

    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word - 2) : strlen(word + 2);
    for (const cli_option *row = args->command->options; row && row->name; row++) {
        if (strlen(row->name) != length || memcmp(row->name, word + 2, length) != 0)
            continue;
        args->row = row;
        if (!row->value) {
            if (equals) {
                cli_usage_error(args, "--%s takes no value", row->name);
                return CLI_BAD;
            }
        } else if (equals) {
            *value = equals + 1;
        } else if (args->next < args->argc) {
            *value = args->argv[args->next++];
        } else {
            cli_usage_error(args, "--%s needs a value: --%s %s", row->name, row->name, row->value);
            return CLI_BAD;
        }
        return (int)(row - args->command->options);
    }
    cli_usage_error(args, "unknown option '%.*s'", (int)length + 2, word);
    return CLI_BAD;
}

const char *cli_operand(cli_args *args)
{
    return args->next < args->argc ? args->argv[args->next++] : NULL;
}

bool cli_duration(cli_args *args, const char *text, hh_time *duration)
{
    const char *end;
    if (hh_duration_read(text, duration, &end) && *end == '\0' && *duration >= 0)
        return true;
    cli_usage_error(args, "--%s: '%s' is not a duration; write a number and ms, s, m, h or d, such as 30m",
                    args->row->name, text);
    return false;
}

bool cli_number(cli_args *args, const char *text, double low, double high, double *number)
{
    const char *end;
    double value = hh_number_read(text, &end);
    if (end == text || *end != '\0' || value < low || value > high) {
        cli_usage_error(args, "--%s: '%s' is not a number from %g to %g", args->row->name, text, low, high);
        return false;
    }
    *number = value;
    return true;
}

bool cli_count(cli_args *args, const char *text, uint64_t low, uint64_t high, uint64_t *count)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    bool digits = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
    if (!digits || errno != 0 || value < low || value > high) {
        cli_usage_error(args, "--%s: '%s' is not a whole number from %llu to %llu", args->row->name, text,
                        (unsigned long long)low, (unsigned long long)high);
        return false;
    }
    *count = value;
    return true;
}

// Text with its further lines set in below the first; a line that is too long is broken between words.
static void print_indented(const char *text, int indent)
{
    const size_t width = 76;
    for (const char *line = text; line;) {
        size_t length = strcspn(line, "\n");
        const char *next = line[length] ? line + length + 1 : NULL;
        if (length > width) {
            for (length = width; length > 0 && line[length] != ' ';)
                length--;
            if (length == 0)
                length = strcspn(line, "\n");
            else
                next = line + length + 1;
        }
        printf("%.*s\n", (int)length, line);
        line = next;
        if (line)
            printf("%*s", indent, "");
    }
}

void cli_print_help(const cli_command *command)
{
    const int column = 28;
    printf("hiphop %s: %s\n\nUsage: hiphop %s%s%s%s\n", command->name, command->summary, command->name,
           command->options && command->options->name ? " [OPTIONS]" : "", command->operands ? " " : "",
           command->operands ? command->operands : "");
    if (command->options && command->options->name)
        printf("\nOptions:\n");
    for (const cli_option *row = command->options; row && row->name; row++) {
        int width = printf("  --%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        if (width >= column)
            printf("\n%*s", column, "");
        else
            printf("%*s", column - width, "");
        print_indented(row->text, column);
    }
    printf("  --help%*sthis page\n", column - 8, "");
    if (command->notes)
        printf("\n%s\n", command->notes);
}
