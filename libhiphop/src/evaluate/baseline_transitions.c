// Baseline `transitions`: what came right after the last item, decayed counts (a first-order Markov chain).
#include "evaluate/model_kind.h"
#include "evaluate/rows.h"

#include <stdlib.h>

typedef struct hh_transitions {
    hh_rows rows;
    hh_score_sheet sheet;
} hh_transitions;

static const hh_model_info infos[] = {{"transitions", "what came right after the last item", true}};

static const hh_setting settings[] = {
    {"transitions.half_life", "half-life of a transition; 0: forever", HH_SETTING_DURATION, 0, 1e13,
     10 * HH_DAY, GRID_HALF_LIFE},
    DAMP_LAST("transitions"),
    DAMP_OWN("transitions"),
};

static void destroy(void *model)
{
    hh_transitions *self = model;
    hh_rows_free(&self->rows);
    hh_scores_free(&self->sheet);
    free(self);
}

static void *create(const hh_model_setup *setup, hh_error *error)
{
    hh_transitions *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    bool rows =
        hh_rows_init(&self->rows, setup->log->items, hh_model_setting(setup->options, settings[0].name));
    bool sheet = hh_scores_init(&self->sheet, setup, settings + 1);
    if (rows && sheet)
        return self;
    destroy(self);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

static hh_status learn(void *model, const hh_lesson *lesson)
{
    hh_transitions *self = model;
    hh_scores_learn(&self->sheet, lesson);
    if (lesson->position == 0)
        return HH_OK;
    const uint32_t *now = &lesson->items[lesson->position];
    return hh_rows_add(&self->rows, now[-1], now[0], 1, lesson->time) ? HH_OK : HH_MEMORY;
}

static hh_status answer_question(void *model, const hh_question *question, hh_answer *answer)
{
    hh_transitions *self = model;
    const hh_row *row = &self->rows.rows[question->items[question->length - 1]];
    hh_scores_begin(&self->sheet);
    for (uint32_t i = 0; i < row->count; i++)
        hh_scores_add(&self->sheet, row->entries[i].item,
                      hh_rows_weight(&self->rows, &row->entries[i], question->as_of));
    hh_scores_answer(&self->sheet, question, answer);
    return HH_OK;
}

const hh_model_kind hh_baseline_transitions = {
    .outputs = infos,
    .output_count = 1,
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .create = create,
    .destroy = destroy,
    .learn = learn,
    .answer = answer_question,
};
