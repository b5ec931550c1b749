// The checkpoint text: "hiphop1:" and base64url of
//
//     position - resume, watermark at resume, watermark at position,
//     count, then (offset, time) of each floor; the same of each ceiling; count, then offset of each cut,
//     checksum (4 bytes, seeded with the position)
//
// in LEB128 numbers: offsets as differences from the one before, the first from resume, of a cut doubled with
// `after` in the lowest bit; times zigzag, as differences from the time before.
#define XXH_INLINE_ALL
#include "sessionizer_state.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PREFIX        "hiphop1:"
#define PREFIX_LENGTH (sizeof PREFIX - 1)
#define PAYLOAD_MAX   ((HH_CHECKPOINT_SIZE - 1 - PREFIX_LENGTH) / 4 * 3)
#define CHECKSUM      4u
#define TIME_BOUND    (4 * HH_TIME_LIMIT) // every time that can come to be is well within

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

typedef struct buffer {
    uint8_t bytes[PAYLOAD_MAX];
    size_t length;
    size_t at;        // when reading
    bool failed;      // when reading: what was read is not in the format
    hh_time previous; // the time before
} buffer;

// ---- where a replay must begin

int64_t hh_checkpoint_resume(const hh_sessionizer *s, int64_t position, hh_time *watermark, hh_cut_mark *cuts,
                             size_t *cut_count)
{
    size_t count = 0;
    uint32_t number = s->oldest;
    for (; number != HH_RECORD_NONE && count < s->cut_limit; count++) {
        const hh_record *record = hh_record_at(s, number);
        if (!hh_record_is_cut(record))
            break;
        if (cuts)
            cuts[count] = (hh_cut_mark){record->id, record->cut_after};
        number = hh_record_rest_at(s, number)->newer;
    }
    if (cut_count)
        *cut_count = count;
    *watermark = s->watermark;
    if (number == HH_RECORD_NONE)
        return position;
    *watermark = hh_record_rest_at(s, number)->watermark;
    return hh_record_hold(s, number);
}

// ---- writing

static void put_byte(buffer *b, uint8_t byte)
{
    if (b->length < PAYLOAD_MAX)
        b->bytes[b->length++] = byte;
    else
        b->failed = true;
}

static void put_number(buffer *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(b, (uint8_t)(value | 0x80));
    put_byte(b, (uint8_t)value);
}

static void put_time(buffer *b, hh_time time)
{
    uint64_t difference = (uint64_t)time - (uint64_t)b->previous;
    put_number(b, difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0));
    b->previous = time;
}

static void put_marks(buffer *b, const hh_clock_mark *marks, size_t count, int64_t offset)
{
    put_number(b, count);
    for (size_t i = 0; i < count; i++) {
        int64_t next = marks[i].offset > offset ? marks[i].offset : offset;
        put_number(b, (uint64_t)(next - offset));
        put_time(b, marks[i].time);
        offset = next;
    }
}

static int by_offset(const void *a, const void *b)
{
    int64_t left = ((const hh_cut_mark *)a)->offset;
    int64_t right = ((const hh_cut_mark *)b)->offset;
    return (left > right) - (left < right);
}

static void put_cuts(buffer *b, hh_cut_mark *cuts, size_t count, int64_t resume)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (cuts[i].offset >= resume)
            cuts[kept++] = cuts[i];
    qsort(cuts, kept, sizeof *cuts, by_offset);
    put_number(b, kept);
    for (size_t i = 0; i < kept; i++) {
        put_number(b, (uint64_t)(cuts[i].offset - resume) << 1 | cuts[i].after);
        resume = cuts[i].offset;
    }
}

static uint32_t checksum(const buffer *b, size_t length, int64_t position)
{
    return XXH32(b->bytes, length, (uint32_t)((uint64_t)position ^ (uint64_t)position >> 32));
}

