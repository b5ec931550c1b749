// Options as tables. One row of such a table gives a field of a struct, its default and range, its name in
// files and on the command line, and what it is for:
//
//   X(KIND, field, "name", default, low, high, "what it is for")
//
// HH_NETWORK_OPTIONS (model.h) and HH_TRAIN_OPTIONS (train.h) are such tables.
#ifndef HIPHOP_OPTION_H
#define HIPHOP_OPTION_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hh_option_kind {
    HH_OPTION_COUNT,  // uint32_t
    HH_OPTION_WHOLE,  // uint64_t, up to 2^53, so that every number is exact
    HH_OPTION_REAL,   // float
    HH_OPTION_SHARE,  // double
    HH_OPTION_SWITCH, // bool: a part that is on or off
    HH_OPTION_TIME,   // hh_time: a duration in ms
} hh_option_kind;

typedef struct hh_option {
    const char *name;
    hh_option_kind kind;
    size_t offset; // of the field in its struct
    double standard, low, high;
    const char *text;
} hh_option;

// The field's value, and its change; options is the struct that the table is of. false: out of range, and
// nothing was changed.
double hh_option_get(const hh_option *option, const void *options);
bool hh_option_set(const hh_option *option, void *options, double value);
// Every value of a table, which ends with a row without a name, is in its range; else HH_ARGUMENT.
hh_status hh_options_check(const hh_option *table, const void *options, hh_error *error);

// ---- a struct out of its table ----
#define HH_FIELD_COUNT  uint32_t
#define HH_FIELD_WHOLE  uint64_t
#define HH_FIELD_REAL   float
#define HH_FIELD_SHARE  double
#define HH_FIELD_SWITCH bool
#define HH_FIELD_TIME   hh_time

#define HH_OPTION_FIELD(kind, field, ...)                    HH_FIELD_##kind field;
#define HH_OPTION_STANDARD(kind, field, name, standard, ...) .field = standard,
#define HH_OPTION_ROW(of, kind, field, name, standard, low, high, text) \
    {name, HH_OPTION_##kind, offsetof(of, field), standard, low, high, text},

#endif
