// hiphop evaluate and tune as people call them: the program itself, what it prints and what it returns.
#include "call_hiphop.h"

#include <jansson.h>

static char clicks_path[64];

static void remove_clicks(void)
{
    unlink(clicks_path);
}

// A log in which item n is followed by n + 1 mod 12 four times out of five.
static void write_clicks(const char *bad_line)
{
    snprintf(clicks_path, sizeof clicks_path, "/tmp/hiphop-evaluate-XXXXXX");
    int descriptor = mkstemp(clicks_path);
    cr_assert_geq(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    fprintf(file, "visitor\titem\tunix_ms\n");
    for (int i = 0; i < 400; i++) {
        if (bad_line && i == 100)
            fprintf(file, "%s\n", bad_line);
        int visitor = i % 8, step = i / 8;
        int item = step % 5 == 4 ? (7 * i) % 12 : (visitor + step) % 12;
        fprintf(file, "v%d\titem-%d\t%d\n", visitor, item, 1000000 + 5000 * i);
    }
    fclose(file);
}

static int call_with_clicks(char *out, size_t size, char *err, size_t err_size, const char *command,
                            const char *arguments)
{
    char all[8192];
    snprintf(all, sizeof all, "%s --clicks %s %s", command, clicks_path, arguments);
    return call(out, size, err, err_size, all);
}

Test(cli_evaluate, the_table_has_a_row_for_every_model, .fini = remove_clicks)
{
    char out[8192];
    write_clicks(NULL);
    cr_assert_eq(call_with_clicks(out, sizeof out, NULL, 0, "evaluate", "--baselines default"), 0);
    cr_assert_not_null(strstr(out, "400 clicks in 8 sessions on 12 items; 200 targets"), "%s", out);
    cr_assert_not_null(strstr(out, "memory=click, ask=at-next, gap=30m, lateness=0, max-duration=12h, "
                                   "max-clicks=500, from=0.5, every=1"),
                       "%s", out);
    const char *const models[] = {"mixture",     "pop-short", "pair-long", "knn-short", "repeat", "pop ",
                                  "transitions", "sr ",       "vsknn",     "stan",      "vmis"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char row[32];
        snprintf(row, sizeof row, "\n%s", models[i]);
        cr_assert_not_null(strstr(out, row), "%s in %s", models[i], out);
    }
}

Test(cli_evaluate, no_target_is_no_figure, .fini = remove_clicks)
{
    char out[8192], err[1024];
    write_clicks(NULL);
    for (int json = 0; json < 2; json++) {
        cr_expect_eq(call_with_clicks(out, sizeof out, err, sizeof err, "evaluate",
                                      json ? "--model pop,hiphop --gap 1s --json" : "--model pop --gap 1s"),
                     1);
        cr_expect_not_null(strstr(err, "there was nothing to ask for"), "%s", err);
        cr_expect_str_eq(out, "");
    }
}

Test(cli_evaluate, the_protocol_tells_one_run_from_another, .fini = remove_clicks)
{
    char out[8192];
    write_clicks(NULL);
    const char *call_it = "--model pop --baselines default --target-clicks 50";
    cr_assert_eq(call_with_clicks(out, sizeof out, NULL, 0, "evaluate", call_it), 0);
    cr_expect_not_null(strstr(out, "candidates=clicked-before,"), "%s", out);
    cr_expect_not_null(strstr(out, ", target-clicks=50"), "%s", out);
    unsigned targets = 0, halved = 0;
    cr_assert_eq(sscanf(strstr(out, "items; "), "items; %u targets", &targets), 1);
    cr_assert_eq(call_with_clicks(out, sizeof out, NULL, 0, "evaluate",
                                  "--model pop --baselines default --target-clicks 50 --every 2"),
                 0);
    cr_assert_eq(sscanf(strstr(out, "items; "), "items; %u targets", &halved), 1);
    cr_expect(targets > 100 && halved == (targets + 1) / 2, "every other one of %u, not %u", targets, halved);
}

static double number(const json_t *line, const char *group, const char *key)
{
    const json_t *value = json_object_get(json_object_get(line, group), key);
    cr_assert(json_is_number(value), "%s.%s", group, key);
    return json_number_value(value);
}

// Whatever fills a list up stands before the target where it is as popular, also where the session's own
// items make room.
Test(cli_evaluate, ties_go_against_the_target_where_session_items_are_hidden, .fini = remove_clicks)
{
    char out[8192];
    write_clicks(NULL);
    FILE *file = fopen(clicks_path, "w");
    fprintf(file, "visitor\titem\tunix_ms\n");
    for (int i = 0; i < 43; i++) // 40 people with one click each, then one with three
        fprintf(file, "v%d\ti%d\t%d\n", i < 40 ? i : 40, i < 42 ? i % 40 : 21, 1000000 + 1000 * i);
    fclose(file);
    cr_assert_eq(call_with_clicks(out, sizeof out, NULL, 0, "evaluate",
                                  "--model transitions --json --hide-session-items --from 0.99 "
                                  "--baselines default --set pop.half_life=0"),
                 0);
    cr_assert_not_null(strstr(out, "\"targets\":1,\"hr\":{\"5\":0.0,\"10\":0.0,\"20\":0.0}"), "%s", out);
}

Test(cli_evaluate, json_is_one_object_a_line_with_shares, .fini = remove_clicks)
{
    char out[16384];
    write_clicks(NULL);
    int status = call_with_clicks(out, sizeof out, NULL, 0, "evaluate",
                                  "--json --model transitions,mixture --memory closed --gap 1m --from 0.25 "
                                  "--ask after-click --hide-session-items --set transitions.half_life=2h");
    cr_assert_eq(status, 0);
    const char *const models[] = {"mixture", "transitions"}; // in the order of --list
    char *rest = out;
    for (int i = 0; i < 2; i++) {
        char *end = strchr(rest, '\n');
        cr_assert_not_null(end);
        *end = '\0';
        json_t *line = json_loads(rest, 0, NULL);
        cr_assert_not_null(line, "%s", rest);
        cr_assert_str_eq(json_string_value(json_object_get(line, "model")), models[i]);
        const char *protocol = json_string_value(json_object_get(line, "protocol"));
        const char *const words[] = {"prequential",
                                     "memory=closed",
                                     "ask=after-click",
                                     "gap=1m",
                                     "from=0.25",
                                     "session-items=hidden",
                                     "transitions.half_life=7200000"};
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            cr_assert_not_null(strstr(protocol, words[w]), "%s in %s", words[w], protocol);
        cr_assert_eq(json_integer_value(json_object_get(line, "targets")), 300);
        const char *const groups[] = {"hr", "mrr", "ndcg"};
        for (int g = 0; g < 3; g++) {
            double at5 = number(line, groups[g], "5"), at20 = number(line, groups[g], "20");
            cr_assert(0 <= at5 && at5 <= number(line, groups[g], "10"));
            cr_assert(number(line, groups[g], "10") <= at20 && at20 <= 1);
        }
        cr_assert(number(line, "coverage", "20") >= 0 && number(line, "coverage", "20") <= 1);
        cr_assert_geq(number(line, "seconds", "train"), 0);
        cr_assert_geq(number(line, "seconds", "predict"), 0);
        json_decref(line);
        rest = end + 1;
    }
    cr_assert_str_empty(rest);
}

Test(cli_evaluate, what_can_be_learned_is_learned, .fini = remove_clicks)
{
    char out[8192];
    write_clicks(NULL);
    cr_assert_eq(call_with_clicks(out, sizeof out, NULL, 0, "evaluate", "--json --model mixture,transitions"),
                 0);
    char *save = NULL;
    for (char *line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        json_t *object = json_loads(line, 0, NULL);
        cr_assert_gt(number(object, "hr", "5"), 0.6, "%s", line);
        cr_assert_gt(number(object, "mrr", "20"), 0.4, "%s", line);
        json_decref(object);
    }
}

Test(cli_evaluate, a_network_is_trained_as_the_stream_goes, .fini = remove_clicks)
{
    char out[8192], err[8192];
    write_clicks(NULL);
    FILE *file = fopen(clicks_path, "w"); // sessions that end, a new visitor each
    fprintf(file, "visitor\titem\tunix_ms\n");
    for (int i = 0; i < 400; i++)
        fprintf(file, "v%d\titem-%d\t%d\n", i / 4, (3 * (i / 4) + i % 4) % 12, 1000000 + 5000 * i);
    fclose(file);
    cr_assert_eq(call_with_clicks(out, sizeof out, err, sizeof err, "evaluate",
                                  "--json --model network,mixture --train-every 1m --gate off --gap 30s "
                                  "--set network.d=8 --set training.epochs=1"),
                 0);
    cr_assert_not_null(strstr(out, "train-every=1m, training.gate=0"), "%s", out);
    cr_assert_not_null(strstr(err, " UTC: trained from scratch on "), "%s", err);
    cr_assert_not_null(strstr(err, " UTC: trained further on "), "%s", err);
    cr_assert_null(strstr(out, "train-until"), "%s", out);
    const char *last = strstr(out, "{\"trainings\":");
    cr_assert_not_null(last, "%s", out);
    json_t *object = json_loads(last, 0, NULL);
    cr_assert_not_null(object, "%s", last);
    cr_assert_gt(json_integer_value(json_object_get(object, "trainings")), 1);
    cr_assert_eq(json_integer_value(json_object_get(object, "trainings")),
                 json_integer_value(json_object_get(object, "promoted")));
    cr_assert_geq(number(object, "seconds", "train"), 0);
    json_decref(object);
}

Test(cli_evaluate, a_bad_line_is_named_by_its_number, .fini = remove_clicks)
{
    char out[256], err[1024];
    write_clicks("v1\titem-1\tyesterday");
    cr_assert_eq(call_with_clicks(out, sizeof out, err, sizeof err, "evaluate", ""), 1);
    cr_assert_str_empty(out);
    cr_assert_not_null(strstr(err, "line 102: 'yesterday' is not a time; write whole milliseconds"), "%s",
                       err);
    cr_assert_eq(call_with_clicks(out, sizeof out, err, sizeof err, "tune", ""), 1);
    cr_assert_not_null(strstr(err, "hiphop tune: "), "%s", err);
    cr_assert_not_null(strstr(err, "line 102"), "%s", err);
}

Test(cli_evaluate, late_clicks_are_said, .fini = remove_clicks)
{
    char out[4096], err[1024];
    write_clicks("v1\titem-1\t1000");
    int status = call_with_clicks(out, sizeof out, err, sizeof err, "evaluate", "--model pop");
    cr_assert_eq(status, 0);
    cr_assert_not_null(strstr(err, "1 of 401 clicks came too late"), "%s", err);
    status = call_with_clicks(out, sizeof out, err, sizeof err, "evaluate", "--model pop --lateness 1h");
    cr_assert_eq(status, 0);
    cr_assert_str_empty(err);
    cr_assert_not_null(strstr(out, "401 clicks"), "%s", out);
}

Test(cli_evaluate, standard_input, .fini = remove_clicks)
{
    char out[4096];
    write_clicks(NULL);
    cr_assert_eq(call_with_input(out, sizeof out, NULL, 0, "evaluate --clicks - --model pop", clicks_path),
                 0);
    cr_assert_not_null(strstr(out, "400 clicks"), "%s", out);
}

Test(cli_evaluate, mistakes_in_the_call_are_2_and_explained)
{
    static const struct {
        const char *arguments, *sentence;
    } calls[] = {
        {"evaluate", "--clicks FILE or --train FILE is needed"},
        {"evaluate --test x", "--clicks FILE or --train FILE is needed"},
        {"evaluate --train x --clicks y", "one or the other"},
        {"evaluate --clicks x --test y", "one or the other"},
        {"evaluate --clicks x --protocol static", "--protocol is about sessions: give --train"},
        {"evaluate --train x --protocol fair", "'fair' is neither 'static' nor 'paper'"},
        {"evaluate --train x --protocol paper --memory train", "--memory can't be chosen"},
        {"evaluate --train x --memory closed", "'closed' is neither 'train' nor 'prequential'"},
        {"evaluate --train x --ask after-click", "needs a log of clicks"},
        {"evaluate --clicks x --launch", "--launch is about sessions"},
        {"evaluate --train x --protocol paper --launch", "--protocol paper knows neither"},
        {"tune --train x --clicks y", "one of them"},
        {"evaluate --clicks x --gap", "--gap needs a value: --gap DURATION"},
        {"evaluate --clicks x --gap 5parsecs",
         "'5parsecs' is not a duration; write a number and ms, s, m, h or d"},
        {"evaluate --clicks x --gap 0", "--gap and --max-duration must be more than 0"},
        {"evaluate --clicks x --max-duration 0", "--gap and --max-duration must be more than 0"},
        {"evaluate --clicks x --max-clicks 0", "'0' is not a whole number from 1 to 100000"},
        {"evaluate --clicks x --from 2", "'2' is not a number from 0 to"},
        {"evaluate --clicks x --memory some", "'some' is neither 'click' nor 'closed'"},
        {"evaluate --clicks x --ask never", "'never' is neither 'at-next' nor 'after-click'"},
        {"evaluate --train x --train-every 6h", "--train-every is about a log of clicks: give --clicks"},
        {"evaluate --clicks x --gate off", "--gate is about training as the stream goes"},
        {"evaluate --clicks x --train-until 0.5", "--train-until is about training as the stream goes"},
        {"evaluate --clicks x --train-every 6h --train-until 2", "'2' is not a number from 0 to 1"},
        {"evaluate --clicks x --train-every 6h --gate ajar", "'ajar' is neither 'on' nor 'off'"},
        {"evaluate --clicks x --model pop,nix", "no model 'nix'; --list prints them all"},
        {"evaluate --clicks x --set graph.nix=1", "no setting 'graph.nix'"},
        {"evaluate --clicks x --set graph.pair_half_life=1h",
         "graph.pair_half_life takes more than 1 values"},
        {"evaluate --clicks x --set graph.pair_half_life=1h,2h,3h", "takes 2 values, separated by commas"},
        {"evaluate --clicks x --set graph.pair_decay=7", "'7' is not a number from 0 to 1"},
        {"evaluate --clicks x --colour", "unknown option '--colour'"},
        {"evaluate --json=yes", "--json takes no value"},
        {"evaluate file", "'file' is not an option"},
        {"tune --budget 0 --clicks x", "--budget must be more than 0"},
        {"improve", "no command 'improve'"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char out[256], err[1024];
        cr_assert_eq(call(out, sizeof out, err, sizeof err, calls[i].arguments), 2, "%s", calls[i].arguments);
        cr_assert_not_null(strstr(err, calls[i].sentence), "%s: %s", calls[i].arguments, err);
        cr_assert_str_empty(out);
    }
    char out[256], err[1024];
    cr_assert_eq(call(out, sizeof out, err, sizeof err, "evaluate --clicks /no/such/file"), 1);
    cr_assert_not_null(strstr(err, "/no/such/file: No such file or directory"), "%s", err);
}

Test(cli_evaluate, help_names_every_option)
{
    char out[8192], again[8192];
    cr_assert_eq(call(out, sizeof out, NULL, 0, "help evaluate"), 0);
    cr_assert_eq(call(again, sizeof again, NULL, 0, "evaluate --clicks x --help"), 0);
    cr_assert_str_eq(out, again);
    const char *const words[] = {
        "--clicks FILE", "--gap",   "--lateness", "--from", "--hide-session-items",   "--memory",
        "--ask",         "--model", "--set",      "--json", "--train-every DURATION", "--gate on|off"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_assert_not_null(strstr(out, words[i]), "%s", words[i]);
    cr_assert_eq(call(out, sizeof out, NULL, 0, "evaluate --list"), 0);
    cr_assert_not_null(strstr(out, "graph.knn_half_life[0]"), "%s", out);
}

// Sessions in which item n is followed by n + 1 mod 12 four times out of five.
static void write_sessions(void)
{
    snprintf(clicks_path, sizeof clicks_path, "/tmp/hiphop-evaluate-XXXXXX");
    int descriptor = mkstemp(clicks_path);
    cr_assert_geq(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    for (int i = 0; i < 100; i++)
        fprintf(file, "item-%d item-%d item-%d\n", i % 12, (i + 1) % 12, i % 5 ? (i + 2) % 12 : 7 * i % 12);
    fclose(file);
}

Test(cli_evaluate, sessions_are_evaluated_by_either_protocol, .fini = remove_clicks)
{
    char out[8192], arguments[256];
    write_sessions();
    snprintf(arguments, sizeof arguments, "evaluate --train %s --test %s", clicks_path, clicks_path);
    cr_assert_eq(call(out, sizeof out, NULL, 0, arguments), 0);
    cr_assert_not_null(
        strstr(out, "600 clicks in 200 sessions on 12 items; 200 targets in the last 100 sessions"), "%s",
        out);
    cr_assert_not_null(strstr(out, "\nstatic, memory=train, test=file, every=1"), "%s", out);
    cr_assert_not_null(strstr(out, "baselines=tuned-on-last-tenth-of-train, pop.half_life="), "%s", out);
    cr_assert_not_null(strstr(out, "\nmixture"), "%s", out);
    snprintf(arguments, sizeof arguments, "evaluate --train %s --memory prequential --model sr", clicks_path);
    cr_assert_eq(call(out, sizeof out, NULL, 0, arguments), 0);
    cr_assert_not_null(
        strstr(out, "; 20 targets in the last 10 sessions\nstatic, memory=prequential, test=last-tenth"),
        "%s", out);
    snprintf(arguments, sizeof arguments, "evaluate --train %s --protocol paper --json --model lookup",
             clicks_path);
    cr_assert_eq(call(out, sizeof out, NULL, 0, arguments), 0);
    json_t *line = json_loads(out, 0, NULL);
    cr_assert_not_null(strstr(json_string_value(json_object_get(line, "protocol")), "LEAKS, NOT COMPARABLE"));
    json_decref(line);
    snprintf(arguments, sizeof arguments, "tune --train %s --budget 1s --set graph.neighbours=100",
             clicks_path);
    char err[4096];
    cr_assert_eq(call(out, sizeof out, err, sizeof err, arguments), 0);
    cr_assert_not_null(strstr(out, "on the last tenth of"), "%s", out);
    cr_assert_not_null(strstr(err, "On the last tenth of the sessions, after"), "%s", err);
}

Test(cli_evaluate, session_files_that_are_none, .fini = remove_clicks)
{
    char out[256], err[1024], arguments[256];
    write_sessions();
    snprintf(arguments, sizeof arguments, "evaluate --train %s --test /dev/null", clicks_path);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, arguments), 1);
    cr_assert_not_null(strstr(err, "/dev/null: there is no session in it"), "%s", err);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, "evaluate --train /dev/null"), 1);
    cr_assert_not_null(strstr(err, "/dev/null: 0 sessions are too few to learn from"), "%s", err);
    snprintf(arguments, sizeof arguments, "evaluate --train %s --test %s", clicks_path, HH_HIPHOP);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, arguments), 1);
    cr_assert_not_null(strstr(err, ": line "), "%s", err);
}

