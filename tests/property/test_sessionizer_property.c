// The sessionizer against a brute-force one on random logs, and against itself with restarts at random
// places. A log that fails is shrunk to a small one and printed.
//
// The brute-force sessionizer knows nothing but the rules of <hiphop/session.h>: it keeps the clicks that are
// in open sessions in one array, and after every step sorts them and scans for gaps.
#include "session/sessionizer_state.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 400

typedef struct log_step {
    bool tick;
    bool restart; // before this step, in the test of restarts
    int64_t offset;
    int visitor;
    hh_time time;
    hh_time now;
    hh_time idle_since; // tick only
} log_step;

typedef struct click_log {
    hh_sessionizer_options options;
    size_t floors, ceilings, cuts; // list sizes of checkpoints
    hh_time bucket_width;          // of the wheel; 0: its own
    size_t count;
    log_step steps[MAX_STEPS];
} click_log;

// What each step of a log led to, in words.
typedef struct trace {
    char *step[MAX_STEPS];
    hh_click_fate fate[MAX_STEPS];
    bool wrong;       // a rule that every run must keep was broken
    uint64_t inexact; // what didn't fit into the lists of checkpoints
} trace;

static void trace_free(trace *t)
{
    for (size_t i = 0; i < MAX_STEPS; i++)
        free(t->step[i]);
    free(t);
}

static void visitor_name(int visitor, char name[64], size_t *length)
{
    // Short and long ones, one of them empty.
    *length = visitor == 0 ? 0 : (size_t)snprintf(name, 64, "v%0*d", visitor % 2 ? 3 : 40, visitor);
}

// ---- the brute-force sessionizer

typedef struct brute_click {
    int visitor;
    hh_time time;
    int64_t offset;
} brute_click;

typedef struct brute_session {
    size_t from, to; // clicks[from ... to - 1]
    int64_t id;
} brute_session;

typedef struct brute {
    const hh_sessionizer_options *options;
    hh_time watermark;
    brute_click clicks[MAX_STEPS];
    size_t count;
    brute_session sessions[MAX_STEPS];
    size_t session_count;
} brute;

