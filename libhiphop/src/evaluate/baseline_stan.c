// Baseline `stan`, STAN (Garg et al. 2019): neighbours weighted three times over: by where the shared items
// stand in this session (e^(-distance / reach)), by how long ago the neighbour was (e^(-age / half-life ln
// 2)), and each vote by how far the item stands from the latest shared item in the neighbour.
#include "evaluate/neighbours.h"

#include <math.h>
#include <stdlib.h>

typedef struct hh_stan {
    hh_neighbours neighbours;
    hh_score_sheet sheet;
    uint32_t k, sample;
    double half_life; // 0: forever
    float weights[NEIGHBOUR_DEPTH];
    float nearness[NEIGHBOUR_DEPTH]; // by distance in the neighbour
    double idf;
} hh_stan;

static const hh_model_info infos[] = {{"stan", "STAN: neighbours by position, recency and nearness", true}};

enum { NEIGHBOURS, SAMPLE, HALF_LIFE, POSITION, NEARNESS, IDF, SETTINGS };
static const hh_setting settings[SETTINGS + 2] = {
    [NEIGHBOURS] = {"stan.neighbours", "sessions that vote", HH_SETTING_COUNT, 1, 100000, 500,
                    GRID(50, 100, 200, 500, 1000)},
    [SAMPLE] = {"stan.sample", "newest sessions to choose them from", HH_SETTING_COUNT, 1, 1000000, 1000,
                GRID(250, 500, 1000, 2500, 5000)},
    [HALF_LIFE] = {"stan.half_life", "half-life of a neighbour; 0: forever", HH_SETTING_DURATION, 0, 1e13,
                   HH_DAY, GRID_HALF_LIFE},
    [POSITION] = {"stan.position", "reach of a click from the session's end, in clicks", HH_SETTING_NUMBER,
                  0.01, 1000, 1, GRID(0.15, 0.3, 0.6, 1, 2, 4)},
    [NEARNESS] = {"stan.nearness", "reach of a vote around the latest shared item, in clicks",
                  HH_SETTING_NUMBER, 0.01, 1000, 2.5, GRID(0.3, 0.6, 1, 2.5, 6, 100)},
    [IDF] = {"stan.idf", "exponent of ln(sessions / sessions with the item)", HH_SETTING_NUMBER, 0, 10, 0,
             GRID(0, 0.3, 0.6, 1, 2)},
    DAMP_LAST("stan"),
    DAMP_OWN("stan"),
};

static void destroy(void *model)
{
    hh_stan *self = model;
    hh_neighbours_free(&self->neighbours);
    hh_scores_free(&self->sheet);
    free(self);
}

static void *create(const hh_model_setup *setup, hh_error *error)
{
    hh_stan *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->k = (uint32_t)hh_model_setting(setup->options, settings[NEIGHBOURS].name);
    self->sample = (uint32_t)hh_model_setting(setup->options, settings[SAMPLE].name);
    self->half_life = hh_model_setting(setup->options, settings[HALF_LIFE].name);
    self->idf = hh_model_setting(setup->options, settings[IDF].name);
    double position = hh_model_setting(setup->options, settings[POSITION].name);
    double nearness = hh_model_setting(setup->options, settings[NEARNESS].name);
    for (int i = 0; i < NEIGHBOUR_DEPTH; i++) {
        self->weights[i] = (float)exp(-i / position);
        self->nearness[i] = (float)exp(-i / nearness);
    }
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
    hh_stan *self = model;
    hh_scores_learn(&self->sheet, lesson);
    return hh_neighbours_learn(&self->neighbours, lesson);
}

// Votes of one neighbour: each of its items by its nearest click to the latest shared one.
static void vote(hh_stan *self, const hh_neighbour *one, uint32_t shared_item)
{
    uint32_t count;
    const uint32_t *items = hh_neighbour_items(&self->neighbours, one, &count);
    uint32_t shared = count - 1;
    while (shared > 0 && items[shared] != shared_item)
        shared--;
    hh_neighbours_new_mark(&self->neighbours);
    for (uint32_t distance = 0; distance < NEIGHBOUR_DEPTH; distance++) {
        if (shared + distance >= count && distance > shared)
            break;
        float weight = one->similarity * self->nearness[distance];
        if (shared + distance < count &&
            hh_neighbours_first_seen(&self->neighbours, items[shared + distance]))
            hh_scores_add(&self->sheet, items[shared + distance], weight);
        if (distance <= shared && hh_neighbours_first_seen(&self->neighbours, items[shared - distance]))
            hh_scores_add(&self->sheet, items[shared - distance], weight);
    }
}

static hh_status answer_question(void *model, const hh_question *question, hh_answer *answer)
{
    hh_stan *self = model;
    hh_neighbours *all = &self->neighbours;
    hh_status status = hh_neighbours_gather(all, question, self->sample, self->weights, NEIGHBOUR_DEPTH);
    if (status != HH_OK)
        return status;
    for (uint32_t i = 0; i < all->count; i++) {
        hh_neighbour *one = &all->found[i];
        double age = (double)(question->as_of - one->last);
        double recency = self->half_life > 0 && age > 0 ? exp2(-age / self->half_life) : 1;
        one->similarity *= (float)(recency / sqrt((double)all->known[one->session]));
    }
    hh_neighbours_keep(all, self->k);
    hh_scores_begin(&self->sheet);
    for (uint32_t i = 0; i < all->count; i++)
        vote(self, &all->found[i], question->items[question->length - 1 - all->found[i].match]);
    hh_neighbours_weigh_rare(all, &self->sheet, self->idf);
    hh_scores_answer(&self->sheet, question, answer);
    return HH_OK;
}

const hh_model_kind hh_baseline_stan = {
    .outputs = infos,
    .output_count = 1,
    .settings = settings,
    .setting_count = SETTINGS + 2,
    .create = create,
    .destroy = destroy,
    .learn = learn,
    .answer = answer_question,
};
