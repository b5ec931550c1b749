// What the files of the sessionizer share: its state, and the calls between them.
//
//   sessionizer.c             the rules: push, tick, what joins what
//   sessionizer_records.c     records of open sessions, found by visitor, ordered by first offset
//   sessionizer_wheel.c       when each of them is due to close
//   sessionizer_clock.c       what the wall clock decided, so that a replay decides it again
//   sessionizer_checkpoint.c  the checkpoint text
#ifndef HH_SESSION_SESSIONIZER_STATE_H
#define HH_SESSION_SESSIONIZER_STATE_H

#include "blocks.h"
#include "slots.h"
#include <hiphop/session.h>

#define HH_RECORD_NONE      UINT32_MAX
#define HH_RECORD_LIMIT     ((uint32_t)1 << 30) // the wheel needs the bits above
#define HH_RECORDS_IN_CHUNK 1024u
#define HH_VISITOR_INLINE   16u

// An open session, or the cut that a cap has left behind: the memory that the visitor was started afresh at
// an offset, kept until nothing from before it could touch anything from after it in a replay. What every
// click and the wheel look at: one line of the cache. The rest of it is in hh_record_rest.
typedef struct hh_record {
    union {
        char bytes[HH_VISITOR_INLINE]; // where the length allows it
        char *block;
    } visitor;
    uint32_t visitor_length;
    uint32_t count; // clicks; 0: this is a cut
    union {
        hh_session_click only; // where count is 1: most sessions never need a list
        struct {
            hh_time last; // time of the last click, whatever count is; of a cut: of the last it cut off
            hh_session_click *list; // where count > 1: a block with room for hh_clicks_capacity(count)
        };
    };
    uint32_t sibling;      // next record of the same visitor
    unsigned in_wheel : 1; // in a bucket or among the next
    unsigned in_next : 1;  // among the next
    unsigned
        cut_after : 1; // of a cut: the click that met the cap was the last one before, not the first after
    int64_t id;        // first offset; of a cut: the offset of the click that met the cap
    uint32_t earlier, later; // in the wheel; `later` links unused records too
} hh_record;

typedef struct hh_record_rest {
    union {
        void *attachment;
        int64_t chain; // of a cut: a replay from here on needs no help to come to the same cut
    } of;
    hh_time watermark;     // when the click at the first offset, or the chain's, was taken
    uint32_t older, newer; // by hold: see hh_record_hold
} hh_record_rest;

#define HH_CACHE_LINE 64u
_Static_assert(sizeof(hh_record) == HH_CACHE_LINE, "a record is a line of the cache");
typedef struct hh_record_chunk {
    hh_record records[HH_RECORDS_IN_CHUNK];
    hh_record_rest rests[HH_RECORDS_IN_CHUNK];
} hh_record_chunk;

#define HH_WHEEL_BUCKETS 2048u

// Records by the time when they are due, in buckets of equal width; the bucket that the watermark stands in
// is kept apart, in exact order.
typedef struct hh_wheel {
    hh_time width;
    hh_time boundary; // end of the bucket that the watermark stands in
    hh_time closed;   // when the session that closed last by its gap was due
    int64_t bucket;   // its number
    size_t waiting;   // records in buckets
    uint32_t next;    // the records of that bucket, in order of (last, id)
    uint32_t ahead;   // in the bucket whose turn is next: how far the look ahead has come,
    uint32_t seen[2]; // and the records that it came from
    uint32_t buckets[HH_WHEEL_BUCKETS];
} hh_wheel;

// Sizes of the lists in a checkpoint: full lists of the longest numbers still fit into its size.
#define HH_FLOORS   40u
#define HH_CEILINGS 64u
#define HH_CUTS     96u

// From `offset` on, the watermark was at least `time` (a floor), or clicks later than `time` were future (a
// ceiling, until the next one).
typedef struct hh_clock_mark {
    int64_t offset;
    hh_time time;
} hh_clock_mark;

typedef struct hh_cut_mark {
    int64_t offset;
    bool after;
} hh_cut_mark;

typedef struct hh_replay {
    bool running;
    int64_t position;  // where it ends
    hh_time watermark; // at its end
    size_t floor;      // next of the floors
    size_t ceiling;    // next of the ceilings
    size_t cut;        // next of the cuts
    size_t cut_count;
    hh_cut_mark cuts[HH_CUTS];
    char *text; // that it was restored from
} hh_replay;

// Visitors whose clicks are about to come: where the look for their records stands.
#define HH_EXPECTED 8u // power of two: visitors between one stage of the look and the next
typedef struct hh_expected {
    uint32_t tags[HH_EXPECTED];
    uint32_t records[HH_EXPECTED];
    uint32_t at;
} hh_expected;

struct hh_sessionizer {
    hh_sessionizer_options options;
    hh_session_sink *sink;
    void *context;
    bool muted;
    int64_t offset; // last one pushed

    hh_time watermark;
    hh_time sure_watermark; // what a replay's watermark is here at least: without unmarked help of the clock

    hh_slots visitors;        // to the newest record of each
    hh_blocks blocks;         // records, click lists and long visitor ids
    hh_record_chunk **chunks; // each at the beginning of a line of the cache
    size_t chunk_count;
    size_t chunk_capacity;
    uint32_t used;   // records ever in use
    uint32_t unused; // first of those to be used again
    uint32_t oldest, newest;
    size_t open;
    hh_wheel wheel;
    hh_expected expected;

