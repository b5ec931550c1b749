// Clicks into sessions: each arriving click goes through the sessionizer, each session that closes is copied
// out; finish() then puts sessions, clicks and items in an order that owes nothing to the order of arrival.
#include "evaluate/click_log.h"

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define VISITOR_SEED 0x68697070686f70

static bool grow(void **array, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return true;
    size_t wanted = *room < 1024 ? 1024 : *room + *room / 2;
    if (wanted < needed)
        wanted = needed;
    void *larger = wanted <= SIZE_MAX / size ? realloc(*array, wanted * size) : NULL;
    if (!larger)
        return false;
    *array = larger;
    *room = wanted;
    return true;
}

static hh_status make_room(hh_log *log, uint32_t more)
{
    size_t room = log->click_room;
    if (!grow((void **)&log->item, &room, (size_t)log->clicks + more, sizeof *log->item))
        return HH_MEMORY;
    size_t times = log->click_room;
    if (!grow((void **)&log->time, &times, (size_t)log->clicks + more, sizeof *log->time))
        return HH_MEMORY;
    log->click_room = (uint32_t)room;
    room = log->session_room;
    if (!grow((void **)&log->session, &room, (size_t)log->sessions + 1, sizeof *log->session))
        return HH_MEMORY;
    log->session_room = (uint32_t)room;
    return HH_OK;
}

static void keep(hh_log *log, const hh_session *session)
{
    if (log->trouble == HH_OK)
        log->trouble = make_room(log, session->count);
    if (log->trouble != HH_OK || session->count == 0)
        return;
    hh_log_session *kept = &log->session[log->sessions++];
    *kept = (hh_log_session){
        .visitor = XXH3_64bits_withSeed(session->visitor, session->visitor_length, VISITOR_SEED),
        .first = log->clicks,
        .count = session->count,
        .known_from = session->clicks[session->count - 1].time + log->options.gap + log->options.lateness,
    };
    for (uint32_t i = 0; i < session->count; i++, log->clicks++) {
        log->item[log->clicks] = session->clicks[i].item;
        log->time[log->clicks] = session->clicks[i].time;
    }
}

static void sink(void *context, const hh_session_event *event)
{
    if (event->kind == HH_SESSION_CLOSED)
        keep(context, event->session);
}

static void release(void *context, const hh_session *session)
{
    keep(context, session);
}

hh_log *hh_log_new(const hh_log_options *options, hh_error *error)
{
    if (options->gap <= 0 || options->gap > 3650 * HH_DAY || options->lateness < 0 ||
        options->lateness > 3650 * HH_DAY) {
        hh_fail(error, HH_ARGUMENT, "gap must be above 0, lateness 0 or above, both below ten years");
        return NULL;
    }
    hh_log *log = calloc(1, sizeof *log);
    if (!log) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    log->options = *options;
    log->interned = hh_intern_new(0);
    if (!log->interned)
        hh_fail(error, HH_MEMORY, NULL);
    // No clock: the log is history, nothing in it is the future.
    hh_sessionizer_options sessions = hh_sessionizer_defaults();
    sessions.gap = options->gap;
    sessions.lateness = options->lateness;
    if (options->max_duration)
        sessions.max_duration = options->max_duration;
    if (options->max_clicks)
        sessions.max_clicks = options->max_clicks;
    sessions.idle_timeout = 0;
    if (log->interned)
        log->sessionizer = hh_sessionizer_new(&sessions, sink, log, error);
    if (log->sessionizer)
        return log;
    hh_log_free(log);
    return NULL;
}

static void free_builders(hh_log *log, void (*each)(void *, const hh_session *))
{
    if (log->sessionizer)
        hh_sessionizer_free(log->sessionizer, each);
    log->sessionizer = NULL;
}

void hh_log_free(hh_log *log)
{
    if (!log)
        return;
    free_builders(log, NULL);
    if (log->interned)
        hh_intern_free(log->interned);
    free(log->item);
    free(log->time);
    free(log->session_of);
    free(log->session);
    free(log->stream);
    free(log->by_close);
    free(log->ids);
    free(log->id_start);
    free(log);
}

