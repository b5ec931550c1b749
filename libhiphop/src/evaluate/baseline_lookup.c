// Baseline `lookup`: what came next where the same clicks were made before. No settings, nothing learned: of
// the sessions that hold the last item it takes those that share the most clicks up to it, and lists what
// they went on to; then those that share one click less. Under --protocol paper it is what shows the leak.
#include "evaluate/neighbours.h"

#include <stdlib.h>

#define SESSIONS 1000  // newest ones that are looked through,
#define SCAN     256   // of each the last so many clicks,
#define SHARED   64    // and so many clicks are compared, at most
#define AGAIN    1e-4f // each further session that went on so counts for so many shared clicks,
#define MOST     0.5f  // all of them for no more than that

typedef struct hh_lookup {
    hh_neighbours neighbours;
    hh_score_sheet sheet;
} hh_lookup;

static const hh_model_info infos[] = {
    {"lookup", "what came next where the same clicks were made before", true}};

static const hh_setting settings[] = {DAMP_LAST("lookup"), DAMP_OWN("lookup")};

static void destroy(void *model)
{
    hh_lookup *self = model;
    hh_neighbours_free(&self->neighbours);
    hh_scores_free(&self->sheet);
    free(self);
}

static void *create(const hh_model_setup *setup, hh_error *error)
{
    hh_lookup *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    bool neighbours = hh_neighbours_init(&self->neighbours, setup->log);
    bool sheet = hh_scores_init(&self->sheet, setup, settings);
    if (neighbours && sheet)
        return self;
    destroy(self);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

static hh_status learn(void *model, const hh_lesson *lesson)
{
    hh_lookup *self = model;
    hh_scores_learn(&self->sheet, lesson);
    return hh_neighbours_learn(&self->neighbours, lesson);
}

// How many clicks up to items[at] are the last ones of the question, and one more where both sessions begin
// with them.
static uint32_t shared_clicks(const hh_question *question, const uint32_t *items, uint32_t at)
{
    uint32_t shared = 0, length = question->length;
    while (shared < length && shared <= at && shared < SHARED &&
           items[at - shared] == question->items[length - 1 - shared])
        shared++;
    return shared + (shared == length && shared == at + 1);
}

static void look_through(hh_lookup *self, const hh_question *question, uint32_t session)
{
    const hh_neighbour one = {.session = session};
    uint32_t count;
    const uint32_t *items = hh_neighbour_items(&self->neighbours, &one, &count);
    for (uint32_t at = count > SCAN ? count - SCAN : 0; at + 1 < count; at++) {
        float shared = (float)shared_clicks(question, items, at), *score = &self->sheet.dense[items[at + 1]];
        if (shared == 0)
            continue;
        if (*score == 0)
            self->sheet.touched[self->sheet.count++] = items[at + 1];
        if (shared > *score)
            *score = shared;
        else if (*score < shared + MOST)
            *score += AGAIN;
    }
}

static hh_status answer_question(void *model, const hh_question *question, hh_answer *answer)
{
    hh_lookup *self = model;
    const hh_posting *posting = &self->neighbours.postings[question->items[question->length - 1]];
    hh_scores_begin(&self->sheet);
    for (uint32_t back = 1; back <= SESSIONS && back <= posting->count; back++) {
        uint32_t session = posting->sessions[posting->count - back];
        if (session != question->session)
            look_through(self, question, session);
    }
    hh_scores_answer(&self->sheet, question, answer);
    return HH_OK;
}

const hh_model_kind hh_baseline_lookup = {
    .outputs = infos,
    .output_count = 1,
    .settings = settings,
    .setting_count = sizeof settings / sizeof *settings,
    .create = create,
    .destroy = destroy,
    .learn = learn,
    .answer = answer_question,
};
