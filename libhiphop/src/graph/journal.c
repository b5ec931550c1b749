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

#define LATEST_PART 64 // of the ring: how many entries are kept for being late when they are overwritten

int64_t hh_scale_weight(const hh_scale *scale, int pop, hh_time time)
{
    if (scale->zero[pop] == HH_TIME_MIN)
        return 0; // nothing was ever counted
    double age = (double)(time - scale->zero[pop]) / (double)scale->half_life[pop];
    age = age < SCALE_LEAD + SCALE_STEP ? age : SCALE_LEAD + SCALE_STEP; // not counted, and too new to be
    return age < -SCALE_BITS - 1 ? 0 : llrint(exp2(SCALE_BITS + age));
}

int hh_scale_advance(hh_scale *scale, int pop, hh_time time)
{
    if (scale->zero[pop] != HH_TIME_MIN &&
        time - scale->zero[pop] < (SCALE_LEAD + SCALE_STEP) * scale->half_life[pop])
        return 0;
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
    uint64_t entries = options->max_clicks / 32 > 4096 ? options->max_clicks / 32 : 4096;
    journal->size = entries;
    journal->ring = calloc(entries, sizeof *journal->ring);
    journal->latest_capacity = (uint32_t)(entries / LATEST_PART);
    journal->latest = calloc(journal->latest_capacity, sizeof *journal->latest);
    atomic_init(&journal->floor, HH_TIME_MIN);
    for (int pop = 0; pop < HH_POPS; pop++) {
        journal->scale.half_life[pop] = options->pop_half_life[pop];
        journal->scale.zero[pop] = HH_TIME_MIN;
        atomic_init(&journal->zero[pop], HH_TIME_MIN);
    }
    return journal->ring && journal->latest ? HH_OK : HH_MEMORY;
}

void hh_journal_free(hh_journal *journal)
{
    free(journal->ring);
    free(journal->latest);
}

hh_entry hh_journal_read(const hh_journal *journal, uint64_t index)
{
    uint64_t at = index % journal->size;
    uint32_t time = atomic_load_explicit(&journal->ring[at].time, memory_order_acquire);
    uint32_t more = atomic_load_explicit(&journal->ring[at].more, memory_order_acquire);
    uint32_t item = atomic_load_explicit(&journal->ring[at].item, memory_order_acquire);
    hh_time high = (int32_t)more >> 8; // signed: the last 68 years may be before 1970
    return (hh_entry){high * ((hh_time)1 << 32) + time, item, (hh_entry_kind)(more & 0xff), index};
}

// ---- what was overwritten ----

static hh_time lost_time(const hh_journal *journal, uint32_t at)
{
    return atomic_load_explicit(&journal->latest[at].time, memory_order_relaxed);
}

static void set_lost(hh_journal *journal, uint32_t at, hh_time time, uint64_t what, uint64_t index)
{
    atomic_store_explicit(&journal->latest[at].time, time, memory_order_release);
    atomic_store_explicit(&journal->latest[at].what, what, memory_order_release);
    atomic_store_explicit(&journal->latest[at].index, index, memory_order_release);
}

static void move_lost(hh_journal *journal, uint32_t to, uint32_t from)
{
    const hh_lost *lost = &journal->latest[from];
    set_lost(journal, to, lost_time(journal, from), atomic_load_explicit(&lost->what, memory_order_relaxed),
             atomic_load_explicit(&lost->index, memory_order_relaxed));
}

static void heap_add(hh_journal *journal, hh_time time, uint64_t what, uint64_t index)
{
    uint32_t at = atomic_load_explicit(&journal->latest_count, memory_order_relaxed);
    atomic_store_explicit(&journal->latest_count, at + 1, memory_order_release);
    for (; at > 0 && lost_time(journal, (at - 1) / 2) > time; at = (at - 1) / 2)
        move_lost(journal, at, (at - 1) / 2);
    set_lost(journal, at, time, what, index);
}

static void heap_replace_first(hh_journal *journal, hh_time time, uint64_t what, uint64_t index)
{
    uint32_t at = 0, count = journal->latest_capacity;
    for (uint32_t child = 1; child < count; child = 2 * at + 1) {
        uint32_t other = child + 1 < count ? child + 1 : child;
        child += lost_time(journal, other) < lost_time(journal, child); // a branch could not be foreseen
        if (lost_time(journal, child) >= time)
            break;
        move_lost(journal, at, child);
        at = child;
    }
    set_lost(journal, at, time, what, index);
}

// The entry is about to be overwritten: the heap takes it, or what falls out of the heap raises the floor.
static void lose(hh_journal *journal, uint64_t index)
{
    hh_entry entry = hh_journal_read(journal, index);
    hh_time time = entry.time;
    uint64_t what = entry.item | (uint64_t)entry.kind << 32;
    hh_entry_kind kind = entry.kind;
    if ((kind != HH_ENTRY_ADD && kind != HH_ENTRY_REMOVE) ||
        time <= atomic_load_explicit(&journal->floor, memory_order_relaxed))
        return;
    uint64_t changed = atomic_load_explicit(&journal->latest_changed, memory_order_relaxed);
    atomic_store_explicit(&journal->latest_changed, changed + 1, memory_order_relaxed);
    if (atomic_load_explicit(&journal->latest_count, memory_order_relaxed) < journal->latest_capacity) {
        heap_add(journal, time, what, index);
    } else {
        hh_time first = lost_time(journal, 0);
        atomic_store_explicit(&journal->floor, time < first ? time : first, memory_order_release);
        if (time > first)
            heap_replace_first(journal, time, what, index);
    }
    atomic_store_explicit(&journal->latest_changed, changed + 2, memory_order_release);
}

static int by_arrival(const void *a, const void *b)
{
    uint64_t x = ((const hh_entry *)a)->index, y = ((const hh_entry *)b)->index;
    return (x > y) - (x < y);
}

uint32_t hh_journal_latest(const hh_journal *journal, hh_entry *entries)
{
    uint64_t before, after;
    uint32_t count;
    do { // the writer's changes are short and rare
        before = atomic_load_explicit(&journal->latest_changed, memory_order_acquire);
        count = atomic_load_explicit(&journal->latest_count, memory_order_acquire);
        for (uint32_t i = 0; i < count; i++) {
            const hh_lost *lost = &journal->latest[i];
            entries[i].time = atomic_load_explicit(&lost->time, memory_order_acquire);
            uint64_t what = atomic_load_explicit(&lost->what, memory_order_acquire);
            entries[i].item = (uint32_t)what;
            entries[i].kind = (hh_entry_kind)(what >> 32);
            entries[i].index = atomic_load_explicit(&lost->index, memory_order_acquire);
        }
        after = atomic_load_explicit(&journal->latest_changed, memory_order_relaxed);
    } while (before % 2 || before != after);
    qsort(entries, count, sizeof *entries, by_arrival);
    return count;
}

// ---- writing ----

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
    uint64_t place = index % journal->size;
    atomic_store_explicit(&journal->ring[place].time, (uint32_t)time, memory_order_release);
    atomic_store_explicit(&journal->ring[place].more, (uint32_t)(time >> 32) << 8 | (uint32_t)kind,
                          memory_order_release);
    atomic_store_explicit(&journal->ring[place].item, number, memory_order_release);
    __builtin_prefetch(&journal->ring[place + 8 < journal->size ? place + 8 : 0], 1);
    if (index + 1 >= journal->size) // what the next call overwrites: readers stop trusting it from now on
        lose(journal, index + 1 - journal->size);
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
