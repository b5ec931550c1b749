// repeat: the session's own items, the last one apart from the others, since whether a page is clicked twice
// in a row and whether people come back to it are two questions. The other experts leave these items out, so
// the mixture learns from the stream how many of its clicks are repeats, and none where none occur.
#include "graph/reader.h"

void hh_votes_repeat(hh_reader *reader, const hh_item *items, size_t length)
{
    const hh_graph_options *options = &reader->graph->options;
    float part = 1;
    for (size_t d = 0; d < length; d++, part *= (float)options->repeat_decay) {
        hh_item item = items[length - 1 - d];
        uint32_t candidate = item == HH_ITEM_NONE ? HH_NONE : hh_candidate(reader, item);
        if (candidate == HH_NONE)
            continue;
        if (d == 0)
            reader->shares[candidate][HH_EXPERT_REPEAT_LAST] = 1;
        else if (reader->shares[candidate][HH_EXPERT_REPEAT] == 0 && item != items[length - 1])
            reader->shares[candidate][HH_EXPERT_REPEAT] = part;
    }
}

size_t hh_last_before(const hh_item *items, size_t length)
{
    for (size_t back = 1; back < length && items[length - 1] != HH_ITEM_NONE; back++)
        if (items[length - 1 - back] == items[length - 1])
            return back;
    return 0;
}
