// pop: what is clicked most, each click counting half as much after each half-life.
//
// The sums are the reader's own, as of its own time: it follows the journal, counts entries earlier than
// as_of and keeps those near as_of in a window by time, so that as_of may move back and forth at the price of
// the clicks in between. So a writer that reads far ahead costs nothing and changes nothing. Only a reader
// that is new, or has slept so long that the journal has been overwritten, copies the graph's sums; one that
// is behind all that the journal says makes them of the sessions (pop_past.c).
//
// The window holds as many clicks as the journal. A query from before its floor gets the sums as of the
// floor, where few are as late: the clicks up to there can't be told apart any more.
//
// All items lose weight at the same rate, so between clicks the order never changes: a click bubbles one
// item.
#include "graph/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_TOP    256
#define FIRST_WINDOW 4096
#define MANY_LATE    256
#define LOOKED_AT    1000 // clicks for what a query costs

void hh_pop_free(hh_pop *pop)
{
    free(pop->items);
    free(pop->places);
    free(pop->window);
    for (int i = 0; i < HH_POPS; i++)
        free(pop->top[i].items);
    *pop = (hh_pop){0};
}

// ---- top lists ----

// Does a rank before b? Ties go by id, so that they do not depend on arrival.
static bool before(const hh_reader *reader, int p, hh_item a, hh_item b)
{
    const hh_pop_item *items = reader->pop.items;
    if (items[a].sums[p] != items[b].sums[p])
        return items[a].sums[p] > items[b].sums[p];
    return hh_items_compare(reader->graph, a, b) < 0;
}

static void set_place(hh_pop *pop, int p, uint32_t at, hh_item item)
{
    pop->top[p].items[at] = item;
    pop->places[item][p] = at + 1;
}

static void cut_last(hh_pop *pop, int p)
{
    hh_pop_top *top = &pop->top[p];
    hh_item last = top->items[--top->count];
    pop->places[last][p] = 0;
    if (pop->items[last].sums[p] > top->outside)
        top->outside = pop->items[last].sums[p];
}

// Puts an item whose sum has changed in its place.
static void bubble(hh_reader *reader, int p, hh_item item)
{
    hh_pop *pop = &reader->pop;
    hh_pop_top *top = &pop->top[p];
    bool eligible = pop->items[item].clicks && !pop->items[item].hidden;
    uint32_t at = pop->places[item][p];
    if (!at) {
        if (!eligible)
            return;
        int64_t sum = pop->items[item].sums[p];
        bool better = top->count && before(reader, p, item, top->items[top->count - 1]);
        if (!better && (sum <= top->outside || top->count == pop->top_capacity)) {
            if (sum > top->outside)
                top->outside = sum;
            return;
        }
        if (top->count == pop->top_capacity)
            cut_last(pop, p);
        set_place(pop, p, top->count++, item);
        at = top->count;
    }
    at--;
    while (at > 0 && before(reader, p, item, top->items[at - 1])) {
        set_place(pop, p, at, top->items[at - 1]);
        at--;
    }
    while (at + 1 < top->count && (!eligible || before(reader, p, top->items[at + 1], item))) {
        set_place(pop, p, at, top->items[at + 1]);
        at++;
    }
    set_place(pop, p, at, item);
    if (!eligible) {
        top->count--;
        pop->places[item][p] = 0;
    } else if (at + 1 == top->count && pop->items[item].sums[p] <= top->outside) {
        cut_last(pop, p);
    }
}

static void rebuild(hh_reader *reader, int p)
{
    hh_pop *pop = &reader->pop;
    hh_pop_top *top = &pop->top[p];
    for (uint32_t i = 0; i < top->count; i++)
        pop->places[top->items[i]][p] = 0;
    top->count = 0;
    top->outside = -1;
    // Of many items nothing is left of the short half-lives. They tie, and ties cost: they come last, when
    // the list is mostly full.
    for (int left = 1; left >= 0; left--)
        for (uint32_t item = 0; item < pop->capacity; item++)
            if (pop->items[item].clicks && (pop->items[item].sums[p] > 0) == left)
                bubble(reader, p, item);
}

