#include <hiphop/status.h>

#include <stddef.h>
#include <stdio.h>

static const struct {
    const char *name, *text;
} statuses[] = {
#define HH_STATUS_ROW(name, sentence) {#name, sentence},
    HH_STATUS_MAP(HH_STATUS_ROW)
#undef HH_STATUS_ROW
};

static size_t row_of(hh_status status)
{
    size_t row = (size_t)status;
    return row < sizeof statuses / sizeof *statuses ? row : HH_ARGUMENT;
}

const char *hh_status_name(hh_status status)
{
    return statuses[row_of(status)].name;
}

const char *hh_status_text(hh_status status)
{
    return statuses[row_of(status)].text;
}

hh_status hh_fail(hh_error *error, hh_status status, const char *format, ...)
{
    if (!error)
        return status;
    error->status = status;
    if (!format) {
        snprintf(error->message, sizeof error->message, "%s", hh_status_text(status));
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return status;
}
