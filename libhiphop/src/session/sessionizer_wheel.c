// When sessions are due: a wheel of buckets, so that a click costs nothing here and a session costs one look
// per gap that it lives. A record waits in the bucket of the due time it had when it was put there; clicks
// since then only make it later, and it is moved on when its bucket's turn comes. What is due within the
// bucket that the watermark stands in is sorted by (last, id), which is the order of closing.
//
// No record is ever due more than gap + lateness after the watermark, so the wheel spans that.
#include "sessionizer_state.h"

#define HEAD ((uint32_t)1 << 31) // in `earlier`: first of the bucket of the low bits
#define NEXT (HEAD | HH_WHEEL_BUCKETS)

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void hh_wheel_init(hh_wheel *wheel, hh_time gap, hh_time lateness)
{
    wheel->width = (gap + lateness) / (HH_WHEEL_BUCKETS - 2) + 1;
    wheel->boundary = HH_TIME_MIN;
    wheel->next = wheel->ahead = wheel->seen[0] = wheel->seen[1] = HH_RECORD_NONE;
    for (size_t i = 0; i < HH_WHEEL_BUCKETS; i++)
        wheel->buckets[i] = HH_RECORD_NONE;
}

static int64_t due_bucket(const hh_sessionizer *s, const hh_record *record)
{
    return floor_divide(record->last + s->options.gap, s->wheel.width);
}

static bool before(const hh_record *a, const hh_record *b)
{
    return a->last != b->last ? a->last < b->last : a->id < b->id;
}

static void set_later(hh_sessionizer *s, uint32_t earlier, uint32_t number)
{
    if (earlier == NEXT)
        s->wheel.next = number;
    else if (earlier & HEAD)
        s->wheel.buckets[earlier & ~HEAD] = number;
    else
        hh_record_at(s, earlier)->later = number;
}

static void insert(hh_sessionizer *s, uint32_t number, uint32_t earlier, uint32_t later)
{
    hh_record *record = hh_record_at(s, number);
    record->earlier = earlier;
    record->later = later;
    set_later(s, earlier, number);
    if (later != HH_RECORD_NONE)
        hh_record_at(s, later)->earlier = number;
    record->in_wheel = 1;
}

void hh_wheel_add(hh_sessionizer *s, uint32_t number)
{
    hh_record *record = hh_record_at(s, number);
    int64_t bucket = due_bucket(s, record);
    if (bucket > s->wheel.bucket) {
        uint32_t index = (uint32_t)((uint64_t)bucket % HH_WHEEL_BUCKETS);
        insert(s, number, HEAD | index, s->wheel.buckets[index]);
        record->in_next = 0;
        s->wheel.waiting++;
        return;
    }
    // Only where gap is narrower than a bucket, that is, much shorter than lateness.
    uint32_t earlier = NEXT;
    uint32_t later = s->wheel.next;
    while (later != HH_RECORD_NONE && before(hh_record_at(s, later), record)) {
        earlier = later;
        later = hh_record_at(s, later)->later;
    }
    insert(s, number, earlier, later);
    record->in_next = 1;
}

void hh_wheel_remove(hh_sessionizer *s, uint32_t number)
{
    hh_record *record = hh_record_at(s, number);
    if (!record->in_wheel)
        return;
    set_later(s, record->earlier, record->later);
    if (record->later != HH_RECORD_NONE)
        hh_record_at(s, record->later)->earlier = record->earlier;
    if (!record->in_next)
        s->wheel.waiting--;
    record->in_wheel = 0;
    record->in_next = 0;
}

void hh_wheel_touch(hh_sessionizer *s, uint32_t number)
{
    if (!hh_record_at(s, number)->in_next)
        return;
    hh_wheel_remove(s, number);
    hh_wheel_add(s, number);
}

// Two sorted lists, linked by `later`, into one.
static uint32_t merge_sorted(hh_sessionizer *s, uint32_t a, uint32_t b)
{
    uint32_t first = HH_RECORD_NONE;
    uint32_t *tail = &first;
    while (a != HH_RECORD_NONE && b != HH_RECORD_NONE) {
        uint32_t *smaller = before(hh_record_at(s, b), hh_record_at(s, a)) ? &b : &a;
        *tail = *smaller;
        tail = &hh_record_at(s, *smaller)->later;
        *smaller = *tail;
    }
    *tail = a != HH_RECORD_NONE ? a : b;
    return first;
}

