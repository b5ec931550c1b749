// The network against PyTorch's figures (make_golden.py says how they were made): session vectors, loss,
// gradients, and the weights after ten steps of Adam; over all items by the trainer's own step, and over a
// fixed sample of them.
#include "train/step.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELATIVE 2e-5 // of the largest of a tensor

typedef struct golden_tensor {
    char name[40];
    size_t rows, cols;
    double *value;
} golden_tensor;

typedef struct golden {
    hh_session_view sessions[16];
    size_t count;
    uint32_t columns[16], column_count;
    golden_tensor tensor[80];
    size_t tensors;
} golden;

static uint32_t read_numbers(const char *line, uint32_t *to, uint32_t most)
{
    uint32_t count = 0;
    char *end;
    for (const char *at = line;; at = end) {
        unsigned long number = strtoul(at, &end, 10);
        if (end == at)
            return count;
        cr_assert_lt(count, most);
        to[count++] = (uint32_t)number;
    }
}

static void read_golden(golden *it, const char *path)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    char *line = NULL;
    size_t room = 0;
    *it = (golden){0};
    while (getline(&line, &room, file) > 0) {
        if (strncmp(line, "session ", 8) == 0) {
            uint32_t *items = malloc(32 * sizeof *items);
            it->sessions[it->count].items = items;
            it->sessions[it->count++].length = read_numbers(line + 8, items, 32);
        } else if (strncmp(line, "columns", 7) == 0) {
            it->column_count = read_numbers(line + 7, it->columns, 16);
        } else {
            golden_tensor *tensor = &it->tensor[it->tensors++];
            cr_assert_leq(it->tensors, 80);
            cr_assert_eq(sscanf(line, "%39s %zu %zu", tensor->name, &tensor->rows, &tensor->cols), 3);
            tensor->value = malloc(tensor->rows * tensor->cols * sizeof *tensor->value);
            for (size_t i = 0; i < tensor->rows * tensor->cols; i++)
                cr_assert_eq(fscanf(file, "%lf ", &tensor->value[i]), 1);
        }
    }
    free(line);
    fclose(file);
}

static void free_golden(golden *it)
{
    for (size_t s = 0; s < it->count; s++)
        free((void *)it->sessions[s].items);
    for (size_t t = 0; t < it->tensors; t++)
        free(it->tensor[t].value);
}

static const golden_tensor *find(const golden *it, const char *kind, const char *name)
{
    char whole[40];
    snprintf(whole, sizeof whole, "%s%s", kind, name);
    for (size_t t = 0; t < it->tensors; t++)
        if (strcmp(it->tensor[t].name, whole) == 0)
            return &it->tensor[t];
    cr_assert_fail("there is no %s", whole);
    return NULL;
}

static void check(const golden_tensor *want, const float *have, size_t size)
{
    double largest = 0;
    cr_assert_eq(size, want->rows * want->cols, "%s", want->name);
    for (size_t i = 0; i < size; i++)
        largest = fmax(largest, fabs(want->value[i]));
    for (size_t i = 0; i < size; i++)
        cr_assert(fabs((double)have[i] - want->value[i]) <= RELATIVE * (largest + 1e-4),
                  "%s[%zu]: %.8g instead of %.8g", want->name, i, (double)have[i], want->value[i]);
}

static void load(hh_tensor *tensor, const golden *it)
{
    if (tensor->rows == 0) // of a part that is off
        return;
    const golden_tensor *from = find(it, "weight.", tensor->name);
    cr_assert(from->rows == tensor->rows && from->cols == tensor->cols, "%s", tensor->name);
    for (size_t i = 0; i < from->rows * from->cols; i++)
        tensor->value[i] = (float)from->value[i];
}

static hh_network *load_network(const golden *it)
{
    const golden_tensor *item = find(it, "weight.", "item"), *position = find(it, "weight.", "position");
    hh_network_options options = hh_network_defaults();
    options.global = options.local = options.similar = options.gate = options.votes = false; // it has none
    options.d = (uint32_t)item->cols;
    options.positions = (uint32_t)position->rows;
    options.item_dropout = options.state_dropout = 0;
    hh_network *network = hh_network_new(&options, (uint32_t)item->rows, 1, NULL);
    cr_assert_not_null(network);
    load(&network->item, it);
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        load(&network->tensor[t], it);
    return network;
}

static void check_weights(const golden *it, const hh_network *network)
{
    check(find(it, "after.", "item"), network->item.value, network->item.rows * network->item.cols);
    for (int t = 0; t < HH_TENSOR_COUNT && network->tensor[t].rows; t++)
        check(find(it, "after.", network->tensor[t].name), network->tensor[t].value,
              network->tensor[t].rows * network->tensor[t].cols);
}

static hh_adam adam_of(uint64_t step)
{
    return (hh_adam){0.01f, 0.9f, 0.999f, 1e-3f, 0, step};
}

// ---- a pass over given columns ----

typedef struct trial {
    hh_batch_rows rows;
    hh_arena arena;
    hh_batch batch;
    hh_pass pass;
    hh_gradients gradients;
    float *x, *length, *dx, *de;
} trial;

