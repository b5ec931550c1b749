// The records of the topic of item vectors (docs/embeddings.md): a mark where a snapshot begins, a vector an
// item, a mark where the snapshot ends. Encoders and decoders as in records.h.
#ifndef WIRE_EMBEDDING_RECORDS_H
#define WIRE_EMBEDDING_RECORDS_H

#include "wire/records.h"

#include <stdbool.h>

#define HH_EMBEDDING_DIMENSION_MAX 4096 // as of a network's d
#define HH_EMBEDDING_PARTITION     0    // all of them are in it: their order counts

typedef enum hh_embedding_kind {
    HH_EMBEDDING_BEGIN,
    HH_EMBEDDING_VECTOR,
    HH_EMBEDDING_END
} hh_embedding_kind;

// What the topic holds when the snapshot is whole, and how it came to that.
typedef struct hh_snapshot {
    int64_t version;           // of the model, 1 or more
    uint32_t count, dimension; // of all vectors
    uint64_t checksum;         // the sum of hh_embedding_checksum over them
    uint32_t since_full;       // snapshots since the latest full one; 0: this one is
    uint32_t written, removed; // by this snapshot
    float scale;               // logit = scale * inner product
    float tolerance;           // vectors may be that far from the model's
} hh_snapshot;

typedef struct hh_embedding_record { // schemas/embedding.avsc
    hh_embedding_kind kind;
    int64_t version;
    hh_text item;         // of a vector
    const float *vector;  // [dimension] of a vector
    uint32_t dimension;   // of a vector
    hh_snapshot snapshot; // of a mark
} hh_embedding_record;

// The message key of a mark: a zero byte, which no item's id has, and its kind.
hh_text hh_embedding_mark(hh_embedding_kind kind);
// Whether an item can have a vector on the topic: an id as clicks have it (records.h). A model may hold
// others.
bool hh_embedding_item(hh_text item);
uint64_t hh_embedding_checksum(hh_text item, const float *vector, uint32_t dimension);

// HH_FORMAT: the item's id is none, or a number is not finite.
hh_status hh_encode_embedding(hh_encoder *encoder, const hh_embedding_record *record, hh_text *bytes);

typedef struct hh_embedding_decoder hh_embedding_decoder;
hh_embedding_decoder *hh_embedding_decoder_new(hh_error *error);
void hh_embedding_decoder_free(hh_embedding_decoder *decoder);
// Reads either format, which a record's first byte tells apart: JSON begins with its brace. HH_FORMAT with
// what is wrong with it; HH_MEMORY. Item and vector point into the bytes or the decoder.
hh_status hh_embedding_decode(hh_embedding_decoder *decoder, const void *bytes, size_t length,
                              hh_embedding_record *record, hh_error *error);

#endif
