#include "duration.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 1e15 // ms

static const struct {
    const char *name;
    hh_time length;
} units[] = {{"d", HH_DAY}, {"h", HH_HOUR}, {"m", HH_MINUTE}, {"s", HH_SECOND}, {"ms", 1}};
enum { UNITS = sizeof units / sizeof *units };

double hh_number_read(const char *text, const char **end)
{
    char *stop;
    errno = 0;
    double number = strtod(text, &stop);
    bool plain = strspn(text, "+-.0123456789eE") >= (size_t)(stop - text); // no hex, no nan, no blanks
    *end = plain && errno == 0 && isfinite(number) ? stop : text;
    return number;
}

bool hh_duration_read(const char *text, hh_time *duration, const char **end)
{
    const char *unit;
    double number = hh_number_read(text, &unit);
    if (unit == text)
        return false;
    size_t length = strcspn(unit, ",");
    *end = unit + length;
    if (length == 0) {
        *duration = 0;
        return number == 0;
    }
    for (size_t i = 0; i < UNITS; i++)
        if (strlen(units[i].name) == length && memcmp(unit, units[i].name, length) == 0) {
            double ms = number * (double)units[i].length;
            *duration = ms >= 0 && ms < LONGEST ? (hh_time)llround(ms) : -1;
            return true;
        }
    return false;
}

void hh_duration_print(hh_time duration, char *text, size_t size)
{
    size_t i = 0;
    while (i < UNITS - 1 && duration % units[i].length != 0)
        i++;
    if (duration == 0)
        snprintf(text, size, "0");
    else
        snprintf(text, size, "%lld%s", (long long)(duration / units[i].length), units[i].name);
}
