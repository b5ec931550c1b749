// Session files: one session a line, its items in time order, separated by blanks (or tabs).
//
//   shoes-4 socks-1 shoes-4
//   socks-1 hat-7
//
// The order of lines is the order of time. Plain or gzip, told apart by their first bytes; "-" is standard
// input. Empty lines are skipped, a trailing carriage return is taken off.
//
// Sessions are read into arrays of item numbers, several files into one vocabulary. Items are numbered from 0
// in the order in which they first occur: with the training file read first, an item whose number is not
// below hh_sessions_view.items as it was after that file does not occur in it.
//
// One thread at a time for each hh_sessions.
#ifndef HIPHOP_SESSION_FILE_H
#define HIPHOP_SESSION_FILE_H

#include <hiphop/status.h>
#include <stddef.h>
#include <stdint.h>

#define HH_SESSION_FILE_ID_MAX 1024 // bytes of an item, at least 1

typedef struct hh_sessions hh_sessions;

hh_sessions *hh_sessions_new(hh_error *error); // empty; NULL: HH_MEMORY
void hh_sessions_free(hh_sessions *sessions);  // may be NULL

// Appends the file's sessions. HH_IO (it can't be opened or read, or is cut off in the middle of its gzip
// stream), HH_FORMAT (a line that is no session; the message holds its number and what is wrong), HH_LIMIT
// (more than 2^32 - 2 clicks in all), HH_MEMORY. After a failure what had been read before it is there.
hh_status hh_sessions_read(hh_sessions *sessions, const char *path, hh_error *error);

typedef struct hh_sessions_view { // valid until the next read; owned by the sessions
    uint32_t sessions, clicks, items;
    const uint32_t *item; // [clicks] all sessions, one after another
    const uint32_t
        *first; // [sessions + 1] session s has the clicks first[s] .. first[s + 1] - 1, one or more
} hh_sessions_view;

void hh_sessions_view_read(const hh_sessions *sessions, hh_sessions_view *view);
// The id of an item, NUL-terminated, valid until the next read; NULL: no such item. length may be NULL.
const char *hh_sessions_item(const hh_sessions *sessions, uint32_t item, size_t *length);

#endif
