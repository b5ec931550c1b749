// The product as a model: the ranker's lists, the mixture with the network and without, and each expert
// alone, out of the same votes.
#include "evaluate/log_linear.h"
#include "evaluate/model_kind.h"
#include "evaluate/network_stream.h"
#include "evaluate/ranking_model.h"
#include "evaluate/run.h"
#include "larger.h"
#include "recommend/mix.h"
#include "recommend/mixture_numbers.h"

#include <hiphop/graph.h>
#include <hiphop/recommend.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const hh_model_info infos[] = {
    {"graph", "the graph's experts, mixed by weights learned online", false},
    {"mixture", "the graph's experts and the network, mixed likewise", false},
    {"hiphop", "the mixture's best, listed by the ranker, which learns online", false},
    {"log-linear", "graph times network instead, the graph's exponent learned online", false},
    {"pop-short", "expert: popular now, shortest half-life", false},
    {"pop-middle", "expert: popular now, middle half-life", false},
    {"pop-long", "expert: popular now, longest half-life", false},
    {"next", "expert: items clicked right after the session's last item", false},
    {"pair-short", "expert: items that followed the session's items, short half-life", false},
    {"pair-long", "expert: items that followed the session's items, long half-life", false},
    {"knn-short", "expert: items of the nearest sessions, short half-life", false},
    {"knn-long", "expert: items of the nearest sessions, long half-life", false},
    {"repeat-last", "expert: the item clicked last", false},
    {"repeat", "expert: the session's other items", false},
    {"network", "expert: the network, trained on sessions that are over", false},
    {"inherit", "expert: items with few clicks, by what items described alike get", false},
    {"cosine", "expert: items with few clicks, described like the session's", false},
};
#define OUTPUTS (sizeof infos / sizeof *infos)
enum { GRAPH, MIXTURE, RANKER, LOG_LINEAR, FIRST_EXPERT }; // outputs
#define NETWORK (FIRST_EXPERT + HH_EXPERT_NETWORK)
_Static_assert(OUTPUTS == HH_EXPERTS + FIRST_EXPERT, "every expert needs its row in infos");
_Static_assert(OUTPUTS <= MODEL_OUTPUTS, "more experts than an answer has room for");

// X(name, field of hh_graph_options, its type, kind, lowest, highest, text, values that tuning tries). The
// names are those of the daemon's options; of a list, each value is a setting of its own.
#define FOREVER (3650.0 * (double)HH_DAY)
#define NOTHING {0}, 0
#define TIMES                                                                                         \
    GRID(HH_MINUTE, 3 * HH_MINUTE, 6 * HH_MINUTE, 20 * HH_MINUTE, HH_HOUR, 4 * HH_HOUR, 12 * HH_HOUR, \
         2 * HH_DAY, 7 * HH_DAY, 30 * HH_DAY, 120 * HH_DAY, 1000 * HH_DAY)
