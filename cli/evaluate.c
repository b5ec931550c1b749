// hiphop evaluate: how well the graph, its experts and the usual baselines foresee the clicks of a log.
#include "evaluate_output.h"
#include "log_input.h"
#include "wire/duration.h"

#include <stdio.h>
#include <string.h>

#define MODELS_MAX 32

enum {
    CLICKS,
    TRAIN,
    TEST,
    VECTORS,
    ITEMS,
    SEMANTIC,
    GAP,
    LATENESS,
    MAX_DURATION,
    MAX_CLICKS,
    FROM,
    EVERY,
    BELOW,
    LAUNCH,
    HIDE,
    PROTOCOL,
    MEMORY,
    ASK,
    TRAIN_EVERY,
    TRAIN_UNTIL,
    GATE,
    MODEL,
    BASELINES,
    SET,
    LIST,
    JSON
};

static const cli_option options[] = {
    [CLICKS] = {"clicks", "FILE",
                "the log: a TSV file, its header naming visitor, item and unix_ms;\n"
                "plain or gzip, '-' for standard input"},
    [TRAIN] = {"train", "FILE",
               "instead of a log: sessions to learn from, one a line, its items\n"
               "separated by blanks"},
    [TEST] = {"test", "FILE",
              "sessions to be asked about, every click but the first (the last\n"
              "tenth of those in --train, which is then not learned)"},
    [VECTORS] = CLI_VECTORS,
    [ITEMS] = CLI_ITEMS,
    [SEMANTIC] = CLI_SEMANTIC,
    [GAP] = CLI_GAP,
    [LATENESS] = CLI_LATENESS,
    [MAX_DURATION] = CLI_MAX_DURATION,
    [MAX_CLICKS] = CLI_MAX_CLICKS,
    [FROM] = {"from", "SHARE", "the targets count from this share of the log on (0.5)"},
    [EVERY] = {"every", "N", "ask for each N-th target only: faster, less exact (1)"},
    [BELOW] = {"target-clicks", "N",
               "count only targets whose item has had fewer clicks so far;\n"
               "1: items that nobody has clicked (all)"},
    [LAUNCH] = {"launch", NULL,
                "of sessions: items that the training never shows are described when\n"
                "the test begins, not from the beginning on"},
    [HIDE] = {"hide-session-items", NULL, "do not list what is in the session already"},
    [PROTOCOL] = {"protocol", "static|paper",
                  "of sessions: static; or paper, that of the paper's released code,\n"
                  "where prefixes of the test see each other. It leaks the answers (static)"},
    [MEMORY] = {"memory", "WHAT",
                "what is known. Of a log: every click at once (click), or sessions\n"
                "once they have closed (closed). Of sessions: those of --train\n"
                "alone (train), or also those of the test that have been scored\n"
                "(prequential) (click; train)"},
    [ASK] = {"ask", "at-next|after-click",
             "when the list is asked for: just before the next click comes\n"
             "(at-next), or right after the click it answers, as hiphopd\n"
             "publishes (after-click)"},
    [TRAIN_EVERY] = {"train-every", "DURATION",
                     "of a log: train the network so often, in event time, on the sessions\n"
                     "that have closed by then; without it there is no network"},
    [TRAIN_UNTIL] = {"train-until", "SHARE",
                     "no training after this share of the log: a network that is left as\n"
                     "it was then (1)"},
    [GATE] = {"gate", "on|off",
              "on: what has been trained takes the place of what serves only if the\n"
              "latest lists are no worse with it (on)"},
    [MODEL] = {"model", "NAME,...", "the models to run (all of them)"},
    [BASELINES] = {"baselines", "tuned|default",
                   "tuned: each baseline looks for its settings in the part of\n"
                   "the log before --from, or in the last tenth of --train (tuned)"},
    [SET] = {"set", "NAME=VALUE", "a setting of a model, such as graph.knn_half_life=4h; repeatable"},
    [LIST] = {"list", NULL, "print the models and their settings, and do nothing"},
    [JSON] = {"json", NULL, "one JSON object a line and model, shares instead of per cent"},
    {0},
};

