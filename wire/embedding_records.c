// Item vectors and marks to bytes and back. The order of the fields is that of schemas/embedding.avsc.
#include "wire/embedding_records.h"

#include "wire/avro_binary.h"
#include "wire/avro_write.h"
#include "wire/encoder.h"
#include "wire/json_write.h"
#include "wire/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "vectors go out as they are in memory"
#endif

#define HEX 17 // of a checksum, with its NUL

static const char *const words[] = {"begin", "vector", "end"}; // by kind

hh_text hh_embedding_mark(hh_embedding_kind kind)
{
    return kind == HH_EMBEDDING_BEGIN ? (hh_text){"\0begin", 6} : (hh_text){"\0end", 4};
}

bool hh_embedding_item(hh_text item)
{
    return item.length >= 1 && item.length <= HH_ID_MAX && !memchr(item.bytes, '\0', item.length) &&
           hh_utf8_valid(item.bytes, item.length);
}

uint64_t hh_embedding_checksum(hh_text item, const float *vector, uint32_t dimension)
{
    return XXH3_64bits_withSeed(vector, dimension * sizeof *vector, XXH3_64bits(item.bytes, item.length));
}

// ---- writing ----

static hh_text word_of(hh_embedding_kind kind)
{
    return (hh_text){words[kind], strlen(words[kind])};
}

static hh_text hex_of(uint64_t checksum, char hex[HEX])
{
    snprintf(hex, HEX, "%016llx", (unsigned long long)checksum);
    return (hh_text){hex, HEX - 1};
}

static void snapshot_json(hh_buffer *out, const hh_snapshot *snapshot)
{
    char hex[HEX];
    hh_json_put(out, "{\"count\":");
    hh_json_put_integer(out, snapshot->count);
    hh_json_put(out, ",\"dimension\":");
    hh_json_put_integer(out, snapshot->dimension);
    hh_json_put(out, ",\"checksum\":");
    hh_json_put_text(out, hex_of(snapshot->checksum, hex));
    hh_json_put(out, ",\"since_full\":");
    hh_json_put_integer(out, snapshot->since_full);
    hh_json_put(out, ",\"written\":");
    hh_json_put_integer(out, snapshot->written);
    hh_json_put(out, ",\"removed\":");
    hh_json_put_integer(out, snapshot->removed);
    hh_json_put(out, ",\"scale\":");
    hh_json_put_float(out, snapshot->scale);
    hh_json_put(out, ",\"tolerance\":");
    hh_json_put_float(out, snapshot->tolerance);
    hh_json_put(out, "}");
}

static void to_json(hh_buffer *out, const hh_embedding_record *record)
{
    hh_json_put(out, "{\"kind\":");
    hh_json_put_text(out, word_of(record->kind));
    hh_json_put(out, ",\"version\":");
    hh_json_put_integer(out, record->version);
    if (record->kind != HH_EMBEDDING_VECTOR) {
        hh_json_put(out, ",\"item\":null,\"vector\":null,\"snapshot\":");
        snapshot_json(out, &record->snapshot);
        hh_json_put(out, "}");
        return;
    }
    hh_json_put(out, ",\"item\":");
    hh_json_put_text(out, record->item);
    hh_json_put(out, ",\"vector\":[");
    for (uint32_t i = 0; i < record->dimension; i++) {
        if (i)
            hh_json_put(out, ",");
        hh_json_put_float(out, record->vector[i]);
    }
    hh_json_put(out, "],\"snapshot\":null}");
}

static void snapshot_avro(hh_buffer *out, const hh_snapshot *snapshot)
{
    char hex[HEX];
    hh_avro_put_long(out, snapshot->count);
    hh_avro_put_long(out, snapshot->dimension);
    hh_avro_put_text(out, hex_of(snapshot->checksum, hex));
    hh_avro_put_long(out, snapshot->since_full);
    hh_avro_put_long(out, snapshot->written);
    hh_avro_put_long(out, snapshot->removed);
    hh_avro_put_float(out, snapshot->scale);
    hh_avro_put_float(out, snapshot->tolerance);
}

// Before each field that may be null stands which it is: 0 null, 1 the other.
static void to_avro(hh_buffer *out, const hh_embedding_record *record)
{
    bool vector = record->kind == HH_EMBEDDING_VECTOR;
    hh_avro_put_text(out, word_of(record->kind));
    hh_avro_put_long(out, record->version);
    hh_avro_put_long(out, vector);
    if (vector)
        hh_avro_put_text(out, record->item);
    hh_avro_put_long(out, vector);
    if (vector) {
        hh_avro_put_long(out, (int64_t)(record->dimension * sizeof *record->vector));
        for (uint32_t i = 0; i < record->dimension; i++)
            hh_avro_put_float(out, record->vector[i]);
    }
    hh_avro_put_long(out, !vector);
    if (!vector)
        snapshot_avro(out, &record->snapshot);
}

