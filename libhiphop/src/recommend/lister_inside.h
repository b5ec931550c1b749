// The inside of hh_lister, for lister.c and fit.c.
#ifndef RECOMMEND_LISTER_INSIDE_H
#define RECOMMEND_LISTER_INSIDE_H

#include "session/line_clock.h"

#include <hiphop/foreseer.h>
#include <hiphop/lister.h>

#define HH_LISTER_FORESEEN 100 // of the network's items, how many become candidates

struct hh_lister {
    const hh_model *model;
    hh_graph *graph;
    hh_mixture *mixture;
    hh_ranker *ranker;
    hh_recommender *recommender;
    hh_vector_table *table;
    hh_foreseer *foreseer;
    hh_line_clock clock;
    char *id;       // [HH_ITEM_ID_MAX + 1] of the item that is looked up
    hh_item *query; // [query_room]
    size_t query_room;
};

// With room for so many clicks more than the model's.
hh_lister *hh_lister_of(const hh_model *model, const hh_fitted *fitted, const hh_lister_options *options,
                        uint32_t more, hh_error *error);
// The graph's number of an item, as of now; HH_ITEM_NONE: it does not know the item.
hh_item hh_lister_find(const hh_lister *lister, uint32_t row);
// A session becomes known, the clock's next. HH_MEMORY.
hh_status hh_lister_learn(hh_lister *lister, const uint32_t *clicks, uint32_t length);
// Asks for a list after these clicks as of a time; *query is what it was asked by, there until the next one.
hh_status hh_lister_ask(hh_lister *lister, const uint32_t *clicks, size_t length, hh_time session_start,
                        hh_time as_of, hh_query *query, hh_recommendation *list, size_t *count);

// Of a fitted one: a mixture and a ranker of these numbers, the caller's; NULL when out of memory.
hh_mixture *hh_fitted_mixture(const hh_fitted *fitted);
hh_ranker *hh_fitted_ranker(const hh_fitted *fitted);
const hh_ranker_options *hh_fitted_ranker_options(const hh_fitted *fitted);
// The other way.
void hh_fitted_take(hh_fitted *fitted, const hh_mixture *mixture, hh_ranker *ranker,
                    const hh_fitted_record *record);

#endif
