// Which items have a vector, and of which text; and where in topics.item_vectors the vector of a text stands.
// By this index nobody pays for a text twice. It holds hashes and places only: 49 bytes an item and 49 a
// text.
#ifndef DAEMON_VECTOR_INDEX_H
#define DAEMON_VECTOR_INDEX_H

#include <hiphop/text.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hh_text_hash {
    uint64_t high, low; // never both 0
} hh_text_hash;

hh_text_hash hh_text_hash_of(hh_text text); // XXH3, 128 bits
#define HH_TEXT_HASH_DIGITS 32
void hh_text_hash_print(hh_text_hash hash, char digits[HH_TEXT_HASH_DIGITS + 1]);
bool hh_text_hash_parse(hh_text digits, hh_text_hash *hash);
static inline bool hh_text_hash_same(hh_text_hash a, hh_text_hash b)
{
    return a.high == b.high && a.low == b.low;
}

typedef struct hh_vector_place {
    int32_t partition;
    int64_t offset;
} hh_vector_place;

typedef struct hh_vector_index hh_vector_index;

hh_vector_index *hh_vector_index_new(void);        // NULL when out of memory
void hh_vector_index_free(hh_vector_index *index); // may be NULL

// The item's record in the topic: text NULL where it is of nothing known (another model's). False when out of
// memory.
bool hh_vector_index_put(hh_vector_index *index, hh_text item, const hh_text_hash *text,
                         hh_vector_place place);
void hh_vector_index_remove(hh_vector_index *index, hh_text item); // a tombstone
// The text's vector isn't any more where it was: it is where another item with that text has it, or nowhere.
void hh_vector_index_forget(hh_vector_index *index, hh_text_hash text);

// Whether the item has a record; *text: of which text, both 0 where that is not known.
bool hh_vector_index_item(const hh_vector_index *index, hh_text item, hh_text_hash *text);
bool hh_vector_index_text(const hh_vector_index *index, hh_text_hash text, hh_vector_place *place);

#endif
