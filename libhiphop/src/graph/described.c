// What items are: vectors of their descriptions, and for each item those that are described most alike.
//
// Vectors take eight bits a number (a cosine is exact to about 0.01), and 64 bytes beside them, a sketch, say
// which are worth comparing (sketch.h). They never change in a row: readers may see them (description.c), and
// queries see what comes of them, two short lists of an item's row: the items nearest to it, whatever is
// known of them, and the nearest of those with few clicks. An entry of a list is one word, row and cosine,
// and is replaced in one store, so a reader needs no lock and can't see half of one.
//
// A new row waits until HH_PENDING of them can be compared with all others in one pass, or until
// hh_graph_settle; hh_graph_settle_some makes a pass in parts, between which anything may happen. A row whose
// vectors change becomes another row: what lists say of the old one is passed over, and once there are many
// such dead rows, a pass takes them out of all lists and they can be used again (after the last reader who
// may have seen one).
#include "graph/described.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MAX 65536
#define MANY_DEAD 64u

// ---- memory ----

void hh_described_free(hh_described *described)
{
    for (uint32_t c = 0; described->chunks && c < described->chunk_count; c++)
        free(described->chunks[c]);
    for (int s = 0; s < HH_DESCRIPTIONS; s++) {
        hh_source_chunk *_Atomic *chunks = described->sources[s].chunks;
        for (uint32_t c = 0; chunks && c < described->chunk_count; c++)
            free(chunks[c]);
        free(chunks);
        free(described->sources[s].wide);
        free(described->sources[s].room);
    }
    for (uint32_t c = 0; described->rows && c < HH_ITEM_CHUNKS; c++)
        if (described->rows[c])
            free(described->rows[c]);
    free(described->rows);
    free(described->chunks);
}

static bool make_tables(hh_graph *graph)
{
    hh_described *described = &graph->described;
    if (described->rows)
        return true;
    // Dead rows take room, too, until they can be used again.
    uint64_t rows = graph->options.max_described + graph->options.max_described / 4u + 4 * (uint64_t)CHUNK;
    described->chunk_count = (uint32_t)(rows >> HH_ROW_CHUNK_BITS);
    described->free_row = HH_NONE;
    described->clock = HH_TIME_MIN;
    free(described->chunks); // of an attempt that failed
    described->chunks = calloc(described->chunk_count, sizeof *described->chunks);
    described->rows = described->chunks ? calloc(HH_ITEM_CHUNKS, sizeof *described->rows) : NULL;
    return described->rows;
}

// The place where the row of an item stands, + 1; NULL when out of memory.
static _Atomic uint32_t *place_of(hh_described *described, hh_item item)
{
    uint32_t chunk = item >> HH_ITEM_CHUNK_BITS;
    _Atomic uint32_t *places = atomic_load_explicit(&described->rows[chunk], memory_order_relaxed);
    if (!places) {
        places = calloc(1u << HH_ITEM_CHUNK_BITS, sizeof *places);
        if (!places)
            return NULL;
        atomic_store_explicit(&described->rows[chunk], places, memory_order_release);
        described->memory += sizeof *places << HH_ITEM_CHUNK_BITS;
    }
    return &places[item & ((1u << HH_ITEM_CHUNK_BITS) - 1)];
}

static size_t chunk_bytes(uint32_t width)
{
    return sizeof(hh_source_chunk) + CHUNK * PADDED(width);
}

// A source that describes nothing may come back with another width. Readers may be at its chunks: where there
// is no memory to remember that they are to go, they stay for the time being.
static void clear_source(hh_graph *graph, hh_source_rows *source)
{
    hh_described *described = &graph->described;
    hh_source_chunk *_Atomic *chunks = source->chunks;
    bool retired = chunks && !hh_retire_reserve(graph, described->chunk_count);
    for (uint32_t c = 0; retired && c < described->chunk_count; c++) {
        hh_source_chunk *chunk = chunks[c];
        if (!chunk)
            continue;
        atomic_store_explicit(&chunks[c], NULL, memory_order_release);
        described->memory -= chunk_bytes(chunk->width);
        hh_retire(graph, HH_RETIRED_MEMORY, 0, chunk);
    }
    free(source->wide);
    free(source->room);
    source->wide = NULL;
    source->room = NULL;
    source->width = 0;
}