hh_status hh_encode_embedding(hh_encoder *encoder, const hh_embedding_record *record, hh_text *bytes)
{
    hh_buffer *out = hh_encoder_start(encoder);
    if (record->kind == HH_EMBEDDING_VECTOR && (!hh_embedding_item(record->item) || record->dimension < 1 ||
                                                record->dimension > HH_EMBEDDING_DIMENSION_MAX))
        hh_buffer_fail(out, HH_FORMAT);
    (hh_encoder_format(encoder) == HH_FORMAT_AVRO ? to_avro : to_json)(out, record);
    return hh_encoder_finish(encoder, bytes);
}

// ---- reading ----

struct hh_embedding_decoder {
    json_t *json; // the last record; the item points into it
    float vector[HH_EMBEDDING_DIMENSION_MAX];
};

hh_embedding_decoder *hh_embedding_decoder_new(hh_error *error)
{
    hh_embedding_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        hh_fail(error, HH_MEMORY, NULL);
    return decoder;
}

void hh_embedding_decoder_free(hh_embedding_decoder *decoder)
{
    if (!decoder)
        return;
    json_decref(decoder->json);
    free(decoder);
}

static hh_status wrong(hh_error *error, const char *field)
{
    return hh_fail(error, HH_FORMAT, "its field \"%s\" is missing or wrong", field);
}

static bool kind_of(hh_text word, hh_embedding_kind *kind)
{
    for (int i = HH_EMBEDDING_BEGIN; i <= HH_EMBEDDING_END; i++) {
        hh_text known = word_of((hh_embedding_kind)i);
        if (word.length == known.length && memcmp(word.bytes, known.bytes, known.length) == 0) {
            *kind = (hh_embedding_kind)i;
            return true;
        }
    }
    return false;
}

// As it is written, and no other way.
static bool checksum_of(hh_text hex, uint64_t *checksum)
{
    char text[HEX], again[HEX];
    if (hex.length != HEX - 1)
        return false;
    memcpy(text, hex.bytes, HEX - 1);
    text[HEX - 1] = '\0';
    *checksum = strtoull(text, NULL, 16);
    hex_of(*checksum, again);
    return memcmp(text, again, HEX) == 0;
}

static bool text_in(const json_t *json, const char *field, hh_text *text)
{
    const json_t *value = json_object_get(json, field);
    *text = (hh_text){json_string_value(value), json_string_length(value)};
    return json_is_string(value);
}

static bool count_in(const json_t *json, const char *field, int64_t low, int64_t high, uint32_t *count)
{
    const json_t *value = json_object_get(json, field);
    int64_t whole = json_integer_value(value);
    *count = (uint32_t)whole;
    return json_is_integer(value) && whole >= low && whole <= high;
}

static bool real_in(const json_t *value, float *real)
{
    *real = (float)json_number_value(value);
    return json_is_number(value) && isfinite(*real);
}

static hh_status snapshot_of_json(const json_t *json, hh_snapshot *snapshot, hh_error *error)
{
    const struct {
        const char *name;
        int64_t low, high;
        uint32_t *value;
    } counts[] = {
        {"count", 0, INT32_MAX, &snapshot->count},
        {"dimension", 1, HH_EMBEDDING_DIMENSION_MAX, &snapshot->dimension},
        {"since_full", 0, INT32_MAX, &snapshot->since_full},
        {"written", 0, INT32_MAX, &snapshot->written},
        {"removed", 0, INT32_MAX, &snapshot->removed},
    };
    hh_text hex;
    if (!json_is_object(json))
        return wrong(error, "snapshot");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (!count_in(json, counts[i].name, counts[i].low, counts[i].high, counts[i].value))
            return wrong(error, counts[i].name);
    if (!text_in(json, "checksum", &hex) || !checksum_of(hex, &snapshot->checksum))
        return wrong(error, "checksum");
    if (!real_in(json_object_get(json, "scale"), &snapshot->scale))
        return wrong(error, "scale");
    if (!real_in(json_object_get(json, "tolerance"), &snapshot->tolerance))
        return wrong(error, "tolerance");
    return HH_OK;
}

static hh_status vector_of_json(hh_embedding_decoder *decoder, const json_t *json,
                                hh_embedding_record *record, hh_error *error)
{
    const json_t *vector = json_object_get(json, "vector");
    size_t dimension = json_array_size(vector);
    if (!text_in(json, "item", &record->item) || !hh_embedding_item(record->item))
        return wrong(error, "item");
    if (dimension < 1 || dimension > HH_EMBEDDING_DIMENSION_MAX)
        return wrong(error, "vector");
    for (size_t i = 0; i < dimension; i++)
        if (!real_in(json_array_get(vector, i), &decoder->vector[i]))
            return wrong(error, "vector");
    record->dimension = (uint32_t)dimension;
    return HH_OK;
}