// What matters from `resume` on: floors at or after it; the ceiling in force there and those after it.
static void put_clock(buffer *b, const hh_sessionizer *s, int64_t resume)
{
    size_t floor = 0;
    while (floor < s->floor_count && s->floors[floor].offset < resume)
        floor++;
    size_t ceiling = 0;
    while (ceiling + 1 < s->ceiling_count && s->ceilings[ceiling + 1].offset <= resume)
        ceiling++;
    if (ceiling + 1 == s->ceiling_count && s->ceilings[ceiling].time == HH_TIME_LIMIT &&
        s->ceilings[ceiling].offset <= resume)
        ceiling++;
    put_marks(b, s->floors + floor, s->floor_count - floor, resume);
    put_marks(b, s->ceilings + ceiling, s->ceiling_count - ceiling, resume);
}

static size_t text_length(size_t payload)
{
    return PREFIX_LENGTH + payload / 3 * 4 + (payload % 3 ? payload % 3 + 1 : 0);
}

static void encode(const buffer *b, char *text)
{
    memcpy(text, PREFIX, PREFIX_LENGTH);
    text += PREFIX_LENGTH;
    for (size_t i = 0; i < b->length; i += 3) {
        size_t left = b->length - i < 3 ? b->length - i : 3;
        uint32_t bits = (uint32_t)b->bytes[i] << 16;
        if (left > 1)
            bits |= (uint32_t)b->bytes[i + 1] << 8;
        if (left > 2)
            bits |= b->bytes[i + 2];
        for (size_t digit = 0; digit <= left; digit++)
            *text++ = digits[bits >> (18 - 6 * digit) & 63];
    }
    *text = '\0';
}

hh_status hh_sessionizer_checkpoint(hh_sessionizer *s, int64_t position, char *text, size_t size)
{
    if (position <= s->offset || (s->replay.running && position < s->replay.position))
        return HH_ARGUMENT;
    if (s->replay.running && position == s->replay.position) {
        size_t length = strlen(s->replay.text);
        if (length >= size)
            return HH_LIMIT;
        memcpy(text, s->replay.text, length + 1);
        return HH_OK;
    }
    hh_sessionizer_end_replay(s);

    hh_cut_mark cuts[HH_CUTS];
    size_t cut_count;
    hh_time watermark;
    int64_t resume = hh_checkpoint_resume(s, position, &watermark, cuts, &cut_count);
    buffer b = {.length = 0};
    put_number(&b, (uint64_t)(position - resume));
    put_time(&b, watermark);
    put_time(&b, s->watermark);
    if (resume < position) {
        put_clock(&b, s, resume);
        put_cuts(&b, cuts, cut_count, resume);
    }
    uint32_t sum = checksum(&b, b.length, position);
    for (size_t i = 0; i < CHECKSUM; i++)
        put_byte(&b, (uint8_t)(sum >> 8 * i));
    if (b.failed || text_length(b.length) >= size)
        return HH_LIMIT;
    encode(&b, text);
    return HH_OK;
}

// ---- reading

static bool decode(const char *text, buffer *b)
{
    if (strncmp(text, PREFIX, PREFIX_LENGTH) != 0)
        return false;
    uint32_t bits = 0;
    size_t count = 0;
    for (text += PREFIX_LENGTH; *text; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        count++;
        if (count % 4 == 1)
            continue;
        if (b->length == PAYLOAD_MAX)
            return false;
        b->bytes[b->length++] = (uint8_t)(bits >> 2 * ((4 - count % 4) % 4));
    }
    return true;
}

static uint64_t get_number(buffer *b)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (b->at == b->length)
            break;
        uint8_t byte = b->bytes[b->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    b->failed = true;
    return 0;
}

static hh_time get_time(buffer *b)
{
    uint64_t zigzag = get_number(b);
    uint64_t difference = zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0);
    b->previous = (hh_time)((uint64_t)b->previous + difference);
    return b->previous;
}

static bool time_in_bounds(hh_time time)
{
    return time >= -TIME_BOUND && time <= TIME_BOUND;
}

// *offset + difference, which must stay before `end`.
static bool get_offset(buffer *b, uint64_t difference, int64_t *offset, int64_t end)
{
    if (b->failed || *offset >= end || difference >= (uint64_t)(end - *offset)) {
        b->failed = true;
        return false;
    }
    *offset += (int64_t)difference;
    return true;
}

