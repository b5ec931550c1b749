// The protocol of a log in time order: one pass through the log for each model, in time order. Clicks of the
// same time are dealt with together: first what has become known is learned, then every list of that time is
// asked for, then the clicks themselves are learned. So a list knows what is strictly before its time,
// whatever the order of arrival, and clicks of the same millisecond know nothing of each other.
#include "evaluate/run.h"

#include <stdlib.h>

static uint32_t position_of(const hh_log *log, uint32_t click)
{
    return click - log->session[log->session_of[click]].first;
}

// ---- learning ----

// Sessions that have closed by then.
static hh_status learn_closed(hh_run *run, hh_time time)
{
    const hh_log *log = run->log;
    bool teach = run->options->memory != HH_REMEMBER_CLICKS;
    if (!teach && !run->kind->closed)
        return HH_OK;
    hh_status status = HH_OK;
    while (run->sessions_closed < log->sessions && status == HH_OK) {
        uint32_t number = log->by_close[run->sessions_closed];
        const hh_log_session *session = &log->session[number];
        if (session->known_from > time || (run->frozen && session->first >= run->first))
            break;
        run->sessions_closed++;
        for (uint32_t i = 0; i < session->count && teach && status == HH_OK; i++)
            status = hh_run_learn(run, log, session->first + i);
        if (status == HH_OK && run->kind->closed)
            status = run->kind->closed(run->model, number);
    }
    return status;
}

static hh_time multiple_before(hh_time time, hh_time every) // or at it
{
    return time - ((time % every) + every) % every;
}

// Whether no training is wanted any more, as of the click at that share of the log.
static bool too_late(const hh_run *run, hh_time due)
{
    double last = run->options->train_until * run->log->clicks;
    return last < run->log->clicks && due > run->log->time[run->log->stream[(uint32_t)last]];
}

// At the latest multiple of train_every, if it is now or has passed since the click before: on what had
// closed by then, though nobody asks before now. The first training is the one that serves the first list.
static hh_status train(hh_run *run, hh_time time)
{
    const hh_log *log = run->log;
    hh_time every = run->options->train_every;
    if (every <= 0 || !run->kind->train)
        return HH_OK;
    hh_time due = multiple_before(time, every), asked = log->time[log->stream[(run->first + 1) / 2]];
    if (run->trained >= due || due < multiple_before(asked, every) || too_late(run, due))
        return HH_OK;
    run->trained = due;
    hh_status status = learn_closed(run, due);
    return status ? status : run->kind->train(run->model, due, run->error);
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
        .as_of = log->time[counts && run->frozen ? log->stream[run->first] : click],
        .visitor = about->visitor,
        .session_start = log->time[about->first],
        .teaches = run->kind->learns_outcomes && !(counts && run->frozen),
        .of = counts ? run->options->every : run->warm_up_every,
    };
    uint32_t target = log->item[asking.target];
    hh_answer answer;
    hh_status status = hh_run_ask(run, &question, target, counts, &answer);
    if (status != HH_OK || !question.teaches || answer.unfit)
        return status;
    hh_foreseen outcome = {.item = target, .context = answer.context, .learns = answer.learns};
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
    uint32_t below = run->options->below;
    bool counts = at >= run->first && at < run->last &&
                  (!below || run->item_clicks[run->log->item[asking.target]] < below) &&
                  run->targets_seen++ % run->options->every == 0;
    bool warm_up = at < run->first && at >= run->warm_up_from && run->kind->learns_outcomes &&
                   (at - run->warm_up_from) % run->warm_up_every == 0;
    return counts || warm_up ? ask(run, click, asking, counts) : HH_OK;
}

// The clicks of this time have come: what foresaw them, or not, may be learned from.
static void learn_outcomes(hh_run *run, hh_time time)
{
    for (size_t i = 0; i < run->arrived_count; i++)
        run->kind->outcome(run->model, run->arrived[i].item, time, &run->arrived[i].context,
                           run->arrived[i].scores, run->arrived[i].learns);
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

// The clicks first .. end - 1 of the stream have come.
static hh_status learn_clicks(hh_run *run, uint32_t first, uint32_t end)
{
    const hh_log *log = run->log;
    hh_status status = HH_OK;
    learn_outcomes(run, log->time[log->stream[first]]);
    for (uint32_t i = first; i < end && status == HH_OK; i++) {
        hh_run_count(run, log->item[log->stream[i]]);
        if (run->options->memory == HH_REMEMBER_CLICKS)
            status = hh_run_learn(run, log, log->stream[i]);
    }
    return status;
}

hh_status hh_run_in_order(hh_run *run, const uint32_t *place)
{
    const hh_log *log = run->log;
    hh_status status = HH_OK;
    uint32_t begin = first_known(run);
    for (uint32_t end; begin < run->last && status == HH_OK; begin = end) {
        hh_time time = log->time[log->stream[begin]];
        for (end = begin + 1; end < log->clicks && log->time[log->stream[end]] == time;)
            end++;
        double start = hh_run_now(run);
        status = train(run, time);
        if (status == HH_OK)
            status = learn_closed(run, time);
        run->train_seconds += hh_run_now(run) - start;
        for (uint32_t i = begin; i < end && status == HH_OK; i++)
            status = ask_at(run, log->stream[i], place);
        start = hh_run_now(run);
        if (status == HH_OK && !(run->frozen && begin >= run->first))
            status = learn_clicks(run, begin, end);
        run->train_seconds += hh_run_now(run) - start;
    }
    return status;
}
