// The newest sessions in a ring, and of those that leave it a choice: each draws a random key, and those with
// the smallest keys stay, so every session of the past has the same chance.
#include "train/window_inside.h"

#include "nn/random.h"

#include <stdlib.h>
#include <string.h>

hh_window_options hh_window_defaults(void)
{
    return (hh_window_options){HH_WINDOW_OPTIONS(HH_OPTION_STANDARD).longest = hh_train_defaults().longest,
                               .seed = 1};
}

const hh_option *hh_window_option_table(void)
{
#define ROW(...) HH_OPTION_ROW(hh_window_options, __VA_ARGS__)
    static const hh_option table[] = {HH_WINDOW_OPTIONS(ROW){0}};
#undef ROW
    return table;
}

hh_window *hh_window_new(const hh_window_options *options, hh_error *error)
{
    if (hh_options_check(hh_window_option_table(), options, error))
        return NULL;
    if (options->longest < 2) {
        hh_fail(error, HH_ARGUMENT, "longest must be 2 or more, not %u", options->longest);
        return NULL;
    }
    hh_window *window = calloc(1, sizeof *window);
    if (window) {
        window->options = *options;
        window->time = HH_TIME_MIN;
        window->items = hh_intern_new(options->seed);
        window->visitors = hh_intern_new(options->seed);
    }
    if (window && window->items && window->visitors)
        return window;
    hh_window_free(window);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

void hh_window_free(hh_window *window)
{
    if (!window)
        return;
    for (size_t i = 0; i < window->count; i++)
        free(hh_window_newest(window, i));
    for (size_t i = 0; i < window->older_count; i++)
        free(window->older[i]);
    if (window->items)
        hh_intern_free(window->items);
    if (window->visitors)
        hh_intern_free(window->visitors);
    free(window->newest);
    free(window->older);
    free(window->visitor_clicks);
    free(window);
}

// ---- the older sessions ----

static void drop(hh_window *window, hh_window_session *session)
{
    for (uint32_t i = 0; i < session->count; i++)
        hh_intern_release(window->items, session->item[i]);
    free(session);
}

static void swap(hh_window_session **heap, size_t a, size_t b)
{
    hh_window_session *session = heap[a];
    heap[a] = heap[b];
    heap[b] = session;
}

static void push_older(hh_window *window, hh_window_session *session)
{
    hh_window_session **heap = window->older;
    size_t at = window->older_count++;
    heap[at] = session;
    for (; at > 0 && heap[(at - 1) / 2]->key < heap[at]->key; at = (at - 1) / 2)
        swap(heap, at, (at - 1) / 2);
    window->older_clicks += session->count;
}

static void pop_older(hh_window *window)
{
    hh_window_session **heap = window->older, *top = heap[0];
    size_t count = --window->older_count;
    heap[0] = heap[count];
    for (size_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1]->key > heap[child]->key)
            child++;
        if (heap[child]->key <= heap[at]->key)
            break;
        swap(heap, at, child);
    }
    window->older_clicks -= top->count;
    drop(window, top);
}

// There is room for it: see make_room.
static void grow_old(hh_window *window, hh_window_session *session)
{
    hh_random random = hh_random_of(window->options.seed ^ 0x01de5, session->number);
    session->key = hh_random_next(&random);
    push_older(window, session);
    while ((double)window->older_clicks > window->options.older * window->options.clicks)
        pop_older(window);
}

// ---- the newest ----

static void leave_newest(hh_window *window)
{
    hh_window_session *session = hh_window_newest(window, 0);
    window->first = (window->first + 1) % window->room;
    window->count--;
    window->clicks -= session->count;
    window->visitor_clicks[session->visitor] -= session->count;
    hh_intern_release(window->visitors, session->visitor);
    grow_old(window, session);
}

static bool too_many(const hh_window *window)
{
    const hh_window_options *options = &window->options;
    return window->count > 0 &&
           (window->clicks > options->clicks ||
            (options->window > 0 && hh_window_newest(window, 0)->time < window->time - options->window));
}

static bool larger(hh_window_session ***sessions, size_t *room, size_t needed)
{
    if (needed <= *room)
        return true;
    hh_window_session **grown = realloc(*sessions, 2 * needed * sizeof *grown);
    if (!grown)
        return false;
    *sessions = grown;
    *room = 2 * needed;
    return true;
}