static size_t get_marks(buffer *b, hh_clock_mark *marks, size_t most, int64_t offset, int64_t end)
{
    uint64_t count = get_number(b);
    if (count > most)
        b->failed = true;
    for (size_t i = 0; i < count && !b->failed; i++) {
        if (!get_offset(b, get_number(b), &offset, end))
            break;
        marks[i] = (hh_clock_mark){offset, get_time(b)};
        if (!time_in_bounds(marks[i].time))
            b->failed = true;
    }
    return b->failed ? 0 : (size_t)count;
}

static void get_cuts(buffer *b, hh_replay *replay, int64_t offset, int64_t end)
{
    uint64_t count = get_number(b);
    if (count > HH_CUTS)
        b->failed = true;
    for (size_t i = 0; i < count && !b->failed; i++) {
        uint64_t number = get_number(b);
        if (!get_offset(b, number >> 1, &offset, end))
            break;
        replay->cuts[i] = (hh_cut_mark){offset, number & 1};
    }
    replay->cut_count = b->failed ? 0 : (size_t)count;
}

static bool checksum_is_right(buffer *b, int64_t position)
{
    if (b->length < CHECKSUM)
        return false;
    b->length -= CHECKSUM;
    uint32_t sum = 0;
    for (size_t i = 0; i < CHECKSUM; i++)
        sum |= (uint32_t)b->bytes[b->length + i] << 8 * i;
    return sum == checksum(b, b->length, position);
}

hh_status hh_sessionizer_restore(hh_sessionizer *s, const char *text, int64_t position, int64_t *resume,
                                 hh_error *error)
{
    if (s->offset >= 0 || s->replay.running || s->watermark != HH_TIME_MIN)
        return hh_fail(error, HH_ARGUMENT, "only a sessionizer that has seen nothing yet can be restored");
    if (position < 0)
        return hh_fail(error, HH_ARGUMENT, "the position %lld is no offset", (long long)position);
    if (!*text) {
        s->offset = position - 1;
        *resume = position;
        return HH_OK;
    }

    buffer b = {.length = 0};
    if (!decode(text, &b) || !checksum_is_right(&b, position))
        return hh_fail(error, HH_FORMAT, "this is not a checkpoint of hiphop for position %lld",
                       (long long)position);
    uint64_t distance = get_number(&b);
    if (distance > (uint64_t)position)
        b.failed = true;
    int64_t start = b.failed ? 0 : position - (int64_t)distance;
    hh_time at_resume = get_time(&b);
    hh_time at_position = get_time(&b);
    hh_sessionizer told = {.floor_count = 0}; // on the side, so that a failure leaves s as it was
    if (start < position) {
        told.floor_count = get_marks(&b, told.floors, HH_FLOORS, start, position);
        told.ceiling_count = get_marks(&b, told.ceilings, HH_CEILINGS, start, position);
        get_cuts(&b, &told.replay, start, position);
    }
    bool none = at_resume == HH_TIME_MIN; // no click before resume
    if (b.failed || b.at != b.length || (!none && !time_in_bounds(at_resume)) ||
        (!time_in_bounds(at_position) && !(none && at_position == HH_TIME_MIN)))
        return hh_fail(error, HH_FORMAT, "the checkpoint for position %lld is garbled", (long long)position);

    if (start < position) {
        size_t length = strlen(text);
        char *copy = malloc(length + 1);
        if (!copy)
            return hh_fail(error, HH_MEMORY, NULL);
        memcpy(copy, text, length + 1);
        memcpy(s->floors, told.floors, sizeof s->floors);
        memcpy(s->ceilings, told.ceilings, sizeof s->ceilings);
        s->floor_count = told.floor_count;
        s->ceiling_count = told.ceiling_count;
        s->replay = told.replay;
        s->replay.running = true;
        s->replay.position = position;
        s->replay.watermark = at_position;
        s->replay.text = copy;
    }
    s->offset = start - 1;
    hh_wheel_advance(s, at_resume);
    s->sure_watermark = at_resume;
    *resume = start;
    return HH_OK;
}
