// Session files (session_file.h): lines to arrays of item numbers.
#include "evaluate/line_reader.h"

#include <hiphop/intern.h>
#include <hiphop/session_file.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CLICKS (UINT32_MAX - 1)

struct hh_sessions {
    hh_intern *interned; // nothing is ever released, so its numbers are dense
    uint32_t sessions, clicks;
    uint32_t *item, *first;
    size_t item_room, first_room;
};

static bool grow(uint32_t **array, size_t *room, size_t needed)
{
    if (needed <= *room)
        return true;
    size_t wanted = needed + needed / 2 + 256;
    uint32_t *larger = realloc(*array, wanted * sizeof *larger);
    if (!larger)
        return false;
    *array = larger;
    *room = wanted;
    return true;
}

hh_sessions *hh_sessions_new(hh_error *error)
{
    hh_sessions *sessions = calloc(1, sizeof *sessions);
    if (sessions) {
        sessions->interned = hh_intern_new(0);
        if (sessions->interned && grow(&sessions->first, &sessions->first_room, 1)) {
            sessions->first[0] = 0;
            return sessions;
        }
    }
    hh_sessions_free(sessions);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

void hh_sessions_free(hh_sessions *sessions)
{
    if (!sessions)
        return;
    if (sessions->interned)
        hh_intern_free(sessions->interned);
    free(sessions->item);
    free(sessions->first);
    free(sessions);
}

static hh_status bad_line(const hh_lines *lines, hh_error *error, const char *what)
{
    return hh_fail(error, HH_FORMAT, "%s: line %llu: %s", hh_lines_name(lines),
                   (unsigned long long)hh_lines_number(lines), what);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

// Whether the line is a session, or empty; nothing is taken from one that is not.
static hh_status check(const hh_lines *lines, hh_text line, size_t *count, hh_error *error)
{
    if (memchr(line.bytes, '\0', line.length))
        return bad_line(lines, error, "holds a NUL byte; session files are text");
    *count = 0;
    for (size_t at = 0; at < line.length;) {
        size_t start = at;
        while (at < line.length && !is_blank(line.bytes[at]))
            at++;
        *count += at > start;
        if (at - start > HH_SESSION_FILE_ID_MAX)
            return hh_fail(error, HH_FORMAT,
                           "%s: line %llu: item %zu has %zu bytes; ids have 1 to %d, and blanks between them",
                           hh_lines_name(lines), (unsigned long long)hh_lines_number(lines), *count,
                           at - start, HH_SESSION_FILE_ID_MAX);
        at++;
    }
    return HH_OK;
}

static hh_status take(hh_sessions *sessions, hh_text line, size_t count, hh_error *error)
{
    if (count > MOST_CLICKS - sessions->clicks)
        return hh_fail(error, HH_LIMIT, "more than %u clicks; take a part of them", MOST_CLICKS);
    if (!grow(&sessions->item, &sessions->item_room, sessions->clicks + count) ||
        !grow(&sessions->first, &sessions->first_room, (size_t)sessions->sessions + 2))
        return hh_fail(error, HH_MEMORY, NULL);
    uint32_t clicks = sessions->clicks;
    for (size_t at = 0; at < line.length; at++) {
        size_t start = at;
        while (at < line.length && !is_blank(line.bytes[at]))
            at++;
        if (at == start)
            continue;
        uint32_t number = hh_intern_acquire(sessions->interned, line.bytes + start, at - start);
        if (number == HH_INTERN_NONE)
            return hh_fail(error, HH_MEMORY, NULL);
        sessions->item[clicks++] = number;
    }
    sessions->clicks = clicks;
    sessions->first[++sessions->sessions] = clicks;
    return HH_OK;
}

static hh_status read_lines(hh_sessions *sessions, hh_lines *lines, hh_error *error)
{
    for (bool first = true;; first = false) {
        hh_text line;
        size_t count = 0;
        hh_status status = hh_lines_next(lines, &line, error);
        if (status != HH_OK || !line.bytes)
            return status;
        if (first && line.length >= 3 && memcmp(line.bytes, "\xef\xbb\xbf", 3) == 0) // a byte order mark
            line = (hh_text){line.bytes + 3, line.length - 3};
        status = check(lines, line, &count, error);
        if (status == HH_OK && count > 0)
            status = take(sessions, line, count, error);
        if (status != HH_OK)
            return status;
    }
}

hh_status hh_sessions_read(hh_sessions *sessions, const char *path, hh_error *error)
{
    hh_error reason = {0};
    hh_lines *lines = hh_lines_open(path, "sessions", &reason);
    hh_status status = lines ? read_lines(sessions, lines, &reason) : reason.status;
    hh_lines_close(lines);
    return status == HH_OK ? HH_OK : hh_fail(error, status, "%s", reason.message);
}

void hh_sessions_view_read(const hh_sessions *sessions, hh_sessions_view *view)
{
    *view = (hh_sessions_view){
        .sessions = sessions->sessions,
        .clicks = sessions->clicks,
        .items = (uint32_t)hh_intern_count(sessions->interned),
        .item = sessions->item,
        .first = sessions->first,
    };
}

const char *hh_sessions_item(const hh_sessions *sessions, uint32_t item, size_t *length)
{
    if (item >= hh_intern_count(sessions->interned))
        return NULL;
    return hh_intern_bytes(sessions->interned, item, length);
}
