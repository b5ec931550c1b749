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
#include "bound.h"
#include "graph/reader.h"
#include "wide.h"

#include <math.h>
#include <string.h>

hh_length hh_knn_length(const hh_reader *reader, uint32_t clicks)
{
    return (hh_length){1 / sqrtf(sqrtf((float)clicks)), clicks <= reader->at_once ? clicks - 1 : HH_GENERAL};
}

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
        reader->lengths[clicks] = hh_knn_length(reader, clicks);
    for (uint32_t clicks = 2; clicks <= HH_SHORT; clicks++)
        for (uint32_t at = 0; at < clicks; at++)
            for (uint32_t j = 0; j + 1 < clicks; j++)
                reader->part_short[clicks][at][j] = reader->part[HH_REACH + j + (j >= at) - at];
}

// ---- the nearest ----

HH_WIDE static void rank_all(hh_reader *reader)
{
    float *restrict similarity = reader->columns[HH_COLUMN_SIMILARITY];
    float *restrict ranks = reader->columns[HH_COLUMN_RANK];
    const float *size = reader->columns[HH_COLUMN_SIZE];
    const float *left = reader->columns[HH_COLUMN_LEFT + 2], *left_long = reader->columns[HH_COLUMN_LEFT + 3];
    for (uint32_t i = 0; i < reader->neighbour_count; i++) {
        similarity[i] *= size[i];
        ranks[i] = similarity[i] * (left[i] + left_long[i]);
    }
}

// Leaves so many of those whose rank is equal to the bound, the first, and no more.
static void drop_equals(float *ranks, uint32_t count, float bound, uint32_t kept)
{
    for (uint32_t i = 0; i < count; i++)
        if (ranks[i] == bound) {
            if (!kept)
                ranks[i] = -1;
            else
                kept--;
        }
}

// What those vote with that reach the bound, and the others: four at a time, from columns to rows.
HH_WIDE static void weigh_all(hh_reader *reader, float bound)
{
    hh_four column[HH_COLUMNS];
    const hh_four ones = {1, 1, 1, 1}, least = {bound, bound, bound, bound};
    for (uint32_t i = 0; i < reader->neighbour_count; i += 4) {
        for (int c = 0; c < HH_COLUMNS; c++)
            memcpy(&column[c], reader->columns[c] + i, sizeof *column);
        hh_four near = (hh_four)((column[HH_COLUMN_RANK] >= least) & (hh_whole_four)ones);
        hh_four weight = near * column[HH_COLUMN_SIMILARITY], *left = &column[HH_COLUMN_LEFT];
        hh_four short_knn = left[2] * weight, long_knn = left[3] * weight;
        hh_four pair[2] = {__builtin_shufflevector(left[0], left[1], 0, 4, 1, 5),
                           __builtin_shufflevector(left[0], left[1], 2, 6, 3, 7)};
        hh_four knn[2] = {__builtin_shufflevector(short_knn, long_knn, 0, 4, 1, 5),
                          __builtin_shufflevector(short_knn, long_knn, 2, 6, 3, 7)};
        hh_four counts[2] = {__builtin_shufflevector(near, ones, 0, 4, 1, 5),
                             __builtin_shufflevector(near, ones, 2, 6, 3, 7)};
        hh_weight *weights = &reader->weights[i];
        for (int j = 0; j < 2; j++) {
            weights[2 * j][0] = __builtin_shufflevector(pair[j], pair[j], 0, 1, 0, 1);
            weights[2 * j][1] = __builtin_shufflevector(knn[j], counts[j], 0, 1, 4, 5);
            weights[2 * j + 1][0] = __builtin_shufflevector(pair[j], pair[j], 2, 3, 2, 3);
            weights[2 * j + 1][1] = __builtin_shufflevector(knn[j], counts[j], 2, 3, 6, 7);
        }
    }
}

// The k nearest; of equals those that were read first: that order does not depend on arrival, so neither does
// the choice.
void hh_knn_choose(hh_reader *reader)
{
    uint32_t k = reader->graph->options.neighbours, count = reader->neighbour_count;
    float *ranks = reader->columns[HH_COLUMN_RANK], bound = 0;
    rank_all(reader);
    if (count > k) {
        bound = hh_bound(ranks, count, k);
        uint32_t reach = hh_bound_reached(ranks, count, bound), equal = 0;
        for (uint32_t i = 0; i < count && reach > k; i++)
            equal += ranks[i] == bound;
        if (reach > k)
            drop_equals(ranks, count, bound, k - (reach - equal));
    }
    weigh_all(reader, bound);
    reader->chosen_count = count < k ? count : k;
}

// ---- rarity ----

// ln x for eight x >= 1, to 1e-7 or so.
static inline __attribute__((always_inline)) void ln(hh_eight *of)
{
    hh_whole_eight bits = (hh_whole_eight)*of;
    hh_whole_eight whole = (bits - 0x3f3504f3) >> 23; // so that the rest is in sqrt(1/2)..sqrt(2)
    hh_eight x = (hh_eight)(bits - (whole << 23));
    hh_eight s = (x - 1) / (x + 1), z = s * s; // ln x = 2 artanh s, |s| < 0.172
    hh_eight odd = 1 + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9))));
    *of = __builtin_convertvector(whole, hh_eight) * 0.693147181f + 2 * s * odd;
}

// (There is room for whole eights.)
HH_WIDE static void rarity_of(float *clicks, uint32_t count, float all)
{
    const hh_eight one = {1, 1, 1, 1, 1, 1, 1, 1};
    for (uint32_t i = 0; i < count; i += 8) {
        hh_eight on;
        memcpy(&on, clicks + i, sizeof on);
        hh_whole_eight some = on > one;
        on = (hh_eight)(((hh_whole_eight)on & some) | ((hh_whole_eight)one & ~some));
        on = 1 + all / on;
        ln(&on);
        memcpy(clicks + i, &on, sizeof on);
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
