// Baseline `sr`, sequential rules (Ludewig and Jannach 2018): what came within `steps` clicks after an item,
// weighted by 1 / distance, summed over the last items of the session with a weight of decay^distance.
#include "evaluate/model_kind.h"
#include "evaluate/rows.h"

#include <math.h>
#include <stdlib.h>

typedef struct hh_rules {
    hh_rows rows;
    hh_score_sheet sheet;
    uint32_t steps, prefix;
    double decay;
} hh_rules;

static const hh_model_info infos[] = {{"sr", "sequential rules: what came soon after the last items", true}};

enum { HALF_LIFE, STEPS, PREFIX, DECAY, SETTINGS };
static const hh_setting settings[SETTINGS + 2] = {
    [HALF_LIFE] = {"sr.half_life", "half-life of a rule; 0: forever", HH_SETTING_DURATION, 0, 1e13,
                   10 * HH_DAY, GRID_HALF_LIFE},
    [STEPS] = {"sr.steps", "how far apart two clicks make a rule", HH_SETTING_COUNT, 1, 100, 10,
               GRID(2, 4, 10, 20)},
    [PREFIX] = {"sr.prefix", "how many of the session's last clicks are asked", HH_SETTING_COUNT, 1, 100, 3,
                GRID(1, 2, 3, 6)},
    [DECAY] = {"sr.decay", "weight of a click by its distance from the last one", HH_SETTING_NUMBER, 0, 1,
               0.3, GRID(0.1, 0.2, 0.35, 0.5, 0.7)},
    DAMP_LAST("sr"),
    DAMP_OWN("sr"),
};

static void destroy(void *model)
{
    hh_rules *self = model;
    hh_rows_free(&self->rows);
    hh_scores_free(&self->sheet);
    free(self);
}

static void *create(const hh_model_setup *setup, hh_error *error)
{
    hh_rules *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->steps = (uint32_t)hh_model_setting(setup->options, settings[STEPS].name);
    self->prefix = (uint32_t)hh_model_setting(setup->options, settings[PREFIX].name);
    self->decay = hh_model_setting(setup->options, settings[DECAY].name);
    bool rows = hh_rows_init(&self->rows, setup->log->items,
                             hh_model_setting(setup->options, settings[HALF_LIFE].name));
    bool sheet = hh_scores_init(&self->sheet, setup, settings + SETTINGS);
    if (rows && sheet)
        return self;
    destroy(self);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

static hh_status learn(void *model, const hh_lesson *lesson)
{
    hh_rules *self = model;
    hh_scores_learn(&self->sheet, lesson);
    const uint32_t *now = &lesson->items[lesson->position];
    for (uint32_t step = 1; step <= self->steps && step <= lesson->position; step++)
        if (!hh_rows_add(&self->rows, *(now - step), *now, 1.0f / (float)step, lesson->time))
            return HH_MEMORY;
    return HH_OK;
}

static hh_status answer_question(void *model, const hh_question *question, hh_answer *answer)
{
    hh_rules *self = model;
    hh_scores_begin(&self->sheet);
    float weight = 1;
    for (uint32_t back = 0; back < self->prefix && back < question->length && weight > 0; back++) {
        const hh_row *row = &self->rows.rows[question->items[question->length - 1 - back]];
        for (uint32_t i = 0; i < row->count; i++)
            hh_scores_add(&self->sheet, row->entries[i].item,
                          weight * hh_rows_weight(&self->rows, &row->entries[i], question->as_of));
        weight *= (float)self->decay;
    }
    hh_scores_answer(&self->sheet, question, answer);
    return HH_OK;
}

const hh_model_kind hh_baseline_sr = {
    .outputs = infos,
    .output_count = 1,
    .settings = settings,
    .setting_count = SETTINGS + 2,
    .create = create,
    .destroy = destroy,
    .learn = learn,
    .answer = answer_question,
};
