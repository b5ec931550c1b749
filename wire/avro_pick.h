// Picks a few values out of bare Avro records of somebody else's schema (the writer's: a reader's schema with
// defaults is what Avro C can't do). The schema is parsed by Avro C and flattened once, the paths are checked
// against it once, and then every record is walked to its last byte by the schema: nothing is allocated, no
// length is believed, and bytes left over are an error. Since this walk is needed anyway to protect Avro C
// from lengths that are only claimed, it also does the decoding: a second pass by Avro C would add a copy and
// no check.
#ifndef WIRE_AVRO_PICK_H
#define WIRE_AVRO_PICK_H

#include "wire/path.h"

typedef enum hh_avro_kind {
    HH_AVRO_ABSENT = 0, // null, or in a record that is null
    HH_AVRO_TEXT = 1,   // string, bytes
    HH_AVRO_WHOLE = 2,  // int, long
    HH_AVRO_REAL = 4,   // float, double
    HH_AVRO_SYMBOL = 8, // of an enum
    HH_AVRO_LIST = 16,  // array of the above
} hh_avro_kind;

typedef struct hh_avro_value {
    hh_avro_kind kind;
    hh_text text; // into the record; a symbol's is the picker's
    int64_t whole;
    double real;
    uint32_t items; // of a list, whose encoding the text is: see hh_avro_list()
} hh_avro_value;

typedef struct hh_avro_wish {
    const char *what;   // "visitor", for sentences
    const char *path;   // as configured, for sentences
    hh_path steps;      // parsed from it
    unsigned kinds;     // of hh_avro_kind, or-ed; with HH_AVRO_LIST also arrays of what else is there
    const char *wanted; // "a string or a whole number"
} hh_avro_wish;

typedef struct hh_avro_picker hh_avro_picker;
// HH_ARGUMENT where the schema is no schema, or lacks a path, or has something else there. At most 32 wishes.
hh_avro_picker *hh_avro_picker_new(const char *schema, const hh_avro_wish *wishes, size_t count,
                                   hh_error *error);
void hh_avro_picker_free(hh_avro_picker *picker);
hh_status hh_avro_pick(const hh_avro_picker *picker, const void *bytes, size_t length, hh_avro_value *values,
                       hh_error *error);

// The values of a list that was picked, one after the other, absent ones among them. False: there is no
// other.
typedef struct hh_avro_place {
    const unsigned char *at; // NULL to begin with
    int64_t left;            // of the block that it is in
} hh_avro_place;
bool hh_avro_list_next(const hh_avro_picker *picker, const hh_avro_value *list, hh_avro_place *place,
                       hh_avro_value *value);

#endif
