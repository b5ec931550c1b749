// Adam against its definition in double, dense and by rows; tensors that grow.
#include "gradients.h"
#include "nn/tensor.h"

enum { ROWS = 5, COLS = 7, SIZE = ROWS * COLS };

typedef struct slow_adam {
    double value[SIZE], first[SIZE], second[SIZE];
} slow_adam;

static void slow_step(slow_adam *self, const hh_adam *adam, size_t i, double gradient)
{
    double beta1 = 0.9, beta2 = 0.999;
    self->first[i] = beta1 * self->first[i] + (1 - beta1) * gradient;
    self->second[i] = beta2 * self->second[i] + (1 - beta2) * gradient * gradient;
    double first = self->first[i] / (1 - pow(beta1, (double)adam->step));
    double second = self->second[i] / (1 - pow(beta2, (double)adam->step));
    self->value[i] -= (double)adam->rate * (double)adam->decay * self->value[i];
    self->value[i] -= (double)adam->rate * first / (sqrt(second) + (double)adam->epsilon);
}

static hh_tensor new_tensor(slow_adam *slow, hh_random *random)
{
    hh_tensor tensor;
    cr_assert(hh_tensor_new(&tensor, "t", ROWS, COLS) && hh_tensor_train(&tensor));
    *slow = (slow_adam){0};
    for (size_t i = 0; i < SIZE; i++) {
        tensor.value[i] = hh_random_normal(random);
        slow->value[i] = (double)tensor.value[i];
    }
    return tensor;
}

Test(adam, dense)
{
    hh_random random = {1};
    slow_adam slow;
    hh_tensor tensor = new_tensor(&slow, &random);
    for (uint64_t step = 1; step <= 300; step++) {
        hh_adam adam = {step < 100 ? 1e-2f : 1e-3f, 0.9f, 0.999f, 1e-8f, step % 2 ? 0.1f : 0, step};
        float *gradient = random_floats(SIZE, step % 10 ? 0.01f : 10, &random);
        gradient[3] = 0; // never anything
        for (size_t i = 0; i < SIZE; i++)
            slow_step(&slow, &adam, i, (double)gradient[i]);
        hh_adam_dense(&adam, &tensor, gradient);
        free(gradient);
    }
    check_near("value", tensor.value, slow.value, SIZE, 1e-5);
    hh_tensor_free(&tensor);
}

Test(adam, by_rows_leaves_the_others_alone)
{
    hh_random random = {2};
    slow_adam slow;
    hh_tensor tensor = new_tensor(&slow, &random);
    float untouched[COLS];
    memcpy(untouched, tensor.value + 2 * COLS, sizeof untouched);
    for (uint64_t step = 1; step <= 50; step++) {
        hh_adam adam = {1e-2f, 0.9f, 0.999f, 1e-8f, 0.01f, step};
        const uint32_t rows[][3] = {{4, 0, 1}, {1, 3, 4}, {0, 1, 3}};
        const uint32_t *row = rows[step % 3];
        float *gradient = random_floats(3 * COLS, 1, &random);
        for (size_t r = 0; r < 3; r++)
            for (size_t c = 0; c < COLS; c++)
                slow_step(&slow, &adam, row[r] * COLS + c, (double)gradient[r * COLS + c]);
        hh_adam_rows(&adam, &tensor, row, 3, gradient);
        free(gradient);
    }
    check_near("value", tensor.value, slow.value, SIZE, 1e-5);
    cr_assert_arr_eq(tensor.value + 2 * COLS, untouched, sizeof untouched);
    cr_assert_eq(tensor.second[2 * COLS], 0);
    hh_tensor_free(&tensor);
}

Test(tensor, grows_by_rows_of_zeros)
{
    hh_random random = {3};
    slow_adam slow;
    hh_tensor tensor = new_tensor(&slow, &random);
    tensor.first[SIZE - 1] = 5;
    cr_assert(hh_tensor_grow(&tensor, 200));
    cr_assert_eq(tensor.rows, 200);
    for (size_t i = 0; i < 200 * COLS; i++) {
        cr_assert_eq(tensor.value[i], i < SIZE ? (float)slow.value[i] : 0);
        cr_assert_eq(tensor.first[i], i == SIZE - 1 ? 5 : 0);
        cr_assert_eq(tensor.second[i], 0);
    }
    hh_tensor_free(&tensor);
    cr_assert(hh_tensor_new(&tensor, "t", 0, COLS) && hh_tensor_grow(&tensor, 3));
    cr_assert_null(tensor.first, "one that doesn't train has no moments");
    hh_tensor_free(&tensor);
}
