// hiphop inspect: what is in a model file, and which items the model finds alike.
#include "model_input.h"
#include "model_titles.h"

#include "pace.h"

#include <hiphop/fitted.h>
#include <hiphop/network_list.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR, K, JSON };

static const cli_option options[] = {
    [NEAR] = {"near", "ITEM", "instead: the items whose vectors are nearest to this one's"},
    [K] = {"k", "N", "how many of them (20)"},
    [JSON] = {"json", NULL, "one JSON object"},
    {0},
};

typedef struct inspect_request {
    const char *path, *near;
    uint64_t k;
    bool json;
} inspect_request;

static bool read_request(cli_args *args, inspect_request *request)
{
    const char *value;
    bool good = true;
    *request = (inspect_request){.k = 20};
    for (int option; good && (option = cli_next(args, &value)) != CLI_END;)
        switch (option) {
        case NEAR:
            request->near = value;
            break;
        case K:
            good = cli_count(args, value, 1, 10000, &request->k);
            break;
        case JSON:
            request->json = true;
            break;
        default: // CLI_BAD
            good = false;
        }
    request->path = good ? cli_operand(args) : NULL;
    if (good && !request->path)
        good = cli_usage_error(args, "name the model file") == CLI_OK;
    const char *more = good ? cli_operand(args) : NULL;
    if (more)
        good =
            cli_usage_error(args, "'%s' is too much: one model file, and options before it", more) == CLI_OK;
    return good;
}

// ---- what is in it ----

static const char *type_name(hh_array_type type)
{
    static const char *const names[] = {
        [HH_ARRAY_F32] = "f32", [HH_ARRAY_U8] = "u8", [HH_ARRAY_U32] = "u32", [HH_ARRAY_U64] = "u64"};
    return names[type];
}

static void print_options(const char *title, const hh_option *table, const void *values)
{
    printf("\n%s\n", title);
    for (const hh_option *row = table; row->name; row++) {
        double value = hh_option_get(row, values);
        if (row->kind == HH_OPTION_SWITCH)
            printf("  %-16s %-12s %s\n", row->name, value != 0 ? "true" : "false", row->text);
        else if (isfinite(value))
            printf("  %-16s %-12.*g %s\n", row->name, row->kind == HH_OPTION_REAL ? 7 : 10, value, row->text);
    }
}

static void shape_text(const hh_array *array, char *text, size_t size)
{
    int dims = 4;
    while (dims > 1 && array->shape[dims - 1] == 1)
        dims--;
    int at = 0;
    for (int i = 0; i < dims && at >= 0 && (size_t)at < size; i++)
        at += snprintf(text + at, size - (size_t)at, "%s%" PRIu64, i ? " x " : "", array->shape[i]);
}

static void print_fitted(const hh_model *model)
{
    hh_error error = {0};
    double weights[HH_EXPERTS];
    char number[GROUPED_SIZE];
    hh_fitted *fitted = hh_fitted_read(model, &error);
    printf("\nmixture and ranker\n");
    if (!fitted) {
        printf("  %s\n", error.message);
        return;
    }
    hh_fitted_record record = hh_fitted_record_of(fitted);
    printf("  learned from %s clicks of sessions held out; before each was learned from, the lists had\n",
           grouped(record.lessons, number));
    for (hh_list_by by = 0; by < HH_LIST_KINDS; by++)
        printf("  %-16s HR@20 %5.2f  MRR@20 %5.2f%s\n", hh_list_name(by), 100 * record.hr20[by],
               100 * record.mrr20[by], by == hh_fitted_best(fitted) ? "  the best: hiphop recommend" : "");
    if (!record.ranks)
        printf("  the ranker was no better than the mixture, which makes its lists\n");
    hh_fitted_weights(fitted, weights);
    printf("  the mixture's weights, over its latest lessons\n");
    for (hh_expert expert = 0; expert < HH_EXPERTS; expert++)
        printf("  %-16s %.4f\n", hh_expert_name(expert), weights[expert]);
    hh_fitted_free(fitted);
}

