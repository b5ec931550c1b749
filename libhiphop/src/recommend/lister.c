// Lists out of a model: its sessions become a graph, its network an expert, its fitted numbers mixture and
// ranker.
#include "recommend/lister_inside.h"

#include "larger.h"
#include "model/network.h"

#include <stdlib.h>

#define NOBODY UINT64_MAX // the visitor who asks: none of those who are known

hh_lister_options hh_lister_defaults(void)
{
    return (hh_lister_options){.k = 20, .ranked = true};
}

// The graph's number of an item. Not to be kept: that of one that nobody has clicked may become another's.
static hh_item number(hh_lister *lister, uint32_t row)
{
    size_t length;
    const char *id = hh_model_item(lister->model, row, &length);
    return hh_graph_intern(lister->graph, id, length);
}

hh_item hh_lister_find(const hh_lister *lister, uint32_t row)
{
    size_t length;
    const char *id = hh_model_item(lister->model, row, &length);
    return hh_graph_find(hh_recommender_reader(lister->recommender), id, length);
}

// What the graph does not take is left out.
static hh_status forgive(hh_status status)
{
    return status == HH_LIMIT ? HH_OK : status;
}

static hh_status describe(hh_lister *lister)
{
    const hh_network *network = hh_model_network(lister->model);
    hh_status status = HH_OK;
    for (uint32_t s = 0; s < network->source_count; s++) {
        const hh_source *source = &network->source[s];
        for (uint32_t row = 0; row < hh_model_items(lister->model) && !status; row++) {
            if (!hh_source_has(source, row))
                continue;
            hh_item item = number(lister, row);
            const float *vector = source->vector + (size_t)row * source->width;
            status = item == HH_ITEM_NONE ? HH_MEMORY
                                          : hh_graph_describe(lister->graph, item, s, vector, source->width);
            status = forgive(status); // more than the graph holds: the others are not described
        }
    }
    hh_graph_settle(lister->graph);
    return status;
}

hh_status hh_lister_learn(hh_lister *lister, const uint32_t *clicks, uint32_t length)
{
    hh_line_clock_session(&lister->clock);
    hh_graph_session *session = hh_graph_open(lister->graph, (uint64_t)lister->clock.session);
    hh_status status = session ? HH_OK : HH_MEMORY;
    for (uint32_t i = 0; i < length && !status; i++) {
        hh_item item = number(lister, clicks[i]);
        hh_time time = hh_line_clock_click(&lister->clock);
        status = item == HH_ITEM_NONE ? HH_MEMORY : hh_graph_click(lister->graph, session, item, time);
        status = forgive(status); // too long a session: left out, as hiphopd does
    }
    if (session)
        hh_graph_close(lister->graph, session);
    return status;
}

static hh_status build(hh_lister *lister, const hh_fitted *fitted, const hh_lister_options *options,
                       const hh_train_data *sessions, uint32_t more, hh_error *error)
{
    const hh_recommend_options list = {options->k, options->hide_session_items};
    hh_graph_options graph = hh_graph_defaults();
    uint64_t clicks = sessions->first[sessions->sessions] + (uint64_t)more;
    if (clicks > graph.max_clicks)
        graph.max_clicks = clicks < 1u << 31 ? (uint32_t)clicks : 1u << 31;
    lister->id = malloc(HH_ITEM_ID_MAX + 1);
    lister->mixture = hh_fitted_mixture(fitted);
    lister->ranker = hh_fitted_ranker(fitted);
    if (!lister->id || !lister->mixture || !lister->ranker)
        return hh_fail(error, HH_MEMORY, NULL);
    if (!(lister->graph = hh_graph_new(&graph, error)) ||
        !(lister->recommender = hh_recommender_new(lister->graph, lister->mixture, &list, error)) ||
        !(lister->table = hh_vector_table_new(lister->model, error)) ||
        !(lister->foreseer = hh_foreseer_new(lister->table, hh_recommender_reader(lister->recommender),
                                             HH_LISTER_FORESEEN, error)))
        return error->status;
    bool ranked = options->ranked && hh_ranker_active(lister->ranker);
    if (ranked && hh_recommender_use(lister->recommender, lister->ranker, error))
        return HH_MEMORY;
    hh_status status = describe(lister);
    for (uint32_t s = 0; s < sessions->sessions && !status; s++)
        status = hh_lister_learn(lister, sessions->item + sessions->first[s],
                                 sessions->first[s + 1] - sessions->first[s]);
    return status ? hh_fail(error, status, NULL) : HH_OK;
}

