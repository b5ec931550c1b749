#include "nn/tensor.h"

#include "nn/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool hh_tensor_new(hh_tensor *tensor, const char *name, size_t rows, size_t cols)
{
    *tensor = (hh_tensor){.name = name, .rows = rows, .cols = cols};
    tensor->value = calloc(rows * cols + 1, sizeof(float));
    return tensor->value != NULL;
}

void hh_tensor_free(hh_tensor *tensor)
{
    free(tensor->value);
    free(tensor->first);
    free(tensor->second);
    *tensor = (hh_tensor){0};
}

bool hh_tensor_train(hh_tensor *tensor)
{
    size_t size = tensor->rows * tensor->cols;
    free(tensor->first);
    free(tensor->second);
    tensor->first = calloc(size + 1, sizeof(float));
    tensor->second = calloc(size + 1, sizeof(float));
    return tensor->first && tensor->second;
}

static bool grow(float **array, size_t before, size_t after)
{
    float *larger = realloc(*array, (after + 1) * sizeof **array);
    if (!larger)
        return false;
    memset(larger + before, 0, (after + 1 - before) * sizeof *larger);
    *array = larger;
    return true;
}

bool hh_tensor_grow(hh_tensor *tensor, size_t rows)
{
    size_t before = tensor->rows * tensor->cols, after = rows * tensor->cols;
    bool done = grow(&tensor->value, before, after);
    if (tensor->first)
        done = done && grow(&tensor->first, before, after) && grow(&tensor->second, before, after);
    if (done)
        tensor->rows = rows;
    return done;
}

typedef struct factors { // of one step, the same for all rows
    float beta1, beta2, epsilon, rate, correct, keep;
} factors;

static factors factors_of(const hh_adam *adam)
{
    return (factors){
        .beta1 = adam->beta1,
        .beta2 = adam->beta2,
        .epsilon = adam->epsilon,
        .rate = (float)(adam->rate / (1 - pow(adam->beta1, (double)adam->step))),
        .correct = (float)(1 / (1 - pow(adam->beta2, (double)adam->step))),
        .keep = 1 - adam->rate * adam->decay,
    };
}

HH_WIDE static void step(factors by, float *restrict value, float *restrict first, float *restrict second,
                         const float *restrict gradient, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i];
        first[i] = by.beta1 * first[i] + (1 - by.beta1) * g;
        second[i] = by.beta2 * second[i] + (1 - by.beta2) * g * g;
        value[i] = by.keep * value[i] - by.rate * first[i] / (sqrtf(second[i] * by.correct) + by.epsilon);
    }
}

void hh_adam_dense(const hh_adam *adam, hh_tensor *tensor, const float *gradient)
{
    step(factors_of(adam), tensor->value, tensor->first, tensor->second, gradient,
         tensor->rows * tensor->cols);
}

void hh_adam_rows(const hh_adam *adam, hh_tensor *tensor, const uint32_t *row, size_t count,
                  const float *gradient)
{
    size_t d = tensor->cols;
    factors by = factors_of(adam);
    for (size_t i = 0; i < count; i++) {
        size_t at = row[i] * d;
        step(by, tensor->value + at, tensor->first + at, tensor->second + at, gradient + i * d, d);
    }
}
