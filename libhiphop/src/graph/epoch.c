// Who reads, and what can be freed when.
//
// A reader publishes the epoch in which it reads, or 0. The writer first unlinks a thing, then retires it
// under the present epoch; now and then it begins the next epoch and frees what was retired in epochs that no
// reader is in any more. All accesses to `now` and `active` are sequentially consistent, so either the reader
// sees the new epoch (and with it everything unlinked before), or the writer sees the reader in the old one.
#include "graph/internal.h"
#include "graph/reader.h"

#include <stdlib.h>

#define ADVANCE_EVERY 64 // retired things

void hh_reader_enter(hh_reader *reader)
{
    if (reader->inside++)
        return;
    _Atomic uint64_t *now = &reader->graph->epochs.now;
    uint64_t epoch = atomic_load(now);
    for (;;) {
        atomic_store(&reader->active, epoch);
        uint64_t again = atomic_load(now);
        if (again == epoch)
            return;
        epoch = again;
    }
}

void hh_reader_leave(hh_reader *reader)
{
    if (--reader->inside == 0)
        atomic_store_explicit(&reader->active, 0, memory_order_release);
}

void hh_reader_hold(hh_reader *reader)
{
    hh_reader_enter(reader);
}

void hh_reader_release(hh_reader *reader)
{
    hh_reader_leave(reader);
}

hh_time hh_readers_slowest(hh_graph *graph)
{
    hh_time slowest = INT64_MAX;
    for (hh_reader *reader = atomic_load(&graph->epochs.readers); reader; reader = reader->next) {
        hh_time asked = atomic_load_explicit(&reader->asked, memory_order_relaxed);
        if (asked < slowest)
            slowest = asked;
    }
    return slowest;
}

static void dispose(hh_graph *graph, const hh_retired *retired)
{
    switch (retired->kind) {
    case HH_RETIRED_MEMORY:
        free(retired->memory);
        break;
    case HH_RETIRED_BLOCK:
        hh_store_block_free(&graph->store, retired->number);
        break;
    case HH_RETIRED_SLOT:
        hh_store_slot_free(&graph->store, retired->number);
        break;
    case HH_RETIRED_ITEM:
        hh_items_number_free(&graph->items, retired->number);
        break;
    case HH_RETIRED_ROW:
        hh_described_row_free(&graph->described, retired->number);
        break;
    }
}

static void collect(hh_graph *graph)
{
    hh_epochs *epochs = &graph->epochs;
    uint64_t oldest = atomic_fetch_add(&epochs->now, 1) + 1;
    for (hh_reader *reader = atomic_load(&epochs->readers); reader; reader = reader->next) {
        uint64_t active = atomic_load(&reader->active);
        if (active && active < oldest)
            oldest = active;
    }
    while (epochs->queue_count && epochs->queue[epochs->queue_begin].epoch < oldest) {
        dispose(graph, &epochs->queue[epochs->queue_begin]);
        epochs->queue_begin = (epochs->queue_begin + 1) & (epochs->queue_capacity - 1);
        epochs->queue_count--;
    }
}

hh_status hh_retire_reserve(hh_graph *graph, size_t count)
{
    hh_epochs *epochs = &graph->epochs;
    if (epochs->queue_count + count <= epochs->queue_capacity)
        return HH_OK;
    collect(graph);
    size_t capacity = epochs->queue_capacity ? epochs->queue_capacity : 256;
    while (epochs->queue_count + count > capacity)
        capacity *= 2;
    if (capacity == epochs->queue_capacity)
        return HH_OK;
    hh_retired *queue = malloc(capacity * sizeof *queue);
    if (!queue)
        return HH_MEMORY;
    for (size_t i = 0; i < epochs->queue_count; i++)
        queue[i] = epochs->queue[(epochs->queue_begin + i) & (epochs->queue_capacity - 1)];
    free(epochs->queue);
    epochs->queue = queue;
    epochs->queue_begin = 0;
    epochs->queue_capacity = capacity;
    return HH_OK;
}

void hh_retire(hh_graph *graph, hh_retired_kind kind, uint32_t number, void *memory)
{
    hh_epochs *epochs = &graph->epochs;
    size_t end = (epochs->queue_begin + epochs->queue_count++) & (epochs->queue_capacity - 1);
    epochs->queue[end] = (hh_retired){atomic_load(&epochs->now), kind, number, memory};
    if (++epochs->advance % ADVANCE_EVERY == 0)
        collect(graph);
}

void hh_epochs_free(hh_graph *graph)
{
    for (size_t i = 0; i < graph->epochs.queue_count; i++) {
        hh_retired *retired =
            &graph->epochs.queue[(graph->epochs.queue_begin + i) & (graph->epochs.queue_capacity - 1)];
        if (retired->kind == HH_RETIRED_MEMORY)
            free(retired->memory);
    }
    free(graph->epochs.queue);
}