typedef struct evaluate_request {
    const char *clicks, *train, *test, *memory;
    hh_log_options log;
    hh_evaluate_options evaluate;
    cli_settings settings;
    item_sources sources;
    char names[1024]; // of the models, NUL between them
    const char *models[MODELS_MAX];
    size_t model_count;
    bool paper, protocol, train_until, gate, default_baselines, list, json;
} evaluate_request;

typedef struct evaluate_output { // of report()
    const evaluate_request *request;
    char protocol[1024];
    hh_result results[MODELS_MAX];
    size_t count;
    bool trouble;
    cli_trainings trainings;
} evaluate_output;

// ---- what is asked for ----

static bool take_models(cli_args *args, const char *text, evaluate_request *request)
{
    int length = snprintf(request->names, sizeof request->names, "%s", text);
    request->model_count = 0;
    bool fits = length > 0 && (size_t)length < sizeof request->names;
    for (char *name = request->names; fits && name;) {
        char *comma = strchr(name, ',');
        if (comma)
            *comma = '\0';
        bool known = false;
        const hh_model_info *info;
        for (size_t i = 0; (info = hh_evaluate_model(i)); i++)
            known = known || strcmp(info->name, name) == 0;
        if (!known || request->model_count == MODELS_MAX) {
            cli_usage_error(args, "--model: there is no model '%s'; --list prints them all", name);
            return false;
        }
        request->models[request->model_count++] = name;
        name = comma ? comma + 1 : NULL;
    }
    if (request->model_count == 0)
        cli_usage_error(args, "--model: '%s' names no model; --list prints them all", text);
    return request->model_count > 0;
}

// One of two words.
static bool take_choice(cli_args *args, const char *text, const char *first, const char *second,
                        bool *is_second)
{
    *is_second = strcmp(text, second) == 0;
    if (*is_second || strcmp(text, first) == 0)
        return true;
    cli_usage_error(args, "--%s: '%s' is neither '%s' nor '%s'", args->row->name, text, first, second);
    return false;
}

static bool take(cli_args *args, int option, const char *value, evaluate_request *request)
{
    bool second = false, good = true;
    uint64_t count = 1;
    switch (option) {
    case CLICKS:
        request->clicks = value;
        break;
    case TRAIN:
        request->train = value;
        break;
    case TEST:
        request->test = value;
        break;
    case VECTORS:
        good = item_sources_take(args, value, &request->sources);
        break;
    case ITEMS:
        request->sources.items = value;
        break;
    case SEMANTIC:
        good = item_sources_semantic(args, value, &request->sources);
        break;
    case GAP:
    case LATENESS:
    case MAX_DURATION:
    case MAX_CLICKS:
        good = cli_log_option(args, value, &request->log);
        break;
    case FROM:
        good = cli_number(args, value, 0, 0.999999, &request->evaluate.from);
        break;
    case EVERY:
        good = cli_count(args, value, 1, 1000000, &count);
        request->evaluate.every = (uint32_t)count;
        break;
    case BELOW:
        good = cli_count(args, value, 1, 1000000000, &count);
        request->evaluate.below = (uint32_t)count;
        break;
    case LAUNCH:
        request->evaluate.launch = true;
        break;
    case HIDE:
        request->evaluate.hide_session_items = true;
        break;
    case PROTOCOL:
        request->protocol = true;
        good = take_choice(args, value, "static", "paper", &request->paper);
        break;
    case MEMORY:
        request->memory = value;
        break;
    case ASK:
        good = take_choice(args, value, "at-next", "after-click", &second);
        request->evaluate.ask = second ? HH_ASK_AFTER_CLICK : HH_ASK_AT_NEXT;
        break;
    case TRAIN_EVERY:
        good = cli_duration(args, value, &request->evaluate.train_every);
        break;
    case TRAIN_UNTIL:
        request->train_until = true;
        good = cli_number(args, value, 0, 1, &request->evaluate.train_until);
        break;
    case GATE:
        request->gate = true;
        good = take_choice(args, value, "on", "off", &second) &&
               cli_setting(args, second ? "training.gate=0" : "training.gate=1", &request->settings);
        break;
    case MODEL:
        good = take_models(args, value, request);
        break;
    case BASELINES:
        good = take_choice(args, value, "tuned", "default", &request->default_baselines);
        break;
    case SET:
        good = cli_setting(args, value, &request->settings);
        break;
    case LIST:
        request->list = true;
        break;
    case JSON:
        request->json = true;
        break;
    }
    return good;
}

