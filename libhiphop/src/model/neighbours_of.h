// The sessions that a network finds neighbours among once it is trained.
#ifndef MODEL_NEIGHBOURS_OF_H
#define MODEL_NEIGHBOURS_OF_H

#include "model/neighbour_index.h"

#include <hiphop/train.h>

// An empty memory as the network wants it; *memory NULL: it heeds none. false: out of memory.
bool hh_neighbours_none(const hh_network *network, hh_neighbour_index **memory);
// With the sessions as training has them: cut to their last `longest` clicks, those of one click left out.
bool hh_neighbours_of(const hh_network *network, const hh_train_data *sessions, uint32_t longest,
                      hh_neighbour_index **memory);

#endif
