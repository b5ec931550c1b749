// A vector as 512 signs: each of its product with a random direction. Two vectors at an angle of a differ in
// about 512 * a / pi of them, give or take 9 to 11 (Charikar 2002, Similarity estimation techniques from
// rounding algorithms), which takes one line of the cache to find out, whatever the vectors' width.
//
// The directions are those of a Hadamard transform after random changes of sign, three times over, which no
// one has to keep (Andoni et al. 2015, Practical and optimal LSH for angular distance).
#ifndef HIPHOP_SKETCH_H
#define HIPHOP_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#define HH_SKETCH_BITS  512
#define HH_SKETCH_WORDS (HH_SKETCH_BITS / 64)
#define HH_SKETCH_GROUP 8 // sketches stand together word by word: [HH_SKETCH_WORDS][HH_SKETCH_GROUP]

typedef struct hh_sketch {
    uint64_t words[HH_SKETCH_WORDS];
} hh_sketch;

// How many floats of room a vector of this width needs.
size_t hh_sketch_room(uint32_t width);
hh_sketch hh_sketch_of(const int8_t *numbers, uint32_t width, uint64_t seed, float *room);

// Of a table of sketches, that at a place.
hh_sketch hh_sketch_at(const uint64_t *table, size_t at);
void hh_sketch_put(uint64_t *table, size_t at, const hh_sketch *sketch);

// found[count] gets the bit where a sketch of the table differs from `one` in no more signs than its limit,
// or than `limit`; others are left as they are. Count is a multiple of HH_SKETCH_GROUP. limits NULL: `limit`
// alone.
void hh_sketch_sift(const uint64_t *table, size_t count, const hh_sketch *one, const uint16_t *limits,
                    uint16_t limit, uint64_t bit, uint64_t *found);

// In how many signs vectors of this cosine may differ; of those that are just as near one in forty differs in
// more, of those that are nearer ever fewer.
uint16_t hh_sketch_limit(float cosine);

#endif
