// The inside of hh_model (<hiphop/model_file.h>), for model.c and model_file.c.
#ifndef MODEL_WHOLE_MODEL_H
#define MODEL_WHOLE_MODEL_H

#include "model/network.h"

#include <hiphop/intern.h>
#include <hiphop/model_file.h>

typedef struct hh_attached {
    hh_array array; // name and data are owned
    char *name;
    void *data;
} hh_attached;

struct hh_model {
    hh_network *network;
    hh_model_facts facts;
    uint64_t *id_begin; // [items + 1]
    char *ids;
    hh_intern *interned; // ids to items; nothing is released, so its numbers are those of the items
    float *source_vector[HH_SOURCES]; // of the network's sources, which point to them
    uint8_t *source_present[HH_SOURCES];
    char *source_name[HH_SOURCES];
    uint32_t sessions;
    uint32_t *session_item, *session_first; // NULL: none are kept
    hh_attached *attached;
    size_t attached_count;
};

// Name, rows and columns of a network's tensors, by its options and sources alone: it need not have been
// made. Index HH_TENSOR_COUNT is the items' table, with 0 rows. A tensor of a part that is off has 0 rows: it
// is in no file, then.
void hh_tensor_shape(const hh_network *net, int index, const char **name, size_t *rows, size_t *cols);
extern const char *const hh_source_arrays[HH_SOURCES][2]; // names of vectors and of who has one
#define HH_SAID_ARRAY "network.said"                      // of a network that is settled, instead of these
// The i-th tensor, the items' table at HH_TENSOR_COUNT.
hh_tensor *hh_network_tensor(hh_network *network, int index);

#endif
