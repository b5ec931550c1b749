// The logicalType of a field ("timestamp-micros"), which Avro C drops when it parses a schema. With it a
// wrong unit of time is told at the start, not by a topic full of dead letters, or of clicks of January 1970.
#ifndef WIRE_AVRO_LOGICAL_H
#define WIRE_AVRO_LOGICAL_H

#include "wire/path.h"

// Writes it, NUL-terminated, into text[size]; "" where the field has none, or where the way to it leads
// through a type that is defined elsewhere in the schema. `schema` has been parsed by Avro C already.
// HH_MEMORY is all that can fail.
hh_status hh_avro_logical_type(const char *schema, const hh_path *path, char *text, size_t size);

#endif
