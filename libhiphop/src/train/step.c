#include "train/step.h"

#include "nn/vector.h"

#include <stdlib.h>

typedef struct worker {
    hh_arena arena;
    hh_gradients gradients;
    hh_batch batch;
    hh_pass pass;
    float *dx;           // [rows x d]
    size_t first, count; // its sessions
    double loss;
    bool done;
} worker;

struct hh_stepper {
    hh_network *network;
    hh_crew *crew;
    uint32_t threads, negatives;
    uint64_t seed;
    uint32_t drawable; // so many items, the first of these, are drawn from
    uint32_t *drawn;   // [items] a permutation, of which each step mixes the first places anew
    hh_batch_rows rows;
    hh_arena arena;
    size_t workspace;       // bytes, the most so far
    float *x, *length, *de; // [rows x d], [rows]
    uint8_t *kept;          // [rows] whether an item's own vector counts; NULL: all do
    // of the step at hand
    const hh_session_view *sessions;
    uint64_t number;
    float share;
    hh_objective objective;
    hh_batch_options batch_options;
    worker workers[];
};

hh_stepper *hh_stepper_new(hh_network *network, uint32_t threads, uint32_t negatives, uint64_t seed)
{
    hh_stepper *stepper = calloc(1, sizeof *stepper + threads * sizeof *stepper->workers);
    if (!stepper)
        return NULL;
    uint32_t items = (uint32_t)network->item.rows;
    stepper->network = network;
    stepper->threads = threads;
    stepper->negatives = negatives;
    stepper->seed = seed;
    stepper->drawable = items;
    stepper->batch_options = hh_batch_options_of(network, false);
    stepper->crew = hh_crew_new(threads);
    stepper->drawn = malloc((items + (size_t)1) * sizeof *stepper->drawn);
    bool made = stepper->crew && stepper->drawn && hh_batch_rows_init(&stepper->rows, items) &&
                (network->item.first || hh_tensor_train(&network->item));
    for (uint32_t t = 0; t < HH_TENSOR_COUNT && made; t++)
        made = network->tensor[t].first || hh_tensor_train(&network->tensor[t]);
    for (uint32_t w = 0; w < threads && made; w++)
        made = hh_gradients_init(&stepper->workers[w].gradients, network);
    if (!made) {
        hh_stepper_free(stepper);
        return NULL;
    }
    for (uint32_t item = 0; item < items; item++)
        stepper->drawn[item] = item;
    return stepper;
}

void hh_stepper_free(hh_stepper *stepper)
{
    if (!stepper)
        return;
    hh_crew_free(stepper->crew);
    for (uint32_t w = 0; w < stepper->threads; w++) {
        hh_gradients_free(&stepper->workers[w].gradients);
        hh_arena_free(&stepper->workers[w].arena);
    }
    hh_batch_rows_free(&stepper->rows);
    hh_arena_free(&stepper->arena);
    free(stepper->drawn);
    free(stepper);
}

uint32_t *hh_stepper_drawn(hh_stepper *stepper)
{
    return stepper->drawn;
}

void hh_stepper_set_neighbours(hh_stepper *stepper, const hh_neighbour_index *index,
                               const hh_neighbour_list *list, const uint32_t *clicks)
{
    stepper->batch_options.index = index;
    stepper->batch_options.neighbours = list;
    stepper->batch_options.clicks = clicks;
}

void hh_stepper_set_seen(hh_stepper *stepper, const uint8_t *seen)
{
    uint32_t items = (uint32_t)stepper->network->item.rows, next = 0;
    for (int which = 1; which >= 0; which--) {
        for (uint32_t item = 0; item < items; item++)
            if ((seen[item] != 0) == which)
                stepper->drawn[next++] = item;
        if (which)
            stepper->drawable = next;
    }
}

void hh_stepper_set_objective(hh_stepper *stepper, const hh_objective *objective)
{
    stepper->objective = *objective;
}

// ---- rows ----

// The columns: all items in order, or so many drawn evenly, without repetition.
static bool draw(hh_stepper *stepper)
{
    uint32_t items = stepper->drawable, wanted = stepper->negatives;
    bool all = wanted == 0 || wanted >= items, done = true;
    hh_random random = hh_random_of(stepper->seed, 2 * stepper->number);
    for (uint32_t i = 0; i < (all ? items : wanted) && done; i++) {
        if (all) {
            done = hh_batch_rows_add(&stepper->rows, stepper->drawn[i]);
            continue;
        }
        uint32_t other = i + hh_random_below(&random, items - i), item = stepper->drawn[other];
        stepper->drawn[other] = stepper->drawn[i];
        stepper->drawn[i] = item;
        done = hh_batch_rows_add(&stepper->rows, item);
    }
    stepper->rows.columns = stepper->rows.count;
    return done;
}

// An item that a source describes goes without its own vector now and then, so that the source can do alone.
static void drop_own(hh_stepper *stepper)
{
    const hh_network *network = stepper->network;
    hh_random random = hh_random_of(stepper->seed ^ 0xd40b, stepper->number);
    for (uint32_t r = 0; r < stepper->rows.count; r++)
        stepper->kept[r] = hh_random_unit(&random) >= network->options.id_dropout ||
                           !hh_item_described(network, stepper->rows.item[r]);
}

