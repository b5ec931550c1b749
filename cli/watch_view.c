#include "watch_view.h"

#include "pace.h"
#include "text_map.h"
#include "wire/utf8.h"

#include <stdlib.h>
#include <string.h>

#define TRAIL         3  // clicks shown of a session
#define JUDGED        20 // ranks that count as a hit
#define TITLE_COLUMNS 46
// Sessions are remembered in two generations: when the young one is full, the old one is forgotten and the
// young one becomes old. A session that goes on becomes young again.
#define GENERATION 50000

typedef struct session {
    hh_time time;       // of the click of the last list
    uint32_t clicks;    // in trail[]
    char *trail[TRAIL]; // ids, the newest last
    uint32_t listed;
    char *list; // ids of the last list, NUL-terminated one after another
} session;

struct watch_view {
    watch_options options;
    struct text_map young, old; // session id -> session
    watch_totals totals;
};

static void session_free(void *value)
{
    session *it = value;
    for (uint32_t i = 0; i < it->clicks; i++)
        free(it->trail[i]);
    free(it->list);
    free(it);
}

struct watch_view *watch_view_new(const watch_options *options)
{
    struct watch_view *view = calloc(1, sizeof *view);
    if (view) {
        view->options = *options;
        view->totals.oldest = INT64_MAX;
        view->totals.newest = INT64_MIN;
    }
    return view;
}

void watch_view_free(struct watch_view *view)
{
    if (!view)
        return;
    text_map_clear(&view->young, session_free);
    text_map_clear(&view->old, session_free);
    free(view);
}

// ---- remembering ----

static session *find_session(struct watch_view *view, hh_text id)
{
    if (view->young.count >= GENERATION) {
        text_map_clear(&view->old, session_free);
        view->old = view->young;
        view->young = (struct text_map){0};
    }
    void **young = text_map_at(&view->young, id);
    if (!young)
        return NULL;
    if (!*young && text_map_find(&view->old, id)) {
        void **old = text_map_at(&view->old, id);
        *young = *old;
        *old = NULL;
    }
    if (!*young) {
        *young = calloc(1, sizeof(session));
        view->totals.sessions += *young != NULL;
    }
    return *young;
}

static hh_status remember_click(session *it, hh_text item)
{
    char *copy = strndup(item.bytes, item.length);
    if (!copy)
        return HH_MEMORY;
    if (it->clicks == TRAIL) {
        free(it->trail[0]);
        memmove(it->trail, it->trail + 1, (TRAIL - 1) * sizeof *it->trail);
        it->clicks--;
    }
    it->trail[it->clicks++] = copy;
    return HH_OK;
}

static hh_status remember_list(session *it, const hh_recommendations_record *record)
{
    size_t size = 1;
    for (size_t i = 0; i < record->count; i++)
        size += record->items[i].item.length + 1;
    char *list = malloc(size), *end = list;
    if (!list)
        return HH_MEMORY;
    for (size_t i = 0; i < record->count; i++) {
        memcpy(end, record->items[i].item.bytes, record->items[i].item.length);
        end += record->items[i].item.length;
        *end++ = '\0';
    }
    free(it->list);
    it->list = list;
    it->listed = (uint32_t)record->count;
    it->time = record->timestamp;
    return HH_OK;
}

// Rank of the item in the session's last list, 1 = first; 0: not in it.
static uint32_t rank_in_list(const session *it, hh_text item)
{
    const char *at = it->list;
    for (uint32_t rank = 1; rank <= it->listed; rank++) {
        size_t length = strlen(at);
        if (length == item.length && memcmp(at, item.bytes, length) == 0)
            return rank;
        at += length + 1;
    }
    return 0;
}

// ---- showing ----

typedef enum tone { PLAIN, BOLD, DIM, GREEN, YELLOW } tone;

static void set_tone(const struct watch_view *view, tone tone_)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[33m"};
    if (view->options.colours)
        fputs(codes[tone_], view->options.out);
}

// The text, cut at so many columns (0: whole), padded with blanks if asked for.
static void put_text(FILE *out, hh_text text, size_t columns, bool padded)
{
    size_t written = 0;
    for (size_t i = 0; i < text.length; written++) {
        if (columns > 0 && written == columns - 1) {
            size_t rest = hh_utf8_printable(text.bytes + i, text.length - i);
            if (i + (rest ? rest : 1) < text.length) {
                fputs("…", out);
                written++;
                break;
            }
        }
        size_t length = hh_utf8_printable(text.bytes + i, text.length - i);
        if (length > 0)
            fwrite(text.bytes + i, 1, length, out);
        else
            fputc('?', out);
        i += length > 0 ? length : 1;
    }
    if (padded && written < columns)
        fprintf(out, "%*s", (int)(columns - written), "");
}