hh_lister *hh_lister_of(const hh_model *model, const hh_fitted *fitted, const hh_lister_options *options,
                        uint32_t more, hh_error *error)
{
    hh_train_data sessions;
    hh_error reason = {0};
    if (!hh_model_sessions(model, &sessions)) {
        hh_fail(error, HH_NOT_FOUND, "the model holds no sessions, so there is no graph to list by");
        return NULL;
    }
    hh_lister *lister = calloc(1, sizeof *lister);
    hh_status status = lister ? HH_OK : hh_fail(&reason, HH_MEMORY, NULL);
    if (!status) {
        lister->model = model;
        lister->clock = hh_line_clock_new();
        status = build(lister, fitted, options, &sessions, more, &reason);
    }
    if (!status)
        return lister;
    hh_lister_free(lister);
    hh_fail(error, status, "%s", reason.message);
    return NULL;
}

hh_lister *hh_lister_new(const hh_model *model, const hh_fitted *fitted, const hh_lister_options *options,
                         hh_error *error)
{
    hh_lister *lister = hh_lister_of(model, fitted, options, 0, error);
    if (lister)
        hh_line_clock_session(&lister->clock); // the one that asks
    return lister;
}

void hh_lister_free(hh_lister *lister)
{
    if (!lister)
        return;
    hh_foreseer_free(lister->foreseer);
    hh_vector_table_free(lister->table);
    hh_recommender_free(lister->recommender);
    hh_graph_free(lister->graph);
    hh_ranker_free(lister->ranker);
    hh_mixture_free(lister->mixture);
    free(lister->id);
    free(lister->query);
    free(lister);
}

// ---- a list ----

hh_status hh_lister_ask(hh_lister *lister, const uint32_t *clicks, size_t length, hh_time session_start,
                        hh_time as_of, hh_query *query, hh_recommendation *list, size_t *count)
{
    *count = 0;
    hh_item *items = hh_larger(lister->query, &lister->query_room, length, sizeof *items);
    if (!items)
        return HH_MEMORY;
    lister->query = items;
    for (size_t i = 0; i < length; i++)
        if ((items[i] = number(lister, clicks[i])) == HH_ITEM_NONE)
            return HH_MEMORY;
    hh_status status;
    *query = (hh_query){
        .items = items, .length = length, .as_of = as_of, .visitor = NOBODY, .session_start = session_start};
    query->foresight = hh_foreseer_read(lister->foreseer, query->items, length, &status);
    return status ? status : hh_recommend(lister->recommender, query, list, count);
}

// The model's number of one of the graph's.
static uint32_t row_of(hh_lister *lister, hh_item item)
{
    size_t length =
        hh_graph_id(hh_recommender_reader(lister->recommender), item, lister->id, HH_ITEM_ID_MAX + 1);
    return hh_model_find(lister->model, lister->id, length);
}

hh_status hh_lister_list(hh_lister *lister, const uint32_t *clicks, size_t length, hh_recommendation *list,
                         size_t *count, hh_error *error)
{
    hh_query query;
    *count = 0;
    if (length == 0)
        return hh_fail(error, HH_ARGUMENT, "a session needs a click before anything can follow it");
    for (size_t i = 0; i < length; i++)
        if (clicks[i] >= hh_model_items(lister->model))
            return hh_fail(error, HH_ARGUMENT, "item %u is not among the model's %u items", clicks[i],
                           hh_model_items(lister->model));
    hh_time now = lister->clock.session;
    hh_status status = hh_lister_ask(lister, clicks, length, now, now, &query, list, count);
    if (status)
        return hh_fail(error, status, NULL);
    for (size_t i = 0; i < *count; i++) {
        list[i].item = row_of(lister, list[i].item);
        list[i].like = list[i].like == HH_ITEM_NONE ? HH_ITEM_NONE : row_of(lister, list[i].like);
    }
    return HH_OK;
}
