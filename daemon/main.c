// hiphopd's command line. What it does otherwise begins in daemon.c.
#include "check.h"
#include "daemon.h"
#include "log.h"
#include "manual.h"
#include <hiphop/processor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum hh_mode { MODE_RUN, MODE_CHECK, MODE_HELP, MODE_VERSION, MODE_CONFIG, MODE_DOCS } hh_mode;

typedef struct hh_command_line {
    hh_mode mode;
    const char *config; // NULL: the defaults
    const char *page;
    const char **sets; // [set_count], pointing into argv
    size_t set_count;
} hh_command_line;

// Before there is a log, and of an error: as one in the journal, too.
static void say(const char *who, const char *sentence, const char *word)
{
    fprintf(stderr, "%s%s%s%s\n", hh_log_priority(STDERR_FILENO, HH_LOG_ERROR), who, sentence, word);
}

static int usage_error(const char *sentence, const char *word)
{
    say("hiphopd: ", sentence, word);
    fprintf(stderr, "Try 'hiphopd --help'.\n");
    return HH_EXIT_CONFIG;
}

// "--name VALUE" and "--name=VALUE"; NULL where the word is another option.
static bool takes_value(const char *name, char **argv, int argc, int *i, const char **value)
{
    size_t length = strlen(name);
    if (strncmp(argv[*i], name, length) != 0)
        return false;
    if (argv[*i][length] == '=')
        *value = argv[*i] + length + 1;
    else if (argv[*i][length] == '\0')
        *value = *i + 1 < argc ? argv[++*i] : NULL;
    else
        return false;
    return true;
}

static int read_arguments(int argc, char **argv, hh_command_line *line)
{
    static const struct {
        const char *name;
        hh_mode mode;
    } flags[] = {{"--check", MODE_CHECK},
                 {"--help", MODE_HELP},
                 {"--version", MODE_VERSION},
                 {"--print-config", MODE_CONFIG}};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = NULL;
        bool known = true;
        if (takes_value("--config", argv, argc, &i, &value)) {
            line->config = value;
        } else if (takes_value("--set", argv, argc, &i, &value)) {
            line->sets[line->set_count++] = value;
        } else if (takes_value("--print-docs", argv, argc, &i, &value)) {
            line->mode = MODE_DOCS;
            line->page = value;
        } else {
            known = false;
            for (size_t flag = 0; flag < sizeof flags / sizeof *flags; flag++)
                if (strcmp(word, flags[flag].name) == 0) {
                    line->mode = flags[flag].mode;
                    known = true;
                    value = "";
                }
        }
        if (!known)
            return usage_error("unknown option ", word);
        if (!value)
            return usage_error("a value is missing after ", word);
    }
    return HH_EXIT_OK;
}

static int print_page(const char *page)
{
    if (strcmp(page, "configuration") == 0)
        hh_print_configuration_page(stdout);
    else if (strcmp(page, "metrics") == 0)
        hh_print_metrics_page(stdout);
    else
        return usage_error("--print-docs has the pages configuration and metrics, not ", page);
    return HH_EXIT_OK;
}

static void complain(void *context, const char *sentence)
{
    (void)context;
    say("", sentence, "");
}

// Every source is read even after a mistake in one, so that all mistakes are told.
static bool read_settings(hh_settings *settings, const hh_command_line *line)
{
    bool right = true;
    if (line->config)
        right = hh_settings_read(settings, line->config, complain, NULL) == HH_OK;
    for (size_t i = 0; i < line->set_count; i++)
        right &= hh_settings_set(settings, line->sets[i], complain, NULL) == HH_OK;
    right &= hh_settings_finish(settings, complain, NULL) == HH_OK;
    return right;
}

static int with_settings(const hh_command_line *line)
{
    hh_settings *settings = hh_settings_new();
    if (!settings) {
        say("hiphopd: ", "out of memory", "");
        return HH_EXIT_FAILURE;
    }
    int code = HH_EXIT_CONFIG;
    if (read_settings(settings, line)) {
        if (line->mode == MODE_RUN) {
            code = hh_daemon_run(settings);
        } else {
            hh_status status = hh_check(settings, stdout);
            code = status == HH_OK ? HH_EXIT_OK : status == HH_IO ? HH_EXIT_FAILURE : HH_EXIT_CONFIG;
        }
    }
    hh_settings_free(settings);
    return code;
}

static int act(const hh_command_line *line)
{
    switch (line->mode) {
    case MODE_HELP:
        hh_print_help(stdout);
        return HH_EXIT_OK;
    case MODE_VERSION:
        printf("hiphopd " HH_VERSION "\n");
        return HH_EXIT_OK;
    case MODE_CONFIG:
        hh_print_config(stdout);
        return HH_EXIT_OK;
    case MODE_DOCS:
        return print_page(line->page);
    case MODE_RUN:
    case MODE_CHECK:
        break;
    }
    return with_settings(line);
}

int main(int argc, char **argv)
{
    hh_processor_use(argv, getenv("OPENBLAS_CORETYPE"));
    hh_command_line line = {.mode = MODE_RUN, .sets = calloc((size_t)argc, sizeof *line.sets)};
    if (!line.sets)
        return HH_EXIT_FAILURE;
    int code = read_arguments(argc, argv, &line);
    if (code == HH_EXIT_OK)
        code = act(&line);
    free(line.sets);
    if (fflush(stdout) != 0) {
        say("hiphopd: ", "standard output can't be written", "");
        return HH_EXIT_FAILURE;
    }
    return code;
}
