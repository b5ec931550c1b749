#include "shop_best.h"

#include <stdlib.h>
#include <string.h>

bool shop_best_init(shop_best *best, const shop_catalogue *catalogue)
{
    best->catalogue = catalogue;
    best->share = calloc(catalogue->items, sizeof *best->share);
    best->prior = calloc(catalogue->intents, sizeof *best->prior);
    if (best->share && best->prior)
        return true;
    shop_best_clear(best);
    return false;
}

void shop_best_clear(shop_best *best)
{
    free(best->share);
    free(best->prior);
    *best = (shop_best){0};
}

// Share of a member among what is visited next in its intent, from the member `from` (INTENT_MEMBERS: he
// comes from elsewhere).
static double within(const shop_catalogue *catalogue, uint32_t number, uint32_t from, uint32_t member)
{
    double popular = catalogue_member_share(catalogue, number, member);
    if (from == INTENT_MEMBERS)
        return popular;
    if (from == member)
        return 0;
    const shop_intent *intent = &catalogue->intent[number];
    double followed = 0;
    for (int i = 0; i < FOLLOWERS; i++)
        if (intent->followers[from][i] == member)
            followed = follower_share[i];
    return FOLLOW * followed + (1 - FOLLOW) * popular / (1 - catalogue_member_share(catalogue, number, from));
}

static void prior_of(const shop_best *best, const shop_taste *taste)
{
    double rest = taste->regular ? 1 - FIRST_FAVOURITE - SECOND_FAVOURITE : 1;
    for (uint32_t intent = 0; intent < best->catalogue->intents; intent++)
        best->prior[intent] = rest * catalogue_intent_share(best->catalogue, intent);
    if (taste->regular) {
        best->prior[taste->favourite[0]] += FIRST_FAVOURITE;
        best->prior[taste->favourite[1]] += SECOND_FAVOURITE;
    }
}

// share[items] of the next click, given what he is after: belief[intents].
static void predict(shop_best *best, const float *belief, const shop_trail *trail)
{
    const shop_catalogue *catalogue = best->catalogue;
    uint32_t others = trail->count - 1, at = trail->recent[others];
    double again = others > 0 ? AGAIN : 0, wander = (1 - again) * WANDER, follow = (1 - again) * (1 - WANDER);
    memset(best->share, 0, catalogue->items * sizeof *best->share);
    for (uint32_t number = 0; number < catalogue->intents; number++) {
        const shop_intent *intent = &catalogue->intent[number];
        uint32_t from = catalogue_member(catalogue, at, number);
        double strolling = wander * catalogue_intent_share(catalogue, number),
               going = follow * belief[number];
        for (uint32_t member = 0; member < intent->count; member++)
            best->share[intent->items[member]] +=
                strolling * catalogue_member_share(catalogue, number, member) +
                going * within(catalogue, number, from, member);
    }
    for (uint32_t i = 0; i < others; i++)
        best->share[trail->recent[i]] += again / others;
}

static uint32_t rank_of(const shop_best *best, uint32_t item)
{
    uint32_t rank = 0;
    for (uint32_t other = 0; other < best->catalogue->items; other++)
        rank += best->share[other] >= best->share[item];
    return rank;
}

// The share of `clicked` that no intent explains: looking back and wandering.
static double without_intent(const shop_catalogue *catalogue, const shop_trail *trail, uint32_t clicked)
{
    uint32_t others = trail->count > 0 ? trail->count - 1 : 0;
    double again = others > 0 ? AGAIN : 0, share = 0;
    const shop_item *item = &catalogue->item[clicked];
    for (uint32_t i = 0; i < item->places; i++)
        share += (1 - again) * WANDER * catalogue_intent_share(catalogue, item->place[i].intent) *
                 catalogue_member_share(catalogue, item->place[i].intent, item->place[i].member);
    for (uint32_t i = 0; i < others; i++)
        if (trail->recent[i] == clicked)
            share += again / others;
    return share;
}

// Bayes: what he is after, now that he has clicked.
static void learn(const shop_catalogue *catalogue, float *belief, const shop_trail *trail, uint32_t clicked)
{
    double again = trail->count > 1 ? AGAIN : 0, anyway = without_intent(catalogue, trail, clicked), sum = 0;
    for (uint32_t number = 0; number < catalogue->intents; number++) {
        uint32_t member = catalogue_member(catalogue, clicked, number);
        double likely = anyway;
        if (member != INTENT_MEMBERS) {
            uint32_t from = trail->count > 0
                                ? catalogue_member(catalogue, trail->recent[trail->count - 1], number)
                                : INTENT_MEMBERS;
            likely += (1 - again) * (1 - WANDER) * within(catalogue, number, from, member);
        }
        belief[number] = (float)(belief[number] * likely);
        sum += belief[number];
    }
    for (uint32_t number = 0; number < catalogue->intents; number++)
        belief[number] = (float)(belief[number] / sum);
}

void shop_best_see(shop_best *best, float *belief, const shop_taste *taste, const shop_trail *trail,
                   uint32_t clicked, uint32_t *rank, double *share)
{
    uint32_t intents = best->catalogue->intents;
    *rank = 0;
    *share = 0;
    prior_of(best, taste);
    for (uint32_t intent = 0; intent < intents; intent++)
        belief[intent] =
            (float)(trail->count == 0 ? best->prior[intent]
                                      : (1 - SWITCH) * belief[intent] + SWITCH * best->prior[intent]);
    if (trail->count > 0) {
        predict(best, belief, trail);
        *rank = rank_of(best, clicked);
        *share = best->share[clicked];
    }
    learn(best->catalogue, belief, trail, clicked);
}
