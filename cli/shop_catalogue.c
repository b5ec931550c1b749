#include "shop_catalogue.h"

#include <math.h>
#include <stdlib.h>

const double follower_share[FOLLOWERS] = {0.6, 0.3, 0.1};

// Zipf exponents: a few items of an intent have most of its clicks; intents differ less.
#define ITEM_EXPONENT   0.9
#define INTENT_EXPONENT 0.7

// ---- chance ----

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t chance_bits(struct chance *chance)
{
    return mix(chance->state += 0x9e3779b97f4a7c15u);
}

double chance_share(struct chance *chance)
{
    return (double)(chance_bits(chance) >> 11) * 0x1p-53;
}

uint32_t chance_below(struct chance *chance, uint32_t limit)
{
    return (uint32_t)(((chance_bits(chance) >> 32) * limit) >> 32);
}

double chance_waiting(struct chance *chance, double mean)
{
    return -mean * log1p(-chance_share(chance));
}

uint64_t chance_hash(uint64_t seed, uint64_t number)
{
    return mix(mix(seed + 0x9e3779b97f4a7c15u) ^ (number * 0xd6e8feb86659fd93u));
}

// ---- Zipf ----

static void zipf(uint32_t count, double exponent, double *share, double *up_to)
{
    double sum = 0, running = 0;
    for (uint32_t rank = 0; rank < count; rank++)
        sum += share[rank] = pow(rank + 1.0, -exponent);
    for (uint32_t rank = 0; rank < count; rank++) {
        share[rank] /= sum;
        up_to[rank] = running += share[rank];
    }
}

// The first rank whose running sum is above the share.
static uint32_t draw_rank(const double *up_to, uint32_t count, double share)
{
    uint32_t low = 0, high = count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (up_to[middle] > share)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

// ---- building ----

static void draw_followers(shop_intent *intent, uint32_t member, struct chance *chance)
{
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        uint8_t follower;
        bool taken;
        do {
            follower = (uint8_t)chance_below(chance, intent->count);
            taken = follower == member;
            for (uint32_t j = 0; j < i; j++)
                taken |= intent->followers[member][j] == follower;
        } while (taken);
        intent->followers[member][i] = follower;
    }
}

static void add_member(shop_catalogue *catalogue, uint32_t number, uint32_t item)
{
    shop_intent *intent = &catalogue->intent[number];
    shop_item *it = &catalogue->item[item];
    uint32_t member = intent->count++;
    intent->items[member] = item;
    intent->members[member] = intent->ranks[member] = (uint8_t)member;
    it->place[it->places].intent = number;
    it->place[it->places++].member = member;
}

static void swap_ranks(shop_intent *intent, uint8_t one, uint8_t other)
{
    uint8_t member = intent->members[one];
    intent->members[one] = intent->members[other];
    intent->members[other] = member;
    intent->ranks[intent->members[one]] = one;
    intent->ranks[intent->members[other]] = other;
}

static void swap_intents(shop_catalogue *catalogue, uint32_t one, uint32_t other)
{
    uint32_t intent = catalogue->by_rank[one];
    catalogue->by_rank[one] = catalogue->by_rank[other];
    catalogue->by_rank[other] = intent;
    catalogue->rank[catalogue->by_rank[one]] = one;
    catalogue->rank[catalogue->by_rank[other]] = other;
}

static void lend_items(shop_catalogue *catalogue, uint32_t number, struct chance *chance)
{
    // Few tries: in a small shop there may be no more items to lend.
    uint32_t wanted = catalogue->intent[number].count + INTENT_GUESTS;
    for (uint32_t try = 0; try < 8 * INTENT_GUESTS && catalogue->intent[number].count < wanted; try++) {
        uint32_t item = chance_below(chance, catalogue->items);
        if (catalogue->item[item].places < PLACES &&
            catalogue_member(catalogue, item, number) == INTENT_MEMBERS)
            add_member(catalogue, number, item);
    }
}

static void fill(shop_catalogue *catalogue, struct chance *chance)
{
    for (uint32_t item = 0; item < catalogue->items; item++) {
        catalogue->item[item].serial = ++catalogue->serials;
        catalogue->item[item].home = item % catalogue->intents;
        add_member(catalogue, item % catalogue->intents, item);
    }
    for (uint32_t number = 0; number < catalogue->intents; number++) {
        shop_intent *intent = &catalogue->intent[number];
        lend_items(catalogue, number, chance);
        for (uint32_t rank = intent->count - 1; rank > 0; rank--)
            swap_ranks(intent, (uint8_t)rank, (uint8_t)chance_below(chance, rank + 1));
        for (uint32_t member = 0; member < intent->count; member++)
            draw_followers(intent, member, chance);
        catalogue->by_rank[number] = catalogue->rank[number] = number;
    }
    for (uint32_t rank = catalogue->intents - 1; rank > 0; rank--)
        swap_intents(catalogue, rank, chance_below(chance, rank + 1));
}