static int by_visitor_and_time(const void *a, const void *b)
{
    const brute_click *x = a, *y = b;
    if (x->visitor != y->visitor)
        return x->visitor < y->visitor ? -1 : 1;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void brute_scan(brute *b)
{
    qsort(b->clicks, b->count, sizeof *b->clicks, by_visitor_and_time);
    b->session_count = 0;
    for (size_t i = 0; i < b->count; i++) {
        const brute_click *click = &b->clicks[i];
        if (i == 0 || click[-1].visitor != click->visitor || click->time - click[-1].time >= b->options->gap)
            b->sessions[b->session_count++] = (brute_session){i, i, click->offset};
        brute_session *session = &b->sessions[b->session_count - 1];
        session->to = i + 1;
        if (click->offset < session->id)
            session->id = click->offset;
    }
}

static void print_session(FILE *out, const char *what, const char *detail, const char *visitor, size_t length,
                          int64_t id)
{
    fprintf(out, "%s%s %.*s-%" PRId64 "[", what, detail, (int)length, visitor, id);
}

static void brute_print(const brute *b, FILE *out, const char *what, const char *detail,
                        const brute_session *session)
{
    char name[64];
    size_t length;
    visitor_name(b->clicks[session->from].visitor, name, &length);
    print_session(out, what, detail, name, length, session->id);
    for (size_t i = session->from; i < session->to; i++)
        fprintf(out, " %" PRId64 "@%" PRId64, b->clicks[i].offset, b->clicks[i].time);
    fprintf(out, " ] ");
}

// Closes what is due, or all of a visitor, in order of (last click, id).
static void brute_close(brute *b, FILE *out, bool due, int visitor, const char *reason)
{
    for (;;) {
        brute_scan(b);
        const brute_session *best = NULL;
        for (size_t i = 0; i < b->session_count; i++) {
            const brute_session *session = &b->sessions[i];
            hh_time last = b->clicks[session->to - 1].time;
            if (due ? last + b->options->gap > b->watermark : b->clicks[session->from].visitor != visitor)
                continue;
            hh_time best_last = best ? b->clicks[best->to - 1].time : 0;
            if (!best || last < best_last || (last == best_last && session->id < best->id))
                best = session;
        }
        if (!best)
            return;
        brute_print(b, out, "closed:", reason, best);
        memmove(b->clicks + best->from, b->clicks + best->to, (b->count - best->to) * sizeof *b->clicks);
        b->count -= best->to - best->from;
    }
}

static void brute_take(brute *b, FILE *out, const log_step *step)
{
    brute_close(b, out, true, 0, "gap");
    brute before = *b;
    brute_click taken = {step->visitor, step->time, step->offset};
    for (int attempt = 0;; attempt++) {
        b->clicks[b->count++] = taken;
        brute_scan(b);
        size_t position = 0;
        while (b->clicks[position].offset != step->offset)
            position++;
        const brute_session *session = b->sessions;
        while (session->to <= position)
            session++;
        size_t count = session->to - session->from;
        hh_time duration = b->clicks[session->to - 1].time - b->clicks[session->from].time;
        bool too_long = duration > b->options->max_duration;
        if (attempt == 0 && (too_long || count > b->options->max_clicks)) {
            *b = before;
            brute_close(b, out, false, step->visitor, too_long ? "duration" : "clicks");
            before = *b;
            continue;
        }
        brute_scan(&before);
        const brute_session *joined[2] = {NULL, NULL};
        for (size_t i = 0; i < before.session_count; i++) {
            const brute_session *old = &before.sessions[i];
            const brute_click *first = &before.clicks[old->from], *end = &before.clicks[old->to - 1];
            if (first->visitor == step->visitor && step->time - end->time < b->options->gap &&
                first->time - step->time < b->options->gap)
                joined[joined[0] != NULL] = old;
        }
        if (joined[1]) {
            bool swap = joined[1]->id < joined[0]->id;
            brute_print(&before, out, "merged:", "into", joined[swap]);
            brute_print(&before, out, "merged:", "from", joined[!swap]);
        }
        char detail[32];
        snprintf(detail, sizeof detail, "%zu", position - session->from);
        brute_print(b, out, "click:", detail, session);
        if (count == b->options->max_clicks)
            brute_close(b, out, false, step->visitor, "clicks");
        return;
    }
}

static trace *brute_run(const click_log *log)
{
    trace *t = calloc(1, sizeof *t);
    brute *b = calloc(1, sizeof *b);
    b->options = &log->options;
    b->watermark = HH_TIME_MIN;
    for (size_t i = 0; i < log->count; i++) {
        const log_step *step = &log->steps[i];
        size_t size;
        FILE *out = open_memstream(&t->step[i], &size);
        if (step->tick) {
            bool idle =
                log->options.idle_timeout && step->now - step->idle_since >= log->options.idle_timeout;
            hh_time watermark = step->now - log->options.lateness;
            hh_time needed = b->watermark; // when the last of the open sessions is due
            for (size_t c = 0; c < b->count; c++)
                if (b->clicks[c].time + log->options.gap > needed)
                    needed = b->clicks[c].time + log->options.gap;
            watermark = watermark < needed ? watermark : needed;
            if (idle && watermark > b->watermark)
                b->watermark = watermark;
            brute_close(b, out, true, 0, "gap");
        } else if (step->time < b->watermark) {
            fprintf(out, "late");
            t->fate[i] = HH_CLICK_LATE;
        } else if (step->time > step->now + log->options.max_skew) {
            fprintf(out, "future");
            t->fate[i] = HH_CLICK_FUTURE;
        } else {
            if (step->time - log->options.lateness > b->watermark)
                b->watermark = step->time - log->options.lateness;
            brute_take(b, out, step);
        }
        fclose(out);
    }
    free(b);
    return t;
}

// ---- the real one, restarted where the log says so

typedef struct run {
    FILE *out;
    bool muted; // expected of every event
    bool wrong;
    size_t held; // attachments alive
    size_t sessions;
} run;

static void print_real(FILE *out, const char *what, const char *detail, const hh_session *session)
{
    print_session(out, what, detail, session->visitor, session->visitor_length, session->id);
    for (uint32_t i = 0; i < session->count; i++)
        fprintf(out, " %" PRIu32 "@%" PRId64, session->clicks[i].item, session->clicks[i].time);
    fprintf(out, " ] ");
}

static void drop(run *r, const hh_session *session)
{
    r->wrong |= *session->attachment == NULL || *(int64_t *)*session->attachment != session->id;
    free(*session->attachment);
    r->held--;
}

static void sink(void *context, const hh_session_event *event)
{
    static const char *const reasons[] = {"gap", "clicks", "duration"};
    run *r = context;
    const hh_session *session = event->session;
    r->wrong |= event->muted != r->muted;
    if (event->kind == HH_SESSION_CLICK && session->count == 1) {
        r->wrong |= *session->attachment != NULL;
        *session->attachment = malloc(sizeof(int64_t));
        *(int64_t *)*session->attachment = session->id;
        r->held++;
    }
    char detail[32];
    snprintf(detail, sizeof detail, "%" PRIu32, event->position);
    switch (event->kind) {
    case HH_SESSION_CLICK:
        print_real(r->out, "click:", detail, session);
        break;
    case HH_SESSION_MERGED:
        print_real(r->out, "merged:", "into", session);
        print_real(r->out, "merged:", "from", event->other);
        drop(r, event->other);
        break;
    case HH_SESSION_CLOSED:
        print_real(r->out, "closed:", reasons[event->reason], session);
        drop(r, session);
        break;
    }
}

static void release(void *context, const hh_session *session)
{
    drop(context, session);
}

static hh_sessionizer *start(const click_log *log, run *r, uint64_t seed)
{
    hh_sessionizer_options options = log->options;
    options.seed = seed;
    hh_sessionizer *s = hh_sessionizer_new(&options, sink, r, NULL);
    cr_assert_not_null(s);
    hh_sessionizer_limit_lists(s, log->floors, log->ceilings, log->cuts);
    if (log->bucket_width)
        s->wheel.width = log->bucket_width;
    return s;
}

static hh_status push(hh_sessionizer *s, const log_step *step, hh_time now, hh_click_fate *fate, bool *muted)
{
    char name[64];
    size_t length;
    visitor_name(step->visitor, name, &length);
    return hh_sessionizer_push(s, step->offset, length ? name : NULL, length, (uint32_t)step->offset,
                               step->time, now, fate, muted);
}

// A checkpoint before step `next`, and a new sessionizer that has replayed up to it.
static hh_sessionizer *restart(const click_log *log, size_t next, hh_sessionizer *s, run *r, trace *t)
{
    int64_t position = 0;
    for (size_t i = 0; i < next; i++)
        if (!log->steps[i].tick)
            position = log->steps[i].offset + 1;
    char text[HH_CHECKPOINT_SIZE], again[HH_CHECKPOINT_SIZE];
    r->muted = true; // a replay that hadn't ended yet does so without a sound
    r->wrong |= hh_sessionizer_checkpoint(s, position, text, sizeof text) != HH_OK;
    t->inexact += hh_sessionizer_inexact(s);
    hh_sessionizer_free(s, release);
    r->wrong |= r->held != 0;

    s = start(log, r, (uint64_t)next);
    int64_t resume = -1;
    r->wrong |= hh_sessionizer_restore(s, text, position, &resume, NULL) != HH_OK;
    r->wrong |= resume < 0 || resume > position;
    char *spoken = NULL;
    size_t size;
    FILE *live = r->out;
    r->out = open_memstream(&spoken, &size);
    for (size_t i = 0; i < next; i++) {
        const log_step *step = &log->steps[i];
        if (step->tick || step->offset < resume)
            continue;
        hh_click_fate fate = HH_CLICK_TAKEN;
        bool muted = false;
        r->wrong |= push(s, step, (hh_time)(i * 37 % 11) * 1000, &fate, &muted) != HH_OK;
        r->wrong |= !muted || fate != t->fate[i];
    }
    r->wrong |= hh_sessionizer_replaying(s) != (resume < position);
    r->wrong |=
        hh_sessionizer_checkpoint(s, position, again, sizeof again) != HH_OK || strcmp(text, again) != 0;
    fclose(r->out);
    free(spoken);
    r->out = live;
    return s;
}

// Where the list of floors is full; whether it is may depend on restarts, and ticks are wall clock anyway.
static bool tick_refused(const click_log *log, const hh_sessionizer *s, const log_step *step)
{
    const hh_sessionizer_options *o = &log->options;
    return o->idle_timeout && step->now - step->idle_since >= o->idle_timeout && hh_sessionizer_open(s) &&
           hh_sessionizer_watermark(s) < step->now - o->lateness;
}

static trace *real_run(const click_log *log)
{
    trace *t = calloc(1, sizeof *t);
    run r = {.out = NULL};
    hh_sessionizer *s = start(log, &r, 0);
    for (size_t i = 0; i < log->count; i++) {
        const log_step *step = &log->steps[i];
        size_t size;
        if (step->restart)
            s = restart(log, i, s, &r, t);
        // The end of a replay is muted, and comes in front of what the step does: let it come by itself.
        char *ignored = NULL;
        r.muted = true;
        r.out = open_memstream(&ignored, &size);
        hh_sessionizer_end_replay(s);
        fclose(r.out);
        free(ignored);
        r.muted = false;

        r.out = open_memstream(&t->step[i], &size);
        if (step->tick) {
            r.wrong |= hh_sessionizer_tick(s, step->now, step->idle_since) != HH_OK;
            t->inexact += tick_refused(log, s, step);
        } else {
            bool muted = true;
            r.wrong |= push(s, step, step->now, &t->fate[i], &muted) != HH_OK || muted;
            if (t->fate[i] != HH_CLICK_TAKEN)
                fprintf(r.out, t->fate[i] == HH_CLICK_LATE ? "late" : "future");
        }
        fclose(r.out);
        r.wrong |= r.held != hh_sessionizer_open(s);
    }
    t->inexact += hh_sessionizer_inexact(s);
    hh_sessionizer_free(s, release);
    t->wrong = r.wrong || r.held != 0;
    return t;
}

// ---- comparing, shrinking, telling

static bool differ(const click_log *log, const trace *a, const trace *b, size_t *where)
{
    for (size_t i = 0; i < log->count; i++)
        if (strcmp(a->step[i], b->step[i]) != 0) {
            *where = i;
            return true;
        }
    *where = log->count;
    return a->wrong || b->wrong;
}

static bool disagrees_with_brute(const click_log *log, bool tell)
{
    trace *expected = brute_run(log);
    trace *got = real_run(log);
    size_t where;
    bool failed = differ(log, expected, got, &where);
    if (tell && where < log->count)
        cr_log_error("step %zu\n  expected %s\n  got      %s", where, expected->step[where],
                     got->step[where]);
    trace_free(expected);
    trace_free(got);
    return failed;
}

static size_t exact_runs;

static bool restarts_show(const click_log *log, bool tell)
{
    click_log *calm = malloc(sizeof *calm);
    *calm = *log;
    for (size_t i = 0; i < log->count; i++)
        calm->steps[i].restart = false;
    trace *expected = real_run(calm);
    trace *got = real_run(log);
    size_t where;
    bool failed = differ(log, expected, got, &where) && expected->inexact + got->inexact == 0;
    exact_runs += expected->inexact + got->inexact == 0;
    if (tell && where < log->count)
        cr_log_error("step %zu\n  without restarts %s\n  with restarts    %s", where, expected->step[where],
                     got->step[where]);
    trace_free(expected);
    trace_free(got);
    free(calm);
    return failed;
}

typedef bool property(const click_log *log, bool tell);

static void shrink(click_log *log, property *fails)
{
    click_log *smaller = malloc(sizeof *smaller);
    for (size_t length = log->count / 2 + 1; length > 0;) {
        bool shrunk = false;
        for (size_t from = 0; from + length <= log->count; from++) {
            *smaller = *log;
            memmove(smaller->steps + from, smaller->steps + from + length,
                    (log->count - from - length) * sizeof *smaller->steps);
            smaller->count -= length;
            if (fails(smaller, false)) {
                *log = *smaller;
                shrunk = true;
            }
        }
        for (size_t i = 0; length == 1 && i < log->count; i++) {
            *smaller = *log;
            smaller->steps[i].restart = false;
            if (log->steps[i].restart && fails(smaller, false)) {
                *log = *smaller;
                shrunk = true;
            }
        }
        if (!shrunk)
            length /= 2;
    }
    free(smaller);
}

static void hold(click_log *log, property *fails, uint64_t seed)
{
    if (!fails(log, false))
        return;
    shrink(log, fails);
    const hh_sessionizer_options *o = &log->options;
    cr_log_error("seed %" PRIu64 ": gap %" PRId64 " lateness %" PRId64 " max_duration %" PRId64
                 " max_clicks %u max_skew %" PRId64 " idle_timeout %" PRId64
                 " lists %zu %zu %zu bucket_width %" PRId64,
                 seed, o->gap, o->lateness, o->max_duration, o->max_clicks, o->max_skew, o->idle_timeout,
                 log->floors, log->ceilings, log->cuts, log->bucket_width);
    for (size_t i = 0; i < log->count; i++) {
        const log_step *step = &log->steps[i];
        const char *mark = step->restart ? "restart, then " : "";
        if (step->tick)
            cr_log_error("%3zu %stick now %" PRId64 " idle since %" PRId64, i, mark, step->now,
                         step->idle_since);
        else
            cr_log_error("%3zu %soffset %" PRId64 " visitor %d time %" PRId64 " now %" PRId64, i, mark,
                         step->offset, step->visitor, step->time, step->now);
    }
    fails(log, true);
    cr_assert_fail("the smallest log that fails is printed above");
}

// ---- random logs

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int64_t below(uint64_t *state, int64_t bound)
{
    return (int64_t)(next_random(state) % (uint64_t)bound);
}

static void random_log(click_log *log, uint64_t seed, size_t most_steps)
{
    uint64_t r = seed;
    *log = (click_log){.floors = HH_FLOORS, .ceilings = HH_CEILINGS, .cuts = HH_CUTS};
    hh_sessionizer_options *o = &log->options;
    o->gap = 1 + below(&r, 20);
    o->lateness = below(&r, 3) ? below(&r, 40) : 0;
    o->max_duration = below(&r, 2) ? 1 + below(&r, 60) : 1000;
    o->max_clicks = below(&r, 2) ? (uint32_t)(1 + below(&r, 8)) : 100;
    o->max_skew = below(&r, 15);
    o->idle_timeout = below(&r, 2) ? 1 + below(&r, 8) : 0;
    int visitors = (int)(1 + below(&r, 4));
    int64_t pace = 1 + below(&r, 6); // how fast the clock goes
    int64_t spread = 1 + below(&r, 2 * o->lateness + 10);
    int64_t wild = below(&r, 3) ? 30 : 5;        // one click in so many is far off
    int64_t restarts = 1 + below(&r, 20);        // one step in so many
    int64_t jumps = below(&r, 3) ? 1000000 : 30; // the clock is put back once in so many steps
    log->bucket_width = below(&r, 2) ? 1 + below(&r, 2 * (o->gap + o->lateness)) : 0;
    hh_time now = 1000;
    int64_t offset = below(&r, 5);
    log->count = 1 + (size_t)below(&r, (int64_t)most_steps);
    for (size_t i = 0; i < log->count; i++) {
        log_step *step = &log->steps[i];
        now += below(&r, pace);
        if (below(&r, jumps) == 0)
            now -= below(&r, 60);
        step->restart = below(&r, restarts) == 0;
        step->now = now;
        if (below(&r, 10) == 0) {
            step->tick = true;
            step->idle_since = now - below(&r, 12);
            continue;
        }
        offset += 1 + (below(&r, 4) == 0 ? below(&r, 5) : 0);
        step->offset = offset;
        step->visitor = (int)below(&r, visitors);
        step->time = now - below(&r, spread);
        if (below(&r, wild) == 0)
            step->time += below(&r, 4 * o->max_skew + 60) - below(&r, 2 * o->lateness + 60);
    }
}

Test(sessionizer_property, agrees_with_brute_force)
{
    click_log *log = malloc(sizeof *log);
    for (uint64_t seed = 0; seed < 4000; seed++) {
        random_log(log, seed, seed % 40 == 0 ? MAX_STEPS / 2 : 30);
        for (size_t i = 0; i < log->count; i++)
            log->steps[i].restart = false;
        hold(log, disagrees_with_brute, seed);
    }
    free(log);
}

Test(sessionizer_property, restarts_do_not_show)
{
    click_log *log = malloc(sizeof *log);
    for (uint64_t seed = 0; seed < 8000; seed++) {
        random_log(log, seed, seed % 20 == 0 ? MAX_STEPS : 40);
        hold(log, restarts_show, seed);
    }
    cr_assert_eq(exact_runs >= 8000 - 80, true, "only %zu of 8000 runs were exact", exact_runs);
    free(log);
}

Test(sessionizer_property, restarts_do_not_show_when_the_lists_are_short)
{
    click_log *log = malloc(sizeof *log);
    for (uint64_t seed = 0; seed < 8000; seed++) {
        random_log(log, seed, seed % 20 == 0 ? MAX_STEPS : 60);
        log->floors = seed % 3;
        log->ceilings = seed / 3 % 4;
        log->cuts = seed / 12 % 3;
        hold(log, restarts_show, seed);
    }
    cr_assert_gt(exact_runs, 3000, "only %zu of 8000 runs were exact", exact_runs);
    free(log);
}