static bool make_source_chunk(hh_graph *graph, uint32_t s, uint32_t width, uint32_t row)
{
    hh_described *described = &graph->described;
    hh_source_rows *source = &described->sources[s];
    hh_source_chunk *_Atomic *chunks = source->chunks;
    if (!chunks) {
        chunks = calloc(described->chunk_count, sizeof *chunks);
        atomic_store_explicit(&source->chunks, chunks, memory_order_release);
    }
    if (!source->wide) // of each row held and of the one compared with them
        source->wide = calloc((1 + HH_PENDING) * PADDED(width), sizeof *source->wide);
    if (!source->room)
        source->room = calloc(hh_sketch_room(width), sizeof *source->room);
    if (!chunks || !source->wide || !source->room)
        return false;
    hh_source_chunk *old = source_chunk(source, row), *chunk;
    if (old && old->width == width)
        return true;
    if (old && hh_retire_reserve(graph, 1)) // left over, as clear_source says
        return false;
    chunk = calloc(1, chunk_bytes(width));
    if (!chunk)
        return false;
    chunk->width = width;
    atomic_store_explicit(&chunks[row >> HH_ROW_CHUNK_BITS], chunk, memory_order_release);
    described->memory += chunk_bytes(width);
    if (old) {
        described->memory -= chunk_bytes(old->width);
        hh_retire(graph, HH_RETIRED_MEMORY, 0, old);
    }
    return true;
}

// ---- rows ----

static void kill_row(hh_graph *graph, uint32_t row)
{
    hh_described *described = &graph->described;
    hh_row_chunk *chunk = chunk_of(described, row);
    atomic_store_explicit(&chunk->item[row % CHUNK], HH_ITEM_NONE, memory_order_release);
    chunk->waits[row % CHUNK] = chunk->linked[row % CHUNK] = false;
    for (int s = 0; s < HH_DESCRIPTIONS; s++)
        if (described->sources[s].width && has(&described->sources[s], row)) {
            set_scale(&described->sources[s], row, 0);
            if (--described->sources[s].count == 0)
                clear_source(graph, &described->sources[s]);
        }
    chunk->dead[row % CHUNK] = true;
    described->dead++;
}

// Takes the dead rows out of all lists.
static hh_status bury(hh_graph *graph)
{
    hh_described *described = &graph->described;
    if (hh_retire_reserve(graph, described->dead))
        return HH_MEMORY;
    hh_graph_settle(graph); // a dead one may be waiting, or be held
    for (uint32_t row = 0; row < described->used; row++) {
        if (item_of(described, row) == HH_ITEM_NONE)
            continue;
        hh_alike_clean(described, row);
    }
    for (uint32_t row = 0; row < described->used; row++) {
        hh_row_chunk *chunk = chunk_of(described, row);
        if (!chunk->dead[row % CHUNK])
            continue;
        chunk->dead[row % CHUNK] = false;
        hh_retire(graph, HH_RETIRED_ROW, row, NULL);
    }
    described->dead = 0;
    return HH_OK;
}

void hh_described_row_free(hh_described *described, uint32_t row)
{
    chunk_of(described, row)->next_free[row % CHUNK] = described->free_row;
    described->free_row = row;
}