hh_status hh_pop_reserve(hh_reader *reader, uint32_t count)
{
    hh_pop *pop = &reader->pop;
    if (pop->top_capacity < 2 * count || !pop->top_capacity) {
        uint32_t capacity = 2 * count > FIRST_TOP ? 2 * count : FIRST_TOP;
        for (int p = 0; p < HH_POPS; p++) {
            hh_item *items = realloc(pop->top[p].items, capacity * sizeof *items);
            if (!items)
                return HH_MEMORY;
            pop->top[p].items = items;
        }
        pop->top_capacity = capacity;
    }
    for (int p = 0; p < HH_POPS; p++)
        if (pop->top[p].count < count && pop->top[p].count < pop->live)
            rebuild(reader, p);
    return HH_OK;
}

// ---- sums ----

// Makes room for the weight of a click. Only clicks move the scale: a query from far ahead must not shift the
// sums away, which can't be taken back.
static void rescale(hh_reader *reader, hh_time time)
{
    hh_pop *pop = &reader->pop;
    for (int p = 0; p < HH_POPS; p++) {
        int bits = hh_scale_advance(&pop->scale, p, time);
        if (!bits)
            continue;
        pop->top[p].total = 0;
        for (uint32_t item = 0; item < pop->capacity; item++) {
            pop->items[item].sums[p] >>= bits;
            if (!pop->items[item].hidden)
                pop->top[p].total += pop->items[item].sums[p];
        }
        rebuild(reader, p); // what is equal now goes by id
    }
}

static void count_click(hh_reader *reader, hh_item item, hh_time time, int sign)
{
    hh_pop *pop = &reader->pop;
    rescale(reader, time);
    hh_pop_item *entry = &pop->items[item];
    if (sign < 0 && entry->clicks == 0) // it came while hh_pop_past() read the sessions, and was missed
        return;
    bool was_live = entry->clicks && !entry->hidden;
    entry->clicks += (uint32_t)sign;
    pop->clicks += (uint64_t)(int64_t)sign;
    bool live = entry->clicks && !entry->hidden;
    pop->live += (uint32_t)live - (uint32_t)was_live;
    for (int p = 0; p < HH_POPS; p++) {
        int64_t sum = entry->sums[p] + sign * hh_scale_weight(&pop->scale, p, time);
        if (sum < 0 || !entry->clicks)
            sum = 0; // rounding of a rescaled sum
        if (!entry->hidden)
            pop->top[p].total += sum - entry->sums[p];
        entry->sums[p] = sum;
        bubble(reader, p, item);
    }
}

static void hide(hh_reader *reader, hh_item item, bool hidden)
{
    hh_pop *pop = &reader->pop;
    hh_pop_item *entry = &pop->items[item];
    if (entry->hidden == hidden)
        return;
    entry->hidden = hidden;
    if (entry->clicks)
        pop->live += hidden ? UINT32_MAX : 1;
    for (int p = 0; p < HH_POPS; p++) {
        pop->top[p].total += hidden ? -entry->sums[p] : entry->sums[p];
        bubble(reader, p, item);
    }
}

hh_status hh_pop_reserve_items(hh_pop *pop, uint32_t count)
{
    if (count <= pop->capacity)
        return HH_OK;
    uint32_t capacity = pop->capacity ? pop->capacity : 1024;
    while (capacity < count)
        capacity *= 2;
    hh_pop_item *items = realloc(pop->items, capacity * sizeof *items);
    if (!items)
        return HH_MEMORY;
    memset(items + pop->capacity, 0, (capacity - pop->capacity) * sizeof *items);
    pop->items = items;
    uint32_t(*places)[HH_POPS] = realloc(pop->places, capacity * sizeof *places);
    if (!places)
        return HH_MEMORY;
    memset(places + pop->capacity, 0, (capacity - pop->capacity) * sizeof *places);
    pop->places = places;
    pop->capacity = capacity;
    return HH_OK;
}

// ---- the window ----

static hh_status window_reserve(hh_reader *reader)
{
    hh_pop *pop = &reader->pop;
    size_t kept = reader->graph->journal.size;
    if (pop->window_count < pop->window_capacity)
        return HH_OK;
    if (pop->counted > kept + kept / 4) { // forget the oldest
        size_t cut = pop->counted - kept;
        pop->floor = pop->window[cut - 1].time > pop->floor ? pop->window[cut - 1].time : pop->floor;
        memmove(pop->window, pop->window + cut, (pop->window_count - cut) * sizeof *pop->window);
        pop->window_count -= cut;
        pop->counted -= cut;
        return HH_OK;
    }
    size_t capacity = pop->window_capacity ? 2 * pop->window_capacity : FIRST_WINDOW;
    hh_pop_entry *window = realloc(pop->window, capacity * sizeof *window);
    if (!window)
        return HH_MEMORY;
    pop->window = window;
    pop->window_capacity = capacity;
    return HH_OK;
}

