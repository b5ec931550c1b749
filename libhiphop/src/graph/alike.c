// Whom a described item is like: cosines, and the lists that come of them.
//
// Sketches say which of all rows may be near enough for a list; only with these is the cosine reckoned. So
// one in a hundred of those that belong in a list is missed, and of these only such as are hardly nearer than
// what stands there instead.
#include "graph/described.h"
#include "wide.h"

#include <math.h>
#include <string.h>

#define WORK      (1.0 * (1 << 20)) // multiplications that a click may spend on a list, saved up
#define WORK_MOST (64 * WORK)       // to this
#define PART      1e6               // nanoseconds, about, that hh_graph_settle_some takes
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

// After a change of what would enter its lists.
static void set_limits(hh_row_chunk *chunk, uint32_t at)
{
    float near = chunk->near_least[at], cold = chunk->cold_least[at];
    chunk->limits[false][at] = hh_sketch_limit(near);
    chunk->limits[true][at] = hh_sketch_limit(fminf(near, cold));
}

void hh_alike_begin(const hh_described *described, uint32_t row)
{
    hh_row_chunk *chunk = chunk_of(described, row);
    uint32_t at = row % CHUNK;
    for (int i = 0; i < HH_NEAR; i++)
        atomic_store_explicit(&chunk->related[at].near[i], 0, memory_order_relaxed);
    for (int i = 0; i < HH_NEAR_COLD; i++)
        atomic_store_explicit(&chunk->related[at].cold[i], 0, memory_order_relaxed);
    chunk->near_least[at] = chunk->cold_least[at] = ALIKE_FROM;
    set_limits(chunk, at);
}

static inline void offer(hh_row_chunk *chunk, uint32_t at, uint32_t row, bool cold, float cosine)
{
    bool near = cosine > chunk->near_least[at], rare = cold && cosine > chunk->cold_least[at];
    if (near)
        insert(chunk->related[at].near, HH_NEAR, &chunk->near_least[at], row, cosine);
    if (rare)
        insert(chunk->related[at].cold, HH_NEAR_COLD, &chunk->cold_least[at], row, cosine);
    if (near || rare)
        set_limits(chunk, at);
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
    set_limits(chunk, at);
}

// ---- cosines ----

HH_WIDEST static void widen(const int8_t *restrict from, size_t width, int16_t *restrict into)
{
#pragma omp simd
    for (size_t i = 0; i < width; i++)
        into[i] = from[i];
}

// (No pragma: with one the compiler does not see that it may multiply and add pairs at once.)
HH_WIDEST static int32_t dot(const int16_t *restrict one, const int16_t *restrict other, size_t width)
{
    int32_t sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += one[i] * other[i];
    return sum;
}

static uint32_t lowest(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits);
}

// The rows that others are compared with.
static void hold(hh_described *described, const uint32_t *rows, uint32_t count)
{
    memcpy(described->held, rows, count * sizeof *rows);
    described->held_count = count;
    for (int s = 0; s < HH_DESCRIPTIONS; s++) {
        hh_source_rows *source = &described->sources[s];
        size_t width = PADDED(source->width);
        for (uint32_t p = 0; p < count && source->width; p++) {
            source->held_scales[p] = has(source, rows[p]) ? scale_of(source, rows[p]) : 0;
            if (source->held_scales[p] > 0) {
                widen(numbers_of(source, rows[p]), width, source->wide + (1 + p) * width);
                source->held[p] = hh_sketch_at(source_chunk(source, rows[p])->sketches, rows[p] % CHUNK);
            }
        }
    }
}

// found[CHUNK]: of a chunk's rows, which may be like the p-th held, as bit p. Where a mean of cosines is
// large, one of them is.
static void sift(const hh_described *described, uint32_t number, uint32_t p, const uint16_t *limits,
                 uint16_t limit, uint64_t *found)
{
    for (int s = 0; s < HH_DESCRIPTIONS; s++) {
        const hh_source_rows *source = &described->sources[s];
        const hh_source_chunk *chunk = source->width ? source_chunk(source, number * CHUNK) : NULL;
        if (chunk && source->held_scales[p] > 0)
            hh_sketch_sift(chunk->sketches, CHUNK, &source->held[p], limits, limit, (uint64_t)1 << p, found);
    }
}

// The first row from `at` on that was found, CHUNK: none.
static uint32_t next_found(const uint64_t *found, uint32_t at)
{
    while (at < CHUNK && !found[at])
        at++;
    return at;
}

// cosines of a row with those held that `which` names, bit by bit: the mean over the sources that both have;
// 0 without any.
static void compare(const hh_described *described, uint32_t row, uint64_t which, float *cosines)
{
    uint8_t common[HH_PENDING];
    for (uint64_t left = which; left; left &= left - 1) {
        cosines[lowest(left)] = 0;
        common[lowest(left)] = 0;
    }
    for (int s = 0; s < HH_DESCRIPTIONS; s++) {
        const hh_source_rows *source = &described->sources[s];
        size_t width = PADDED(source->width);
        if (!source->width || !has(source, row))
            continue;
        widen(numbers_of(source, row), width, source->wide);
        float scale = scale_of(source, row);
        for (uint64_t left = which; left; left &= left - 1) {
            uint32_t p = lowest(left);
            if (!(source->held_scales[p] > 0))
                continue;
            float sum = (float)dot(source->wide, source->wide + (1 + p) * width, width);
            cosines[p] += sum * scale * source->held_scales[p];
            common[p]++;
        }
    }
    for (uint64_t left = which; left; left &= left - 1)
        if (common[lowest(left)] > 1)
            cosines[lowest(left)] /= common[lowest(left)];
}

