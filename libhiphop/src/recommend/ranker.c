// A ranker at work: the scores of a shortlist among those of all candidates.
#include "recommend/ranker_weights.h"

#include "nn/vector.h"

#include <stdlib.h>

#define FURTHEST 60.0f // behind the best, in nats; nothing is further

size_t hh_ranker_size(const hh_ranker_options *options)
{
    hh_ranker_shape shapes[RANKER_LAYERS];
    hh_ranker_shapes(options, shapes);
    size_t size = 0;
    for (int l = 0; l < RANKER_LAYERS; l++)
        size += shapes[l].rows * shapes[l].cols;
    return size;
}

hh_ranker *hh_ranker_zero(const hh_ranker_options *options)
{
    hh_ranker_shape shapes[RANKER_LAYERS];
    hh_ranker_shapes(options, shapes);
    hh_ranker *ranker = calloc(1, sizeof *ranker);
    float *block = calloc(hh_ranker_size(options), sizeof *block);
    if (!ranker || !block) {
        free(ranker);
        free(block);
        return NULL;
    }
    *ranker = (hh_ranker){.options = *options, .learned = HH_TIME_MIN};
    for (int l = 0; l < RANKER_LAYERS; l++) {
        ranker->layers[l] = block;
        block += shapes[l].rows * shapes[l].cols;
    }
    return ranker;
}

hh_ranker *hh_ranker_new(const hh_ranker_options *options, hh_error *error)
{
    if (hh_ranker_check(options, error))
        return NULL;
    hh_ranker *ranker = hh_ranker_zero(options);
    if (ranker)
        hh_ranker_start(options, ranker->layers);
    else
        hh_fail(error, HH_MEMORY, NULL);
    return ranker;
}

void hh_ranker_free(hh_ranker *ranker)
{
    if (!ranker)
        return;
    free(ranker->layers[0]);
    free(ranker);
}

bool hh_ranker_active(const hh_ranker *ranker)
{
    return ranker->active != 0;
}

hh_time hh_ranker_learned(const hh_ranker *ranker)
{
    return ranker->learned;
}

void hh_ranker_tensors(hh_ranker *ranker, hh_ranker_tensor tensors[HH_RANKER_TENSORS])
{
    _Static_assert(HH_RANKER_TENSORS == RANKER_LAYERS + 1, "the layers, and whether it is active");
    hh_ranker_shape shapes[RANKER_LAYERS];
    hh_ranker_shapes(&ranker->options, shapes);
    for (int l = 0; l < RANKER_LAYERS; l++)
        tensors[l] = (hh_ranker_tensor){shapes[l].name, shapes[l].rows, shapes[l].cols, ranker->layers[l]};
    tensors[RANKER_LAYERS] = (hh_ranker_tensor){"ranker.active", 1, 1, &ranker->active};
}

// ---- scores ----

// The network's scores become shares of `mass`.
static void share_out(float *scores, uint32_t count, float mass)
{
    float best = hh_largest(scores, count);
    for (uint32_t i = 0; i < count; i++)
        scores[i] = scores[i] - best > -FURTHEST ? scores[i] - best : -FURTHEST;
    hh_exp_all(scores, count);
    float part = mass / hh_sum(scores, count);
    for (uint32_t i = 0; i < count; i++)
        scores[i] *= part;
}

void hh_ranker_scores(const hh_ranker *ranker, const hh_shortlist *shortlist, const float *mixture,
                      size_t count, float *scores)
{
    uint32_t ranked = shortlist->count;
    if (!hh_ranker_active(ranker) || ranked == 0) {
        if (count)
            memcpy(scores, mixture, count * sizeof *scores);
        return;
    }
    float *own = shortlist->scores, least = 0;
    hh_ranker_example example = hh_shortlist_example(shortlist);
    hh_ranker_forward(ranker->layers, &example, NULL, own);
    share_out(own, ranked, hh_sum(shortlist->mixture, ranked));
    for (uint32_t i = 0; i < ranked; i++)
        least = i == 0 || own[i] < least ? own[i] : least;
    // Those that are not ranked have no more than `most` by the mixture, and must stay below `least`.
    float behind = shortlist->most > 0 ? 0.5f * least / shortlist->most : 0;
    behind = behind < 1 ? behind : 1;
    for (size_t i = 0; i < count; i++)
        scores[i] = behind * mixture[i];
    for (uint32_t i = 0; i < ranked; i++)
        scores[shortlist->rows[i]] = own[i];
}
