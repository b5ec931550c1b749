#include "recommend/mix.h"
#include "wide.h"

#include <math.h>
#include <string.h>

#define LAST (HH_EXPERTS - 8) // where a row's last eight shares begin

_Static_assert(HH_EXPERTS >= 8 && HH_EXPERTS <= 16,
               "a row is its first eight shares and its last, which may overlap");

HH_WIDE float hh_mix(const double weights[HH_EXPERTS], const float (*shares)[HH_EXPERTS], size_t count,
                     float *scores)
{
    float by_first[8], by_last[8];
    for (int e = 0; e < 8; e++) {
        by_first[e] = e == HH_EXPERT_NETWORK ? 0 : (float)weights[e];
        by_last[e] = LAST + e < 8 || LAST + e == HH_EXPERT_NETWORK ? 0 : (float)weights[LAST + e];
    }
    float by_network = (float)weights[HH_EXPERT_NETWORK];
    double plain = 0, all = 0;
    hh_eight of_first, of_last, first, last;
    memcpy(&of_first, by_first, sizeof of_first);
    memcpy(&of_last, by_last, sizeof of_last);
    for (size_t i = 0; i < count; i++) {
        memcpy(&first, shares[i], sizeof first);
        memcpy(&last, shares[i] + LAST, sizeof last);
        first = first * of_first + last * of_last;
        hh_four four = __builtin_shufflevector(first, first, 0, 1, 2, 3) +
                       __builtin_shufflevector(first, first, 4, 5, 6, 7);
        hh_four two = four + __builtin_shufflevector(four, four, 2, 3, 2, 3);
        float graph = two[0] + two[1], network = by_network * shares[i][HH_EXPERT_NETWORK],
              trusted = HH_NETWORK_TRUST * network;
        scores[i] = network > 0 ? graph + trusted + 2 * sqrtf(graph * trusted) : graph;
        plain += graph + network;
        all += scores[i];
    }
    return all > plain ? (float)(plain / all) : 1;
}
