// The network where lists are made: what a model foresees of a session, in a graph's numbers, as one more
// expert of the mixture (docs/graph.md).
//
//   hh_foreseer *foreseer = hh_foreseer_new(model, hh_recommender_reader(recommender), 100, &error);
//   query.foresight = hh_foreseer_read(foreseer, query.items, query.length);
//   hh_recommend(recommender, &query, list, &count);
//
// One thread each. What a model has learned may be later than the query: who asks as of a time sees to it
// that the model is earlier.
#ifndef HIPHOP_FORESEER_H
#define HIPHOP_FORESEER_H

#include <hiphop/graph.h>
#include <hiphop/model_file.h>

typedef struct hh_foreseer hh_foreseer;

// Model and reader outlive it. best: of the model's items, so many become candidates. It holds a vector for
// each of the model's items: items x d floats. A network that heeds neighbours finds them among the model's
// sessions. HH_ARGUMENT: best is not 1 .. 10000, or there are none of these; HH_MEMORY.
hh_foreseer *hh_foreseer_new(const hh_model *model, hh_reader *reader, uint32_t best, hh_error *error);
void hh_foreseer_free(hh_foreseer *foreseer); // may be NULL

// Reads a session, items[length] by the graph's numbers, of which those are passed over that the model does
// not know. Valid until the next call. NULL: it has nothing to say, since it knows none of them. Hold the
// reader from before the items were looked up. *status: HH_OK, or HH_MEMORY with NULL; may be NULL.
const hh_foresight *hh_foreseer_read(hh_foreseer *foreseer, const hh_item *items, size_t length,
                                     hh_status *status);

#endif
