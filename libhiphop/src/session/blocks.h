// Small blocks of memory in a few sizes, for click lists and strings: no header per block, freed
// blocks are reused by blocks of the same size, everything goes at once at the end. What is larger than
// HH_BLOCK_LARGEST comes from malloc and must be given back by its owner.
//
// Large pieces ask for huge pages: with a million sessions in 4 KB pages, a good part of the time of a click
// goes into address translation.
#ifndef HH_SESSION_BLOCKS_H
#define HH_SESSION_BLOCKS_H

#include <stddef.h>

#define HH_BLOCK_SMALLEST 16u
#define HH_BLOCK_CLASSES  14u
#define HH_BLOCK_LARGEST  (128u * HH_BLOCK_SMALLEST)

typedef struct hh_blocks {
    void *unused[HH_BLOCK_CLASSES]; // by size class, linked through their first bytes
    void *pieces;                   // linked through their first bytes
    char *next;                     // the uncut rest of the newest piece
    size_t left;
    size_t bytes; // held from malloc
} hh_blocks;

// A block of at least `size` bytes (size > 0), aligned to 16; NULL when out of memory. All zero bytes are an
// empty hh_blocks.
void *hh_blocks_take(hh_blocks *blocks, size_t size);
// The size that a block taken for `size` bytes really has.
size_t hh_blocks_round(size_t size);
// Takes a block back; size is the one it was taken with (or another of the same class). NULL is ignored.
void hh_blocks_give(hh_blocks *blocks, void *block, size_t size);
// Memory of any size up to HH_BLOCK_PIECE / 8 that stays until the end.
#define HH_BLOCK_PIECE ((size_t)2 << 20)
void *hh_blocks_keep(hh_blocks *blocks, size_t size);
void hh_blocks_free(hh_blocks *blocks);

// malloc that asks for huge pages where the size makes them worth while; free() frees it.
void *hh_pages_take(size_t size);

#endif
