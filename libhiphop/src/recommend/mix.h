// What the mixture's weights make of the experts' shares.
#ifndef RECOMMEND_MIX_H
#define RECOMMEND_MIX_H

#include <hiphop/recommend.h>

// scores[count]: the sums of the shares times the weights.
static inline void hh_mix(const double weights[HH_EXPERTS], const float (*shares)[HH_EXPERTS], size_t count,
                          float *scores)
{
    float exact[HH_EXPERTS];
    for (int e = 0; e < HH_EXPERTS; e++)
        exact[e] = (float)weights[e];
    for (size_t i = 0; i < count; i++) {
        float score = 0;
        for (int e = 0; e < HH_EXPERTS; e++)
            score += exact[e] * shares[i][e];
        scores[i] = score;
    }
}

#endif
