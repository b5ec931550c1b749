// A dotted path to a field in somebody else's record: "user.id" is the field id of the record in field user.
#ifndef WIRE_PATH_H
#define WIRE_PATH_H

#include "wire/records.h"

#define HH_PATH_STEPS  8   // deeper than any event we have seen
#define HH_STEP_LENGTH 255 // bytes of one name

typedef struct hh_path {
    hh_text steps[HH_PATH_STEPS]; // into the text it was parsed from
    size_t count;
} hh_path;

// `text` must outlive the path. `what` ("visitor") is for the sentence of the error.
hh_status hh_path_parse(hh_path *path, const char *what, const char *text, hh_error *error);

#endif
