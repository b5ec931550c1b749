// next: what came right after the session's last item c_0, in the sessions read of it, each counting
//   2^(-age/short half-life) + NEXT_LONG * 2^(-age/long half-life).
// pair: what came within REACH clicks after any of the session's items, and, less, before it.
//   C[y][x] = sum over the sessions read of y, over clicks on x at distance a from a click on y,
//             1/a * 2^(-age/half-life) * (1 where x came after y, pair_backward where before)
//   p(x)    ~ sum over d of pair_decay^d * C[c_d][x] / rowsum(C[c_d])^pair_norm
// The age is that of the session's last click before as_of.
#include "graph/reader.h"

#include <math.h>

#define REACH     5
#define NEXT_LONG 0.1f // on fast streams the recent decide, on slow ones there are only old ones

static void add_event(hh_reader *reader, hh_item item, float factor, const float weight[2], bool follows)
{
    uint32_t candidate = hh_candidate(reader, item);
    if (candidate != HH_NONE)
        reader->events[reader->event_count++] =
            (hh_pair_event){candidate, follows, {factor * weight[0], factor * weight[1]}};
}

bool hh_pair_read(hh_reader *reader, const hh_block *block, uint32_t clicks, uint32_t at,
                  const float weight[2], bool of_last)
{
    static const float nearer[REACH + 1] = {0, 1.0f, 1.0f / 2, 1.0f / 3, 1.0f / 4, 1.0f / 5};
    if (!hh_grow(&reader->events, &reader->event_capacity, reader->event_count + 2 * REACH,
                 sizeof *reader->events))
        return false;
    for (uint32_t a = 1; a <= REACH && at + a < clicks; a++)
        add_event(reader, block->clicks[at + a].item, nearer[a], weight, true);
    for (uint32_t a = 1; a <= REACH && a <= at && reader->pair_backward > 0; a++)
        add_event(reader, block->clicks[at - a].item, reader->pair_backward * nearer[a], weight, false);
    if (of_last && at + 1 < clicks) {
        uint32_t candidate = hh_candidate(reader, block->clicks[at + 1].item);
        if (candidate != HH_NONE)
            reader->shares[candidate][HH_EXPERT_NEXT] += weight[0] + NEXT_LONG * weight[1];
    }
    return true;
}

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
        reader->evidence[event->candidate].followed += event->follows;
    }
}
