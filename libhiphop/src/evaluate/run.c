// hh_evaluate: checks what is asked for, makes each model's run and reports it. The protocols are files of
// their own.
#include "evaluate/run.h"
#include "nn/random.h"

#include <stdlib.h>
#include <string.h>

// Before the targets count, clicks of the second half of what is known, or of that part of it that can teach,
// teach a model that learns from outcomes: about so many of them at most, evenly spread. A list of sessions
// without a clock takes longer.
#define WARM_UP_CLICKS   1000000
#define WARM_UP_SESSIONS 200000

hh_evaluate_options hh_evaluate_defaults(void)
{
    return (hh_evaluate_options){.from = 0.5, .until = 1, .every = 1, .train_until = 1};
}

void hh_vectors_by_lot(float *vectors, size_t numbers, uint64_t seed)
{
    hh_random random = hh_random_of(seed, 0x107);
    for (size_t i = 0; i < numbers; i++)
        vectors[i] = 2 * hh_random_unit(&random) - 1;
}

// ---- what the protocols share ----

double hh_run_now(const hh_run *run)
{
    return run->options->clock ? run->options->clock() : 0;
}

bool hh_run_goes_on(const hh_run *run)
{
    const hh_evaluate_options *options = run->options;
    return !options->progress || options->progress(options->progress_context, NULL);
}

hh_status hh_run_learn(hh_run *run, const hh_log *log, uint32_t click)
{
    uint32_t session = log->session_of[click];
    const hh_log_session *about = &log->session[session];
    hh_lesson lesson = {
        .session = session,
        .items = log->item + about->first,
        .position = click - about->first,
        .time = log->time[click],
        .visitor = about->visitor,
    };
    return run->kind->learn(run->model, &lesson);
}

void hh_run_count(hh_run *run, uint32_t item)
{
    uint32_t clicks = ++run->item_clicks[item];
    run->items_clicked += clicks == 1;
    run->most_clicks = clicks > run->most_clicks ? clicks : run->most_clicks;
}

static void observe(const hh_run *run, uint32_t output, const hh_question *question, uint32_t target,
                    const hh_ranking *ranking)
{
    hh_observation observation = {
        .model = run->kind->outputs[output].name,
        .visitor = question->visitor,
        .session_start = question->session_start,
        .position = question->length,
        .as_of = question->as_of,
        .items = ranking->items,
        .count = ranking->count,
        .target = target,
        .rank = ranking->rank,
    };
    run->options->observe(run->options->observe_context, &observation);
}

static void hide(hh_run *run, const hh_question *question)
{
    if (++run->mark == 0) {
        memset(run->hidden, 0, run->log->items * sizeof *run->hidden);
        run->mark = 1;
    }
    for (uint32_t i = 0; i < question->length; i++)
        run->hidden[question->items[i]] = run->mark;
}

static void score(hh_run *run, const hh_question *question, uint32_t target, const hh_answer *answer)
{
    if (run->options->hide_session_items)
        hide(run, question);
    for (uint32_t output = 0; output < run->kind->output_count; output++) {
        if (!run->wanted[output])
            continue;
        hh_ranking ranking;
        hh_rank_candidates(answer->items, answer->scores[output], answer->stride[output], answer->count,
                           target, run->options->hide_session_items ? run->hidden : NULL, run->mark,
                           &ranking);
        hh_tally_add(&run->tallies[output], &ranking, run->item_clicks, run->most_clicks);
        if (run->options->observe)
            observe(run, output, question, target, &ranking);
    }
}

hh_status hh_run_ask(hh_run *run, const hh_question *question, uint32_t target, bool counts,
                     hh_answer *answer)
{
    if (run->asked++ % 64 == 0 && !hh_run_goes_on(run))
        return HH_STOPPED;
    double start = hh_run_now(run);
    *answer = (hh_answer){0};
    hh_status status = run->kind->answer(run->model, question, answer);
    run->predict_seconds += hh_run_now(run) - start;
    if (status == HH_OK && counts)
        score(run, question, target, answer);
    return status;
}

// ---- one run ----

static void plan_warm_up(hh_run *run)
{
    uint64_t most = run->log->train ? WARM_UP_SESSIONS : WARM_UP_CLICKS;
    uint64_t from = run->first - run->first / 2, fit = 0;
    if (run->kind->teaches_from)
        fit = run->kind->teaches_from(run->model);
    from = fit > from ? fit : from;
    run->warm_up_every = from < run->first ? (uint32_t)((run->first - from) / most) + 1 : 1;
    if (run->options->every > run->warm_up_every)
        run->warm_up_every = run->options->every;
    run->warm_up_from = from;
}

static hh_status go_through(hh_run *run, const uint32_t *place, hh_error *error)
{
    hh_fail(error, HH_MEMORY, NULL);
    run->model = run->kind->create(&(hh_model_setup){run->log, run->options, run->wanted}, error);
    if (!run->model)
        return error->status;
    run->error = error;
    plan_warm_up(run);
    hh_status status = hh_run_in_order(run, place);
    if (status == HH_OK && run->options->memory == HH_REMEMBER_BATCH)
        status = hh_run_in_batches(run, error);
    return status;
}

static void report_all(const hh_run *run, void (*report)(void *context, const hh_result *result),
                       void *context)
{
    for (uint32_t output = 0; output < run->kind->output_count; output++) {
        if (!run->wanted[output])
            continue;
        hh_result result = {.model = run->kind->outputs[output].name,
                            .train_seconds = run->train_seconds,
                            .predict_seconds = run->predict_seconds};
        hh_tally_result(&run->tallies[output], run->items_clicked, &result);
        report(context, &result);
    }
}

