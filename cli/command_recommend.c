// hiphop recommend: the list that a model gives after some clicks, each item with its score and its reason.
#include "model_input.h"
#include "model_titles.h"

#include <hiphop/lister.h>
#include <hiphop/network_list.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLICKS_MAX 10000

enum { MODEL, LIST, K, HIDE, JSON };

static const cli_option options[] = {
    [MODEL] = {"model", "FILE", "the model, made by hiphop train"},
    [LIST] = {"list", "network|mixture|hiphop",
              "whose list: of the network alone, of graph and network mixed, or of the\n"
              "ranker over both; the one that was best on the sessions held out"},
    [K] = {"k", "N", "length of the list (20)"},
    [HIDE] = {"hide-session-items", NULL, "do not list what is in the session already"},
    [JSON] = {"json", NULL, "one JSON object"},
    {0},
};

typedef struct recommend_request {
    const char *path;
    hh_network_list_options list;
    hh_list_by by; // HH_LIST_KINDS: the best
    bool json;
    uint32_t clicks[CLICKS_MAX]; // [length] of items that the model knows
    size_t length;
    json_t *unknown; // the others
} recommend_request;

static bool read_list(cli_args *args, const char *name, recommend_request *request)
{
    for (request->by = 0; request->by < HH_LIST_KINDS; request->by++)
        if (strcmp(name, hh_list_name(request->by)) == 0)
            return true;
    cli_usage_error(args, "--list: '%s' is none of network, mixture and hiphop", name);
    return false;
}

static bool read_options(cli_args *args, recommend_request *request)
{
    const char *value;
    uint64_t k = 20;
    bool good = true;
    request->list = hh_network_list_defaults();
    request->by = HH_LIST_KINDS;
    for (int option; good && (option = cli_next(args, &value)) != CLI_END;)
        switch (option) {
        case MODEL:
            request->path = value;
            break;
        case LIST:
            good = read_list(args, value, request);
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
        char text[MODEL_TITLE_SIZE];
        fprintf(stderr, "hiphop recommend: '%s' is not among the %u items of %s; it is left out\n",
                printable_text(id, strlen(id), UINT32_MAX, text), hh_model_items(model), request->path);
        json_array_append_new(request->unknown, cli_json_text(id, strlen(id)));
    }
    if (request->length > 0)
        return true;
    cli_failure(args, "%s knows none of these items; hiphop inspect %s shows what it was trained on",
                request->path, request->path);
    return false;
}

// ---- what is printed ----

#define TITLE_MOST  40 // characters
#define REASON_SIZE 1024

typedef struct listed {
    uint32_t item;
    float score;
    const hh_network_item *network;   // the network's reason, or
    const hh_recommendation *mixture; // the mixture's: the other one is NULL
} listed;

// The title in quotes or, where there is none, the id.
static void name_text(const hh_model *model, uint32_t item, char *text, size_t size)
{
    char title[MODEL_TITLE_SIZE];
    if (*model_title(model, item, TITLE_MOST, title))
        snprintf(text, size, "'%s'", title);
    else
        snprintf(text, size, "%s", model_item_text(model, item, title));
}

static void network_reason(const hh_model *model, const recommend_request *request,
                           const hh_network_item *about, char *text, size_t size)
{
    size_t back = request->length - 1 - about->click;
    char where[64], name[MODEL_TITLE_SIZE + 2];
    name_text(model, request->clicks[about->click], name, sizeof name);
    if (back > 0)
        snprintf(where, sizeof where, back == 1 ? "the click before the last" : "%zu clicks before the last",
                 back);
    else
        snprintf(where, sizeof where, "the last click");
    if (about->click_share <= 0)
        snprintf(text, size, about->repeated ? "already in this session" : "no click speaks for it");
    else if (about->repeated)
        snprintf(text, size, "already in this session; %.0f %% from %s, %s", 100 * (double)about->click_share,
                 name, where);
    else
        snprintf(text, size, "%.0f %% from %s, %s", 100 * (double)about->click_share, name, where);
}

