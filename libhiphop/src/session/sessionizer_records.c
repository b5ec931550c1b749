// Records of open sessions and of cuts: found by visitor, in order of first offset, from chunks that never
// move. A visitor nearly always has one record; others hang on it as siblings, each with its own copy of the
// id.
#define XXH_INLINE_ALL
#include "sessionizer_state.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

uint32_t hh_records_tag(const hh_sessionizer *s, const char *visitor, size_t length)
{
    return (uint32_t)XXH3_64bits_withSeed(visitor, length, s->options.seed);
}

uint32_t hh_records_find(const hh_sessionizer *s, uint32_t tag, const char *visitor, size_t length,
                         size_t *slot)
{
    const hh_slots *slots = &s->visitors;
    if (!slots->capacity)
        return HH_RECORD_NONE;
    for (size_t at = hh_slots_first(slots, tag); hh_slots_used(slots, at); at = hh_slots_next(slots, at)) {
        if (slots->slot[at].tag != tag)
            continue;
        const hh_record *record = hh_record_at(s, slots->slot[at].number);
        if (record->visitor_length != length || memcmp(hh_record_visitor(record), visitor, length) != 0)
            continue;
        if (slot)
            *slot = at;
        return slots->slot[at].number;
    }
    return HH_RECORD_NONE;
}

// Each call takes three looks one step further: into the table for this visitor, from there to the record for
// the one of HH_EXPECTED calls ago, and to the last of its clicks for the one before that. By then the step
// before has come out of memory. What has changed in between is fetched in vain, no more.
void hh_sessionizer_expect(hh_sessionizer *s, const char *visitor, size_t length)
{
    const hh_slots *slots = &s->visitors;
    if (!slots->capacity)
        return;
    uint32_t *tag = &s->expected.tags[s->expected.at % HH_EXPECTED];
    uint32_t *known = &s->expected.records[s->expected.at % HH_EXPECTED];
    s->expected.at++;
    if (*known < s->used) {
        const hh_record *record = hh_record_at(s, *known);
        if (record->count > 1) {
            __builtin_prefetch(record->list, 1);
            __builtin_prefetch(record->list + record->count - 1, 1);
        }
    }
    *known = HH_RECORD_NONE;
    for (size_t at = hh_slots_first(slots, *tag); hh_slots_used(slots, at); at = hh_slots_next(slots, at))
        if (slots->slot[at].tag == *tag) {
            *known = slots->slot[at].number;
            __builtin_prefetch(hh_record_at(s, *known), 1);
            __builtin_prefetch(hh_record_rest_at(s, *known), 1);
            break;
        }
    *tag = hh_records_tag(s, visitor, length);
    __builtin_prefetch(&slots->slot[hh_slots_first(slots, *tag)]);
}

hh_status hh_records_reserve(hh_sessionizer *s)
{
    hh_status status = hh_slots_reserve(&s->visitors);
    if (status || s->unused != HH_RECORD_NONE || s->used < s->chunk_count * HH_RECORDS_IN_CHUNK)
        return status;
    if (s->used >= HH_RECORD_LIMIT)
        return HH_MEMORY;
    if (s->chunk_count == s->chunk_capacity) {
        size_t capacity = s->chunk_capacity ? 2 * s->chunk_capacity : 8;
        hh_record_chunk **grown = realloc(s->chunks, capacity * sizeof *grown);
        if (!grown)
            return HH_MEMORY;
        s->chunks = grown;
        s->chunk_capacity = capacity;
    }
    char *chunk = hh_blocks_keep(&s->blocks, sizeof **s->chunks + HH_CACHE_LINE - HH_BLOCK_SMALLEST);
    if (!chunk)
        return HH_MEMORY;
    chunk += -(uintptr_t)chunk % HH_CACHE_LINE;
    s->chunks[s->chunk_count++] = (hh_record_chunk *)chunk;
    return HH_OK;
}

static void link_newest(hh_sessionizer *s, uint32_t number)
{
    hh_record_rest *rest = hh_record_rest_at(s, number);
    rest->older = s->newest;
    rest->newer = HH_RECORD_NONE;
    if (s->newest != HH_RECORD_NONE)
        hh_record_rest_at(s, s->newest)->newer = number;
    else
        s->oldest = number;
    s->newest = number;
}

static void unlink_order(hh_sessionizer *s, const hh_record_rest *rest)
{
    if (rest->older != HH_RECORD_NONE)
        hh_record_rest_at(s, rest->older)->newer = rest->newer;
    else
        s->oldest = rest->newer;
    if (rest->newer != HH_RECORD_NONE)
        hh_record_rest_at(s, rest->newer)->older = rest->older;
    else
        s->newest = rest->older;
}