static hh_status run_kind(hh_run *run, void (*report)(void *context, const hh_result *result), void *context,
                          hh_error *error)
{
    const hh_log *log = run->log;
    uint32_t *place = malloc(((size_t)log->clicks + 1) * sizeof *place); // of a click in the stream
    run->item_clicks = calloc((size_t)log->items + 1, sizeof *run->item_clicks);
    run->hidden = calloc((size_t)log->items + 1, sizeof *run->hidden);
    bool room = place && run->item_clicks && run->hidden;
    if (run->kind->learns_outcomes) {
        run->pending = malloc(((size_t)log->sessions + 1) * sizeof *run->pending);
        room = room && run->pending;
        for (uint32_t session = 0; session < log->sessions && room; session++)
            run->pending[session].item = NO_ITEM;
    }
    for (uint32_t output = 0; output < run->kind->output_count; output++)
        room = room && (!run->wanted[output] || hh_tally_init(&run->tallies[output], log->items));
    for (uint32_t i = 0; i < log->clicks && room; i++)
        place[log->stream[i]] = i;

    hh_error reason;
    hh_fail(&reason, HH_MEMORY, NULL);
    hh_status status = room ? go_through(run, place, &reason) : HH_MEMORY;
    if (status == HH_OK)
        report_all(run, report, context);
    else
        hh_fail(error, status, "%s", reason.status == status ? reason.message : hh_status_text(status));

    if (run->model)
        run->kind->destroy(run->model);
    for (uint32_t output = 0; output < run->kind->output_count; output++)
        hh_tally_free(&run->tallies[output]);
    free(run->pending);
    free(run->arrived);
    free(run->hidden);
    free(run->item_clicks);
    free(place);
    return status;
}

// ---- checking what was asked for ----

static hh_status check_options(const hh_log *log, const hh_evaluate_options *options, hh_error *error)
{
    if (!log->stream)
        return hh_fail(error, HH_ARGUMENT, "the log is not finished");
    if (!(options->begin >= 0 && options->begin <= options->from && options->from < options->until &&
          options->until <= 1))
        return hh_fail(error, HH_ARGUMENT,
                       "0 <= begin <= from < until <= 1 must hold for the shares of the log");
    if ((options->memory == HH_REMEMBER_CLICKS || options->ask != HH_ASK_AT_NEXT) && log->train)
        return hh_fail(error, HH_ARGUMENT,
                       "sessions without a clock are known once they have closed, and ask before each click");
    if (options->memory != HH_REMEMBER_CLICKS && options->memory != HH_REMEMBER_CLOSED && !log->train)
        return hh_fail(error, HH_ARGUMENT,
                       "a log of clicks has no sessions that teach apart from the others");
    if (options->train_every < 0 || (options->train_every > 0 && log->train))
        return hh_fail(error, HH_ARGUMENT,
                       "training as the stream goes needs a log of clicks, and more than 0 in between");
    if (!(options->train_until >= 0 && options->train_until <= 1))
        return hh_fail(error, HH_ARGUMENT, "train_until must be a share of the log, from 0 to 1");
    if (options->every == 0)
        return hh_fail(error, HH_ARGUMENT, "every must be 1 or more");
    for (size_t i = 0; i < options->setting_count; i++) {
        const hh_setting_value *given = &options->settings[i];
        const hh_setting *setting = hh_setting_find(given->name);
        if (!setting)
            return hh_fail(error, HH_NOT_FOUND, "there is no setting '%s'", given->name);
        if (!(given->value >= setting->low && given->value <= setting->high))
            return hh_fail(error, HH_ARGUMENT, "%s must be from %g to %g, and %g is not", given->name,
                           setting->low, setting->high, given->value);
    }
    return HH_OK;
}

static const hh_model_info *find_model(const char *name)
{
    const hh_model_info *info;
    for (size_t index = 0; (info = hh_evaluate_model(index)); index++)
        if (strcmp(info->name, name) == 0)
            return info;
    return NULL;
}

// Which clicks are targets, and which teach a model that learns from outcomes.
static hh_run plan(const hh_log *log, const hh_evaluate_options *options)
{
    hh_run run = {.log = log, .options = options, .trained = HH_TIME_MIN};
    if (log->train) {
        run.first = log->session[log->train].first;
        run.last = options->memory == HH_REMEMBER_BATCH ? run.first : log->clicks;
        run.frozen = options->memory != HH_REMEMBER_CLOSED;
    } else {
        run.first = (uint64_t)(options->from * log->clicks);
        run.last = (uint64_t)(options->until * log->clicks);
    }
    return run;
}

hh_status hh_evaluate(const hh_log *log, const hh_evaluate_options *options, const char *const *models,
                      size_t count, void (*report)(void *context, const hh_result *result), void *context,
                      hh_error *error)
{
    hh_status status = check_options(log, options, error);
    for (size_t i = 0; i < count && status == HH_OK; i++)
        if (!find_model(models[i]))
            status = hh_fail(error, HH_NOT_FOUND, "there is no model '%s'", models[i]);
    for (size_t i = 0; i < MODEL_KINDS && status == HH_OK; i++) {
        const hh_model_kind *kind = hh_model_kinds[i];
        bool wanted[MODEL_OUTPUTS] = {false}, any = false;
        for (uint32_t output = 0; output < kind->output_count; output++)
            for (size_t name = 0; name < count; name++)
                if (strcmp(kind->outputs[output].name, models[name]) == 0)
                    wanted[output] = any = true;
        if (!any)
            continue;
        hh_run run = plan(log, options);
        run.kind = kind;
        run.wanted = wanted;
        status = run_kind(&run, report, context, error);
    }
    return status;
}
