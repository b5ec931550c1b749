// The window's sessions as a training wants them: items numbered, those of the model first, by their ids.
#include "nn/random.h"
#include "train/window_inside.h"

#include <stdlib.h>
#include <string.h>

#define NO_ROW UINT32_MAX

typedef struct item_id {
    const char *bytes;
    size_t length;
} item_id;

typedef struct vocabulary {
    const hh_window *window;
    const hh_model *model;
    const hh_item_ids *known; // NULL: none
    hh_time until;
    const hh_window_session **session; // [sessions] that are taken, in order
    size_t sessions, clicks;
    uint32_t *clicks_of; // [numbers] of each item in them
    uint32_t *model_row; // [numbers]
    uint32_t *row;       // [numbers] in the training
    uint32_t *number;    // [items] of each row; from row `clicked` on, the place among those known
    uint32_t items, clicked;
} vocabulary;

static int by_arrival(const void *a, const void *b)
{
    const hh_window_session *first = *(hh_window_session *const *)a, *second = *(hh_window_session *const *)b;
    return (first->number > second->number) - (first->number < second->number);
}

static void take_session(vocabulary *self, const hh_window_session *session)
{
    if (session->time >= self->until)
        return;
    self->session[self->sessions++] = session;
    self->clicks += session->count;
    for (uint32_t i = 0; i < session->count; i++)
        self->clicks_of[session->item[i]]++;
}

static void take_sessions(vocabulary *self)
{
    const hh_window *window = self->window;
    for (size_t i = 0; i < window->older_count; i++)
        take_session(self, window->older[i]);
    qsort(self->session, self->sessions, sizeof *self->session, by_arrival); // a heap has no order
    for (size_t i = 0; i < window->count; i++)
        take_session(self, hh_window_newest(window, i));
}

// ---- which items ----

static bool eligible(const vocabulary *self, uint32_t number)
{
    uint32_t clicks = self->clicks_of[number];
    return clicks > 0 && (clicks >= self->window->options.admit || self->model_row[number] != NO_ROW);
}

static int falling(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first < second) - (first > second);
}

// The clicks that an item must have to be among the `items` with most: those with as many as the last are in,
// if they fit, else out. sorted: room.
static uint32_t enough(const vocabulary *self, uint32_t *sorted)
{
    uint32_t count = 0, most = self->window->options.items;
    for (uint32_t number = 0; number < self->window->numbers; number++)
        if (eligible(self, number))
            sorted[count++] = self->clicks_of[number];
    if (count <= most)
        return 1;
    qsort(sorted, count, sizeof *sorted, falling);
    return sorted[most] + 1;
}

// Those of the model in its order, then those that are new as they come.
static void number_items(vocabulary *self)
{
    const hh_window *window = self->window;
    uint32_t least = enough(self, self->number), old = self->model ? hh_model_items(self->model) : 0;
    for (uint32_t row = 0; row < old; row++) {
        size_t length;
        const char *id = hh_model_item(self->model, row, &length);
        uint32_t number = hh_intern_find(window->items, id, length);
        if (number != HH_INTERN_NONE && eligible(self, number) && self->clicks_of[number] >= least) {
            self->row[number] = self->items;
            self->number[self->items++] = number;
        }
    }
    for (size_t s = 0; s < self->sessions; s++)
        for (uint32_t i = 0; i < self->session[s]->count; i++) {
            uint32_t number = self->session[s]->item[i];
            if (self->row[number] == NO_ROW && eligible(self, number) && self->clicks_of[number] >= least) {
                self->row[number] = self->items;
                self->number[self->items++] = number;
            }
        }
}

static item_id id_known(const vocabulary *self, uint32_t place)
{
    uint64_t begin = self->known->begin[place];
    return (item_id){self->known->bytes + begin, self->known->begin[place + 1] - begin};
}

// Then those that are known without: as many as there is room for.
static void number_known(vocabulary *self)
{
    self->clicked = self->items;
    for (uint32_t i = 0; self->known && i < self->known->count; i++) {
        item_id id = id_known(self, i);
        if (self->items >= self->window->options.items)
            return;
        uint32_t number = hh_intern_find(self->window->items, id.bytes, id.length);
        if (number != HH_INTERN_NONE && self->row[number] != NO_ROW)
            continue;
        if (number != HH_INTERN_NONE)
            self->row[number] = self->items;
        self->number[self->items++] = i;
    }
}

static item_id id_of(const vocabulary *self, uint32_t row)
{
    if (row >= self->clicked)
        return id_known(self, self->number[row]);
    item_id id;
    id.bytes = hh_intern_bytes(self->window->items, self->number[row], &id.length);
    return id;
}

static uint32_t row_in_model(const vocabulary *self, uint32_t row)
{
    if (row < self->clicked)
        return self->model_row[self->number[row]];
    item_id id = id_of(self, row);
    return self->model ? hh_model_find(self->model, id.bytes, id.length) : NO_ROW;
}

