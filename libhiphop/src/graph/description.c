// What readers see of what items are: the vectors, as the graph has them.
#include "graph/described.h"
#include "graph/reader.h"

// The row of an item, HH_NONE; *chunk: where it stands.
static uint32_t row_of(const hh_reader *reader, hh_item item, const hh_row_chunk **chunk)
{
    const hh_graph *graph = reader->graph;
    const hh_described *described = &graph->described;
    if (item >= atomic_load_explicit(&graph->items.used, memory_order_acquire) ||
        !atomic_load_explicit(&described->count, memory_order_acquire))
        return HH_NONE;
    uint32_t row = hh_described_row(described, item);
    if (row != HH_NONE)
        *chunk = atomic_load_explicit(&described->chunks[row >> HH_ROW_CHUNK_BITS], memory_order_acquire);
    return row;
}

uint32_t hh_graph_description_stamp(hh_reader *reader, hh_item item)
{
    const hh_row_chunk *chunk;
    uint32_t row = row_of(reader, item, &chunk);
    return row == HH_NONE ? 0 : atomic_load_explicit(&chunk->stamp[row % CHUNK], memory_order_relaxed);
}

hh_description hh_graph_description(hh_reader *reader, hh_item item, uint32_t source)
{
    const hh_row_chunk *its;
    uint32_t row = source < HH_DESCRIPTIONS ? row_of(reader, item, &its) : HH_NONE;
    if (row == HH_NONE)
        return (hh_description){0};
    hh_source_chunk *_Atomic *chunks =
        atomic_load_explicit(&reader->graph->described.sources[source].chunks, memory_order_acquire);
    const hh_source_chunk *chunk =
        chunks ? atomic_load_explicit(&chunks[row >> HH_ROW_CHUNK_BITS], memory_order_acquire) : NULL;
    float scale = chunk ? atomic_load_explicit(&chunk->scale[row % CHUNK], memory_order_relaxed) : 0;
    if (!(scale > 0))
        return (hh_description){0};
    return (hh_description){.bytes = chunk->numbers + (row % CHUNK) * PADDED(chunk->width),
                            .width = chunk->width,
                            .scale = scale};
}

hh_item hh_graph_described_before(hh_reader *reader, uint32_t *place)
{
    const hh_graph *graph = reader->graph;
    const hh_described *described = &graph->described;
    if (!atomic_load_explicit(&described->count, memory_order_acquire))
        return HH_ITEM_NONE;
    uint32_t used = atomic_load_explicit(&described->used, memory_order_acquire);
    for (uint32_t row = *place < used ? *place : used; row-- > 0;) {
        const hh_row_chunk *chunk =
            atomic_load_explicit(&described->chunks[row >> HH_ROW_CHUNK_BITS], memory_order_acquire);
        hh_item item = atomic_load_explicit(&chunk->item[row % CHUNK], memory_order_acquire);
        if (item == HH_ITEM_NONE || item >= atomic_load_explicit(&graph->items.used, memory_order_acquire) ||
            atomic_load_explicit(&hh_item_at(&graph->items, item)->withdrawn, memory_order_acquire))
            continue;
        *place = row;
        return item;
    }
    *place = 0;
    return HH_ITEM_NONE;
}