hh_status hh_log_add(hh_log *log, const char *visitor, size_t visitor_length, const char *item,
                     size_t item_length, hh_time time, hh_error *error)
{
    if (!log->sessionizer)
        return hh_fail(error, HH_ARGUMENT, "the log is finished; no click can be added");
    if (log->arrived >= UINT32_MAX - 1)
        return hh_fail(error, HH_LIMIT, "more than %u clicks; evaluate a part of the log", UINT32_MAX - 1);
    if (time < -(INT64_MAX / 4) || time > INT64_MAX / 4)
        return hh_fail(error, HH_ARGUMENT, "the time %lld is out of range", (long long)time);
    uint32_t number = hh_intern_acquire(log->interned, item, item_length);
    if (number == HH_INTERN_NONE)
        return hh_fail(error, HH_MEMORY, NULL);
    hh_click_fate fate;
    hh_status status = hh_sessionizer_push(log->sessionizer, (int64_t)log->arrived, visitor, visitor_length,
                                           number, time, time, &fate, NULL);
    if (status == HH_OK)
        status = log->trouble;
    if (status != HH_OK)
        return hh_fail(error, status, NULL);
    log->arrived++;
    if (fate != HH_CLICK_TAKEN) { // its item may be in no session at all: it must not count as an item
        hh_intern_release(log->interned, number);
        log->late++;
    }
    return HH_OK;
}

// ---- finish: everything in its final order ----

typedef struct sort_key {
    int64_t major;
    uint64_t minor;
    uint32_t index;
} sort_key;

