// The protocol: one pass through the log for each model, in time order. Clicks of the same time are dealt
// with together: first what has become known is learned, then every list of that time is asked for, then the
// clicks themselves are learned. So a list knows what is strictly before its time, whatever the order of
// arrival, and clicks of the same millisecond know nothing of each other.
#include "evaluate/model.h"
#include "evaluate/ranking.h"

#include <stdlib.h>
#include <string.h>

// Before the targets count, each n-th click of the second half of what is known teaches a model that learns
// from outcomes.
#define WARM_UP_EVERY 8

#define NO_ITEM UINT32_MAX

typedef struct hh_foreseen { // what an answer had said of the item that was then clicked
    uint32_t item, length;   // length: of the session that asked
    float scores[MODEL_OUTPUTS];
} hh_foreseen;

// One model's way through the log.
typedef struct hh_run {
    const hh_log *log;
    const hh_evaluate_options *options;
    const hh_model_kind *kind;
    void *model;
    const bool *wanted; // [output_count]
    hh_tally tallies[MODEL_OUTPUTS];
    double train_seconds, predict_seconds;

    uint64_t first, last; // targets first <= place in the stream < last are counted
    uint32_t warm_up_every;
    uint64_t targets_seen;  // of those, for options.every
    uint32_t *item_clicks;  // [items] so far
    uint32_t items_clicked; // with at least one
    uint32_t most_clicks;
    uint32_t *hidden, mark; // [items] == mark: in the asking session
    uint32_t sessions_closed;

    // For models that learn from outcomes: answers whose target has not come yet (after-click), by session,
    // and those whose target is among the clicks of the time at hand.
    hh_foreseen *pending; // [sessions] those with item == NO_ITEM are none
    hh_foreseen *arrived;
    size_t arrived_count, arrived_room;
} hh_run;

hh_evaluate_options hh_evaluate_defaults(void)
{
    return (hh_evaluate_options){.from = 0.5, .until = 1, .every = 1};
}

static double now(const hh_run *run)
{
    return run->options->clock ? run->options->clock() : 0;
}

static uint32_t position_of(const hh_log *log, uint32_t click)
{
    return click - log->session[log->session_of[click]].first;
}

// ---- learning ----

