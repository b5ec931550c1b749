// A model: what is trained once, saved, sent and loaded again. It holds the network, the ids of its items,
// how it came to be, and whatever else belongs to it: the sessions it was trained on, and arrays of other
// parts.
//
//   hh_model *model = hh_model_new(network, &ids, &facts, &error);
//   hh_model_save(model, "shop.hiphop", &error);
//   ...
//   hh_model *model = hh_model_load("shop.hiphop", &error);
//   uint32_t item = hh_model_find(model, "socks-1", 7);
//
// The bytes are those of docs/model-format.md, in a file or in memory. Whoever reads them trusts nothing:
// what is not in the format, or not finite, or does not fit together, is HH_FORMAT with a sentence, and never
// more memory than a small multiple of the bytes is taken.
//
// A model is read by any number of threads; it is changed by one, before they begin.
#ifndef HIPHOP_MODEL_FILE_H
#define HIPHOP_MODEL_FILE_H

#include <hiphop/train.h>

typedef struct hh_model hh_model;

#define HH_ITEM_ID_MAX 65535 // bytes of an item's id; at least 1

typedef struct hh_item_ids {
    uint32_t count;
    const uint64_t *begin; // [count + 1] the id of item i is bytes[begin[i]] .. bytes[begin[i + 1] - 1]
    const char *bytes;     // [begin[count]]
} hh_item_ids;

typedef struct hh_model_facts { // how it came to be
    hh_train_options options;   // without callbacks
    hh_train_record record;
    int64_t created;  // Unix time in ms; 0: not known
    char version[32]; // of hiphop, which made it; hh_model_new sets it
    char source[256]; // what it was trained on, in its maker's words; may be empty
} hh_model_facts;

// The network is the model's from now on, also on failure; the rest is copied, the network's sources too.
// HH_ARGUMENT: an id is empty, too long or there twice, or there are not as many ids as items. HH_MEMORY.
hh_model *hh_model_new(hh_network *network, const hh_item_ids *ids, const hh_model_facts *facts,
                       hh_error *error);
void hh_model_free(hh_model *model); // may be NULL

const hh_network *hh_model_network(const hh_model *model);
const hh_model_facts *hh_model_facts_of(const hh_model *model);

// ---- items ----

uint32_t hh_model_items(const hh_model *model);
// The id of an item, NUL-terminated; NULL: no such item. length may be NULL.
const char *hh_model_item(const hh_model *model, uint32_t item, size_t *length);
#define HH_MODEL_NO_ITEM UINT32_MAX
uint32_t hh_model_find(const hh_model *model, const char *id, size_t length); // or HH_MODEL_NO_ITEM

// ---- the sessions that it was trained on, which are optional ----

// Copies them, whole, from the last one back as long as they have no more than `clicks` clicks together; 4
// bytes a click, and 4 a session. HH_ARGUMENT: they hold an item that the model does not. HH_MEMORY.
hh_status hh_model_keep_sessions(hh_model *model, const hh_train_data *sessions, uint32_t clicks,
                                 hh_error *error);
bool hh_model_sessions(const hh_model *model, hh_train_data *sessions); // false: there are none

// ---- arrays ----

typedef enum hh_array_type { // as in the file
    HH_ARRAY_F32 = 1,
    HH_ARRAY_U8 = 2,
    HH_ARRAY_U32 = 3,
    HH_ARRAY_U64 = 4,
} hh_array_type;

#define HH_ARRAY_NAME_MAX 200
typedef struct hh_array {
    const char *name; // "PART.WHAT"
    hh_array_type type;
    uint64_t shape[4]; // row-major; 1 where there are fewer dimensions
    const void *data;  // may be unaligned where it comes from hh_container (model/container.h)
} hh_array;

uint64_t hh_array_bytes(const hh_array *array);

// Adds an array of another part (a ranker, a mixture, ...), copied; one of the same name is replaced. Every
// part of a model that is not the network goes in and comes back this way. HH_ARGUMENT: the name has no part,
// or one of those that stand for themselves (network, item, source, sessions).
hh_status hh_model_attach(hh_model *model, const hh_array *array, hh_error *error);
// The array of this name; false: there is none.
bool hh_model_array(const hh_model *model, const char *name, hh_array *array);
// All arrays in the order of the file: index 0, 1, ...; false behind the last.
bool hh_model_array_at(const hh_model *model, size_t index, hh_array *array);
// Of all arrays: two models with one digest recommend the same.
uint64_t hh_model_digest(const hh_model *model);

// ---- bytes ----

// *bytes are the caller's, to be freed with free(). HH_MEMORY.
hh_status hh_model_encode(const hh_model *model, void **bytes, size_t *size, hh_error *error);
// NULL: HH_FORMAT, HH_MEMORY. The bytes are not needed afterwards.
hh_model *hh_model_decode(const void *bytes, size_t size, hh_error *error);
// HH_IO besides. A file is replaced all at once: whoever reads it sees the old one or the new one.
hh_status hh_model_save(const hh_model *model, const char *path, hh_error *error);
hh_model *hh_model_load(const char *path, hh_error *error);

// A whole file, replaced all at once and on disk when this returns; a whole file read, *bytes to be freed
// with free(). HH_IO, HH_MEMORY; the message begins with the path. A symbolic link stays, what it names is
// replaced; what is there and is no file, a device or a pipe, is refused.
hh_status hh_file_write(const char *path, const void *bytes, size_t size, hh_error *error);
hh_status hh_file_read(const char *path, void **bytes, size_t *size, hh_error *error);
// HH_OK where hh_file_write could write now: to be asked before hours of work whose result goes there.
// Nothing is changed.
hh_status hh_file_writable(const char *path, hh_error *error);

#endif
