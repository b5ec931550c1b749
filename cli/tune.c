// hiphop tune: better settings for the graph, found on the first half of a log or the last tenth of sessions,
// as a fragment for hiphopd.conf.
#include "log_input.h"
#include "wire/duration.h"

#include <stdio.h>
#include <string.h>

enum { CLICKS, TRAIN, GAP, LATENESS, MAX_DURATION, MAX_CLICKS, HIDE, ASK, BUDGET, SET };

static const cli_option options[] = {
    [CLICKS] = {"clicks", "FILE",
                "the log: a TSV file, its header naming visitor, item and unix_ms;\n"
                "plain or gzip, '-' for standard input"},
    [TRAIN] = {"train", "FILE",
               "instead of a log: sessions, one a line, its items separated by\n"
               "blanks; settings are chosen on the last tenth of them"},
    [GAP] = CLI_GAP,
    [LATENESS] = CLI_LATENESS,
    [MAX_DURATION] = CLI_MAX_DURATION,
    [MAX_CLICKS] = CLI_MAX_CLICKS,
    [HIDE] = {"hide-session-items", NULL, "do not list what is in the session already"},
    [ASK] = {"ask", "at-next|after-click", "when the lists are asked for (at-next)"},
    [BUDGET] = {"budget", "DURATION", "time to spend (60s)"},
    [SET] = {"set", "graph.NAME=VALUE", "a setting that stays as it is, and is printed too; repeatable"},
    {0},
};

typedef struct tune_request {
    const char *clicks, *train;
    hh_log_options log;
    hh_time budget;
    hh_tune_options tune;
    cli_settings settings;
} tune_request;

static bool read_request(cli_args *args, tune_request *request)
{
    *request = (struct tune_request){
        .log = cli_log_defaults(), .budget = 60 * HH_SECOND, .tune = hh_tune_defaults()};
    const char *value;
    int option;
    bool good = true;
    while (good && (option = cli_next(args, &value)) != CLI_END)
        switch (option) {
        case CLICKS:
            request->clicks = value;
            break;
        case TRAIN:
            request->train = value;
            break;
        case GAP:
        case LATENESS:
        case MAX_DURATION:
        case MAX_CLICKS:
            good = cli_log_option(args, value, &request->log);
            break;
        case HIDE:
            request->tune.evaluate.hide_session_items = true;
            break;
        case ASK:
            if (strcmp(value, "after-click") == 0)
                request->tune.evaluate.ask = HH_ASK_AFTER_CLICK;
            else if (strcmp(value, "at-next") == 0)
                request->tune.evaluate.ask = HH_ASK_AT_NEXT;
            else
                good = cli_usage_error(args, "--ask: '%s' is neither 'at-next' nor 'after-click'", value) ==
                       CLI_OK;
            break;
        case BUDGET:
            good = cli_duration(args, value, &request->budget);
            break;
        case SET:
            good = cli_setting(args, value, &request->settings);
            break;
        default: // CLI_BAD
            good = false;
        }
    if (good && !request->clicks == !request->train)
        good = cli_usage_error(args, "--clicks FILE or --train FILE is needed, one of them") == CLI_OK;
    if (good && request->train && request->tune.evaluate.ask != HH_ASK_AT_NEXT)
        good = cli_usage_error(args, "--ask after-click needs a log of clicks") == CLI_OK;
    if (request->train)
        request->tune.evaluate.memory = HH_REMEMBER_TRAIN;
    if (good && (request->log.gap <= 0 || request->log.max_duration <= 0 || request->budget <= 0))
        good = cli_usage_error(args, "--gap, --max-duration and --budget must be more than 0") == CLI_OK;
    request->tune.evaluate.clock = cli_seconds;
    request->tune.evaluate.settings = request->settings.values;
    request->tune.evaluate.setting_count = request->settings.count;
    request->tune.budget = (double)request->budget / (double)HH_SECOND;
    return good;
}