// For one session more. All of the newest may leave at once, so there is always room for them among the
// older.
static bool make_room(hh_window *window)
{
    if (!larger(&window->older, &window->older_room, window->older_count + window->count + 2))
        return false;
    size_t before = window->room;
    if (!larger(&window->newest, &window->room, window->count + 1))
        return false;
    // what was behind the ring's end, before its beginning, goes on behind where it ended
    size_t wrapped = window->first + window->count > before ? window->first + window->count - before : 0;
    if (window->room > before && wrapped > 0)
        memcpy(window->newest + before, window->newest, wrapped * sizeof *window->newest);
    return true;
}

// The visitor's number, held; false: out of memory.
static bool know_visitor(hh_window *window, uint64_t visitor, uint32_t *number)
{
    *number = hh_intern_acquire(window->visitors, (const char *)&visitor, sizeof visitor);
    if (*number == HH_INTERN_NONE)
        return false;
    if (*number < window->visitor_room)
        return true;
    size_t room = 2 * (size_t)*number + 16;
    uint32_t *grown = realloc(window->visitor_clicks, room * sizeof *grown);
    if (!grown) {
        hh_intern_release(window->visitors, *number);
        return false;
    }
    memset(grown + window->visitor_room, 0, (room - window->visitor_room) * sizeof *grown);
    window->visitor_clicks = grown;
    window->visitor_room = room;
    return true;
}

static hh_window_session *make_session(hh_window *window, const hh_window_click *clicks, size_t count)
{
    hh_window_session *session = malloc(sizeof *session + count * sizeof *session->item);
    if (!session)
        return NULL;
    session->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (clicks[i].length < 1 || clicks[i].length > HH_ITEM_ID_MAX)
            continue;
        uint32_t item = hh_intern_acquire(window->items, clicks[i].id, clicks[i].length);
        if (item == HH_INTERN_NONE) {
            drop(window, session);
            return NULL;
        }
        session->item[session->count++] = item;
        if (item >= window->numbers)
            window->numbers = item + 1;
    }
    return session;
}

hh_status hh_window_add(hh_window *window, uint64_t visitor, hh_time time, const hh_window_click *clicks,
                        size_t count)
{
    const hh_window_options *options = &window->options;
    if (count < 2)
        return HH_OK;
    if (count > options->longest) {
        clicks += count - options->longest;
        count = options->longest;
    }
    uint32_t number;
    if (!make_room(window) || !know_visitor(window, visitor, &number))
        return HH_MEMORY;
    if (window->visitor_clicks[number] + count > options->visitor_clicks) {
        hh_intern_release(window->visitors, number);
        window->refused++;
        return HH_OK;
    }
    hh_window_session *session = make_session(window, clicks, count);
    if (!session) {
        hh_intern_release(window->visitors, number);
        return HH_MEMORY;
    }
    session->time = time;
    session->number = window->added++;
    session->visitor = number;
    window->newest[(window->first + window->count++) % window->room] = session;
    window->clicks += session->count;
    window->visitor_clicks[number] += session->count;
    if (time > window->time)
        window->time = time;
    while (too_many(window))
        leave_newest(window);
    return HH_OK;
}

void hh_window_stats_read(const hh_window *window, hh_window_stats *stats)
{
    *stats = (hh_window_stats){.sessions = window->count,
                               .clicks = window->clicks,
                               .older_sessions = window->older_count,
                               .older_clicks = window->older_clicks,
                               .refused = window->refused,
                               .newest = window->time};
    if (window->count > 0)
        stats->oldest = hh_window_newest(window, 0)->time;
}

size_t hh_window_since(const hh_window *window, hh_time time)
{
    size_t since = 0;
    for (size_t i = 0; i < window->count; i++)
        since += hh_window_newest(window, i)->time > time;
    return since;
}

hh_time hh_window_time_at(const hh_window *window, double share)
{
    if (window->count == 0)
        return INT64_MIN;
    size_t at = (size_t)(share * (double)window->count);
    return hh_window_newest(window, at < window->count ? at : window->count - 1)->time;
}
