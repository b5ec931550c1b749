// How mixture and ranker learn beside a network: sessions that it has not learned from are gone through once,
// each click asked for, then learned from; each session is in the graph of those after it.
#include "larger.h"
#include "recommend/by_text.h"
#include "recommend/lister_inside.h"
#include "recommend/ranker_inputs.h"
#include "recommend/ranker_settle.h"

#include <stdlib.h>

#define LIST  20
#define EVERY 64 // lessons between two calls of progress()

hh_fit_options hh_fit_defaults(void)
{
    return (hh_fit_options){.lessons = 200000};
}

typedef struct fitting {
    const hh_fitted *fitted;
    const hh_fit_options *options;
    hh_lister *lister;
    hh_ranker_trainer *trainer;
    hh_shortlist *shortlist;
    hh_fitted_record record; // sums, until it is through
    uint32_t learned;        // lessons of the ranker since it was published
    float *scores;           // [room] of the mixture, then of the ranker
    size_t room;
} fitting;

// Whatever has the clicked item's score stands before it; 0 is no place on the list.
static void judge(fitting *self, hh_list_by by, const float *scores, size_t stride, const hh_votes *votes,
                  size_t clicked)
{
    size_t rank = 0;
    float least = scores[clicked * stride];
    for (size_t i = 0; i < votes->count; i++)
        rank += scores[i * stride] >= least;
    if (!(least > 0) || rank > LIST)
        return;
    self->record.hr20[by]++;
    self->record.mrr20[by] += 1 / (double)rank;
}

static bool publish(fitting *self)
{
    hh_ranker *ranker = hh_ranker_trainer_publish(self->trainer);
    if (!ranker)
        return false;
    hh_ranker_free(self->lister->ranker);
    self->lister->ranker = ranker;
    self->learned = 0;
    return true;
}

// The click after the first `length` of a session.
static hh_status lesson(fitting *self, const uint32_t *clicks, uint32_t length, hh_time begin, hh_time time)
{
    hh_lister *lister = self->lister;
    hh_query query;
    hh_recommendation list[LIST];
    size_t listed, row = 0;
    hh_status status = hh_lister_ask(lister, clicks, length, begin, time, &query, list, &listed);
    if (status)
        return status;
    const hh_votes *votes = hh_recommender_votes(lister->recommender);
    float *mixture = hh_larger(self->scores, &self->room, 2 * votes->count, sizeof *mixture);
    if (!mixture && votes->count)
        return HH_MEMORY;
    self->scores = mixture;
    float *ranked = votes->count ? mixture + votes->count : NULL;
    self->record.lessons++;
    hh_mixture_scores(lister->mixture, votes, mixture);
    hh_shortlist_make(self->shortlist, &query, votes, mixture,
                      hh_extra_of(&query, hh_fitted_ranker_options(self->fitted)));
    hh_ranker_scores(lister->ranker, self->shortlist, mixture, votes->count, ranked);
    hh_place_by_text(self->shortlist, votes, mixture, ranked);
    hh_item clicked = hh_lister_find(lister, clicks[length]);
    while (row < votes->count && votes->items[row] != clicked)
        row++;
    if (clicked != HH_ITEM_NONE && row < votes->count) {
        judge(self, HH_LIST_BY_NETWORK, &votes->shares[0][HH_EXPERT_NETWORK], HH_EXPERTS, votes, row);
        judge(self, HH_LIST_BY_MIXTURE, mixture, 1, votes, row);
        judge(self, HH_LIST_BY_RANKER, ranked, 1, votes, row);
    }
    hh_ranker_trainer_learn(self->trainer, self->shortlist, clicked, time);
    hh_mixture_learn(lister->mixture, votes, clicked, time);
    return ++self->learned < HH_SETTLE_EVERY || publish(self) ? HH_OK : HH_MEMORY;
}

static hh_status go_through(fitting *self, const hh_train_data *sessions, uint32_t first)
{
    const hh_fit_options *options = self->options;
    uint32_t begin = sessions->first[first], clicks = sessions->first[sessions->sessions] - begin;
    uint32_t every = options->lessons ? clicks / options->lessons + 1 : clicks + 1;
    hh_status status = HH_OK;
    uint64_t taught = 0;
    for (uint32_t s = first; s < sessions->sessions && !status; s++) {
        uint32_t from = sessions->first[s], length = sessions->first[s + 1] - from;
        hh_line_clock clock = self->lister->clock; // where it will be when the session is learned
        hh_time time = hh_line_clock_session(&clock);
        for (uint32_t i = 1; i < length && !status; i++) {
            if ((from - begin + i) % every != 0)
                continue;
            if (options->progress && taught++ % EVERY == 0 &&
                !options->progress(options->context, (double)(from - begin + i) / clicks))
                return HH_STOPPED;
            status = lesson(self, sessions->item + from, i, time, time + (hh_time)i * HH_LINE_STEP);
        }
        if (!status)
            status = hh_lister_learn(self->lister, sessions->item + from, length);
    }
    return status;
}

static bool go_on(void *context)
{
    const hh_fit_options *options = ((const fitting *)context)->options;
    return !options->progress || options->progress(options->context, 1);
}

static void finish(fitting *self, hh_fitted *fitted)
{
    hh_fitted_record *record = &self->record;
    for (int l = 0; l < HH_LIST_KINDS && record->lessons; l++) {
        record->hr20[l] /= (double)record->lessons;
        record->mrr20[l] /= (double)record->lessons;
    }
    hh_fitted_take(fitted, self->lister->mixture, self->lister->ranker, record);
}

static hh_status check(const hh_model *model, const hh_train_data *sessions, uint32_t first, hh_error *error)
{
    if (first > sessions->sessions)
        return hh_fail(error, HH_ARGUMENT, "session %u is not among the %u sessions", first,
                       sessions->sessions);
    for (uint32_t i = sessions->first[first]; i < sessions->first[sessions->sessions]; i++)
        if (sessions->item[i] >= hh_model_items(model))
            return hh_fail(error, HH_ARGUMENT, "item %u is not among the model's %u items", sessions->item[i],
                           hh_model_items(model));
    return HH_OK;
}

hh_status hh_fit(hh_fitted *fitted, const hh_model *model, const hh_train_data *sessions, uint32_t first,
                 const hh_fit_options *options, hh_error *error)
{
    if (check(model, sessions, first, error))
        return HH_ARGUMENT;
    const hh_ranker_options *ranker = hh_fitted_ranker_options(fitted);
    hh_lister_options list = {.k = LIST};
    uint32_t more = sessions->first[sessions->sessions] - sessions->first[first];
    hh_error reason = {0};
    fitting self = {
        .fitted = fitted, .options = options, .lister = hh_lister_of(model, fitted, &list, more, &reason)};
    hh_status status = self.lister ? HH_OK : reason.status;
    if (!status && (!(self.trainer = hh_ranker_trainer_new(ranker, &reason)) ||
                    !(self.shortlist = hh_shortlist_new(ranker, &reason))))
        status = reason.status;
    if (!status)
        status = go_through(&self, sessions, first);
    if (!status) {
        hh_ranker_settle(self.trainer, go_on, &self);
        status = go_on(&self) ? HH_OK : HH_STOPPED;
    }
    if (!status)
        status = publish(&self) ? HH_OK : HH_MEMORY;
    if (!status)
        finish(&self, fitted);
    hh_ranker_trainer_free(self.trainer);
    hh_shortlist_free(self.shortlist);
    hh_lister_free(self.lister);
    free(self.scores);
    return status ? hh_fail(error, status, "%s", reason.status ? reason.message : hh_status_text(status))
                  : HH_OK;
}