static bool progress(void *context, uint32_t trials, const hh_result *best)
{
    (void)context;
    fprintf(stderr, "%u trials: HR@20 %.2f, MRR@20 %.2f\n", trials, 100 * best->hr[HH_AT_20],
            100 * best->mrr[HH_AT_20]);
    return true;
}

static void value_text(const hh_setting_value *value, char *text, size_t size)
{
    switch (hh_setting_find(value->name)->kind) {
    case HH_SETTING_DURATION:
        hh_duration_print((hh_time)value->value, text, size);
        break;
    case HH_SETTING_COUNT:
        snprintf(text, size, "%.0f", value->value);
        break;
    case HH_SETTING_NUMBER: // with a point: libconfig takes a number without one for an integer
        snprintf(text, size, "%.6f", value->value);
        break;
    }
}

// The settings as hiphopd.conf has them: those of the graph, under the names of its group. What --set has
// fixed is among them: the others were found to go with it.
static void print_fragment(const tune_request *request, const hh_tuned *tuned)
{
    printf("# Found by hiphop tune on the %s of %s.\ngraph = {\n",
           request->train ? "last tenth" : "first half", request->train ? request->train : request->clicks);
    for (size_t i = 0; i < tuned->count; i++) {
        if (strncmp(tuned->settings[i].name, "graph.", 6) != 0) // --set of another group
            continue;
        const char *name = tuned->settings[i].name + 6;
        const char *bracket = strchr(name, '[');
        char text[32];
        value_text(&tuned->settings[i], text, sizeof text);
        if (!bracket) {
            bool quoted = hh_setting_find(tuned->settings[i].name)->kind == HH_SETTING_DURATION;
            printf("    %s = %s%s%s;\n", name, quoted ? "\"" : "", text, quoted ? "\"" : "");
        } else { // a list: its values stand one after another
            size_t length = (size_t)(bracket - name) + 1;
            bool first = bracket[1] == '0';
            bool last = i + 1 == tuned->count ||
                        strncmp(tuned->settings[i + 1].name, tuned->settings[i].name, length + 6) != 0;
            if (first)
                printf("    %.*s = \"", (int)length - 1, name);
            printf("%s%s%s", first ? "" : ",", text, last ? "\";\n" : "");
        }
    }
    printf("};\n");
}

static int run(cli_args *args)
{
    tune_request request;
    if (!read_request(args, &request))
        return CLI_USAGE;
    hh_log *log = request.train ? cli_read_sessions(args, request.train, NULL, NULL, NULL)
                                : cli_read_log(args, request.clicks, &request.log);
    if (!log)
        return CLI_FAILURE;
    request.tune.progress = progress;
    hh_tuned tuned;
    hh_error error = {0};
    hh_status status = hh_tune(log, &request.tune, "graph", &tuned, &error);
    hh_log_free(log);
    if (status != HH_OK)
        return cli_failure(args, "%s", error.message);
    if (tuned.before.targets == 0)
        return cli_failure(
            args, "the %s holds no click that follows another of its session: nothing to learn settings from",
            request.train ? "last tenth of the sessions" : "first half of the log");
    fprintf(
        stderr,
        "On the %s, after %u trials: HR@20 %.2f -> %.2f, MRR@20 %.2f -> %.2f. %s tells whether that holds: "
        "hiphop evaluate --set graph.NAME=VALUE ...\n",
        request.train ? "last tenth of the sessions" : "first half of the log", tuned.trials,
        100 * tuned.before.hr[HH_AT_20], 100 * tuned.after.hr[HH_AT_20], 100 * tuned.before.mrr[HH_AT_20],
        100 * tuned.after.mrr[HH_AT_20], request.train ? "A test of other sessions" : "The second half");
    print_fragment(&request, &tuned);
    return CLI_OK;
}

const cli_command cli_tune = {
    .name = "tune",
    .summary = "find settings of the graph that suit a log",
    .options = options,
    .notes = "Looks at the first half of the log alone: predict, score, then learn, with one setting changed "
             "at a\n"
             "time. Of sessions it learns the first nine tenths and asks about the last one. Prints a "
             "fragment for\n"
             "hiphopd.conf; the figures before and after go to standard error.",
    .run = run,
};
