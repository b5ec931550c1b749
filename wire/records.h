// The records that go over Kafka, as C structs, and their encoding in Avro (schemas/*.avsc) and JSON, which
// mirrors the schemas field by field. Encoders and decoders are one thread's each; what they return is valid
// until their next call.
#ifndef WIRE_RECORDS_H
#define WIRE_RECORDS_H

#include <hiphop/status.h>
#include <hiphop/text.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hh_format { HH_FORMAT_JSON, HH_FORMAT_AVRO } hh_format; // Avro: bare binary, schema from a file

// ---- in ----

typedef enum hh_time_unit { HH_UNIT_MS, HH_UNIT_S, HH_UNIT_US, HH_UNIT_ISO8601 } hh_time_unit;

// Where visitor, item and event time stand in somebody else's record: dotted paths ("user.id"), and the unit
// of the time.
typedef struct hh_click_fields {
    const char *visitor, *item, *timestamp;
    hh_time_unit unit;
} hh_click_fields;

typedef struct hh_click {
    hh_text visitor, item;
    hh_time time;
} hh_click;

typedef struct hh_click_decoder hh_click_decoder;

// schema: text of the writer's Avro schema (NULL for JSON); fields: NULL for those of schemas/click.avsc. The
// decoder keeps neither. Errors name the field, and what the schema has instead.
//
// An id may be text or a whole number (taken in its decimal form); in Avro string, bytes, int or long. A time
// is a number of its unit, fractions allowed, or text in ISO 8601 with its zone. Whatever has null or nothing
// there is no click, and neither is a time outside the years 1970 to 2199: a wrong unit, or a broken clock.
hh_click_decoder *hh_click_decoder_new(hh_format format, const char *schema, const hh_click_fields *fields,
                                       hh_error *error);
void hh_click_decoder_free(hh_click_decoder *decoder);
// HH_FORMAT with the reason for anything that is not a click, an empty value too: never crashes, never
// allocates. Ids are 1..HH_ID_MAX bytes of valid UTF-8 without a zero byte; they point into `bytes` or into
// the decoder.
#define HH_ID_MAX 1024
hh_status hh_click_decode(hh_click_decoder *decoder, const void *bytes, size_t length, hh_click *click,
                          hh_error *error);

// ---- out ----

typedef struct hh_recommended_item {
    hh_text item;
    float score;
    hh_text reason;
} hh_recommended_item;

// The reason of what is listed for its description; the id of the item that it is like follows.
#define HH_REASON_LIKE "its description is like that of "

typedef struct hh_recommendations_record { // schemas/recommendations.avsc
    hh_text visitor;
    hh_text session_id; // "<partition>-<offset of the session's first click to arrive>"
    hh_text clicked_item;
    hh_time timestamp;     // event time of the click that it answers
    int32_t position;      // of that click in its session, 1 = first
    int64_t model_version; // 0: the graph alone
    const hh_recommended_item *items;
    size_t count;
} hh_recommendations_record;

typedef struct hh_session_record_click {
    hh_text item;
    hh_time timestamp;
} hh_session_record_click;

typedef struct hh_session_record { // schemas/session.avsc
    hh_text visitor;
    hh_text session_id;
    hh_time start, end;   // event times of the first and last click
    hh_text close_reason; // "gap", "max_clicks", "max_duration"
    const hh_session_record_click *clicks;
    size_t count;
} hh_session_record;

// The semantic vector of an item. It may be written by hiphopd or by anybody, and every hiphopd reads it.
typedef struct hh_item_vector_record { // schemas/item-vector.avsc
    hh_text source;                    // 1 .. HH_SOURCE_MAX of a-z, A-Z, 0-9, '.', '_' and '-'
    hh_text item;
    hh_text model;     // what made it; vectors of different models are not comparable; may be empty
    hh_text text_hash; // of the sentence that it was made from; may be empty
    const float *vector;
    size_t width;
} hh_item_vector_record;
#define HH_SOURCE_MAX 64
#define HH_WIDTH_MAX  65536        // numbers in a vector
typedef struct hh_quality_record { // schemas/quality.avsc
    hh_text instance;
    int64_t model_version;
    hh_time timestamp, begin;
    int64_t lists, targets;
    float hr20, mrr20, graph_hr20, graph_mrr20, popularity_hr20, popularity_mrr20;
    int64_t items;
    int32_t out;
} hh_quality_record;

// What is returned in *bytes is the encoder's. HH_FORMAT: some text is not UTF-8, or a score is not finite;
// nothing can be written of such a record that others could read. JSON mirrors the schema field by field.
typedef struct hh_encoder hh_encoder;
hh_encoder *hh_encoder_new(hh_format format, hh_error *error);
void hh_encoder_free(hh_encoder *encoder);
hh_status hh_encode_recommendations(hh_encoder *encoder, const hh_recommendations_record *record,
                                    hh_text *bytes);
hh_status hh_encode_session(hh_encoder *encoder, const hh_session_record *record, hh_text *bytes);
hh_status hh_encode_quality(hh_encoder *encoder, const hh_quality_record *record, hh_text *bytes);
hh_status hh_encode_click(hh_encoder *encoder, const hh_click *click, hh_text *bytes); // schemas/click.avsc
// HH_FORMAT also where the source is no name of a source, and HH_LIMIT where the width is none.
hh_status hh_encode_item_vector(hh_encoder *encoder, const hh_item_vector_record *record, hh_text *bytes);

// ---- item vectors, read ----

bool hh_source_name_valid(hh_text source);
// The key of an item's vector, "source/item", into key[HH_VECTOR_KEY_MAX]; returns its length. And back:
// HH_FORMAT where it is no such key.
#define HH_VECTOR_KEY_MAX (HH_SOURCE_MAX + 1 + HH_ID_MAX)
size_t hh_vector_key(hh_text source, hh_text item, char key[HH_VECTOR_KEY_MAX]);
hh_status hh_vector_key_split(const void *key, size_t length, hh_text *source, hh_text *item,
                              hh_error *error);

// Reads either format, which a record's first byte tells apart: JSON begins with its brace. HH_FORMAT with
// the reason where it is no item vector: cut off, a number not finite, all zeros, a width that the vector
// does not have. What the record points to is the decoder's or in `bytes`.
typedef struct hh_item_vector_decoder hh_item_vector_decoder;
hh_item_vector_decoder *hh_item_vector_decoder_new(hh_error *error);
void hh_item_vector_decoder_free(hh_item_vector_decoder *decoder);
hh_status hh_item_vector_decode(hh_item_vector_decoder *decoder, const void *bytes, size_t length,
                                hh_item_vector_record *record, hh_error *error);

// ---- for those who consume (hiphop watch, tests) ----

typedef struct hh_recommendations_decoder hh_recommendations_decoder;
hh_recommendations_decoder *hh_recommendations_decoder_new(hh_format format, hh_error *error);
void hh_recommendations_decoder_free(hh_recommendations_decoder *decoder);
hh_status hh_recommendations_decode(hh_recommendations_decoder *decoder, const void *bytes, size_t length,
                                    hh_recommendations_record *record, hh_error *error);

// The title in a record of the topic of items (JSON: {"title": "...", ...}; its key is the item's id),
// NUL-terminated into title[size], cut between characters where it is too long; "" where the record has none.
// HH_FORMAT where the record is no JSON object, or its title no text.
hh_status hh_item_decode(const void *bytes, size_t length, char *title, size_t size, hh_error *error);

#endif
