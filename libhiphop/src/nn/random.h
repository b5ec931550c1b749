// A seeded generator (splitmix64): small, fast, the same on every machine. Its whole state is one number, so
// that a part of the work can have a generator of its own, made from the seed and the part's number.
#ifndef NN_RANDOM_H
#define NN_RANDOM_H

#include <math.h>
#include <stdint.h>

typedef struct hh_random {
    uint64_t state;
} hh_random;

static inline uint64_t hh_random_next(hh_random *random)
{
    uint64_t x = random->state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// One for the part of the work with this number.
static inline hh_random hh_random_of(uint64_t seed, uint64_t part)
{
    hh_random random = {seed ^ (part + 1) * 0xd1342543de82ef95u};
    random.state = hh_random_next(&random);
    return random;
}

// 0 .. bound - 1, bound >= 1; the bias of 2^-32 * bound is of no account here
static inline uint32_t hh_random_below(hh_random *random, uint32_t bound)
{
    return (uint32_t)(((hh_random_next(random) >> 32) * bound) >> 32);
}

static inline float hh_random_unit(hh_random *random) // [0, 1)
{
    return (float)(hh_random_next(random) >> 40) * 0x1p-24f;
}

static inline float hh_random_normal(hh_random *random)
{
    float u = hh_random_unit(random), v = hh_random_unit(random);
    return sqrtf(-2 * logf(1 - u)) * cosf(6.2831853f * v);
}

#endif
