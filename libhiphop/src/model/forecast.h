// What the network foresees of one session: its best items and, for any item, its share of all that can come
// next, softmax(logits). One thread each.
#ifndef MODEL_FORECAST_H
#define MODEL_FORECAST_H

#include "model/scorer.h"
#include "model/search.h"
#include "model/vector_table.h"

typedef struct hh_forecast {
    hh_vector_table own; // the items' vectors, unless they are somebody else's
    hh_scorer scorer;
    hh_arena arena; // of the search
    hh_search search;
} hh_forecast;

// The network outlives it. k: how many of the best it finds. false: out of memory; to be freed all the same.
bool hh_forecast_init(hh_forecast *forecast, const hh_network *network, size_t k);
// The same over a table that others share; it outlives it.
bool hh_forecast_init_with(hh_forecast *forecast, const hh_vector_table *table, size_t k);
void hh_forecast_free(hh_forecast *forecast); // all zero is none
// Reads a session of one click at least; false: out of memory. Its best items are then forecast->search.best
// [forecast->search.count[0]], best first.
bool hh_forecast_read(hh_forecast *forecast, const uint32_t *items, uint32_t length);
// Of the session read last: h_intent, *width numbers, until the next one; NULL: the network has no intents.
const float *hh_forecast_intent(const hh_forecast *forecast, size_t *width);
float hh_forecast_share(const hh_forecast *forecast, uint32_t item); // of the session read last
// The share that one item more would have, by its vector x [d].
float hh_forecast_share_of(const hh_forecast *forecast, const float *x);

#endif
