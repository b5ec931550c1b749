// The records of the topic of models (docs/models.md): a model's bytes in chunks, then its manifest, all in
// one transaction. Keys are text: "7/0", "7/1", ... for the chunks of version 7, "7/manifest" for what it is.
#ifndef WIRE_MODEL_RECORDS_H
#define WIRE_MODEL_RECORDS_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HH_MODEL_CHUNK       524288     // bytes of a chunk: below message.max.bytes as brokers have it
#define HH_MODEL_BYTES_MAX   1073741824 // of a model; what is said to be larger is refused
#define HH_MODEL_KEY_SIZE    40
#define HH_MODEL_VERSION_MAX 999999999999999 // there is one after each that was ever made
#define HH_MODEL_MANIFEST    (-1)            // instead of a chunk's number

// The key of a chunk or manifest, NUL-terminated; returns its length.
size_t hh_model_key(int64_t version, int32_t chunk, char key[HH_MODEL_KEY_SIZE]);
// false: it is none. A version is 1 to HH_MODEL_VERSION_MAX.
bool hh_model_key_parse(const void *key, size_t length, int64_t *version, int32_t *chunk);

// What there is to know of a model. One that the gate refused has a manifest for people to read, and no
// chunks.
typedef struct hh_manifest {
    int64_t version; // grows by one with each model, those refused among them
    bool promoted;
    hh_time trained; // wall clock
    hh_time as_of; // event time: nothing later has a part in it, so lists as of an earlier time leave it out
    uint64_t bytes, checksum; // of the chunks together; hh_model_checksum
    uint32_t chunks;
    uint64_t sessions, clicks; // that it was trained on
    uint32_t items;            // that it knows
    double seconds;            // that training took
    char instance[256];        // who trained it
    char text[768];            // how that went, in words
} hh_manifest;

uint64_t hh_model_checksum(const void *bytes, size_t size); // XXH3, 64 bits

// JSON, NUL-terminated, to be freed with free(). NULL: out of memory, or a text is not UTF-8.
char *hh_manifest_encode(const hh_manifest *manifest);
// HH_FORMAT with the field that is wrong; HH_MEMORY. Fields that it does not know are passed over.
hh_status hh_manifest_decode(const void *bytes, size_t length, hh_manifest *manifest, hh_error *error);

#endif
