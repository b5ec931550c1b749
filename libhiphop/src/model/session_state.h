// A running session, click by click: the network's states of its nodes are kept, and a click settles two of
// them anew, that of its own item and that of the item before. One thread each.
#ifndef MODEL_SESSION_STATE_H
#define MODEL_SESSION_STATE_H

#include "model/network.h"

typedef struct hh_session_state hh_session_state;

// x [items x d]: the items' vectors, by hh_items_vectors; both outlive the state. NULL: out of memory.
hh_session_state *hh_session_state_new(const hh_network *network, const float *x);
void hh_session_state_free(hh_session_state *state);                 // may be NULL
void hh_session_state_clear(hh_session_state *state);                // no click yet; its memory is kept
bool hh_session_state_click(hh_session_state *state, uint32_t item); // false: out of memory, nothing changed
// h [d] of the clicks so far, of which there must be one: what hh_pass_forward makes of the same session.
void hh_session_state_vector(hh_session_state *state, float *h);

#endif
