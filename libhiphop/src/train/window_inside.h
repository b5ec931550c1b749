// The inside of hh_window (<hiphop/window.h>), for window.c, which keeps it, and vocabulary.c, which numbers
// it for a training.
#ifndef TRAIN_WINDOW_INSIDE_H
#define TRAIN_WINDOW_INSIDE_H

#include <hiphop/intern.h>
#include <hiphop/window.h>

typedef struct hh_window_session {
    hh_time time;     // of the last click
    uint64_t number;  // in the order of arrival
    uint64_t key;     // of an older one, random: those with the smallest stay
    uint32_t visitor; // interned
    uint32_t count;
    uint32_t item[]; // [count] interned
} hh_window_session;

struct hh_window {
    hh_window_options options;
    hh_intern *items, *visitors; // each click of a session holds its item, each of the newest its visitor
    uint32_t numbers;            // all of items are below
    hh_window_session **newest;  // [room] a ring: `count` from `first` on
    size_t first, count, room;
    hh_window_session **older; // [older_room] a heap, the largest key on top
    size_t older_count, older_room;
    uint32_t *visitor_clicks; // [visitor_room] among the newest
    size_t visitor_room;
    uint64_t clicks, older_clicks, added, refused;
    hh_time time; // the latest
};

static inline hh_window_session *hh_window_newest(const hh_window *window, size_t i)
{
    return window->newest[(window->first + i) % window->room];
}

#endif
