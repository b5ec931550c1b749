// hiphop ablate: what each part of the network earns on sessions at hand, as a table, as JSON, as a page.
#include "ablate_output.h"
#include "interrupt.h"
#include "log_input.h"
#include "output_file.h"
#include "pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRAIN, TEST, VECTORS, ITEMS, SEMANTIC, TARGET_CLICKS, SEEDS, ONLY, SET, HTML, JSON, QUIET };

static const cli_option options[] = {
    [TRAIN] = {"train", "FILE",
               "sessions to learn from, one a line, its items separated by blanks;\n"
               "plain or gzip, '-' for standard input"},
    [TEST] = {"test", "FILE",
              "sessions to be asked about; without it the last tenth of --train,\n"
              "which is where choices are to be made"},
    [VECTORS] = CLI_VECTORS,
    [ITEMS] = CLI_ITEMS,
    [SEMANTIC] = CLI_SEMANTIC,
    [TARGET_CLICKS] = {"target-clicks", "N",
                       "only targets whose item had fewer clicks so far; 1: none at all"},
    [SEEDS] = {"seeds", "N", "each trial is run with so many seeds (3)"},
    [ONLY] = {"only", "GROUP,...",
              "of the trials: on, off, data, semantics, intents, neighbours, similar,\n"
              "negatives, last (all of them; semantics and what else is about items'\n"
              "vectors only with --items or --vectors)"},
    [SET] = {"set", "NAME=VALUE",
             "a setting of all trials, such as network.epochs=8; repeatable.\n"
             "hiphop evaluate --list prints them all"},
    [HTML] = {"html", "FILE", "write a page with plots"},
    [JSON] = {"json", NULL, "one JSON object a line and run, then one for each trial"},
    [QUIET] = {"quiet", NULL, "no progress on standard error"},
    {0},
};

typedef struct ablate_request {
    const char *train, *test, *html;
    hh_ablate_options ablate;
    cli_settings settings;
    item_sources sources;
    bool some, json, quiet; // some: groups were named
} ablate_request;

// ---- the call ----

static bool take_groups(cli_args *args, const char *text, ablate_request *request)
{
    if (!request->some)
        memset(request->ablate.wanted, 0, sizeof request->ablate.wanted);
    request->some = true;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        int group = 0;
        while (group < HH_TRIAL_GROUP_COUNT && (strlen(hh_trial_group_name(group)) != length ||
                                                memcmp(at, hh_trial_group_name(group), length) != 0))
            group++;
        if (group == HH_TRIAL_GROUP_COUNT) {
            cli_usage_error(args, "--only: there is no group '%.*s'; hiphop help ablate names them",
                            (int)length, at);
            return false;
        }
        request->ablate.wanted[group] = true;
        at += length;
        if (*at == '\0')
            return true;
    }
}

static bool read_request(cli_args *args, ablate_request *request)
{
    const char *value;
    uint64_t count;
    bool good = true;
    request->ablate = hh_ablate_defaults();
    for (int option; good && (option = cli_next(args, &value)) != CLI_END;)
        switch (option) {
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
        case TARGET_CLICKS:
            good = cli_count(args, value, 1, 1000000000, &count);
            request->ablate.evaluate.below = good ? (uint32_t)count : 0;
            break;
        case SEEDS:
            good = cli_count(args, value, 1, 1000, &count);
            request->ablate.seeds = good ? (uint32_t)count : 1;
            break;
        case ONLY:
            good = take_groups(args, value, request);
            break;
        case SET:
            good = cli_setting(args, value, &request->settings);
            break;
        case HTML:
            request->html = value;
            break;
        case JSON:
            request->json = true;
            break;
        case QUIET:
            request->quiet = true;
            break;
        default: // CLI_BAD
            good = false;
        }
    if (good && !request->train)
        good = cli_usage_error(args, "--train FILE is needed") == CLI_OK;
    bool described = request->sources.count > 0 || request->sources.items;
    if (good && request->some && request->ablate.wanted[HH_TRIALS_SEMANTICS] && !described)
        good = cli_usage_error(args, "--only semantics is about what is known of items: give --items or "
                                     "--vectors") == CLI_OK;
    return good && item_sources_check(args, &request->sources);
}

// ---- while it runs ----

typedef struct ablating {
    const ablate_request *request;
    ablation all;
    struct progress progress;
    char trial[100]; // at hand, and its seed
    uint32_t run, runs;
    bool trouble; // with memory or standard output
} ablating;

static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void begin(void *context, const hh_trial *trial, uint64_t seed, uint32_t run, uint32_t runs)
{
    ablating *self = context;
    snprintf(self->trial, sizeof self->trial, "%s, seed %llu", trial->name, (unsigned long long)seed);
    self->run = run;
    self->runs = runs;
}

// Of a run, training is the better part: how far it has come counts, up to its last epoch.
static bool show(void *context, const hh_train_progress *training)
{
    ablating *self = context;
    double part = training ? ((double)training->epoch - 1 + training->done) / (double)training->epochs : 0;
    double share = (self->run + (part < 1 ? part : 1) * 0.9) / self->runs;
    double spent = progress_seconds(&self->progress);
    char text[200];
    int length = snprintf(text, sizeof text, "run %u of %u  %s", self->run + 1, self->runs, self->trial);
    if (training)
        snprintf(text + length, sizeof text - (size_t)length, "  epoch %u of %u", training->epoch,
                 training->epochs);
    if (training)
        progress_text(&self->progress, share, text, share > 0 ? spent / share * (1 - share) : 0, false);
    return !interrupted() && !self->trouble;
}