static json_t *fitted_json(const hh_model *model)
{
    hh_error error = {0};
    double weights[HH_EXPERTS];
    hh_fitted *fitted = hh_fitted_read(model, &error);
    if (!fitted)
        return json_null();
    hh_fitted_record record = hh_fitted_record_of(fitted);
    json_t *object = json_object(), *lists = json_object(), *weighed = json_object();
    for (hh_list_by by = 0; by < HH_LIST_KINDS; by++) {
        json_t *list = json_object();
        json_object_set_new(list, "hr@20", json_real(record.hr20[by]));
        json_object_set_new(list, "mrr@20", json_real(record.mrr20[by]));
        json_object_set_new(lists, hh_list_name(by), list);
    }
    hh_fitted_weights(fitted, weights);
    for (hh_expert expert = 0; expert < HH_EXPERTS; expert++)
        json_object_set_new(weighed, hh_expert_name(expert), json_real(weights[expert]));
    json_object_set_new(object, "lessons", json_integer((json_int_t)record.lessons));
    json_object_set_new(object, "best", json_string(hh_list_name(hh_fitted_best(fitted))));
    json_object_set_new(object, "ranks", json_boolean(record.ranks));
    json_object_set_new(object, "lists", lists);
    json_object_set_new(object, "weights", weighed);
    hh_fitted_free(fitted);
    return object;
}

static void print_model(const hh_model *model, const inspect_request *request)
{
    const hh_model_facts *facts = hh_model_facts_of(model);
    hh_train_data sessions;
    hh_array array;
    char when[MOMENT_SIZE], number[GROUPED_SIZE];
    printf("%s: a model of %s items", request->path, grouped(hh_model_items(model), number));
    if (hh_model_sessions(model, &sessions))
        printf(", with %s sessions", grouped(sessions.sessions, number));
    if (hh_model_sessions(model, &sessions))
        printf(" of %s clicks", grouped(sessions.first[sessions.sessions], number));
    printf("\nmade by hiphop %s", facts->version);
    if (facts->created)
        printf(" at %s", moment(facts->created, when));
    if (facts->source[0])
        printf(" from %s", facts->source);
    const hh_train_record *record = &facts->record;
    if (record->workspace_bytes > 0)
        printf("\nmemory while it was trained: parameters %.1f MB, Adam's state %.1f MB, workspace %.1f MB",
               (double)record->parameter_bytes / 1e6, (double)record->adam_bytes / 1e6,
               (double)record->workspace_bytes / 1e6);
    printf("\ndigest of its arrays: %016" PRIx64 "\n", hh_model_digest(model));
    print_options("network", hh_network_option_table(), &facts->options.network);
    print_options("training", hh_train_option_table(), &facts->options);
    print_options("record", hh_train_record_table(), &facts->record);
    print_fitted(model);
    printf("\narrays\n");
    for (size_t i = 0; hh_model_array_at(model, i, &array); i++) {
        char shape[100];
        shape_text(&array, shape, sizeof shape);
        printf("  %-24s %-4s %-20s %14s bytes\n", array.name, type_name(array.type), shape,
               grouped(hh_array_bytes(&array), number));
    }
}