static bool take_memory(cli_args *args, evaluate_request *request)
{
    static const struct {
        const char *name;
        hh_evaluate_memory memory;
        bool of_sessions;
    } memories[] = {{"click", HH_REMEMBER_CLICKS, false},
                    {"closed", HH_REMEMBER_CLOSED, false},
                    {"train", HH_REMEMBER_TRAIN, true},
                    {"prequential", HH_REMEMBER_CLOSED, true}};
    bool of_sessions = request->train != NULL;
    if (request->paper) {
        request->evaluate.memory = HH_REMEMBER_BATCH;
        return true;
    }
    if (!request->memory)
        request->memory = of_sessions ? "train" : "click";
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        if (memories[i].of_sessions == of_sessions && strcmp(memories[i].name, request->memory) == 0) {
            request->evaluate.memory = memories[i].memory;
            return true;
        }
    cli_usage_error(args, "--memory: '%s' is neither '%s' nor '%s'", request->memory,
                    of_sessions ? "train" : "click", of_sessions ? "prequential" : "closed");
    return false;
}

// What does not go together.
static bool check_request(cli_args *args, evaluate_request *request)
{
    if (request->list)
        return true;
    const char *wrong = NULL;
    if (!request->clicks && !request->train)
        wrong = "--clicks FILE or --train FILE is needed";
    else if (request->clicks && (request->train || request->test))
        wrong = "--clicks is a log, --train and --test are sessions: one or the other";
    else if (request->train && request->evaluate.ask != HH_ASK_AT_NEXT)
        wrong = "--ask after-click needs a log of clicks";
    else if (request->evaluate.launch && !request->train)
        wrong = "--launch is about sessions: give --train";
    else if (request->protocol && !request->train)
        wrong = "--protocol is about sessions: give --train";
    else if (request->paper && request->memory)
        wrong = "--protocol paper has a memory of its own, --memory can't be chosen";
    else if (request->paper && (request->evaluate.launch || request->evaluate.below))
        wrong = "--protocol paper knows neither --launch nor --target-clicks";
    else if (request->train && request->evaluate.train_every > 0)
        wrong = "--train-every is about a log of clicks: give --clicks";
    else if (request->gate && request->evaluate.train_every <= 0)
        wrong = "--gate is about training as the stream goes: give --train-every";
    else if (request->train_until && request->evaluate.train_every <= 0)
        wrong = "--train-until is about training as the stream goes: give --train-every";
    else if (request->log.gap <= 0 || request->log.max_duration <= 0)
        wrong = "--gap and --max-duration must be more than 0";
    if (wrong)
        cli_usage_error(args, "%s", wrong);
    return !wrong && item_sources_check(args, &request->sources) && take_memory(args, request);
}

static bool read_request(cli_args *args, evaluate_request *request)
{
    *request = (struct evaluate_request){.log = cli_log_defaults(), .evaluate = hh_evaluate_defaults()};
    request->evaluate.clock = cli_seconds;
    const hh_model_info *info;
    while ((info = hh_evaluate_model(request->model_count)) && request->model_count < MODELS_MAX)
        request->models[request->model_count++] = info->name;
    const char *value;
    int option;
    while ((option = cli_next(args, &value)) >= 0)
        if (!take(args, option, value, request))
            return false;
    return option != CLI_BAD && check_request(args, request);
}

// ---- settings of the baselines ----

#define TUNING_TARGETS 4000
#define TUNING_ROUNDS  2