    hh_clock_mark floors[HH_FLOORS];
    hh_clock_mark ceilings[HH_CEILINGS];
    size_t floor_count;
    size_t ceiling_count;
    size_t floor_limit; // the list sizes above; less in tests
    size_t ceiling_limit;
    size_t cut_limit;
    hh_time latest_taken; // not future, since the last ceiling
    uint64_t inexact;

    hh_replay replay;
};

static inline hh_record *hh_record_at(const hh_sessionizer *s, uint32_t number)
{
    return &s->chunks[number / HH_RECORDS_IN_CHUNK]->records[number % HH_RECORDS_IN_CHUNK];
}

static inline hh_record_rest *hh_record_rest_at(const hh_sessionizer *s, uint32_t number)
{
    return &s->chunks[number / HH_RECORDS_IN_CHUNK]->rests[number % HH_RECORDS_IN_CHUNK];
}

static inline bool hh_record_is_cut(const hh_record *record)
{
    return record->count == 0;
}

static inline hh_session_click *hh_record_clicks(hh_record *record)
{
    return record->count == 1 ? &record->only : record->list;
}

static inline hh_time hh_record_first(const hh_record *record)
{
    return record->count == 1 ? record->only.time : record->list->time;
}

static inline const char *hh_record_visitor(const hh_record *record)
{
    return record->visitor_length <= HH_VISITOR_INLINE ? record->visitor.bytes : record->visitor.block;
}

// The offset from which a replay needs no help to rebuild the record. The list older/newer is in its order,
// except that cuts which a replay was told of, whose chains lie before it, come first.
static inline int64_t hh_record_hold(const hh_sessionizer *s, uint32_t number)
{
    const hh_record *record = hh_record_at(s, number);
    return hh_record_is_cut(record) ? hh_record_rest_at(s, number)->of.chain : record->id;
}

// sessionizer.c
void hh_sessionizer_end_replay(hh_sessionizer *s);
void hh_sessionizer_due(hh_sessionizer *s, uint32_t number); // called by the wheel, which has let go of it

// sessionizer_records.c
uint32_t hh_records_tag(const hh_sessionizer *s, const char *visitor, size_t length);
// First record of the visitor, with its slot (may be NULL); HH_RECORD_NONE.
uint32_t hh_records_find(const hh_sessionizer *s, uint32_t tag, const char *visitor, size_t length,
                         size_t *slot);
// Room for one more record of one more visitor.
hh_status hh_records_reserve(hh_sessionizer *s);
// A record of a session that holds nothing yet, at the end of the order. Needs room; takes over the block
// that a visitor id longer than HH_VISITOR_INLINE needs.
uint32_t hh_records_add(hh_sessionizer *s, uint32_t tag, const char *visitor, size_t length, char *block,
                        int64_t offset);
// Forgets a record that is not in the wheel, with what it owns; and the visitor's cut, if that has only
// waited for it.
void hh_records_remove(hh_sessionizer *s, uint32_t number);
void hh_records_drop_clicks(hh_sessionizer *s, hh_record *record);
// Fetches from memory what hh_records_remove() will need. Changes nothing else.
void hh_records_fetch(const hh_sessionizer *s, const hh_record *record);
void hh_records_move_to_oldest(hh_sessionizer *s, uint32_t number);
void hh_records_free(hh_sessionizer *s);
size_t hh_records_memory(const hh_sessionizer *s);
// Clicks that a session of `count` has room for: 1 without a list.
size_t hh_clicks_capacity(size_t count);

// sessionizer_wheel.c
void hh_wheel_init(hh_wheel *wheel, hh_time gap, hh_time lateness);
void hh_wheel_add(hh_sessionizer *s, uint32_t number);
void hh_wheel_remove(hh_sessionizer *s, uint32_t number);
// After a click has moved record->last.
void hh_wheel_touch(hh_sessionizer *s, uint32_t number);
// Moves the watermark; hands what is due to hh_sessionizer_due.
void hh_wheel_advance(hh_sessionizer *s, hh_time watermark);
// Fetches from memory, a record a call, what the turn to the next bucket will need. Changes nothing else.
void hh_wheel_look_ahead(hh_sessionizer *s);
// The same, but no further than it takes to close what is open.
void hh_wheel_settle(hh_sessionizer *s, hh_time watermark);

// sessionizer_clock.c
// What becomes of a click, the watermark in force for it, without any change.
hh_click_fate hh_clock_fate(const hh_sessionizer *s, int64_t offset, hh_time time, hh_time now,
                            hh_time *watermark);
// Remembers what a replay couldn't know by itself about this fate.
void hh_clock_note(hh_sessionizer *s, int64_t offset, hh_time time, hh_click_fate fate);
// Moves the cursors of a replay to the offset.
void hh_clock_replayed(hh_sessionizer *s, int64_t offset);
// Whether the watermark may follow the clock: whether there is room to remember.
bool hh_clock_may_tick(hh_sessionizer *s);

// sessionizer_checkpoint.c
// Where a replay for a checkpoint at position has to begin, and the watermark there. cuts may be NULL:
// [HH_CUTS] marks of the cuts it must be told of.
int64_t hh_checkpoint_resume(const hh_sessionizer *s, int64_t position, hh_time *watermark, hh_cut_mark *cuts,
                             size_t *cut_count);

// For tests: smaller lists, before the first click.
void hh_sessionizer_limit_lists(hh_sessionizer *s, size_t floors, size_t ceilings, size_t cuts);

#endif
