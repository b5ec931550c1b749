// The network where lists are made: what a model foresees of a session, in a graph's numbers, as one more
// expert of the mixture (docs/graph.md).
//
//   hh_vector_table *items = hh_vector_table_new(model, &error); // one for all threads
//   hh_foreseer *foreseer = hh_foreseer_new(items, hh_recommender_reader(recommender), 100, &error);
//   query.foresight = hh_foreseer_read(foreseer, query.items, query.length);
//   hh_recommend(recommender, &query, list, &count);
//
// One foreseer for each thread. What a model has learned may be later than the query: who asks as of a time
// sees to it that the model is earlier.
#ifndef HIPHOP_FORESEER_H
#define HIPHOP_FORESEER_H

#include <hiphop/graph.h>
#include <hiphop/model_file.h>
#include <hiphop/text.h>

typedef struct hh_vector_table hh_vector_table;
typedef struct hh_foreseer hh_foreseer;

// The vectors of all the model's items, as foreseers read them: items x d floats, and as many bytes. It takes
// some milliseconds, more for items with descriptions, and is then shared by all threads. The model outlives
// it. HH_ARGUMENT: the network heeds neighbours, and the model holds no sessions; HH_MEMORY.
hh_vector_table *hh_vector_table_new(const hh_model *model, hh_error *error);
void hh_vector_table_free(hh_vector_table *table); // after its foreseers; may be NULL

// Table and reader outlive it. best: of the model's items, so many become candidates. It holds two numbers
// for each of the model's items, what reading a session takes and, where the network heeds neighbours, an
// index of the model's sessions. HH_ARGUMENT: best is not 1 .. 10000; HH_MEMORY.
hh_foreseer *hh_foreseer_new(const hh_vector_table *table, hh_reader *reader, uint32_t best, hh_error *error);
void hh_foreseer_free(hh_foreseer *foreseer); // may be NULL

// The names of the graph's sources, in the order of their numbers there. From now on items that the model
// does not have, but that the graph has described since, have shares among the candidates that others have
// named, by what the model's projectors of these sources say of them: 64 of them are read for one list at
// most, 1024 kept. They are not looked for among all that are described, and not read in sessions; the next
// model has them. HH_MEMORY: they have none.
hh_status hh_foreseer_describe(hh_foreseer *foreseer, const hh_text *names, uint32_t count);

// Reads a session, items[length] by the graph's numbers, of which those are passed over that the model does
// not know. Valid until the next call. NULL: it has nothing to say, since it knows none of them. Hold the
// reader from before the items were looked up. *status: HH_OK, or HH_MEMORY with NULL; may be NULL.
const hh_foresight *hh_foreseer_read(hh_foreseer *foreseer, const hh_item *items, size_t length,
                                     hh_status *status);

#endif
