// Sessions against all items, in batches: what validation, evaluation and recommendation are made of. One
// thread each.
#ifndef MODEL_SCORER_H
#define MODEL_SCORER_H

#include "model/network.h"

typedef struct hh_scorer {
    const hh_network *network;
    const float *x, *length;   // [items x d] all items' vectors, [items]
    float *own_x, *own_length; // NULL: they are somebody else's
    hh_batch_rows rows;
    hh_neighbour_index *memory; // of the sessions that may be neighbours; NULL: none
    hh_neighbour_list near;     // of the latest call's prefixes
    hh_arena arena;
    hh_batch batch; // of the latest call
    hh_pass pass;
} hh_scorer;

bool hh_scorer_init(hh_scorer *scorer, const hh_network *network); // false: out of memory
// With the items' vectors of somebody who outlives it.
bool hh_scorer_init_with(hh_scorer *scorer, const hh_network *network, const float *x, const float *length);
void hh_scorer_free(hh_scorer *scorer);
// To be called when the network has changed; of one with vectors of its own.
void hh_scorer_refresh(hh_scorer *scorer);

// Reads the sessions: all prefixes that have a click after them, or with whole: each session as one. Their
// vectors are in scorer->pass.session [scorer->batch.prefixes x d].
bool hh_scorer_read(hh_scorer *scorer, const hh_session_view *sessions, size_t count, bool whole);
// logits [count x items] of the prefixes from `first` on, their biases included.
void hh_scorer_logits(hh_scorer *scorer, size_t first, size_t count, float *logits);

#endif
