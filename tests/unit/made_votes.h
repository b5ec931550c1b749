// Votes that nobody has cast, for tests of the ranker: on CANDIDATES items, by a seed; the mixture is their
// mean.
#ifndef MADE_VOTES_H
#define MADE_VOTES_H

#include <criterion/criterion.h>
#include <hiphop/ranker.h>
#include <math.h>
#include <stdlib.h>

#define CANDIDATES 300

typedef struct votes_made {
    hh_item items[CANDIDATES], session[2];
    float shares[CANDIDATES][HH_EXPERTS], mixture[CANDIDATES];
    hh_evidence evidence[CANDIDATES];
    hh_votes votes;
    hh_query query;
} votes_made;

static inline float noise(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (float)(*seed >> 40) * 0x1p-24f;
}

static inline void mix(votes_made *made)
{
    for (int i = 0; i < CANDIDATES; i++) {
        made->mixture[i] = 0;
        for (int e = 0; e < HH_EXPERTS; e++)
            made->mixture[i] += made->shares[i][e] / HH_EXPERTS;
    }
}

static inline votes_made *votes_of(uint64_t seed)
{
    votes_made *made = calloc(1, sizeof *made);
    for (int i = 0; i < CANDIDATES; i++) {
        made->items[i] = 1000 + (hh_item)i;
        made->evidence[i] = (hh_evidence){.neighbours = (uint32_t)(9 * noise(&seed)),
                                          .followed = (uint32_t)(3 * noise(&seed)),
                                          .alike = HH_ITEM_NONE};
        for (int e = 0; e < HH_EXPERTS; e++)
            made->shares[i][e] = noise(&seed) < 0.5f ? 0 : powf(noise(&seed), 8) / 30;
    }
    mix(made);
    made->session[0] = made->items[7];
    made->session[1] = made->items[20];
    made->query = (hh_query){.items = made->session, .length = 2};
    made->votes = (hh_votes){.count = CANDIDATES,
                             .items = made->items,
                             .shares = (const float(*)[HH_EXPERTS])made->shares,
                             .evidence = made->evidence,
                             .length = 2,
                             .neighbours = 40,
                             .last_popularity = {0.1f, 0.01f, 0},
                             .last_clicks = 12};
    return made;
}

static inline hh_shortlist *list_of(const hh_ranker_options *options, const votes_made *made)
{
    hh_error error;
    hh_shortlist *shortlist = hh_shortlist_new(options, &error);
    cr_assert(shortlist);
    hh_shortlist_make(shortlist, &made->query, &made->votes, made->mixture, NULL);
    return shortlist;
}

#endif
