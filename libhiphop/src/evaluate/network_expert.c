#include "evaluate/network_expert.h"

#include "evaluate/run.h"
#include "larger.h"
#include "model/neighbours_of.h"
#include "model/network.h"
#include "nn/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- training ----

// Numbers the items of the sessions before `known` for the network, in the order in which they come.
static uint32_t number_items(hh_network_expert *expert, uint32_t *rows)
{
    const hh_log *log = expert->log;
    uint32_t count = 0, at = 0;
    for (uint32_t item = 0; item < log->items; item++)
        expert->row_of[item] = HH_ITEM_NONE;
    for (uint32_t s = 0; s < expert->known; s++)
        for (uint32_t i = 0; i < log->session[s].count; i++) {
            uint32_t item = log->item[log->session[s].first + i];
            if (expert->row_of[item] == HH_ITEM_NONE) {
                expert->row_of[item] = count;
                expert->item_of[count++] = item;
            }
            rows[at++] = expert->row_of[item];
        }
    return count;
}

// The first session that was held out: training leaves sessions of one click out before it counts.
static uint32_t first_held_out(const hh_network_expert *expert)
{
    const hh_log *log = expert->log;
    uint32_t longer = 0, held, at = log->train;
    for (uint32_t s = 0; s < log->train; s++)
        longer += log->session[s].count > 1;
    for (held = (uint32_t)(longer * expert->options.held_out); held > 0 && at > 0;)
        held -= log->session[--at].count > 1;
    return at;
}

// The sessions that the network finds neighbours among: those before `end`.
static bool remember(hh_network_expert *expert, const hh_train_data *data, uint32_t end)
{
    hh_train_data known = *data;
    known.sessions = end;
    bool done = hh_neighbours_of(expert->network, &known, expert->options.longest, &expert->memory);
    expert->forecast.scorer.memory = expert->memory;
    return done;
}

static void free_sources(hh_network_expert *expert)
{
    for (uint32_t s = 0; s < HH_SOURCES; s++) {
        free((void *)expert->source[s].vector);
        free((void *)expert->source[s].present);
        expert->source[s] = (hh_source){0};
    }
    expert->options.source_count = 0;
}

// What is known of the log's items, by the network's numbers of them.
static bool describe(hh_network_expert *expert, uint32_t items)
{
    const hh_evaluate_options *evaluate = expert->evaluate;
    uint32_t count = hh_model_setting(evaluate, "network.sources") != 0 ? evaluate->source_count : 0;
    expert->options.sources = expert->source;
    for (uint32_t s = 0; s < count && s < HH_SOURCES; s++) {
        const hh_source *from = &evaluate->sources[s];
        size_t width = from->width;
        float *vector = malloc((items + (size_t)1) * width * sizeof *vector);
        uint8_t *present = malloc(items + (size_t)1);
        expert->source[s] =
            (hh_source){.name = from->name, .width = from->width, .vector = vector, .present = present};
        if (!vector || !present)
            return false;
        for (uint32_t item = 0; item < items; item++) {
            size_t of = expert->item_of[item];
            memcpy(vector + item * width, from->vector + of * width, width * sizeof *vector);
            present[item] = !from->present || from->present[of];
        }
        expert->options.source_count = s + 1;
    }
    return true;
}

static hh_status train_on(hh_network_expert *expert, const hh_train_data *data, hh_error *error)
{
    hh_train_record record;
    if (!describe(expert, data->items))
        return hh_fail(error, HH_MEMORY, NULL);
    expert->network = hh_train(data, &expert->options, &record, error);
    expert->epochs = record.epochs;
    if (!expert->network)
        return error ? error->status : HH_MEMORY;
    if (record.stopped)
        return hh_fail(error, HH_STOPPED, NULL);
    uint32_t end = expert->options.held_out > 0 ? first_held_out(expert) : data->sessions;
    if (!hh_forecast_init(&expert->forecast, expert->network, HH_FORESEEN + 1) ||
        !remember(expert, data, end))
        return hh_fail(error, HH_MEMORY, NULL);
    return HH_OK;
}

