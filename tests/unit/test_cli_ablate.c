// hiphop ablate, called as a program.
#include "call_hiphop.h"

#include <jansson.h>

static char directory[] = "/tmp/hiphop-cli-ablate-XXXXXX";
static char sessions[64], page[64];

static void write_sessions(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(sessions, sizeof sessions, "%s/<&>", directory);
    snprintf(page, sizeof page, "%s/page", directory);
    write_walks(sessions, 200);
}

static void clean_up(void)
{
    unlink(sessions);
    unlink(page);
    cr_expect_eq(rmdir(directory), 0, "something is left in %s", directory);
}

static int ablate(char *out, size_t size, char *err, size_t err_size, const char *arguments)
{
    char all[1024];
    snprintf(all, sizeof all,
             "ablate --train %s --set network.d=8 --set network.epochs=1 --set network.warm-up=2 %s",
             sessions, arguments);
    return call(out, size, err, err_size, all);
}

Test(cli_ablate, a_page_without_a_place_is_told_before_the_trials, .fini = clean_up)
{
    char out[4096], err[4096];
    write_sessions();
    cr_assert_eq(ablate(out, sizeof out, err, sizeof err, "--html /nowhere/page --only last"), 1);
    cr_assert_str_eq(err, "hiphop ablate: /nowhere/page: No such file or directory\n");
    cr_assert_str_empty(out, "%s", out);
}

Test(cli_ablate, a_line_for_each_run_and_each_trial, .fini = clean_up)
{
    static char out[1 << 18], err[4096];
    int runs = 0, summaries = 0;
    write_sessions();
    cr_assert_eq(ablate(out, sizeof out, err, sizeof err, "--json --seeds 2 --only last"), 0, "%s", err);
    for (char *line = out, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        json_t *object = json_loads(line, 0, NULL);
        cr_assert_not_null(object, "%s", line);
        const char *kind = json_string_value(json_object_get(object, "kind"));
        runs += strcmp(kind, "run") == 0;
        summaries += strcmp(kind, "summary") == 0;
        if (runs == 1 && summaries == 0) {
            cr_expect_str_eq(json_string_value(json_object_get(object, "trial")), "paper");
            json_t *network = json_object_get(object, "network");
            cr_expect(json_is_real(json_object_get(network, "hr@20")));
            cr_expect(json_is_real(json_object_get(network, "mrr@20")));
        }
        json_decref(object);
    }
    cr_expect_eq(runs, 2 * 5, "the trials of 'last', and 'paper' that they are held against");
    cr_expect_eq(summaries, 5);
}

Test(cli_ablate, a_table_and_a_page_of_its_own, .fini = clean_up)
{
    static char out[1 << 18], err[4096], all[1 << 20], arguments[200];
    write_sessions();
    snprintf(arguments, sizeof arguments, "--seeds 2 --quiet --only on,intents --html %s", page);
    cr_assert_eq(ablate(out, sizeof out, err, sizeof err, arguments), 0, "%s", err);
    cr_expect_str_eq(err, "");
    cr_expect_not_null(strstr(out, "default + neighbours"));
    cr_expect_not_null(strstr(out, "paper, M = 8"));
    cr_expect_null(strstr(out, "- vectors"), "there are none");
    FILE *file = fopen(page, "r");
    cr_assert_not_null(file);
    all[fread(all, 1, sizeof all - 1, file)] = '\0';
    fclose(file);
    cr_expect_not_null(strstr(all, "default + neighbours"));
    cr_expect_not_null(strstr(all, "<polyline"), "of the sweep");
    cr_expect_not_null(strstr(all, "&lt;&amp;&gt; --set network.d=8"), "the call, escaped");
    cr_expect_null(strstr(all, "<script"));
    cr_expect_null(strstr(all, "http"), "nothing is from elsewhere");
    cr_expect_null(strstr(all, "nan"));
    cr_expect_null(strstr(all, "inf"));
}

