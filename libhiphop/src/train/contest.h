// A contender of the gate on a slice: the graph's lists alone, or mixed with those of a network.
#ifndef TRAIN_CONTEST_H
#define TRAIN_CONTEST_H

#include <hiphop/gate.h>

typedef struct hh_contest {       // of one contender
    hh_gate_figures mixed, alone; // alone: the network
    double weight;
    double *mixed_ndcg, *alone_ndcg; // [trials] of each; owned
} hh_contest;

// model NULL: the graph alone, mixed is all there is. false: out of memory.
bool hh_contest_run(hh_contest *contest, const hh_slice *slice, hh_row_of *row_of, void *context,
                    const hh_model *model);
void hh_contest_free(hh_contest *contest); // all zero is none

#endif
