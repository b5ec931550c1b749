#include "bound.h"
#include "wide.h"

#include <string.h>

HH_WIDE uint32_t hh_bound_reached(const float *values, uint32_t count, float bound)
{
    uint32_t larger = 0;
    for (uint32_t i = 0; i < count; i++)
        larger += values[i] >= bound;
    return larger;
}

// Of floats that are not negative the order is that of their bits.
static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// By bisection of the bits: a count of hundreds takes the processor less than to sort a few.
float hh_bound(const float *values, uint32_t count, uint32_t k)
{
    uint32_t low = 0, high = 0x7f800001; // k or more reach the one, fewer the other
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2, reach = hh_bound_reached(values, count, float_of(middle));
        if (reach >= k)
            low = middle;
        else
            high = middle;
        if (reach == k)
            break;
    }
    return float_of(low);
}
