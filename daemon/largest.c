// What topics have refused for its size; see largest.h.
#include "largest.h"

enum { FIRST_PAUSE = 60 * 1000, LONGEST_PAUSE = 16 * FIRST_PAUSE };

void hh_largest_refused(hh_largest *largest, int64_t bytes, hh_time now)
{
    if (largest->bytes == 0) {
        bool again =
            largest->pause && now - largest->try_again < FIRST_PAUSE; // the attempt of just now was in vain
        largest->pause = !again                           ? FIRST_PAUSE
                         : largest->pause < LONGEST_PAUSE ? 2 * largest->pause
                                                          : LONGEST_PAUSE;
        largest->try_again = now + largest->pause;
    }
    if (largest->bytes == 0 || bytes <= largest->bytes)
        largest->bytes = bytes > 1 ? bytes - 1 : 1;
}

bool hh_largest_refuses(hh_largest *largest, int64_t bytes, hh_time now)
{
    if (largest->bytes == 0 || bytes <= largest->bytes)
        return false;
    if (now < largest->try_again)
        return true;
    largest->bytes = 0;
    largest->try_again = now;
    return false;
}
