// The memory of one pass through the network. A pass first takes all that it needs, checks once, then
// computes; the next pass takes the same memory again, so that after warm-up nothing is allocated.
#ifndef NN_ARENA_H
#define NN_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct hh_piece hh_piece;
typedef struct hh_arena {
    hh_piece *piece; // the last and largest; those before it are freed at the next reset
    size_t used;     // of it
    size_t taken;    // since the last reset, of all pieces
    bool failed;     // something could not be had since the last reset
} hh_arena;

void hh_arena_free(hh_arena *arena); // all zero is an empty arena
// Begins a new pass: whatever was taken is gone.
void hh_arena_reset(hh_arena *arena);
// `count` things of `size` bytes, aligned to 64, not cleared. NULL when out of memory; arena->failed then.
void *hh_take(hh_arena *arena, size_t count, size_t size);
void *hh_take_zero(hh_arena *arena, size_t count, size_t size);
#define HH_TAKE(arena, count, type)      ((type *)hh_take(arena, count, sizeof(type)))
#define HH_TAKE_ZERO(arena, count, type) ((type *)hh_take_zero(arena, count, sizeof(type)))

#endif
