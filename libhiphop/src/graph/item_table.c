// Items: numbers for ids, and what the graph knows of each. A number is given back when its item has no
// clicks, is not withdrawn and not described, but not at once: an item is interned before its first click, so
// the IDLE_ITEMS numbers that lost their last click, or were made without one, most recently are kept.
#include "graph/internal.h"
#include "graph/reader.h"

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define IDLE_ITEMS  4096
#define MARK        (HH_NONE - 1) // a place in the table that was used
#define MAX_ITEMS   (1u << 30)
#define CHUNK_ITEMS (1u << HH_ITEM_CHUNK_BITS)
#define CHUNK_COUNT (MAX_ITEMS >> HH_ITEM_CHUNK_BITS)

static hh_item_table *table_new(uint32_t places)
{
    hh_item_table *table = malloc(sizeof *table + places * sizeof *table->numbers);
    if (!table)
        return NULL;
    table->mask = places - 1;
    for (uint32_t i = 0; i < places; i++)
        atomic_init(&table->numbers[i], HH_NONE);
    return table;
}

hh_status hh_items_init(hh_items *items)
{
    items->chunks = calloc(CHUNK_COUNT, sizeof *items->chunks); // untouched pages cost nothing
    items->free_number = HH_NONE;
    items->idle_capacity = 2 * IDLE_ITEMS;
    items->idle = malloc(items->idle_capacity * sizeof *items->idle);
    hh_item_table *table = table_new(1024);
    atomic_init(&items->table, table);
    return items->chunks && items->idle && table ? HH_OK : HH_MEMORY;
}

void hh_items_free(hh_items *items)
{
    for (uint32_t i = 0; items->chunks && i < items->used; i++) {
        hh_item_entry *item = hh_item_at(items, i);
        free(item->id);
        free(item->postings);
    }
    for (uint32_t i = 0; items->chunks && i < CHUNK_COUNT && items->chunks[i]; i++)
        free(items->chunks[i]);
    free(items->chunks);
    free(items->idle);
    free(items->table);
}

// ---- the table ----

static uint32_t hash_of(const hh_graph *graph, const char *id, size_t length)
{
    return (uint32_t)XXH3_64bits_withSeed(id, length, graph->seed);
}

static hh_item find(const hh_graph *graph, const char *id, size_t length, uint32_t hash)
{
    const hh_item_table *table = atomic_load_explicit(&graph->items.table, memory_order_acquire);
    for (uint32_t place = hash & table->mask;; place = (place + 1) & table->mask) {
        uint32_t number = atomic_load_explicit(&table->numbers[place], memory_order_acquire);
        if (number == HH_NONE)
            return HH_ITEM_NONE;
        if (number == MARK)
            continue;
        const hh_item_entry *item = hh_item_at(&graph->items, number);
        const char *bytes = atomic_load_explicit(&item->id, memory_order_acquire);
        if (bytes && item->hash == hash && item->length == length && memcmp(bytes, id, length) == 0)
            return number;
    }
}

static void table_put(hh_item_table *table, uint32_t hash, uint32_t number)
{
    uint32_t place = hash & table->mask;
    while (atomic_load_explicit(&table->numbers[place], memory_order_relaxed) != HH_NONE)
        place = (place + 1) & table->mask;
    atomic_store_explicit(&table->numbers[place], number, memory_order_release);
}

// At most half full, marks included.
static hh_status table_reserve(hh_graph *graph)
{
    hh_items *items = &graph->items;
    hh_item_table *old = items->table;
    if (2 * (items->count + items->marks + 1) <= old->mask)
        return HH_OK;
    uint32_t places = 1024;
    while (places < 4 * (items->count + 1))
        places *= 2;
    hh_item_table *table = hh_retire_reserve(graph, 1) ? NULL : table_new(places);
    if (!table)
        return HH_MEMORY;
    for (uint32_t i = 0; i <= old->mask; i++) {
        uint32_t number = old->numbers[i];
        if (number < MARK)
            table_put(table, hh_item_at(items, number)->hash, number);
    }
    items->marks = 0;
    atomic_store_explicit(&items->table, table, memory_order_release);
    hh_retire(graph, HH_RETIRED_MEMORY, 0, old);
    return HH_OK;
}

