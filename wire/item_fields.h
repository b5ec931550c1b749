// Fields of other teams' item records, as the texts that a sentence is made of.
#ifndef WIRE_ITEM_FIELDS_H
#define WIRE_ITEM_FIELDS_H

#include "wire/records.h"

#define HH_ITEM_FIELDS_MAX 16

typedef struct hh_item_fields hh_item_fields;

// names: dotted paths, at most HH_ITEM_FIELDS_MAX, copied. schema: text of the writer's Avro schema, NULL for
// JSON. A field that an Avro schema lacks is an error; in JSON any record may lack any.
hh_item_fields *hh_item_fields_new(hh_format format, const char *schema, const char *const *names,
                                   size_t count, hh_error *error);
void hh_item_fields_free(hh_item_fields *fields); // may be NULL

// values[i] is the i-th field: text as it is (of an Avro enum its symbol), a number as it is written, of an
// array its texts and numbers joined by ", ". bytes NULL: it is missing, null, or something else. Valid until
// the next call, and as long as `bytes`. HH_FORMAT where the record can't be read.
hh_status hh_item_fields_read(hh_item_fields *fields, const void *bytes, size_t length, hh_text *values,
                              hh_error *error);

#endif
