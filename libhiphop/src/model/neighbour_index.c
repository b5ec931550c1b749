#include "model/neighbour_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct posting {
    uint32_t session, place; // of the item's last click in it
} posting;

typedef struct postings { // a ring of the newest, once it is full
    posting *at;
    uint32_t count, room, next;
    uint32_t sessions; // all that ever held the item
} postings;

typedef struct overlap { // of a session with the prefix at hand
    float weight[HH_SETS];
    uint32_t after;
    uint32_t rank;
} overlap;

struct hh_neighbour_index {
    hh_neighbour_options options;
    postings *item; // [item_count]
    uint32_t item_count;
    uint32_t *clicks; // all sessions' end to end
    size_t click_count, click_room;
    size_t *begin; // [count + 1]
    float *weight; // [count] of the session's items
    overlap *with; // [count] all zero between two searches
    uint32_t *met; // [count] the sessions that have some overlap
    uint32_t count, room, met_count;
    uint32_t hidden; // session that is not found
};

void hh_neighbour_list_free(hh_neighbour_list *list)
{
    free(list->begin);
    free(list->at);
    *list = (hh_neighbour_list){0};
}

static bool grow(void **array, size_t room, size_t size)
{
    void *larger = realloc(*array, room * size);
    if (larger)
        *array = larger;
    return larger != NULL;
}

static bool list_room(hh_neighbour_list *list, size_t prefixes, uint32_t nearest)
{
    if (list->prefixes + prefixes + 1 > list->prefix_room) {
        size_t room = 2 * list->prefix_room + prefixes + 1024;
        if (!grow((void **)&list->begin, room, sizeof *list->begin))
            return false;
        list->prefix_room = room;
        if (list->prefixes == 0)
            list->begin[0] = 0;
    }
    size_t needed = list->begin[list->prefixes] + prefixes * nearest * HH_SETS;
    if (needed > list->room) {
        size_t room = list->room + list->room / 2 + needed - list->room + 4096;
        if (!grow((void **)&list->at, room, sizeof *list->at))
            return false;
        list->room = room;
    }
    return true;
}

bool hh_neighbour_list_skip(hh_neighbour_list *list, size_t prefixes)
{
    if (!list_room(list, prefixes > list->prefixes ? prefixes - list->prefixes : 0, 0))
        return false;
    for (; list->prefixes < prefixes; list->prefixes++)
        list->begin[list->prefixes + 1] = list->begin[list->prefixes];
    return true;
}

hh_neighbour_index *hh_neighbour_index_new(uint32_t items, const hh_neighbour_options *options)
{
    hh_neighbour_index *index = calloc(1, sizeof *index);
    if (!index)
        return NULL;
    index->options = *options;
    index->item_count = items;
    index->hidden = UINT32_MAX;
    index->item = calloc(items + (size_t)1, sizeof *index->item);
    if (index->item)
        return index;
    free(index);
    return NULL;
}

void hh_neighbour_index_free(hh_neighbour_index *index)
{
    if (!index)
        return;
    for (uint32_t i = 0; i < index->item_count; i++)
        free(index->item[i].at);
    free(index->item);
    free(index->clicks);
    free(index->begin);
    free(index->weight);
    free(index->with);
    free(index->met);
    free(index);
}

void hh_neighbour_index_hide(hh_neighbour_index *index, uint32_t session)
{
    index->hidden = session;
}

uint32_t hh_neighbour_index_count(const hh_neighbour_index *index)
{
    return index->count;
}

const uint32_t *hh_neighbour_index_session(const hh_neighbour_index *index, uint32_t number, uint32_t *length)
{
    *length = (uint32_t)(index->begin[number + 1] - index->begin[number]);
    return index->clicks + index->begin[number];
}

static float weight_of(const hh_neighbour_index *index, uint32_t item)
{
    return logf(1 + (float)(index->count + 1) / (float)(index->item[item].sessions + 1));
}

static bool first_time(const uint32_t *items, uint32_t place)
{
    for (uint32_t i = 0; i < place; i++)
        if (items[i] == items[place])
            return false;
    return true;
}

// ---- adding ----

static bool make_room(hh_neighbour_index *index, uint32_t length)
{
    if (index->count + 1 >= index->room) {
        uint32_t room = 2 * index->room + 1024;
        if (!grow((void **)&index->begin, room + (size_t)1, sizeof *index->begin) ||
            !grow((void **)&index->weight, room, sizeof *index->weight) ||
            !grow((void **)&index->with, room, sizeof *index->with) ||
            !grow((void **)&index->met, room, sizeof *index->met))
            return false;
        memset(index->with + index->room, 0, (room - index->room) * sizeof *index->with);
        index->room = room;
        index->begin[0] = 0;
    }
    if (index->click_count + length > index->click_room) {
        size_t room = 2 * index->click_room + length + 4096;
        if (!grow((void **)&index->clicks, room, sizeof *index->clicks))
            return false;
        index->click_room = room;
    }
    return true;
}

