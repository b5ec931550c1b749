#include "model/neighbours_of.h"

#include "model/network.h"

bool hh_neighbours_none(const hh_network *network, hh_neighbour_index **memory)
{
    const hh_network_options *options = &network->options;
    *memory = NULL;
    if (!options->global && !options->local)
        return true;
    hh_neighbour_options neighbours = hh_neighbour_options_of(options);
    *memory = hh_neighbour_index_new((uint32_t)network->item.rows, &neighbours);
    return *memory != NULL;
}

bool hh_neighbours_of(const hh_network *network, const hh_train_data *sessions, uint32_t longest,
                      hh_neighbour_index **memory)
{
    bool done = hh_neighbours_none(network, memory);
    for (uint32_t s = 0; s < sessions->sessions && done && *memory; s++) {
        uint32_t begin = sessions->first[s], end = sessions->first[s + 1];
        if (end - begin > longest)
            begin = end - longest;
        done = end - begin < 2 || hh_neighbour_index_add(*memory, sessions->item + begin, end - begin);
    }
    return done;
}
