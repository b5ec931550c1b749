// What topics have refused for its size; see largest.h.
#include "largest.h"

enum { FIRST_PAUSE = 60 * 1000, LONGEST_PAUSE = 16 * FIRST_PAUSE };

void hh_largest_refused(hh_largest *largest, int64_t bytes, hh_time now)
{
    if (largest->bytes == 0)
        *largest = (hh_largest){.bytes = INT64_MAX, .pause = FIRST_PAUSE, .try_again = now + FIRST_PAUSE};
    else if (largest->trying && largest->pause < LONGEST_PAUSE)
        largest->pause *= 2;
    if (largest->trying)
        largest->try_again = now + largest->pause;
    largest->trying = false;
    if (bytes <= largest->bytes)
        largest->bytes = bytes > 1 ? bytes - 1 : 1;
}

void hh_largest_taken(hh_largest *largest, int64_t bytes)
{
    if (bytes > largest->bytes)
        *largest = (hh_largest){0};
}

bool hh_largest_refuses(hh_largest *largest, int64_t bytes, hh_time now)
{
    if (largest->bytes == 0 || bytes <= largest->bytes)
        return false;
    if (now < largest->try_again)
        return true;
    largest->try_again = now + largest->pause; // should nobody say what became of it
    largest->trying = true;
    return false;
}
