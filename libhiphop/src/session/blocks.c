// Size classes over pieces that grow with what is held: a partition with ten open sessions costs 4 KB, one
// with a million doesn't ask malloc a million times.
#include "blocks.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PIECE_SMALLEST ((size_t)4096)
#define PIECE_HEAD     HH_BLOCK_SMALLEST // the link, and the alignment of what follows

// Sizes are counted in units of HH_BLOCK_SMALLEST and go 1, 2, 3, 4, 6, 8, 12, 16, 24 ...: with powers of two
// alone, lists would be a third larger than what is in them.
static size_t units_of(size_t size)
{
    return (size + HH_BLOCK_SMALLEST - 1) / HH_BLOCK_SMALLEST;
}

static size_t class_of(size_t units)
{
    if (units <= 1)
        return 0;
    size_t octave = 63u - (size_t)__builtin_clzll(units - 1);
    return 2 * octave + (2 * units > (size_t)3 << octave);
}

static size_t class_units(size_t index)
{
    if (index == 0)
        return 1;
    return index % 2 ? (size_t)1 << (index + 1) / 2 : (size_t)3 << (index / 2 - 1);
}

size_t hh_blocks_round(size_t size)
{
    return class_units(class_of(units_of(size))) * HH_BLOCK_SMALLEST;
}

static void put_unused(hh_blocks *blocks, size_t index, void *block)
{
    memcpy(block, &blocks->unused[index], sizeof(void *));
    blocks->unused[index] = block;
}

// Cuts what is left of the newest piece into unused blocks, so that it isn't lost.
static void retire_rest(hh_blocks *blocks)
{
    for (size_t index = HH_BLOCK_CLASSES; index-- > 0;) {
        size_t size = class_units(index) * HH_BLOCK_SMALLEST;
        for (; blocks->left >= size; blocks->left -= size, blocks->next += size)
            put_unused(blocks, index, blocks->next);
    }
}

void *hh_pages_take(size_t size)
{
    if (size < HH_BLOCK_PIECE)
        return malloc(size);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + HH_BLOCK_PIECE - 1) / HH_BLOCK_PIECE * HH_BLOCK_PIECE;
    void *pages = aligned_alloc(HH_BLOCK_PIECE, size);
    if (pages)
        madvise(pages, size, MADV_HUGEPAGE); // a wish; without, all works the same
    return pages;
}

// Makes sure that `size` bytes are left.
static bool have_left(hh_blocks *blocks, size_t size)
{
    if (blocks->left >= size)
        return true;
    size_t piece_size = PIECE_SMALLEST;
    while (piece_size < HH_BLOCK_PIECE && (piece_size < 2 * size || piece_size < blocks->bytes / 8))
        piece_size *= 2;
    char *piece = hh_pages_take(piece_size);
    if (!piece)
        return false;
    retire_rest(blocks);
    memcpy(piece, &blocks->pieces, sizeof(void *));
    blocks->pieces = piece;
    blocks->next = piece + PIECE_HEAD;
    blocks->left = piece_size - PIECE_HEAD;
    blocks->bytes += piece_size;
    return true;
}

void *hh_blocks_keep(hh_blocks *blocks, size_t size)
{
    size = (size + HH_BLOCK_SMALLEST - 1) / HH_BLOCK_SMALLEST * HH_BLOCK_SMALLEST;
    if (!have_left(blocks, size))
        return NULL;
    void *kept = blocks->next;
    blocks->next += size;
    blocks->left -= size;
    return kept;
}

void *hh_blocks_take(hh_blocks *blocks, size_t size)
{
    if (size > SIZE_MAX / 4)
        return NULL;
    if (size > HH_BLOCK_LARGEST) {
        void *block = malloc(hh_blocks_round(size));
        if (block)
            blocks->bytes += hh_blocks_round(size);
        return block;
    }
    size_t index = class_of(units_of(size));
    void *block = blocks->unused[index];
    if (!block)
        return hh_blocks_keep(blocks, class_units(index) * HH_BLOCK_SMALLEST);
    memcpy(&blocks->unused[index], block, sizeof(void *));
    return block;
}

void hh_blocks_give(hh_blocks *blocks, void *block, size_t size)
{
    if (!block)
        return;
    if (size > HH_BLOCK_LARGEST) {
        blocks->bytes -= hh_blocks_round(size);
        free(block);
        return;
    }
    put_unused(blocks, class_of(units_of(size)), block);
}

void hh_blocks_free(hh_blocks *blocks)
{
    while (blocks->pieces) {
        void *piece = blocks->pieces;
        memcpy(&blocks->pieces, piece, sizeof(void *));
        free(piece);
    }
    *blocks = (hh_blocks){0};
}