hh_status hh_pop_window_add(hh_reader *reader, const hh_pop_entry *entry)
{
    if (window_reserve(reader))
        return HH_MEMORY;
    reader->pop.window[reader->pop.window_count++] = *entry;
    return HH_OK;
}

static hh_status window_put(hh_reader *reader, hh_item item, hh_time time, int sign)
{
    hh_pop *pop = &reader->pop;
    if (time >= pop->ceiling)
        return HH_OK;
    if (time <= pop->floor) {
        count_click(reader, item, time, sign);
        return HH_OK;
    }
    if (window_reserve(reader))
        return HH_MEMORY;
    size_t at = pop->window_count++;
    for (; at > 0 && pop->window[at - 1].time > time; at--)
        pop->window[at] = pop->window[at - 1];
    pop->window[at] = (hh_pop_entry){time, item, sign};
    if (time < pop->as_of) {
        pop->counted++;
        count_click(reader, item, time, sign);
    }
    return HH_OK;
}

static void move_to(hh_reader *reader, hh_time as_of)
{
    hh_pop *pop = &reader->pop;
    if (as_of <= pop->floor)
        as_of = pop->floor + 1;
    pop->as_of = as_of;
    while (pop->counted < pop->window_count && pop->window[pop->counted].time < as_of) {
        hh_pop_entry *entry = &pop->window[pop->counted++];
        count_click(reader, entry->item, entry->time, entry->sign);
    }
    while (pop->counted > 0 && pop->window[pop->counted - 1].time >= as_of) {
        hh_pop_entry *entry = &pop->window[--pop->counted];
        count_click(reader, entry->item, entry->time, -entry->sign);
    }
}

// ---- the journal ----

// Whether the entry was still there when all before this call was read.
static bool still_there(const hh_journal *journal, uint64_t index)
{
    return atomic_load_explicit(&journal->begun, memory_order_acquire) < index + journal->size;
}

static hh_status take(hh_reader *reader, const hh_entry *entry)
{
    hh_pop *pop = &reader->pop;
    if (hh_pop_reserve_items(pop, entry->item + 1))
        return HH_MEMORY;
    switch (entry->kind) {
    case HH_ENTRY_ADD:
        return window_put(reader, entry->item, entry->time, 1);
    case HH_ENTRY_REMOVE:
        return window_put(reader, entry->item, entry->time, -1);
    case HH_ENTRY_WITHDRAW:
    case HH_ENTRY_RESTORE:
        hide(reader, entry->item, entry->kind == HH_ENTRY_WITHDRAW);
        break;
    case HH_ENTRY_FORGET:
        break; // its clicks have been removed one by one
    }
    return HH_OK;
}

// Follows the journal to its end; HH_NOT_FOUND where it has been overwritten.
static hh_status follow(hh_reader *reader)
{
    hh_pop *pop = &reader->pop;
    const hh_journal *journal = &reader->graph->journal;
    uint64_t end = atomic_load_explicit(&journal->done, memory_order_acquire);
    while (pop->cursor < end) {
        hh_entry entry = hh_journal_read(journal, pop->cursor);
        if (!still_there(journal, pop->cursor))
            return HH_NOT_FOUND;
        if (take(reader, &entry))
            return HH_MEMORY;
        pop->cursor++;
    }
    return HH_OK;
}

// ---- starting from the graph's sums ----

static void copy_item(hh_reader *reader, hh_item item)
{
    const hh_item_entry *from = hh_item_at(&reader->graph->items, item);
    hh_pop_item *to = &reader->pop.items[item];
    for (int p = 0; p < HH_POPS; p++)
        to->sums[p] = atomic_load_explicit(&from->sums[p], memory_order_acquire);
    to->clicks = atomic_load_explicit(&from->clicks, memory_order_acquire);
    to->hidden = atomic_load_explicit(&from->withdrawn, memory_order_acquire);
}

