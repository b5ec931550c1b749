// What the mixture's weights make of the experts' shares: of those of the graph a sum, and of that and the
// network's share
//
//     (sqrt(graph) + sqrt(t network))^2 = graph + t network + 2 sqrt(graph t network),  t = HH_NETWORK_TRUST
//
// so that an item counts for more where both speak for it. They err in different ways; the graph's experts,
// which go by the same sessions, do not. Not scaled: what an item has does not depend on the other
// candidates.
#ifndef RECOMMEND_MIX_H
#define RECOMMEND_MIX_H

#include <hiphop/recommend.h>

// scores[count]: of candidates. Returns what makes shares of next clicks of them: a factor that lets them sum
// up to what the plain sum of all experts gives these candidates.
float hh_mix(const double weights[HH_EXPERTS], const float (*shares)[HH_EXPERTS], size_t count,
             float *scores);

#endif
