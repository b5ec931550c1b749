// What the shop sells: items, the intents they serve, and how popular each is just now. Part of the shop
// (shop.h), shared by what draws clicks (shop.c) and what knows their probabilities (shop_best.c).
//
// An item here is a place on the shelf (0 .. items-1): a withdrawn item's place goes to its successor, under
// a new serial number. Popularity is a Zipf distribution over ranks; drift only swaps who has which rank, so
// that the distribution itself never needs to be worked out anew.
#ifndef CLI_SHOP_CATALOGUE_H
#define CLI_SHOP_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

// ---- chance: a seeded generator (splitmix64), a state of its own for each purpose ----
struct chance {
    uint64_t state;
};
uint64_t chance_bits(struct chance *chance);
double chance_share(struct chance *chance);                   // [0, 1)
uint32_t chance_below(struct chance *chance, uint32_t limit); // 0 .. limit-1
double chance_waiting(struct chance *chance, double mean);    // exponential
uint64_t chance_hash(uint64_t seed, uint64_t number);         // a number that belongs to `number`

#define INTENT_HOME    20 // items that an intent has for itself, at least ...
#define INTENT_GUESTS  10 // ... and items of other intents that serve it too
#define INTENT_MEMBERS (2 * INTENT_HOME + INTENT_GUESTS)
#define FOLLOWERS      3 // items that tend to follow an item, in one intent
#define PLACES         4 // intents that an item serves, at most

typedef struct shop_intent {
    uint32_t count;                               // of members, 20 .. INTENT_MEMBERS
    uint32_t items[INTENT_MEMBERS];               // [count] member -> item
    uint8_t members[INTENT_MEMBERS];              // [count] rank -> member
    uint8_t ranks[INTENT_MEMBERS];                // [count] member -> rank, 0 = the most popular
    uint8_t followers[INTENT_MEMBERS][FOLLOWERS]; // [count] member -> members, none twice, not itself
} shop_intent;

typedef struct shop_item {
    uint64_t serial; // 1 and up; no two items ever on sale share one
    uint32_t home;   // the intent it belongs to
    uint32_t places; // of place[]
    struct {
        uint32_t intent;
        uint32_t member;
    } place[PLACES];
} shop_item;

typedef struct shop_catalogue {
    uint32_t items, intents;
    shop_item *item;     // [items]
    shop_intent *intent; // [intents]
    uint32_t *by_rank;   // [intents] rank -> intent
    uint32_t *rank;      // [intents] intent -> rank
    double *share;       // [intents] rank -> share of the visits
    double *up_to;       // [intents] rank -> sum of the shares up to and including it
    // Zipf within intents, by number of members: share and running sum of a rank
    double zipf_share[INTENT_MEMBERS + 1][INTENT_MEMBERS];
    double zipf_up_to[INTENT_MEMBERS + 1][INTENT_MEMBERS];
    uint64_t serials; // given out
} shop_catalogue;

extern const double follower_share[FOLLOWERS]; // sums to 1

bool catalogue_init(shop_catalogue *catalogue, uint32_t items, struct chance *chance); // false: out of memory
void catalogue_clear(shop_catalogue *catalogue);

uint32_t catalogue_draw_intent(const shop_catalogue *catalogue, struct chance *chance); // by popularity
uint32_t catalogue_draw_member(const shop_intent *intent, const shop_catalogue *catalogue,
                               struct chance *chance);
// The member that an item is of an intent; INTENT_MEMBERS: none.
uint32_t catalogue_member(const shop_catalogue *catalogue, uint32_t item, uint32_t intent);
// A member's share of the visits to its intent, and an intent's of all visits.
double catalogue_member_share(const shop_catalogue *catalogue, uint32_t intent, uint32_t member);
double catalogue_intent_share(const shop_catalogue *catalogue, uint32_t intent);

// Popularity changes hands once: mostly between two items of an intent, now and then between two intents.
void catalogue_drift(shop_catalogue *catalogue, struct chance *chance);
// The item goes; another one takes its place, with new habits.
void catalogue_replace(shop_catalogue *catalogue, uint32_t item, struct chance *chance);

#endif
