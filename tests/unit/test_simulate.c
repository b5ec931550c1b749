// The commands as a whole, where no Kafka is needed: click files, and mistakes in the call.
#include <command.h>
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <hiphop/click_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_WORDS 16

static int call(const cli_command *command, const char *line)
{
    char words[512], *argv[MOST_WORDS], *rest = words;
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word; argc < MOST_WORDS && (word = strsep(&rest, " "));)
        if (*word)
            argv[argc++] = word;
    cli_args args;
    cli_args_init(&args, command, argc, argv);
    return command->run(&args);
}

static char *file_bytes(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *bytes = malloc(1 << 22);
    *length = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

// Each test process works in a directory of its own, which goes with it.
static char directory[] = "/tmp/hiphop-simulate-XXXXXX";

static void make_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void)
{
    static const char *const files[] = {"a.tsv", "b.tsv", "c.tsv", "a.jsonl", "b.jsonl", "clicks.tsv.gz"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    cr_assert_eq(rmdir(directory), 0);
}

Test(simulate, same_seed_same_bytes, .init = make_directory, .fini = remove_directory)
{
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 20000 --faults --out a.tsv --items-out a.jsonl"),
                 CLI_OK);
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 20000 --faults --out b.tsv --items-out b.jsonl"),
                 CLI_OK);
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 20000 --faults --out c.tsv --seed 2"), CLI_OK);
    size_t lengths[4];
    char *bytes[] = {file_bytes("a.tsv", &lengths[0]), file_bytes("b.tsv", &lengths[1]),
                     file_bytes("a.jsonl", &lengths[2]), file_bytes("b.jsonl", &lengths[3])};
    cr_assert_gt(lengths[0], 400000);
    cr_assert_gt(lengths[2], 100000);
    cr_assert(lengths[0] == lengths[1] && memcmp(bytes[0], bytes[1], lengths[0]) == 0);
    cr_assert(lengths[2] == lengths[3] && memcmp(bytes[2], bytes[3], lengths[2]) == 0);
    size_t other_length;
    char *other = file_bytes("c.tsv", &other_length);
    cr_assert(other_length != lengths[0] || memcmp(other, bytes[0], other_length) != 0);
    for (size_t i = 0; i < 4; i++)
        free(bytes[i]);
    free(other);
}

Test(simulate, a_click_file_is_read_back_whole, .init = make_directory, .fini = remove_directory)
{
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 5000 --start 2026-03-01T00:00:00Z --out clicks.tsv.gz"),
                 CLI_OK);
    hh_error error;
    hh_click_file *file = hh_click_file_open("clicks.tsv.gz", &error);
    cr_assert_not_null(file, "%s", error.message);
    hh_click_row row;
    hh_time before = 1772323200000; // 2026-03-01
    bool end = false;
    int count = 0;
    while (hh_click_file_next(file, &row, &end, &error) == HH_OK && !end) {
        cr_assert_geq(row.time, before);
        cr_assert(row.visitor[0] == 'v' || row.visitor[0] == 'g');
        cr_assert_eq(row.item[0], 'i');
        before = row.time;
        count++;
    }
    cr_assert(end, "%s", error.message);
    cr_assert_eq(count, 5000);
    cr_assert_float_eq((double)(before - 1772323200000), 50 * HH_SECOND, 5 * HH_SECOND,
                       "100 clicks a second");
    hh_click_file_close(file);
}

Test(simulate, begins_when_it_is_told_to, .init = make_directory, .fini = remove_directory)
{
    static const char *const same[] = {"2026-03-01", "2026-03-01T00:00:00", "2026-03-01T02:30:00+02:30",
                                       "1772323200000"};
    char *first = NULL;
    size_t length = 0;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char line[128];
        snprintf(line, sizeof line, "--quiet --limit 5 --start %s --out a.tsv", same[i]);
        cr_assert_eq(call(&cli_simulate, line), CLI_OK, "%s", line);
        char *bytes = file_bytes("a.tsv", &length);
        bytes[length] = '\0';
        if (i == 0)
            cr_assert(strstr(first = bytes, "\t17723232000"), "%s", first);
        else
            cr_assert_str_eq(bytes, first);
        if (i > 0)
            free(bytes);
    }
    free(first);
}

Test(simulate, a_file_that_cannot_be_written_is_a_failure, .init = cr_redirect_stderr)
{
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 5 --out /nonexistent/clicks.tsv"), CLI_FAILURE);
    if (access("/dev/full", W_OK) == 0)
        cr_assert_eq(call(&cli_simulate, "--quiet --limit 50000 --out /dev/full"), CLI_FAILURE);
}

Test(simulate, clicks_and_items_go_into_two_files, .init = make_directory, .fini = remove_directory)
{
    cr_redirect_stderr();
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 5 --out a.tsv --items-out a.tsv"), CLI_USAGE);
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 5 --out a.tsv --items-out ./a.tsv"), CLI_USAGE);
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 5 --items-out -"), CLI_USAGE,
                 "both to standard output");
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 5 --out a.tsv --items-out a.jsonl"), CLI_OK);
    cr_assert_eq(call(&cli_simulate, "--quiet --limit 5 --out a.tsv --items-out a.jsonl"), CLI_OK, "again");
}

static void assert_wrong(const cli_command *command, const char *line)
{
    cr_assert_eq(call(command, line), CLI_USAGE, "%s %s", command->name, line);
}

Test(commands, mistakes_in_the_call_are_named, .init = cr_redirect_stderr)
{
    static const char *const no_times[] = {"yesterday",   "2026-02-30",          "2026-1-1",
                                           "2026-01-01T", "2026-01-01T24:00:00", "99999999999999999999"};
    assert_wrong(&cli_simulate, "--items 3");
    assert_wrong(&cli_simulate, "--late 0.6 --disorder 0.6");
    for (size_t i = 0; i < sizeof no_times / sizeof *no_times; i++) {
        char line[64];
        snprintf(line, sizeof line, "--limit 1 --start %s", no_times[i]);
        assert_wrong(&cli_simulate, line);
    }
    assert_wrong(&cli_simulate, "--format xml");
    assert_wrong(&cli_simulate, "--brokers localhost:1 --out clicks.tsv");
    assert_wrong(&cli_simulate, "--topic clicks");
    assert_wrong(&cli_simulate, "--items-topic items");
    assert_wrong(&cli_simulate, "--rate -1");
    assert_wrong(&cli_replay, "--brokers localhost:1");
    assert_wrong(&cli_replay, "--clicks clicks.tsv");
    assert_wrong(&cli_replay, "--clicks - --brokers localhost:1 --shift-to-now");
    assert_wrong(&cli_replay, "--clicks a --brokers b --speed 0");
    assert_wrong(&cli_replay, "--clicks a --brokers b --limit many");
    assert_wrong(&cli_export, "--model model.hip --embeddings vectors/");
    assert_wrong(&cli_watch, "");
    assert_wrong(&cli_watch, "--brokers b --top 5.5");
    assert_wrong(&cli_watch, "--brokers b surplus");
}

Test(commands, a_click_file_that_is_not_there_is_a_failure_at_once, .init = cr_redirect_stderr)
{
    cr_assert_eq(call(&cli_replay, "--clicks /nonexistent/clicks.tsv --brokers 127.0.0.1:1"), CLI_FAILURE);
    cr_assert_eq(call(&cli_watch, "--brokers 127.0.0.1:1 --items /nonexistent/items.jsonl"), CLI_FAILURE);
    cr_assert_eq(call(&cli_watch, "--brokers 127.0.0.1:1 --property acks=1"), CLI_FAILURE,
                 "refused property");
}
