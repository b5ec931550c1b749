// Baseline `pop`: what is popular now, whoever asks.
#include "evaluate/model_kind.h"

#include <stdlib.h>

typedef struct hh_pop {
    hh_popular popular;
    float scores[POPULAR_TOP];
} hh_pop;

static const hh_model_info infos[] = {{"pop", "what is popular now", true}};

static const hh_setting settings[] = {
    {"pop.half_life", "half-life of a click; 0: forever", HH_SETTING_DURATION, 0, 1e13, HH_HOUR,
     GRID_HALF_LIFE},
};

static void destroy(void *model)
{
    hh_pop *self = model;
    hh_popular_free(&self->popular);
    free(self);
}

static void *create(const hh_model_setup *setup, hh_error *error)
{
    hh_pop *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    if (hh_popular_init(&self->popular, setup->log->items,
                        hh_model_setting(setup->options, settings[0].name)))
        return self;
    destroy(self);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

static hh_status learn(void *model, const hh_lesson *lesson)
{
    hh_pop *self = model;
    hh_popular_learn(&self->popular, lesson->items[lesson->position], lesson->time);
    return HH_OK;
}

static hh_status answer_question(void *model, const hh_question *question, hh_answer *answer)
{
    (void)question;
    hh_pop *self = model;
    hh_popular_scores(&self->popular, self->scores);
    answer->count = self->popular.count;
    answer->items = self->popular.top;
    answer->scores[0] = self->scores;
    answer->stride[0] = 1;
    return HH_OK;
}

const hh_model_kind hh_baseline_pop = {
    .outputs = infos,
    .output_count = 1,
    .settings = settings,
    .setting_count = 1,
    .create = create,
    .destroy = destroy,
    .learn = learn,
    .answer = answer_question,
};