static bool tune(cli_args *args, const hh_log *log, evaluate_request *request, const char *model)
{
    hh_tune_options tuning = hh_tune_defaults();
    tuning.evaluate = request->evaluate;
    if (request->paper) // settings are chosen by what is foreseen, not by what leaks
        tuning.evaluate.memory = HH_REMEMBER_TRAIN;
    tuning.evaluate.settings = request->settings.values;
    tuning.evaluate.setting_count = request->settings.count;
    tuning.share = request->evaluate.from;
    tuning.targets = TUNING_TARGETS;
    tuning.rounds = TUNING_ROUNDS;
    hh_tuned tuned;
    hh_error error = {0};
    if (hh_tune(log, &tuning, model, &tuned, &error) != HH_OK) {
        cli_failure(args, "%s", error.message);
        return false;
    }
    for (size_t i = 0; i < tuned.count && request->settings.count < CLI_SETTINGS; i++)
        if (!tuned.given[i])
            request->settings.values[request->settings.count++] = tuned.settings[i];
    return true;
}

// A yardstick must be a good one: each baseline that is asked for gets the best settings of the log's part
// before the targets count. What is popular comes first, the others fill their lists up with it.
static bool tune_baselines(cli_args *args, const hh_log *log, evaluate_request *request)
{
    bool popular = false;
    const hh_model_info *info;
    if (request->default_baselines || (!request->train && request->evaluate.from <= 0))
        return true;
    for (size_t i = 0; (info = hh_evaluate_model(i)); i++) {
        bool wanted = false;
        for (size_t k = 0; k < request->model_count; k++)
            wanted = wanted || strcmp(request->models[k], info->name) == 0;
        if (!info->baseline || !wanted)
            continue;
        if (!popular && !tune(args, log, request, "pop"))
            return false;
        popular = true;
        if (strcmp(info->name, "pop") != 0 && !tune(args, log, request, info->name))
            return false;
    }
    return true;
}

// ---- what comes out ----

// Whose vectors say what items are, as NAME+NAME.
static void name_sources(const item_sources *sources, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t s = 0; s < sources->count && length < size; s++)
        length += (size_t)snprintf(text + length, size - length, "%s%s", s ? "+" : "", sources->name[s]);
}

static void describe(const evaluate_request *request, char *text, size_t size)
{
    char sources[256];
    name_sources(&request->sources, sources, sizeof sources);
    const char *described = sources[0] ? "-or-described" : "";
    char gap[32], lateness[32], longest[32];
    hh_duration_print(request->log.gap, gap, sizeof gap);
    hh_duration_print(request->log.lateness, lateness, sizeof lateness);
    hh_duration_print(request->log.max_duration, longest, sizeof longest);
    const hh_evaluate_options *evaluate = &request->evaluate;
    const char *items = evaluate->hide_session_items ? "hidden" : "listed";
    int length;
    if (request->paper)
        length =
            snprintf(text, size,
                     "LEAKS, NOT COMPARABLE: paper, memory=batch-of-512-test-prefixes, test=%s, every=%u, "
                     "session-items=%s, candidates=in-memory%s, ranking=full, ties=against-target, "
                     "baselines=%s",
                     request->test ? "file" : "last-tenth-of-train", evaluate->every, items, described,
                     request->default_baselines ? "default" : "tuned-on-last-tenth-of-train");
    else if (request->train)
        length =
            snprintf(text, size,
                     "static, memory=%s, test=%s, every=%u, session-items=%s, candidates=in-memory%s, "
                     "ranking=full, ties=against-target, baselines=%s",
                     request->memory, request->test ? "file" : "last-tenth-of-train", evaluate->every, items,
                     described, request->default_baselines ? "default" : "tuned-on-last-tenth-of-train");
    else
        length = snprintf(
            text, size,
            "prequential, memory=%s, ask=%s, gap=%s, lateness=%s, max-duration=%s, "
            "max-clicks=%u, from=%g, every=%u, "
            "session-items=%s, candidates=clicked-before%s, ranking=full, ties=against-target, "
            "baselines=%s",
            request->memory, evaluate->ask == HH_ASK_AFTER_CLICK ? "after-click" : "at-next", gap, lateness,
            longest, request->log.max_clicks, evaluate->from, evaluate->every, items, described,
            request->default_baselines || evaluate->from <= 0 ? "default" : "tuned-before-from");
    if (request->evaluate.train_every > 0 && length > 0 && (size_t)length < size) {
        char every[32];
        hh_duration_print(request->evaluate.train_every, every, sizeof every);
        length += snprintf(text + length, size - (size_t)length, ", train-every=%s", every);
        if (request->train_until && (size_t)length < size)
            length += snprintf(text + length, size - (size_t)length, ", train-until=%g",
                               request->evaluate.train_until);
    }
    if (evaluate->below && length > 0 && (size_t)length < size)
        length += snprintf(text + length, size - (size_t)length, ", target-clicks=%u", evaluate->below);
    if (sources[0] && length > 0 && (size_t)length < size)
        length += snprintf(text + length, size - (size_t)length, ", descriptions=%s%s", sources,
                           evaluate->launch ? "-at-launch" : "");
    for (size_t i = 0; i < request->settings.count && length > 0 && (size_t)length < size; i++)
        length += snprintf(text + length, size - (size_t)length, ", %s=%.10g",
                           request->settings.values[i].name, request->settings.values[i].value);
}

