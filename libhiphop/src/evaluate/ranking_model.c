#include "evaluate/ranking_model.h"

#include "larger.h"
#include "recommend/by_text.h"
#include "recommend/ranker_inputs.h"
#include "recommend/ranker_settle.h"

#include <stdlib.h>

struct hh_kept_list {
    hh_shortlist *shortlist;
    hh_kept_list *next;      // of all
    hh_kept_list *next_free; // of those that wait for no outcome
};

bool hh_ranking_model_init(hh_ranking_model *model, const hh_evaluate_options *options, bool wanted,
                           uint32_t extra, hh_error *error)
{
    if (!wanted)
        return true;
    model->options = hh_ranker_defaults();
    model->options.extra = extra;
    model->options.hide_session_items = options->hide_session_items;
    model->settles = options->memory == HH_REMEMBER_TRAIN || options->memory == HH_REMEMBER_BATCH;
    if (model->settles)
        model->options.memory = HH_SETTLE_MEMORY;
    model->trainer = hh_ranker_trainer_new(&model->options, error);
    if (model->trainer)
        model->ranker = hh_ranker_new(&model->options, error);
    return model->ranker != NULL;
}

void hh_ranking_model_free(hh_ranking_model *model)
{
    hh_ranker_trainer_free(model->trainer);
    hh_ranker_free(model->ranker);
    while (model->all) {
        hh_kept_list *list = model->all;
        model->all = list->next;
        hh_shortlist_free(list->shortlist);
        free(list);
    }
    free(model->scores);
}

static hh_kept_list *take_list(hh_ranking_model *model)
{
    hh_kept_list *list = model->free;
    if (list) {
        model->free = list->next_free;
        return list;
    }
    list = malloc(sizeof *list);
    hh_shortlist *shortlist = hh_shortlist_new(&model->options, NULL);
    if (!list || !shortlist) {
        free(list);
        hh_shortlist_free(shortlist);
        return NULL;
    }
    *list = (hh_kept_list){.shortlist = shortlist, .next = model->all};
    model->all = list;
    return list;
}

static bool publish(hh_ranking_model *model)
{
    hh_ranker *ranker = hh_ranker_trainer_publish(model->trainer);
    if (!ranker)
        return false; // the one before goes on
    hh_ranker_free(model->ranker);
    model->ranker = ranker;
    model->outcomes = 0;
    return true;
}

// The first list that teaches nothing: the test has begun.
static bool settle(hh_ranking_model *model)
{
    model->settles = false;
    hh_ranker_settle(model->trainer, NULL, NULL);
    return publish(model);
}

static void give_back(hh_ranking_model *model, hh_kept_list *list)
{
    list->next_free = model->free;
    model->free = list;
}

hh_status hh_ranking_model_answer(hh_ranking_model *model, const hh_query *query, const hh_votes *votes,
                                  const float *mixture, const float **scores, void **learns)
{
    *scores = mixture;
    if (!model->trainer)
        return HH_OK;
    float *by_ranker = hh_larger(model->scores, &model->room, votes->count, sizeof *by_ranker);
    if (!by_ranker && votes->count)
        return HH_MEMORY;
    model->scores = by_ranker;
    if (model->settles && !learns && !settle(model))
        return HH_MEMORY;
    hh_kept_list *list = take_list(model);
    if (!list)
        return HH_MEMORY;
    hh_shortlist_make(list->shortlist, query, votes, mixture, hh_extra_of(query, &model->options));
    hh_ranker_scores(model->ranker, list->shortlist, mixture, votes->count, model->scores);
    hh_place_by_text(list->shortlist, votes, mixture, model->scores);
    *scores = model->scores;
    if (learns)
        *learns = list;
    else
        give_back(model, list);
    return HH_OK;
}

void hh_ranking_model_outcome(hh_ranking_model *model, void *learns, hh_item clicked, hh_time time)
{
    if (!learns)
        return;
    hh_kept_list *list = learns;
    hh_ranker_trainer_learn(model->trainer, list->shortlist, clicked, time);
    give_back(model, list);
    if (++model->outcomes >= HH_SETTLE_EVERY)
        publish(model);
}
