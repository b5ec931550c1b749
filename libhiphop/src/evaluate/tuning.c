// Coordinate search: for each setting in turn, short trials of all values of its grid, then full trials of
// the two best of them against what is best so far. All trials ask for the same targets, so small differences
// count. Rounds go on until one changes nothing, or until time is up.
#include "evaluate/model.h"

#include <math.h>
#include <string.h>

#define SHORT 8 // a short trial asks for a 1/SHORT of the targets
#define BEST  2 // values of a grid that get a full trial

typedef struct hh_search {
    const hh_log *log;
    const hh_tune_options *options;
    const char *model;
    hh_evaluate_options evaluate;
    hh_setting_value values[HH_TUNED]; // the caller's, which stay, then those that are tuned
    size_t fixed_count, value_count;
    double deadline; // 0: none
    uint32_t full_every;
    uint32_t trials;
    hh_result last;
    hh_error *error;
} hh_search;

hh_tune_options hh_tune_defaults(void)
{
    return (hh_tune_options){.evaluate = hh_evaluate_defaults(), .share = 0.5, .targets = 8000, .rounds = 3};
}

static const hh_model_kind *kind_of(const char *model)
{
    for (size_t i = 0; i < MODEL_KINDS; i++)
        for (uint32_t output = 0; output < hh_model_kinds[i]->output_count; output++)
            if (strcmp(hh_model_kinds[i]->outputs[output].name, model) == 0)
                return hh_model_kinds[i];
    return NULL;
}

static void take_result(void *context, const hh_result *result)
{
    hh_search *search = context;
    search->last = *result;
}

static double worth(const hh_result *result)
{
    return sqrt(result->hr[HH_AT_20] * result->mrr[HH_AT_20]);
}

static hh_status trial(hh_search *search, uint32_t every, hh_result *result)
{
    search->evaluate.every = every;
    search->evaluate.settings = search->values;
    search->evaluate.setting_count = search->value_count;
    hh_status status =
        hh_evaluate(search->log, &search->evaluate, &search->model, 1, take_result, search, search->error);
    *result = search->last;
    search->trials++;
    return status;
}

static bool time_is_up(const hh_search *search)
{
    return search->deadline > 0 && search->options->evaluate.clock() >= search->deadline;
}

// One setting along its grid; *best is the full trial of what is best so far.
static hh_status improve(hh_search *search, hh_setting_value *value, const hh_setting *setting,
                         hh_result *best, bool *changed)
{
    const double incumbent = value->value;
    double chosen[BEST] = {incumbent, incumbent}, chosen_worth[BEST] = {-1, -1};
    size_t chosen_count = 0;
    hh_status status = HH_OK;
    for (size_t i = 0; i < setting->grid_count && status == HH_OK && !time_is_up(search); i++) {
        if (setting->grid[i] == incumbent)
            continue;
        value->value = setting->grid[i];
        hh_result result;
        status = trial(search, search->full_every * SHORT, &result);
        double reached = worth(&result);
        size_t place = reached > chosen_worth[0] ? 0 : reached > chosen_worth[1] ? 1 : BEST;
        if (place == 0) {
            chosen[1] = chosen[0];
            chosen_worth[1] = chosen_worth[0];
        }
        if (place < BEST) {
            chosen[place] = value->value;
            chosen_worth[place] = reached;
            chosen_count += chosen_count < BEST;
        }
    }
    double kept = incumbent;
    for (size_t i = 0; i < chosen_count && status == HH_OK && !time_is_up(search); i++) {
        value->value = chosen[i];
        hh_result result;
        status = trial(search, search->full_every, &result);
        if (status == HH_OK && worth(&result) > worth(best)) {
            *best = result;
            kept = value->value;
            *changed = true;
        }
    }
    value->value = kept;
    return status;
}

// What the caller has set stays; the other settings with a grid are tuned, from their defaults.
static hh_status prepare(hh_search *search, const hh_model_kind *kind, hh_error *error)
{
    const hh_evaluate_options *given = &search->options->evaluate;
    size_t room = HH_TUNED, count = given->setting_count;
    if (count <= room)
        memcpy(search->values, given->settings, count * sizeof *given->settings);
    search->fixed_count = count;
    for (size_t k = 0; k < kind->setting_count && count <= room; k++) {
        const hh_setting *setting = &kind->settings[k];
        bool fixed = setting->grid_count == 0;
        for (size_t i = 0; i < given->setting_count; i++)
            fixed = fixed || strcmp(setting->name, given->settings[i].name) == 0;
        if (!fixed && count++ < room)
            search->values[count - 1] = (hh_setting_value){setting->name, hh_setting_standard(setting)};
    }
    search->value_count = count;
    return count <= room ? HH_OK : hh_fail(error, HH_LIMIT, "more than %d settings", HH_TUNED);
}

// Settings "name[0]", "name[1]", ... are values of a list that goes from small to large; the search does not
// mind their order, but people do.
static void sort_lists(hh_setting_value *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0; k--) {
            const char *bracket = strchr(values[k].name, '[');
            if (!bracket ||
                strncmp(values[k - 1].name, values[k].name, (size_t)(bracket - values[k].name) + 1) != 0 ||
                values[k - 1].value <= values[k].value)
                break;
            double larger = values[k - 1].value;
            values[k - 1].value = values[k].value;
            values[k].value = larger;
        }
}

hh_status hh_tune(const hh_log *log, const hh_tune_options *options, const char *model, hh_tuned *tuned,
                  hh_error *error)
{
    *tuned = (hh_tuned){0};
    const hh_model_kind *kind = kind_of(model);
    if (!kind)
        return hh_fail(error, HH_NOT_FOUND, "there is no model '%s'", model);
    if (!(options->share > 0 && options->share <= 1) || options->targets == 0 ||
        (options->budget > 0 && !options->evaluate.clock))
        return hh_fail(error, HH_ARGUMENT,
                       "share must be above 0 and at most 1, targets at least 1, and a "
                       "budget needs a clock");
    hh_search search = {
        .log = log, .options = options, .model = model, .evaluate = options->evaluate, .error = error};
    search.evaluate.from = options->share / 2; // what is before fills the memory
    search.evaluate.until = options->share;
    search.evaluate.observe = NULL;
    double range = (double)log->clicks * options->share / 2;
    search.full_every = range > options->targets ? (uint32_t)(range / options->targets) : 1;
    if (options->budget > 0)
        search.deadline = options->evaluate.clock() + options->budget;
    hh_status status = prepare(&search, kind, error);
    if (status == HH_OK)
        status = trial(&search, search.full_every, &tuned->before);
    tuned->after = tuned->before;
    bool changed = true, stopped = false;
    for (uint32_t round = 0; round < options->rounds && changed && !stopped && status == HH_OK; round++) {
        changed = false;
        for (size_t i = search.fixed_count; i < search.value_count && !stopped && status == HH_OK; i++) {
            status = improve(&search, &search.values[i], hh_setting_find(search.values[i].name),
                             &tuned->after, &changed);
            stopped =
                time_is_up(&search) ||
                (options->progress && !options->progress(options->context, search.trials, &tuned->after));
        }
    }
    sort_lists(search.values + search.fixed_count, search.value_count - search.fixed_count);
    tuned->trials = search.trials;
    if (status != HH_OK)
        return status;
    tuned->count = search.value_count - search.fixed_count;
    memcpy(tuned->settings, search.values + search.fixed_count, tuned->count * sizeof *tuned->settings);
    return HH_OK;
}
