// next: what came right after the session's last item c_0, in the sessions read of it, each counting
//   2^(-age/short half-life) + NEXT_LONG * 2^(-age/long half-life).
// pair: what came within REACH clicks after any of the session's items, and, less, before it.
//   C[y][x] = sum over the sessions read of y, over clicks on x at distance a from a click on y,
//             1/a * 2^(-age/half-life) * (1 where x came after y, pair_backward where before; 0 there for
//             the short half-life: on a fast stream only what comes next matters)
//   p(x)    ~ sum over d of pair_decay^d * C[c_d][x] / rowsum(C[c_d])^pair_norm
// The age is that of the session's last click before as_of.
#include "graph/reader.h"

#include <math.h>
#include <string.h>

#define REACH     HH_NEXT_TO
#define NEXT_LONG 0.1f // on fast streams the recent decide, on slow ones there are only old ones

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void hh_pair_init(hh_reader *reader)
{
    float backward = (float)reader->graph->options.pair_backward;
    reader->at_once = backward > 0 ? HH_SHORT : 0; // without, what came before is not even a candidate
    memset(reader->pair_part, 0, sizeof reader->pair_part);
    memset(reader->pair_sums, 0, sizeof reader->pair_sums);
    for (int a = 1; a <= REACH; a++) {
        float part = 1 / (float)a;
        reader->pair_part[REACH + a] = (hh_four){a == 1, part, part, 1};
        reader->pair_part[REACH - a] = (hh_four){0, 0, backward * part, 0};
        reader->pair_sums[0][a] = reader->pair_sums[0][a - 1] + (hh_four){0, backward * part, 0, 0};
        reader->pair_sums[1][a] = reader->pair_sums[1][a - 1] + (hh_four){part, part, 0, 0};
    }
    memset(reader->pair_short, 0, sizeof reader->pair_short);
    for (int clicks = 1; clicks <= HH_SHORT; clicks++)
        for (int at = 0; at < clicks; at++)
            for (int i = 0; i < clicks; i++)
                reader->pair_short[clicks - 1][at][i] = reader->pair_part[REACH + i - at];
    for (int clicks = 1; clicks <= HH_SHORT; clicks++)
        for (int at = 0; at < clicks; at++)
            reader->pair_mass[clicks - 1][at] =
                reader->pair_sums[0][at] + reader->pair_sums[1][clicks - 1 - at];
}

// The votes of all that was found of one item come to the rows first, then, at their right size, to the sums.
static void fold(hh_reader *reader, hh_four scale)
{
    hh_row *rows = reader->rows + 1;
    for (uint32_t i = 0; i < reader->count; i++) {
        reader->paired[i] += scale * rows[i].pair;
        rows[i].pair = (hh_four){0, 0, 0, 0};
    }
}

// Returns pair's parts of the clicks around.
static hh_four vote_long(hh_reader *reader, const hh_neighbour *neighbour, uint32_t at, hh_four weight)
{
    uint32_t first = at - least(at, reader->at_once ? REACH : 0);
    uint32_t end = least(neighbour->clicks, at + REACH + 1);
    for (uint32_t j = first; j < end; j++) { // the item itself, too: it gets nothing
        uint32_t row = hh_row_of(reader, neighbour->block->clicks[j].item);
        reader->rows[row].pair += weight * reader->pair_part[REACH + j - at];
    }
    return reader->pair_sums[0][at - first] + reader->pair_sums[1][end - 1 - at];
}

void hh_votes_pair(hh_reader *reader, uint32_t depth)
{
    const hh_graph_options *options = &reader->graph->options;
    hh_row *rows = reader->rows;
    hh_four sum = {0, 0, 0, 0}; // all that pair gives for the item
    const hh_four next = {depth == 0, 0, 0, 0}, next_long = {depth == 0 ? NEXT_LONG : 0, 0, 0, 0};
    const hh_four one_more = {0, 0, 0, 1}, one = {0, 1, 0, 0}, other = {0, 0, 1, 0};
    for (uint32_t i = 0; i < reader->found_count; i++) {
        const hh_neighbour *neighbour = &reader->neighbours[reader->found[i].neighbour];
        uint32_t at = reader->found[i].at;
        hh_four left = neighbour->left;
        hh_four weight = (next + one) * left[0] + (next_long + other) * left[1] + one_more;
        if (neighbour->clicks <= reader->at_once) {
            const hh_four *parts = reader->pair_short[neighbour->clicks - 1][at];
            sum += left * reader->pair_mass[neighbour->clicks - 1][at];
            for (int j = 0; j < HH_SHORT; j++)
                rows[neighbour->candidates[j]].pair += weight * parts[j];
        } else {
            sum += left * vote_long(reader, neighbour, at, weight);
            rows = reader->rows;
        }
    }
    hh_four scale = {1, 0, 0, 1};
    for (int h = 0; h < 2; h++)
        scale[1 + h] = sum[h] > 0 ? powf((float)options->pair_decay, (float)depth) /
                                        powf(sum[h], (float)options->pair_norm)
                                  : 0;
    fold(reader, scale);
}