static bool make_rows(hh_stepper *stepper, size_t count)
{
    hh_batch_rows_begin(&stepper->rows);
    bool done = draw(stepper);
    for (size_t s = 0; s < count && done; s++)
        for (uint32_t i = 0; i < stepper->sessions[s].length && done; i++)
            done = hh_batch_rows_add(&stepper->rows, stepper->sessions[s].items[i]);
    if (done && stepper->batch_options.neighbours)
        done =
            hh_batch_rows_add_neighbours(&stepper->rows, stepper->sessions, count, &stepper->batch_options);
    size_t rows = stepper->rows.count, d = stepper->network->d;
    hh_arena_reset(&stepper->arena);
    stepper->x = HH_TAKE(&stepper->arena, rows * d, float);
    stepper->length = HH_TAKE(&stepper->arena, rows, float);
    stepper->de = HH_TAKE(&stepper->arena, rows * d, float);
    stepper->kept = NULL;
    if (stepper->network->source_count > 0 && (stepper->kept = HH_TAKE(&stepper->arena, rows, uint8_t)))
        drop_own(stepper);
    return done && !stepper->arena.failed;
}

// ---- the workers ----

// Consecutive sessions to each worker, about the same number of prefixes.
static void share_out(hh_stepper *stepper, size_t count, size_t prefixes)
{
    size_t next = 0, given = 0;
    for (uint32_t w = 0; w < stepper->threads; w++) {
        worker *self = &stepper->workers[w];
        self->first = next;
        size_t until = prefixes * (w + 1) / stepper->threads;
        for (; next < count && given < until; next++)
            given += stepper->sessions[next].length - 1;
        self->count = next - self->first;
    }
}

static void work(void *context, uint32_t number)
{
    hh_stepper *stepper = context;
    worker *self = &stepper->workers[number];
    const hh_network *network = stepper->network;
    size_t rows = stepper->rows.count, d = network->d;
    self->loss = 0;
    memset(self->gradients.memory, 0, self->gradients.size * sizeof(float));
    hh_arena_reset(&self->arena);
    self->dx = HH_TAKE_ZERO(&self->arena, rows * d, float);
    self->done = self->dx &&
                 hh_batch_build(&self->batch, stepper->sessions + self->first, self->count, &stepper->rows,
                                &stepper->batch_options, &self->arena) &&
                 hh_pass_take(&self->pass, network, &self->batch, stepper->rows.columns, true, &self->arena);
    if (!self->done)
        return;
    self->pass.objective = stepper->objective;
    self->pass.loss_shape.items = stepper->drawable;
    hh_random random = hh_random_of(stepper->seed, 2 * (stepper->number * stepper->threads + number) + 1);
    hh_pass_forward(&self->pass, network, &self->batch, stepper->x, &random);
    self->loss = hh_pass_loss(&self->pass, network, &self->batch, stepper->x, stepper->share, self->dx,
                              &self->gradients);
}

// ---- the step ----

static void note_workspace(hh_stepper *stepper)
{
    size_t bytes = stepper->arena.taken;
    for (uint32_t w = 0; w < stepper->threads; w++)
        bytes += stepper->workers[w].arena.taken + stepper->workers[w].gradients.size * sizeof(float);
    stepper->workspace = bytes > stepper->workspace ? bytes : stepper->workspace;
}

size_t hh_stepper_workspace(const hh_stepper *stepper)
{
    return stepper->workspace;
}

bool hh_stepper_step(hh_stepper *stepper, const hh_session_view *sessions, size_t count, const hh_adam *adam,
                     double *loss)
{
    hh_network *network = stepper->network;
    size_t prefixes = 0, d = network->d;
    for (size_t s = 0; s < count; s++)
        prefixes += sessions[s].length - 1;
    stepper->sessions = sessions;
    stepper->number = adam->step;
    stepper->share = 1 / (float)prefixes;
    if (!make_rows(stepper, count))
        return false;
    hh_items_vectors_kept(stepper->x, stepper->length, network, stepper->rows.item, stepper->kept,
                          stepper->rows.count);
    share_out(stepper, count, prefixes);
    hh_crew_run(stepper->crew, work, stepper);
    note_workspace(stepper);
    worker *first = stepper->workers;
    bool done = first->done;
    *loss = first->loss;
    for (uint32_t w = 1; w < stepper->threads && done; w++) {
        worker *other = &stepper->workers[w];
        done = other->done;
        *loss += other->loss;
        if (!done)
            break;
        hh_add_scaled(first->gradients.memory, 1, other->gradients.memory, first->gradients.size);
        hh_add_scaled(first->dx, 1, other->dx, stepper->rows.count * d);
    }
    if (!done)
        return false;
    hh_items_vectors_back(stepper->de, first->dx, stepper->x, stepper->length, network, stepper->rows.count);
    hh_items_sources_back(&first->gradients, stepper->de, network, stepper->rows.item, stepper->kept,
                          stepper->rows.count);
    hh_adam_rows(adam, &network->item, stepper->rows.item, stepper->rows.count, stepper->de);
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        hh_adam_dense(adam, &network->tensor[t], first->gradients.tensor[t]);
    hh_items_keep_short(network, stepper->rows.item, stepper->rows.count);
    return true;
}
