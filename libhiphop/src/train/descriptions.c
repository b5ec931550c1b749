#include <hiphop/descriptions.h>
#include <hiphop/intern.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 256 }; // items while the reader is held: the graph's writer can't reuse anything then

// ---- which items ----

typedef struct id_list {
    uint64_t *begin; // [begins]
    char *bytes;     // [room]
    size_t begins, room;
    uint32_t count;
    hh_intern *seen; // what changes meanwhile may be met twice
} id_list;

static bool add_id(id_list *list, hh_reader *reader, hh_item item)
{
    if (list->count + (size_t)2 > list->begins) {
        size_t begins = 2 * list->begins + 64;
        uint64_t *larger = realloc(list->begin, begins * sizeof *larger);
        if (!larger)
            return false;
        list->begin = larger;
        list->begins = begins;
        list->begin[0] = 0;
    }
    uint64_t at = list->begin[list->count];
    size_t length = hh_graph_id(reader, item, list->room ? list->bytes + at : NULL, list->room - at);
    if (length == 0 || length > HH_ITEM_ID_MAX) // forgotten meanwhile
        return true;
    if (length >= list->room - at) {
        size_t room = 2 * (list->room + length + 1);
        char *larger = realloc(list->bytes, room);
        if (!larger)
            return false;
        list->bytes = larger;
        list->room = room;
        if (hh_graph_id(reader, item, list->bytes + at, room - at) != length)
            return true;
    }
    uint32_t number = hh_intern_acquire(list->seen, list->bytes + at, length);
    if (number == list->count)
        list->begin[++list->count] = at + length;
    return number != HH_INTERN_NONE;
}

hh_status hh_described_items_take(hh_reader *reader, uint32_t most, hh_described_items *items,
                                  hh_error *error)
{
    *items = (hh_described_items){0};
    id_list list = {.begin = calloc(1, sizeof *list.begin), .begins = 1, .seen = hh_intern_new(0)};
    bool done = list.begin && list.seen;
    hh_item item = 0;
    for (uint32_t place = UINT32_MAX; done && item != HH_ITEM_NONE && list.count < most;) {
        hh_reader_hold(reader);
        for (int i = 0; done && i < AT_ONCE && list.count < most; i++) {
            item = hh_graph_described_before(reader, &place);
            if (item == HH_ITEM_NONE)
                break;
            done = add_id(&list, reader, item);
        }
        hh_reader_release(reader);
    }
    if (list.seen)
        hh_intern_free(list.seen);
    if (!done) {
        free(list.begin);
        free(list.bytes);
        return hh_fail(error, HH_MEMORY, NULL);
    }
    *items = (hh_described_items){{list.count, list.begin, list.bytes}, {list.begin, list.bytes}};
    return HH_OK;
}

void hh_described_items_free(hh_described_items *items)
{
    free(items->memory[0]);
    free(items->memory[1]);
    *items = (hh_described_items){0};
}

// ---- what is known of them ----

// A source's place in the descriptions, made for this width; NULL: out of memory.
static hh_source *source_for(hh_descriptions *into, uint32_t place, hh_text name, uint32_t width,
                             uint32_t items)
{
    hh_source *source = &into->source[place];
    if (source->width)
        return source;
    int8_t *bytes = calloc(items + (size_t)1, width);
    float *scale = calloc(items + (size_t)1, sizeof *scale);
    char *copy = strndup(name.bytes, name.length);
    void *made[] = {bytes, scale, copy};
    memcpy(into->memory[place], made, sizeof made);
    if (!bytes || !scale || !copy)
        return NULL;
    *source = (hh_source){.name = copy, .width = width, .bytes = bytes, .scale = scale};
    return source;
}

static bool take_item(hh_descriptions *into, hh_reader *reader, const hh_text *names, uint32_t sources,
                      const hh_item_ids *ids, uint32_t at)
{
    uint64_t begin = ids->begin[at];
    hh_item item = hh_graph_find(reader, ids->bytes + begin, ids->begin[at + 1] - begin);
    for (uint32_t s = 0; s < sources && item != HH_ITEM_NONE; s++) {
        hh_description said = hh_graph_description(reader, item, s);
        hh_source *source = said.width ? source_for(into, s, names[s], said.width, ids->count) : NULL;
        if (said.width && !source)
            return false;
        if (!source || source->width != said.width)
            continue;
        memcpy((int8_t *)into->memory[s][0] + (size_t)at * said.width, said.bytes, said.width);
        ((float *)into->memory[s][1])[at] = said.scale;
    }
    return true;
}

// Those that describe nothing go.
static void close_ranks(hh_descriptions *descriptions, uint32_t sources)
{
    for (uint32_t s = 0; s < sources; s++)
        if (descriptions->source[s].width)
            descriptions->source[descriptions->count++] = descriptions->source[s];
    for (uint32_t s = descriptions->count; s < sources; s++)
        descriptions->source[s] = (hh_source){0};
}

hh_status hh_descriptions_take(hh_reader *reader, const hh_text *names, uint32_t count,
                               const hh_item_ids *ids, hh_descriptions *descriptions, hh_error *error)
{
    *descriptions = (hh_descriptions){0};
    bool done = true;
    if (count > HH_SOURCES)
        return hh_fail(error, HH_ARGUMENT, "a network has %d sources at most, not %u", HH_SOURCES, count);
    for (uint32_t at = 0; at < ids->count && count && done;) {
        hh_reader_hold(reader);
        for (int i = 0; i < AT_ONCE && at < ids->count && done; i++, at++)
            done = take_item(descriptions, reader, names, count, ids, at);
        hh_reader_release(reader);
    }
    close_ranks(descriptions, count);
    if (done)
        return HH_OK;
    hh_descriptions_free(descriptions);
    return hh_fail(error, HH_MEMORY, NULL);
}

void hh_descriptions_free(hh_descriptions *descriptions)
{
    for (int s = 0; s < HH_SOURCES; s++)
        for (int i = 0; i < 3; i++)
            free(descriptions->memory[s][i]);
    *descriptions = (hh_descriptions){0};
}
