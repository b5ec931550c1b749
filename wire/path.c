#include "wire/path.h"

#include <string.h>

hh_status hh_path_parse(hh_path *path, const char *what, const char *text, hh_error *error)
{
    path->count = 0;
    if (!text)
        return hh_fail(error, HH_ARGUMENT, "the field of the %s is not named", what);
    for (const char *step = text;; step++) {
        size_t length = strcspn(step, ".");
        if (length == 0 || length > HH_STEP_LENGTH)
            return hh_fail(error, HH_ARGUMENT,
                           "the field of the %s, \"%.200s\", needs names of 1 to %d bytes between its dots",
                           what, text, HH_STEP_LENGTH);
        if (path->count == HH_PATH_STEPS)
            return hh_fail(error, HH_ARGUMENT,
                           "the field of the %s, \"%.200s\", is more than %d records deep", what, text,
                           HH_PATH_STEPS);
        path->steps[path->count++] = (hh_text){step, length};
        step += length;
        if (!*step)
            return HH_OK;
    }
}
