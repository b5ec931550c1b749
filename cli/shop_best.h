// The best guess there is: the next-item distribution of one who knows how the shop works (its probabilities,
// not what a visitor has in mind) and has seen the session so far. It is exact: the session is a hidden
// Markov chain of intents, and this is its forward algorithm. Part of the shop (shop.h).
#ifndef CLI_SHOP_BEST_H
#define CLI_SHOP_BEST_H

#include "shop_catalogue.h"

// How visitors behave; shop.c draws by these and shop_best.c reckons with them.
#define SWITCH 0.04 // before a click: forgets what he wanted, wants something else
#define AGAIN  0.06 // looks at one of the last items of the session again (not the one he is at)
#define WANDER 0.05 // looks at anything that is popular
#define FOLLOW 0.60 // goes where people go from here; else: what is popular in the intent
#define RECENT 6    // distinct items that a visitor remembers

// What a session shows.
typedef struct shop_trail {
    uint32_t count;          // of recent[]
    uint32_t recent[RECENT]; // distinct items, the one he is at last
} shop_trail;

// What a visitor comes for: two favourites of his own, else what is popular.
#define FIRST_FAVOURITE  0.35
#define SECOND_FAVOURITE 0.15
typedef struct shop_taste {
    bool regular;
    uint32_t favourite[2];
} shop_taste;

typedef struct shop_best {
    const shop_catalogue *catalogue;
    double *share; // [items] scratch
    double *prior; // [intents] scratch
} shop_best;

bool shop_best_init(shop_best *best, const shop_catalogue *catalogue); // false: out of memory
void shop_best_clear(shop_best *best);

// belief: [intents], of the session, what he is after given the trail; begun by the first click (trail
// empty), carried on by every later one. Before a later click is taken in, it is graded: rank among all items
// (ties against it) and share. The first click gets rank 0.
void shop_best_see(shop_best *best, float *belief, const shop_taste *taste, const shop_trail *trail,
                   uint32_t clicked, uint32_t *rank, double *share);

#endif