static void reason_text(const hh_model *model, const recommend_request *request, const listed *row,
                        char *text, size_t size)
{
    if (row->network)
        network_reason(model, request, row->network, text, size);
    else
        hh_reason_text(row->mixture, text, size);
}

static void print_table(const hh_model *model, const recommend_request *request, const listed *list,
                        size_t count)
{
    int width = 4, title_width = model_has_titles(model) ? 5 : 0;
    char title[MODEL_TITLE_SIZE], id[MODEL_TITLE_SIZE];
    for (size_t i = 0; i < count; i++) {
        int length = model_title_width(model_item_text(model, list[i].item, id));
        width = length > width && length <= 40 ? length : width;
        int wide = title_width ? model_title_width(model_title(model, list[i].item, TITLE_MOST, title)) : 0;
        title_width = wide > title_width ? wide : title_width;
    }
    printf("%4s  %-*s  ", "", width, "item");
    if (title_width)
        printf("%-*s  ", title_width, "title");
    printf("%7s  reason\n", "score");
    for (size_t i = 0; i < count; i++) {
        char reason[REASON_SIZE];
        reason_text(model, request, &list[i], reason, sizeof reason);
        int length = model_title_width(model_item_text(model, list[i].item, id));
        printf("%4zu  %s%*s  ", i + 1, id, length < width ? width - length : 0, "");
        if (title_width) {
            model_title(model, list[i].item, TITLE_MOST, title);
            printf("%s%*s  ", title, title_width - model_title_width(title), "");
        }
        printf("%7.5f  %s\n", (double)list[i].score, reason);
    }
}

// The numbers of the reason.
static void json_reason(json_t *row, const hh_model *model, const recommend_request *request,
                        const listed *about)
{
    const hh_network_item *network = about->network;
    const hh_recommendation *mixture = about->mixture;
    if (network)
        json_object_set_new(row, "repeated", json_boolean(network->repeated));
    if (network && network->click_share > 0) {
        json_t *from = json_object();
        json_object_set_new(from, "item", cli_json_item(model, request->clicks[network->click]));
        json_object_set_new(from, "click", json_integer(network->click));
        json_object_set_new(from, "share", json_real((double)network->click_share));
        json_object_set_new(row, "from", from);
    }
    if (mixture && mixture->count > 0)
        json_object_set_new(row, "count", json_integer(mixture->count));
    if (mixture && mixture->of > 0)
        json_object_set_new(row, "of", json_integer(mixture->of));
    if (mixture && mixture->like != HH_ITEM_NONE)
        json_object_set_new(row, "like", cli_json_item(model, mixture->like));
}

static int print_list_json(cli_args *args, const hh_model *model, const recommend_request *request,
                           const listed *list, size_t count)
{
    json_t *items = json_array(), *clicks = json_array();
    for (size_t i = 0; i < request->length; i++)
        json_array_append_new(clicks, cli_json_item(model, request->clicks[i]));
    for (size_t i = 0; i < count; i++) {
        char reason[REASON_SIZE];
        reason_text(model, request, &list[i], reason, sizeof reason);
        json_t *row = json_object();
        json_object_set_new(row, "item", cli_json_item(model, list[i].item));
        cli_json_title(row, model, list[i].item);
        json_object_set_new(row, "score", json_real((double)list[i].score));
        json_object_set_new(row, "reason", cli_json_text(reason, strlen(reason)));
        json_reason(row, model, request, &list[i]);
        json_array_append_new(items, row);
    }
    json_t *object = json_object();
    json_object_set_new(object, "list", json_string(hh_list_name(request->by)));
    json_object_set_new(object, "session", clicks);
    json_object_set(object, "unknown", request->unknown);
    json_object_set_new(object, "items", items);
    return cli_print_json(args, object);
}

// ---- the list ----

static hh_status list_by_network(const hh_model *model, const recommend_request *request, hh_network_item *of,
                                 size_t *count, hh_error *error)
{
    hh_train_data sessions;
    bool kept = hh_model_sessions(model, &sessions);
    hh_network_reader *reader =
        hh_network_reader_new(hh_model_network(model), &request->list, kept ? &sessions : NULL, error);
    hh_status status =
        reader ? hh_network_list(reader, request->clicks, request->length, of, count, error) : error->status;
    hh_network_reader_free(reader);
    return status;
}