static hh_scale scale_of(const hh_journal *journal)
{
    hh_scale scale;
    for (int p = 0; p < HH_POPS; p++) {
        scale.half_life[p] = journal->scale.half_life[p];
        scale.zero[p] = atomic_load_explicit(&journal->zero[p], memory_order_acquire);
    }
    return scale;
}

// Copies all sums as they were at the journal entry pop->cursor. HH_NOT_FOUND: overtaken, try again.
static hh_status copy_sums(hh_reader *reader)
{
    hh_pop *pop = &reader->pop;
    hh_graph *graph = reader->graph;
    const hh_journal *journal = &graph->journal;
    uint64_t rescaled = atomic_load(&journal->rescaled);
    uint64_t from = atomic_load_explicit(&journal->done, memory_order_acquire);
    uint32_t used = atomic_load_explicit(&graph->items.used, memory_order_acquire);
    if (rescaled % 2)
        return HH_NOT_FOUND;
    if (hh_pop_reserve_items(pop, used))
        return HH_MEMORY;
    if (pop->items) // none of an empty graph
        memset(pop->items, 0, pop->capacity * sizeof *pop->items),
            memset(pop->places, 0, pop->capacity * sizeof *pop->places);
    pop->scale = scale_of(journal);
    for (hh_item item = 0; item < used; item++)
        copy_item(reader, item);
    for (;;) { // again those that were changed while they were copied, until none was
        uint64_t done = atomic_load_explicit(&journal->done, memory_order_acquire);
        uint64_t to = atomic_load_explicit(&journal->begun, memory_order_acquire);
        if (from == to)
            break;
        for (; from < to; from++) {
            hh_entry entry = hh_journal_read(journal, from);
            if (!still_there(journal, from))
                return HH_NOT_FOUND;
            if (hh_pop_reserve_items(pop, entry.item + 1))
                return HH_MEMORY;
            copy_item(reader, entry.item);
        }
        from = done;
    }
    pop->cursor = from;
    return atomic_load(&journal->rescaled) == rescaled ? HH_OK : HH_NOT_FOUND;
}

// By time, in order of arrival where times are equal.
static int by_time(const void *a, const void *b)
{
    const hh_pop_entry *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    int32_t i = abs(x->sign), j = abs(y->sign);
    return (i > j) - (i < j);
}

void hh_pop_window_sort(hh_pop *pop)
{
    if (pop->window_count)
        qsort(pop->window, pop->window_count, sizeof *pop->window, by_time);
}

// Puts an entry that is in the sums already into the window, not yet at its place.
static hh_status window_take(hh_reader *reader, const hh_entry *entry, int32_t arrival)
{
    hh_pop *pop = &reader->pop;
    if ((entry->kind != HH_ENTRY_ADD && entry->kind != HH_ENTRY_REMOVE) || entry->time <= pop->floor)
        return HH_OK;
    int32_t sign = entry->kind == HH_ENTRY_ADD ? arrival : -arrival;
    return hh_pop_window_add(reader, &(hh_pop_entry){entry->time, entry->item, sign});
}

// The window out of the entries before the cursor that are still known. What is not known any more is not
// later than the floor, which is therefore read last.
static hh_status fill_window(hh_reader *reader)
{
    hh_pop *pop = &reader->pop;
    const hh_journal *journal = &reader->graph->journal;
    hh_entry *lost = calloc(journal->latest_capacity, sizeof *lost);
    if (!lost)
        return HH_MEMORY;
    pop->window_count = pop->counted = 0;
    pop->floor = atomic_load_explicit(&journal->floor, memory_order_acquire);
    int32_t arrival = (int32_t)journal->latest_capacity; // those in the heap came first
    uint64_t first = pop->cursor >= journal->size ? pop->cursor + 1 - journal->size : 0;
    hh_status status = HH_OK;
    for (uint64_t i = first; !status && i < pop->cursor; i++) {
        hh_entry entry = hh_journal_read(journal, i);
        if (still_there(journal, i)) {
            status = window_take(reader, &entry, ++arrival);
        } else { // nor are those before it: the heap has them, or the floor
            pop->window_count = 0;
            first = i + 1;
        }
    }
    uint32_t count = status ? 0 : hh_journal_latest(journal, lost);
    for (uint32_t i = 0; !status && i < count && lost[i].index < first; i++)
        status = window_take(reader, &lost[i], (int32_t)i + 1);
    free(lost);
    if (status)
        return status;
    pop->floor = atomic_load_explicit(&journal->floor, memory_order_acquire);
    hh_pop_window_sort(pop);
    size_t under = 0; // not later than the floor: never taken back
    while (under < pop->window_count && pop->window[under].time <= pop->floor)
        under++;
    pop->window_count -= under;
    if (under)
        memmove(pop->window, pop->window + under, pop->window_count * sizeof *pop->window);
    for (size_t i = 0; i < pop->window_count; i++)
        pop->window[i].sign = pop->window[i].sign > 0 ? 1 : -1;
    pop->counted = pop->window_count;
    return HH_OK;
}

