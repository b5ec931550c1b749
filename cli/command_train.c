// hiphop train: from a file of sessions to a model. The options are those of the tables in <hiphop/train.h>
// and <hiphop/model.h>.
#include "interrupt.h"
#include "item_sources.h"
#include "model_input.h"
#include "model_titles.h"
#include "output_file.h"
#include "pace.h"
#include "titles.h"

#include <errno.h>
#include <hiphop/fitted.h>
#include <hiphop/session_file.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TRAIN,
    OUT,
    ITEMS,
    VECTORS,
    RESUME,
    KEEP,
    QUIET,
    JSON,
    TABLES
}; // and from TABLES on the rows of both tables

#define VALUE_COUNT                                       "N"
#define VALUE_WHOLE                                       "N"
#define VALUE_REAL                                        "X"
#define VALUE_SHARE                                       "X"
#define VALUE_SWITCH                                      "true|false"
#define ROW(kind, field, name, standard, low, high, text) {name, VALUE_##kind, text " (" #standard ")"},

static const cli_option options[] = {
    [TRAIN] = {"train", "FILE",
               "sessions, one a line, its items separated by blanks; plain or gzip,\n"
               "'-' for standard input"},
    [OUT] = {"out", "MODEL", "the file to write"},
    [ITEMS] = {"items", "FILE",
               "items with titles, one JSON object a line: {\"id\": ..., \"title\": ...};\n"
               "hiphop recommend and inspect print them"},
    [VECTORS] = CLI_VECTORS,
    [RESUME] = {"resume", NULL, "go on with MODEL.checkpoint, with its options"},
    [KEEP] = {"keep-clicks", "N",
              "put the newest sessions into the model, so many clicks at most, 4 bytes\n"
              "each: hiphop recommend makes the graph of them (10000000); 0: none"},
    [QUIET] = {"quiet", NULL, "no progress on standard error"},
    [JSON] = {"json", NULL, "what was trained as one JSON object"},
    HH_TRAIN_OPTIONS(ROW) HH_NETWORK_OPTIONS(ROW){0},
};

typedef struct train_request {
    const char *train, *out, *items;
    struct titles *titles; // of items; NULL: there are none
    item_sources sources;
    bool resume, quiet, json;
    uint64_t keep_clicks;
    hh_train_options options;
    char *checkpoint; // path
    void *resume_bytes;
} train_request;

// ---- the call ----

// The row of the tables with the name of this option, and the struct it belongs to.
static const hh_option *row_of(int option, train_request *request, void **of)
{
    const hh_option *tables[] = {hh_train_option_table(), hh_network_option_table()};
    void *structs[] = {&request->options, &request->options.network};
    for (int t = 0; t < 2; t++)
        for (const hh_option *row = tables[t]; row->name; row++)
            if (strcmp(row->name, options[option].name) == 0) {
                *of = structs[t];
                return row;
            }
    return NULL;
}

static bool set_option(cli_args *args, int option, const char *text, train_request *request)
{
    void *of = NULL;
    const hh_option *row = row_of(option, request, &of);
    double number = 0;
    uint64_t count = 0;
    if (row->kind == HH_OPTION_SWITCH) {
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return cli_usage_error(args, "--%s: '%s' is neither 'true' nor 'false'", row->name, text) ==
                   CLI_OK;
        number = text[0] == 't';
    } else if (row->kind == HH_OPTION_REAL || row->kind == HH_OPTION_SHARE) {
        if (!cli_number(args, text, row->low, row->high, &number))
            return false;
    } else {
        if (!cli_count(args, text, (uint64_t)row->low, (uint64_t)row->high, &count))
            return false;
        number = (double)count;
    }
    return hh_option_set(row, of, number);
}

static bool read_request(cli_args *args, train_request *request)
{
    const char *value;
    bool good = true;
    for (int option; good && (option = cli_next(args, &value)) != CLI_END;)
        switch (option) {
        case TRAIN:
            request->train = value;
            break;
        case OUT:
            request->out = value;
            break;
        case ITEMS:
            request->items = value;
            break;
        case VECTORS:
            good = item_sources_take(args, value, &request->sources);
            break;
        case RESUME:
            request->resume = true;
            break;
        case KEEP:
            good = cli_count(args, value, 0, UINT32_MAX, &request->keep_clicks);
            break;
        case QUIET:
            request->quiet = true;
            break;
        case JSON:
            request->json = true;
            break;
        case CLI_BAD:
            good = false;
            break;
        default:
            good = set_option(args, option, value, request);
        }
    if (good && !request->train)
        good = cli_usage_error(args, "--train FILE is needed") == CLI_OK;
    if (good && !request->out)
        good = cli_usage_error(args, "--out MODEL is needed") == CLI_OK;
    return good;
}

