// The sessionizer's cost on one core: clicks/s and bytes per open session, with a million sessions open at
// any time and sessions of about five clicks beginning and closing all the while. Visitors come in random
// order, so nothing is in the cache: the worst case.
//
// The yardstick, measured in the same run, is the least that any sessionizer must do: hash the id, look into
// a table of the visitors, write the click to the visitor's own place.
//
//     bench_sessionizer [clicks, default 12000000]
#define XXH_INLINE_ALL
#include <hiphop/session.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

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
    stream_click *stream = malloc(count * sizeof *stream);
    if (!stream)
        exit(1);
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
    uint32_t *table = calloc(slots, sizeof *table);
    hh_session_click *last = calloc(slots, sizeof *last);
    if (!table || !last)
        exit(1);
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

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 12000000;
    bool ahead = argc > 2;
    hh_sessionizer_options options = hh_sessionizer_defaults();
    options.seed = 1;
    counts c = {0};
    hh_sessionizer *s = hh_sessionizer_new(&options, sink, &c, NULL);
    stream_click *stream = make_stream(count, options.gap);
    if (!s)
        return 1;

    size_t warm = count / 3; // until a million are open
    size_t best_open = 0;
    double start = 0, checkpoint = 0;
    size_t checkpoints = 0;
    char text[HH_CHECKPOINT_SIZE];
    for (size_t i = 0; i < count; i++) {
        if (i == warm)
            start = seconds();
        hh_click_fate fate;
        if (ahead && i + HH_EXPECT_AHEAD < count)
            hh_sessionizer_expect(s, stream[i + HH_EXPECT_AHEAD].visitor, ID_LENGTH);
        if (hh_sessionizer_push(s, (int64_t)i, stream[i].visitor, ID_LENGTH, stream[i].item, stream[i].time,
                                stream[i].time, &fate, NULL))
            return 1;
    }
    double elapsed = seconds() - start;
    best_open = hh_sessionizer_open(s);
    for (double from = seconds(); checkpoints < 10000; checkpoint = seconds() - from, checkpoints++)
        if (hh_sessionizer_checkpoint(s, (int64_t)count, text, sizeof text))
            return 1;

    size_t held = hh_sessionizer_memory(s) - c.open_clicks * sizeof(hh_session_click);
    double rate = (double)(count - warm) / elapsed;
    double yardstick = floor_of(stream, count);
    printf("%.2f M clicks/s (%.0f ns a click); least possible %.2f M/s; ratio %.2f\n", rate / 1e6, 1e9 / rate,
           yardstick / 1e6, rate / yardstick);
    printf("%zu sessions open, %" PRIu64 " closed\n", best_open, c.closed);
    printf("%.1f bytes a session beside its clicks of 16 bytes\n", (double)held / (double)best_open);
    printf("checkpoint %.0f ns, %zu bytes\n", checkpoint / (double)checkpoints * 1e9, strlen(text));
    hh_sessionizer_free(s, NULL);
    free(stream);
    return 0;
}
