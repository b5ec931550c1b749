#include "nn/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN ((size_t)64)

struct hh_piece { // its memory begins ALIGN bytes behind
    hh_piece *before;
    size_t size;
};

static void free_pieces(hh_piece *piece)
{
    while (piece) {
        hh_piece *before = piece->before;
        free(piece);
        piece = before;
    }
}

void hh_arena_free(hh_arena *arena)
{
    free_pieces(arena->piece);
    *arena = (hh_arena){0};
}

void hh_arena_reset(hh_arena *arena)
{
    if (arena->piece) {
        free_pieces(arena->piece->before);
        arena->piece->before = NULL;
    }
    arena->used = arena->taken = 0;
    arena->failed = false;
}

// Twice what there was, so that soon one piece holds a whole pass.
static bool add_piece(hh_arena *arena, size_t bytes)
{
    size_t size = arena->piece ? 2 * arena->piece->size : 0;
    size = size > bytes ? size : bytes;
    hh_piece *piece = aligned_alloc(ALIGN, size + ALIGN);
    if (!piece)
        return false;
    *piece = (hh_piece){arena->piece, size};
    arena->piece = piece;
    arena->used = 0;
    return true;
}

void *hh_take(hh_arena *arena, size_t count, size_t size)
{
    if (count > SIZE_MAX / 8 / size) {
        arena->failed = true;
        return NULL;
    }
    size_t bytes = (count * size / ALIGN + 1) * ALIGN;
    if ((!arena->piece || arena->piece->size - arena->used < bytes) && !add_piece(arena, bytes)) {
        arena->failed = true;
        return NULL;
    }
    void *memory = (char *)arena->piece + ALIGN + arena->used;
    arena->used += bytes;
    arena->taken += bytes;
    return memory;
}

void *hh_take_zero(hh_arena *arena, size_t count, size_t size)
{
    void *memory = hh_take(arena, count, size);
    return memory ? memset(memory, 0, count * size) : NULL;
}