// The checkpoint's options are where --resume starts from; those in the call must agree with them.
static int read_checkpoint(cli_args *args, train_request *request)
{
    static const char suffix[] = ".checkpoint";
    size_t length = strlen(request->out);
    hh_error error = {0};
    request->checkpoint = malloc(length + sizeof suffix);
    if (!request->checkpoint)
        return cli_failure(args, "out of memory");
    memcpy(request->checkpoint, request->out, length);
    memcpy(request->checkpoint + length, suffix, sizeof suffix);
    if (!request->resume) {
        if (access(request->checkpoint, F_OK) == 0)
            return cli_failure(
                args,
                "%s is there, of a training that was broken off: go on with it by --resume, or "
                "remove it",
                request->checkpoint);
        return CLI_OK;
    }
    hh_train_options *train = &request->options;
    if (hh_file_read(request->checkpoint, &request->resume_bytes, &train->resume_size, &error))
        return cli_failure(args, "there is nothing to go on with: %s", error.message);
    size_t size = train->resume_size;
    if (hh_train_checkpoint_options(request->resume_bytes, size, train, &error))
        return cli_failure(args, "%s: %s", request->checkpoint, error.message);
    cli_args again;
    cli_args_init(&again, args->command, args->argc, args->argv);
    request->sources.count = 0; // they are not of the checkpoint
    read_request(&again, request);
    train->resume = request->resume_bytes;
    train->resume_size = size;
    return CLI_OK;
}

// ---- while it trains ----

typedef struct training {
    train_request *request;
    const hh_sessions *sessions;
    const hh_train_data *data;
    hh_fitted *fitted; // what mixture and ranker learn beside the network
    struct progress progress;
    hh_error trouble; // with the checkpoint
    double written;   // when it was, by steady_now; 0: not yet
} training;

static bool show(void *context, const hh_train_progress *at)
{
    training *self = context;
    char text[160];
    int length = snprintf(text, sizeof text, "%sepoch %u of %u  loss %.4f", at->refit ? "refit, " : "",
                          at->epoch, at->epochs, at->loss);
    if (isfinite(at->mrr) && !at->refit)
        snprintf(text + length, sizeof text - (size_t)length, "  HR@20 %.2f MRR@20 %.2f", 100 * at->hr,
                 100 * at->mrr);
    if (at->done > 0)
        progress_text(&self->progress, at->done, text, at->seconds_left, at->done >= 1);
    return !interrupted();
}

static bool show_fit(void *context, double done)
{
    training *self = context;
    progress_text(&self->progress, done, "mixture and ranker, on the sessions held out", 0, done >= 1);
    return !interrupted();
}

// A checkpoint that would spare no more than a few seconds is not worth the wait for the disk.
static bool write_checkpoint(void *context, const void *bytes, size_t size)
{
    training *self = context;
    double now = steady_now();
    if (self->written > 0 && now - self->written < 2 && !interrupted())
        return true;
    self->written = now;
    return hh_file_write(self->request->checkpoint, bytes, size, &self->trouble) == HH_OK;
}

// ---- the model ----

static hh_status keep_ids(const hh_sessions *sessions, uint32_t count, hh_item_ids *ids, hh_error *error)
{
    uint64_t *begin = malloc((count + (size_t)1) * sizeof *begin), bytes = 0;
    for (uint32_t item = 0; item < count; item++) {
        size_t length;
        hh_sessions_item(sessions, item, &length);
        bytes += length;
    }
    char *text = malloc(bytes + 1);
    *ids = (hh_item_ids){count, begin, text};
    if (!begin || !text)
        return hh_fail(error, HH_MEMORY, NULL);
    begin[0] = 0;
    for (uint32_t item = 0; item < count; item++) {
        size_t length;
        const char *id = hh_sessions_item(sessions, item, &length);
        memcpy(text + begin[item], id, length);
        begin[item + 1] = begin[item] + length;
    }
    return HH_OK;
}

