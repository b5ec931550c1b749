// What the topic of item vectors holds, out of its records in their order: every item's latest vector, and
// whether they are together what the latest snapshot says. A record that is no use spoils no more than its
// item, or its snapshot, until a later one takes its place. One thread.
#ifndef WIRE_EMBEDDING_SET_H
#define WIRE_EMBEDDING_SET_H

#include "wire/embedding_records.h"

typedef struct hh_embedding_set hh_embedding_set;

typedef struct hh_embedding {
    hh_text item;
    const float *vector; // [dimension]; NULL: there is a record under the item's key that can't be read
    uint32_t dimension;
} hh_embedding;

hh_embedding_set *hh_embedding_set_new(hh_error *error);
void hh_embedding_set_free(hh_embedding_set *set); // may be NULL

// The next record; value NULL: a tombstone. HH_FORMAT with what is wrong with it: the next one may be taken.
// HH_MEMORY: the set is not good any more.
hh_status hh_embedding_set_take(hh_embedding_set *set, hh_text key, const void *value, size_t length,
                                hh_error *error);
// The same of a record that has just been written.
hh_status hh_embedding_set_note(hh_embedding_set *set, const hh_embedding_record *record, hh_error *error);
void hh_embedding_set_remove(hh_embedding_set *set, hh_text item);

// HH_OK: the latest snapshot is whole, and this is it. Else why not, in *error: HH_NOT_FOUND where none has
// ever begun, HH_FORMAT where it has not ended, a mark can't be read, or count, dimension or checksum are not
// what it says.
hh_status hh_embedding_set_check(const hh_embedding_set *set, hh_snapshot *snapshot, hh_error *error);

// What is there, valid until the next change.
size_t hh_embedding_set_count(const hh_embedding_set *set);
bool hh_embedding_set_find(const hh_embedding_set *set, hh_text item, hh_embedding *found);
// index 0 .. hh_embedding_set_end() - 1, in no order; false: nothing is there.
size_t hh_embedding_set_end(const hh_embedding_set *set);
bool hh_embedding_set_at(const hh_embedding_set *set, size_t index, hh_embedding *found);

#endif
