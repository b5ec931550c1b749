// The network in an evaluation: trained on sessions that are over, then one more expert of the mixture.
//
// In a log of sessions it is trained twice: on all but the latest of the training sessions, which then teach
// mixture and ranker how far it can be trusted; and, when the test begins, on all of them (refit). Where it
// was trained on the very session that asks, it says nothing.
#ifndef EVALUATE_NETWORK_EXPERT_H
#define EVALUATE_NETWORK_EXPERT_H

#include "evaluate/model_kind.h"
#include "model/forecast.h"
#include "recommend/late_items.h"

#include <hiphop/graph.h>
#include <hiphop/model_file.h>
#include <hiphop/train.h>

#define HH_FORESEEN 100 // items that become candidates

typedef struct hh_network_expert {
    bool wanted, settled; // settled: trained on all that there is, if it shall be
    bool refit;
    bool among_rows; // neighbours are the sessions of the log that hh_network_expert_forget was given
    const hh_log *log;
    hh_train_options options;
    uint32_t known;  // sessions that it was trained on are those before this one
    uint32_t epochs; // that were best
    const hh_evaluate_options *evaluate;
    hh_source source[HH_SOURCES]; // [options.source_count] of its items, owned
    hh_network *network;          // its own; NULL: none
    hh_forecast forecast;
    hh_neighbour_index *memory; // its neighbours; NULL: it heeds none
    hh_reader *reader;          // of the graph that describes items; NULL: none yet
    hh_late_items late;         // what it makes of descriptions of items that it was not trained on
    uint32_t *row_of;           // [items of the log] in the network; HH_ITEM_NONE: it does not know the item
    uint32_t *item_of;          // [items of the network] in the log
    uint32_t longest;           // clicks that it reads of a session, the last
    uint32_t *session;          // [longest] rows
    size_t session_room;
} hh_network_expert;

// Trains where it is wanted and the log has training sessions.
hh_status hh_network_expert_init(hh_network_expert *expert, const hh_model_setup *setup, bool wanted,
                                 hh_error *error);
// From now on it is this model that foresees; it stays until another has taken its place. For an expert that
// is not wanted otherwise. HH_MEMORY.
hh_status hh_network_expert_serve(hh_network_expert *expert, const hh_log *log, const hh_model *model,
                                  hh_error *error);
void hh_network_expert_free(hh_network_expert *expert); // all zero is none
// Items that it does not know are from now on what this graph has their descriptions say, as in hiphopd;
// NULL: as of now, nothing. The graph's sources are evaluate->sources, by their numbers.
void hh_network_expert_use(hh_network_expert *expert, hh_reader *reader);
// *reads: whether it has something to say of this session, and the functions below may be asked. HH_MEMORY,
// or what training said.
hh_status hh_network_expert_read(hh_network_expert *expert, const hh_question *question, bool *reads);
// All sessions to come are of another log with the same items, and none is one that it was trained on. That
// log's sessions, whole, are all that the network now finds neighbours among, but for the one that asks.
hh_status hh_network_expert_forget(hh_network_expert *expert, const hh_log *rows, hh_error *error);
// What it makes of the session's intents, *width numbers; NULL: it has none.
const float *hh_network_expert_intent(const hh_network_expert *expert, size_t *width);
// The items of the log that it knows, row < their number; NO_ITEM behind them, and without a network.
uint32_t hh_network_expert_item(const hh_network_expert *expert, uint32_t row);
// Of the session read last: the i-th best item of the log, NO_ITEM where there are not so many; and the share
// of any item, `number` in the graph.
uint32_t hh_network_expert_best(const hh_network_expert *expert, size_t i);
float hh_network_expert_share(hh_network_expert *expert, uint32_t item, hh_item number);
float hh_network_expert_rest(const hh_network_expert *expert); // the largest share of all others

#endif
