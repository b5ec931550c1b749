// Small blocks of memory in power-of-two sizes, for click lists and strings: no header per block, freed
// blocks are reused by blocks of the same size, everything goes at once at the end. What is larger than
// HH_BLOCK_LARGEST comes from malloc and must be given back by its owner.
#ifndef HH_SESSION_BLOCKS_H
#define HH_SESSION_BLOCKS_H

#include <stddef.h>

#define HH_BLOCK_SMALLEST 16u
#define HH_BLOCK_CLASSES  8u
#define HH_BLOCK_LARGEST  (HH_BLOCK_SMALLEST << (HH_BLOCK_CLASSES - 1))

typedef struct hh_blocks {
    void *unused[HH_BLOCK_CLASSES]; // by size class, linked through their first bytes
    void *chunks;                   // linked through their first bytes
    char *next;                     // the uncut rest of the newest chunk
    size_t left;
    size_t bytes; // held from malloc
} hh_blocks;

// A block of at least `size` bytes (size > 0), aligned to 16; NULL when out of memory. All zero bytes are an
// empty hh_blocks.
void *hh_blocks_take(hh_blocks *blocks, size_t size);
// Takes a block back; size is the one it was taken with (or another of the same class). NULL is ignored.
void hh_blocks_give(hh_blocks *blocks, void *block, size_t size);
void hh_blocks_free(hh_blocks *blocks);

#endif