#define GRAPH_SETTINGS(X)                                                                                    \
    X("max_clicks", max_clicks, uint32_t, COUNT, 1, 1e9, "clicks held at most", NOTHING)                     \
    X("max_age", max_age, hh_time, DURATION, 0, FOREVER, "age at which sessions go; 0: never", NOTHING)      \
    X("max_described", max_described, uint32_t, COUNT, 0, 1e7, "items with vectors, at most", NOTHING)       \
    X("pop_half_life[0]", pop_half_life[0], hh_time, DURATION, 1000, FOREVER, "shortest of pop", TIMES)      \
    X("pop_half_life[1]", pop_half_life[1], hh_time, DURATION, 1000, FOREVER, "middle one of pop", TIMES)    \
    X("pop_half_life[2]", pop_half_life[2], hh_time, DURATION, 1000, FOREVER, "longest of pop", TIMES)       \
    X("pair_half_life[0]", pair_half_life[0], hh_time, DURATION, 1000, FOREVER, "shorter one of pair",       \
      TIMES)                                                                                                 \
    X("pair_half_life[1]", pair_half_life[1], hh_time, DURATION, 1000, FOREVER, "longer one of pair", TIMES) \
    X("knn_half_life[0]", knn_half_life[0], hh_time, DURATION, 1000, FOREVER, "shorter one of knn", TIMES)   \
    X("knn_half_life[1]", knn_half_life[1], hh_time, DURATION, 1000, FOREVER, "longer one of knn", TIMES)    \
    X("sessions", sessions, uint32_t, COUNT, 1, 100000, "newest sessions read for an item",                  \
      GRID(125, 250, 500, 1000))                                                                             \
    X("neighbours", neighbours, uint32_t, COUNT, 1, 100000, "nearest sessions that vote",                    \
      GRID(100, 250, 500, 1000))                                                                             \
    X("pair_decay", pair_decay, double, NUMBER, 0, 1, "weight of the click before, relative to a click",     \
      GRID(0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9))                                                             \
    X("pair_norm", pair_norm, double, NUMBER, 0, 1, "exponent of the row's sum",                             \
      GRID(0.3, 0.5, 0.7, 0.85, 1))                                                                          \
    X("pair_backward", pair_backward, double, NUMBER, 0, 1, "weight of what came before",                    \
      GRID(0, 0.1, 0.2, 0.5, 1))                                                                             \
    X("knn_decay", knn_decay, double, NUMBER, 0.01, 1000, "reach of a click from the session's end",         \
      GRID(0.3, 0.6, 1, 2, 4))                                                                               \
    X("knn_reach", knn_reach, double, NUMBER, 0.01, 1000, "reach of a vote behind the shared item",          \
      GRID(0.6, 1.2, 2.5, 5, 20))                                                                            \
    X("knn_backward", knn_backward, double, NUMBER, 0, 1, "weight of what came before it",                   \
      GRID(0, 0.1, 0.25, 0.5, 1))                                                                            \
    X("knn_idf", knn_idf, double, NUMBER, 0, 5, "exponent of the weight of rare items",                      \
      GRID(0, 0.25, 0.5, 1, 1.5))                                                                            \
    X("repeat_decay", repeat_decay, double, NUMBER, 0, 1, "weight of an item for each click further back",   \
      GRID(0.3, 0.5, 0.65, 0.8, 0.9, 1))

