// Whom a described item is like: cosines, and the lists that come of them.
#include "graph/described.h"
#include "wide.h"

#include <math.h>
#include <string.h>

#define WORK      (1.0 * (1 << 20)) // multiplications that a click may spend on a list, saved up
#define WORK_MOST (64 * WORK)       // to this
#define CHECK     4u                // clicks on an item after which its list is looked at

// ---- the lists ----

static uint64_t entry_of(uint32_t row, float cosine)
{
    uint32_t bits;
    memcpy(&bits, &cosine, sizeof bits);
    return (uint64_t)(row + 1) << 32 | bits;
}

static uint64_t read_entry(const _Atomic uint64_t *list, int i)
{
    return atomic_load_explicit(&list[i], memory_order_relaxed);
}

static void write_entry(_Atomic uint64_t *list, int i, uint64_t entry)
{
    atomic_store_explicit(&list[i], entry, memory_order_release); // with the row, and whose it is
}

// The least cosine that would enter the list.
static float least_of(const _Atomic uint64_t *list, int size)
{
    float least = 2;
    for (int i = 0; i < size; i++) {
        uint64_t entry = read_entry(list, i);
        if (!entry)
            return ALIKE_FROM;
        least = fminf(least, hh_entry_cosine(entry));
    }
    return least;
}

// In the place of the worst; where there is room, there.
static void insert(_Atomic uint64_t *list, int size, float *least, uint32_t row, float cosine)
{
    int worst = 0;
    for (int i = 0; i < size; i++) {
        uint64_t entry = read_entry(list, i);
        if (!entry || hh_entry_cosine(entry) < hh_entry_cosine(read_entry(list, worst)))
            worst = i;
        if (!entry)
            break;
    }
    write_entry(list, worst, entry_of(row, cosine));
    *least = least_of(list, size);
}

static inline void offer(hh_row_chunk *chunk, uint32_t at, uint32_t row, bool cold, float cosine)
{
    if (cosine > chunk->near_least[at])
        insert(chunk->related[at].near, HH_NEAR, &chunk->near_least[at], row, cosine);
    if (cold && cosine > chunk->cold_least[at])
        insert(chunk->related[at].cold, HH_NEAR_COLD, &chunk->cold_least[at], row, cosine);
}

static void clean(const hh_described *described, _Atomic uint64_t *list, int size, float *least)
{
    bool changed = false;
    for (int i = 0; i < size; i++) {
        uint64_t entry = read_entry(list, i);
        if (entry && chunk_of(described, hh_entry_row(entry))->dead[hh_entry_row(entry) % CHUNK]) {
            write_entry(list, i, 0);
            changed = true;
        }
    }
    *least = changed ? ALIKE_FROM : *least;
}

void hh_alike_clean(const hh_described *described, uint32_t row)
{
    hh_row_chunk *chunk = chunk_of(described, row);
    uint32_t at = row % CHUNK;
    clean(described, chunk->related[at].near, HH_NEAR, &chunk->near_least[at]);
    clean(described, chunk->related[at].cold, HH_NEAR_COLD, &chunk->cold_least[at]);
}

// ---- cosines ----

HH_WIDE static void widen(const int8_t *restrict from, size_t width, int16_t *restrict into)
{
#pragma omp simd
    for (size_t i = 0; i < width; i++)
        into[i] = from[i];
}

// sums[count] of one with others, [count x width]. (No pragma: with one the compiler does not see that it may
// multiply and add pairs at once.)
HH_WIDEST static void dots(const int16_t *restrict one, const int16_t *restrict others, uint32_t count,
                           size_t width, int32_t *restrict sums)
{
    for (uint32_t p = 0; p < count; p++, others += width) {
        int32_t sum = 0;
        for (size_t i = 0; i < width; i++)
            sum += one[i] * others[i];
        sums[p] = sum;
    }
}

// The rows that compare() is to compare others with.
static void hold(hh_described *described, const uint32_t *rows, uint32_t count)
{
    memcpy(described->held, rows, count * sizeof *rows);
    described->held_count = count;
    for (int s = 0; s < HH_DESCRIPTIONS; s++) {
        hh_source_rows *source = &described->sources[s];
        size_t width = PADDED(source->width);
        for (uint32_t p = 0; p < count && source->width; p++)
            if (has(source, rows[p]))
                widen(numbers_of(source, rows[p]), width, source->wide + (1 + p) * width);
    }
}

// cosines[held_count] of a row with those held: the mean over the sources that both have; 0 without any.
static void compare(const hh_described *described, uint32_t row, float *cosines)
{
    uint32_t count = described->held_count, common[HH_PENDING] = {0};
    int32_t sums[HH_PENDING];
    for (uint32_t p = 0; p < count; p++)
        cosines[p] = 0;
    for (int s = 0; s < HH_DESCRIPTIONS; s++) {
        const hh_source_rows *source = &described->sources[s];
        size_t width = PADDED(source->width);
        if (!source->width || !has(source, row))
            continue;
        widen(numbers_of(source, row), width, source->wide);
        dots(source->wide, source->wide + width, count, width, sums);
        float scale = scale_of(source, row);
        for (uint32_t p = 0; p < count; p++)
            if (has(source, described->held[p])) {
                cosines[p] += (float)sums[p] * scale * scale_of(source, described->held[p]);
                common[p]++;
            }
    }
    for (uint32_t p = 0; p < count; p++)
        cosines[p] = common[p] > 1 ? cosines[p] / (float)common[p] : cosines[p];
}

