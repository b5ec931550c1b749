// What described.c (whose row is whose, and its vectors) and alike.c (whom it is like) share.
#ifndef HIPHOP_DESCRIBED_H
#define HIPHOP_DESCRIBED_H

#include "graph/internal.h"

#define CHUNK      (1u << HH_ROW_CHUNK_BITS)
#define PADDED(n)  (((size_t)(n) + 31) / 32 * 32)
#define ALIKE_FROM 0.2f // texts are near from this cosine on

static inline hh_row_chunk *chunk_of(const hh_described *described, uint32_t row)
{
    return atomic_load_explicit(&described->chunks[row >> HH_ROW_CHUNK_BITS], memory_order_relaxed);
}

static inline hh_item item_of(const hh_described *described, uint32_t row)
{
    return atomic_load_explicit(&chunk_of(described, row)->item[row % CHUNK], memory_order_relaxed);
}

static inline bool is_cold(const hh_graph *graph, hh_item item)
{
    return atomic_load_explicit(&hh_item_at(&graph->items, item)->clicks, memory_order_relaxed) <
           HH_COLD_CLICKS;
}

// The writer's; NULL: there is none.
static inline hh_source_chunk *source_chunk(const hh_source_rows *source, uint32_t row)
{
    hh_source_chunk *_Atomic *chunks = atomic_load_explicit(&source->chunks, memory_order_relaxed);
    return chunks ? atomic_load_explicit(&chunks[row >> HH_ROW_CHUNK_BITS], memory_order_relaxed) : NULL;
}

// A source's numbers of a row; its scale is 0 where there are none. NULL: none in this chunk.
static inline int8_t *numbers_of(const hh_source_rows *source, uint32_t row)
{
    hh_source_chunk *chunk = source->width ? source_chunk(source, row) : NULL;
    return chunk ? chunk->numbers + (row % CHUNK) * PADDED(source->width) : NULL;
}

static inline float scale_of(const hh_source_rows *source, uint32_t row)
{
    return atomic_load_explicit(&source_chunk(source, row)->scale[row % CHUNK], memory_order_relaxed);
}

static inline void set_scale(const hh_source_rows *source, uint32_t row, float scale)
{
    atomic_store_explicit(&source_chunk(source, row)->scale[row % CHUNK], scale, memory_order_relaxed);
}

static inline bool has(const hh_source_rows *source, uint32_t row)
{
    return numbers_of(source, row) && scale_of(source, row) > 0;
}

// alike.c
void hh_alike_clean(const hh_described *described, uint32_t row); // of dead rows
void hh_alike_begin(const hh_described *described, uint32_t row); // with empty lists

#endif
