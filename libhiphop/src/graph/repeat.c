// repeat: the session's own items. The last click's item gets repeat_last, an item last clicked d clicks
// before it repeat_decay^d.
#include "graph/reader.h"

#include <math.h>

void hh_votes_repeat(hh_reader *reader, const hh_item *items, size_t length)
{
    const hh_graph_options *options = &reader->graph->options;
    float part = 1;
    for (size_t d = 0; d < length; d++, part *= (float)options->repeat_decay) {
        hh_item item = items[length - 1 - d];
        uint32_t candidate = item == HH_ITEM_NONE ? HH_NONE : hh_candidate(reader, item);
        if (candidate != HH_NONE && reader->shares[candidate][HH_EXPERT_REPEAT] == 0)
            reader->shares[candidate][HH_EXPERT_REPEAT] = d ? part : (float)options->repeat_last;
    }
}