void hh_pop_add_up(hh_reader *reader)
{
    hh_pop *pop = &reader->pop;
    pop->live = 0;
    pop->clicks = 0;
    for (int p = 0; p < HH_POPS; p++)
        pop->top[p].total = 0, pop->top[p].count = 0;
    for (hh_item item = 0; item < pop->capacity; item++) {
        hh_pop_item *entry = &pop->items[item];
        pop->live += entry->clicks && !entry->hidden;
        pop->clicks += entry->clicks;
        for (int p = 0; p < HH_POPS; p++)
            pop->top[p].total += entry->hidden ? 0 : entry->sums[p];
    }
    for (int p = 0; p < HH_POPS; p++)
        rebuild(reader, p);
}

static hh_status start(hh_reader *reader)
{
    hh_pop *pop = &reader->pop;
    pop->known = false;
    hh_status status = HH_NOT_FOUND;
    for (int attempt = 0; attempt < 100 && status == HH_NOT_FOUND; attempt++)
        status = copy_sums(reader);
    if (status)
        return status == HH_NOT_FOUND ? HH_OK : status;
    hh_pop_add_up(reader);
    if (fill_window(reader))
        return HH_MEMORY;
    pop->as_of = pop->ceiling = INT64_MAX;
    pop->known = true;
    return HH_OK;
}

// Sums with that scale can be taken back to times later than this: half of the bits are left.
static hh_time exact_from(const hh_scale *scale, hh_time floor)
{
    for (int p = 0; p < HH_POPS; p++)
        if (scale->zero[p] != HH_TIME_MIN && scale->zero[p] + HH_SCALE_EXACT * scale->half_life[p] > floor)
            floor = scale->zero[p] + HH_SCALE_EXACT * scale->half_life[p];
    return floor;
}

// Whether the query is from before what the sums can go back to, and worth it to read all sessions: not one
// that is late now and then among others, and not more often than that costs as much as the queries.
static bool falls_behind(hh_reader *reader, hh_time as_of)
{
    hh_pop *pop = &reader->pop;
    bool behind = pop->ceiling < INT64_MAX;
    if (as_of > exact_from(&pop->scale, pop->floor)) {
        pop->late -= pop->late > 0;
        return false;
    }
    uint64_t held = atomic_load_explicit(&reader->graph->clicks, memory_order_relaxed);
    return ++pop->late >= (behind ? 1 : MANY_LATE) && pop->asked >= held / LOOKED_AT;
}

// Sums out of the graph's, or, from before the journal, out of the sessions.
static hh_status begin(hh_reader *reader, hh_time as_of)
{
    const hh_journal *journal = &reader->graph->journal;
    hh_scale scale = scale_of(journal);
    reader->pop.late = reader->pop.asked = 0;
    hh_time floor = atomic_load_explicit(&journal->floor, memory_order_acquire);
    return as_of <= exact_from(&scale, floor) ? hh_pop_past(reader, as_of) : start(reader);
}

hh_status hh_pop_sync(hh_reader *reader, hh_time as_of)
{
    hh_pop *pop = &reader->pop;
    hh_status status = HH_NOT_FOUND;
    if (!pop->top_capacity && hh_pop_reserve(reader, 1))
        return HH_MEMORY;
    if (pop->known)
        status = follow(reader);
    pop->asked++;
    if (!status && (as_of > pop->ceiling || falls_behind(reader, as_of)))
        status = HH_NOT_FOUND;
    if (status == HH_NOT_FOUND)
        status = begin(reader, as_of);
    if (status)
        pop->known = false;
    if (!status && pop->known)
        move_to(reader, as_of);
    return status;
}