static void find_in_model(vocabulary *self)
{
    for (uint32_t number = 0; number < self->window->numbers; number++) {
        self->row[number] = self->model_row[number] = NO_ROW;
        if (self->clicks_of[number] == 0 || !self->model)
            continue;
        size_t length;
        const char *id = hh_intern_bytes(self->window->items, number, &length);
        self->model_row[number] = hh_model_find(self->model, id, length); // HH_MODEL_NO_ITEM is NO_ROW
    }
}

// ---- what comes out ----

// Of an item that everybody clicks, a random choice: the same click is chosen however often it is asked.
static bool chosen(const vocabulary *self, const hh_window_session *session, uint32_t i)
{
    const hh_window_options *options = &self->window->options;
    double limit = options->item_share * (double)self->clicks, clicks = self->clicks_of[session->item[i]];
    if (clicks <= limit)
        return true;
    hh_random random = hh_random_of(options->seed ^ session->number, i);
    return hh_random_unit(&random) < limit / clicks;
}

static void write_clicks(const vocabulary *self, uint32_t *item, uint32_t *first)
{
    uint32_t at = 0;
    for (size_t s = 0; s < self->sessions; s++) {
        const hh_window_session *session = self->session[s];
        first[s] = at;
        for (uint32_t i = 0; i < session->count; i++)
            if (self->row[session->item[i]] != NO_ROW && chosen(self, session, i))
                item[at++] = self->row[session->item[i]];
    }
    first[self->sessions] = at;
}

static void write_ids(const vocabulary *self, uint64_t *begin, char *bytes)
{
    uint64_t at = 0;
    for (uint32_t row = 0; row < self->items; row++) {
        item_id id = id_of(self, row);
        begin[row] = at;
        memcpy(bytes + at, id.bytes, id.length);
        at += id.length;
    }
    begin[self->items] = at;
}

static size_t id_bytes(const vocabulary *self)
{
    size_t sum = 0;
    for (uint32_t row = 0; row < self->items; row++)
        sum += id_of(self, row).length;
    return sum;
}

// One piece of memory: id begins, clicks, session begins, rows, ids.
static bool write_all(const vocabulary *self, hh_window_sessions *sessions)
{
    size_t items = self->items;
    char *memory = malloc((items + 1) * sizeof(uint64_t) +
                          (self->clicks + self->sessions + 1 + items) * sizeof(uint32_t) + id_bytes(self));
    if (!memory)
        return false;
    uint64_t *begin = (uint64_t *)memory;
    uint32_t *item = (uint32_t *)(begin + items + 1), *first = item + self->clicks,
             *row = first + self->sessions + 1;
    write_clicks(self, item, first);
    write_ids(self, begin, (char *)(row + items));
    *sessions = (hh_window_sessions){
        .data = {.sessions = (uint32_t)self->sessions, .items = self->items, .item = item, .first = first},
        .ids = {.count = self->items, .begin = begin, .bytes = (char *)(row + items)},
        .row = row,
        .memory = memory,
    };
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->items; i++) {
        row[i] = row_in_model(self, i);
        kept += row[i] != NO_ROW;
    }
    sessions->fresh = self->items - kept;
    sessions->gone = (self->model ? hh_model_items(self->model) : 0) - kept;
    return true;
}

// Sessions never change, and their numbers tell them apart.
static uint64_t which_sessions(const vocabulary *self)
{
    uint64_t which = 0;
    for (size_t s = 0; s < self->sessions; s++) {
        hh_random random = hh_random_of(which, self->session[s]->number);
        which = hh_random_next(&random);
    }
    return which;
}

hh_status hh_window_take(const hh_window *window, hh_time until, const hh_model *model,
                         const hh_item_ids *known, hh_window_sessions *sessions, hh_error *error)
{
    size_t numbers = window->numbers + (size_t)1, others = known ? known->count : 0;
    vocabulary self = {.window = window,
                       .model = model,
                       .known = known,
                       .until = until,
                       .session = malloc((window->count + window->older_count + 1) * sizeof *self.session),
                       .clicks_of = calloc(numbers, sizeof *self.clicks_of),
                       .model_row = malloc(numbers * sizeof *self.model_row),
                       .row = malloc(numbers * sizeof *self.row),
                       .number = malloc((numbers + others) * sizeof *self.number)};
    *sessions = (hh_window_sessions){0};
    bool done = self.session && self.clicks_of && self.model_row && self.row && self.number;
    if (done) {
        take_sessions(&self);
        find_in_model(&self);
        number_items(&self);
        number_known(&self);
        done = write_all(&self, sessions);
        sessions->which = which_sessions(&self);
    }
    free(self.session);
    free(self.clicks_of);
    free(self.model_row);
    free(self.row);
    free(self.number);
    return done ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
}

void hh_window_sessions_free(hh_window_sessions *sessions)
{
    free(sessions->memory);
    *sessions = (hh_window_sessions){0};
}
