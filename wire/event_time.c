#include "wire/event_time.h"

#include <math.h>

#define YEAR_2200 (INT64_C(7258118400) * 1000)

bool hh_event_time_sane(hh_time time)
{
    return time >= 0 && time < YEAR_2200;
}

const char *hh_time_unit_name(hh_time_unit unit)
{
    switch (unit) {
    case HH_UNIT_S:
        return "s";
    case HH_UNIT_US:
        return "us";
    case HH_UNIT_ISO8601:
        return "iso8601";
    default:
        return "ms";
    }
}

bool hh_event_time_integer(int64_t value, hh_time_unit unit, hh_time *time)
{
    if (value < 0)
        return false;
    if (unit == HH_UNIT_S && value > YEAR_2200 / 1000)
        return false;
    *time = unit == HH_UNIT_S ? value * 1000 : unit == HH_UNIT_US ? value / 1000 : value;
    return hh_event_time_sane(*time);
}

bool hh_event_time_double(double value, hh_time_unit unit, hh_time *time)
{
    double ms =
        unit == HH_UNIT_S ? nearbyint(value * 1000) : floor(unit == HH_UNIT_US ? value / 1000 : value);
    if (!(ms >= 0 && ms < (double)YEAR_2200)) // NaN too
        return false;
    *time = (hh_time)ms;
    return true;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

// The text has the grammar of JSON already: the scanner saw to it. Value = mantissa x 10^exponent; digits
// past the eighteenth only shift, since they are far below a millisecond.
bool hh_event_time_decimal(hh_text text, hh_time_unit unit, hh_time *time)
{
    const char *at = text.bytes, *end = at + text.length;
    int64_t mantissa = 0, exponent = unit == HH_UNIT_S ? 3 : unit == HH_UNIT_US ? -3 : 0;
    int digits = 0;
    bool point = false;
    if (at == end || !digit(*at)) // negative
        return false;
    for (; at < end && digits < 18 && digit(*at); at++, digits++) // most are nothing else
        mantissa = mantissa * 10 + (*at - '0');
    digits = mantissa ? digits : 0;
    for (; at < end && (digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            point = true;
        } else if (digits < 18) {
            mantissa = mantissa * 10 + (*at - '0');
            digits += mantissa != 0;
            exponent -= point;
        } else {
            exponent += !point;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        int64_t written = 0;
        bool negative = ++at < end && *at == '-';
        at += at < end && (*at == '-' || *at == '+');
        for (; at < end && digit(*at); at++)
            written = written < 1000000 ? written * 10 + (*at - '0') : written;
        exponent += negative ? -written : written;
    }
    for (; exponent > 0 && mantissa; exponent--)
        if (__builtin_mul_overflow(mantissa, 10, &mantissa))
            return false;
    for (; exponent < 0 && mantissa; exponent++)
        mantissa /= 10;
    *time = mantissa;
    return hh_event_time_sane(mantissa);
}

// `count` digits at *at, which moves past them; -1 where they aren't.
static int number(const char **at, const char *end, int count)
{
    if (end - *at < count)
        return -1;
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (!digit(**at))
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool literal(const char **at, const char *end, char wanted)
{
    if (*at == end || **at != wanted)
        return false;
    ++*at;
    return true;
}

// Days from 1970-01-01 to a date of the Gregorian calendar, by counting years from March.
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + (day - 1) - 719468;
}

bool hh_event_time_iso8601(hh_text text, hh_time *time)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = text.bytes, *end = at + text.length;

    int year = number(&at, end, 4);
    if (year < 1600 || !literal(&at, end, '-'))
        return false;
    int month = number(&at, end, 2);
    if (month < 1 || month > 12 || !literal(&at, end, '-'))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int day = number(&at, end, 2);
    if (day < 1 || day > month_days[month - 1] + (month == 2 && leap) || !literal(&at, end, 'T'))
        return false;

    int hour = number(&at, end, 2);
    if (hour < 0 || hour > 23 || !literal(&at, end, ':'))
        return false;
    int minute = number(&at, end, 2);
    if (minute < 0 || minute > 59)
        return false;
    bool to_the_minute = !literal(&at, end, ':');
    int second = to_the_minute ? 0 : number(&at, end, 2);
    if (second < 0 || second > 60)
        return false;
    second -= second == 60; // a leap second

    int milliseconds = 0;
    if (!to_the_minute && literal(&at, end, '.')) {
        if (at == end || !digit(*at))
            return false;
        for (int weight = 100; at < end && digit(*at); at++, weight /= 10)
            milliseconds += weight * (*at - '0');
    }

    int zone_minutes = 0;
    if (!literal(&at, end, 'Z')) {
        int sign = literal(&at, end, '+') ? 1 : literal(&at, end, '-') ? -1 : 0;
        int zone_hour = sign ? number(&at, end, 2) : -1;
        int zone_minute = literal(&at, end, ':') || at < end ? number(&at, end, 2) : 0;
        if (zone_hour < 0 || zone_hour > 23 || zone_minute < 0 || zone_minute > 59)
            return false;
        zone_minutes = sign * (zone_hour * 60 + zone_minute);
    }
    if (at != end)
        return false;

    int64_t minutes = days_since_1970(year, month, day) * 1440 + hour * 60 + minute - zone_minutes;
    *time = (minutes * 60 + second) * 1000 + milliseconds;
    return hh_event_time_sane(*time);
}