void hh_records_move_to_oldest(hh_sessionizer *s, uint32_t number)
{
    hh_record_rest *rest = hh_record_rest_at(s, number);
    unlink_order(s, rest);
    rest->older = HH_RECORD_NONE;
    rest->newer = s->oldest;
    if (s->oldest != HH_RECORD_NONE)
        hh_record_rest_at(s, s->oldest)->older = number;
    else
        s->newest = number;
    s->oldest = number;
}

uint32_t hh_records_add(hh_sessionizer *s, uint32_t tag, const char *visitor, size_t length, char *block,
                        int64_t offset)
{
    uint32_t number = s->unused;
    if (number != HH_RECORD_NONE)
        s->unused = hh_record_at(s, number)->later;
    else
        number = s->used++;
    hh_record *record = hh_record_at(s, number);
    *record = (hh_record){.visitor_length = (uint32_t)length, .id = offset, .sibling = HH_RECORD_NONE};
    *hh_record_rest_at(s, number) = (hh_record_rest){.watermark = s->watermark};
    if (length > HH_VISITOR_INLINE)
        record->visitor.block = block;
    if (length)
        memcpy(length > HH_VISITOR_INLINE ? block : record->visitor.bytes, visitor, length);

    size_t slot;
    record->sibling = hh_records_find(s, tag, visitor, length, &slot);
    if (record->sibling != HH_RECORD_NONE)
        s->visitors.slot[slot].number = number;
    else
        hh_slots_insert(&s->visitors, tag, number);
    link_newest(s, number);
    return number;
}

size_t hh_clicks_capacity(size_t count)
{
    return hh_blocks_round(count * sizeof(hh_session_click)) / sizeof(hh_session_click);
}

void hh_records_drop_clicks(hh_sessionizer *s, hh_record *record)
{
    if (record->count > 1)
        hh_blocks_give(&s->blocks, record->list, hh_clicks_capacity(record->count) * sizeof *record->list);
    record->count = 0;
}

static void forget(hh_sessionizer *s, uint32_t number)
{
    hh_record *record = hh_record_at(s, number);
    unlink_order(s, hh_record_rest_at(s, number));
    hh_records_drop_clicks(s, record);
    if (record->visitor_length > HH_VISITOR_INLINE)
        hh_blocks_give(&s->blocks, record->visitor.block, record->visitor_length);
    record->later = s->unused;
    s->unused = number;
}

void hh_records_remove(hh_sessionizer *s, uint32_t number)
{
    const hh_record *record = hh_record_at(s, number);
    const char *visitor = hh_record_visitor(record);
    size_t slot = 0;
    uint32_t tag = hh_records_tag(s, visitor, record->visitor_length);
    uint32_t first = hh_records_find(s, tag, visitor, record->visitor_length, &slot);
    if (first == number) {
        first = record->sibling;
        if (first == HH_RECORD_NONE)
            hh_slots_remove(&s->visitors, slot);
        else
            s->visitors.slot[slot].number = first;
    } else {
        hh_record *before = hh_record_at(s, first);
        while (before->sibling != number)
            before = hh_record_at(s, before->sibling);
        before->sibling = record->sibling;
    }
    forget(s, number);

    if (first == HH_RECORD_NONE)
        return;
    const hh_record *rest = hh_record_at(s, first);
    if (hh_record_is_cut(rest) && !rest->in_wheel && rest->sibling == HH_RECORD_NONE) {
        hh_slots_remove(&s->visitors, slot);
        forget(s, first);
    }
}

void hh_records_fetch(const hh_sessionizer *s, const hh_record *record)
{
    const hh_slots *slots = &s->visitors;
    uint32_t tag = hh_records_tag(s, hh_record_visitor(record), record->visitor_length);
    __builtin_prefetch(&slots->slot[hh_slots_first(slots, tag)], 1);
    if (record->count > 1)
        __builtin_prefetch(record->list, 1);
}

void hh_records_free(hh_sessionizer *s)
{
    while (s->oldest != HH_RECORD_NONE)
        forget(s, s->oldest);
    free(s->chunks);
    hh_slots_free(&s->visitors);
    hh_blocks_free(&s->blocks);
}

size_t hh_records_memory(const hh_sessionizer *s)
{
    return s->blocks.bytes + s->chunk_capacity * sizeof *s->chunks +
           s->visitors.capacity * sizeof *s->visitors.slot;
}