// The network is the model's, also on failure.
static hh_model *name_items(const train_request *request, const hh_sessions *sessions,
                            const hh_train_data *data, hh_network *network, const hh_train_record *record,
                            hh_error *error)
{
    hh_model_facts facts = {.options = request->options, .record = *record, .created = wall_now()};
    snprintf(facts.source, sizeof facts.source, "%s", request->train);
    hh_item_ids ids;
    hh_model *model = NULL;
    if (keep_ids(sessions, data->items, &ids, error) == HH_OK)
        model = hh_model_new(network, &ids, &facts, error);
    else
        hh_network_free(network);
    free((void *)ids.begin);
    free((void *)ids.bytes);
    return model;
}

static hh_model *make_model(const training *self, hh_network *network, const hh_train_record *record,
                            hh_error *error)
{
    const train_request *request = self->request;
    const hh_network_options *parts = &request->options.network;
    bool heeds = parts->global || parts->local; // neighbours are found among the sessions
    uint32_t clicks = heeds ? UINT32_MAX : (uint32_t)request->keep_clicks;
    hh_model *model = name_items(request, self->sessions, self->data, network, record, error);
    hh_status status = model ? HH_OK : error->status;
    if (!status && clicks > 0)
        status = hh_model_keep_sessions(model, self->data, clicks, error);
    if (!status && hh_fitted_record_of(self->fitted).lessons > 0)
        status = hh_fitted_attach(self->fitted, model, error);
    if (!status && request->titles)
        status = model_titles_keep(model, request->titles, error);
    if (!status)
        return model;
    hh_model_free(model);
    return NULL;
}

// As hh_train_options.fit: the model as it would be if the sessions held out were still to come.
static hh_status fit(void *context, hh_network *network, uint32_t held, hh_error *error)
{
    training *self = context;
    const hh_train_record record = hh_train_record_new();
    hh_fit_options how = hh_fit_defaults();
    how.progress = show_fit;
    how.context = self;
    hh_train_data known = *self->data;
    known.sessions = held;
    hh_model *model = name_items(self->request, self->sessions, self->data, network, &record, error);
    hh_status status = model ? hh_model_keep_sessions(model, &known, UINT32_MAX, error) : error->status;
    if (!status)
        status = hh_fit(self->fitted, model, self->data, held, &how, error);
    hh_model_free(model);
    return status;
}

static void report_fitted(const hh_fitted *fitted)
{
    hh_fitted_record record = hh_fitted_record_of(fitted);
    char lessons[GROUPED_SIZE];
    if (record.lessons == 0)
        return;
    printf("Before each of their %s clicks was learned from:", grouped(record.lessons, lessons));
    for (hh_list_by by = 0; by < HH_LIST_KINDS; by++)
        printf("%s %s HR@20 %.2f, MRR@20 %.2f", by ? ";" : "", hh_list_name(by), 100 * record.hr20[by],
               100 * record.mrr20[by]);
    printf("\n");
}

static int report(cli_args *args, const train_request *request, const hh_model *model,
                  const hh_fitted *fitted)
{
    const hh_train_record *record = &hh_model_facts_of(model)->record;
    char items[GROUPED_SIZE], sessions[GROUPED_SIZE];
    if (request->json) {
        json_t *object = cli_json_options(hh_train_record_table(), record);
        json_object_set_new(object, "items", json_integer(hh_model_items(model)));
        json_object_set_new(object, "model", cli_json_text(request->out, strlen(request->out)));
        return cli_print_json(args, object);
    }
    printf("%s: %s items, %u epochs on %s sessions in %.1f s\n", request->out,
           grouped(hh_model_items(model), items), record->epochs, grouped(record->sessions, sessions),
           record->seconds);
    if (isfinite(record->mrr))
        printf("On the sessions held out: HR@20 %.2f, MRR@20 %.2f\n", 100 * record->hr, 100 * record->mrr);
    report_fitted(fitted);
    return CLI_OK;
}

static int finish(cli_args *args, const training *self, hh_network *network, const hh_train_record *record)
{
    hh_error error = {0};
    const train_request *request = self->request;
    hh_model *model = make_model(self, network, record, &error);
    int result = CLI_OK;
    if (!model || hh_model_save(model, request->out, &error) != HH_OK) {
        result = cli_failure(args, "%s", error.message);
    } else {
        unlink(request->checkpoint);
        result = report(args, request, model, self->fitted);
    }
    hh_model_free(model);
    return result;
}

