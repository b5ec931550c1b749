// The sessionizer's cost on one core: clicks/s and bytes per open session, with a million sessions open at
// any time and sessions of about five clicks beginning and closing all the while. Visitors come in random
// order, so nothing is in the cache: the worst case.
//
// The yardstick, measured in the same run, is the least that any sessionizer must do: hash the id, look into
// a table of the visitors, write the click to the visitor's own place.
//
// CPU time of the thread, medians of three. "Expected" is the use of hh_sessionizer_expect, as by a caller
// who has a batch of clicks in hand.
//
//     bench_sessionizer [clicks, default 9000000]
#define XXH_INLINE_ALL
#include "bench.h"

#include <hiphop/session.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#define VISITORS  1555000u // of whom 1 - exp(-1.03) = 64 % have a session open
#define PER_GAP   1.03     // clicks of a visitor in one gap on average, which makes sessions of 2.8 clicks
#define ID_LENGTH 12u

typedef struct stream_click {
    char visitor[ID_LENGTH];
    uint32_t item;
    hh_time time;
} stream_click;

typedef struct counts {
    uint64_t open_clicks, closed, checksum;
} counts;

static void sink(void *context, const hh_session_event *event)
{
    counts *c = context;
    if (event->kind == HH_SESSION_CLICK)
        c->open_clicks++;
    if (event->kind == HH_SESSION_CLOSED) {
        c->open_clicks -= event->session->count;
        c->closed++;
    }
    c->checksum += (uint64_t)event->session->id ^ event->session->count;
}

static stream_click *make_stream(size_t count, hh_time gap)
{
    stream_click *stream = need(malloc(count * sizeof *stream));
    double pace = (double)gap / PER_GAP / VISITORS;
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t visitor = (state >> 33) % VISITORS;
        char id[ID_LENGTH + 1];
        snprintf(id, sizeof id, "%012" PRIx64, (visitor * 0x9e3779b97f4a7c15u) >> 16);
        memcpy(stream[i].visitor, id, ID_LENGTH);
        stream[i].item = (uint32_t)(state >> 20);
        stream[i].time = 1000000000000 + (hh_time)((double)i * pace);
    }
    return stream;
}

// The yardstick: clicks/s.
static double floor_of(const stream_click *stream, size_t count)
{
    size_t slots = 1u << 21;
    uint32_t *table = need(calloc(slots, sizeof *table));
    hh_session_click *last = need(calloc(slots, sizeof *last));
    double start = seconds();
    for (size_t i = 0; i < count; i++) {
        uint64_t at = XXH3_64bits(stream[i].visitor, ID_LENGTH) & (slots - 1);
        table[at]++;
        last[at] = (hh_session_click){.time = stream[i].time, .item = stream[i].item};
    }
    double rate = (double)count / (seconds() - start);
    free(table);
    free(last);
    return rate;
}

typedef struct result {
    double rate, checkpoint, bytes;
    size_t open;
} result;

static result run(const stream_click *stream, size_t count, bool expect)
{
    hh_sessionizer_options options = hh_sessionizer_defaults();
    options.seed = 1;
    counts c = {0};
    hh_sessionizer *s = need(hh_sessionizer_new(&options, sink, &c, NULL));
    size_t warm = count / 3; // until a million are open
    double start = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == warm)
            start = seconds();
        if (expect && i + HH_EXPECT_AHEAD < count)
            hh_sessionizer_expect(s, stream[i + HH_EXPECT_AHEAD].visitor, ID_LENGTH);
        hh_click_fate fate;
        check(hh_sessionizer_push(s, (int64_t)i, stream[i].visitor, ID_LENGTH, stream[i].item, stream[i].time,
                                  stream[i].time, &fate, NULL),
              "a click");
    }
    result r = {.rate = (double)(count - warm) / (seconds() - start), .open = hh_sessionizer_open(s)};
    r.bytes = (double)(hh_sessionizer_memory(s) - c.open_clicks * sizeof(hh_session_click)) / (double)r.open;
    char text[HH_CHECKPOINT_SIZE];
    start = seconds();
    for (int i = 0; i < 10000; i++)
        check(hh_sessionizer_checkpoint(s, (int64_t)count, text, sizeof text), "a checkpoint");
    r.checkpoint = (seconds() - start) / 10000;
    hh_sessionizer_free(s, NULL);
    return r;
}

static int by_rate(const void *a, const void *b)
{
    double x = ((const result *)a)->rate, y = ((const result *)b)->rate;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 9000000;
    stream_click *stream = make_stream(count, hh_sessionizer_defaults().gap);
    double yardstick = floor_of(stream, count);
    printf("yardstick            %6.2f M clicks/s\n", yardstick / 1e6);
    result r[3];
    for (int expect = 0; expect < 2; expect++) {
        for (int i = 0; i < 3; i++)
            r[i] = run(stream, count, expect);
        qsort(r, 3, sizeof *r, by_rate);
        printf("%-20s %6.2f M clicks/s, %.0f ns a click\n", expect ? "each click expected" : "one by one",
               r[1].rate / 1e6, 1e9 / r[1].rate);
    }
    printf("open sessions        %6zu, %.1f bytes each beside the 16 bytes of each click\n", r[1].open,
           r[1].bytes);
    printf("checkpoint           %6.0f ns\n", r[1].checkpoint * 1e9);
    free(stream);
    return 0;
}
