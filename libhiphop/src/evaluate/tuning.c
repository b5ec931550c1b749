// Coordinate search: for each setting in turn, short trials climb along its grid from where it stands, and
// what looks better than before gets a full trial against what is best so far. All trials ask for the same
// targets, so small differences count. Rounds go on until one changes nothing, or until time is up.
//
// A short trial asks for fewer targets, and of a long log it sees only the end of the share that may be seen.
#include "evaluate/model_kind.h"

#include <math.h>
#include <string.h>

#define SHORT        8      // a short trial asks for a 1/SHORT of the targets
#define SHORT_CLICKS 150000 // and sees so many clicks, half of them before the targets count
#define CLIMB        2      // how far along the grid it looks
#define BEST         2      // values that get a full trial

typedef struct hh_search {
    const hh_log *log;
    const hh_tune_options *options;
    const char *model;
    hh_evaluate_options evaluate;
    hh_setting_value values[HH_TUNED]; // the caller's of other models, then those of this one in its order
    bool given[HH_TUNED];              // by the caller: it stays
    size_t foreign_count, value_count;
    double deadline; // 0: none
    uint32_t full_every, short_every;
    double full_from, short_begin, short_from;
    double short_worth; // of what is best so far; < 0: not known
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

static hh_status trial(hh_search *search, hh_result *result)
{
    search->evaluate.begin = 0;
    search->evaluate.from = search->full_from;
    search->evaluate.every = search->full_every;
    hh_status status =
        hh_evaluate(search->log, &search->evaluate, &search->model, 1, take_result, search, search->error);
    *result = search->last;
    search->trials++;
    return status;
}

static hh_status short_trial(hh_search *search, double *reached)
{
    search->evaluate.begin = search->short_begin;
    search->evaluate.from = search->short_from;
    search->evaluate.every = search->short_every;
    hh_status status =
        hh_evaluate(search->log, &search->evaluate, &search->model, 1, take_result, search, search->error);
    *reached = worth(&search->last);
    search->trials++;
    return status;
}

static bool time_is_up(const hh_search *search)
{
    return search->deadline > 0 && search->options->evaluate.clock() >= search->deadline;
}

// Where a value stands in the grid, or would stand.
static size_t place_in(const hh_setting *setting, double value)
{
    for (size_t i = 0; i < setting->grid_count; i++)
        if (setting->grid[i] == value)
            return i;
    size_t place = 0;
    while (place + 1 < setting->grid_count && setting->grid[place] < value)
        place++;
    return place;
}

static bool same_list(const char *name, const char *other)
{
    const char *bracket = strchr(name, '[');
    return bracket && strncmp(name, other, (size_t)(bracket - name) + 1) == 0;
}

// The values of a list, "name[0]", "name[1]", ..., go from small to large.
static bool in_order(const hh_search *search, const hh_setting_value *value, double wanted)
{
    const hh_setting_value *end = search->values + search->value_count;
    if (value > search->values && same_list(value->name, value[-1].name) && wanted < value[-1].value)
        return false;
    return value + 1 == end || !same_list(value->name, value[1].name) || wanted <= value[1].value;
}

// Short trials from the value on in both directions, as long as they get better. reached[grid_count]: what
// each value reached, < 0 for those not tried.
static hh_status climb(hh_search *search, hh_setting_value *value, const hh_setting *setting, double *reached)
{
    const double incumbent = value->value;
    size_t centre = place_in(setting, incumbent);
    hh_status status = HH_OK;
    if (search->short_worth < 0)
        status = short_trial(search, &search->short_worth);
    for (size_t i = 0; i < setting->grid_count; i++)
        reached[i] = setting->grid[i] == incumbent ? search->short_worth : -1;
    for (bool moved = true; moved && status == HH_OK;) {
        size_t first = centre > CLIMB ? centre - CLIMB : 0, best = centre;
        for (size_t i = first; i < setting->grid_count && i <= centre + CLIMB && status == HH_OK; i++) {
            if (reached[i] < 0 && in_order(search, value, setting->grid[i]) && !time_is_up(search)) {
                value->value = setting->grid[i];
                status = short_trial(search, &reached[i]);
            }
            if (reached[i] > reached[best])
                best = i;
        }
        moved = best != centre;
        centre = best;
    }
    value->value = incumbent;
    return status;
}

// One setting; *best is the full trial of what is best so far.
static hh_status improve(hh_search *search, hh_setting_value *value, const hh_setting *setting,
                         hh_result *best, bool *changed)
{
    double reached[sizeof setting->grid / sizeof *setting->grid], kept = value->value;
    hh_status status = climb(search, value, setting, reached);
    double short_incumbent = search->short_worth;
    for (int full = 0; full < BEST && status == HH_OK && !time_is_up(search); full++) {
        size_t next = 0;
        for (size_t i = 1; i < setting->grid_count; i++)
            next = reached[i] > reached[next] ? i : next;
        if (reached[next] <= short_incumbent)
            break;
        value->value = setting->grid[next];
        hh_result result;
        status = trial(search, &result);
        if (status == HH_OK && worth(&result) > worth(best)) {
            *best = result;
            kept = value->value;
            search->short_worth = reached[next];
            *changed = true;
        }
        reached[next] = -1;
    }
    value->value = kept;
    return status;
}

static void put(hh_search *search, const char *name, double value, bool given)
{
    if (search->value_count < HH_TUNED) {
        search->values[search->value_count] = (hh_setting_value){name, value};
        search->given[search->value_count] = given;
    }
    search->value_count++;
}

static bool is_of(const hh_model_kind *kind, const char *name)
{
    for (size_t k = 0; k < kind->setting_count; k++)
        if (strcmp(kind->settings[k].name, name) == 0)
            return true;
    return false;
}

// A list's defaults give way to the values beside them that the caller has set.
static void put_in_order(hh_search *search)
{
    hh_setting_value *value = search->values;
    for (size_t i = search->foreign_count + 1; i < search->value_count; i++)
        if (!search->given[i] && same_list(value[i].name, value[i - 1].name) &&
            value[i].value < value[i - 1].value)
            value[i].value = value[i - 1].value;
    for (size_t i = search->value_count; i-- > search->foreign_count + 1;)
        if (!search->given[i - 1] && same_list(value[i].name, value[i - 1].name) &&
            value[i - 1].value > value[i].value)
            value[i - 1].value = value[i].value;
}

// What the caller has set stays; the other settings with a grid are tuned, from their defaults.
static hh_status prepare(hh_search *search, const hh_model_kind *kind, hh_error *error)
{
    const hh_evaluate_options *given = &search->options->evaluate;
    for (size_t i = 0; i < given->setting_count; i++)
        if (!is_of(kind, given->settings[i].name))
            put(search, given->settings[i].name, given->settings[i].value, true);
    search->foreign_count = search->value_count;
    for (size_t k = 0; k < kind->setting_count; k++) {
        const hh_setting *setting = &kind->settings[k];
        double value = hh_model_setting_or(given, setting->name, NAN);
        if (!isnan(value))
            put(search, setting->name, value, true);
        else if (setting->grid_count > 0)
            put(search, setting->name, hh_setting_standard(setting), false);
    }
    if (search->value_count > HH_TUNED)
        return hh_fail(error, HH_LIMIT, "more than %d settings", HH_TUNED);
    put_in_order(search);
    return HH_OK;
}

static uint32_t every_for(double clicks, double targets)
{
    return clicks > targets ? (uint32_t)(clicks / targets) : 1;
}

static void plan_trials(hh_search *search)
{
    const hh_log *log = search->log;
    double share = search->options->share, clicks = (double)log->clicks, targets = search->options->targets;
    double few = targets / (double)SHORT;
    search->short_worth = -1;
    if (log->train) { // its test is what is asked for, and short trials see all of the training, too
        double asked = clicks - log->session[log->train].first;
        search->full_every = every_for(asked, targets);
        search->short_every = every_for(asked, few);
        return;
    }
    double seen = clicks * share > SHORT_CLICKS ? SHORT_CLICKS / clicks : share; // as a share of the log
    search->full_every = every_for(clicks * share / 2, targets);
    search->short_every = every_for(clicks * seen / 2, few);
    search->full_from = share / 2;
    search->short_begin = share - seen;
    search->short_from = share - seen / 2;
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
    search.evaluate.until = options->share;
    search.evaluate.observe = NULL;
    plan_trials(&search);
    if (options->budget > 0)
        search.deadline = options->evaluate.clock() + options->budget;
    hh_status status = prepare(&search, kind, error);
    search.evaluate.settings = search.values;
    search.evaluate.setting_count = search.value_count;
    if (status == HH_OK)
        status = trial(&search, &tuned->before);
    tuned->after = tuned->before;
    bool changed = tuned->before.targets > 0, stopped = false; // without a target all settings are alike
    for (uint32_t round = 0; round < options->rounds && changed && !stopped && status == HH_OK; round++) {
        changed = false;
        for (size_t i = search.foreign_count; i < search.value_count && !stopped && status == HH_OK; i++) {
            if (search.given[i])
                continue;
            status = improve(&search, &search.values[i], hh_setting_find(search.values[i].name),
                             &tuned->after, &changed);
            stopped =
                time_is_up(&search) ||
                (options->progress && !options->progress(options->context, search.trials, &tuned->after));
        }
    }
    tuned->trials = search.trials;
    if (status != HH_OK)
        return status;
    tuned->count = search.value_count - search.foreign_count;
    memcpy(tuned->settings, search.values + search.foreign_count, tuned->count * sizeof *tuned->settings);
    memcpy(tuned->given, search.given + search.foreign_count, tuned->count * sizeof *tuned->given);
    return HH_OK;
}
