// A mixture where nothing more will be learned: what it has come to, and as numbers, to be kept in a file and
// made again.
#ifndef RECOMMEND_MIXTURE_NUMBERS_H
#define RECOMMEND_MIXTURE_NUMBERS_H

#include "recommend/context.h"

// Puts aside what was learned since the latest snapshot, so that it is asked by all.
void hh_mixture_settle(hh_mixture *mixture);
// What it has learned so far, the latest lesson included: the table that its weights come from, and
// hh_mixture_mean.
void hh_mixture_numbers(const hh_mixture *mixture, float logits[CONTEXTS][HH_MIXED_EXPERTS],
                        float mean[HH_EXPERTS]);
// One with these weights as of any time; NULL when out of memory.
hh_mixture *hh_mixture_of(const float logits[CONTEXTS][HH_MIXED_EXPERTS]);

#endif