static void table_remove(hh_items *items, uint32_t hash, uint32_t number)
{
    hh_item_table *table = items->table;
    uint32_t place = hash & table->mask;
    while (atomic_load_explicit(&table->numbers[place], memory_order_relaxed) != number)
        place = (place + 1) & table->mask;
    atomic_store_explicit(&table->numbers[place], MARK, memory_order_release);
    items->marks++;
}

// ---- numbers ----

static hh_item number_new(hh_items *items)
{
    uint32_t number = items->free_number;
    if (number != HH_NONE) {
        items->free_number = hh_item_at(items, number)->length;
        return number;
    }
    number = items->used;
    if (number == MAX_ITEMS)
        return HH_ITEM_NONE;
    uint32_t chunk = number >> HH_ITEM_CHUNK_BITS;
    if (!items->chunks[chunk]) {
        hh_item_entry *entries = aligned_alloc(64, CHUNK_ITEMS * sizeof *entries);
        if (!entries)
            return HH_ITEM_NONE;
        memset(entries, 0, CHUNK_ITEMS * sizeof *entries);
        atomic_store_explicit(&items->chunks[chunk], entries, memory_order_release);
        items->memory += CHUNK_ITEMS * sizeof *entries;
    }
    atomic_store_explicit(&items->used, number + 1, memory_order_release);
    return number;
}

void hh_items_number_free(hh_items *items, uint32_t number)
{
    hh_item_at(items, number)->length = items->free_number;
    items->free_number = number;
}

// Takes an idle item out of the graph; needs room for three retired things.
static void forget(hh_graph *graph, hh_item number)
{
    hh_items *items = &graph->items;
    hh_item_entry *item = hh_item_at(items, number);
    table_remove(items, item->hash, number);
    hh_journal_write(graph, HH_ENTRY_FORGET, number, 0);
    hh_postings *postings = item->postings;
    char *id = item->id;
    atomic_store_explicit(&item->postings, NULL, memory_order_release);
    atomic_store_explicit(&item->id, NULL, memory_order_release);
    items->memory -= item->length + 1;
    items->count--;
    atomic_store_explicit(&graph->item_count, items->count, memory_order_relaxed);
    if (postings) {
        items->memory -= sizeof *postings + postings->capacity * sizeof *postings->slots;
        hh_retire(graph, HH_RETIRED_MEMORY, 0, postings);
    }
    hh_retire(graph, HH_RETIRED_MEMORY, 0, id);
    hh_retire(graph, HH_RETIRED_ITEM, number, NULL);
}

static bool in_use(const hh_item_entry *item)
{
    return item->clicks || item->withdrawn || item->described;
}

// Forgets the oldest of too many idle items. An item that has come to use again just leaves the queue.
static hh_status sweep(hh_graph *graph)
{
    hh_items *items = &graph->items;
    while (items->idle_count >= IDLE_ITEMS) {
        if (hh_retire_reserve(graph, 3))
            return HH_MEMORY;
        hh_item number = items->idle[items->idle_begin];
        items->idle_begin = (items->idle_begin + 1) % items->idle_capacity;
        items->idle_count--;
        hh_item_entry *item = hh_item_at(items, number);
        item->idle = false;
        if (in_use(item))
            continue;
        if (item->again)
            hh_items_rest(items, number);
        else
            forget(graph, number);
    }
    return HH_OK;
}

void hh_items_rest(hh_items *items, hh_item number)
{
    hh_item_entry *item = hh_item_at(items, number);
    if (in_use(item))
        return;
    item->again = item->idle;
    if (item->idle)
        return;
    if (items->idle_count == items->idle_capacity) { // grows only by what one expiry leaves idle: see below
        uint32_t capacity = 2 * items->idle_capacity;
        uint32_t *idle = malloc(capacity * sizeof *idle);
        if (!idle)
            return; // forgotten when it has had another click and lost it
        for (uint32_t i = 0; i < items->idle_count; i++)
            idle[i] = items->idle[(items->idle_begin + i) % items->idle_capacity];
        free(items->idle);
        items->idle = idle;
        items->idle_begin = 0;
        items->idle_capacity = capacity;
    }
    items->idle[(items->idle_begin + items->idle_count++) % items->idle_capacity] = number;
    item->idle = true;
}

// ---- the writer's calls ----

