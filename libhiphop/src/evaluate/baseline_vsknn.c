// Baseline `vsknn`, V-SKNN (Ludewig and Jannach 2018): of the newest `sample` sessions that share an item
// with this one, the `neighbours` most similar vote for their items. A shared item weighs the more the later
// it stands in the session ((position / length), squared); a neighbour's votes weigh 1 / (distance of its
// latest shared item + 1), and rare items more than frequent ones.
#include "evaluate/neighbours.h"

#include <math.h>
#include <stdlib.h>

typedef struct hh_vsknn {
    hh_neighbours neighbours;
    hh_score_sheet sheet;
    uint32_t k, sample;
    double idf;
} hh_vsknn;

static const hh_model_info infos[] = {{"vsknn", "V-SKNN: items of the most similar recent sessions", true}};

enum { NEIGHBOURS, SAMPLE, IDF, SETTINGS };
static const hh_setting settings[SETTINGS + 2] = {
    [NEIGHBOURS] = {"vsknn.neighbours", "sessions that vote", HH_SETTING_COUNT, 1, 100000, 200,
                    GRID(50, 100, 200, 500, 1000)},
    [SAMPLE] = {"vsknn.sample", "newest sessions to choose them from", HH_SETTING_COUNT, 1, 1000000, 1000,
                GRID(250, 500, 1000, 2500, 5000)},
    [IDF] = {"vsknn.idf", "exponent of ln(sessions / sessions with the item)", HH_SETTING_NUMBER, 0, 10, 0.5,
             GRID(0, 0.3, 0.6, 1, 2)},
    DAMP_LAST("vsknn"),
    DAMP_OWN("vsknn"),
};

static void destroy(void *model)
{
    hh_vsknn *self = model;
    hh_neighbours_free(&self->neighbours);
    hh_scores_free(&self->sheet);
    free(self);
}

static void *create(const hh_model_setup *setup, hh_error *error)
{
    hh_vsknn *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->k = (uint32_t)hh_model_setting(setup->options, settings[NEIGHBOURS].name);
    self->sample = (uint32_t)hh_model_setting(setup->options, settings[SAMPLE].name);
    self->idf = hh_model_setting(setup->options, settings[IDF].name);
    bool neighbours = hh_neighbours_init(&self->neighbours, setup->log);
    bool sheet = hh_scores_init(&self->sheet, setup, settings + SETTINGS);
    if (neighbours && sheet)
        return self;
    destroy(self);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

static hh_status learn(void *model, const hh_lesson *lesson)
{
    hh_vsknn *self = model;
    hh_scores_learn(&self->sheet, lesson);
    return hh_neighbours_learn(&self->neighbours, lesson);
}

static hh_status answer_question(void *model, const hh_question *question, hh_answer *answer)
{
    hh_vsknn *self = model;
    hh_neighbours *all = &self->neighbours;
    float weights[NEIGHBOUR_DEPTH];
    uint32_t depth = question->length < NEIGHBOUR_DEPTH ? question->length : NEIGHBOUR_DEPTH;
    for (uint32_t back = 0; back < depth; back++) {
        float share = (float)(depth - back) / (float)depth;
        weights[back] = share * share;
    }
    hh_status status = hh_neighbours_gather(all, question, self->sample, weights, depth);
    if (status != HH_OK)
        return status;
    hh_neighbours_keep(all, self->k);
    hh_scores_begin(&self->sheet);
    for (uint32_t i = 0; i < all->count; i++) {
        const hh_neighbour *one = &all->found[i];
        float vote = one->similarity / (float)(one->match + 1);
        uint32_t count;
        const uint32_t *items = hh_neighbour_items(all, one, &count);
        hh_neighbours_new_mark(all);
        for (uint32_t at = 0; at < count; at++)
            if (hh_neighbours_first_seen(all, items[at]))
                hh_scores_add(&self->sheet, items[at], vote);
    }
    hh_neighbours_weigh_rare(all, &self->sheet, self->idf);
    hh_scores_answer(&self->sheet, question, answer);
    return HH_OK;
}

const hh_model_kind hh_baseline_vsknn = {
    .outputs = infos,
    .output_count = 1,
    .settings = settings,
    .setting_count = SETTINGS + 2,
    .create = create,
    .destroy = destroy,
    .learn = learn,
    .answer = answer_question,
};
