// How much the second of two terms of a score shall count:
//
//     score(v) = first(v) + factor * second(v)
//
// Of a few factors, the one whose lists have been the best so far by HR@20 + MRR@20, over clicks that were
// each foreseen before they were learned from. A likelihood does not find it: it fears nothing but clicks
// that hardly anybody foresaw, which are on no list anyway.
#ifndef RECOMMEND_BALANCE_H
#define RECOMMEND_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HH_FACTORS 11 // at most

typedef struct hh_balance {
    const double *factor; // [count], rising; the caller's
    int count;
    uint64_t lessons;           // clicks that were candidates
    double worth[HH_FACTORS];   // summed up
    double squares[HH_FACTORS]; // of how much more each click was worth by this factor than by the first one
} hh_balance;

// Candidates of a list whose click may not have come yet; all zero is an empty one.
typedef struct hh_two_terms {
    size_t count, items_room, room;
    uint32_t *item;        // [count]
    float *first, *second; // [count], end to end
} hh_two_terms;

// Room for so many candidates, whose terms the caller fills in: count, item, first, second. false: out of
// memory, and it is empty.
bool hh_two_terms_make(hh_two_terms *terms, size_t count);
void hh_two_terms_free(hh_two_terms *terms);

hh_balance hh_balance_new(const double *factor, int count);
// This item was clicked. false: it was no candidate, and nothing was learned.
bool hh_balance_learn(hh_balance *balance, const hh_two_terms *terms, uint32_t clicked);
// The best one so far.
double hh_balance_best(const hh_balance *balance);
// The same, but the first one where what is gained over it is not more than so many times its standard error.
double hh_balance_surely_best(const hh_balance *balance, double errors);

#endif