static int print_model_json(cli_args *args, const hh_model *model)
{
    const hh_model_facts *facts = hh_model_facts_of(model);
    hh_train_data sessions;
    hh_array array;
    char digest[20];
    json_t *object = json_object(), *arrays = json_array();
    snprintf(digest, sizeof digest, "%016" PRIx64, hh_model_digest(model));
    json_object_set_new(object, "items", json_integer(hh_model_items(model)));
    json_object_set_new(object, "sessions",
                        json_integer(hh_model_sessions(model, &sessions) ? sessions.sessions : 0));
    json_object_set_new(
        object, "clicks",
        json_integer(hh_model_sessions(model, &sessions) ? sessions.first[sessions.sessions] : 0));
    json_object_set_new(object, "version", cli_json_text(facts->version, strlen(facts->version)));
    json_object_set_new(object, "created", json_integer(facts->created));
    json_object_set_new(object, "source", cli_json_text(facts->source, strlen(facts->source)));
    json_object_set_new(object, "digest", json_string(digest));
    json_object_set_new(object, "network",
                        cli_json_options(hh_network_option_table(), &facts->options.network));
    json_object_set_new(object, "training", cli_json_options(hh_train_option_table(), &facts->options));
    json_object_set_new(object, "record", cli_json_options(hh_train_record_table(), &facts->record));
    json_object_set_new(object, "fitted", fitted_json(model));
    for (size_t i = 0; hh_model_array_at(model, i, &array); i++) {
        json_t *row = json_object(), *shape = json_array();
        for (int dim = 0; dim < 4; dim++)
            json_array_append_new(shape, json_integer((json_int_t)array.shape[dim]));
        json_object_set_new(row, "name", json_string(array.name));
        json_object_set_new(row, "type", json_string(type_name(array.type)));
        json_object_set_new(row, "shape", shape);
        json_object_set_new(row, "bytes", json_integer((json_int_t)hh_array_bytes(&array)));
        json_array_append_new(arrays, row);
    }
    json_object_set_new(object, "arrays", arrays);
    return cli_print_json(args, object);
}

// ---- alike ----

static int print_near(cli_args *args, const hh_model *model, const inspect_request *request, uint32_t item,
                      hh_network_reader *reader, hh_network_item *list)
{
    hh_error error = {0};
    size_t count;
    if (hh_network_near(reader, item, list, &count, &error) != HH_OK)
        return cli_failure(args, "%s", error.message);
    if (!request->json) {
        char title[MODEL_TITLE_SIZE], id[MODEL_TITLE_SIZE];
        for (size_t i = 0; i < count; i++) {
            model_title(model, list[i].item, 60, title);
            printf("%7.4f  %s%s%s\n", (double)list[i].score, model_item_text(model, list[i].item, id),
                   *title ? "  " : "", title);
        }
        return CLI_OK;
    }
    json_t *object = json_object(), *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "item", cli_json_item(model, list[i].item));
        cli_json_title(row, model, list[i].item);
        json_object_set_new(row, "cosine", json_real((double)list[i].score));
        json_array_append_new(items, row);
    }
    json_object_set_new(object, "item", cli_json_item(model, item));
    json_object_set_new(object, "near", items);
    return cli_print_json(args, object);
}

static int show_near(cli_args *args, const hh_model *model, const inspect_request *request)
{
    hh_error error = {0};
    hh_network_list_options list_options = hh_network_list_defaults();
    uint32_t item = hh_model_find(model, request->near, strlen(request->near));
    char text[MODEL_TITLE_SIZE];
    if (item == HH_MODEL_NO_ITEM)
        return cli_failure(args, "'%s' is not among the %u items of %s",
                           printable_text(request->near, strlen(request->near), UINT32_MAX, text),
                           hh_model_items(model), request->path);
    list_options.k = (uint32_t)request->k;
    hh_network_item *list = malloc(request->k * sizeof *list);
    hh_network_reader *reader = hh_network_reader_new(hh_model_network(model), &list_options, NULL, &error);
    int result;
    if (!list || !reader)
        result = cli_failure(args, "%s", list ? error.message : "out of memory");
    else
        result = print_near(args, model, request, item, reader, list);
    hh_network_reader_free(reader);
    free(list);
    return result;
}

static int run(cli_args *args)
{
    inspect_request request;
    if (!read_request(args, &request))
        return CLI_USAGE;
    hh_model *model = cli_load_model(args, request.path);
    if (!model)
        return CLI_FAILURE;
    int result = CLI_OK;
    if (request.near)
        result = show_near(args, model, &request);
    else if (request.json)
        result = print_model_json(args, model);
    else
        print_model(model, &request);
    hh_model_free(model);
    return result;
}

const cli_command cli_inspect = {
    .name = "inspect",
    .summary = "what is in a model, and which items it finds alike",
    .operands = "MODEL",
    .options = options,
    .notes = "Two models with the same digest recommend the same.",
    .run = run,
};
