// What the mixture's weights make of the experts' shares.
#ifndef RECOMMEND_MIX_H
#define RECOMMEND_MIX_H

#include <hiphop/recommend.h>

// scores[count]: the sums of the shares times the weights.
void hh_mix(const double weights[HH_EXPERTS], const float (*shares)[HH_EXPERTS], size_t count, float *scores);

#endif
