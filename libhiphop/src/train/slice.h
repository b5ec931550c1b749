// The inside of hh_slice (<hiphop/gate.h>): a ring of trials.
#ifndef TRAIN_SLICE_H
#define TRAIN_SLICE_H

#include <hiphop/gate.h>

struct hh_slice {
    bool hide;
    uint32_t room, first, count;
    hh_gate_trial trial[];
};

static inline const hh_gate_trial *hh_slice_at(const hh_slice *slice, uint32_t i)
{
    return &slice->trial[(slice->first + (size_t)i) % slice->room];
}

#endif
