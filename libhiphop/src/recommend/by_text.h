// Candidates for which nothing speaks but their description. The ranker has not learned of them, for it
// hardly ever sees what becomes of these; they are placed among those that it has ranked.
#ifndef RECOMMEND_BY_TEXT_H
#define RECOMMEND_BY_TEXT_H

#include <hiphop/ranker.h>

// Whether nothing speaks for a candidate but its description, and popularity. What the network says of an
// item of which the graph holds no click is what it makes of its description, too (or, where the graph has
// forgotten its clicks, what it still knows of them, and counts in the mixture's share). From the first click
// on, that is the ranker's to judge.
static inline bool hh_by_text_alone(const float shares[HH_EXPERTS])
{
    float popularity = 0, others = 0;
    for (int e = 0; e < HH_POPS; e++)
        popularity += shares[e];
    for (int e = HH_POPS; e < HH_EXPERT_NETWORK; e++)
        others += shares[e];
    return others == 0 && (popularity == 0 || shares[HH_EXPERT_NETWORK] == 0) &&
           shares[HH_EXPERT_INHERIT] + shares[HH_EXPERT_COSINE] > 0;
}

// Whether there may be such candidates.
static inline bool hh_any_by_text(const hh_votes *votes)
{
    return votes->mass[HH_EXPERT_INHERIT] + votes->mass[HH_EXPERT_COSINE] > 0;
}

// Scores of these among the ranker's. A ranker that is surer than the mixture gives its first few nearly all,
// and the share m that the mixture has given to an item by its description would no longer come before those
// that it came before. So it gets
//
//     max(m, sqrt(m p)),  p: the score that the ranker gave to the place that m has in the mixture's order
//
// (between two ranked candidates, and before the first: in proportion). mixture, scores [votes->count]: the
// mixture's, and the ranker's of the same shortlist (hh_ranker_scores), in which they are written.
void hh_place_by_text(hh_shortlist *shortlist, const hh_votes *votes, const float *mixture, float *scores);

#endif
