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

#include <math.h>
#include <string.h>

// The k-th largest of the values, which are reordered.
static float kth_largest(float *values, uint32_t count, uint32_t k)
{
    uint32_t low = 0, high = count - 1, target = k - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        uint32_t i = low, j = high;
        for (;;) {
            while (values[i] > pivot)
                i++;
            while (values[j] < pivot)
                j--;
            if (i >= j)
                break;
            float value = values[i];
            values[i++] = values[j];
            values[j--] = value;
        }
        if (target <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[target];
}

#define BIN_SHIFT 20 // leaves exponent and three bits of a float
#define BINS      (1u << (31 - BIN_SHIFT))

static uint32_t bin_of(float rank)
{
    uint32_t bits;
    memcpy(&bits, &rank, sizeof bits);
    return bits >> BIN_SHIFT; // grows with the rank, which is not negative
}

// The k-th largest rank: first the bin that holds it, then it among those of the bin.
static float kth_rank(const hh_reader *reader, float *scratch, uint32_t k)
{
    uint32_t bins[BINS] = {0}, count = reader->neighbour_count, bin = 0, kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t its = bin_of(reader->ranks[i]);
        bins[its]++;
        bin = its > bin ? its : bin;
    }
    for (; bins[bin] < k; bin--)
        k -= bins[bin];
    for (uint32_t i = 0; i < count; i++) {
        scratch[kept] = reader->ranks[i];
        kept += bin_of(reader->ranks[i]) == bin;
    }
    return kth_largest(scratch, kept, k);
}

// The k nearest, in the order in which they were read: that order does not depend on arrival, so neither does
// the choice among equals.
static void choose(hh_reader *reader)
{
    uint32_t k = reader->graph->options.neighbours, count = reader->neighbour_count, kept = 0;
    float least = -1;
    uint32_t equals = 0; // how many of those that are as near as the last
    if (count > k) {
        least = kth_rank(reader, reader->scratch, k);
        equals = k;
        for (uint32_t i = 0; i < count; i++)
            equals -= reader->ranks[i] > least;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool equal = reader->ranks[i] == least && equals;
        reader->chosen[kept] = i;
        kept += (reader->ranks[i] > least) | equal;
        equals -= equal;
    }
    reader->chosen_count = kept;
}

void hh_knn_init(hh_reader *reader)
{
    const hh_graph_options *options = &reader->graph->options;
    for (uint32_t a = 1; a <= HH_REACH; a++) {
        float part = expf(-(float)(a - 1) / (float)options->knn_reach);
        reader->knn_part[HH_REACH + a] = part;
        reader->knn_part[HH_REACH - a] = (float)options->knn_backward * part;
    }
    for (uint32_t clicks = 1; clicks < HH_LENGTHS; clicks++)
        reader->knn_size[clicks] = 1 / sqrtf(sqrtf((float)clicks));
    memset(reader->knn_short, 0, sizeof reader->knn_short);
    for (int clicks = 1; clicks <= HH_SHORT; clicks++)
        for (int match = 0; match < clicks; match++)
            for (int i = 0; i < clicks; i++)
                reader->knn_short[clicks - 1][match][i] = reader->knn_part[HH_REACH + i - match];
}

static inline void vote(hh_row *row, const float weight[2], float part, bool after, uint32_t number)
{
    row->knn[0] += weight[0] * part;
    row->knn[1] += weight[1] * part;
    uint32_t before = row->seen, now = after ? number + 1 : before;
    row->neighbours += before != now;
    row->seen = now;
}

static void vote_long(hh_reader *reader, uint32_t number, const float weight[2])
{
    const hh_neighbour *neighbour = &reader->neighbours[number];
    const hh_click *clicks = neighbour->block->clicks;
    uint32_t match = neighbour->match, first = match > HH_REACH ? match - HH_REACH : 0;
    uint32_t end = neighbour->clicks < match + HH_REACH + 1 ? neighbour->clicks : match + HH_REACH + 1;
    for (uint32_t i = first; i < end; i++) { // the match, too: it gets nothing
        uint32_t row = hh_row_of(reader, clicks[i].item);
        vote(&reader->rows[row], weight, reader->knn_part[HH_REACH + i - match], i > match, number);
    }
}

static void vote_all(hh_reader *reader)
{
    for (uint32_t k = 0; k < reader->chosen_count; k++) {
        uint32_t number = reader->chosen[k];
        const hh_neighbour *neighbour = &reader->neighbours[number];
        float size = reader->similar[number];
        float weight[2] = {size * neighbour->left[2], size * neighbour->left[3]};
        uint32_t clicks = neighbour->clicks, match = neighbour->match;
        if (clicks > reader->at_once) {
            vote_long(reader, number, weight);
            continue;
        }
        const float *parts = reader->knn_short[clicks - 1][match];
        for (uint32_t i = 0; i < HH_SHORT; i++)
            vote(&reader->rows[neighbour->candidates[i]], weight, parts[i], (i > match) & (i < clicks),
                 number);
    }
}

// ln x for four x >= 1, to 1e-7 or so.
static hh_four ln(hh_four x)
{
    hh_four_whole bits = (hh_four_whole)x;
    hh_four_whole whole = (bits - 0x3f3504f3) >> 23; // so that the rest is in sqrt(1/2)..sqrt(2)
    hh_four rest = (hh_four)(bits - (whole << 23));
    hh_four s = (rest - 1) / (rest + 1), z = s * s; // ln rest = 2 artanh s, |s| < 0.172
    hh_four odd = 1 + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9))));
    return __builtin_convertvector(whole, hh_four) * 0.693147181f + 2 * s * odd;
}

// Multiplies knn's votes by the items' rarity.
static void weigh_by_rarity(hh_reader *reader, float exponent)
{
    float all = hh_query_all_clicks(reader);
    for (uint32_t i = 0; i < reader->count; i += 4) {
        uint32_t count = reader->count - i < 4 ? reader->count - i : 4;
        hh_four clicks = {1, 1, 1, 1};
        for (uint32_t j = 0; j < count; j++)
            clicks[j] = fmaxf(1, hh_query_clicks(reader, i + j));
        hh_four rarity = ln(1 + all / clicks);
        for (uint32_t j = 0; j < count; j++) {
            float factor = exponent == 0.5f ? sqrtf(rarity[j]) : powf(rarity[j], exponent);
            reader->rows[1 + i + j].knn[0] *= factor;
            reader->rows[1 + i + j].knn[1] *= factor;
        }
    }
}

void hh_votes_knn(hh_reader *reader)
{
    for (uint32_t i = 0; i < reader->neighbour_count; i++) {
        const hh_neighbour *neighbour = &reader->neighbours[i];
        uint32_t clicks = neighbour->clicks;
        float size = clicks < HH_LENGTHS ? reader->knn_size[clicks] : 1 / sqrtf(sqrtf((float)clicks));
        reader->similar[i] = neighbour->similarity * size;
        reader->ranks[i] = reader->similar[i] * (neighbour->left[2] + neighbour->left[3]);
    }
    choose(reader);
    vote_all(reader);
    if (reader->graph->options.knn_idf > 0)
        weigh_by_rarity(reader, (float)reader->graph->options.knn_idf);
}
