// Room in an array that only ever grows.
#ifndef HIPHOP_LARGER_H
#define HIPHOP_LARGER_H

#include <stddef.h>
#include <stdlib.h>

// The array with room for `needed` elements of that size, twice as many where it had to be moved; *room says
// how many. NULL: out of memory, and the array is as it was; or it is NULL and nothing is needed.
static inline void *hh_larger(void *array, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return array;
    void *grown = realloc(array, 2 * needed * size);
    if (grown)
        *room = 2 * needed;
    return grown;
}

#endif