// Turns to the next bucket: what has been clicked since moves on, the rest is sorted into `next`.
static void open_bucket(hh_sessionizer *s, int64_t bucket)
{
    hh_wheel *wheel = &s->wheel;
    uint32_t index = (uint32_t)((uint64_t)bucket % HH_WHEEL_BUCKETS);
    uint32_t number = wheel->buckets[index];
    wheel->buckets[index] = HH_RECORD_NONE;
    wheel->bucket = bucket;

    uint32_t sorted[32]; // [i < used]: nothing, or 2^i records in order
    size_t used = 0;     // most buckets are short, or empty
    while (number != HH_RECORD_NONE) {
        hh_record *record = hh_record_at(s, number);
        uint32_t later = record->later;
        wheel->waiting--;
        if (due_bucket(s, record) > bucket) {
            hh_wheel_add(s, number);
        } else {
            record->later = HH_RECORD_NONE;
            size_t i = 0;
            for (; i < used && sorted[i] != HH_RECORD_NONE; i++) {
                number = merge_sorted(s, sorted[i], number);
                sorted[i] = HH_RECORD_NONE;
            }
            sorted[i] = number;
            used += i == used;
        }
        number = later;
    }
    uint32_t all = HH_RECORD_NONE;
    for (size_t i = 0; i < used; i++)
        all = merge_sorted(s, sorted[i], all);

    wheel->next = all;
    uint32_t earlier = NEXT;
    for (; all != HH_RECORD_NONE; all = hh_record_at(s, all)->later) {
        hh_record_at(s, all)->earlier = earlier;
        hh_record_at(s, all)->in_next = 1;
        earlier = all;
    }
}

static void close_next(hh_sessionizer *s, hh_time watermark)
{
    while (s->wheel.next != HH_RECORD_NONE) {
        uint32_t number = s->wheel.next;
        if (hh_record_at(s, number)->last + s->options.gap > watermark)
            return;
        s->wheel.closed = hh_record_at(s, number)->last + s->options.gap;
        hh_wheel_remove(s, number);
        hh_sessionizer_due(s, number);
    }
}

static void turn_to(hh_sessionizer *s, hh_time watermark)
{
    hh_wheel *wheel = &s->wheel;
    wheel->bucket = floor_divide(watermark, wheel->width);
    wheel->boundary = (wheel->bucket + 1) * wheel->width;
    wheel->ahead = wheel->buckets[(uint64_t)(wheel->bucket + 1) % HH_WHEEL_BUCKETS];
}

// A bucket is a chain through records that nobody has touched for a gap: following it when its turn comes
// would be one wait for memory after the other. For each record in it a click has come since it was put
// there, so a step a click is enough. What has left the chain meanwhile is fetched in vain, no more: a number
// that was ever a record's is one for ever.
void hh_wheel_look_ahead(hh_sessionizer *s)
{
    hh_wheel *wheel = &s->wheel;
    if (wheel->seen[1] != HH_RECORD_NONE) {
        const hh_record_rest *rest = hh_record_rest_at(s, wheel->seen[1]);
        if (rest->older != HH_RECORD_NONE)
            __builtin_prefetch(hh_record_rest_at(s, rest->older), 1);
        if (rest->newer != HH_RECORD_NONE)
            __builtin_prefetch(hh_record_rest_at(s, rest->newer), 1);
    }
    wheel->seen[1] = wheel->seen[0];
    wheel->seen[0] = HH_RECORD_NONE;
    if (wheel->ahead == HH_RECORD_NONE)
        return;
    const hh_record *record = hh_record_at(s, wheel->ahead);
    if (record->in_wheel && due_bucket(s, record) <= wheel->bucket + 1) {
        hh_records_fetch(s, record);
        __builtin_prefetch(hh_record_rest_at(s, wheel->ahead), 1);
        wheel->seen[0] = wheel->ahead;
    }
    wheel->ahead = record->later;
    if (wheel->ahead != HH_RECORD_NONE)
        __builtin_prefetch(hh_record_at(s, wheel->ahead), 1);
}

void hh_wheel_advance(hh_sessionizer *s, hh_time watermark)
{
    hh_wheel *wheel = &s->wheel;
    if (watermark <= s->watermark)
        return;
    s->watermark = watermark;
    close_next(s, watermark);
    if (watermark < wheel->boundary)
        return;

    int64_t bucket = floor_divide(watermark, wheel->width);
    while (wheel->waiting && wheel->bucket < bucket) {
        open_bucket(s, wheel->bucket + 1);
        close_next(s, watermark);
    }
    turn_to(s, watermark);
}

void hh_wheel_settle(hh_sessionizer *s, hh_time watermark)
{
    hh_time before = s->watermark;
    s->wheel.closed = before;
    hh_wheel_advance(s, watermark);
    if (s->open || s->wheel.closed >= watermark || watermark <= before)
        return;
    s->watermark = s->wheel.closed;
    turn_to(s, s->watermark);
}
