// What the network alone recommends, with reasons, and which items it finds alike (docs/model.md).
#ifndef HIPHOP_NETWORK_LIST_H
#define HIPHOP_NETWORK_LIST_H

#include <hiphop/train.h>

typedef struct hh_network_list_options {
    uint32_t k;              // length of a list
    uint32_t longest;        // a session is cut to its last so many clicks, as in training
    bool hide_session_items; // what is in the session already is not listed
} hh_network_list_options;

hh_network_list_options hh_network_list_defaults(void); // 20, 100, shown

typedef struct hh_network_item {
    uint32_t item;
    float score; // share of the softmax over all items; of hh_network_near: the cosine
    // The reason. What the network reads out of the session itself is a sum over its clicks: the click that
    // speaks most for the item, from 0, more than for the mean of all items, and its share of all that does.
    // Biases and neighbours aside.
    uint32_t click;
    float click_share; // 0: no click speaks for it
    bool repeated;     // the session holds it
} hh_network_item;

// One thread's reader: the items' vectors and scratch memory.
typedef struct hh_network_reader hh_network_reader;
// The network outlives the reader. sessions: those that a network which heeds neighbours finds them among,
// copied; NULL: there are none. NULL on failure: HH_MEMORY, HH_ARGUMENT (k or longest is 0 or more than
// 10000, or the sessions hold an item that the network does not know).
hh_network_reader *hh_network_reader_new(const hh_network *network, const hh_network_list_options *options,
                                         const hh_train_data *sessions, hh_error *error);
void hh_network_reader_free(hh_network_reader *reader); // may be NULL

// The exact k best after a session of these clicks, best first, ties by item, into list[k]; *count < k only
// where fewer items exist. HH_ARGUMENT: there is no click, or one on no item; HH_MEMORY.
hh_status hh_network_list(hh_network_reader *reader, const uint32_t *clicks, size_t length,
                          hh_network_item *list, size_t *count, hh_error *error);
// The k items whose vectors have the largest cosine with this item's, itself left out.
hh_status hh_network_near(hh_network_reader *reader, uint32_t item, hh_network_item *list, size_t *count,
                          hh_error *error);

#endif
