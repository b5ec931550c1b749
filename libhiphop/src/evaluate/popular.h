// What is popular: clicks so far, each counted with 2^(-age / half-life), the best of them kept in order.
#ifndef EVALUATE_POPULAR_H
#define EVALUATE_POPULAR_H

#include <hiphop/time.h>
#include <stdbool.h>
#include <stdint.h>

#define POPULAR_TOP 256 // more than a list needs, as long as a session hides fewer than POPULAR_TOP - HH_LIST

typedef struct hh_popular {
    uint32_t items;
    double half_life; // ms; 0: forever
    hh_time origin;   // t0: a click at time t adds 2^((t - t0) / half-life)
    bool started;
    double *weights;           // [items]
    uint32_t top[POPULAR_TOP]; // [count], best first
    uint32_t count;
} hh_popular;

bool hh_popular_init(hh_popular *self, uint32_t items, double half_life);
void hh_popular_free(hh_popular *self);
void hh_popular_learn(hh_popular *self, uint32_t item, hh_time time);
// Places as scores: POPULAR_TOP for the best, falling; equal weights have equal scores. The order and the
// ties are all that matters, and decayed weights leave a float's range.
void hh_popular_scores(const hh_popular *self, float scores[POPULAR_TOP]);

#endif
