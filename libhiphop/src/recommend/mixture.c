// The mixture of the experts: p(v) = sum over e of w_e p_e(v). The weights are learned by EM, one step for
// each click that had a list: what share of the click's probability each expert accounts for, averaged over
// time.
//
// Which expert knows best depends on how much the session has told, so each length of session has weights of
// its own, up to CONTEXTS - 1.
#include <hiphop/recommend.h>

#include <stdatomic.h>
#include <stdlib.h>

#define CONTEXTS 6
#define PRIOR    50.0    // clicks that the starting weights count for
#define MEMORY   20000.0 // clicks over which old ones fade, so that the weights follow drift

struct hh_mixture {
    _Atomic double weights[CONTEXTS][HH_EXPERTS];
    double learned[CONTEXTS];
};

hh_mixture *hh_mixture_new(void)
{
    hh_mixture *mixture = calloc(1, sizeof *mixture);
    for (int c = 0; mixture && c < CONTEXTS; c++)
        for (int e = 0; e < HH_EXPERTS; e++)
            atomic_init(&mixture->weights[c][e], 1.0 / HH_EXPERTS);
    return mixture;
}

void hh_mixture_free(hh_mixture *mixture)
{
    free(mixture);
}

static size_t context_of(size_t length)
{
    return length < CONTEXTS ? length : CONTEXTS - 1;
}

void hh_mixture_learn(hh_mixture *mixture, const hh_votes *votes, hh_item clicked)
{
    size_t row = 0, context = context_of(votes->length);
    while (row < votes->count && votes->items[row] != clicked)
        row++;
    if (row == votes->count)
        return;
    double parts[HH_EXPERTS], sum = 0;
    for (int e = 0; e < HH_EXPERTS; e++) {
        parts[e] =
            atomic_load_explicit(&mixture->weights[context][e], memory_order_relaxed) * votes->shares[row][e];
        sum += parts[e];
    }
    if (!(sum > 0))
        return;
    double known = mixture->learned[context] + PRIOR, rate = 1 / (known < MEMORY ? known : MEMORY);
    mixture->learned[context]++;
    for (int e = 0; e < HH_EXPERTS; e++) {
        double weight = atomic_load_explicit(&mixture->weights[context][e], memory_order_relaxed);
        weight += rate * (parts[e] / sum - weight);
        // A floor, so that an expert that was useless can come back.
        atomic_store_explicit(&mixture->weights[context][e], weight > 1e-4 ? weight : 1e-4,
                              memory_order_relaxed);
    }
}

void hh_mixture_weights(const hh_mixture *mixture, size_t length, double weights[HH_EXPERTS])
{
    double sum = 0;
    for (int e = 0; e < HH_EXPERTS; e++)
        sum += weights[e] =
            atomic_load_explicit(&mixture->weights[context_of(length)][e], memory_order_relaxed);
    for (int e = 0; e < HH_EXPERTS; e++)
        weights[e] /= sum;
}

void hh_mixture_scores(const hh_mixture *mixture, const hh_votes *votes, float *scores)
{
    double exact[HH_EXPERTS];
    float weights[HH_EXPERTS];
    hh_mixture_weights(mixture, votes->length, exact);
    for (int e = 0; e < HH_EXPERTS; e++)
        weights[e] = (float)exact[e];
    for (size_t i = 0; i < votes->count; i++) {
        float score = 0;
        for (int e = 0; e < HH_EXPERTS; e++)
            score += weights[e] * votes->shares[i][e];
        scores[i] = score;
    }
}
