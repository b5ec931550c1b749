// The inside of hh_log: sessions and their clicks as plain arrays, and the order of time through them.
#ifndef EVALUATE_CLICK_LOG_H
#define EVALUATE_CLICK_LOG_H

#include <hiphop/evaluate.h>
#include <hiphop/intern.h>
#include <hiphop/session.h>

typedef struct hh_log_session {
    uint64_t visitor;      // hash
    uint32_t first, count; // its clicks, in time order
    hh_time known_from;    // with closed memory: queries as of this time or later know it
} hh_log_session;

struct hh_log {
    hh_log_options options;
    // Clicks lie by session, sessions by the time of their first click (then by visitor): a function of the
    // set of clicks, not of the order in which those of different visitors arrived.
    uint32_t clicks, sessions, items;
    uint32_t *item;          // [clicks]
    hh_time *time;           // [clicks]
    uint32_t *session_of;    // [clicks]
    hh_log_session *session; // [sessions]
    uint32_t *stream;        // [clicks] clicks in time order; within a time by session and position
    uint32_t *by_close;      // [sessions] sessions by known_from
    char *ids;               // bytes of all ids, each followed by NUL
    size_t *id_start;        // [items + 1] where each begins
    uint64_t late;
    uint32_t train; // sessions that teach, in a log of sessions: the others are its test. 0: a log of clicks

    // while it is being built
    hh_sessionizer *sessionizer;
    hh_intern *interned;
    uint32_t click_room, session_room;
    uint64_t arrived;
    hh_status trouble; // of the sink
};

#endif
