// The training window: what a network that is trained as the stream goes learns from (docs/training.md).
//
//   hh_window_add(window, visitor, time, clicks, count)            for each session that closes
//   hh_window_take(window, until, model, NULL, &sessions, &error)  numbered for a training
//
// It holds the newest sessions that have closed, bounded in event time and in clicks, and of all that were
// there before a seeded random choice, against forgetting. No visitor and no item can own it. What it holds
// is a function of the options and of the sessions in the order in which they came.
//
// One thread at a time.
#ifndef HIPHOP_WINDOW_H
#define HIPHOP_WINDOW_H

#include <hiphop/model_file.h>
#include <hiphop/time.h>

// X(KIND, field, "name", default, low, high, "what it is for"): see <hiphop/option.h>.
#define HH_WINDOW_OPTIONS(X)                                                                                 \
    X(TIME, window, "window", 0, 0, 3650 * HH_DAY, "event time that the newest sessions reach back; 0: any") \
    X(COUNT, clicks, "clicks", 400000, 2, 1000000000, "of the newest sessions together, at most")            \
    X(SHARE, older, "older", 0.1, 0, 10,                                                                     \
      "clicks of a random choice of older sessions, as a share of clicks")                                   \
    X(COUNT, visitor_clicks, "visitor-clicks", 500, 2, 1000000000,                                           \
      "of one visitor among the newest, at most; what would be more is not learned")                         \
    X(SHARE, item_share, "item-share", 0.1, 0.0001, 1,                                                       \
      "of the clicks that one item may have; of one with more, a random choice is learned")                  \
    X(COUNT, admit, "admit", 2, 1, 1000000, "clicks with which an item gets a vector")                       \
    X(COUNT, items, "items", 100000, 1, 100000000, "with a vector, at most: those with most clicks")

typedef struct hh_window_options {
    HH_WINDOW_OPTIONS(HH_OPTION_FIELD)
    uint32_t longest; // a session is cut to its last so many clicks: hh_train_options.longest
    uint64_t seed;
} hh_window_options;

hh_window_options hh_window_defaults(void);
const hh_option *hh_window_option_table(void); // ended by a row without a name

typedef struct hh_window hh_window;

hh_window *hh_window_new(const hh_window_options *options, hh_error *error);
void hh_window_free(hh_window *window); // may be NULL

typedef struct hh_window_click {
    const char *id; // of the item, copied; a click on none of 1 .. HH_ITEM_ID_MAX bytes is passed over
    size_t length;
} hh_window_click;

// A session that has closed, its clicks in time order, the last of them at `time`. Sessions of less than two
// clicks teach nothing and are passed over. HH_MEMORY: nothing was taken.
hh_status hh_window_add(hh_window *window, uint64_t visitor, hh_time time, const hh_window_click *clicks,
                        size_t count);

typedef struct hh_window_stats {
    uint64_t sessions, clicks;             // among the newest
    uint64_t older_sessions, older_clicks; // of those before
    uint64_t refused;                      // sessions so far, of visitors who had too many clicks
    hh_time oldest, newest;                // last clicks, among the newest
} hh_window_stats;
void hh_window_stats_read(const hh_window *window, hh_window_stats *stats);

// The event time by which that share of the newest sessions, in the order in which they closed, had ended;
// INT64_MIN: there are none.
hh_time hh_window_time_at(const hh_window *window, double share);

// How many of the newest sessions have a click later than that.
size_t hh_window_since(const hh_window *window, hh_time time);

// Sessions and their vocabulary, ready for a training; all of it is owned.
typedef struct hh_window_sessions {
    hh_train_data data; // first the older sessions, then the newest, both as they came
    hh_item_ids ids;    // [data.items]
    uint32_t *row;      // [data.items] in the model; UINT32_MAX: new
    uint32_t fresh;     // items that are new
    uint32_t gone;      // items that the model has, and that nobody clicks any more nor knows
    uint64_t which;     // a hash that tells these sessions of the window from any others, whatever the model
    void *memory;
} hh_window_sessions;

// What ended before `until` alone. The items are those that the model has and that still occur, in its order,
// then those that have been clicked often enough, in the order in which they came, then those that are known
// whatever clicks they have (NULL: none; no id there twice), the first of them as far as options.items goes;
// clicks on all others are left out. model NULL: there is none. HH_MEMORY.
hh_status hh_window_take(const hh_window *window, hh_time until, const hh_model *model,
                         const hh_item_ids *known, hh_window_sessions *sessions, hh_error *error);
void hh_window_sessions_free(hh_window_sessions *sessions); // all zero is none

#endif
