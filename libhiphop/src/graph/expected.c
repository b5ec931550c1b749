// What was expected of the items that are described: how many clicks, if they were as good as those like
// them. Who has been expected for long in vain is not as good.
//
// A reader sees steps: the second from which one is known, and the sum by then. A step is one word, replaced
// in one store, like an entry of a list. The next one comes when the sum has grown by STEP, so few of them
// reach far back.
#include "graph/described.h"

#include <math.h>
#include <string.h>

#define STEP 0.25 // of 1 + the sum

static uint64_t step_of(uint32_t second, float sum)
{
    uint32_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return (uint64_t)second << 32 | bits;
}

// In the place of the oldest; in that of the newest where that is of the same second.
static void show(_Atomic uint64_t steps[HH_STEPS], uint32_t second, float sum)
{
    int oldest = 0;
    for (int i = 0; i < HH_STEPS; i++) {
        uint64_t step = atomic_load_explicit(&steps[i], memory_order_relaxed);
        if (step && hh_step_second(step) == second) {
            oldest = i;
            break;
        }
        if (step < atomic_load_explicit(&steps[oldest], memory_order_relaxed))
            oldest = i;
    }
    atomic_store_explicit(&steps[oldest], step_of(second, sum), memory_order_release);
}

static void expect(hh_graph *graph, uint32_t row, double expected, uint32_t second)
{
    hh_row_chunk *chunk = chunk_of(&graph->described, row);
    double *sum = &chunk->expected[row % CHUNK];
    _Atomic uint64_t *steps = chunk->related[row % CHUNK].expected;
    double shown = (double)hh_expected_by(steps, UINT32_MAX);
    *sum += expected;
    if (*sum - shown >= STEP * (1 + shown))
        show(steps, second, (float)*sum);
}

void hh_graph_expect(hh_graph *graph, const hh_item *items, const float *expected, size_t count, hh_time time)
{
    hh_described *described = &graph->described;
    hh_time origin = graph->origin;
    if (!described->rows || origin == HH_TIME_MIN || time < origin ||
        (uint64_t)time - (uint64_t)origin >= UINT32_MAX * 1000ULL) // origin may be before 1970
        return;
    described->clock = time > described->clock ? time : described->clock;
    uint32_t second = (uint32_t)((described->clock - origin) / 1000) + 1; // from which on it is known
    for (size_t i = 0; i < count; i++) {
        uint32_t row =
            expected[i] > 0 && items[i] < graph->items.used ? hh_described_row(described, items[i]) : HH_NONE;
        if (row != HH_NONE && time >= chunk_of(described, row)->since[row % CHUNK])
            expect(graph, row, fmin((double)expected[i], 1e6), second);
    }
}

void hh_graph_launched(hh_graph *graph, hh_item item, hh_time time)
{
    hh_described *described = &graph->described;
    uint32_t row = described->rows && item < graph->items.used ? hh_described_row(described, item) : HH_NONE;
    if (row == HH_NONE)
        return;
    hh_time *since = &chunk_of(described, row)->since[row % CHUNK];
    *since = *since == HH_TIME_MIN || time < *since ? time : *since;
}
