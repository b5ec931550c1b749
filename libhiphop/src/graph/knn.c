// knn: the items of the nearest sessions.
//
//   similarity(j) = sum over the asking session's items c_d in j of e^(-d / knn_decay) * ln(1 + clicks /
//   clicks on c_d) rank(j)       = similarity * |j|^(-1/4) * (2^(-age/short half-life) + 2^(-age/long
//   half-life)), the best vote vote(x)       = rank * e^(-(a-1) / knn_reach) for a click at distance a after
//   the last match,
//                   the same * knn_backward for one before it, the match itself not
//   p(x)          ~ votes * ln(1 + clicks / clicks on x)^knn_idf
//
// |j| and the age are those of the clicks before as_of.
#include "graph/reader.h"
#include "wide.h"

#include <math.h>
#include <string.h>

void hh_knn_init(hh_reader *reader)
{
    const hh_graph_options *options = &reader->graph->options;
    for (uint32_t a = 1; a <= HH_REACH; a++) {
        float part = expf(-(float)(a - 1) / (float)options->knn_reach);
        hh_eight *before = &reader->part[HH_REACH - a], *after = &reader->part[HH_REACH + a];
        (*after)[HH_ROW_KNN] = (*after)[HH_ROW_KNN + 1] = part;
        (*after)[HH_ROW_NEIGHBOURS] = 1;
        (*before)[HH_ROW_KNN] = (*before)[HH_ROW_KNN + 1] = (float)options->knn_backward * part;
    }
    for (uint32_t clicks = 1; clicks < HH_LENGTHS; clicks++)
        reader->knn_size[clicks] = 1 / sqrtf(sqrtf((float)clicks));
    for (uint32_t clicks = 2; clicks <= HH_SHORT; clicks++)
        for (uint32_t at = 0; at < clicks; at++)
            for (uint32_t j = 0; j + 1 < clicks; j++)
                reader->part_short[clicks][at][j] = reader->part[HH_REACH + j + (j >= at) - at];
}

// ---- the nearest ----

// How many of the ranks are as large or larger. (Of floats that are not negative the order is that of their
// bits.)
HH_WIDE static uint32_t count_from(const float *ranks, uint32_t count, float least)
{
    uint32_t larger = 0;
    for (uint32_t i = 0; i < count; i++)
        larger += ranks[i] >= least;
    return larger;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// A bound that k of the ranks reach; the k-th largest itself where several are equal to it. By bisection of
// the bits: a count of hundreds takes the processor less than to sort a few.
static float bound_of(const float *ranks, uint32_t count, uint32_t k)
{
    uint32_t low = 0, high = 0x7f800001; // k or more reach the one, fewer the other
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2, reach = count_from(ranks, count, float_of(middle));
        if (reach >= k)
            low = middle;
        else
            high = middle;
        if (reach == k)
            break;
    }
    return float_of(low);
}

// The k nearest; of equals those that were read first: that order does not depend on arrival, so neither does
// the choice.
void hh_knn_choose(hh_reader *reader)
{
    uint32_t k = reader->graph->options.neighbours, count = reader->neighbour_count;
    hh_neighbour *neighbours = reader->neighbours;
    float *ranks = reader->ranks, bound = 0;
    for (uint32_t i = 0; i < count; i++) {
        hh_neighbour *neighbour = &neighbours[i];
        uint32_t clicks = neighbour->clicks;
        neighbour->similarity *=
            clicks < HH_LENGTHS ? reader->knn_size[clicks] : 1 / sqrtf(sqrtf((float)clicks));
        ranks[i] = neighbour->similarity * (neighbour->left[2] + neighbour->left[3]);
    }
    uint32_t equals = count; // how many of those that are just at the bound
    if (count > k) {
        bound = bound_of(ranks, count, k);
        uint32_t at_least = count_from(ranks, count, bound);
        equals = k;
        for (uint32_t i = 0; i < count && at_least > k; i++)
            equals -= ranks[i] > bound;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool equal = ranks[i] == bound && equals;
        float near = ranks[i] > bound || equal, weight = near * neighbours[i].similarity;
        equals -= equal;
        neighbours[i].near = near;
        neighbours[i].left *= (hh_four){1, 1, weight, weight};
    }
    reader->chosen_count = count < k ? count : k;
}

// ---- rarity ----

static inline float ln(float x) // for x >= 1, to 1e-7 or so
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t whole = (bits - 0x3f3504f3) >> 23; // so that the rest is in sqrt(1/2)..sqrt(2)
    bits -= whole * (1 << 23);
    memcpy(&x, &bits, sizeof x);
    float s = (x - 1) / (x + 1), z = s * s; // ln x = 2 artanh s, |s| < 0.172
    float odd = 1 + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9))));
    return (float)whole * 0.693147181f + 2 * s * odd;
}

HH_WIDE static void rarity_of(float *restrict clicks, uint32_t count, float all)
{
    for (uint32_t i = 0; i < count; i++) {
        float on = clicks[i] > 1 ? clicks[i] : 1;
        clicks[i] = ln(1 + all / on);
    }
}

HH_WIDE static void roots_of(float *restrict x, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        x[i] = sqrtf(x[i]);
}

// The factors of the candidates' votes, in reader->rarity.
void hh_knn_rarity(hh_reader *reader)
{
    float exponent = (float)reader->graph->options.knn_idf, *rarity = reader->rarity;
    for (uint32_t i = 0; i < reader->count; i++)
        rarity[i] = exponent > 0 ? hh_query_clicks(reader, i) : 1;
    if (!(exponent > 0))
        return;
    rarity_of(rarity, reader->count, hh_query_all_clicks(reader));
    if (exponent == 0.5f)
        roots_of(rarity, reader->count);
    else
        for (uint32_t i = 0; i < reader->count; i++)
            rarity[i] = powf(rarity[i], exponent);
}