static void report(void *context, const hh_result *result)
{
    evaluate_output *output = context;
    if (output->request->json && result->targets)
        output->trouble = !cli_print_result(output->protocol, result) || output->trouble;
    output->results[output->count++] = *result;
}

static bool describe_items(cli_args *args, const hh_log *log, item_sources *sources)
{
    hh_error error = {0};
    item_ids ids = item_ids_of_log(log);
    if (item_sources_read(sources, &ids, false, &error) == HH_OK)
        return true;
    cli_failure(args, "%s", error.message);
    return false;
}

static int run(cli_args *args)
{
    evaluate_request request;
    if (!read_request(args, &request))
        return CLI_USAGE;
    if (request.list) {
        cli_print_models();
        return CLI_OK;
    }
    hh_log *tuning = NULL;
    hh_log *log = request.train
                      ? cli_read_sessions(args, request.train, request.test, &tuning, &request.sources)
                      : cli_read_log(args, request.clicks, &request.log);
    bool known = log && (request.train || describe_items(args, log, &request.sources));
    bool tuned = known && tune_baselines(args, tuning ? tuning : log, &request);
    hh_log_free(tuning);
    if (!tuned) {
        item_sources_free(&request.sources);
        hh_log_free(log);
        return CLI_FAILURE;
    }
    request.evaluate.settings = request.settings.values;
    request.evaluate.setting_count = request.settings.count;
    request.evaluate.sources = request.sources.source;
    request.evaluate.source_count = request.sources.count;
    evaluate_output output = {.request = &request};
    request.evaluate.trained = cli_print_training;
    request.evaluate.trained_context = &output.trainings;
    describe(&request, output.protocol, sizeof output.protocol);
    hh_error error = {0};
    hh_status status =
        hh_evaluate(log, &request.evaluate, request.models, request.model_count, report, &output, &error);
    int result = CLI_OK;
    if (status != HH_OK)
        result = cli_failure(args, "%s", error.message);
    else if (output.trouble)
        result = cli_failure(args, "the result could not be written");
    else if (!output.count || !output.results[0].targets) // of every model the same
        result = cli_failure(
            args,
            "there was nothing to ask for: no click counts that has one of its session before it "
            "(%s)",
            request.train ? "--target-clicks, --every" : "--from, --gap, --target-clicks, --every");
    else if (!request.json)
        cli_print_results(log, output.protocol, output.results, output.count);
    if (result == CLI_OK && request.evaluate.train_every > 0 &&
        !cli_print_trainings(&output.trainings, request.json))
        result = cli_failure(args, "the result could not be written");
    item_sources_free(&request.sources);
    hh_log_free(log);
    return result;
}

const cli_command cli_evaluate = {
    .name = "evaluate",
    .summary = "how well the graph and the usual baselines foresee the clicks of a log",
    .options = options,
    .notes =
        "Predict, score, then learn: every click after a session's first is a target; its list knows what\n"
        "was clicked strictly before, and the asking session's own clicks so far. All items clicked\n"
        "before are ranked, ties against the target. With --train and --test, sessions without a clock: the\n"
        "models learn those of --train, then every click but a session's first in --test is a target, and a\n"
        "half-life of 1h is one of 3600 sessions.\n"
        "cover: share of the clicked items that were in some list of 20. pop: how often the listed items\n"
        "were clicked, relative to the most clicked one.",
    .run = run,
};