static uint32_t width_of_all(const hh_described *described)
{
    uint32_t width = 0;
    for (int s = 0; s < HH_DESCRIPTIONS; s++)
        width += described->sources[s].width;
    return width;
}

void hh_alike_pending(hh_graph *graph)
{
    hh_described *described = &graph->described;
    uint32_t rows[HH_PENDING] = {0}, count = 0;
    bool cold[HH_PENDING];
    for (uint32_t p = 0; p < described->pending; p++) {
        uint32_t row = described->waiting[p];
        hh_item item = item_of(described, row);
        if (item == HH_ITEM_NONE) // taken back meanwhile
            continue;
        cold[count] = is_cold(graph, item);
        rows[count++] = row;
    }
    described->pending = 0;
    hold(described, rows, count);
    for (uint32_t row = 0; row < described->used && count; row++) {
        hh_row_chunk *chunk = chunk_of(described, row);
        hh_item item = item_of(described, row);
        if (item == HH_ITEM_NONE)
            continue;
        float cosines[HH_PENDING];
        bool linked = chunk->linked[row % CHUNK], its = is_cold(graph, item);
        compare(described, row, cosines);
        for (uint32_t p = 0; p < count; p++) {
            if (rows[p] == row)
                continue;
            offer(chunk, row % CHUNK, rows[p], cold[p], cosines[p]);
            if (linked) // what waits, too, meets it the other way round
                offer(chunk_of(described, rows[p]), rows[p] % CHUNK, row, its, cosines[p]);
        }
    }
    for (uint32_t p = 0; p < count; p++)
        chunk_of(described, rows[p])->linked[rows[p] % CHUNK] = true;
}

void hh_graph_settle(hh_graph *graph)
{
    if (graph->described.pending)
        hh_alike_pending(graph);
}

// ---- as clicks come ----

// The nearest of those with few clicks anew. What stays is left where it is, so that no reader sees it twice.
static void refill(hh_graph *graph, uint32_t row)
{
    hh_described *described = &graph->described;
    float cosines[HH_NEAR_COLD], least = ALIKE_FROM, found;
    uint32_t rows[HH_NEAR_COLD], count = 0, compared = 0, worst = 0;
    hold(described, &row, 1);
    for (uint32_t other = 0; other < described->used; other++) {
        hh_item item = item_of(described, other);
        if (item == HH_ITEM_NONE || other == row || !is_cold(graph, item))
            continue;
        compare(described, other, &found);
        compared++;
        if (!(found > least))
            continue;
        uint32_t at = count < HH_NEAR_COLD ? count++ : worst;
        rows[at] = other;
        cosines[at] = found;
        if (count < HH_NEAR_COLD)
            continue;
        for (uint32_t i = worst = 0; i < HH_NEAR_COLD; i++)
            worst = cosines[i] < cosines[worst] ? i : worst;
        least = cosines[worst];
    }
    hh_row_chunk *chunk = chunk_of(described, row);
    _Atomic uint64_t *list = chunk->related[row % CHUNK].cold;
    bool kept[HH_NEAR_COLD] = {false};
    for (int i = 0; i < HH_NEAR_COLD; i++) {
        uint64_t entry = read_entry(list, i);
        uint32_t k = 0;
        while (k < count && !(entry && rows[k] == hh_entry_row(entry)))
            k++;
        if (k < count)
            kept[k] = true;
        else if (entry)
            write_entry(list, i, 0);
    }
    int place = 0;
    for (uint32_t k = 0; k < count; k++) {
        if (kept[k])
            continue;
        while (read_entry(list, place))
            place++;
        write_entry(list, place, entry_of(rows[k], cosines[k]));
    }
    chunk->cold_least[row % CHUNK] = least_of(list, HH_NEAR_COLD);
    described->refill_cost = (double)compared * width_of_all(described) + described->used;
}

// Half of the list are not cold any more, and it had no room for all that were.
static bool is_depleted(const hh_graph *graph, uint32_t row)
{
    const hh_described *described = &graph->described;
    const hh_row_chunk *chunk = chunk_of(described, row);
    int cold = 0;
    if (!(chunk->cold_least[row % CHUNK] > ALIKE_FROM))
        return false;
    for (int i = 0; i < HH_NEAR_COLD; i++) {
        uint64_t entry = read_entry(chunk->related[row % CHUNK].cold, i);
        hh_item item = entry ? item_of(described, hh_entry_row(entry)) : HH_ITEM_NONE;
        cold += item != HH_ITEM_NONE && is_cold(graph, item);
    }
    return cold <= HH_NEAR_COLD / 2;
}

void hh_described_click(hh_graph *graph, hh_item item)
{
    hh_described *described = &graph->described;
    if (described->pending)
        hh_alike_pending(graph);
    uint32_t row = hh_described_row(described, item);
    described->work = fmin(described->work + WORK, WORK_MOST);
    if (row == HH_NONE || ++chunk_of(described, row)->clicks[row % CHUNK] % CHECK)
        return;
    if ((described->work >= described->refill_cost || described->work >= WORK_MOST) &&
        is_depleted(graph, row)) {
        refill(graph, row);
        described->work = fmax(0, described->work - described->refill_cost);
    }
}
