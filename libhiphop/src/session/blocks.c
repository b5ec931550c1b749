// Size classes over chunks that grow with what is held: a partition with ten open sessions costs 4 KB, one
// with a million doesn't ask malloc a million times.
#include "blocks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SMALLEST ((size_t)4096)
#define CHUNK_LARGEST  ((size_t)1 << 20)
#define CHUNK_HEAD     HH_BLOCK_SMALLEST // the link, and the alignment of what follows

static size_t class_of(size_t size)
{
    size_t class = 0;
    while ((size_t)HH_BLOCK_SMALLEST << class < size)
        class ++;
    return class;
}

// What malloc is asked for where the classes end: a power of two too, so that every size of a class is equal.
static size_t large_size(size_t size)
{
    size_t rounded = HH_BLOCK_LARGEST;
    while (rounded < size)
        rounded *= 2;
    return rounded;
}

// Cuts what is left of the newest chunk into unused blocks, so that it isn't lost.
static void retire_rest(hh_blocks *blocks)
{
    for (size_t class = HH_BLOCK_CLASSES; class -- > 0;) {
        size_t size = (size_t)HH_BLOCK_SMALLEST << class;
        while (blocks->left >= size) {
            memcpy(blocks->next, &blocks->unused[class], sizeof(void *));
            blocks->unused[class] = blocks->next;
            blocks->next += size;
            blocks->left -= size;
        }
    }
}

void *hh_blocks_take(hh_blocks *blocks, size_t size)
{
    if (size > HH_BLOCK_LARGEST) {
        void *block = size > SIZE_MAX / 4 ? NULL : malloc(large_size(size));
        if (block)
            blocks->bytes += large_size(size);
        return block;
    }
    size_t class = class_of(size);
    size = (size_t)HH_BLOCK_SMALLEST << class;
    char *block = blocks->unused[class];
    if (block) {
        memcpy(&blocks->unused[class], block, sizeof(void *));
        return block;
    }
    if (blocks->left < size) {
        size_t chunk_size = CHUNK_SMALLEST;
        while (chunk_size < CHUNK_LARGEST && chunk_size < blocks->bytes / 8)
            chunk_size *= 2;
        char *chunk = malloc(chunk_size);
        if (!chunk)
            return NULL;
        retire_rest(blocks);
        memcpy(chunk, &blocks->chunks, sizeof(void *));
        blocks->chunks = chunk;
        blocks->next = chunk + CHUNK_HEAD;
        blocks->left = chunk_size - CHUNK_HEAD;
        blocks->bytes += chunk_size;
    }
    block = blocks->next;
    blocks->next += size;
    blocks->left -= size;
    return block;
}

void hh_blocks_give(hh_blocks *blocks, void *block, size_t size)
{
    if (!block)
        return;
    if (size > HH_BLOCK_LARGEST) {
        blocks->bytes -= large_size(size);
        free(block);
        return;
    }
    size_t class = class_of(size);
    memcpy(block, &blocks->unused[class], sizeof(void *));
    blocks->unused[class] = block;
}

void hh_blocks_free(hh_blocks *blocks)
{
    while (blocks->chunks) {
        void *chunk = blocks->chunks;
        memcpy(&blocks->chunks, chunk, sizeof(void *));
        free(chunk);
    }
    *blocks = (hh_blocks){0};
}
