// The committed pages are what the tables print, and the committed file holds every setting with its default.
#include "daemon/manual.h"
#include "daemon/metrics.h"
#include "daemon/settings.h"
#include "daemon/values.h"
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s can't be opened", path);
    char *text = NULL;
    size_t size = 0;
    ssize_t length = getdelim(&text, &size, '\0', file);
    cr_assert_gt(length, 0, "%s is empty", path);
    fclose(file);
    return text;
}

static char *printed(void (*print)(FILE *out))
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    cr_assert_not_null(out);
    print(out);
    cr_assert_eq(fclose(out), 0);
    return text;
}

static void expect_page(const char *path, void (*print)(FILE *out), const char *command)
{
    char *committed = slurp(path), *made = printed(print);
    size_t line = 1, i = 0;
    for (; committed[i] && committed[i] == made[i]; i++)
        line += committed[i] == '\n';
    cr_expect_eq(committed[i], made[i], "%s:%zu is not what the table says: run `hiphopd %s > %s`", path,
                 line, command, path);
    free(committed);
    free(made);
}

Test(config_docs, pages_are_what_the_tables_print)
{
    expect_page(HH_SOURCE_DIR "/config/hiphopd.conf", hh_print_config, "--print-config");
    expect_page(HH_SOURCE_DIR "/docs/configuration.md", hh_print_configuration_page,
                "--print-docs configuration");
    expect_page(HH_SOURCE_DIR "/docs/metrics.md", hh_print_metrics_page, "--print-docs metrics");
}

static void hear(void *context, const char *sentence)
{
    (void)context;
    cr_log_error("%s", sentence);
}

// With every '#' before a setting removed the file is read without complaint, sets every setting, and to its
// default.
Test(config_docs, the_file_uncommented_is_the_defaults)
{
    char path[] = "/tmp/hiphop-conf-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    char *text = printed(hh_print_config);
    for (const char *at = text; *at; at++)
        if (*at != '#' || !islower((unsigned char)at[1]))
            fputc(*at, file);
    cr_assert_eq(fclose(file), 0);

    hh_settings *defaults = hh_settings_new(), *read = hh_settings_new();
    cr_expect_eq(hh_settings_read(read, path, hear, NULL), HH_OK);
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        char place[256];
        const hh_config_option *option = &hh_config_table[i];
        hh_settings_place(read, option, place, sizeof place);
        if (option->kind != HH_KIND_LIST) // empty in the file
            cr_expect(strncmp(place, path, strlen(path)) == 0, "%s is not in the file", option->name);
        cr_expect(hh_value_equal(option, hh_settings_config(defaults), hh_settings_config(read)), "%s",
                  option->name);
    }
    unlink(path);
    free(text);
    hh_settings_free(defaults);
    hh_settings_free(read);
}

Test(config_docs, help_lists_every_setting)
{
    char *help = printed(hh_print_help);
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        char line[128];
        snprintf(line, sizeof line, "\n  %s=", hh_config_table[i].name);
        cr_expect_not_null(strstr(help, line), "%s", hh_config_table[i].name);
    }
    free(help);
}

// What people read by hand must know every reason and exit code, and name no metric that does not exist.
Test(config_docs, operations_name_real_metrics)
{
    static const char *const parts[] = {"_bucket", "_sum", "_count"};
    char *page = slurp(HH_SOURCE_DIR "/docs/operations.md");
    for (hh_dead_letter reason = 0; reason < HH_DEAD_LETTER_COUNT; reason++) {
        char word[64];
        snprintf(word, sizeof word, "`%s`", hh_dead_letter_word(reason));
        cr_expect_not_null(strstr(page, word), "dead letters by reason lack %s", word);
    }
    for (const char *at = strstr(page, "hiphop_"); at; at = strstr(at + 1, "hiphop_")) {
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789"), known = 0;
        for (hh_metric metric = 0; metric < HH_METRIC_COUNT; metric++) {
            const char *name = hh_metric_rows[metric].name;
            size_t size = strlen(name);
            known += length == size && memcmp(at, name, size) == 0;
            for (size_t i = 0; strcmp(hh_metric_type(metric), "histogram") == 0 && i < 3; i++)
                known += length == size + strlen(parts[i]) && memcmp(at, name, size) == 0 &&
                         memcmp(at + size, parts[i], strlen(parts[i])) == 0;
        }
        cr_expect_gt(known, 0, "%.*s is no metric", (int)length, at);
    }
    free(page);
}

// The man page is written by hand: it must know every option of the command line, and what SIGHUP may change.
Test(config_docs, the_man_page_is_complete)
{
    static const char *const options[] = {"config",       "set",     "check", "print\\-config",
                                          "print\\-docs", "version", "help"};
    char *page = slurp(HH_SOURCE_DIR "/docs/man/hiphopd.8");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char option[64];
        snprintf(option, sizeof option, "\\-\\-%s", options[i]);
        cr_expect_not_null(strstr(page, option), "%s", option);
    }
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++)
        if (hh_config_table[i].reload)
            cr_expect_not_null(strstr(page, hh_config_table[i].name), "%s", hh_config_table[i].name);
    free(page);
}
