// The sessionizer: clicks of one partition of a log in, session updates and closed sessions out.
//
// A pure state machine. What it does is a function of the log, of the wall-clock times passed in and of
// nothing else:
//
//   watermark = largest event time seen - lateness
//   late      = click older than the watermark
//   future    = click later than now + max_skew; it moves nothing
//   closed    = watermark >= last click + gap, or max_clicks or max_duration reached
//
// Clicks that are out of order but not late are put in order (ties in order of arrival), and may join two
// open sessions of a visitor into one. Sessions close in order of (last click + gap, id).
//
// Restarting. Nothing is stored but the log: hh_sessionizer_checkpoint() writes a short ASCII text that names
// the offset from which the open sessions can be rebuilt; a new sessionizer given that text, and then the log
// from that offset on, repeats its past with every event `muted` up to the position of the checkpoint, and
// from there on behaves exactly as the first one would have.
//
// One thread at a time.
#ifndef HIPHOP_SESSION_H
#define HIPHOP_SESSION_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hh_sessionizer_options {
    hh_time gap;          // > 0; a pause of this length or longer ends a session
    hh_time lateness;     // >= 0; how far behind the largest event time a click may come
    hh_time max_duration; // > 0; first to last click of one session: a click beyond it begins a new session
    uint32_t max_clicks;  // >= 1; a session that holds this many closes at once
    hh_time max_skew;     // >= 0; how far ahead of the wall clock a click may be
    hh_time idle_timeout; // > 0: an idle partition's watermark follows the wall clock after this; 0: never
} hh_sessionizer_options;

typedef struct hh_session_click {
    hh_time time;
    uint32_t item; // the caller's number of the item
    uint32_t unused;
} hh_session_click;

// A session as events show it: valid during the event only.
typedef struct hh_session {
    int64_t
        id; // offset of the session's first click to arrive: unique in its partition, a function of the log
    const char *visitor;            // not NUL-terminated
    size_t visitor_length;          // bytes
    const hh_session_click *clicks; // [count], in time order
    uint32_t count;
    void **attachment; // the caller's own; NULL at first; the event CLOSED or MERGED is the time to free it
} hh_session;

typedef enum hh_close_reason { HH_CLOSE_GAP, HH_CLOSE_MAX_CLICKS, HH_CLOSE_MAX_DURATION } hh_close_reason;

typedef enum hh_session_event_kind {
    HH_SESSION_CLICK,  // clicks[position] has just come in (position < count - 1: out of order)
    HH_SESSION_MERGED, // `other` is about to be joined into `session`; both are shown as before the merge.
                       // The CLICK that caused it follows.
    HH_SESSION_CLOSED, // for `reason`; it is forgotten after the event
} hh_session_event_kind;

typedef struct hh_session_event {
    hh_session_event_kind kind;
    bool muted; // this is replay: it was dealt with before the checkpoint
    const hh_session *session;
    const hh_session *other; // MERGED only
    uint32_t position;       // CLICK only
    hh_close_reason reason;  // CLOSED only
} hh_session_event;

typedef void hh_session_sink(void *context, const hh_session_event *event);

typedef struct hh_sessionizer hh_sessionizer;

// The defaults: gap 30 min, lateness 10 s, max_duration 12 h, max_clicks 500, max_skew 5 min, idle_timeout 1
// min.
hh_sessionizer_options hh_sessionizer_defaults(void);

// NULL with *error filled when an option is out of range or memory is out. Events go to sink(context, ...),
// called from within push and tick only; the sink must not call the sessionizer.
hh_sessionizer *hh_sessionizer_new(const hh_sessionizer_options *options, hh_session_sink *sink,
                                   void *context, hh_error *error);
// Frees everything; open sessions are not closed, but `release` (may be NULL) sees each of them once so that
// the caller can free attachments and item references.
void hh_sessionizer_free(hh_sessionizer *sessionizer,
                         void (*release)(void *context, const hh_session *session));

typedef enum hh_click_fate {
    HH_CLICK_TAKEN,  // in a session
    HH_CLICK_LATE,   // older than the watermark: not used
    HH_CLICK_FUTURE, // further ahead of `now` than max_skew: not used
} hh_click_fate;

// The next click of the log. offset: of its record, larger than all before it (gaps are fine: records that
// were no clicks). now: wall clock. *fate says what became of it, *muted (may be NULL) whether it is replay.
// First closes what the click's time closes, then takes the click. HH_MEMORY: nothing has changed, the click
// may be pushed again.
hh_status hh_sessionizer_push(hh_sessionizer *sessionizer, int64_t offset, const char *visitor,
                              size_t visitor_length, uint32_t item, hh_time time, hh_time now,
                              hh_click_fate *fate, bool *muted);

// Call now and then while the consumer stands at the end of the partition (and only there: a broker that is
// down is not an idle partition). idle_since: wall-clock time since when nothing has come. After idle_timeout
// the watermark is moved to now - lateness, closing what that closes.
hh_status hh_sessionizer_tick(hh_sessionizer *sessionizer, hh_time now, hh_time idle_since);

// Writes the checkpoint for position (offset of the next record to be read) as a NUL-terminated ASCII text of
// less than size bytes (size >= HH_CHECKPOINT_SIZE always suffices).
#define HH_CHECKPOINT_SIZE 4096
hh_status hh_sessionizer_checkpoint(const hh_sessionizer *sessionizer, int64_t position, char *text,
                                    size_t size);

// Makes a fresh sessionizer continue from a checkpoint: *resume is the offset to read from. An empty text is
// the checkpoint of an empty sessionizer at `position`. HH_FORMAT for a text that is not a checkpoint.
hh_status hh_sessionizer_restore(hh_sessionizer *sessionizer, const char *text, int64_t position,
                                 int64_t *resume, hh_error *error);

// What there is to see.
hh_time hh_sessionizer_watermark(const hh_sessionizer *sessionizer); // HH_TIME_MIN before the first click
size_t hh_sessionizer_open(const hh_sessionizer *sessionizer);       // open sessions
size_t hh_sessionizer_memory(const hh_sessionizer *sessionizer);     // bytes held
bool hh_sessionizer_replaying(const hh_sessionizer *sessionizer);    // before the position of the checkpoint

#endif