static int by_key(const void *left, const void *right)
{
    const sort_key *a = left, *b = right;
    if (a->major != b->major)
        return a->major < b->major ? -1 : 1;
    if (a->minor != b->minor)
        return a->minor < b->minor ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

typedef struct id_key {
    const char *bytes;
    size_t length;
    uint32_t number;
} id_key;

static int by_bytes(const void *left, const void *right)
{
    const id_key *a = left, *b = right;
    int order = memcmp(a->bytes, b->bytes, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

// Copies the ids out in the order of their bytes and renumbers the clicks.
static hh_status order_items(hh_log *log)
{
    uint32_t highest = 0;
    for (uint32_t i = 0; i < log->clicks; i++)
        highest = log->item[i] > highest ? log->item[i] : highest;
    uint32_t *renumbered = calloc((size_t)highest + 1, sizeof *renumbered);
    id_key *keys = malloc(((size_t)highest + 1) * sizeof *keys);
    size_t bytes = 1;
    if (renumbered && keys) {
        for (uint32_t i = 0; i < log->clicks; i++) {
            if (renumbered[log->item[i]])
                continue;
            renumbered[log->item[i]] = 1;
            id_key *key = &keys[log->items++];
            key->number = log->item[i];
            key->bytes = hh_intern_bytes(log->interned, key->number, &key->length);
            bytes += key->length + 1;
        }
        qsort(keys, log->items, sizeof *keys, by_bytes);
        log->ids = malloc(bytes);
        log->id_start = malloc(((size_t)log->items + 1) * sizeof *log->id_start);
    }
    bool done = log->ids && log->id_start;
    if (done) {
        size_t at = 0;
        for (uint32_t i = 0; i < log->items; i++) {
            renumbered[keys[i].number] = i;
            log->id_start[i] = at;
            memcpy(log->ids + at, keys[i].bytes, keys[i].length);
            at += keys[i].length;
            log->ids[at++] = '\0';
        }
        log->id_start[log->items] = at;
        for (uint32_t i = 0; i < log->clicks; i++)
            log->item[i] = renumbered[log->item[i]];
    }
    free(renumbered);
    free(keys);
    return done ? HH_OK : HH_MEMORY;
}

// Sessions by start, their clicks with them.
static hh_status order_sessions(hh_log *log)
{
    sort_key *keys = malloc(((size_t)log->sessions + 1) * sizeof *keys);
    hh_log_session *session = malloc(((size_t)log->sessions + 1) * sizeof *session);
    uint32_t *item = malloc(((size_t)log->clicks + 1) * sizeof *item);
    hh_time *time = malloc(((size_t)log->clicks + 1) * sizeof *time);
    log->session_of = malloc(((size_t)log->clicks + 1) * sizeof *log->session_of);
    bool done = keys && session && item && time && log->session_of;
    if (done) {
        for (uint32_t s = 0; s < log->sessions; s++)
            keys[s] = (sort_key){log->time[log->session[s].first], log->session[s].visitor, s};
        qsort(keys, log->sessions, sizeof *keys, by_key);
        uint32_t at = 0;
        for (uint32_t s = 0; s < log->sessions; s++) {
            hh_log_session *from = &log->session[keys[s].index];
            memcpy(item + at, log->item + from->first, from->count * sizeof *item);
            memcpy(time + at, log->time + from->first, from->count * sizeof *time);
            session[s] = *from;
            session[s].first = at;
            for (uint32_t i = 0; i < from->count; i++)
                log->session_of[at++] = s;
        }
        free(log->session);
        free(log->item);
        free(log->time);
        log->session = session;
        log->item = item;
        log->time = time;
    } else {
        free(session);
        free(item);
        free(time);
    }
    free(keys);
    return done ? HH_OK : HH_MEMORY;
}

static hh_status order_time(hh_log *log)
{
    size_t most = log->clicks > log->sessions ? log->clicks : log->sessions;
    sort_key *keys = malloc((most + 1) * sizeof *keys);
    log->stream = malloc(((size_t)log->clicks + 1) * sizeof *log->stream);
    log->by_close = malloc(((size_t)log->sessions + 1) * sizeof *log->by_close);
    bool done = keys && log->stream && log->by_close;
    if (done) {
        for (uint32_t i = 0; i < log->clicks; i++)
            keys[i] = (sort_key){log->time[i], 0, i};
        qsort(keys, log->clicks, sizeof *keys, by_key);
        for (uint32_t i = 0; i < log->clicks; i++)
            log->stream[i] = keys[i].index;
        for (uint32_t s = 0; s < log->sessions; s++)
            keys[s] = (sort_key){log->session[s].known_from, 0, s};
        qsort(keys, log->sessions, sizeof *keys, by_key);
        for (uint32_t s = 0; s < log->sessions; s++)
            log->by_close[s] = keys[s].index;
    }
    free(keys);
    return done ? HH_OK : HH_MEMORY;
}

hh_status hh_log_finish(hh_log *log, hh_error *error)
{
    if (!log->sessionizer)
        return hh_fail(error, HH_ARGUMENT, "the log is finished already");
    free_builders(log, release);
    hh_status status = log->trouble;
    if (status == HH_OK)
        status = order_items(log);
    if (status == HH_OK)
        status = order_sessions(log);
    if (status == HH_OK)
        status = order_time(log);
    hh_intern_free(log->interned);
    log->interned = NULL;
    return status == HH_OK ? HH_OK : hh_fail(error, status, NULL);
}

void hh_log_stats_read(const hh_log *log, hh_log_stats *stats)
{
    *stats = (hh_log_stats){
        .clicks = log->clicks,
        .late = log->late,
        .sessions = log->sessions,
        .train = log->train,
        .items = log->items,
    };
    if (log->clicks && log->stream) {
        stats->oldest = log->time[log->stream[0]];
        stats->newest = log->time[log->stream[log->clicks - 1]];
    }
}

const char *hh_log_item(const hh_log *log, uint32_t item, size_t *length)
{
    if (item >= log->items)
        return NULL;
    if (length)
        *length = log->id_start[item + 1] - log->id_start[item] - 1;
    return log->ids + log->id_start[item];
}