bool catalogue_init(shop_catalogue *catalogue, uint32_t items, struct chance *chance)
{
    uint32_t intents = items / INTENT_HOME;
    *catalogue = (shop_catalogue){.items = items, .intents = intents};
    catalogue->item = calloc(items, sizeof *catalogue->item);
    catalogue->intent = calloc(intents, sizeof *catalogue->intent);
    catalogue->by_rank = calloc(intents, sizeof *catalogue->by_rank);
    catalogue->rank = calloc(intents, sizeof *catalogue->rank);
    catalogue->share = calloc(intents, sizeof *catalogue->share);
    catalogue->up_to = calloc(intents, sizeof *catalogue->up_to);
    if (!catalogue->item || !catalogue->intent || !catalogue->by_rank || !catalogue->rank ||
        !catalogue->share || !catalogue->up_to) {
        catalogue_clear(catalogue);
        return false;
    }
    zipf(intents, INTENT_EXPONENT, catalogue->share, catalogue->up_to);
    for (uint32_t count = 1; count <= INTENT_MEMBERS; count++)
        zipf(count, ITEM_EXPONENT, catalogue->zipf_share[count], catalogue->zipf_up_to[count]);
    fill(catalogue, chance);
    return true;
}

void catalogue_clear(shop_catalogue *catalogue)
{
    free(catalogue->item);
    free(catalogue->intent);
    free(catalogue->by_rank);
    free(catalogue->rank);
    free(catalogue->share);
    free(catalogue->up_to);
    *catalogue = (shop_catalogue){0};
}

// ---- looking ----

uint32_t catalogue_draw_intent(const shop_catalogue *catalogue, struct chance *chance)
{
    return catalogue->by_rank[draw_rank(catalogue->up_to, catalogue->intents, chance_share(chance))];
}

uint32_t catalogue_draw_member(const shop_intent *intent, const shop_catalogue *catalogue,
                               struct chance *chance)
{
    return intent
        ->members[draw_rank(catalogue->zipf_up_to[intent->count], intent->count, chance_share(chance))];
}

uint32_t catalogue_member(const shop_catalogue *catalogue, uint32_t item, uint32_t intent)
{
    const shop_item *it = &catalogue->item[item];
    for (uint32_t i = 0; i < it->places; i++)
        if (it->place[i].intent == intent)
            return it->place[i].member;
    return INTENT_MEMBERS;
}

double catalogue_member_share(const shop_catalogue *catalogue, uint32_t number, uint32_t member)
{
    const shop_intent *intent = &catalogue->intent[number];
    return catalogue->zipf_share[intent->count][intent->ranks[member]];
}

double catalogue_intent_share(const shop_catalogue *catalogue, uint32_t intent)
{
    return catalogue->share[catalogue->rank[intent]];
}

// ---- change ----

void catalogue_drift(shop_catalogue *catalogue, struct chance *chance)
{
    // As often as ranks are there: an intent changes places once for all its members' changes.
    if (chance_below(chance, INTENT_HOME + INTENT_GUESTS) == 0) {
        uint32_t one = chance_below(chance, catalogue->intents);
        swap_intents(catalogue, one, chance_below(chance, catalogue->intents));
        return;
    }
    shop_intent *intent = &catalogue->intent[chance_below(chance, catalogue->intents)];
    uint32_t one = chance_below(chance, intent->count);
    swap_ranks(intent, (uint8_t)one, (uint8_t)chance_below(chance, intent->count));
}

void catalogue_replace(shop_catalogue *catalogue, uint32_t item, struct chance *chance)
{
    shop_item *it = &catalogue->item[item];
    it->serial = ++catalogue->serials;
    for (uint32_t i = 0; i < it->places; i++) {
        shop_intent *intent = &catalogue->intent[it->place[i].intent];
        swap_ranks(intent, intent->ranks[it->place[i].member], (uint8_t)chance_below(chance, intent->count));
        draw_followers(intent, it->place[i].member, chance);
    }
}
