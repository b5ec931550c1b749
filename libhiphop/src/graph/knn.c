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

// Keeps the k nearest, in the order in which they were read: that order does not depend on arrival, so
// neither does the choice among equals.
static void choose(hh_reader *reader)
{
    uint32_t k = reader->graph->options.neighbours, count = reader->neighbour_count;
    if (count <= k)
        return;
    for (uint32_t i = 0; i < count; i++)
        reader->ranks[i] = reader->neighbours[i].rank;
    float least = kth_largest(reader->ranks, count, k);
    uint32_t above = 0;
    for (uint32_t i = 0; i < count; i++)
        above += reader->neighbours[i].rank > least;
    uint32_t equals = k - above, kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const hh_neighbour *neighbour = &reader->neighbours[i];
        if (neighbour->rank > least || (neighbour->rank == least && equals && equals--))
            reader->neighbours[kept++] = *neighbour;
    }
    reader->neighbour_count = kept;
}

static void vote(hh_reader *reader, uint32_t number)
{
    const hh_graph_options *options = &reader->graph->options;
    const hh_neighbour *neighbour = &reader->neighbours[number];
    float backward = (float)options->knn_backward, recent = neighbour->left[2] + neighbour->left[3];
    float by_half_life[2] = {0, 0};
    for (int h = 0; h < 2 && recent > 0; h++)
        by_half_life[h] = neighbour->rank * neighbour->left[2 + h] / recent;
    uint32_t match = neighbour->match;
    uint32_t first = match > HH_REACH ? match - HH_REACH : 0;
    for (uint32_t i = first; i < neighbour->clicks && i <= match + HH_REACH; i++) {
        if (i == match)
            continue;
        uint32_t candidate = hh_candidate(reader, neighbour->block->clicks[i].item);
        if (candidate == HH_NONE)
            continue;
        float part = i > match ? reader->knn_after[i - match] : backward * reader->knn_after[match - i];
        reader->shares[candidate][HH_EXPERT_KNN_SHORT] += by_half_life[0] * part;
        reader->shares[candidate][HH_EXPERT_KNN_LONG] += by_half_life[1] * part;
        if (i > match && reader->seen[candidate] != number + 1) {
            reader->seen[candidate] = number + 1;
            reader->evidence[candidate].neighbours++;
        }
    }
}

void hh_votes_knn(hh_reader *reader)
{
    const hh_graph_options *options = &reader->graph->options;
    for (uint32_t i = 0; i < reader->neighbour_count; i++) {
        hh_neighbour *neighbour = &reader->neighbours[i];
        neighbour->rank = neighbour->similarity * (neighbour->left[2] + neighbour->left[3]) /
                          sqrtf(sqrtf((float)neighbour->clicks));
    }
    choose(reader);
    for (uint32_t i = 0; i < reader->neighbour_count; i++)
        vote(reader, i);
    float all = hh_query_all_clicks(reader);
    for (uint32_t i = 0; options->knn_idf > 0 && i < reader->count; i++) {
        float *shares = reader->shares[i];
        if (shares[HH_EXPERT_KNN_SHORT] == 0 && shares[HH_EXPERT_KNN_LONG] == 0)
            continue;
        float rarity = logf(1 + all / fmaxf(1, hh_query_clicks(reader, i)));
        rarity = options->knn_idf == 0.5 ? sqrtf(rarity) : powf(rarity, (float)options->knn_idf);
        shares[HH_EXPERT_KNN_SHORT] *= rarity;
        shares[HH_EXPERT_KNN_LONG] *= rarity;
    }
}
