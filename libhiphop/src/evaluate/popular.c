// Forward decay: nothing changes between clicks, and a click moves its item up and no other, so the best are
// kept in order at next to no cost.
#include "evaluate/popular.h"

#include <math.h>
#include <stdlib.h>

#define MAX_EXPONENT 400 // 2^400 is far from the end of a double; then all weights are scaled down

bool hh_popular_init(hh_popular *self, uint32_t items, double half_life)
{
    self->items = items;
    self->half_life = half_life;
    self->started = false;
    self->count = 0;
    self->weights = calloc((size_t)items + 1, sizeof *self->weights);
    return self->weights != NULL;
}

void hh_popular_free(hh_popular *self)
{
    free(self->weights);
}

static double exponent_at(hh_popular *self, hh_time time)
{
    if (self->half_life <= 0)
        return 0;
    if (!self->started)
        self->origin = time;
    self->started = true;
    double exponent = (double)(time - self->origin) / self->half_life;
    if (exponent > MAX_EXPONENT) {
        double scale = exp2(-exponent);
        for (uint32_t item = 0; item < self->items; item++)
            self->weights[item] *= scale;
        self->origin = time;
        exponent = 0;
    }
    return exponent;
}

void hh_popular_learn(hh_popular *self, uint32_t item, hh_time time)
{
    self->weights[item] += exp2(exponent_at(self, time));
    uint32_t at = 0; // its place among the best, or the end of them
    while (at < self->count && self->top[at] != item)
        at++;
    if (at == self->count) {
        if (self->count < POPULAR_TOP)
            self->count++;
        else if (self->weights[item] <= self->weights[self->top[POPULAR_TOP - 1]])
            return;
        else
            at--;
    }
    for (; at > 0 && self->weights[self->top[at - 1]] < self->weights[item]; at--)
        self->top[at] = self->top[at - 1];
    self->top[at] = item;
}

void hh_popular_scores(const hh_popular *self, float scores[POPULAR_TOP])
{
    for (uint32_t i = 0; i < self->count; i++) {
        bool tie = i > 0 && self->weights[self->top[i]] == self->weights[self->top[i - 1]];
        scores[i] = tie ? scores[i - 1] : (float)(POPULAR_TOP - i);
    }
}
