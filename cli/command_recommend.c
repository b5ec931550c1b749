// hiphop recommend: the list that a model gives after some clicks, each item with its score and its reason.
#include "model_input.h"
#include "model_titles.h"

#include <hiphop/network_list.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLICKS_MAX 10000

enum { MODEL, K, HIDE, JSON };

static const cli_option options[] = {
    [MODEL] = {"model", "FILE", "the model, made by hiphop train"},
    [K] = {"k", "N", "length of the list (20)"},
    [HIDE] = {"hide-session-items", NULL, "do not list what is in the session already"},
    [JSON] = {"json", NULL, "one JSON object"},
    {0},
};

typedef struct recommend_request {
    const char *path;
    hh_network_list_options list;
    bool json;
    uint32_t clicks[CLICKS_MAX]; // [length] of items that the model knows
    size_t length;
    json_t *unknown; // the others
} recommend_request;

static bool read_options(cli_args *args, recommend_request *request)
{
    const char *value;
    uint64_t k = 20;
    bool good = true;
    request->list = hh_network_list_defaults();
    for (int option; good && (option = cli_next(args, &value)) != CLI_END;)
        switch (option) {
        case MODEL:
            request->path = value;
            break;
        case K:
            good = cli_count(args, value, 1, 10000, &k);
            break;
        case HIDE:
            request->list.hide_session_items = true;
            break;
        case JSON:
            request->json = true;
            break;
        default: // CLI_BAD
            good = false;
        }
    request->list.k = (uint32_t)k;
    if (good && !request->path)
        good = cli_usage_error(args, "--model FILE is needed") == CLI_OK;
    if (good && args->next >= args->argc)
        good = cli_usage_error(args, "name the session's items, the last one clicked last") == CLI_OK;
    return good;
}

static bool read_items(cli_args *args, const hh_model *model, recommend_request *request)
{
    request->list.longest = hh_model_facts_of(model)->options.longest;
    for (const char *id; (id = cli_operand(args));) {
        uint32_t item = hh_model_find(model, id, strlen(id));
        if (request->length == CLICKS_MAX) {
            cli_failure(args, "a session of more than %d items", CLICKS_MAX);
            return false;
        }
        if (item != HH_MODEL_NO_ITEM) {
            request->clicks[request->length++] = item;
            continue;
        }
        fprintf(stderr, "hiphop recommend: '%s' is not among the %u items of %s; it is left out\n", id,
                hh_model_items(model), request->path);
        json_array_append_new(request->unknown, cli_json_text(id, strlen(id)));
    }
    if (request->length > 0)
        return true;
    cli_failure(args, "%s knows none of these items; hiphop inspect %s shows what it was trained on",
                request->path, request->path);
    return false;
}

// ---- what is printed ----

#define TITLE_MOST 40 // characters

// The title in quotes or, where there is none, the id.
static void name_text(const hh_model *model, uint32_t item, char *text, size_t size)
{
    char title[MODEL_TITLE_SIZE];
    if (*model_title(model, item, TITLE_MOST, title))
        snprintf(text, size, "'%s'", title);
    else
        snprintf(text, size, "%s", hh_model_item(model, item, NULL));
}

static void reason_text(const hh_model *model, const recommend_request *request,
                        const hh_network_item *listed, char *text, size_t size)
{
    size_t back = request->length - 1 - listed->click;
    char where[64], name[MODEL_TITLE_SIZE + 2];
    name_text(model, request->clicks[listed->click], name, sizeof name);
    if (back > 0)
        snprintf(where, sizeof where, back == 1 ? "the click before the last" : "%zu clicks before the last",
                 back);
    else
        snprintf(where, sizeof where, "the last click");
    if (listed->click_share <= 0)
        snprintf(text, size, listed->repeated ? "already in this session" : "no click speaks for it");
    else if (listed->repeated)
        snprintf(text, size, "already in this session; %.0f %% from %s, %s",
                 100 * (double)listed->click_share, name, where);
    else
        snprintf(text, size, "%.0f %% from %s, %s", 100 * (double)listed->click_share, name, where);
}

