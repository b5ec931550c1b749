#include "recommend/ranker_network.h"

#include "nn/random.h"
#include "nn/vector.h"

#include <math.h>

// A row of HIDDEN in registers.
typedef float eight __attribute__((vector_size(32), aligned(4)));
typedef int32_t eight_whole __attribute__((vector_size(32)));
#define EIGHTS (HIDDEN / 8)

void hh_ranker_shapes(const hh_ranker_options *options, hh_ranker_shape shapes[RANKER_LAYERS])
{
    shapes[RANKER_CANDIDATE] = (hh_ranker_shape){"ranker.candidate", CANDIDATE_INPUTS, HIDDEN};
    shapes[RANKER_QUERY] = (hh_ranker_shape){"ranker.query", QUERY_INPUTS + options->extra, HIDDEN};
    shapes[RANKER_BIAS] = (hh_ranker_shape){"ranker.bias", 1, HIDDEN};
    shapes[RANKER_OUT] = (hh_ranker_shape){"ranker.out", 1, HIDDEN};
    shapes[RANKER_SKIP] = (hh_ranker_shape){"ranker.skip", 1, CANDIDATE_INPUTS};
}

void hh_ranker_start(const hh_ranker_options *options, float *const layers[RANKER_LAYERS])
{
    hh_random random = hh_random_of(options->seed, 0);
    size_t inputs = CANDIDATE_INPUTS + QUERY_INPUTS;
    float spread = sqrtf(2 / (float)inputs);
    for (size_t i = 0; i < (size_t)CANDIDATE_INPUTS * HIDDEN; i++)
        layers[RANKER_CANDIDATE][i] = spread * hh_random_normal(&random);
    for (size_t i = 0; i < (size_t)QUERY_INPUTS * HIDDEN; i++) // the extra ones begin without effect
        layers[RANKER_QUERY][i] = spread * hh_random_normal(&random);
    layers[RANKER_SKIP][INPUT_MIXTURE] = LOG_SCALE;
}

HH_WIDE static void base_of(float base[HIDDEN], const float *restrict bias, const float *restrict weights,
                            const float *restrict query, uint32_t queries)
{
    memcpy(base, bias, HIDDEN * sizeof *base);
    for (uint32_t q = 0; q < queries; q++)
#pragma omp simd
        for (int h = 0; h < HIDDEN; h++)
            base[h] += query[q] * weights[(size_t)q * HIDDEN + h];
}

HH_WIDE static void candidates(float *restrict hidden, float *restrict scores, const float *restrict inputs,
                               const float *restrict weights, const float *restrict base,
                               const float *restrict out, const float *restrict skip, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const float *row = inputs + (size_t)i * CANDIDATE_INPUTS;
        eight sum[EIGHTS], total = {0};
        float score = 0;
        for (int k = 0; k < EIGHTS; k++)
            sum[k] = *(const eight *)(base + 8 * k);
        for (int c = 0; c < CANDIDATE_INPUTS; c++) {
            const float *weight = weights + (size_t)c * HIDDEN;
            float x = row[c];
            score += x * skip[c];
#pragma GCC unroll 8
            for (int k = 0; k < EIGHTS; k++)
                sum[k] += x * *(const eight *)(weight + 8 * k);
        }
#pragma GCC unroll 8
        for (int k = 0; k < EIGHTS; k++) {
            sum[k] = (eight)((eight_whole)sum[k] & (sum[k] > 0));
            total += sum[k] * *(const eight *)(out + 8 * k);
            if (hidden)
                *(eight *)(hidden + (size_t)i * HIDDEN + 8 * k) = sum[k];
        }
        scores[i] = score + ((total[0] + total[4]) + (total[1] + total[5])) +
                    ((total[2] + total[6]) + (total[3] + total[7]));
    }
}

void hh_ranker_forward(float *const layers[RANKER_LAYERS], const hh_ranker_example *example, float *hidden,
                       float *scores)
{
    float base[HIDDEN];
    base_of(base, layers[RANKER_BIAS], layers[RANKER_QUERY], example->query, example->queries);
    candidates(hidden, scores, example->inputs, layers[RANKER_CANDIDATE], base, layers[RANKER_OUT],
               layers[RANKER_SKIP], example->count);
}

// Of the rows: hidden becomes d_base of each, their sum is d_base of the query.
HH_WIDE static void back_rows(float d_base[HIDDEN], float *restrict d_out, float *restrict d_skip,
                              float *restrict hidden, const float *restrict inputs, const float *restrict out,
                              const float *restrict d_scores, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        float *row = hidden + (size_t)i * HIDDEN, d = d_scores[i];
#pragma omp simd
        for (int h = 0; h < HIDDEN; h++) {
            d_out[h] += d * row[h];
            row[h] = row[h] > 0 ? d * out[h] : 0;
            d_base[h] += row[h];
        }
        for (int c = 0; c < CANDIDATE_INPUTS; c++)
            d_skip[c] += d * inputs[(size_t)i * CANDIDATE_INPUTS + c];
    }
}

// weights += the sum over the rows of x_c * d_row
HH_WIDE static void back_weights(float *restrict d_weights, const float *restrict x, size_t width,
                                 const float *restrict d_rows, uint32_t count)
{
    for (size_t c = 0; c < width; c++) {
        eight sum[EIGHTS];
        float *to = d_weights + c * HIDDEN;
        for (int k = 0; k < EIGHTS; k++)
            sum[k] = *(const eight *)(to + 8 * k);
        for (uint32_t i = 0; i < count; i++) {
            float by = x[(size_t)i * width + c];
#pragma GCC unroll 8
            for (int k = 0; k < EIGHTS; k++)
                sum[k] += by * *(const eight *)(d_rows + (size_t)i * HIDDEN + 8 * k);
        }
        for (int k = 0; k < EIGHTS; k++)
            *(eight *)(to + 8 * k) = sum[k];
    }
}

void hh_ranker_backward(float *const gradients[RANKER_LAYERS], float *const layers[RANKER_LAYERS],
                        const hh_ranker_example *example, float *hidden, const float *d_scores)
{
    float d_base[HIDDEN] = {0};
    back_rows(d_base, gradients[RANKER_OUT], gradients[RANKER_SKIP], hidden, example->inputs,
              layers[RANKER_OUT], d_scores, example->count);
    back_weights(gradients[RANKER_CANDIDATE], example->inputs, CANDIDATE_INPUTS, hidden, example->count);
    back_weights(gradients[RANKER_QUERY], example->query, example->queries, d_base, 1);
    for (int h = 0; h < HIDDEN; h++)
        gradients[RANKER_BIAS][h] += d_base[h];
}