static void take_run(void *context, const hh_trial_run *run)
{
    ablating *self = context;
    ablation *all = &self->all;
    if (all->count == all->room) {
        size_t room = 2 * all->room + 64;
        hh_trial_run *larger = realloc(all->runs, room * sizeof *larger);
        if (!larger) {
            self->trouble = true;
            return;
        }
        all->runs = larger;
        all->room = room;
    }
    all->runs[all->count++] = *run;
    if (self->request->json && !ablate_print_run(run))
        self->trouble = true;
}

// ---- what comes out ----

static void describe(const ablate_request *request, const hh_log *log, const ablation *all, char *data,
                     char *protocol, size_t size)
{
    hh_log_stats stats;
    char taught[GROUPED_SIZE], asked[GROUPED_SIZE], items[GROUPED_SIZE], targets[GROUPED_SIZE];
    hh_log_stats_read(log, &stats);
    snprintf(data, size, "%s sessions teach, %s are asked about (%s targets); %s items",
             grouped(stats.train, taught), grouped(stats.sessions - stats.train, asked),
             grouped(all->count ? all->runs[0].result[HH_LIST_HIPHOP].targets : 0, targets),
             grouped(stats.items, items));
    int length =
        snprintf(protocol, size,
                 "static, test=%s, seeds=%u, session-items=listed, ranking=full, ties=against-target, "
                 "network.refit=0 unless set",
                 request->test ? "file" : "last-tenth-of-train", request->ablate.seeds);
    if (request->ablate.evaluate.below && length > 0 && (size_t)length < size)
        length += snprintf(protocol + length, size - (size_t)length, ", target-clicks=%u",
                           request->ablate.evaluate.below);
    for (size_t i = 0; i < request->settings.count && length > 0 && (size_t)length < size; i++)
        length += snprintf(protocol + length, size - (size_t)length, ", %s=%.10g",
                           request->settings.values[i].name, request->settings.values[i].value);
}

static int print_all(cli_args *args, const ablating *self)
{
    const ablate_request *request = self->request;
    hh_error error = {0};
    if (request->json ? !ablate_print_summary(&self->all) : self->trouble)
        return cli_failure(args, "the result could not be kept or written");
    if (!request->json)
        ablate_print_table(&self->all);
    if (request->html && ablate_write_page(&self->all, args, request->html, &error) != HH_OK)
        return cli_failure(args, "%s", error.message);
    return CLI_OK;
}

static int ablate(cli_args *args, ablate_request *request, const hh_log *log)
{
    ablating self = {.request = request};
    char data[1024], protocol[1024];
    hh_error error = {0};
    hh_ablate_options *ablate = &request->ablate;
    ablate->evaluate.settings = request->settings.values;
    ablate->evaluate.setting_count = request->settings.count;
    ablate->evaluate.sources = request->sources.source;
    ablate->evaluate.source_count = request->sources.count;
    ablate->evaluate.clock = cli_seconds;
    ablate->evaluate.progress = show;
    ablate->evaluate.progress_context = &self;
    ablate->cpu = cpu_seconds;
    ablate->begin = begin;
    ablate->context = &self;
    interrupt_catch();
    progress_begin(&self.progress, "", request->quiet);
    hh_status status = hh_ablate(log, ablate, take_run, &self, &error);
    progress_end(&self.progress);
    self.all.planned = hh_ablate_runs(ablate);
    self.all.data = data;
    self.all.protocol = protocol;
    describe(request, log, &self.all, data, protocol, sizeof data);
    int result = CLI_OK;
    if (status != HH_OK && status != HH_STOPPED)
        result = cli_failure(args, "%s", error.message);
    else if (self.all.count > 0)
        result = print_all(args, &self);
    if (status == HH_STOPPED) {
        fprintf(stderr, "hiphop ablate: stopped after %zu of %u runs\n", self.all.count, self.all.planned);
        result = result == CLI_OK ? CLI_INTERRUPTED : result;
    }
    free(self.all.runs);
    return result;
}

static int run(cli_args *args)
{
    ablate_request request = {0};
    if (!read_request(args, &request))
        return CLI_USAGE;
    const char *inputs[HH_SOURCES + 3] = {request.train, request.test, request.sources.items};
    for (uint32_t i = 0; i < request.sources.count; i++)
        inputs[3 + i] = request.sources.path[i];
    if (request.html && !cli_output_file(args, request.html, inputs, 3 + request.sources.count)) {
        item_sources_free(&request.sources);
        return CLI_FAILURE;
    }
    hh_log *log = cli_read_sessions(args, request.train, request.test, NULL, &request.sources);
    int result = log ? ablate(args, &request, log) : CLI_FAILURE;
    item_sources_free(&request.sources);
    hh_log_free(log);
    return result;
}

const cli_command cli_ablate = {
    .name = "ablate",
    .summary = "what each part of the network earns on sessions: parts off and on, sweeps",
    .options = options,
    .notes =
        "Trials with a part on or off are held against the same without or with it, seed by seed: from the\n"
        "default one part on (or off), from the paper's form one part off; and numbers of something are\n"
        "swept. Protocol as in hiphop evaluate --train; the network is not trained anew on the sessions "
        "that\n"
        "chose its epoch (--set network.refit=1 does). First all trials run with the first seed, then with\n"
        "the next; on Ctrl-C what is there is printed. The same call gives the same figures.",
    .run = run,
};
