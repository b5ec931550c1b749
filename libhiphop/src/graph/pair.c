// pair: what followed an item of the session within HH_DEPTH clicks, and, less, what came before it.
//
//   C[y][x] = sum over the sessions read of y, over clicks on x at distance a from a click on y,
//             1/a * 2^(-age/half-life) * (1 where x came after y, pair_backward where before)
//   p(x)    ~ sum over d of pair_decay^d * C[c_d][x] / rowsum(C[c_d])^pair_norm
#include "graph/reader.h"

#include <math.h>

void hh_pair_add_row(hh_reader *reader, uint32_t depth)
{
    const hh_graph_options *options = &reader->graph->options;
    float sum[2] = {0, 0}, scale[2];
    for (size_t i = 0; i < reader->event_count; i++) {
        sum[0] += reader->events[i].weight[0];
        sum[1] += reader->events[i].weight[1];
    }
    for (int h = 0; h < 2; h++)
        scale[h] = sum[h] > 0 ? powf((float)options->pair_decay, (float)depth) /
                                    powf(sum[h], (float)options->pair_norm)
                              : 0;
    for (size_t i = 0; i < reader->event_count; i++) {
        const hh_pair_event *event = &reader->events[i];
        reader->shares[event->candidate][HH_EXPERT_PAIR_SHORT] += scale[0] * event->weight[0];
        reader->shares[event->candidate][HH_EXPERT_PAIR_LONG] += scale[1] * event->weight[1];
    }
}
