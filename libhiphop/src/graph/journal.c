// What the writer did lately, in order of arrival, for readers that keep sums of their own as of their own
// time (pop.c); and the sums of everything, for readers that have fallen behind.
//
// A change is written to the ring, announced (`begun`), made, and declared done (`done`). So a reader that
// copies the sums while the writer goes on knows from the ring which of its copies are in doubt: those of the
// items named by entries between `done` before and `begun` after.
#include "graph/internal.h"

#include <math.h>
#include <stdlib.h>

// Sums are in fixed point, so that they do not depend on the order of adding and can be taken back exactly.
// A click at the newest time weighs 2^26 to 2^34; from then on it loses a bit each half-life.
#define SCALE_BITS 14
#define SCALE_LEAD 12 // half-lives from the zero to the newest time, at least
#define SCALE_STEP 8  // half-lives by which the zero moves

int64_t hh_scale_weight(const hh_scale *scale, int pop, hh_time time)
{
    double age = (double)(time - scale->zero[pop]) / (double)scale->half_life[pop];
    return age < -SCALE_BITS - 1 ? 0 : llrint(exp2(SCALE_BITS + age));
}

int hh_scale_advance(hh_scale *scale, int pop, hh_time time)
{
    hh_time step = SCALE_STEP * scale->half_life[pop];
    hh_time index = time / step - (time % step < 0); // so that the zero is a function of time alone
    hh_time zero = index * step - SCALE_LEAD * scale->half_life[pop];
    if (scale->zero[pop] == HH_TIME_MIN) {
        scale->zero[pop] = zero;
        return 0;
    }
    if (zero <= scale->zero[pop])
        return 0;
    hh_time bits = (zero - scale->zero[pop]) / scale->half_life[pop];
    scale->zero[pop] = zero;
    return bits > 63 ? 63 : (int)bits;
}

hh_status hh_journal_init(hh_journal *journal, const hh_graph_options *options)
{
    uint64_t entries = 4096;
    while (entries < options->max_clicks / 32)
        entries *= 2;
    journal->mask = entries - 1;
    journal->ring = calloc(entries, sizeof *journal->ring);
    atomic_init(&journal->floor, HH_TIME_MIN);
    for (int pop = 0; pop < HH_POPS; pop++) {
        journal->scale.half_life[pop] = options->pop_half_life[pop];
        journal->scale.zero[pop] = HH_TIME_MIN;
        atomic_init(&journal->zero[pop], HH_TIME_MIN);
    }
    return journal->ring ? HH_OK : HH_MEMORY;
}

void hh_journal_free(hh_journal *journal)
{
    free(journal->ring);
}

static void rescale(hh_graph *graph, hh_time time)
{
    hh_journal *journal = &graph->journal;
    for (int pop = 0; pop < HH_POPS; pop++) {
        hh_time before = journal->scale.zero[pop];
        int bits = hh_scale_advance(&journal->scale, pop, time);
        if (journal->scale.zero[pop] == before)
            continue;
        atomic_fetch_add(&journal->rescaled, 1);
        for (uint32_t i = 0; bits && i < graph->items.used; i++) {
            _Atomic int64_t *sum = &hh_item_at(&graph->items, i)->sums[pop];
            atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) >> bits,
                                  memory_order_release);
        }
        atomic_store_explicit(&journal->zero[pop], journal->scale.zero[pop], memory_order_release);
        atomic_fetch_add(&journal->rescaled, 1);
    }
}

static void add(hh_journal *journal, hh_item_entry *item, hh_time time, int sign)
{
    for (int pop = 0; pop < HH_POPS; pop++) {
        int64_t sum = atomic_load_explicit(&item->sums[pop], memory_order_relaxed);
        sum += sign * hh_scale_weight(&journal->scale, pop, time);
        atomic_store_explicit(&item->sums[pop], sum < 0 ? 0 : sum, memory_order_release);
    }
    uint32_t clicks = atomic_load_explicit(&item->clicks, memory_order_relaxed);
    atomic_store_explicit(&item->clicks, clicks + (uint32_t)sign, memory_order_release);
}

void hh_journal_write(hh_graph *graph, hh_entry_kind kind, hh_item number, hh_time time)
{
    hh_journal *journal = &graph->journal;
    hh_item_entry *item = hh_item_at(&graph->items, number);
    if (kind == HH_ENTRY_ADD)
        rescale(graph, time);

    uint64_t index = atomic_load_explicit(&journal->begun, memory_order_relaxed);
    _Atomic int64_t *entry_time = &journal->ring[index & journal->mask].time;
    _Atomic uint64_t *entry_what = &journal->ring[index & journal->mask].what;
    if (index > journal->mask) {
        hh_time lost = atomic_load_explicit(entry_time, memory_order_relaxed);
        if (lost > atomic_load_explicit(&journal->floor, memory_order_relaxed))
            atomic_store_explicit(&journal->floor, lost, memory_order_release);
    }
    atomic_store_explicit(entry_time, time, memory_order_release);
    atomic_store_explicit(entry_what, number | (uint64_t)kind << 32, memory_order_release);
    atomic_store_explicit(&journal->begun, index + 1, memory_order_release);
    switch (kind) {
    case HH_ENTRY_ADD:
        add(journal, item, time, 1);
        break;
    case HH_ENTRY_REMOVE:
        add(journal, item, time, -1);
        break;
    case HH_ENTRY_WITHDRAW:
    case HH_ENTRY_RESTORE:
        atomic_store_explicit(&item->withdrawn, kind == HH_ENTRY_WITHDRAW, memory_order_release);
        break;
    case HH_ENTRY_FORGET:
        for (int pop = 0; pop < HH_POPS; pop++)
            atomic_store_explicit(&item->sums[pop], 0, memory_order_release);
        break;
    }
    atomic_store_explicit(&journal->done, index + 1, memory_order_release);
}