static void show_click(const struct watch_view *view, const session *it,
                       const hh_recommendations_record *record)
{
    FILE *out = view->options.out;
    char when[MOMENT_SIZE];
    set_tone(view, DIM);
    fprintf(out, "%s  ", moment(record->timestamp, when));
    set_tone(view, PLAIN);
    set_tone(view, BOLD);
    put_text(out, record->visitor, 24, false);
    set_tone(view, PLAIN);
    fprintf(out, "  click %d: ", record->position);
    if ((uint32_t)record->position > it->clicks)
        fputs("… › ", out);
    for (uint32_t i = 0; i < it->clicks; i++) {
        bool last = i == it->clicks - 1;
        set_tone(view, last ? BOLD : PLAIN);
        put_text(out, titles_find(view->options.titles, (hh_text){it->trail[i], strlen(it->trail[i])}),
                 TITLE_COLUMNS, false);
        set_tone(view, PLAIN);
        fputs(last ? "\n" : " › ", out);
    }
}

static void show_verdict(const struct watch_view *view, uint32_t rank)
{
    set_tone(view, rank ? GREEN : YELLOW);
    if (rank)
        fprintf(view->options.out, "    ✓ rank %u in the list before\n", rank);
    else
        fputs("    ✗ not in the list before\n", view->options.out);
    set_tone(view, PLAIN);
}

// The record names items by their ids, people know them by their titles.
static void show_reason(const struct watch_view *view, hh_text reason)
{
    FILE *out = view->options.out;
    size_t known = sizeof HH_REASON_LIKE - 1;
    bool like = reason.length > known && memcmp(reason.bytes, HH_REASON_LIKE, known) == 0;
    put_text(out, like ? (hh_text){reason.bytes, known} : reason, 0, false);
    if (like)
        put_text(out,
                 titles_find(view->options.titles, (hh_text){reason.bytes + known, reason.length - known}), 0,
                 false);
}

static void show_list(const struct watch_view *view, const hh_recommendations_record *record)
{
    FILE *out = view->options.out;
    for (size_t i = 0; i < record->count && i < view->options.top; i++) {
        const hh_recommended_item *item = &record->items[i];
        fprintf(out, "    %2zu  ", i + 1);
        put_text(out, titles_find(view->options.titles, item->item), TITLE_COLUMNS, true);
        fprintf(out, " %5.1f %%  ", 100 * (double)item->score);
        set_tone(view, DIM);
        show_reason(view, item->reason);
        set_tone(view, PLAIN);
        fputc('\n', out);
    }
    if (record->count == 0)
        fputs("    nothing to offer yet\n", out);
}

// ---- taking in ----

hh_status watch_view_take(struct watch_view *view, const hh_recommendations_record *record, bool shown)
{
    session *it = find_session(view, record->session_id);
    if (!it)
        return HH_MEMORY;
    // A click out of order answers no question that was asked before it.
    bool judged = it->list && record->timestamp >= it->time;
    uint32_t rank = judged ? rank_in_list(it, record->clicked_item) : 0;
    watch_totals *totals = &view->totals;
    totals->lists++;
    totals->judged += judged;
    totals->hits += rank > 0 && rank <= JUDGED;
    totals->reciprocal += rank > 0 && rank <= JUDGED ? 1.0 / rank : 0;
    totals->model_version = record->model_version;
    totals->oldest = record->timestamp < totals->oldest ? record->timestamp : totals->oldest;
    totals->newest = record->timestamp > totals->newest ? record->timestamp : totals->newest;
    hh_status status = remember_click(it, record->clicked_item);
    if (status == HH_OK)
        status = remember_list(it, record);
    if (status != HH_OK || !shown || !view->options.out)
        return status;
    show_click(view, it, record);
    if (judged)
        show_verdict(view, rank);
    show_list(view, record);
    fputc('\n', view->options.out);
    return HH_OK;
}

watch_totals watch_view_count(const struct watch_view *view)
{
    return view->totals;
}

void watch_print_totals(const watch_totals *totals, FILE *out)
{
    char lists[GROUPED_SIZE], sessions[GROUPED_SIZE], judged[GROUPED_SIZE], from[MOMENT_SIZE],
        to[MOMENT_SIZE];
    fprintf(out, "%s list%s in %s session%s", grouped(totals->lists, lists), totals->lists == 1 ? "" : "s",
            grouped(totals->sessions, sessions), totals->sessions == 1 ? "" : "s");
    if (totals->lists > 0)
        fprintf(out, ", event times %s to %s", moment(totals->oldest, from), moment(totals->newest, to));
    fputc('\n', out);
    if (totals->judged > 0)
        fprintf(out, "%s of them were followed by a click: HR@%d %.1f %%, MRR@%d %.1f %%\n",
                grouped(totals->judged, judged), JUDGED, 100 * (double)totals->hits / (double)totals->judged,
                JUDGED, 100 * totals->reciprocal / (double)totals->judged);
}