static void print_table(const hh_model *model, const recommend_request *request, const hh_network_item *list,
                        size_t count)
{
    int width = 4, title_width = model_has_titles(model) ? 5 : 0;
    char title[MODEL_TITLE_SIZE];
    for (size_t i = 0; i < count; i++) {
        size_t length;
        hh_model_item(model, list[i].item, &length);
        width = length > (size_t)width && length <= 40 ? (int)length : width;
        int wide = title_width ? model_title_width(model_title(model, list[i].item, TITLE_MOST, title)) : 0;
        title_width = wide > title_width ? wide : title_width;
    }
    printf("%4s  %-*s  ", "", width, "item");
    if (title_width)
        printf("%-*s  ", title_width, "title");
    printf("%7s  reason\n", "score");
    for (size_t i = 0; i < count; i++) {
        char reason[1024];
        reason_text(model, request, &list[i], reason, sizeof reason);
        printf("%4zu  %-*s  ", i + 1, width, hh_model_item(model, list[i].item, NULL));
        if (title_width) {
            model_title(model, list[i].item, TITLE_MOST, title);
            printf("%s%*s  ", title, title_width - model_title_width(title), "");
        }
        printf("%7.5f  %s\n", (double)list[i].score, reason);
    }
}

static int print_list_json(cli_args *args, const hh_model *model, const recommend_request *request,
                           const hh_network_item *list, size_t count)
{
    json_t *items = json_array(), *clicks = json_array();
    for (size_t i = 0; i < request->length; i++)
        json_array_append_new(clicks, cli_json_item(model, request->clicks[i]));
    for (size_t i = 0; i < count; i++) {
        char reason[1024];
        reason_text(model, request, &list[i], reason, sizeof reason);
        json_t *row = json_object();
        json_object_set_new(row, "item", cli_json_item(model, list[i].item));
        cli_json_title(row, model, list[i].item);
        json_object_set_new(row, "score", json_real((double)list[i].score));
        json_object_set_new(row, "reason", cli_json_text(reason, strlen(reason)));
        json_object_set_new(row, "repeated", json_boolean(list[i].repeated));
        if (list[i].click_share > 0) {
            json_t *from = json_object();
            json_object_set_new(from, "item", cli_json_item(model, request->clicks[list[i].click]));
            json_object_set_new(from, "click", json_integer(list[i].click));
            json_object_set_new(from, "share", json_real((double)list[i].click_share));
            json_object_set_new(row, "from", from);
        }
        json_array_append_new(items, row);
    }
    json_t *object = json_object();
    json_object_set_new(object, "session", clicks);
    json_object_set(object, "unknown", request->unknown);
    json_object_set_new(object, "items", items);
    return cli_print_json(args, object);
}

static int recommend(cli_args *args, const hh_model *model, const recommend_request *request)
{
    hh_error error = {0};
    size_t count = 0;
    int result = CLI_OK;
    hh_network_item *list = malloc(request->list.k * sizeof *list);
    hh_train_data sessions;
    bool kept = hh_model_sessions(model, &sessions);
    hh_network_reader *reader =
        hh_network_reader_new(hh_model_network(model), &request->list, kept ? &sessions : NULL, &error);
    if (!list)
        result = cli_failure(args, "out of memory");
    else if (!reader ||
             hh_network_list(reader, request->clicks, request->length, list, &count, &error) != HH_OK)
        result = cli_failure(args, "%s", error.message);
    else if (request->json)
        result = print_list_json(args, model, request, list, count);
    else
        print_table(model, request, list, count);
    hh_network_reader_free(reader);
    free(list);
    return result;
}

static int run(cli_args *args)
{
    static recommend_request request; // large
    if (!read_options(args, &request))
        return CLI_USAGE;
    hh_model *model = cli_load_model(args, request.path);
    if (!model)
        return CLI_FAILURE;
    request.unknown = json_array();
    int result = read_items(args, model, &request) ? recommend(args, model, &request) : CLI_FAILURE;
    json_decref(request.unknown);
    hh_model_free(model);
    return result;
}

const cli_command cli_recommend = {
    .name = "recommend",
    .summary = "the list that a model gives after some clicks, with scores and reasons",
    .operands = "ITEM...",
    .options = options,
    .notes =
        "The items are a session's clicks, the last one clicked last. A score is the item's share of the\n"
        "softmax over all items; a reason says which click speaks most for it, and its share of all that\n"
        "speaks for it. Items that the model does not know are left out, and that is said.",
    .run = run,
};