static int train(cli_args *args, training *self)
{
    train_request *request = self->request;
    hh_train_options *how = &request->options;
    hh_train_record record;
    hh_error error = {0};
    how->progress = show;
    how->checkpoint = write_checkpoint;
    how->fit = fit;
    how->fitted = hh_fitted_values(self->fitted, &how->fitted_count);
    how->context = self;
    how->clock = steady_now;
    how->sources = request->sources.source;
    how->source_count = request->sources.count;
    interrupt_catch();
    progress_begin(&self->progress, "", request->quiet);
    hh_network *network = hh_train(self->data, how, &record, &error);
    progress_end(&self->progress);
    if (!network)
        return cli_failure(args, "%s", error.message);
    if (!record.stopped)
        return finish(args, self, network, &record);
    hh_network_free(network);
    if (self->trouble.status != HH_OK)
        return cli_failure(args, "the checkpoint could not be written: %s", self->trouble.message);
    fprintf(stderr, "hiphop train: stopped; the same call with --resume goes on from %s\n",
            request->checkpoint);
    return CLI_INTERRUPTED;
}

static int train_on(cli_args *args, train_request *request, const hh_sessions *sessions)
{
    hh_sessions_view view;
    hh_error error = {0};
    hh_sessions_view_read(sessions, &view);
    hh_train_data data = {view.sessions, view.items, view.item, view.first};
    training self = {.request = request, .sessions = sessions, .data = &data};
    self.fitted = hh_fitted_new(0, &error);
    int result = self.fitted ? train(args, &self) : cli_failure(args, "%s", error.message);
    hh_fitted_free(self.fitted);
    return result;
}

// Before the training, so that a file that is no good is told at once.
static hh_status describe_items(train_request *request, const hh_sessions *sessions, hh_error *error)
{
    item_ids ids = item_ids_of_sessions(sessions);
    hh_status status = HH_OK;
    if (request->items && !(request->titles = titles_new()))
        status = hh_fail(error, HH_MEMORY, NULL);
    else if (request->items)
        status = titles_read_file(request->titles, request->items, error);
    return status ? status : item_sources_read(&request->sources, &ids, request->quiet, error);
}

static bool out_is_writable(cli_args *args, const train_request *request)
{
    const char *inputs[HH_SOURCES + 2] = {request->train, request->items};
    for (uint32_t i = 0; i < request->sources.count; i++)
        inputs[2 + i] = request->sources.path[i];
    return cli_output_file(args, request->out, inputs, 2 + request->sources.count);
}

static int run(cli_args *args)
{
    train_request request = {.options = hh_train_defaults(), .keep_clicks = 10000000};
    hh_error error = {0};
    if (!read_request(args, &request))
        return CLI_USAGE;
    int result = out_is_writable(args, &request) ? read_checkpoint(args, &request) : CLI_FAILURE;
    hh_sessions *sessions = result == CLI_OK ? hh_sessions_new(&error) : NULL;
    if (result == CLI_OK) {
        if (!sessions || hh_sessions_read(sessions, request.train, &error) != HH_OK ||
            describe_items(&request, sessions, &error) != HH_OK)
            result = cli_failure(args, "%s", error.message);
        else
            result = train_on(args, &request, sessions);
    }
    item_sources_free(&request.sources);
    titles_free(request.titles);
    hh_sessions_free(sessions);
    free(request.resume_bytes);
    free(request.checkpoint);
    return result;
}

const cli_command cli_train = {
    .name = "train",
    .summary = "train the network on sessions, and write a model",
    .options = options,
    .notes =
        "The order of the lines is the order of time. The latest of them (--held-out) choose the epoch, and\n"
        "teach mixture and ranker how far the network can be trusted beside the graph; then it is trained\n"
        "anew on all (--refit). The same sessions, options, seed and number of\n"
        "threads give the same network, bit for bit. At the end of each epoch, and on Ctrl-C, all that is\n"
        "needed to go on is put into MODEL.checkpoint; --resume goes on from there, and gives the network\n"
        "that would have come of it without a break.",
    .run = run,
};
