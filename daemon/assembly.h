// From the records of the topic of models, in their order, to models: chunks are put together, and what a
// manifest says of them is checked. Trusts nothing: a record that does not fit is passed over with a
// sentence, and no more is held than the chunks of one model.
#ifndef DAEMON_ASSEMBLY_H
#define DAEMON_ASSEMBLY_H

#include "wire/model_records.h"
#include <hiphop/model_file.h>

typedef struct hh_assembly {
    int64_t version; // whose chunks are held; 0: none
    uint8_t *bytes;
    uint64_t size, room;
    uint32_t chunks; // 0 .. chunks - 1 are there
} hh_assembly;       // all zero: empty

typedef enum hh_assembled {
    HH_ASSEMBLED_NOTHING,  // a chunk, a tombstone
    HH_ASSEMBLED_MODEL,    // *model is the caller's, *manifest says what it is
    HH_ASSEMBLED_REJECTED, // a manifest of one that its gate refused
    HH_ASSEMBLED_BAD, // *error says what is wrong; where the key could be read, *manifest has the version
} hh_assembled;

// One record; value NULL: a tombstone. out-of-memory is BAD with HH_MEMORY.
hh_assembled hh_assembly_take(hh_assembly *assembly, const void *key, size_t key_length, const void *value,
                              size_t length, hh_manifest *manifest, hh_model **model, hh_error *error);
void hh_assembly_clear(hh_assembly *assembly);

#endif