// On the first `known` sessions, of which it holds some out to choose the epoch, or none.
static hh_status train(hh_network_expert *expert, hh_error *error)
{
    const hh_log *log = expert->log;
    uint32_t clicks = log->session[expert->known - 1].first + log->session[expert->known - 1].count;
    uint32_t *rows = malloc((clicks + (size_t)1) * sizeof *rows);
    uint32_t *first = malloc((expert->known + (size_t)1) * sizeof *first);
    hh_status status = rows && first ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
    hh_forecast_free(&expert->forecast);
    hh_network_free(expert->network);
    hh_neighbour_index_free(expert->memory);
    free_sources(expert);
    hh_late_items_free(&expert->late);
    expert->network = NULL;
    expert->memory = NULL;
    if (status == HH_OK) {
        hh_train_data data = {.sessions = expert->known, .item = rows, .first = first};
        for (uint32_t s = 0; s < expert->known; s++)
            first[s] = log->session[s].first;
        first[expert->known] = clicks;
        data.items = number_items(expert, rows);
        status = train_on(expert, &data, error);
    }
    free(rows);
    free(first);
    return status;
}

static void set_options(hh_network_expert *expert, const hh_evaluate_options *options)
{
    char name[64];
    const hh_option *tables[] = {hh_train_option_table(), hh_network_option_table()};
    void *of[] = {&expert->options, &expert->options.network};
    expert->options = hh_train_defaults();
    for (int t = 0; t < 2; t++)
        for (const hh_option *row = tables[t]; row->name; row++) {
            snprintf(name, sizeof name, "network.%s", row->name);
            hh_option_set(row, of[t], hh_model_setting(options, name));
        }
    expert->longest = expert->options.longest;
    expert->options.clock = options->clock;
    expert->options.progress = options->progress;
    expert->options.context = options->progress_context;
    if (!(expert->options.held_out > 0)) // the mixture has to learn from something
        expert->options.held_out = hh_train_defaults().held_out;
}

hh_status hh_network_expert_init(hh_network_expert *expert, const hh_model_setup *setup, bool wanted,
                                 hh_error *error)
{
    const hh_log *log = setup->log;
    *expert = (hh_network_expert){.wanted = wanted && log->train > 1, .log = log, .evaluate = setup->options};
    if (!expert->wanted)
        return HH_OK;
    set_options(expert, setup->options);
    expert->row_of = malloc((log->items + (size_t)1) * sizeof *expert->row_of);
    expert->item_of = malloc((log->items + (size_t)1) * sizeof *expert->item_of);
    if (!expert->row_of || !expert->item_of)
        return hh_fail(error, HH_MEMORY, NULL);
    // The latest sessions choose the epoch now, and teach the mixture afterwards.
    expert->refit = expert->options.refit;
    expert->options.refit = false;
    expert->known = log->train;
    hh_status status = train(expert, error);
    expert->known = first_held_out(expert);
    return status;
}

hh_status hh_network_expert_serve(hh_network_expert *expert, const hh_log *log, const hh_model *model,
                                  hh_error *error)
{
    uint32_t rows = hh_model_items(model);
    uint32_t *item_of = malloc((rows + (size_t)1) * sizeof *item_of);
    expert->log = log;
    expert->wanted = expert->settled = true;
    if (!expert->row_of)
        expert->row_of = malloc((log->items + (size_t)1) * sizeof *expert->row_of);
    free(expert->item_of);
    expert->item_of = item_of;
    hh_forecast_free(&expert->forecast);
    hh_late_items_free(&expert->late);
    expert->longest = hh_model_facts_of(model)->options.longest;
    if (!item_of || !expert->row_of ||
        !hh_forecast_init(&expert->forecast, hh_model_network(model), HH_FORESEEN + 1))
        return hh_fail(error, HH_MEMORY, NULL);
    for (uint32_t item = 0; item < log->items; item++) {
        size_t length;
        const char *id = hh_log_item(log, item, &length);
        expert->row_of[item] = hh_model_find(model, id, length);
        if (expert->row_of[item] != HH_ITEM_NONE)
            item_of[expert->row_of[item]] = item;
    }
    return HH_OK;
}

void hh_network_expert_free(hh_network_expert *expert)
{
    hh_late_items_free(&expert->late);
    hh_forecast_free(&expert->forecast);
    hh_network_free(expert->network);
    hh_neighbour_index_free(expert->memory);
    free_sources(expert);
    free(expert->row_of);
    free(expert->item_of);
    free(expert->session);
    *expert = (hh_network_expert){0};
}

void hh_network_expert_use(hh_network_expert *expert, hh_reader *reader)
{
    hh_late_items_free(&expert->late);
    expert->reader = reader;
}

// ---- asking ----

// The latest of the session's items that it knows, as many as it was trained on, at session[]; how many, or
// UINT32_MAX: out of memory.
static uint32_t find_rows(hh_network_expert *expert, const uint32_t *items, uint32_t length)
{
    uint32_t begin = length, known = 0, longest = expert->longest;
    uint32_t *session = hh_larger(expert->session, &expert->session_room, longest, sizeof *session);
    if (!session)
        return UINT32_MAX;
    expert->session = session;
    for (; begin > 0 && known < longest; begin--)
        known += expert->row_of[items[begin - 1]] != HH_ITEM_NONE;
    known = 0;
    for (uint32_t i = begin; i < length; i++)
        if (expert->row_of[items[i]] != HH_ITEM_NONE)
            session[known++] = expert->row_of[items[i]];
    return known;
}