static bool post(hh_neighbour_index *index, uint32_t item, posting entry)
{
    postings *list = &index->item[item];
    if (list->count == list->room && list->room < index->options.newest) {
        uint32_t room = 2 * list->room + 4;
        room = room < index->options.newest ? room : index->options.newest;
        if (!grow((void **)&list->at, room, sizeof *list->at))
            return false;
        list->room = room;
    }
    list->sessions++;
    if (list->room == 0)
        return true;
    list->at[list->next] = entry;
    list->count += list->count < list->room;
    if (++list->next == index->options.newest)
        list->next = 0;
    return true;
}

bool hh_neighbour_index_add(hh_neighbour_index *index, const uint32_t *items, uint32_t length)
{
    if (!make_room(index, length))
        return false;
    uint32_t number = index->count;
    if (length)
        memcpy(index->clicks + index->click_count, items, length * sizeof *items);
    index->click_count += length;
    index->begin[number + 1] = index->click_count;
    index->weight[number] = 0;
    bool done = true;
    for (uint32_t i = length; i-- > 0 && done;) { // from the end: an item's last place counts
        bool later = false;
        for (uint32_t j = i + 1; j < length && !later; j++)
            later = items[j] == items[i];
        if (later)
            continue;
        done = post(index, items[i], (posting){number, i});
        index->weight[number] += weight_of(index, items[i]);
    }
    index->count++;
    return done;
}

// ---- finding ----

static void meet(hh_neighbour_index *index, uint32_t item, int set, float weight)
{
    const postings *list = &index->item[item];
    for (uint32_t i = 0; i < list->count; i++) {
        overlap *with = &index->with[list->at[i].session];
        if (with->after == 0)
            index->met[index->met_count++] = list->at[i].session;
        with->weight[set] += weight;
        if (set == HH_SET_GLOBAL)
            with->after = list->at[i].place + 1;
    }
}

typedef struct ranked {
    float score;
    uint32_t session;
} ranked;

static bool before(ranked a, ranked b) // in the order of the list; of equals, the newer
{
    return a.score > b.score || (a.score == b.score && a.session > b.session);
}

// The best of a set, in `best` in descending order; returns how many.
static uint32_t rank(const hh_neighbour_index *index, int set, float weight, ranked *best)
{
    uint32_t count = 0, most = index->options.nearest;
    float half_life = index->options.half_life, aged = half_life > 0 ? 0.6931472f / half_life : 0;
    for (uint32_t m = 0; m < index->met_count; m++) {
        uint32_t session = index->met[m];
        float both = index->with[session].weight[set];
        if (!(both > 0) || session == index->hidden)
            continue;
        float rest = weight + index->weight[session] - both;
        ranked entry = {both / (rest > both ? rest : both), session};
        if (aged > 0)
            entry.score *= expf(-aged * (float)(index->count - session));
        if (count == most && !before(entry, best[count - 1]))
            continue;
        uint32_t at = count < most ? count++ : count - 1;
        for (; at > 0 && before(entry, best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = entry;
    }
    return count;
}

// One prefix: the weights of its overlaps are known.
static void append(hh_neighbour_index *index, const float *weight, ranked *best, hh_neighbour_list *list)
{
    size_t first = list->begin[list->prefixes], end = first;
    for (int set = 0; set < HH_SETS; set++) {
        uint32_t count = rank(index, set, weight[set], best);
        for (uint32_t i = 0; i < count; i++) {
            overlap *with = &index->with[best[i].session];
            if (with->rank == 0) {
                list->at[end++] = (hh_neighbour){best[i].session, with->after, {-INFINITY, -INFINITY}};
                with->rank = (uint32_t)(end - first);
            }
            list->at[first + with->rank - 1].prior[set] = logf(best[i].score);
        }
    }
    for (size_t i = first; i < end; i++)
        index->with[list->at[i].session].rank = 0;
    list->begin[++list->prefixes] = end;
}

bool hh_neighbour_index_find(hh_neighbour_index *index, const uint32_t *items, uint32_t length,
                             hh_neighbour_list *list)
{
    ranked *best = malloc((index->options.nearest + (size_t)1) * sizeof *best);
    if (!best || !list_room(list, length, index->options.nearest)) {
        free(best);
        return false;
    }
    float weight[HH_SETS] = {0};
    index->met_count = 0;
    for (uint32_t i = 0; i < length; i++) {
        bool fresh = first_time(items, i);
        meet(index, items[i], HH_SET_GLOBAL, fresh ? weight_of(index, items[i]) : 0);
        weight[HH_SET_GLOBAL] += fresh ? weight_of(index, items[i]) : 0;
        weight[HH_SET_LOCAL] = 0;
        for (uint32_t m = 0; m < index->met_count; m++)
            index->with[index->met[m]].weight[HH_SET_LOCAL] = 0;
        uint32_t last = index->options.last, from = i + 1 > last ? i + 1 - last : 0;
        for (uint32_t j = i + 1; j-- > from;) {
            bool later = false;
            for (uint32_t k = j + 1; k <= i && !later; k++)
                later = items[k] == items[j];
            if (later)
                continue;
            float of = weight_of(index, items[j]) * expf(-(float)(i - j));
            meet(index, items[j], HH_SET_LOCAL, of);
            weight[HH_SET_LOCAL] += of;
        }
        append(index, weight, best, list);
    }
    for (uint32_t m = 0; m < index->met_count; m++)
        index->with[index->met[m]] = (overlap){0};
    free(best);
    return true;
}
