// A model's forecast, between the graph's numbers and the model's rows.
#include "model/forecast.h"
#include "model/neighbours_of.h"
#include "model/network.h"
#include "nn/vector.h"
#include "recommend/late_items.h"

#include <hiphop/foreseer.h>
#include <stdlib.h>

enum { ID_ROOM = 256 }; // bytes of an id that are looked up without allocating

struct hh_foreseer {
    const hh_model *model;
    hh_reader *reader;
    uint32_t best, longest;
    hh_forecast forecast;
    hh_neighbour_index
        *memory;        // the model's sessions, for a network that heeds neighbours; NULL: it does not
    hh_late_items late; // that the model does not have
    uint32_t *session;  // [longest] rows, those that are read at its end
    hh_item *foreseen;  // [best]
    hh_foresight foresight;
};

hh_foreseer *hh_foreseer_new(const hh_vector_table *table, hh_reader *reader, uint32_t best, hh_error *error)
{
    if (best < 1 || best > 10000) {
        hh_fail(error, HH_ARGUMENT, "1 to 10000 items can be foreseen, not %u", best);
        return NULL;
    }
    const hh_model *model = table->model;
    hh_train_data sessions;
    bool kept = hh_model_sessions(model, &sessions);
    hh_foreseer *foreseer = calloc(1, sizeof *foreseer);
    if (foreseer) {
        foreseer->model = model;
        foreseer->reader = reader;
        foreseer->best = best;
        foreseer->longest = hh_model_facts_of(model)->options.longest;
        foreseer->foreseen = malloc(best * sizeof *foreseer->foreseen);
        foreseer->session = malloc(foreseer->longest * sizeof *foreseer->session);
    }
    // One more than become candidates: it bounds the shares of all others.
    if (foreseer && foreseer->foreseen && foreseer->session &&
        hh_forecast_init_with(&foreseer->forecast, table, (size_t)best + 1) &&
        (!kept || hh_neighbours_of(table->network, &sessions, foreseer->longest, &foreseer->memory))) {
        foreseer->forecast.scorer.memory = foreseer->memory;
        return foreseer;
    }
    hh_foreseer_free(foreseer);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

void hh_foreseer_free(hh_foreseer *foreseer)
{
    if (!foreseer)
        return;
    hh_forecast_free(&foreseer->forecast);
    hh_neighbour_index_free(foreseer->memory);
    free(foreseer->session);
    free(foreseer->foreseen);
    hh_late_items_free(&foreseer->late);
    free(foreseer);
}

hh_status hh_foreseer_describe(hh_foreseer *foreseer, const hh_text *names, uint32_t count)
{
    const hh_network *network = hh_model_network(foreseer->model);
    return hh_late_items_init(&foreseer->late, network, foreseer->reader, names, count) ? HH_OK : HH_MEMORY;
}

// The model's row of one of the graph's items.
static uint32_t row_of(const hh_foreseer *foreseer, hh_item item)
{
    char id[ID_ROOM];
    size_t length = item == HH_ITEM_NONE ? 0 : hh_graph_id(foreseer->reader, item, id, sizeof id);
    if (length == 0 || length > HH_ITEM_ID_MAX)
        return HH_MODEL_NO_ITEM;
    uint32_t row = HH_MODEL_NO_ITEM;
    if (length < sizeof id) {
        row = hh_model_find(foreseer->model, id, length);
    } else {
        char *whole = malloc(length + 1);
        if (whole && hh_graph_id(foreseer->reader, item, whole, length + 1) == length)
            row = hh_model_find(foreseer->model, whole, length);
        free(whole);
    }
    return row;
}

static void shares_of(void *context, const hh_item *items, size_t count, float *share)
{
    hh_foreseer *foreseer = context;
    for (size_t i = 0; i < count; i++) {
        uint32_t row = row_of(foreseer, items[i]);
        const float *late = row == HH_MODEL_NO_ITEM ? hh_late_items_vector(&foreseer->late, items[i]) : NULL;
        share[i * HH_EXPERTS] = late                      ? hh_forecast_share_of(&foreseer->forecast, late)
                                : row == HH_MODEL_NO_ITEM ? 0
                                                          : hh_forecast_share(&foreseer->forecast, row);
    }
}

// The rows of the session's latest items that it has, as many as it was trained on, at the end of
// foreseer->session. How many.
static uint32_t find_rows(hh_foreseer *foreseer, const hh_item *items, size_t length)
{
    uint32_t known = 0, longest = foreseer->longest;
    for (size_t i = length; i > 0 && known < longest; i--) {
        uint32_t row = row_of(foreseer, items[i - 1]);
        if (row != HH_MODEL_NO_ITEM)
            foreseer->session[longest - ++known] = row;
    }
    return known;
}

const hh_foresight *hh_foreseer_read(hh_foreseer *foreseer, const hh_item *items, size_t length,
                                     hh_status *status)
{
    hh_late_items_begin(&foreseer->late);
    uint32_t known = find_rows(foreseer, items, length);
    bool read = known > 0 &&
                hh_forecast_read(&foreseer->forecast, foreseer->session + foreseer->longest - known, known);
    if (status)
        *status = read || known == 0 ? HH_OK : HH_MEMORY;
    if (!read)
        return NULL;
    const hh_search *search = &foreseer->forecast.search;
    hh_foresight *foresight = &foreseer->foresight;
    *foresight = (hh_foresight){.items = foreseer->foreseen, .shares = shares_of, .context = foreseer};
    foresight->extra = hh_forecast_intent(&foreseer->forecast, &foresight->extra_count);
    for (; foresight->count < foreseer->best && foresight->count < search->count[0]; foresight->count++) {
        size_t bytes;
        const char *id = hh_model_item(foreseer->model, search->best[foresight->count].item, &bytes);
        foreseer->foreseen[foresight->count] = hh_graph_find(foreseer->reader, id, bytes);
    }
    if (search->count[0] > foreseer->best)
        foresight->rest = hh_exp(search->best[foreseer->best].logit - search->log_sum[0]);
    return foresight;
}
