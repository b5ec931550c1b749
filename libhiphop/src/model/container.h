// The container of docs/model-format.md: keys with a value each and arrays with a shape, under names, in one
// run of bytes. It knows nothing of what they mean: model_file.c and train/checkpoint.c do.
#ifndef MODEL_CONTAINER_H
#define MODEL_CONTAINER_H

#include <hiphop/model_file.h>

#define HH_CONTAINER_VERSION 1
#define HH_CONTAINER_ENTRIES 4096 // keys at most, arrays at most

typedef enum hh_key_type { // as in the file
    HH_KEY_SWITCH = 1,     // 1 byte: 0 or 1
    HH_KEY_COUNT = 2,      // u64
    HH_KEY_NUMBER = 3,     // f64
    HH_KEY_TEXT = 4,       // bytes, without a NUL at the end
    HH_KEY_SIGNED = 5,     // i64
} hh_key_type;

// ---- writing ----

typedef struct hh_packer {
    uint8_t *keys; // as they will stand in the file
    size_t key_bytes, key_room;
    hh_array *arrays;
    size_t key_count, array_count, array_room;
    bool failed; // out of memory, or past a limit
} hh_packer;     // all zero is an empty one

// required: a reader that does not know the key must refuse the file.
void hh_pack(hh_packer *packer, const char *name, hh_key_type type, bool required, const void *value,
             size_t size);
void hh_pack_count(hh_packer *packer, const char *name, uint64_t value);
void hh_pack_text(hh_packer *packer, const char *name, const char *value);
// The fields of a struct by their table, each under prefix and its row's name; switches that are on are
// required.
void hh_pack_options(hh_packer *packer, const char *prefix, const hh_option *table, const void *options);
// Name and data stay the caller's, until it is finished.
void hh_pack_array(hh_packer *packer, const hh_array *array);
// Frees the packer, also on failure. *bytes are to be freed with free().
hh_status hh_pack_finish(hh_packer *packer, void **bytes, size_t *size, hh_error *error);

// ---- reading ----

typedef struct hh_key {
    const char *name;
    hh_key_type type;
    bool required, known;
    uint32_t size;
    const uint8_t *value;
} hh_key;

typedef struct hh_container { // all of it but the tables lies in the bytes, which must outlive it
    hh_key *keys;
    hh_array *arrays;
    size_t key_count, array_count;
} hh_container;

// Checks all that can be checked without knowing what it means: HH_FORMAT, HH_MEMORY.
hh_status hh_container_read(hh_container *container, const void *bytes, size_t size, hh_error *error);
void hh_container_free(hh_container *container);

// What is there under this name; without it the value stays as it is. HH_FORMAT where the type is another.
hh_status hh_container_count(hh_container *container, const char *name, uint64_t *value, hh_error *error);
hh_status hh_container_signed(hh_container *container, const char *name, int64_t *value, hh_error *error);
// NUL-terminated; HH_FORMAT where it is longer than size - 1.
hh_status hh_container_text(hh_container *container, const char *name, char *value, size_t size,
                            hh_error *error);
// A missing switch is off, since the file comes from a time when there was no such part; another missing
// field is as its table says. HH_FORMAT: out of range.
hh_status hh_container_options(hh_container *container, const char *prefix, const hh_option *table,
                               void *options, hh_error *error);
// To be called when all known keys have been read: HH_FORMAT where one that is required was not.
hh_status hh_container_all_known(const hh_container *container, hh_error *error);

// NULL: there is none.
const hh_array *hh_container_find(const hh_container *container, const char *name);
// One of this type and shape [rows x cols]; HH_FORMAT where it is missing or another. If type is F32, all its
// numbers are finite.
hh_status hh_container_matrix(const hh_container *container, const char *name, hh_array_type type,
                              uint64_t rows, uint64_t cols, const hh_array **array, hh_error *error);
hh_status hh_array_check_finite(const hh_array *array, hh_error *error); // of F32

#endif
