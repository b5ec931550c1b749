#include "recommend/by_text.h"

#include "recommend/ranker_inputs.h"

#include <math.h>
#include <stdlib.h>

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

// The score of a share's place; 0: behind all that are ranked. mixture, ranked [count]: both from most to
// least.
static float score_of_place(float share, const float *mixture, const float *ranked, uint32_t count)
{
    if (count == 0 || share < mixture[count - 1])
        return 0;
    uint32_t place = 0;
    while (mixture[place] > share)
        place++;
    if (place == 0) // and no more than both together, so that no score is above 1
        return fminf(ranked[0] * (share / mixture[0]), ranked[0] + share);
    float part = (share - mixture[place]) / (mixture[place - 1] - mixture[place]);
    return ranked[place] + part * (ranked[place - 1] - ranked[place]);
}

void hh_place_by_text(hh_shortlist *shortlist, const hh_votes *votes, const float *mixture, float *scores)
{
    if (!hh_any_by_text(votes))
        return;
    uint32_t count = shortlist->count;
    float *shares = shortlist->sorted, *ranked = shares + shortlist->options.candidates;
    for (uint32_t i = 0; i < count; i++) {
        shares[i] = shortlist->mixture[i];
        ranked[i] = scores[shortlist->rows[i]];
    }
    qsort(shares, count, sizeof *shares, descending);
    qsort(ranked, count, sizeof *ranked, descending);
    for (size_t i = 0; i < votes->count; i++)
        if (hh_by_text_alone(votes->shares[i])) {
            float place = score_of_place(mixture[i], shares, ranked, count);
            scores[i] = fmaxf(mixture[i], sqrtf(mixture[i] * place));
        }
}
