// A log of sessions without a clock: the order of lines becomes the order of time.
#include "evaluate/click_log.h"
#include "nn/random.h"
#include "session/line_clock.h"

#include <stdlib.h>
#include <string.h>

static bool copy_ids(hh_log *log, const hh_sessions *sessions)
{
    size_t bytes = 1, at = 0;
    for (uint32_t item = 0; item < log->items; item++) {
        size_t length;
        hh_sessions_item(sessions, item, &length);
        bytes += length + 1;
    }
    log->ids = malloc(bytes);
    log->id_start = malloc(((size_t)log->items + 1) * sizeof *log->id_start);
    if (!log->ids || !log->id_start)
        return false;
    for (uint32_t item = 0; item < log->items; item++) {
        size_t length;
        const char *id = hh_sessions_item(sessions, item, &length);
        log->id_start[item] = at;
        memcpy(log->ids + at, id, length + 1);
        at += length + 1;
    }
    log->id_start[log->items] = at;
    return true;
}

static bool make_room(hh_log *log)
{
    size_t clicks = log->clicks, sessions = log->sessions;
    log->item = malloc(clicks * sizeof *log->item);
    log->time = malloc(clicks * sizeof *log->time);
    log->session_of = malloc(clicks * sizeof *log->session_of);
    log->stream = malloc(clicks * sizeof *log->stream);
    log->session = malloc(sessions * sizeof *log->session);
    log->by_close = malloc(sessions * sizeof *log->by_close);
    return log->item && log->time && log->session_of && log->stream && log->session && log->by_close;
}

static void set_clock(hh_log *log, const hh_sessions_view *view)
{
    hh_line_clock clock = hh_line_clock_new();
    for (uint32_t s = 0; s < log->sessions; s++) {
        uint32_t first = view->first[s], count = view->first[s + 1] - first;
        hh_line_clock_session(&clock);
        for (uint32_t click = first; click < first + count; click++) {
            log->time[click] = hh_line_clock_click(&clock);
            log->session_of[click] = s;
            log->stream[click] = click;
        }
        // Every session is somebody else's, and closes with its last click.
        log->session[s] = (hh_log_session){
            .visitor = s, .first = first, .count = count, .known_from = clock.click - HH_LINE_STEP + 1};
        log->by_close[s] = s;
    }
}

hh_log *hh_log_of_sessions(const hh_sessions *sessions, uint32_t train, uint32_t end, hh_error *error)
{
    hh_sessions_view view;
    hh_sessions_view_read(sessions, &view);
    if (train == 0 || train >= end || end > view.sessions) {
        hh_fail(
            error, HH_ARGUMENT,
            "%u of %u sessions to learn from, up to session %u: there must be one at least to learn from, "
            "and one to be asked about",
            train, view.sessions, end);
        return NULL;
    }
    hh_log *log = calloc(1, sizeof *log);
    if (log) {
        log->train = train;
        log->sessions = end;
        log->clicks = view.first[end];
        log->options.gap = HH_LINE_STEP;
        for (uint32_t i = 0; i < log->clicks; i++)
            log->items = view.item[i] >= log->items ? view.item[i] + 1 : log->items;
        if (make_room(log) && copy_ids(log, sessions)) {
            memcpy(log->item, view.item, log->clicks * sizeof *log->item);
            set_clock(log, &view);
            return log;
        }
    }
    hh_log_free(log);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

static bool copy_log(hh_log *copy, const hh_log *log)
{
    if (!make_room(copy))
        return false;
    size_t bytes = log->id_start[log->items];
    copy->ids = malloc(bytes + 1);
    copy->id_start = malloc(((size_t)log->items + 1) * sizeof *copy->id_start);
    if (!copy->ids || !copy->id_start)
        return false;
    memcpy(copy->ids, log->ids, bytes);
    memcpy(copy->id_start, log->id_start, ((size_t)log->items + 1) * sizeof *copy->id_start);
    memcpy(copy->item, log->item, log->clicks * sizeof *copy->item);
    memcpy(copy->time, log->time, log->clicks * sizeof *copy->time);
    memcpy(copy->session_of, log->session_of, log->clicks * sizeof *copy->session_of);
    memcpy(copy->stream, log->stream, log->clicks * sizeof *copy->stream);
    memcpy(copy->session, log->session, log->sessions * sizeof *copy->session);
    memcpy(copy->by_close, log->by_close, log->sessions * sizeof *copy->by_close);
    return true;
}

hh_log *hh_log_shuffled(const hh_log *log, uint64_t seed, hh_error *error)
{
    if (log->train == 0) {
        hh_fail(error, HH_ARGUMENT, "only sessions without a clock can be shuffled");
        return NULL;
    }
    hh_log *copy = calloc(1, sizeof *copy);
    if (copy) {
        copy->options = log->options;
        copy->clicks = log->clicks;
        copy->sessions = log->sessions;
        copy->items = log->items;
        copy->train = log->train;
    }
    if (!copy || !copy_log(copy, log)) {
        hh_log_free(copy);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    for (uint32_t s = 0; s < copy->sessions; s++) {
        hh_random random = hh_random_of(seed, s);
        uint32_t *item = copy->item + copy->session[s].first;
        for (uint32_t i = copy->session[s].count; i > 1; i--) {
            uint32_t other = hh_random_below(&random, i), last = item[i - 1];
            item[i - 1] = item[other];
            item[other] = last;
        }
    }
    return copy;
}
