#include <hiphop/option.h>
#include <math.h>

double hh_option_get(const hh_option *option, const void *options)
{
    const void *field = (const char *)options + option->offset;
    switch (option->kind) {
    case HH_OPTION_COUNT:
        return *(const uint32_t *)field;
    case HH_OPTION_WHOLE:
        return (double)*(const uint64_t *)field;
    case HH_OPTION_REAL:
        return *(const float *)field;
    case HH_OPTION_SHARE:
        return *(const double *)field;
    case HH_OPTION_TIME:
        return (double)*(const hh_time *)field;
    case HH_OPTION_SWITCH:
        break;
    }
    return *(const bool *)field;
}

// Of a float, the nearest to its bounds are within them.
static bool in_range(const hh_option *option, double value)
{
    if (option->kind == HH_OPTION_REAL)
        return (float)value >= (float)option->low && (float)value <= (float)option->high;
    return value >= option->low && value <= option->high &&
           (option->kind == HH_OPTION_SHARE || value == floor(value));
}

bool hh_option_set(const hh_option *option, void *options, double value)
{
    void *field = (char *)options + option->offset;
    if (!in_range(option, value)) // no number is not either
        return false;
    switch (option->kind) {
    case HH_OPTION_COUNT:
        *(uint32_t *)field = (uint32_t)value;
        break;
    case HH_OPTION_WHOLE:
        *(uint64_t *)field = (uint64_t)value;
        break;
    case HH_OPTION_REAL:
        *(float *)field = (float)value;
        break;
    case HH_OPTION_SHARE:
        *(double *)field = value;
        break;
    case HH_OPTION_TIME:
        *(hh_time *)field = (hh_time)value;
        break;
    case HH_OPTION_SWITCH:
        *(bool *)field = value != 0;
        break;
    }
    return true;
}

hh_status hh_options_check(const hh_option *table, const void *options, hh_error *error)
{
    for (const hh_option *row = table; row->name; row++) {
        double value = hh_option_get(row, options);
        if (!in_range(row, value))
            return hh_fail(error, HH_ARGUMENT, "%s must be %g to %g, not %g", row->name, row->low, row->high,
                           value);
    }
    return HH_OK;
}