// A row that is nobody's yet, HH_NONE when out of memory.
static uint32_t row_new(hh_graph *graph)
{
    hh_described *described = &graph->described;
    if (described->dead > MANY_DEAD + described->used / 8 && bury(graph))
        return HH_NONE;
    uint32_t row = described->free_row;
    if (row != HH_NONE) {
        described->free_row = chunk_of(described, row)->next_free[row % CHUNK];
    } else {
        row = described->used;
        uint32_t number = row >> HH_ROW_CHUNK_BITS;
        if (number == described->chunk_count)
            return HH_NONE;
        if (!described->chunks[number]) {
            hh_row_chunk *chunk = calloc(1, sizeof *chunk);
            if (!chunk)
                return HH_NONE;
            for (uint32_t i = 0; i < CHUNK; i++)
                atomic_init(&chunk->item[i], HH_ITEM_NONE);
            atomic_store_explicit(&described->chunks[number], chunk, memory_order_release);
            described->memory += sizeof *chunk;
        }
        described->used++;
    }
    hh_row_chunk *chunk = chunk_of(described, row);
    uint32_t at = row % CHUNK;
    hh_alike_begin(described, row);
    for (int i = 0; i < HH_STEPS; i++)
        atomic_store_explicit(&chunk->related[at].expected[i], 0, memory_order_relaxed);
    chunk->clicks[at] = 0;
    chunk->expected[at] = 0;
    chunk->since[at] = HH_TIME_MIN;
    return row;
}

// What was expected of an item stays when its vector changes.
static void keep_expected(hh_described *described, uint32_t old, uint32_t row)
{
    hh_row_chunk *from = chunk_of(described, old), *to = chunk_of(described, row);
    to->expected[row % CHUNK] = from->expected[old % CHUNK];
    to->since[row % CHUNK] = from->since[old % CHUNK];
    for (int i = 0; i < HH_STEPS; i++)
        atomic_store_explicit(
            &to->related[row % CHUNK].expected[i],
            atomic_load_explicit(&from->related[old % CHUNK].expected[i], memory_order_relaxed),
            memory_order_relaxed);
}

// ---- describing ----

// The vector at length 1 as eight bits a number; the scale that takes it back, 0 where it is all zeros, -1
// where it holds what is no number.
static float quantise(const float *vector, uint32_t width, int8_t *numbers)
{
    double squares = 0;
    float most = 0;
    for (uint32_t i = 0; i < width; i++) {
        if (!isfinite(vector[i]))
            return -1;
        squares += (double)vector[i] * (double)vector[i];
        most = fmaxf(most, fabsf(vector[i]));
    }
    memset(numbers, 0, PADDED(width));
    if (!(most > 0) || !(squares > 0))
        return most > 0 ? -1 : 0;
    double sum = 0;
    for (uint32_t i = 0; i < width; i++) {
        numbers[i] = (int8_t)lrintf(127 * (vector[i] / most));
        sum += (double)numbers[i] * numbers[i];
    }
    return (float)(1 / sqrt(sum)); // what was rounded is of length 1 again
}