static hh_status list_by_mixture(const hh_model *model, const hh_fitted *fitted,
                                 const recommend_request *request, hh_recommendation *of, size_t *count,
                                 hh_error *error)
{
    const hh_lister_options wanted = {.k = request->list.k,
                                      .hide_session_items = request->list.hide_session_items,
                                      .ranked = request->by == HH_LIST_BY_RANKER};
    hh_lister *lister = hh_lister_new(model, fitted, &wanted, error);
    hh_status status =
        lister ? hh_lister_list(lister, request->clicks, request->length, of, count, error) : error->status;
    hh_lister_free(lister);
    return status;
}

// Whose list it is to be, where the call does not say: the best that the model has all parts of.
static int choose(cli_args *args, const hh_model *model, hh_fitted **fitted, recommend_request *request)
{
    hh_error error = {0};
    hh_train_data sessions;
    if (request->by == HH_LIST_BY_NETWORK)
        return CLI_OK;
    *fitted = hh_fitted_read(model, &error);
    if (!*fitted && (error.status != HH_NOT_FOUND || request->by < HH_LIST_KINDS))
        return cli_failure(args, "%s: %s", request->path, error.message);
    if (*fitted && !hh_model_sessions(model, &sessions))
        snprintf(error.message, sizeof error.message,
                 "the model holds no sessions, so there is no graph to list by");
    else if (*fitted && request->by == HH_LIST_KINDS)
        request->by = hh_fitted_best(*fitted);
    if (!*error.message)
        return CLI_OK;
    if (request->by < HH_LIST_KINDS)
        return cli_failure(args, "%s: %s", request->path, error.message);
    fprintf(stderr, "hiphop recommend: the network alone lists: %s\n", error.message);
    request->by = HH_LIST_BY_NETWORK;
    return CLI_OK;
}

static int recommend(cli_args *args, const hh_model *model, const hh_fitted *fitted,
                     const recommend_request *request)
{
    hh_error error = {0};
    size_t count = 0, k = request->list.k;
    bool network = request->by == HH_LIST_BY_NETWORK;
    listed *list = malloc(k * sizeof *list);
    hh_network_item *by_network = malloc(k * sizeof *by_network);
    hh_recommendation *by_mixture = malloc(k * sizeof *by_mixture);
    hh_status status = HH_OK;
    if (!list || !by_network || !by_mixture)
        status = hh_fail(&error, HH_MEMORY, NULL);
    else if (network)
        status = list_by_network(model, request, by_network, &count, &error);
    else
        status = list_by_mixture(model, fitted, request, by_mixture, &count, &error);
    for (size_t i = 0; i < count; i++)
        list[i] = network ? (listed){by_network[i].item, by_network[i].score, &by_network[i], NULL}
                          : (listed){by_mixture[i].item, by_mixture[i].score, NULL, &by_mixture[i]};
    int result = CLI_OK;
    if (status)
        result = cli_failure(args, "%s", error.message);
    else if (request->json)
        result = print_list_json(args, model, request, list, count);
    else
        print_table(model, request, list, count);
    free(list);
    free(by_network);
    free(by_mixture);
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
    hh_fitted *fitted = NULL;
    int result = read_items(args, model, &request) ? choose(args, model, &fitted, &request) : CLI_FAILURE;
    if (result == CLI_OK)
        result = recommend(args, model, fitted, &request);
    hh_fitted_free(fitted);
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
        "The items are a session's clicks, the last one clicked last. A score is the share of next clicks\n"
        "that is expected to go to the item; the reason is the graph's, or with --list network the click "
        "that\n"
        "speaks most for it, and its share of all that speaks for it. The graph is made of the sessions in "
        "the\n"
        "model, and a list is as of their end. A model without them, or without what mixture and ranker "
        "have\n"
        "learned, lists by its network alone, and says so. Items that the model does not know are left out,\n"
        "and that is said.",
    .run = run,
};
