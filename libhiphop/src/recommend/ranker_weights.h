// A ranker as its makers see it.
#ifndef RECOMMEND_RANKER_WEIGHTS_H
#define RECOMMEND_RANKER_WEIGHTS_H

#include "recommend/ranker_network.h"

struct hh_ranker {
    hh_ranker_options options;
    hh_time learned;
    float *layers[RANKER_LAYERS]; // in one block
    float active;                 // 0 or 1
};

size_t hh_ranker_size(const hh_ranker_options *options);     // of the layers, in floats
hh_ranker *hh_ranker_zero(const hh_ranker_options *options); // NULL when out of memory

static inline hh_ranker_example hh_shortlist_example(const hh_shortlist *shortlist)
{
    return (hh_ranker_example){
        .inputs = shortlist->inputs,
        .query = shortlist->query,
        .count = shortlist->count,
        .queries = QUERY_INPUTS + shortlist->options.extra,
    };
}

#endif
