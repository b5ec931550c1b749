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
}

void hh_pair_scale(hh_reader *reader, uint32_t depth)
{
    const hh_graph_options *options = &reader->graph->options;
    const hh_neighbour *neighbours = reader->neighbours;
    hh_four sum = {0, 0, 0, 0}; // all that pair gives for the item
    for (uint32_t clicks = 2; clicks <= HH_SHORT; clicks++) {
        const hh_list *list = &reader->lists[clicks - 1];
        for (uint32_t i = list->known; i < list->count; i++) {
            const hh_neighbour *neighbour = &neighbours[list->numbers[i]];
            sum += neighbour->left * reader->mass_short[clicks][neighbour->at];
        }
    }
    for (uint32_t i = reader->found_known; i < reader->found_count; i++) {
        const hh_neighbour *neighbour = &neighbours[reader->found[i].neighbour];
        uint32_t at = reader->found[i].at;
        hh_four mass = reader->mass_before[least(at, REACH)];
        mass += reader->mass_after[least(neighbour->clicks - 1 - at, REACH)];
        sum += neighbour->left * mass;
    }
    hh_four scale = {depth == 0, depth == 0, 0, 0};
    for (int h = 0; h < 2; h++)
        scale[2 + h] = sum[h] > 0 ? powf((float)options->pair_decay, (float)depth) /
                                        powf(sum[h], (float)options->pair_norm)
                                  : 0;
    reader->scale[depth] = scale;
}