#define SETTING_ROW(name, field, type, kind, low, high, text, ...) \
    {"graph." name, text, HH_SETTING_##kind, low, high, NAN, __VA_ARGS__},
// Those of training, by their names in its tables.
#define NETWORK_SETTING(kind, field, name, standard, low, high, text) \
    {"network." name, text, HH_SETTING_NETWORK_##kind, low, high, standard, NOTHING},
#define HH_SETTING_NETWORK_COUNT  HH_SETTING_COUNT
#define HH_SETTING_NETWORK_WHOLE  HH_SETTING_COUNT
#define HH_SETTING_NETWORK_REAL   HH_SETTING_NUMBER
#define HH_SETTING_NETWORK_SHARE  HH_SETTING_NUMBER
#define HH_SETTING_NETWORK_SWITCH HH_SETTING_COUNT
#define HH_SETTING_NETWORK_TIME   HH_SETTING_DURATION
// Those of training as the stream goes.
#define TRAINING_SETTING(kind, field, name, standard, low, high, text) \
    {"training." name, text, HH_SETTING_NETWORK_##kind, low, high, standard, NOTHING},
#define NETWORK_ON      "network.on"
#define NETWORK_SOURCES "network.sources"
#define RANKER_INTENTS  "ranker.intents"
#define LOG_LINEAR_BETA "log-linear.beta"
static const hh_setting settings[] = {
    GRAPH_SETTINGS(SETTING_ROW) HH_TRAIN_OPTIONS(NETWORK_SETTING) HH_NETWORK_OPTIONS(NETWORK_SETTING)
        HH_CONTINUAL_OPTIONS(TRAINING_SETTING) HH_WINDOW_OPTIONS(TRAINING_SETTING){
            NETWORK_ON, "train a network where there are sessions to train it on; 0: do without",
            HH_SETTING_COUNT, 0, 1, 1, NOTHING},
    {NETWORK_SOURCES, "give it the vectors of items that there are; 0: do without", HH_SETTING_COUNT, 0, 1, 1,
     NOTHING},
    {RANKER_INTENTS,
     "the ranker sees the network's intents, where it has some; of a network that is not trained as the "
     "stream goes",
     HH_SETTING_COUNT, 0, 1, 0, NOTHING},
    {LOG_LINEAR_BETA, "the graph's exponent in log-linear; -1: learned", HH_SETTING_NUMBER, -1, 5, -1,
     NOTHING}};
#undef SETTING_ROW
#define SETTING_COUNT (sizeof settings / sizeof *settings)

typedef struct hh_learned hh_learned;
struct hh_learned { // see hh_answer
    void *ranking;
    hh_kept_trial *trial;
    hh_two_terms product; // of log-linear
    hh_item *items;       // [count] that are described, and
    float *expected;      // [count] what was expected of them
    size_t count, room;
    hh_learned *next, *next_free;
};

typedef struct hh_graph_model {
    const hh_log *log;
    hh_graph_options options;
    const hh_source *sources; // [source_count] of the log's items
    uint32_t source_count;
    hh_recommend_options list;
    hh_graph *graph;
    hh_recommender *recommender;
    hh_mixture *mixture, *graph_mixture; // graph_mixture: as if there were no network; NULL: not asked for
    hh_ranking_model ranking;
    hh_log_linear log_linear;
    bool settled; // the mixture, where nothing more is learned
    hh_network_expert network;
    hh_network_stream stream; // that trains it, in a log of clicks
    hh_learned *all, *free;   // what is learned with an outcome, and what is not in use of it
    hh_graph_session **open;  // [sessions]
    // Numbers of items: the graph gives its own, and may use one again for another item.
    hh_item *to_graph;    // [items]
    bool *launched;       // [items] when the test begins; NULL: none, or it has begun
    uint32_t *from_graph; // [from_room]
    size_t from_room;
    // room for one query
    hh_item *query; // [query_room]
    size_t query_room;
    uint32_t *items; // [items_room]
    size_t items_room;
    float *scores; // [scores_room] of the mixture, the graph alone and log-linear
    size_t scores_room;
    hh_item foreseen[HH_FORESEEN];
} hh_graph_model;

static double standard(size_t index)
{
    const hh_graph_options defaults = hh_graph_defaults();
    double values[] = {
#define SETTING_VALUE(name, field, type, kind, low, high, text, ...) (double)defaults.field,
        GRAPH_SETTINGS(SETTING_VALUE)
#undef SETTING_VALUE
    };
    return index < sizeof values / sizeof *values ? values[index] : settings[index].standard;
}

hh_graph_options hh_evaluate_graph_options(const hh_evaluate_options *options)
{
    hh_graph_options graph = hh_graph_defaults();
#define SETTING_SET(name, field, type, kind, low, high, text, ...) \
    graph.field = (type)hh_model_setting(options, "graph." name);
    GRAPH_SETTINGS(SETTING_SET)
#undef SETTING_SET
    return graph;
}

static void destroy(void *model)
{
    hh_graph_model *self = model;
    hh_recommender_free(self->recommender);
    hh_graph_free(self->graph);
    hh_mixture_free(self->mixture);
    hh_mixture_free(self->graph_mixture);
    hh_ranking_model_free(&self->ranking);
    hh_network_expert_free(&self->network);
    hh_network_stream_free(&self->stream);
    while (self->all) {
        hh_learned *learned = self->all;
        self->all = learned->next;
        hh_two_terms_free(&learned->product);
        free(learned->items);
        free(learned->expected);
        free(learned);
    }
    free(self->open);
    free(self->to_graph);
    free(self->launched);
    free(self->from_graph);
    free(self->query);
    free(self->items);
    free(self->scores);
    free(self);
}

static hh_status describe(hh_graph_model *self, hh_error *error);

static hh_status forget(void *model, const hh_log *log, hh_error *error)
{
    hh_graph_model *self = model;
    hh_network_expert_use(&self->network, NULL);
    hh_recommender_free(self->recommender);
    hh_graph_free(self->graph);
    free(self->open);
    self->recommender = NULL;
    self->log = log;
    self->graph = hh_graph_new(&self->options, error);
    self->open = calloc((size_t)log->sessions + 1, sizeof *self->open);
    if (self->graph)
        self->recommender = hh_recommender_new(self->graph, self->mixture, &self->list, error);
    for (uint32_t item = 0; item < log->items; item++)
        self->to_graph[item] = HH_ITEM_NONE;
    if (!self->recommender)
        return error->status;
    hh_network_expert_use(&self->network, hh_recommender_reader(self->recommender));
    return self->open ? describe(self, error) : hh_fail(error, HH_MEMORY, NULL);
}

// All that the training never shows.
static hh_status find_launched(hh_graph_model *self, const hh_log *log, hh_error *error)
{
    self->launched = malloc(((size_t)log->items + 1) * sizeof *self->launched);
    if (!self->launched)
        return hh_fail(error, HH_MEMORY, NULL);
    memset(self->launched, true, log->items);
    for (uint32_t click = 0; click < log->session[log->train].first; click++)
        self->launched[log->item[click]] = false;
    return HH_OK;
}

static bool build(hh_graph_model *self, const hh_model_setup *setup, hh_error *error)
{
    self->options = hh_evaluate_graph_options(setup->options);
    self->sources = setup->options->sources;
    self->source_count = setup->options->source_count;
    self->list = (hh_recommend_options){HH_LIST, setup->options->hide_session_items};
    self->to_graph = malloc(((size_t)setup->log->items + 1) * sizeof *self->to_graph);
    self->mixture = hh_mixture_new();
    self->log_linear = hh_log_linear_new(hh_model_setting(setup->options, LOG_LINEAR_BETA));
    bool network = (setup->wanted[MIXTURE] || setup->wanted[RANKER] || setup->wanted[LOG_LINEAR] ||
                    setup->wanted[NETWORK]) &&
                   hh_model_setting(setup->options, NETWORK_ON) != 0;
    if (setup->options->launch && setup->log->train && find_launched(self, setup->log, error))
        return false;
    if (hh_network_expert_init(&self->network, setup, network, error) ||
        hh_network_stream_init(&self->stream, setup, &self->network, network, error))
        return false;
    // The gate asks what the graph alone says, too.
    bool alone = setup->wanted[GRAPH] || setup->wanted[LOG_LINEAR] || self->stream.slice;
    if (alone)
        self->graph_mixture = hh_mixture_new();
    if (!self->to_graph || !self->mixture || (alone && !self->graph_mixture)) {
        hh_fail(error, HH_MEMORY, NULL);
        return false;
    }
    const hh_network_options *parts = &self->network.options.network; // all zero: there is none
    bool sees = hh_model_setting(setup->options, RANKER_INTENTS) != 0 && parts->intents > 0;
    return hh_ranking_model_init(&self->ranking, setup->options, setup->wanted[RANKER], sees ? parts->d : 0,
                                 error) &&
           forget(self, setup->log, error) == HH_OK;
}

static void *create(const hh_model_setup *setup, hh_error *error)
{
    hh_graph_model *self = calloc(1, sizeof *self);
    if (!self || build(self, setup, error))
        return self;
    destroy(self);
    return NULL;
}

static uint32_t teaches_from(const void *model)
{
    const hh_graph_model *self = model;
    return self->network.wanted ? self->log->session[self->network.known].first : 0;
}

// The graph's number of an item of the log.
static hh_item number(hh_graph_model *self, uint32_t item)
{
    size_t length;
    const char *id = hh_log_item(self->log, item, &length);
    hh_item number = hh_graph_intern(self->graph, id, length);
    if (number == HH_ITEM_NONE)
        return HH_ITEM_NONE;
    uint32_t *from = hh_larger(self->from_graph, &self->from_room, (size_t)number + 1, sizeof *from);
    if (!from)
        return HH_ITEM_NONE;
    self->from_graph = from;
    self->from_graph[number] = item;
    self->to_graph[item] = number;
    return number;
}

// What is known of items is known from the beginning, but for what is launched.
static hh_status describe(hh_graph_model *self, hh_error *error)
{
    hh_status status = HH_OK;
    for (uint32_t s = 0; s < self->source_count && status == HH_OK; s++) {
        const hh_source *source = &self->sources[s];
        for (uint32_t item = 0; item < self->log->items && status == HH_OK; item++) {
            if ((source->present && !source->present[item]) || (self->launched && self->launched[item]))
                continue;
            hh_item known = number(self, item);
            const float *vector = source->vector + (size_t)item * source->width;
            status = known == HH_ITEM_NONE ? HH_MEMORY
                                           : hh_graph_describe(self->graph, known, s, vector, source->width);
        }
    }
    if (status != HH_OK && status != HH_LIMIT) // more than max_described: the others are not
        return hh_fail(error, status, NULL);
    hh_graph_settle(self->graph);
    return HH_OK;
}

// All that the network knows can be listed, whatever the rows hold.
static hh_status forget_all(void *model, const hh_log *log, hh_error *error)
{
    hh_graph_model *self = model;
    uint32_t item;
    hh_status status = hh_network_expert_forget(&self->network, log, error);
    if (status == HH_OK)
        status = forget(self, log, error);
    for (uint32_t row = 0; status == HH_OK && (item = hh_network_expert_item(&self->network, row)) != NO_ITEM;
         row++)
        if (number(self, item) == HH_ITEM_NONE)
            status = hh_fail(error, HH_MEMORY, NULL);
    return status;
}

static hh_status learn(void *model, const hh_lesson *lesson)
{
    hh_graph_model *self = model;
    if (!self->open[lesson->session])
        self->open[lesson->session] = hh_graph_open(self->graph, lesson->visitor);
    hh_item item = number(self, lesson->items[lesson->position]);
    if (!self->open[lesson->session] || item == HH_ITEM_NONE)
        return HH_MEMORY;
    hh_status status = hh_graph_click(self->graph, self->open[lesson->session], item, lesson->time);
    return status == HH_LIMIT ? HH_OK : status; // too long a session: left out, as hiphopd does
}

static hh_status closed(void *model, uint32_t session)
{
    hh_graph_model *self = model;
    if (self->open[session])
        hh_graph_close(self->graph, self->open[session]);
    self->open[session] = NULL;
    return hh_network_stream_closed(&self->stream, session);
}

static hh_status train(void *model, hh_time now, hh_error *error)
{
    hh_graph_model *self = model;
    return hh_network_stream_train(&self->stream, hh_recommender_reader(self->recommender), now, error);
}

// The graph's number of an item, if it still is this item's: the graph may have forgotten it.
static hh_item known_item(const hh_graph_model *self, uint32_t item)
{
    hh_item known = self->to_graph[item];
    return known != HH_ITEM_NONE && self->from_graph[known] == item ? known : HH_ITEM_NONE;
}

// ---- the network, as the graph's query wants it ----

static void shares_of(void *context, const hh_item *items, size_t count, float *share)
{
    hh_graph_model *self = context;
    for (size_t i = 0; i < count; i++)
        share[i * HH_EXPERTS] = hh_network_expert_share(&self->network, self->from_graph[items[i]], items[i]);
}

static hh_foresight foresee(hh_graph_model *self)
{
    uint32_t item;
    hh_foresight foresight = {.items = self->foreseen, .shares = shares_of, .context = self};
    foresight.rest = hh_network_expert_rest(&self->network);
    foresight.extra = hh_network_expert_intent(&self->network, &foresight.extra_count);
    for (size_t i = 0; (item = hh_network_expert_best(&self->network, i)) != NO_ITEM; i++)
        self->foreseen[foresight.count++] = known_item(self, item);
    return foresight;
}

static hh_learned *take_learned(hh_graph_model *self)
{
    hh_learned *learned = self->free;
    if (learned) {
        self->free = learned->next_free;
    } else if ((learned = calloc(1, sizeof *learned))) {
        learned->next = self->all;
        self->all = learned;
    }
    if (learned) {
        learned->ranking = NULL;
        learned->trial = NULL;
    }
    return learned;
}

// What descriptions promise, for when the outcome has come.
static bool keep_expected(const hh_graph_model *self, const hh_question *question, const hh_votes *votes,
                          hh_learned *learned)
{
    learned->count = 0;
    if (!(votes->mass[HH_EXPERT_INHERIT] + votes->mass[HH_EXPERT_COSINE] > 0))
        return true;
    size_t room = learned->room;
    hh_item *items = hh_larger(learned->items, &room, votes->count, sizeof *items);
    if (!items)
        return false;
    learned->items = items;
    float *expected = hh_larger(learned->expected, &learned->room, votes->count, sizeof *expected);
    if (!expected)
        return false;
    learned->expected = expected;
    hh_mixture_expected(self->mixture, votes, expected);
    for (size_t i = 0; i < votes->count; i++) {
        if (!(expected[i] > 0))
            continue;
        items[learned->count] = votes->items[i];
        expected[learned->count++] = expected[i] * (float)question->of;
    }
    return true;
}

static hh_status answer_question(void *model, const hh_question *question, hh_answer *answer)
{
    hh_graph_model *self = model;
    hh_item *items = hh_larger(self->query, &self->query_room, question->length, sizeof *items);
    if (!items)
        return HH_MEMORY;
    self->query = items;
    if (self->launched && question->session >= self->log->train) {
        hh_error error;
        free(self->launched);
        self->launched = NULL;
        hh_status launched = describe(self, &error);
        if (launched != HH_OK)
            return launched;
    }
    // What it clicked itself can be listed, though it be the first to click it.
    for (uint32_t i = 0; i < question->length; i++) {
        items[i] = known_item(self, question->items[i]);
        if (items[i] == HH_ITEM_NONE && (items[i] = number(self, question->items[i])) == HH_ITEM_NONE)
            return HH_MEMORY;
    }
    if (!question->teaches && !self->settled) { // the test has begun
        self->settled = true;
        hh_mixture_settle(self->mixture);
    }
    bool reads;
    hh_status status = hh_network_expert_read(&self->network, question, &reads);
    if (status != HH_OK)
        return status;
    if (self->network.wanted && !reads && question->session < self->network.known) {
        *answer = (hh_answer){.unfit = true}; // it was trained on this very session
        return HH_OK;
    }
    hh_foresight foresight = {0};
    if (reads)
        foresight = foresee(self);
    hh_query query = {
        .foresight = reads ? &foresight : NULL,
        .items = items,
        .length = question->length,
        .as_of = question->as_of,
        .visitor = question->visitor,
        .session_start = question->session_start,
    };
    hh_recommendation list[HH_LIST];
    size_t listed;
    status = hh_recommend(self->recommender, &query, list, &listed);
    if (status != HH_OK)
        return status;
    const hh_votes *votes = hh_recommender_votes(self->recommender);
    uint32_t *numbers = hh_larger(self->items, &self->items_room, votes->count, sizeof *numbers);
    if (!numbers && votes->count)
        return HH_MEMORY;
    self->items = numbers;
    float *scores = hh_larger(self->scores, &self->scores_room, 3 * votes->count, sizeof *scores);
    if (!scores && votes->count)
        return HH_MEMORY;
    self->scores = scores;
    float *graph_scores = votes->count ? scores + votes->count : NULL;
    float *products = votes->count ? graph_scores + votes->count : NULL;

    answer->context = hh_context_of(votes);
    hh_mixture_scores(self->mixture, votes, scores);
    if (self->graph_mixture) // its weight of the network, which it has never seen say anything, is none
        hh_mixture_scores_without(self->graph_mixture, votes, HH_EXPERT_NETWORK, graph_scores);
    const float *network = votes->count ? &votes->shares[0][HH_EXPERT_NETWORK] : NULL;
    if (self->graph_mixture)
        hh_log_linear_scores(&self->log_linear, graph_scores, network, HH_EXPERTS, votes->count, products);
    for (size_t i = 0; i < votes->count; i++)
        numbers[i] = self->from_graph[votes->items[i]];
    answer->count = (uint32_t)votes->count;
    answer->items = numbers;
    answer->scores[GRAPH] = graph_scores;
    answer->scores[MIXTURE] = scores;
    answer->scores[LOG_LINEAR] = products;
    answer->stride[GRAPH] = answer->stride[MIXTURE] = answer->stride[RANKER] = 1;
    answer->stride[LOG_LINEAR] = 1;
    for (uint32_t expert = 0; expert < HH_EXPERTS; expert++) {
        answer->scores[FIRST_EXPERT + expert] = votes->count ? &votes->shares[0][expert] : NULL;
        answer->stride[FIRST_EXPERT + expert] = HH_EXPERTS;
    }
    hh_learned *learned = NULL;
    if (question->teaches && !(learned = take_learned(self)))
        return HH_MEMORY;
    if (learned && self->graph_mixture &&
        !hh_log_linear_keep(&learned->product, numbers, graph_scores, network, HH_EXPERTS, votes->count))
        return HH_MEMORY;
    answer->learns = learned;
    if (learned && !keep_expected(self, question, votes, learned))
        return HH_MEMORY;
    status = hh_ranking_model_answer(&self->ranking, &query, votes, scores, &answer->scores[RANKER],
                                     learned ? &learned->ranking : NULL);
    if (status == HH_OK && learned)
        status = hh_network_stream_asked(&self->stream, question, numbers, graph_scores, votes->count,
                                         &learned->trial);
    return status;
}

static void outcome(void *model, uint32_t item, hh_time time, const hh_context *context, const float *scores,
                    void *learns)
{
    hh_graph_model *self = model;
    float shares[HH_EXPERTS];
    memcpy(shares, scores + FIRST_EXPERT, sizeof shares);
    hh_mixture_learn_row(self->mixture, context, shares, time);
    if (self->graph_mixture) {
        shares[HH_EXPERT_NETWORK] = 0;
        hh_mixture_learn_row(self->graph_mixture, context, shares, time);
    }
    hh_learned *learned = learns;
    if (!learned)
        return;
    if (self->graph_mixture)
        hh_log_linear_learn(&self->log_linear, &learned->product, item);
    hh_graph_expect(self->graph, learned->items, learned->expected, learned->count, time);
    hh_ranking_model_outcome(&self->ranking, learned->ranking, self->to_graph[item], time);
    hh_network_stream_outcome(&self->stream, learned->trial, item);
    learned->next_free = self->free;
    self->free = learned;
}

const hh_model_kind hh_model_graph = {
    .outputs = infos,
    .output_count = OUTPUTS,
    .settings = settings,
    .setting_count = SETTING_COUNT,
    .standard = standard,
    .learns_outcomes = true,
    .create = create,
    .destroy = destroy,
    .teaches_from = teaches_from,
    .learn = learn,
    .closed = closed,
    .train = train,
    .forget = forget_all,
    .answer = answer_question,
    .outcome = outcome,
};
