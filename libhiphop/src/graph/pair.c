// next: what came right after the session's last item c_0, in the sessions read of it, each counting
//   2^(-age/short half-life) + NEXT_LONG * 2^(-age/long half-life).
// pair: what came within REACH clicks after any of the session's items, and, less, before it.
//   C[y][x] = sum over the sessions read of y, over clicks on x at distance a from a click on y,
//             1/a * 2^(-age/half-life) * (1 where x came after y, pair_backward where before)
//   p(x)    ~ sum over d of pair_decay^d * C[c_d][x] / rowsum(C[c_d])^pair_norm
// The age is that of the session's last click before as_of.
#include "graph/reader.h"

#include <math.h>
#include <string.h>

#define REACH     5
#define NEXT_LONG 0.1f // on fast streams the recent decide, on slow ones there are only old ones

_Static_assert(HH_EXPERT_PAIR_SHORT == HH_EXPERT_NEXT + 1 && HH_EXPERT_PAIR_LONG == HH_EXPERT_NEXT + 2 &&
                   HH_EXPERT_NEXT + 4 <= HH_EXPERTS,
               "next and pair are added in one go");

typedef struct hh_pair_row {
    uint32_t before;              // clicks before the item's that count, at most
    hh_four parts[2 * REACH + 1]; // of next, pair and pair in a click at REACH + its distance
    float sums[2][REACH + 1];     // of pair's parts of so many clicks before, after
    float scale[2];
} hh_pair_row;

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void row_init(hh_pair_row *row, float backward)
{
    *row = (hh_pair_row){.before = backward > 0 ? REACH : 0};
    for (int a = 1; a <= REACH; a++) {
        float part = 1 / (float)a;
        row->parts[REACH + a] = (hh_four){a == 1, part, part, 0};
        row->parts[REACH - a] = (hh_four){0, backward * part, backward * part, 0};
        row->sums[0][a] = row->sums[0][a - 1] + backward * part;
        row->sums[1][a] = row->sums[1][a - 1] + part;
    }
}

// All that pair will add for the item, so that it need be added only once, at its right size.
static void row_scale(const hh_reader *reader, hh_pair_row *row, uint32_t depth)
{
    const hh_graph_options *options = &reader->graph->options;
    hh_four sum = {0, 0, 0, 0};
    for (uint32_t i = 0; i < reader->found_count; i++) {
        const hh_neighbour *neighbour = &reader->neighbours[reader->found[i].neighbour];
        uint32_t at = reader->found[i].at, after = neighbour->clicks - 1 - at;
        sum += neighbour->left * (row->sums[0][least(at, row->before)] + row->sums[1][least(after, REACH)]);
    }
    for (int h = 0; h < 2; h++)
        row->scale[h] = sum[h] > 0 ? powf((float)options->pair_decay, (float)depth) /
                                         powf(sum[h], (float)options->pair_norm)
                                   : 0;
}

void hh_votes_pair(hh_reader *reader, uint32_t depth)
{
    hh_pair_row row;
    row_init(&row, (float)reader->graph->options.pair_backward);
    row_scale(reader, &row, depth);
    const hh_index *index = reader->index; // as the loop needs them: it runs a thousand times a query
    const uint32_t items = reader->index_capacity, stamp = reader->stamp;
    float(*shares)[HH_EXPERTS] = reader->shares;
    hh_evidence *evidence = reader->evidence;
    for (uint32_t i = 0; i < reader->found_count; i++) {
        const hh_neighbour *neighbour = &reader->neighbours[reader->found[i].neighbour];
        const hh_click *clicks = neighbour->block->clicks;
        uint32_t at = reader->found[i].at, first = at - least(at, row.before);
        uint32_t end = least(neighbour->clicks, at + REACH + 1);
        hh_four left = neighbour->left;
        float next = depth == 0 ? left[0] + NEXT_LONG * left[1] : 0;
        hh_four weight = {next, row.scale[0] * left[0], row.scale[1] * left[1], 0};
        for (uint32_t j = first; j < end; j++) { // the item itself, too: it gets nothing
            hh_item item = clicks[j].item;
            uint32_t candidate;
            if (item < items && index[item].stamp == stamp) {
                candidate = index[item].candidate;
            } else {
                candidate = hh_candidate_new(reader, item);
                if (candidate == HH_NONE)
                    continue;
                shares = reader->shares;
                evidence = reader->evidence;
            }
            hh_four sum;
            memcpy(&sum, &shares[candidate][HH_EXPERT_NEXT], sizeof sum);
            sum += weight * row.parts[REACH + j - at];
            memcpy(&shares[candidate][HH_EXPERT_NEXT], &sum, sizeof sum);
            evidence[candidate].followed += j > at;
        }
    }
}
