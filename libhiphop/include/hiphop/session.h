// The sessionizer: clicks of one partition of a log in, session updates and closed sessions out.
//
// A pure state machine. What it does is a function of the log, of the wall-clock times passed in and of
// nothing else. Its rules, in the order in which a click meets them:
//
//   late       The watermark is the largest event time taken - lateness, and never goes back. A click older
//              than the watermark is late: not used.
//   future     A click later than now + max_skew is not used and moves nothing.
//   close      The click's time moves the watermark. Every session with last click + gap <= watermark closes,
//              in order of (last click + gap, id). A session that so closes could not have taken the click.
//   join       The click belongs with every open session of its visitor that has a click less than gap away
//              from it: with none (it begins a session), with one, or with two, which it merges: the session
//              that is older by id lives on. Clicks stand in order of time, equal times in order of arrival.
//   cap        Would what it joins be longer than max_duration, or hold more than max_clicks? Then every open
//              session of the visitor closes, and the click begins a new one. Does the session hold
//              max_clicks with it? Then every open session of the visitor closes right after it. So a cap
//              always starts the visitor afresh.
//
// What follows: a session that closes by its gap is final, because every click that belongs to it and is not
// late has come; two open sessions of a visitor are always gap or more apart; what a visitor's sessions are
// depends on other visitors through the watermark alone.
//
// Restarting. Nothing is stored but the log: hh_sessionizer_checkpoint() writes a short ASCII text that names
// the offset from which the open sessions can be rebuilt; a new sessionizer given that text, and then the log
// from that offset on, repeats its past with every event `muted` up to the position of the checkpoint, and
// from there on behaves exactly as the first one would have. Muted events are a past that ends in the same
// present, not the same past: sessions that had closed by then may be seen in part. The options must be the
// same ones. docs/decisions/0002-checkpoint-in-the-commit.md says how and why.
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
    hh_time max_duration; // > 0; first to last click of one session
    uint32_t max_clicks;  // 1 ... 2^24; a session that holds this many closes at once
    hh_time max_skew;     // >= 0; how far ahead of the wall clock a click may be
    hh_time idle_timeout; // > 0: an idle partition's watermark follows the wall clock after this; 0: never
    uint64_t seed; // of the hash of visitors: random where strangers choose them; no result depends on it
} hh_sessionizer_options;

// Times beyond +-HH_TIME_LIMIT (2^53 ms, 285 thousand years) are future or late, whatever the clock says.
// gap, lateness, max_skew and idle_timeout may not be longer.
#define HH_TIME_LIMIT ((hh_time)1 << 53)

typedef struct hh_session_click {
    hh_time time;
    uint32_t item; // the caller's number of the item
    uint32_t unused;
} hh_session_click;

// A session as events show it: valid during the event only.
typedef struct hh_session {
    int64_t id;                     // offset of its first click to arrive: unique in its partition
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
    HH_SESSION_CLOSED, // for `reason`; it is forgotten after the event. A cap gives its reason to all that it
                       // closes, in order of (last click, id).
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
// min, seed 0.
hh_sessionizer_options hh_sessionizer_defaults(void);

// NULL with *error filled when an option is out of range or memory is out. Events go to sink(context, ...),
// called from within push and tick, and muted ones from within checkpoint; the sink must not call the
// sessionizer.
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

// The next click of the log. offset: of its record, >= 0 and larger than all before it (gaps are fine:
// records that were no clicks), or HH_ARGUMENT. now: wall clock; without meaning in replay. *fate says what
// became of it, *muted (may be NULL) whether it is replay. First closes what the click's time closes, then
// takes the click. HH_MEMORY: nothing has changed, the click may be pushed again.
hh_status hh_sessionizer_push(hh_sessionizer *sessionizer, int64_t offset, const char *visitor,
                              size_t visitor_length, uint32_t item, hh_time time, hh_time now,
                              hh_click_fate *fate, bool *muted);

// A hint that a click of this visitor will be pushed soon: fetches what it needs from memory meanwhile. Where
// clicks come in batches and a million sessions are open, pushes take little more than half the time when
// each visitor was expected HH_EXPECT_AHEAD clicks before. Changes nothing else.
#define HH_EXPECT_AHEAD 24
void hh_sessionizer_expect(hh_sessionizer *sessionizer, const char *visitor, size_t visitor_length);

// Call now and then while the consumer stands at the end of the partition (and only there: a broker that is
// down is not an idle partition). idle_since: wall-clock time since when nothing has come. After idle_timeout
// the watermark is moved to now - lateness, closing what that closes, but never further than it takes to
// close the sessions that are open: where nobody waits for it, time stands still, and a history of long ago
// can be read tomorrow as well as today. It also stays where it is when a checkpoint couldn't remember any
// more of such moves; sessions then close later.
hh_status hh_sessionizer_tick(hh_sessionizer *sessionizer, hh_time now, hh_time idle_since);

// Writes the checkpoint for position (offset of the next record to be read: larger than all offsets pushed,
// or HH_ARGUMENT) as a NUL-terminated ASCII text of less than size bytes; size >= HH_CHECKPOINT_SIZE always
// suffices, HH_LIMIT otherwise. Cheap enough for every few milliseconds, however many sessions are open.
// While it replays, the checkpoint for its position is the text it was restored from; a position beyond that
// ends the replay.
#define HH_CHECKPOINT_SIZE 4096
hh_status hh_sessionizer_checkpoint(hh_sessionizer *sessionizer, int64_t position, char *text, size_t size);

// Makes a fresh sessionizer continue from a checkpoint: *resume is the offset to read from. position must be
// the one that the text was written for. An empty text is the checkpoint of an empty sessionizer at
// `position`. HH_FORMAT for a text that is not a checkpoint for this position; the sessionizer is still fresh
// then.
hh_status hh_sessionizer_restore(hh_sessionizer *sessionizer, const char *text, int64_t position,
                                 int64_t *resume, hh_error *error);

// What there is to see.
hh_time hh_sessionizer_watermark(const hh_sessionizer *sessionizer); // HH_TIME_MIN before the first click
size_t hh_sessionizer_open(const hh_sessionizer *sessionizer);       // open sessions
size_t hh_sessionizer_memory(const hh_sessionizer *sessionizer);     // bytes held
bool hh_sessionizer_replaying(const hh_sessionizer *sessionizer);    // nothing from its position on has come
// How many decisions of the wall clock (see `future`) checkpoints had no room for: 0, but where clocks jump
// back and forth all the time. Each may make a restart take a click that wasn't taken.
uint64_t hh_sessionizer_inexact(const hh_sessionizer *sessionizer);

#endif
