// Checkpoints of the sessionizer. Byte 0 chooses:
//   0  the rest is a checkpoint's payload; it gets a right checksum, which no mutation would find
//   1  the rest is a checkpoint's text, up to a zero byte; what follows is a log
//   2  the rest is a log, and byte 1 where it is cut: who is restored there goes on as the one who was not
#define XXH_INLINE_ALL
#include "fuzz.h"

#include <hiphop/session.h>
#include <stdbool.h>
#include <xxhash.h>

enum { PAYLOAD, TEXT, LOG, CHOICES };
#define POSITION 1000 // of the first two

typedef struct trace { // what was seen that is not replay
    uint64_t hash;
    size_t events;
} trace;

static void see(void *context, const hh_session_event *event)
{
    trace *seen = context;
    const hh_session *session = event->session;
    PROMISE(session->count >= 1 && session->count <= 8 && session->visitor_length >= 1);
    for (uint32_t i = 1; i < session->count; i++)
        PROMISE(session->clicks[i - 1].time <= session->clicks[i].time);
    if (event->muted)
        return;
    seen->events++;
    seen->hash = XXH3_64bits_withSeed(session->clicks, session->count * sizeof *session->clicks,
                                      seen->hash + (uint64_t)session->id * 4 + (uint64_t)event->kind);
}

static hh_sessionizer *fresh(trace *seen)
{
    hh_error error;
    hh_sessionizer_options options = hh_sessionizer_defaults();
    options.gap = 20;
    options.lateness = 10;
    options.max_duration = 100;
    options.max_clicks = 8;
    options.max_skew = 40;
    options.idle_timeout = 50;
    hh_sessionizer *made = hh_sessionizer_new(&options, see, seen, &error);
    PROMISE(made);
    return made;
}

// Three bytes a record: visitor, step of its time, step of the clock.
static void push(hh_sessionizer *s, const uint8_t *log, size_t records, int64_t first, int64_t offset)
{
    hh_time now = 1000000;
    for (size_t i = 0; i < records; i++, log += 3) {
        char visitor = (char)('a' + log[0] % 4);
        hh_click_fate fate;
        now += log[2] % 8;
        hh_time time = now + (int8_t)log[1];
        if (first + (int64_t)i < offset)
            continue;
        PROMISE(hh_sessionizer_push(s, first + (int64_t)i, &visitor, 1, log[0] % 4, time, now, &fate, NULL) ==
                HH_OK);
    }
}

static void try_text(const char *text, const uint8_t *log, size_t records)
{
    hh_error error;
    trace seen = {0};
    int64_t resume;
    char again[HH_CHECKPOINT_SIZE];
    hh_sessionizer *s = fresh(&seen);
    if (hh_sessionizer_restore(s, text, POSITION, &resume, &error) == HH_OK) {
        PROMISE(resume >= 0 && resume <= POSITION);
        push(s, log, records, resume, resume);
        int64_t position = resume + (int64_t)records > POSITION ? resume + (int64_t)records : POSITION;
        PROMISE(hh_sessionizer_checkpoint(s, position, again, sizeof again) == HH_OK);
        trace unused = {0};
        hh_sessionizer *other = fresh(&unused);
        PROMISE(hh_sessionizer_restore(other, again, position, &resume, &error) == HH_OK);
        hh_sessionizer_free(other, NULL);
    }
    hh_sessionizer_free(s, NULL);
}

static void seal(const uint8_t *data, size_t size, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t payload[2048 + 4];
    size = size > 2048 ? 2048 : size;
    memcpy(payload, data, size);
    uint32_t sum = XXH32(data, size, POSITION);
    for (int i = 0; i < 4; i++)
        payload[size++] = (uint8_t)(sum >> 8 * i);
    memcpy(text, "hiphop1:", 8);
    text += 8;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | payload[i];
        for (held += 8; held >= 6; held -= 6)
            *text++ = digits[bits >> (held - 6) & 63];
    }
    if (held)
        *text++ = digits[bits << (6 - held) & 63];
    *text = '\0';
}

static void try_log(const uint8_t *log, size_t records, size_t cut)
{
    hh_error error;
    char text[HH_CHECKPOINT_SIZE];
    int64_t resume;
    trace one = {0}, two = {0};
    hh_sessionizer *whole = fresh(&one);
    cut = records ? cut % (records + 1) : 0;
    push(whole, log, cut, 0, 0);
    PROMISE(hh_sessionizer_checkpoint(whole, (int64_t)cut, text, sizeof text) == HH_OK);
    one = (trace){0};
    hh_sessionizer *restored = fresh(&two);
    PROMISE(hh_sessionizer_restore(restored, text, (int64_t)cut, &resume, &error) == HH_OK);
    push(whole, log, records, 0, (int64_t)cut);
    push(restored, log, records, 0, resume);
    PROMISE(hh_sessionizer_inexact(whole) > 0 ||
            (one.hash == two.hash && one.events == two.events &&
             hh_sessionizer_open(whole) == hh_sessionizer_open(restored) &&
             hh_sessionizer_watermark(whole) == hh_sessionizer_watermark(restored)));
    hh_sessionizer_free(whole, NULL);
    hh_sessionizer_free(restored, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t log[30] = {0, 0, 1, 1, 3, 1, 0, 30, 7, 2, 200, 1, 1, 9, 1};
    char text[8192];
    if (size < 2)
        return 0;
    switch (data[0] % CHOICES) {
    case PAYLOAD:
        seal(data + 1, size - 1, text);
        try_text(text, log, sizeof log / 3);
        break;
    case TEXT: {
        size_t length = strnlen((const char *)data + 1, size - 1);
        if (length >= sizeof text)
            break;
        memcpy(text, data + 1, length);
        text[length] = '\0';
        try_text(text, data + 1 + length, (size - 1 - length) / 3);
        break;
    }
    default:
        try_log(data + 2, (size - 2) / 3, data[1]);
    }
    return 0;
}