// Trains anew on all training sessions, if that shall be and has not been done.
static hh_status settle(hh_network_expert *expert, hh_error *error)
{
    if (expert->settled)
        return HH_OK;
    expert->settled = true;
    if (!expert->refit)
        return HH_OK;
    expert->known = expert->log->train;
    expert->options.held_out = 0;
    expert->options.epochs = expert->epochs;
    return train(expert, error);
}

// The rows as the network's only neighbours; a row that asks is hidden from itself.
static hh_status remember_rows(hh_network_expert *expert, const hh_log *rows)
{
    hh_neighbour_index_free(expert->memory);
    bool done = hh_neighbours_none(expert->network, &expert->memory);
    expert->forecast.scorer.memory = expert->memory;
    for (uint32_t row = 0; row < rows->sessions && done && expert->memory; row++) {
        const hh_log_session *about = &rows->session[row];
        uint32_t known = find_rows(expert, rows->item + about->first, about->count);
        done = known != UINT32_MAX && hh_neighbour_index_add(expert->memory, expert->session, known);
    }
    return done ? HH_OK : HH_MEMORY;
}

hh_status hh_network_expert_forget(hh_network_expert *expert, const hh_log *rows, hh_error *error)
{
    if (!expert->wanted)
        return HH_OK;
    hh_status status = settle(expert, error);
    expert->known = 0;
    expert->among_rows = true;
    return status ? status : remember_rows(expert, rows);
}

// Makes it read the graph's descriptions, where there are any.
static bool read_late(hh_network_expert *expert)
{
    const hh_evaluate_options *evaluate = expert->evaluate;
    const hh_network *serving = expert->forecast.scorer.network; // its own, or a model's
    if (!expert->late.kept && expert->reader && serving->source_count > 0) {
        hh_text names[HH_DESCRIPTIONS];
        uint32_t count = 0;
        for (; count < evaluate->source_count && count < HH_DESCRIPTIONS; count++)
            names[count] = (hh_text){evaluate->sources[count].name, strlen(evaluate->sources[count].name)};
        if (!hh_late_items_init(&expert->late, serving, expert->reader, names, count))
            return false;
    }
    hh_late_items_begin(&expert->late);
    return true;
}

hh_status hh_network_expert_read(hh_network_expert *expert, const hh_question *question, bool *reads)
{
    *reads = false;
    if (!expert->wanted || question->session < expert->known)
        return HH_OK;
    hh_status status = question->session >= expert->log->train ? settle(expert, NULL) : HH_OK;
    if (status)
        return status;
    uint32_t known = find_rows(expert, question->items, question->length);
    if (expert->among_rows && expert->memory)
        hh_neighbour_index_hide(expert->memory, question->session);
    if (known == UINT32_MAX || (known > 0 && !hh_forecast_read(&expert->forecast, expert->session, known)))
        return HH_MEMORY;
    *reads = known > 0;
    return *reads && !read_late(expert) ? HH_MEMORY : HH_OK;
}

const float *hh_network_expert_intent(const hh_network_expert *expert, size_t *width)
{
    return hh_forecast_intent(&expert->forecast, width);
}

uint32_t hh_network_expert_item(const hh_network_expert *expert, uint32_t row)
{
    return expert->network && row < expert->network->item.rows ? expert->item_of[row] : NO_ITEM;
}

uint32_t hh_network_expert_best(const hh_network_expert *expert, size_t i)
{
    const hh_search *search = &expert->forecast.search;
    return i < HH_FORESEEN && i < search->count[0] ? expert->item_of[search->best[i].item] : NO_ITEM;
}

float hh_network_expert_share(hh_network_expert *expert, uint32_t item, hh_item number)
{
    uint32_t row = expert->row_of[item];
    if (row != HH_ITEM_NONE)
        return hh_forecast_share(&expert->forecast, row);
    const float *late = hh_late_items_vector(&expert->late, number);
    return late ? hh_forecast_share_of(&expert->forecast, late) : 0;
}

float hh_network_expert_rest(const hh_network_expert *expert)
{
    const hh_search *search = &expert->forecast.search;
    return search->count[0] > HH_FORESEEN ? hh_exp(search->best[HH_FORESEEN].logit - search->log_sum[0]) : 0;
}
