// How long records have been waiting.
#include "age.h"

#include <stddef.h>

static hh_age_sight *sight(hh_age *age, unsigned number)
{
    return &age->sights[(age->first + number) % HH_AGE_SIGHTS];
}

void hh_age_begin(hh_age *age, int64_t position, hh_time seen)
{
    age->first = 0;
    age->count = 1;
    *sight(age, 0) = (hh_age_sight){position, seen};
}

void hh_age_see(hh_age *age, int64_t end, hh_time now, hh_time spacing)
{
    hh_age_sight *last = age->count ? sight(age, age->count - 1) : NULL;
    if (last && end <= last->end) {
        if (end == last->end) // it still ends there
            last->seen = now > last->seen ? now : last->seen;
        return;
    }
    if (last && age->count > 1 && now - last->seen < spacing)
        return;
    if (age->count == HH_AGE_SIGHTS) { // records then seem a little older than they are
        age->first = (age->first + 1) % HH_AGE_SIGHTS;
        age->count--;
    }
    *sight(age, age->count++) = (hh_age_sight){end, now};
}

hh_time hh_age_of(hh_age *age, int64_t offset, hh_time timestamp, hh_time now)
{
    while (age->count > 1 && sight(age, 1)->end <= offset) {
        age->first = (age->first + 1) % HH_AGE_SIGHTS;
        age->count--;
    }
    hh_time waited = age->count && sight(age, 0)->end <= offset ? now - sight(age, 0)->seen : HH_TIME_MIN;
    hh_time by_timestamp = timestamp >= 0 ? now - timestamp : HH_TIME_MIN;
    if (waited == HH_TIME_MIN)
        waited = by_timestamp;
    else if (by_timestamp != HH_TIME_MIN && by_timestamp < waited)
        waited = by_timestamp;
    return waited > 0 ? waited : 0;
}
