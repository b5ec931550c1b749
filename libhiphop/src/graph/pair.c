// next: what came right after the session's last item c_0, in the sessions read of it, each counting
//   2^(-age/short half-life) + HH_NEXT_LONG * 2^(-age/long half-life).
// pair: what came within REACH clicks after any of the session's items, and, less, before it.
//   C[y][x] = sum over the sessions read of y, over clicks on x at distance a from a click on y,
//             1/a * 2^(-age/half-life) * (1 where x came after y, pair_backward where before; 0 there for
//             the short half-life: on a fast stream only what comes next matters)
//   p(x)    ~ sum over d of pair_decay^d * C[c_d][x] / rowsum(C[c_d])^pair_norm
// The age is that of the session's last click before as_of.
#include "graph/reader.h"

#include <math.h>
#include <string.h>

#define REACH HH_NEXT_TO

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void hh_pair_init(hh_reader *reader)
{
    float backward = (float)reader->graph->options.pair_backward;
    reader->at_once = backward > 0 ? HH_SHORT : 0; // without, what came before is not even a candidate
    memset(reader->part, 0, sizeof reader->part);
    for (int a = 1; a <= REACH; a++) {
        float part = 1 / (float)a;
        hh_eight *before = &reader->part[HH_REACH - a], *after = &reader->part[HH_REACH + a];
        (*after)[HH_ROW_NEXT] = (*after)[HH_ROW_NEXT_LONG] = a == 1;
        (*after)[HH_ROW_PAIR] = (*after)[HH_ROW_PAIR + 1] = part;
        (*after)[HH_ROW_FOLLOWED] = 1;
        (*before)[HH_ROW_PAIR + 1] = backward * part;
        reader->mass_before[a] = reader->mass_before[a - 1] + (hh_four){0, backward * part, 0, 0};
        reader->mass_after[a] = reader->mass_after[a - 1] + (hh_four){part, part, 0, 0};
    }
    for (uint32_t clicks = 1; clicks <= HH_SHORT; clicks++)
        for (uint32_t at = 0; at < clicks; at++)
            reader->mass_short[clicks][at] = reader->mass_before[at] + reader->mass_after[clicks - 1 - at];
    for (int depth = 0; depth < HH_DEPTH; depth++)
        reader->decay[depth] = powf((float)reader->graph->options.pair_decay, (float)depth);
}

void hh_pair_scale(hh_reader *reader)
{
    const hh_graph_options *options = &reader->graph->options;
    const hh_neighbour *neighbours = reader->neighbours;
    hh_four sums[HH_DEPTH] = {0}; // all that pair gives for each item
    for (uint32_t clicks = 2; clicks <= HH_SHORT; clicks++) {
        const hh_list *list = &reader->lists[clicks - 1];
        hh_four sum = {0, 0, 0, 0};
        uint32_t depth = 0; // goes up along the list
        for (uint32_t i = 0; i < list->count; i++) {
            const hh_neighbour *neighbour = &neighbours[list->numbers[i]];
            if (neighbour->first != depth) {
                sums[depth] += sum;
                sum = (hh_four){0, 0, 0, 0};
                depth = neighbour->first;
            }
            sum += reader->weights[list->numbers[i]][0] * reader->mass_short[clicks][neighbour->at];
        }
        sums[depth] += sum;
    }
    for (uint32_t i = 0; i < reader->found_count; i++) {
        const hh_found *found = &reader->found[i];
        hh_four mass = reader->mass_before[least(found->at, REACH)];
        mass += reader->mass_after[least(neighbours[found->neighbour].clicks - 1 - found->at, REACH)];
        sums[found->depth] += reader->weights[found->neighbour][0] * mass;
    }
    for (int depth = 0; depth < HH_DEPTH; depth++) {
        hh_eight scale = {depth == 0, depth == 0, 0, 0, 1, 1, 1, 1};
        for (int h = 0; h < 2; h++)
            if (sums[depth][h] > 0)
                scale[HH_ROW_PAIR + h] =
                    reader->decay[depth] / powf(sums[depth][h], (float)options->pair_norm);
        reader->scale[1][depth] = scale;
        scale[HH_ROW_KNN] = scale[HH_ROW_KNN + 1] = scale[HH_ROW_NEIGHBOURS] = 0;
        reader->scale[0][depth] = scale;
    }
}
