// Picks a few values out of a JSON text without building a tree. Every click is read by this, by the workers
// and by the graph keeper: parsing it with jansson takes 1.5 us, as long as librdkafka takes to fetch it and
// to send its answer; this takes a tenth of that. jansson reads everything else, and the fuzz target of the
// click decoder holds the two against each other.
//
// Strict RFC 8259 in valid UTF-8, to the last byte: what it accepts is JSON. Nesting is bounded. A key on the
// way to a wanted value must not stand twice in its object: which of the two counts would be anybody's guess.
#ifndef WIRE_JSON_SCAN_H
#define WIRE_JSON_SCAN_H

#include "wire/path.h"

#include <stdbool.h>

#define HH_JSON_DEPTH 64

typedef enum hh_json_kind {
    HH_JSON_ABSENT,
    HH_JSON_NULL,
    HH_JSON_BOOLEAN,
    HH_JSON_NUMBER,
    HH_JSON_STRING,
    HH_JSON_ARRAY,
    HH_JSON_OBJECT,
} hh_json_kind;

typedef struct hh_json_value {
    hh_json_kind kind;
    hh_text text; // NUMBER: as written. STRING, ARRAY: between its quotes or brackets, as written
    bool escaped; // STRING: it holds escapes
} hh_json_value;

// values[i] becomes what stands at paths[i], HH_JSON_ABSENT where nothing does. At most 32 paths.
hh_status hh_json_pick(const void *bytes, size_t length, const hh_path *paths, size_t count,
                       hh_json_value *values, hh_error *error);
// The bytes that an escaped string means, into out[text.length]; returns how many.
size_t hh_json_unescape(hh_text text, char *out);
// "a number", for sentences.
const char *hh_json_kind_name(hh_json_kind kind);

#endif
