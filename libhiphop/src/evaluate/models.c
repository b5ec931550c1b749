// The list of all models and their settings, and the score sheet that the baselines share.
#include "evaluate/model_kind.h"

#include <stdlib.h>
#include <string.h>

const hh_model_kind *const hh_model_kinds[MODEL_KINDS] = {
    &hh_model_graph,    &hh_baseline_pop,  &hh_baseline_transitions, &hh_baseline_sr,
    &hh_baseline_vsknn, &hh_baseline_stan, &hh_baseline_vmis,        &hh_baseline_lookup,
};

const hh_model_info *hh_evaluate_model(size_t index)
{
    for (size_t kind = 0; kind < MODEL_KINDS; kind++) {
        if (index < hh_model_kinds[kind]->output_count)
            return &hh_model_kinds[kind]->outputs[index];
        index -= hh_model_kinds[kind]->output_count;
    }
    return NULL;
}

const hh_setting *hh_evaluate_setting(size_t index)
{
    for (size_t kind = 0; kind < MODEL_KINDS; kind++) {
        if (index < hh_model_kinds[kind]->setting_count)
            return &hh_model_kinds[kind]->settings[index];
        index -= hh_model_kinds[kind]->setting_count;
    }
    return NULL;
}

const hh_setting *hh_setting_find(const char *name)
{
    const hh_setting *setting;
    for (size_t index = 0; (setting = hh_evaluate_setting(index)); index++)
        if (strcmp(setting->name, name) == 0)
            return setting;
    return NULL;
}

double hh_setting_standard(const hh_setting *setting)
{
    for (size_t kind = 0; kind < MODEL_KINDS; kind++)
        for (size_t i = 0; i < hh_model_kinds[kind]->setting_count; i++)
            if (&hh_model_kinds[kind]->settings[i] == setting && hh_model_kinds[kind]->standard)
                return hh_model_kinds[kind]->standard(i);
    return setting->standard;
}

double hh_model_setting_or(const hh_evaluate_options *options, const char *name, double standard)
{
    for (size_t i = options->setting_count; i-- > 0;)
        if (strcmp(options->settings[i].name, name) == 0)
            return options->settings[i].value;
    return standard;
}

double hh_model_setting(const hh_evaluate_options *options, const char *name)
{
    const hh_setting *setting = hh_setting_find(name);
    return hh_model_setting_or(options, name, setting ? hh_setting_standard(setting) : 0);
}

bool hh_scores_init(hh_score_sheet *sheet, const hh_model_setup *setup, const hh_setting *damp)
{
    sheet->damp_last = (float)hh_model_setting(setup->options, damp[0].name);
    sheet->damp_own = (float)hh_model_setting(setup->options, damp[1].name);
    uint32_t items = setup->log->items;
    sheet->items = items;
    sheet->dense = calloc((size_t)items + 1, sizeof *sheet->dense);
    sheet->touched = malloc(((size_t)items + POPULAR_TOP) * sizeof *sheet->touched);
    sheet->compact = malloc(((size_t)items + POPULAR_TOP) * sizeof *sheet->compact);
    bool popular = hh_popular_init(&sheet->popular, items, hh_model_setting(setup->options, "pop.half_life"));
    return popular && sheet->dense && sheet->touched && sheet->compact;
}

void hh_scores_free(hh_score_sheet *sheet)
{
    free(sheet->dense);
    free(sheet->touched);
    free(sheet->compact);
    hh_popular_free(&sheet->popular);
}

void hh_scores_learn(hh_score_sheet *sheet, const hh_lesson *lesson)
{
    hh_popular_learn(&sheet->popular, lesson->items[lesson->position], lesson->time);
}

void hh_scores_begin(hh_score_sheet *sheet)
{
    for (uint32_t i = 0; i < sheet->count; i++)
        sheet->dense[sheet->touched[i]] = 0;
    sheet->count = 0;
}

// Each of the session's items once; what is damped stays above what fills up, or goes if the factor is 0.
static void damp(hh_score_sheet *sheet, const hh_question *question)
{
    if (sheet->damp_last == 1 && sheet->damp_own == 1)
        return;
    uint32_t last = question->items[question->length - 1];
    sheet->dense[last] *= sheet->damp_last;
    for (uint32_t i = 0; i + 1 < question->length; i++) {
        uint32_t item = question->items[i];
        bool again = item == last;
        for (uint32_t k = 0; k < i && !again; k++)
            again = question->items[k] == item;
        if (!again)
            sheet->dense[item] *= sheet->damp_own;
    }
}

void hh_scores_answer(hh_score_sheet *sheet, const hh_question *question, hh_answer *answer)
{
    damp(sheet, question);
    for (uint32_t i = 0; i < sheet->count; i++)
        sheet->compact[i] = sheet->dense[sheet->touched[i]];
    float places[POPULAR_TOP];
    hh_popular_scores(&sheet->popular, places);
    uint32_t count = sheet->count, needed = HH_LIST + question->length; // the session's items may be hidden
    for (uint32_t i = 0; i < sheet->popular.count; i++) {
        uint32_t item = sheet->popular.top[i];
        if (i >= needed && places[i] < places[needed - 1]) // what ties with the last may stand before it
            break;
        if (sheet->dense[item] > 0)
            continue;
        sheet->touched[count] = item;
        sheet->compact[count++] = FILL_SCORE * places[i] / (2 * POPULAR_TOP);
    }
    answer->count = count;
    answer->items = sheet->touched;
    answer->scores[0] = sheet->compact;
    answer->stride[0] = 1;
}