static running begin_ablate(const char *arguments)
{
    char all[1024];
    snprintf(all, sizeof all, "ablate --train %s --set network.d=8 --set network.warm-up=2 %s", sessions,
             arguments);
    return begin(all, NULL);
}

// Ctrl-C after the first run: what is there is printed, in every form.
Test(cli_ablate, what_is_there_is_printed_on_an_interrupt, .fini = clean_up)
{
    static char out[1 << 18], err[1 << 16];
    char arguments[200], stopped[64];
    int runs = 0, summaries = 0;
    write_sessions();
    snprintf(arguments, sizeof arguments, "--json --seeds 500 --only last --set network.epochs=1 --html %s",
             page);
    running run = begin_ablate(arguments);
    interrupt(&run, run.out);
    cr_assert_eq(end(&run, out, sizeof out, err, sizeof err), 130, "%s", err);
    for (char *line = out, *next; (next = strchr(line, '\n')); line = next + 1) {
        *next = '\0';
        json_t *object = json_loads(line, 0, NULL);
        cr_assert_not_null(object, "%s", line);
        const char *kind = json_string_value(json_object_get(object, "kind"));
        runs += strcmp(kind, "run") == 0;
        summaries += strcmp(kind, "summary") == 0;
        json_decref(object);
    }
    cr_expect_geq(runs, 1);
    cr_expect_lt(runs, 2500);
    cr_expect_eq(summaries, runs < 5 ? runs : 5, "a trial that was run has its summary");
    snprintf(stopped, sizeof stopped, "hiphop ablate: stopped after %d of 2500 runs\n", runs);
    cr_expect_not_null(strstr(err, stopped), "%s", err);
    cr_expect_eq(access(page, F_OK), 0, "the page is there too");
}

Test(cli_ablate, nothing_is_printed_before_there_is_anything, .fini = clean_up)
{
    static char out[4096], err[1 << 16];
    write_sessions();
    running run = begin_ablate("--only last --set network.epochs=1000 --set network.patience=1000");
    interrupt(&run, run.err); // its progress
    cr_assert_eq(end(&run, out, sizeof out, err, sizeof err), 130, "%s", err);
    cr_expect_str_empty(out);
    cr_expect_not_null(strstr(err, "stopped after 0 of 15 runs"), "%s", err);
}

Test(cli_ablate, says_what_is_wrong, .fini = clean_up)
{
    static char out[4096], err[4096];
    write_sessions();
    cr_expect_eq(ablate(out, sizeof out, err, sizeof err, "--only on,nothing"), 2);
    cr_expect_not_null(strstr(err, "no group 'nothing'"), "%s", err);
    cr_expect_eq(ablate(out, sizeof out, err, sizeof err, "--semantic hashing"), 2);
    cr_expect_not_null(strstr(err, "give --items"), "%s", err);
    const char *const groups[] = {"--only semantics", "--only last,semantics", "--only semantics --only on"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        cr_expect_eq(ablate(out, sizeof out, err, sizeof err, groups[i]), 2, "%s", groups[i]);
        cr_expect_not_null(strstr(err, "give --items or --vectors"), "%s", err);
    }
    cr_expect_eq(ablate(out, sizeof out, err, sizeof err, "--items x --semantic magic"), 2);
    cr_expect_eq(ablate(out, sizeof out, err, sizeof err, "--items /nowhere/items"), 1);
    cr_expect_eq(ablate(out, sizeof out, err, sizeof err, "--seeds 0"), 2);
    cr_expect_eq(ablate(out, sizeof out, err, sizeof err, "--quiet --only last --html /nowhere/page"), 1);
    cr_expect_not_null(strstr(err, "/nowhere/page"), "%s", err);
    cr_expect_eq(call(out, sizeof out, err, sizeof err, "ablate"), 2);
    cr_expect_not_null(strstr(err, "--train"), "%s", err);
    cr_expect_eq(call(out, sizeof out, err, sizeof err, "ablate --train /nowhere/sessions"), 1);
}