// --gap 1ms: every click is a session of its own.
Test(cli_evaluate, tune_says_that_there_is_nothing_to_learn_from, .fini = remove_clicks)
{
    char out[256], err[16384];
    write_clicks(NULL);
    cr_assert_eq(call_with_clicks(out, sizeof out, err, sizeof err, "tune", "--budget 1s --gap 1ms"), 1);
    cr_assert_not_null(strstr(err, "the first half of the log holds no click that follows another"), "%s",
                       err);
    cr_assert_str_empty(out);
}

// The fragment can be read by the library that reads hiphopd.conf, and tried with --set.
Test(cli_evaluate, tune_prints_a_fragment_that_evaluate_takes, .fini = remove_clicks)
{
    char out[4096], err[16384];
    write_clicks(NULL);
    int status = call_with_clicks(out, sizeof out, err, sizeof err, "tune",
                                  "--budget 2s --set graph.neighbours=100 --set graph.pop_half_life[0]=1m "
                                  "--set graph.knn_half_life=1h,1d --set network.epochs=2");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_not_null(strstr(err, "HR@20"), "%s", err);
    cr_assert_not_null(strstr(out, "    neighbours = 100;\n"), "what is set by hand stays: %s", out);
    cr_assert_not_null(strstr(out, "    pop_half_life = \"1m,"), "%s", out);
    cr_assert_not_null(strstr(out, "    knn_half_life = \"1h,1d\";\n"), "%s", out);
    cr_assert_null(strstr(out, "epochs"), "no setting of the graph: %s", out);
    char arguments[4096] = "--model mixture";
    size_t settings = 0;
    bool inside = false;
    for (char *save = NULL, *line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *equals = strstr(line, " = ");
        if (strcmp(line, "graph = {") == 0) {
            inside = true;
        } else if (inside && strcmp(line, "};") != 0) { // `    name = value;`, a text in quotes
            cr_assert_not_null(equals, "%s", line);
            cr_assert_eq(line[strlen(line) - 1], ';', "%s", line);
            char *value = equals + 3 + strspn(equals + 3, "\"");
            value[strcspn(value, "\";")] = '\0';
            *equals = '\0';
            size_t used = strlen(arguments);
            snprintf(arguments + used, sizeof arguments - used, " --set graph.%s=%s",
                     line + strspn(line, " "), value);
            settings++;
        }
    }
    cr_assert_gt(settings, 10);
    cr_assert_not_null(strstr(arguments, "graph.pop_half_life="), "%s", arguments);
    char result[4096];
    cr_assert_eq(call_with_clicks(result, sizeof result, err, sizeof err, "evaluate", arguments), 0, "%s: %s",
                 arguments, err);
    cr_assert_not_null(strstr(result, "\nmixture"), "%s", result);
}