static hh_status from_json(hh_embedding_decoder *decoder, const void *bytes, size_t length,
                           hh_embedding_record *record, hh_error *error)
{
    json_error_t trouble;
    hh_text word;
    json_decref(decoder->json);
    const json_t *json = decoder->json = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &trouble);
    if (!json && json_error_code(&trouble) == json_error_out_of_memory)
        return hh_fail(error, HH_MEMORY, NULL);
    if (!json_is_object(json))
        return hh_fail(error, HH_FORMAT, "it is no JSON object: %s", json ? "something else" : trouble.text);
    const json_t *version = json_object_get(json, "version");
    record->version = json_integer_value(version);
    if (!text_in(json, "kind", &word) || !kind_of(word, &record->kind))
        return wrong(error, "kind");
    if (!json_is_integer(version) || record->version < 1)
        return wrong(error, "version");
    return record->kind == HH_EMBEDDING_VECTOR
               ? vector_of_json(decoder, json, record, error)
               : snapshot_of_json(json_object_get(json, "snapshot"), &record->snapshot, error);
}

static bool avro_count(hh_avro_cursor *cursor, int32_t low, int32_t high, uint32_t *count)
{
    int32_t whole;
    bool good = hh_avro_int(cursor, &whole) && whole >= low && whole <= high;
    *count = good ? (uint32_t)whole : 0;
    return good;
}

// Which of null and the other it is: the one that is wanted.
static bool avro_is(hh_avro_cursor *cursor, bool there)
{
    int64_t which;
    return hh_avro_long(cursor, &which) && which == there;
}

static bool snapshot_of_avro(hh_avro_cursor *cursor, hh_snapshot *snapshot)
{
    hh_text hex;
    return avro_count(cursor, 0, INT32_MAX, &snapshot->count) &&
           avro_count(cursor, 1, HH_EMBEDDING_DIMENSION_MAX, &snapshot->dimension) &&
           hh_avro_text(cursor, &hex) && checksum_of(hex, &snapshot->checksum) &&
           avro_count(cursor, 0, INT32_MAX, &snapshot->since_full) &&
           avro_count(cursor, 0, INT32_MAX, &snapshot->written) &&
           avro_count(cursor, 0, INT32_MAX, &snapshot->removed) && hh_avro_float(cursor, &snapshot->scale) &&
           isfinite(snapshot->scale) && hh_avro_float(cursor, &snapshot->tolerance) &&
           isfinite(snapshot->tolerance);
}

static bool vector_of_avro(hh_embedding_decoder *decoder, hh_avro_cursor *cursor, hh_text bytes,
                           hh_embedding_record *record)
{
    record->dimension = (uint32_t)(bytes.length / sizeof *record->vector);
    bool good = bytes.length >= sizeof *record->vector && bytes.length <= sizeof decoder->vector &&
                bytes.length % sizeof *record->vector == 0;
    hh_avro_cursor numbers = {cursor->at - bytes.length, cursor->at};
    for (uint32_t i = 0; good && i < record->dimension; i++)
        good = hh_avro_float(&numbers, &decoder->vector[i]) && isfinite(decoder->vector[i]);
    return good;
}

static hh_status from_avro(hh_embedding_decoder *decoder, const void *bytes, size_t length,
                           hh_embedding_record *record, hh_error *error)
{
    const unsigned char *start = bytes;
    hh_avro_cursor cursor = {start, start + length};
    hh_text word, vector;
    bool good = hh_avro_text(&cursor, &word) && kind_of(word, &record->kind) &&
                hh_avro_long(&cursor, &record->version) && record->version >= 1;
    if (good && record->kind == HH_EMBEDDING_VECTOR)
        good = avro_is(&cursor, true) && hh_avro_text(&cursor, &record->item) &&
               hh_embedding_item(record->item) && avro_is(&cursor, true) && hh_avro_text(&cursor, &vector) &&
               vector_of_avro(decoder, &cursor, vector, record) && avro_is(&cursor, false);
    else if (good)
        good = avro_is(&cursor, false) && avro_is(&cursor, false) && avro_is(&cursor, true) &&
               snapshot_of_avro(&cursor, &record->snapshot);
    if (!good || cursor.at != cursor.end)
        return hh_fail(error, HH_FORMAT, "it can't be read by schemas/embedding.avsc: byte %zu: %s",
                       (size_t)(cursor.at - start),
                       good ? "bytes are left over" : "it is cut off or something else");
    return HH_OK;
}

hh_status hh_embedding_decode(hh_embedding_decoder *decoder, const void *bytes, size_t length,
                              hh_embedding_record *record, hh_error *error)
{
    *record = (hh_embedding_record){.vector = decoder->vector};
    if (!bytes || length == 0)
        return hh_fail(error, HH_FORMAT, "it is empty");
    bool json = *(const char *)bytes == '{';
    hh_status status = (json ? from_json : from_avro)(decoder, bytes, length, record, error);
    record->snapshot.version = record->version;
    return status;
}
