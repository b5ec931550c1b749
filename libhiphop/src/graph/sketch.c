#include "graph/sketch.h"

#include "wide.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#define ROUNDS 3
#define SLACK  18 // in 512 numbers those that are at an angle differ by it, give or take 9; in more, 11

size_t hh_sketch_room(uint32_t width)
{
    size_t room = HH_SKETCH_BITS;
    while (room < width)
        room *= 2;
    return room;
}

// splitmix64 (Steele, Lea, Flood 2014)
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void change_signs(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i += 64) {
        uint64_t signs = mix(seed + i / 64);
        for (size_t k = 0; k < 64; k++)
            x[i + k] = signs >> k & 1 ? -x[i + k] : x[i + k];
    }
}

HH_WIDE static void transform(float *x, size_t n)
{
    for (size_t half = 1; half < n; half *= 2)
        for (size_t i = 0; i < n; i += 2 * half) {
            float *restrict a = x + i, *restrict b = x + i + half;
            for (size_t k = 0; k < half; k++) {
                float sum = a[k] + b[k];
                b[k] = a[k] - b[k];
                a[k] = sum;
            }
        }
}

hh_sketch hh_sketch_of(const int8_t *numbers, uint32_t width, uint64_t seed, float *room)
{
    size_t n = hh_sketch_room(width);
    for (size_t i = 0; i < n; i++)
        room[i] = i < width ? numbers[i] : 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        change_signs(room, n, mix(seed + round));
        transform(room, n);
    }
    hh_sketch sketch = {{0}};
    for (size_t i = 0; i < HH_SKETCH_BITS; i++)
        sketch.words[i / 64] |= (uint64_t)(room[i] > 0) << i % 64;
    return sketch;
}

hh_sketch hh_sketch_at(const uint64_t *table, size_t at)
{
    hh_sketch sketch;
    table += at / HH_SKETCH_GROUP * HH_SKETCH_GROUP * HH_SKETCH_WORDS + at % HH_SKETCH_GROUP;
    for (size_t w = 0; w < HH_SKETCH_WORDS; w++)
        sketch.words[w] = table[w * HH_SKETCH_GROUP];
    return sketch;
}

void hh_sketch_put(uint64_t *table, size_t at, const hh_sketch *sketch)
{
    table += at / HH_SKETCH_GROUP * HH_SKETCH_GROUP * HH_SKETCH_WORDS + at % HH_SKETCH_GROUP;
    for (size_t w = 0; w < HH_SKETCH_WORDS; w++)
        table[w * HH_SKETCH_GROUP] = sketch->words[w];
}

// ---- counting ----

// Where three bits are added, their sum's lower and upper bit.
static inline uint64_t odd(uint64_t a, uint64_t b, uint64_t c)
{
    return a ^ b ^ c;
}

static inline uint64_t most(uint64_t a, uint64_t b, uint64_t c)
{
    return (a & b) | ((a ^ b) & c);
}

// Ones in each byte.
static inline uint64_t ones(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    return (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
}

// differ[HH_SKETCH_GROUP]: in how many signs each differs. The eight words of one are added as bits first, so
// that four are counted, not eight (Harley and Seal); all of it is done to eight sketches at once.
static inline void count(const uint64_t *restrict group, const uint64_t *restrict one,
                         uint16_t *restrict differ)
{
    uint64_t bytes[HH_SKETCH_GROUP];
    for (int i = 0; i < HH_SKETCH_GROUP; i++) {
        uint64_t x[HH_SKETCH_WORDS];
        for (int w = 0; w < HH_SKETCH_WORDS; w++)
            x[w] = group[HH_SKETCH_GROUP * w + i] ^ one[w];
        uint64_t a = odd(x[0], x[1], x[2]), a2 = most(x[0], x[1], x[2]);
        uint64_t b = odd(x[3], x[4], x[5]), b2 = most(x[3], x[4], x[5]);
        uint64_t c = odd(a, b, x[6]), c2 = most(a, b, x[6]);
        uint64_t d2 = odd(a2, b2, c2), d4 = most(a2, b2, c2), e2 = c & x[7], e4 = d2 & e2;
        bytes[i] = ones(c ^ x[7]) + 2 * ones(d2 ^ e2) + 4 * ones(d4 ^ e4) + 8 * ones(d4 & e4);
    }
    for (int i = 0; i < HH_SKETCH_GROUP; i++) {
        uint64_t sum = (bytes[i] & 0x00ff00ff00ff00ffu) + (bytes[i] >> 8 & 0x00ff00ff00ff00ffu);
        sum += sum >> 32;
        differ[i] = (uint16_t)(sum + (sum >> 16));
    }
}

HH_WIDEST static void count_plain(const uint64_t *restrict table, size_t n, const uint64_t *restrict one,
                                  uint16_t *restrict differ)
{
    for (size_t i = 0; i < n; i += HH_SKETCH_GROUP)
        count(table + i * HH_SKETCH_WORDS, one, differ + i);
}

#if defined(__x86_64__) && defined(__GNUC__)
// Where the machine counts the ones of eight words at once, in half the time.
__attribute__((target("avx512f,avx512vpopcntdq"))) static void count_at_once(const uint64_t *restrict table,
                                                                             size_t n,
                                                                             const uint64_t *restrict one,
                                                                             uint16_t *restrict differ)
{
    for (size_t i = 0; i < n; i += HH_SKETCH_GROUP, table += HH_SKETCH_GROUP * HH_SKETCH_WORDS) {
        __m512i sums = _mm512_setzero_si512();
        for (int w = 0; w < HH_SKETCH_WORDS; w++) {
            __m512i words = _mm512_loadu_si512(table + w * HH_SKETCH_GROUP);
            words = _mm512_xor_si512(words, _mm512_set1_epi64((long long)one[w]));
            sums = _mm512_add_epi64(sums, _mm512_popcnt_epi64(words));
        }
        __m128i narrow = _mm512_cvtepi64_epi16(sums);
        memcpy(differ + i, &narrow, sizeof narrow);
    }
}

static void count_all(const uint64_t *table, size_t n, const uint64_t *one, uint16_t *differ)
{
    if (__builtin_cpu_supports("avx512vpopcntdq"))
        count_at_once(table, n, one, differ);
    else
        count_plain(table, n, one, differ);
}
#else
#define count_all count_plain
#endif

HH_WIDEST static void mark(const uint16_t *restrict differ, size_t n, const uint16_t *restrict limits,
                           uint16_t limit, uint64_t bit, uint64_t *restrict found)
{
    for (size_t i = 0; i < n; i++)
        found[i] |= differ[i] <= (limits[i] > limit ? limits[i] : limit) ? bit : 0;
}

void hh_sketch_sift(const uint64_t *table, size_t count, const hh_sketch *one, const uint16_t *limits,
                    uint16_t limit, uint64_t bit, uint64_t *found)
{
    enum { AT_ONCE = 256 };
    static const uint16_t none[AT_ONCE] = {0};
    uint16_t differ[AT_ONCE];
    for (size_t i = 0; i < count; i += AT_ONCE) {
        size_t n = count - i < AT_ONCE ? count - i : AT_ONCE;
        count_all(table + i * HH_SKETCH_WORDS, n, one->words, differ);
        mark(differ, n, limits ? limits + i : none, limit, bit, found + i);
    }
}

uint16_t hh_sketch_limit(float cosine)
{
    float apart = acosf(fmaxf(-1, fminf(cosine, 1))) / acosf(-1) * HH_SKETCH_BITS;
    return (uint16_t)(apart + SLACK);
}