hh_item hh_graph_intern(hh_graph *graph, const char *id, size_t length)
{
    hh_items *items = &graph->items;
    uint32_t hash = hash_of(graph, id, length);
    hh_item number = find(graph, id, length, hash);
    if (number != HH_ITEM_NONE)
        return number;
    if (length >= UINT32_MAX || sweep(graph) || table_reserve(graph))
        return HH_ITEM_NONE;
    char *bytes = malloc(length + 1);
    number = bytes ? number_new(items) : HH_ITEM_NONE;
    if (number == HH_ITEM_NONE) {
        free(bytes);
        return HH_ITEM_NONE;
    }
    memcpy(bytes, id, length);
    bytes[length] = '\0';
    hh_item_entry *item = hh_item_at(items, number);
    item->length = (uint32_t)length;
    item->hash = hash;
    item->newest = HH_TIME_MIN;
    atomic_store_explicit(&item->id, bytes, memory_order_release);
    table_put(items->table, hash, number);
    items->count++;
    atomic_store_explicit(&graph->item_count, items->count, memory_order_relaxed);
    items->memory += length + 1;
    hh_items_rest(items, number);
    return number;
}

hh_status hh_graph_withdraw(hh_graph *graph, hh_item number, bool withdrawn)
{
    if (number >= graph->items.used || !hh_item_at(&graph->items, number)->id)
        return HH_NOT_FOUND;
    hh_item_entry *item = hh_item_at(&graph->items, number);
    if (item->withdrawn == withdrawn)
        return HH_OK;
    hh_journal_write(graph, withdrawn ? HH_ENTRY_WITHDRAW : HH_ENTRY_RESTORE, number, 0);
    hh_items_rest(&graph->items, number);
    atomic_fetch_add_explicit(&graph->withdrawals, 1, memory_order_release);
    return HH_OK;
}

// ---- the readers' calls ----

hh_item hh_graph_find(hh_reader *reader, const char *id, size_t length)
{
    hh_reader_enter(reader);
    hh_item item = find(reader->graph, id, length, hash_of(reader->graph, id, length));
    hh_reader_leave(reader);
    return item;
}

bool hh_graph_withdrawn(hh_reader *reader, const char *id, size_t length)
{
    hh_reader_enter(reader);
    const hh_graph *graph = reader->graph;
    hh_item item = find(graph, id, length, hash_of(graph, id, length));
    bool withdrawn = item != HH_ITEM_NONE &&
                     atomic_load_explicit(&hh_item_at(&graph->items, item)->withdrawn, memory_order_acquire);
    hh_reader_leave(reader);
    return withdrawn;
}

size_t hh_graph_id(hh_reader *reader, hh_item number, char *buffer, size_t size)
{
    const hh_items *items = &reader->graph->items;
    size_t length = 0;
    if (size)
        buffer[0] = '\0';
    hh_reader_enter(reader);
    if (number < atomic_load_explicit(&items->used, memory_order_acquire)) {
        const hh_item_entry *item = hh_item_at(items, number);
        const char *id = atomic_load_explicit(&item->id, memory_order_acquire);
        if (id) {
            length = item->length;
            size_t copied = length < size ? length : size ? size - 1 : 0;
            if (size) {
                memcpy(buffer, id, copied);
                buffer[copied] = '\0';
            }
        }
    }
    hh_reader_leave(reader);
    return length;
}

int hh_graph_compare(hh_reader *reader, hh_item a, hh_item b)
{
    uint32_t used = atomic_load_explicit(&reader->graph->items.used, memory_order_acquire);
    if (a >= used || b >= used)
        return (a < used) - (b < used);
    hh_reader_enter(reader);
    int order = hh_items_compare(reader->graph, a, b);
    hh_reader_leave(reader);
    return order;
}

int hh_items_compare(const hh_graph *graph, hh_item a, hh_item b)
{
    const hh_item_entry *one = hh_item_at(&graph->items, a), *other = hh_item_at(&graph->items, b);
    const char *x = atomic_load_explicit(&one->id, memory_order_acquire);
    const char *y = atomic_load_explicit(&other->id, memory_order_acquire);
    if (!x || !y)
        return (x != NULL) - (y != NULL);
    size_t m = one->length, n = other->length;
    int order = memcmp(x, y, m < n ? m : n);
    return order ? order : (m > n) - (m < n);
}
