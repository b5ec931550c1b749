#include "evaluate/neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool hh_neighbours_init(hh_neighbours *self, const hh_log *log)
{
    *self = (hh_neighbours){.log = log};
    self->postings = calloc((size_t)log->items + 1, sizeof *self->postings);
    self->known = calloc((size_t)log->sessions + 1, sizeof *self->known);
    self->last = calloc((size_t)log->sessions + 1, sizeof *self->last);
    self->place = calloc((size_t)log->sessions + 1, sizeof *self->place);
    self->seen = calloc((size_t)log->items + 1, sizeof *self->seen);
    return self->postings && self->known && self->last && self->place && self->seen;
}

void hh_neighbours_free(hh_neighbours *self)
{
    for (uint32_t item = 0; self->postings && item < self->log->items; item++)
        free(self->postings[item].sessions);
    free(self->postings);
    free(self->known);
    free(self->last);
    free(self->place);
    free(self->found);
    free(self->seen);
}

hh_status hh_neighbours_learn(hh_neighbours *self, const hh_lesson *lesson)
{
    uint32_t item = lesson->items[lesson->position];
    self->sessions_known += lesson->position == 0;
    self->known[lesson->session] = lesson->position + 1;
    self->last[lesson->session] = lesson->time;
    for (uint32_t i = 0; i < lesson->position; i++)
        if (lesson->items[i] == item)
            return HH_OK; // its session is listed already
    hh_posting *posting = &self->postings[item];
    if (posting->count == posting->room) {
        uint32_t room = 2 * posting->room + 4;
        uint32_t *larger = realloc(posting->sessions, room * sizeof *larger);
        if (!larger)
            return HH_MEMORY;
        posting->sessions = larger;
        posting->room = room;
    }
    posting->sessions[posting->count++] = lesson->session;
    return HH_OK;
}

void hh_neighbours_new_mark(hh_neighbours *self)
{
    if (++self->mark == 0) {
        memset(self->seen, 0, self->log->items * sizeof *self->seen);
        self->mark = 1;
    }
}

static bool newer(const hh_neighbour *a, const hh_neighbour *b)
{
    return a->last != b->last ? a->last > b->last : a->session > b->session;
}

static bool more_similar(const hh_neighbour *a, const hh_neighbour *b)
{
    return a->similarity != b->similarity ? a->similarity > b->similarity : newer(a, b);
}

static void swap(hh_neighbour *a, hh_neighbour *b)
{
    hh_neighbour kept = *a;
    *a = *b;
    *b = kept;
}

// Quickselect: the best k to the front, in no order.
static void select_best(hh_neighbour *all, uint32_t count, uint32_t k,
                        bool (*better)(const hh_neighbour *, const hh_neighbour *))
{
    uint32_t begin = 0, end = count;
    while (end - begin > 1 && k > begin && k < end) {
        swap(&all[begin], &all[begin + (end - begin) / 2]);
        uint32_t pivot = begin;
        for (uint32_t i = begin + 1; i < end; i++)
            if (better(&all[i], &all[begin]))
                swap(&all[++pivot], &all[i]);
        swap(&all[begin], &all[pivot]);
        if (k <= pivot)
            end = pivot;
        else
            begin = pivot + 1;
    }
}

void hh_neighbours_keep(hh_neighbours *self, uint32_t k)
{
    if (self->count <= k)
        return;
    select_best(self->found, self->count, k, more_similar);
    self->count = k;
}

static hh_status find(hh_neighbours *self, const hh_question *question, uint32_t item, uint32_t sample,
                      uint32_t distance, float weight)
{
    const hh_posting *posting = &self->postings[item];
    uint32_t reach = posting->count < sample ? posting->count : sample;
    if (self->count + (size_t)reach > self->room) {
        uint32_t room = self->count + reach + self->room;
        hh_neighbour *larger = realloc(self->found, room * sizeof *larger);
        if (!larger)
            return HH_MEMORY;
        self->found = larger;
        self->room = room;
    }
    const uint32_t *newest = posting->sessions + posting->count;
    for (uint32_t i = 1; i <= reach; i++) {
        uint32_t session = *(newest - i);
        if (session == question->session)
            continue;
        uint32_t *place = &self->place[session];
        if (!*place) {
            self->found[self->count++] =
                (hh_neighbour){.session = session, .match = distance, .last = self->last[session]};
            *place = self->count;
        }
        self->found[*place - 1].similarity += weight;
    }
    return HH_OK;
}

hh_status hh_neighbours_gather(hh_neighbours *self, const hh_question *question, uint32_t sample,
                               const float *weights, uint32_t depth)
{
    self->count = 0;
    hh_neighbours_new_mark(self);
    hh_status status = HH_OK;
    for (uint32_t back = 0; back < question->length && back < depth && status == HH_OK; back++) {
        uint32_t item = question->items[question->length - 1 - back];
        if (weights[back] > 0 && hh_neighbours_first_seen(self, item))
            status = find(self, question, item, sample, back, weights[back]);
    }
    for (uint32_t i = 0; i < self->count; i++)
        self->place[self->found[i].session] = 0;
    if (self->count > sample) {
        select_best(self->found, self->count, sample, newer);
        self->count = sample;
    }
    return status;
}

void hh_neighbours_weigh_rare(const hh_neighbours *self, hh_score_sheet *sheet, double exponent)
{
    if (exponent <= 0)
        return;
    for (uint32_t i = 0; i < sheet->count; i++) {
        uint32_t item = sheet->touched[i];
        // One more session than there are, so that an item of every session still counts for something.
        float rarity = logf(((float)self->sessions_known + 1) / (float)self->postings[item].count);
        sheet->dense[item] *= exponent == 1 ? rarity : powf(rarity, (float)exponent);
    }
}
