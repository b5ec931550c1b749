// Event times as other people write them, to hh_time, exactly: no floating point on the way where the text is
// decimal. Only times of the years 1970 to 2199 are taken: anything else is a wrong unit or a broken clock,
// and one such click would close every session of its partition.
#ifndef WIRE_EVENT_TIME_H
#define WIRE_EVENT_TIME_H

#include "wire/records.h"

#include <stdbool.h>

bool hh_event_time_sane(hh_time time);
// A whole number of the unit (not HH_UNIT_ISO8601).
bool hh_event_time_integer(int64_t value, hh_time_unit unit, hh_time *time);
// A floating-point number of the unit, rounded down to the millisecond below (to the nearest for seconds,
// whose fraction a double can't hold exactly).
bool hh_event_time_double(double value, hh_time_unit unit, hh_time *time);
// A decimal number as JSON writes it ("1507396800.123", "1.5e12"), rounded down to the millisecond.
bool hh_event_time_decimal(hh_text text, hh_time_unit unit, hh_time *time);
// "2017-10-01T12:34:56.789Z": date, 'T', time to the minute, perhaps the second and a fraction of it (a leap
// second is the one before), and always a zone: 'Z', "+01:00", "+0100" or "+01".
bool hh_event_time_iso8601(hh_text text, hh_time *time);
// "ms", "s", "us", "iso8601", as the configuration names them.
const char *hh_time_unit_name(hh_time_unit unit);

#endif
