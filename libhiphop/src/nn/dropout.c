#include "nn/dropout.h"

#include "nn/vector.h"

void hh_dropout_back(float *dx, const float *mask, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dx[i] *= mask[i];
}

void hh_dropout(float *x, float *mask, size_t n, float p, hh_random *random)
{
    uint32_t bound = (uint32_t)(p * 256 + 0.5f);
    float kept = bound < 256 ? 256.0f / (256.0f - (float)bound) : 0;
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 8 == 0)
            bits = hh_random_next(random);
        mask[i] = (bits & 255) < bound ? 0 : kept;
        bits >>= 8;
    }
    hh_dropout_back(x, mask, n); // the same product
}