static hh_status learn_click(hh_run *run, uint32_t click)
{
    const hh_log *log = run->log;
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

// Sessions that have closed by then.
static hh_status learn_closed(hh_run *run, hh_time time)
{
    const hh_log *log = run->log;
    bool teach = run->options->memory == HH_REMEMBER_CLOSED;
    if (!teach && !run->kind->closed)
        return HH_OK;
    hh_status status = HH_OK;
    while (run->sessions_closed < log->sessions && status == HH_OK) {
        uint32_t number = log->by_close[run->sessions_closed];
        const hh_log_session *session = &log->session[number];
        if (session->known_from > time)
            break;
        run->sessions_closed++;
        for (uint32_t i = 0; i < session->count && teach && status == HH_OK; i++)
            status = learn_click(run, session->first + i);
        if (status == HH_OK && run->kind->closed)
            status = run->kind->closed(run->model, number);
    }
    return status;
}

// ---- asking ----

// The target of the list that click asks for, counted by the target's place in the stream.
typedef struct hh_asking {
    uint32_t length; // clicks of the session that the question shows; 0: nothing is asked
    uint32_t target; // a click
} hh_asking;

static hh_asking asking_at(const hh_run *run, uint32_t click)
{
    uint32_t position = position_of(run->log, click);
    if (run->options->ask == HH_ASK_AT_NEXT)
        return (hh_asking){.length = position, .target = click};
    bool last = position + 1 == run->log->session[run->log->session_of[click]].count;
    return last ? (hh_asking){0} : (hh_asking){.length = position + 1, .target = click + 1};
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

static hh_status has_come(hh_run *run, const hh_foreseen *outcome)
{
    if (run->arrived_count == run->arrived_room) {
        size_t room = 2 * run->arrived_room + 16;
        hh_foreseen *larger = realloc(run->arrived, room * sizeof *larger);
        if (!larger)
            return HH_MEMORY;
        run->arrived = larger;
        run->arrived_room = room;
    }
    run->arrived[run->arrived_count++] = *outcome;
    return HH_OK;
}

// Asks for a list as of the click's time. counts: the figures are kept; if not, it is only for learning.
static hh_status ask(hh_run *run, uint32_t click, hh_asking asking, bool counts)
{
    const hh_log *log = run->log;
    uint32_t session = log->session_of[click];
    const hh_log_session *about = &log->session[session];
    hh_question question = {
        .session = session,
        .items = log->item + about->first,
        .length = asking.length,
        .as_of = log->time[click],
        .visitor = about->visitor,
        .session_start = log->time[about->first],
    };
    hh_answer answer;
    double start = now(run);
    hh_status status = run->kind->answer(run->model, &question, &answer);
    run->predict_seconds += now(run) - start;
    if (status != HH_OK)
        return status;

    uint32_t target = log->item[asking.target];
    if (counts) {
        if (run->options->hide_session_items)
            hide(run, &question);
        for (uint32_t output = 0; output < run->kind->output_count; output++) {
            if (!run->wanted[output])
                continue;
            hh_ranking ranking;
            hh_rank_candidates(answer.items, answer.scores[output], answer.stride[output], answer.count,
                               target, run->options->hide_session_items ? run->hidden : NULL, run->mark,
                               &ranking);
            hh_tally_add(&run->tallies[output], &ranking, run->item_clicks, run->most_clicks);
            if (run->options->observe)
                observe(run, output, &question, target, &ranking);
        }
    }
    if (!run->kind->learns_outcomes)
        return HH_OK;
    hh_foreseen outcome = {.item = target, .length = asking.length};
    for (uint32_t row = 0; row < answer.count; row++)
        if (answer.items[row] == target)
            for (uint32_t output = 0; output < run->kind->output_count; output++)
                outcome.scores[output] = answer.scores[output][(size_t)row * answer.stride[output]];
    if (run->options->ask == HH_ASK_AT_NEXT)
        return has_come(run, &outcome);
    run->pending[session] = outcome;
    return HH_OK;
}

static hh_status ask_at(hh_run *run, uint32_t click, const uint32_t *place)
{
    hh_foreseen *pending = run->pending ? &run->pending[run->log->session_of[click]] : NULL;
    if (pending && pending->item != NO_ITEM) {
        hh_status status = has_come(run, pending);
        if (status != HH_OK)
            return status;
        pending->item = NO_ITEM;
    }
    hh_asking asking = asking_at(run, click);
    if (asking.length == 0)
        return HH_OK;
    uint64_t at = place[asking.target];
    bool counts = at >= run->first && at < run->last && run->targets_seen++ % run->options->every == 0;
    bool warm_up =
        at < run->first && 2 * at >= run->first && run->kind->learns_outcomes && at % run->warm_up_every == 0;
    return counts || warm_up ? ask(run, click, asking, counts) : HH_OK;
}

// The clicks of this time have come: what foresaw them, or not, may be learned from.
static void learn_outcomes(hh_run *run, hh_time time)
{
    for (size_t i = 0; i < run->arrived_count; i++)
        run->kind->outcome(run->model, run->arrived[i].item, time, run->arrived[i].length,
                           run->arrived[i].scores);
    run->arrived_count = 0;
}

// ---- the pass ----

// The first click that may be known; sessions that closed before it never are.
static uint32_t first_known(hh_run *run)
{
    const hh_log *log = run->log;
    uint32_t first = (uint32_t)(run->options->begin * log->clicks);
    while (first > 0 && log->time[log->stream[first - 1]] == log->time[log->stream[first]])
        first--;
    while (first > 0 && run->sessions_closed < log->sessions &&
           log->session[log->by_close[run->sessions_closed]].known_from <= log->time[log->stream[first]])
        run->sessions_closed++;
    return first;
}

static hh_status pass(hh_run *run, const uint32_t *place)
{
    const hh_log *log = run->log;
    bool open_sessions = run->options->memory == HH_REMEMBER_CLICKS;
    hh_status status = HH_OK;
    uint32_t begin = first_known(run);
    for (uint32_t end; begin < run->last && status == HH_OK; begin = end) {
        hh_time time = log->time[log->stream[begin]];
        for (end = begin + 1; end < log->clicks && log->time[log->stream[end]] == time;)
            end++;
        double start = now(run);
        status = learn_closed(run, time);
        run->train_seconds += now(run) - start;
        for (uint32_t i = begin; i < end && status == HH_OK; i++)
            status = ask_at(run, log->stream[i], place);
        start = now(run);
        learn_outcomes(run, time);
        for (uint32_t i = begin; i < end && status == HH_OK; i++) {
            uint32_t clicks = ++run->item_clicks[log->item[log->stream[i]]];
            run->items_clicked += clicks == 1;
            run->most_clicks = clicks > run->most_clicks ? clicks : run->most_clicks;
            if (open_sessions)
                status = learn_click(run, log->stream[i]);
        }
        run->train_seconds += now(run) - start;
    }
    return status;
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
    hh_status status = room ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
    for (uint32_t i = 0; i < log->clicks && room; i++)
        place[log->stream[i]] = i;

    if (status == HH_OK) {
        hh_error reason;
        hh_fail(&reason, HH_MEMORY, NULL);
        run->model = run->kind->create(&(hh_model_setup){log, run->options}, &reason);
        if (!run->model)
            status = hh_fail(error, reason.status, "%s", reason.message);
    }
    if (status == HH_OK) {
        status = pass(run, place);
        if (status != HH_OK)
            hh_fail(error, status, NULL);
    }
    for (uint32_t output = 0; output < run->kind->output_count && status == HH_OK; output++) {
        if (!run->wanted[output])
            continue;
        hh_result result = {.model = run->kind->outputs[output].name,
                            .train_seconds = run->train_seconds,
                            .predict_seconds = run->predict_seconds};
        hh_tally_result(&run->tallies[output], run->items_clicked, &result);
        report(context, &result);
    }

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
        hh_run run = {
            .log = log,
            .options = options,
            .kind = kind,
            .wanted = wanted,
            .warm_up_every = options->every > WARM_UP_EVERY ? options->every : WARM_UP_EVERY,
            .first = (uint64_t)(options->from * log->clicks),
            .last = (uint64_t)(options->until * log->clicks),
        };
        status = run_kind(&run, report, context, error);
    }
    return status;
}
