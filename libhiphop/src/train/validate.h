// How good a network is on sessions that it has not learned from: what chooses the epoch.
#ifndef TRAIN_VALIDATE_H
#define TRAIN_VALIDATE_H

#include "model/network.h"

// HR and MRR@20 over all prefixes that have a click after them, all items ranked, ties against the target;
// NAN without any. memory: the sessions that may be neighbours, or NULL. false: out of memory.
bool hh_validate(const hh_network *network, const hh_session_view *sessions, size_t session_count,
                 hh_neighbour_index *memory, double *hr, double *mrr);

#endif