static uint32_t width_of_all(const hh_described *described)
{
    uint32_t width = 0;
    for (int s = 0; s < HH_DESCRIPTIONS; s++)
        width += described->sources[s].width;
    return width;
}

// A chunk's rows and those held. Returns about how many nanoseconds that takes.
static double meet(hh_graph *graph, uint32_t number)
{
    hh_described *described = &graph->described;
    hh_row_chunk *chunk = chunk_of(described, number * CHUNK);
    uint64_t found[CHUNK] = {0};
    for (uint32_t p = 0; p < described->held_count; p++) {
        uint32_t held = described->held[p];
        if (item_of(described, held) != HH_ITEM_NONE) // it may have gone since
            sift(described, number, p, chunk->limits[described->held_cold[p]],
                 chunk_of(described, held)->limits[true][held % CHUNK], found);
    }
    double pairs = CHUNK * described->held_count, rows = 0, compared = 0;
    for (uint32_t at = next_found(found, 0); at < CHUNK; at = next_found(found, at + 1)) {
        uint32_t row = number * CHUNK + at;
        hh_item item = item_of(described, row);
        if (item == HH_ITEM_NONE || chunk->waits[at]) // those have a pass of their own
            continue;
        float cosines[HH_PENDING];
        bool linked = chunk->linked[at], its = is_cold(graph, item);
        compare(described, row, found[at], cosines);
        rows++;
        for (uint64_t left = found[at]; left; left &= left - 1) {
            uint32_t p = lowest(left), held = described->held[p];
            compared++;
            if (held == row)
                continue;
            offer(chunk, at, held, described->held_cold[p], cosines[p]);
            if (linked) // who is held, too, meets it the other way round
                offer(chunk_of(described, held), held % CHUNK, row, its, cosines[p]);
        }
    }
    return 2 * pairs + rows * (100 + 0.25 * width_of_all(described)) +
           compared * (10 + 0.05 * width_of_all(described));
}

// Those that wait are held from now on.
static void begin_pass(hh_graph *graph)
{
    hh_described *described = &graph->described;
    uint32_t rows[HH_PENDING], count = 0;
    for (uint32_t p = 0; p < described->pending; p++) {
        uint32_t row = described->waiting[p];
        hh_item item = item_of(described, row);
        if (item == HH_ITEM_NONE) // taken back meanwhile
            continue;
        chunk_of(described, row)->waits[row % CHUNK] = false;
        described->held_cold[count] = is_cold(graph, item);
        rows[count++] = row;
    }
    described->pending = 0;
    described->next_chunk = 0;
    described->end = described->used;
    hold(described, rows, count);
}

static void end_pass(hh_described *described)
{
    for (uint32_t p = 0; p < described->held_count; p++) {
        uint32_t row = described->held[p];
        chunk_of(described, row)->linked[row % CHUNK] = item_of(described, row) != HH_ITEM_NONE;
    }
    described->held_count = 0;
}

bool hh_graph_settle_some(hh_graph *graph)
{
    hh_described *described = &graph->described;
    if (!described->held_count && described->pending)
        begin_pass(graph);
    for (double took = 0; described->held_count && took < PART;) {
        if (described->next_chunk * CHUNK < described->end)
            took += meet(graph, described->next_chunk++);
        else
            end_pass(described);
    }
    return described->held_count || described->pending;
}

void hh_graph_settle(hh_graph *graph)
{
    while (hh_graph_settle_some(graph))
        ;
}

// ---- as clicks come ----

// The nearest of those with few clicks anew; while no pass is under way. What stays is left where it is, so
// that no reader sees it twice.
static void refill(hh_graph *graph, uint32_t row)
{
    hh_described *described = &graph->described;
    float cosines[HH_NEAR_COLD], least = ALIKE_FROM;
    uint32_t rows[HH_NEAR_COLD], count = 0, compared = 0, worst = 0;
    hold(described, &row, 1);
    for (uint32_t number = 0; number * CHUNK < described->used; number++) {
        uint64_t found[CHUNK] = {0};
        sift(described, number, 0, NULL, hh_sketch_limit(least), found);
        for (uint32_t i = next_found(found, 0); i < CHUNK; i = next_found(found, i + 1)) {
            uint32_t other = number * CHUNK + i;
            hh_item item = item_of(described, other);
            if (item == HH_ITEM_NONE || other == row || !is_cold(graph, item))
                continue;
            float cosine;
            compare(described, other, 1, &cosine);
            compared++;
            if (!(cosine > least))
                continue;
            uint32_t at = count < HH_NEAR_COLD ? count++ : worst;
            rows[at] = other;
            cosines[at] = cosine;
            if (count < HH_NEAR_COLD)
                continue;
            for (uint32_t k = worst = 0; k < HH_NEAR_COLD; k++)
                worst = cosines[k] < cosines[worst] ? k : worst;
            least = cosines[worst];
        }
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
    set_limits(chunk, row % CHUNK);
    described->held_count = 0;
    described->refill_cost =
        (double)compared * width_of_all(described) + (double)described->used * HH_SKETCH_WORDS;
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
    uint32_t row = hh_described_row(described, item);
    described->work = fmin(described->work + WORK, WORK_MOST);
    if (row == HH_NONE || ++chunk_of(described, row)->clicks[row % CHUNK] % CHECK)
        return;
    if (!described->held_count &&
        (described->work >= described->refill_cost || described->work >= WORK_MOST) &&
        is_depleted(graph, row)) {
        refill(graph, row);
        described->work = fmax(0, described->work - described->refill_cost);
    }
}