static hh_status put(hh_graph *graph, hh_item item, uint32_t s, const int8_t *numbers, float scale,
                     uint32_t width)
{
    hh_described *described = &graph->described;
    _Atomic uint32_t *place = place_of(described, item);
    if (!place)
        return HH_MEMORY;
    uint32_t old = *place - 1, others = 0; // HH_NONE: not described yet
    for (uint32_t t = 0; t < HH_DESCRIPTIONS && old != HH_NONE; t++)
        others += t != s && described->sources[t].width && has(&described->sources[t], old);
    if (!numbers && !others) {
        if (old != HH_NONE) {
            atomic_store_explicit(place, 0, memory_order_release);
            kill_row(graph, old);
            atomic_fetch_sub_explicit(&described->count, 1, memory_order_relaxed);
            hh_item_at(&graph->items, item)->described = false;
            hh_items_rest(&graph->items, item);
        }
        return HH_OK;
    }
    if (old == HH_NONE && described->count >= graph->options.max_described)
        return HH_LIMIT;
    uint32_t row = row_new(graph);
    if (row == HH_NONE)
        return HH_MEMORY;
    bool room = !numbers || make_source_chunk(graph, s, width, row);
    for (uint32_t t = 0; t < HH_DESCRIPTIONS && old != HH_NONE && room; t++)
        if (t != s && described->sources[t].width && has(&described->sources[t], old))
            room = make_source_chunk(graph, t, described->sources[t].width, row);
    if (!room) {
        hh_source_rows *fresh = &described->sources[s];
        if (!fresh->count)
            clear_source(graph, fresh);
        hh_described_row_free(described, row);
        return HH_MEMORY;
    }
    hh_row_chunk *chunk = chunk_of(described, row);
    for (uint32_t t = 0; t < HH_DESCRIPTIONS; t++) {
        hh_source_rows *source = &described->sources[t];
        const int8_t *from = t == s                                                ? numbers
                             : old != HH_NONE && source->width && has(source, old) ? numbers_of(source, old)
                                                                                   : NULL;
        if (!from) {
            if (source->width && source_chunk(source, row))
                set_scale(source, row, 0);
            continue;
        }
        source->width = t == s ? width : source->width;
        memcpy(numbers_of(source, row), from, PADDED(source->width));
        set_scale(source, row, t == s ? scale : scale_of(source, old));
        hh_sketch sketch = t == s ? hh_sketch_of(numbers, width, graph->seed, source->room)
                                  : hh_sketch_at(source_chunk(source, old)->sketches, old % CHUNK);
        hh_sketch_put(source_chunk(source, row)->sketches, row % CHUNK, &sketch);
        source->count++;
    }
    described->stamp += described->stamp == UINT32_MAX ? 2 : 1;
    atomic_store_explicit(&chunk->stamp[row % CHUNK], described->stamp, memory_order_relaxed);
    if (old != HH_NONE)
        keep_expected(described, old, row);
    atomic_store_explicit(&chunk->item[row % CHUNK], item, memory_order_release);
    atomic_store_explicit(place, row + 1, memory_order_release);
    if (old != HH_NONE)
        kill_row(graph, old);
    else
        atomic_fetch_add_explicit(&described->count, 1, memory_order_release); // with the tables, to readers
    hh_item_at(&graph->items, item)->described = true;
    described->waiting[described->pending++] = row;
    chunk->waits[row % CHUNK] = true;
    if (described->pending == HH_PENDING)
        hh_graph_settle(graph);
    return HH_OK;
}

// Whether the item has these very numbers already.
static bool same(const hh_described *described, hh_item item, uint32_t s, const int8_t *numbers,
                 uint32_t width)
{
    uint32_t row = hh_described_row(described, item);
    const hh_source_rows *source = &described->sources[s];
    if (row == HH_NONE || source->width != width || !has(source, row))
        return false;
    return memcmp(numbers_of(source, row), numbers, PADDED(width)) == 0;
}

hh_status hh_graph_describe(hh_graph *graph, hh_item item, uint32_t source, const float *vector,
                            uint32_t width)
{
    hh_described *described = &graph->described;
    if (item >= graph->items.used || !hh_item_at(&graph->items, item)->id)
        return HH_NOT_FOUND;
    if (source >= HH_DESCRIPTIONS || (vector && (width < 1 || width > WIDTH_MAX)))
        return HH_ARGUMENT;
    if (vector && described->sources[source].width && described->sources[source].width != width)
        return HH_ARGUMENT;
    if (!vector && !described->rows)
        return HH_OK;
    if (!make_tables(graph))
        return HH_MEMORY;
    int8_t *numbers = vector ? aligned_alloc(32, PADDED(width)) : NULL;
    if (vector && !numbers)
        return HH_MEMORY;
    float scale = vector ? quantise(vector, width, numbers) : 0;
    hh_status status = scale < 0 ? HH_ARGUMENT : HH_OK;
    if (status == HH_OK && !(scale > 0 && same(described, item, source, numbers, width)))
        status = put(graph, item, source, scale > 0 ? numbers : NULL, scale, width);
    free(numbers);
    hh_note_memory(graph);
    return status;
}