static void begin(trial *self, const golden *it, const hh_network *network)
{
    size_t items = network->item.rows, d = network->d;
    *self = (trial){0};
    cr_assert(hh_batch_rows_init(&self->rows, (uint32_t)items) &&
              hh_gradients_init(&self->gradients, network));
    hh_batch_rows_begin(&self->rows);
    for (uint32_t c = 0; c < (it->column_count ? it->column_count : items); c++)
        cr_assert(hh_batch_rows_add(&self->rows, it->column_count ? it->columns[c] : c));
    self->rows.columns = self->rows.count;
    for (size_t s = 0; s < it->count; s++)
        for (uint32_t i = 0; i < it->sessions[s].length; i++)
            cr_assert(hh_batch_rows_add(&self->rows, it->sessions[s].items[i]));
    hh_batch_options options = hh_batch_options_of(network, false);
    cr_assert(hh_batch_build(&self->batch, it->sessions, it->count, &self->rows, &options, &self->arena) &&
              hh_pass_take(&self->pass, network, &self->batch, self->rows.columns, true, &self->arena));
    self->x = malloc(items * d * sizeof(float));
    self->length = malloc(items * sizeof(float));
    self->dx = malloc(items * d * sizeof(float));
    self->de = malloc(items * d * sizeof(float));
    cr_assert(self->x && self->length && self->dx && self->de);
}

static double go(trial *self, const hh_network *network)
{
    size_t rows = self->rows.count;
    memset(self->gradients.memory, 0, self->gradients.size * sizeof(float));
    memset(self->dx, 0, rows * network->d * sizeof(float));
    hh_items_vectors(self->x, self->length, network, self->rows.item, rows);
    hh_pass_forward(&self->pass, network, &self->batch, self->x, NULL);
    double loss = hh_pass_loss(&self->pass, network, &self->batch, self->x, 1 / (float)self->batch.prefixes,
                               self->dx, &self->gradients);
    hh_items_vectors_back(self->de, self->dx, self->x, self->length, network, rows);
    return loss;
}

static void end(trial *self)
{
    hh_batch_rows_free(&self->rows);
    hh_arena_free(&self->arena);
    hh_gradients_free(&self->gradients);
    free(self->x);
    free(self->length);
    free(self->dx);
    free(self->de);
}

static void check_pass(const char *path)
{
    golden it;
    read_golden(&it, path);
    hh_network *network = load_network(&it);
    size_t d = network->d;
    trial self;
    begin(&self, &it, network);
    double loss = go(&self, network), want = find(&it, "", "loss")->value[0];
    cr_assert_float_eq(loss, want, RELATIVE * want, "%.8g instead of %.8g", loss, want);
    check(find(&it, "", "session_vectors"), self.pass.session, self.batch.prefixes * d);
    float *d_item = calloc(network->item.rows * d, sizeof *d_item);
    cr_assert_not_null(d_item);
    for (size_t r = 0; r < self.rows.count; r++)
        memcpy(d_item + self.rows.item[r] * d, self.de + r * d, d * sizeof(float));
    check(find(&it, "gradient.", "item"), d_item, network->item.rows * d);
    for (int t = 0; t < HH_TENSOR_COUNT && network->tensor[t].rows; t++)
        check(find(&it, "gradient.", network->tensor[t].name), self.gradients.tensor[t],
              network->tensor[t].rows * network->tensor[t].cols);
    cr_assert(hh_tensor_train(&network->item));
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        cr_assert(hh_tensor_train(&network->tensor[t]));
    for (uint64_t step = 1; step <= 10; step++) {
        hh_adam adam = adam_of(step);
        go(&self, network);
        hh_adam_rows(&adam, &network->item, self.rows.item, self.rows.count, self.de);
        for (int t = 0; t < HH_TENSOR_COUNT; t++)
            hh_adam_dense(&adam, &network->tensor[t], self.gradients.tensor[t]);
    }
    check_weights(&it, network);
    free(d_item);
    end(&self);
    hh_network_free(network);
    free_golden(&it);
}

Test(golden, over_all_items)
{
    check_pass(HH_SOURCE_DIR "/tests/golden/all_items.golden");
}

Test(golden, over_a_sample)
{
    check_pass(HH_SOURCE_DIR "/tests/golden/sample.golden");
}

Test(golden, ten_steps_of_the_trainer)
{
    golden it;
    read_golden(&it, HH_SOURCE_DIR "/tests/golden/all_items.golden");
    for (uint32_t threads = 1; threads <= 2; threads++) {
        hh_network *network = load_network(&it);
        hh_stepper *stepper = hh_stepper_new(network, threads, 0, 1);
        cr_assert_not_null(stepper);
        for (uint64_t step = 1; step <= 10; step++) {
            hh_adam adam = adam_of(step);
            double loss;
            cr_assert(hh_stepper_step(stepper, it.sessions, it.count, &adam, &loss));
            if (step == 1)
                cr_assert_float_eq(loss, find(&it, "", "loss")->value[0], RELATIVE * loss);
        }
        check_weights(&it, network);
        hh_stepper_free(stepper);
        hh_network_free(network);
    }
    free_golden(&it);
}
