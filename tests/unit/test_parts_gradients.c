// The gradients of the network's parts against finite differences, tensor by tensor, through the whole loss.
#include "model/network.h"
#include "nn/entmax.h"
#include "nn/vector.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define ITEMS    14
#define SESSIONS 12
#define LENGTH   6
#define SHARE    0.1f

static float even(hh_random *random)
{
    return 2 * hh_random_unit(random) - 1;
}

typedef struct scene {
    hh_network *network;
    hh_neighbour_index *index;
    hh_neighbour_list near;
    uint32_t items[SESSIONS][LENGTH];
    hh_session_view views[SESSIONS];
    hh_batch_rows rows;
    hh_batch_options options;
    hh_objective objective;
    hh_arena arena;
    hh_gradients gradients;
    float *x, *dx; // [rows x d]
} scene;

static void make(scene *self, const hh_network_options *options, uint64_t seed)
{
    hh_random random = hh_random_of(seed, 7);
    hh_neighbour_options neighbours = {.newest = 20, .nearest = 5, .last = 3};
    *self = (scene){.network = hh_network_new(options, ITEMS, seed, NULL),
                    .index = hh_neighbour_index_new(ITEMS, &neighbours)};
    cr_assert(self->network && self->index);
    for (int s = 0; s < SESSIONS; s++) {
        for (int i = 0; i < LENGTH; i++)
            self->items[s][i] = hh_random_below(&random, ITEMS);
        self->views[s] = (hh_session_view){self->items[s], LENGTH};
        cr_assert(hh_neighbour_index_find(self->index, self->items[s], LENGTH, &self->near));
        cr_assert(hh_neighbour_index_add(self->index, self->items[s], LENGTH));
    }
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        for (size_t i = 0; i < self->network->tensor[t].rows * self->network->tensor[t].cols; i++)
            self->network->tensor[t].value[i] += 0.5f * even(&random);
    self->options = hh_batch_options_of(self->network, false);
    if (options->global || options->local) {
        self->options.neighbours = &self->near;
        self->options.index = self->index;
        self->options.clicks = self->items[0];
    }
    self->objective = (hh_objective){.hard = 1, .contrast = 0.3f, .temperature = 0.5f, .others = 4};
    cr_assert(hh_batch_rows_init(&self->rows, ITEMS));
    hh_batch_rows_begin(&self->rows);
    for (uint32_t i = 0; i < ITEMS; i++)
        cr_assert(hh_batch_rows_add(&self->rows, i));
    cr_assert(hh_gradients_init(&self->gradients, self->network));
    size_t d = self->network->d;
    self->x = malloc(ITEMS * d * sizeof(float));
    self->dx = calloc(ITEMS * d, sizeof(float));
    for (size_t i = 0; i < ITEMS * d; i++)
        self->x[i] = even(&random) / sqrtf((float)d);
}

static void unmake(scene *self)
{
    hh_network_free(self->network);
    hh_neighbour_index_free(self->index);
    hh_neighbour_list_free(&self->near);
    hh_batch_rows_free(&self->rows);
    hh_arena_free(&self->arena);
    hh_gradients_free(&self->gradients);
    free(self->x);
    free(self->dx);
}

static double loss_of(scene *self, bool back)
{
    hh_batch batch;
    hh_pass pass;
    hh_arena_reset(&self->arena);
    cr_assert(hh_batch_build(&batch, self->views, SESSIONS, &self->rows, &self->options, &self->arena));
    cr_assert(hh_pass_take(&pass, self->network, &batch, 10, true, &self->arena));
    pass.objective = self->objective;
    hh_pass_forward(&pass, self->network, &batch, self->x, NULL);
    return hh_pass_loss(&pass, self->network, &batch, self->x, SHARE, back ? self->dx : NULL,
                        back ? &self->gradients : NULL);
}

// The slope of the loss along a direction of unit length.
static void compare(scene *self, const char *name, float *value, const float *gradient, size_t size,
                    const float *direction, double bound)
{
    double along = 0, length = sqrt(hh_dot(direction, direction, size));
    float *kept = malloc(size * sizeof *kept);
    memcpy(kept, value, size * sizeof *kept);
    for (size_t i = 0; i < size; i++)
        along += gradient[i] * direction[i] / length;
    double step = 5e-4, loss[2];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < size; i++)
            value[i] = kept[i] + (float)((side ? 1 : -1) * step * direction[i] / length);
        loss[side] = loss_of(self, false);
    }
    memcpy(value, kept, size * sizeof *kept);
    free(kept);
    double measured = (loss[1] - loss[0]) / (2 * step);
    cr_expect(fabs(measured - along) < bound * fabs(along) + 4e-3, "%s: %g by differences, %g by backward",
              name, measured, along);
}

static void check(const hh_network_options *options, uint64_t seed, void (*change)(hh_objective *))
{
    scene self;
    make(&self, options, seed);
    if (change)
        change(&self.objective);
    hh_random random = hh_random_of(seed, 9);
    loss_of(&self, true);
    for (int t = -1; t < HH_TENSOR_COUNT; t++) {
        const hh_tensor *tensor = &self.network->tensor[t < 0 ? 0 : t];
        size_t size = t < 0 ? ITEMS * self.network->d : tensor->rows * tensor->cols;
        const float *gradient = t < 0 ? self.dx : self.gradients.tensor[t];
        bool fixed = (t == HH_TENSOR_SIMILAR_GATE || t == HH_TENSOR_SIMILAR_W) && !options->gate;
        if (size == 0 || fixed)
            continue;
        float *value = t < 0 ? self.x : tensor->value, *direction = malloc(size * sizeof *direction);
        if (hh_dot(gradient, gradient, size) > 0)
            compare(&self, t < 0 ? "items" : tensor->name, value, gradient, size, gradient, 0.03);
        for (size_t i = 0; i < size; i++)
            direction[i] = even(&random);
        compare(&self, t < 0 ? "items" : tensor->name, value, gradient, size, direction, 0.06);
        free(direction);
    }
    unmake(&self);
}

static hh_network_options small(void)
{
    hh_network_options options = hh_network_defaults();
    options.d = 8;
    options.scale = 5;
    options.global = options.local = options.similar = options.gate = options.votes = false;
    return options;
}

Test(parts_gradients, base)
{
    hh_network_options options = small();
    check(&options, 1, NULL);
}

Test(parts_gradients, intents)
{
    hh_network_options options = small();
    options.intents = 3;
    options.intent_readout = true;
    check(&options, 1, NULL);
}

Test(parts_gradients, votes)
{
    hh_network_options options = small();
    options.global = options.local = options.votes = true;
    check(&options, 1, NULL);
}

Test(parts_gradients, denoised_votes)
{
    hh_network_options options = small();
    options.intents = 4;
    options.global = options.votes = options.denoising = true;
    check(&options, 1, NULL);
}

Test(parts_gradients, similar)
{
    hh_network_options options = small();
    options.global = options.local = options.similar = options.whole = true;
    check(&options, 1, NULL);
}

Test(parts_gradients, all)
{
    hh_network_options options = small();
    options.intents = 4;
    options.intent_readout = options.global = options.local = options.denoising = options.similar =
        options.gate = options.votes = options.contrastive = true;
    check(&options, 1, NULL);
}

static void bend(hh_objective *objective)
{
    objective->margin = 0.1f;
    objective->hard = 0.8f;
}

static void focus(hh_objective *objective)
{
    objective->gamma = 2;
    objective->margin = 0.2f;
}

Test(parts_gradients, margin)
{
    hh_network_options options = small();
    check(&options, 1, bend);
    check(&options, 2, focus);
}
