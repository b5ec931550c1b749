#include "nn/softmax_loss.h"

#include "nn/matrix.h"
#include "nn/vector.h"

#include <math.h>

#define BLOCK 64 // prefixes at once, so that their logits stay in the cache

static bool bent(const hh_loss_shape *shape)
{
    return shape->margin > 0 || (shape->hard > 0 && shape->hard != 1);
}

void hh_loss_take(hh_loss_state *state, const hh_loss_shape *shape, hh_arena *arena)
{
    size_t longest = 0;
    for (size_t p = 0; p < shape->prefixes; p++) {
        size_t length = shape->exact.begin[p + 1] - shape->exact.begin[p];
        longest = length > longest ? length : longest;
    }
    state->logits = HH_TAKE(arena, BLOCK * shape->columns, float);
    state->exact = HH_TAKE(arena, longest, float);
    state->slope = HH_TAKE(arena, longest + shape->columns, float);
}

// x = e^(scale x + shift), returns the sum
HH_WIDE static float weigh(float *x, float scale, float shift, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) {
        x[i] = hh_exp(scale * x[i] + shift);
        sum += x[i];
    }
    return sum;
}

HH_WIDE static void multiply(float *x, float by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

// The cosines of the exact ones and the columns as margin and hard ones bend them, and their slopes.
static void bend(float *cosine, float *columns, float *slope, const hh_loss_shape *shape, size_t count)
{
    float c = cosine[0] > -1 ? cosine[0] : -1, *slopes = slope + count;
    c = c < 1 ? c : 1;
    float sine = sqrtf(1 - c * c), hard = shape->hard > 0 ? shape->hard : 1;
    cosine[0] = c * cosf(shape->margin) - sine * sinf(shape->margin);
    slope[0] = cosf(shape->margin) + c / (sine > 1e-3f ? sine : 1e-3f) * sinf(shape->margin);
    for (size_t i = 1; i < count; i++) {
        slope[i] = cosine[i] > cosine[0] ? hard : 1;
        cosine[i] *= slope[i];
    }
    for (size_t i = 0; i < shape->columns; i++) {
        slopes[i] = columns[i] > cosine[0] ? hard : 1;
        columns[i] *= slopes[i];
    }
}

// One prefix: columns holds h . x on entry, and on return what the loss wants of them, d loss / d (h . x).
static double one_prefix(float *dh, float *dx, float *d_bias, float *columns, float *exact, float *slope,
                         const hh_loss_shape *shape, size_t p, const float *h, const float *x)
{
    size_t d = shape->d, first = shape->exact.begin[p], count = shape->exact.begin[p + 1] - first;
    const uint32_t *row = shape->exact.at + first;
    size_t counted = shape->columns;
    for (size_t i = 0; i < count; i++) {
        exact[i] = hh_dot(h, x + row[i] * d, d);
        counted -= row[i] < shape->columns;
    }
    if (slope)
        bend(exact, columns, slope, shape, count);
    for (size_t i = 0; i < count; i++)
        exact[i] = shape->scale * exact[i] + shape->bias[first + i];
    // e^-scale of the sum is taken out: h and x have length 1
    float most = hh_largest(exact, count), weight = 0;
    most = most > shape->scale ? most : shape->scale;
    if (counted > 0)
        weight = logf((float)(shape->items - count) / (float)counted);
    for (size_t i = 0; i < count; i++)
        if (row[i] < shape->columns)
            columns[row[i]] = -INFINITY;
    float sum = 0;
    if (counted > 0) {
        sum = weigh(columns, shape->scale, weight - most, shape->columns);
        for (size_t i = 0; i < count; i++)
            if (row[i] < shape->columns)
                sum -= columns[row[i]]; // as small as hh_exp gets
    }
    double target = exact[0];
    for (size_t i = 0; i < count; i++)
        sum += exact[i] = hh_exp(exact[i] - most);
    double loss = log(sum) + most - target;
    float p_target = (float)exp(-loss), focus = 1;
    double value = loss;
    if (shape->gamma > 0) {
        double miss = 1 - p_target > 1e-7 ? 1 - p_target : 1e-7, power = pow(miss, shape->gamma);
        value = power * loss;
        // d value / d loss, since d p / d loss = -p
        focus = (float)(power + shape->gamma * power / miss * p_target * loss);
    }
    if (!dh)
        return value;
    float share = shape->share * focus;
    multiply(columns, counted > 0 ? share * shape->scale / sum : 0, shape->columns);
    for (size_t i = 0; i < count; i++)
        if (row[i] < shape->columns)
            columns[row[i]] = 0;
    for (size_t i = 0; i < shape->columns && slope; i++)
        columns[i] *= slope[count + i];
    for (size_t i = 0; i < count; i++) {
        float change = share * (exact[i] / sum - (i == 0 ? 1.0f : 0.0f));
        d_bias[first + i] = change;
        if (slope)
            change *= slope[i];
        hh_add_scaled(dh, change * shape->scale, x + row[i] * d, d);
        hh_add_scaled(dx + row[i] * d, change * shape->scale, h, d);
    }
    return value;
}

double hh_softmax_loss(float *dh, float *dx, float *d_bias, hh_loss_state *state, const hh_loss_shape *shape,
                       const float *h, const float *x)
{
    size_t d = shape->d, columns = shape->columns;
    double loss = 0;
    if (dh)
        memset(dh, 0, shape->prefixes * d * sizeof *dh);
    for (size_t begin = 0; begin < shape->prefixes; begin += BLOCK) {
        size_t count = shape->prefixes - begin < BLOCK ? shape->prefixes - begin : BLOCK;
        hh_mul_nt(state->logits, 0, h + begin * d, x, count, columns, d);
        for (size_t i = 0; i < count; i++)
            loss += one_prefix(dh ? dh + (begin + i) * d : NULL, dx, d_bias, state->logits + i * columns,
                               state->exact, bent(shape) ? state->slope : NULL, shape, begin + i,
                               h + (begin + i) * d, x);
        if (dh && columns > 0) {
            hh_mul(dh + begin * d, 1, state->logits, x, count, d, columns);
            hh_mul_tn(dx, 1, state->logits, h + begin * d, columns, d, count);
        }
    }
    return loss * shape->share;
}
