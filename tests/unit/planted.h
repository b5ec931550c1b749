// Sessions with a pattern to be learned: after item i comes i + 1, seldom something else.
#ifndef PLANTED_H
#define PLANTED_H

#include "nn/random.h"

#include <criterion/criterion.h>
#include <hiphop/train.h>
#include <stdlib.h>

typedef struct planted {
    hh_train_data data;
    uint32_t *item, *first;
} planted;

static inline planted plant(uint32_t sessions, uint32_t items, uint64_t seed)
{
    planted it = {.item = malloc((size_t)sessions * 9 * sizeof(uint32_t)),
                  .first = malloc((sessions + (size_t)1) * sizeof(uint32_t))};
    cr_assert(it.item && it.first);
    hh_random random = {seed};
    it.first[0] = 0;
    for (uint32_t s = 0; s < sessions; s++) {
        uint32_t length = 1 + hh_random_below(&random, 9), item = hh_random_below(&random, items);
        for (uint32_t i = 0; i < length; i++) {
            it.item[it.first[s] + i] = item;
            item = hh_random_below(&random, 10) == 0 ? hh_random_below(&random, items) : (item + 1) % items;
        }
        it.first[s + 1] = it.first[s] + length;
    }
    it.data = (hh_train_data){sessions, items, it.item, it.first};
    return it;
}

static inline void uproot(planted *it)
{
    free(it->item);
    free(it->first);
}

static inline hh_train_options small_training(void)
{
    hh_train_options options = hh_train_defaults();
    options.network.d = 16;
    options.epochs = 3;
    options.batch = 64;
    options.warm_up = 10;
    options.rate = 0.01f;
    return options;
}

#endif
