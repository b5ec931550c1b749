// Recommendations read back, for `hiphop watch` and for tests. JSON through jansson: nobody waits for it.
#include "wire/avro_binary.h"
#include "wire/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

struct hh_recommendations_decoder {
    hh_format format;
    json_t *json; // the last record; the texts point into it
    hh_recommended_item *items;
    size_t room;
};

hh_recommendations_decoder *hh_recommendations_decoder_new(hh_format format, hh_error *error)
{
    hh_recommendations_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    decoder->format = format;
    return decoder;
}

void hh_recommendations_decoder_free(hh_recommendations_decoder *decoder)
{
    if (!decoder)
        return;
    json_decref(decoder->json);
    free(decoder->items);
    free(decoder);
}

// Room for one more than `count` items: it grows with what has been read, never by what the bytes claim.
static bool room(hh_recommendations_decoder *decoder, size_t count)
{
    if (count < decoder->room)
        return true;
    size_t larger = decoder->room ? decoder->room * 2 : 32;
    hh_recommended_item *items = realloc(decoder->items, larger * sizeof *items);
    if (!items)
        return false;
    decoder->items = items;
    decoder->room = larger;
    return true;
}

// ---- JSON ----

static hh_status json_text(const json_t *object, const char *key, hh_text *text, hh_error *error)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return hh_fail(error, HH_FORMAT, "%s is missing, or not text", key);
    *text = (hh_text){json_string_value(value), json_string_length(value)};
    return HH_OK;
}

static hh_status json_integer_in(const json_t *object, const char *key, int64_t low, int64_t high,
                                 int64_t *whole, hh_error *error)
{
    const json_t *value = json_object_get(object, key);
    *whole = json_integer_value(value);
    if (!json_is_integer(value) || *whole < low || *whole > high)
        return hh_fail(error, HH_FORMAT, "%s is missing, or no whole number in its range", key);
    return HH_OK;
}

static hh_status json_item(const json_t *value, hh_recommended_item *item, hh_error *error)
{
    hh_status status = json_text(value, "item", &item->item, error);
    const json_t *score = json_object_get(value, "score");
    if (status == HH_OK && !json_is_number(score))
        status = hh_fail(error, HH_FORMAT, "score is missing, or not a number");
    item->score = (float)json_number_value(score);
    if (status == HH_OK && !isfinite(item->score))
        status = hh_fail(error, HH_FORMAT, "score is too large");
    return status == HH_OK ? json_text(value, "reason", &item->reason, error) : status;
}

static hh_status from_json(hh_recommendations_decoder *decoder, const void *bytes, size_t length,
                           hh_recommendations_record *record, hh_error *error)
{
    json_error_t trouble;
    json_decref(decoder->json);
    decoder->json = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &trouble);
    if (!decoder->json)
        return json_error_code(&trouble) == json_error_out_of_memory
                   ? hh_fail(error, HH_MEMORY, NULL)
                   : hh_fail(error, HH_FORMAT, "it is not usable JSON: byte %d: %s", trouble.position,
                             trouble.text);

    const json_t *json = decoder->json, *items = json_object_get(json, "items");
    int64_t position = 0;
    hh_status status = json_text(json, "visitor", &record->visitor, error);
    if (status == HH_OK)
        status = json_text(json, "session_id", &record->session_id, error);
    if (status == HH_OK)
        status = json_text(json, "clicked_item", &record->clicked_item, error);
    if (status == HH_OK)
        status = json_integer_in(json, "timestamp", INT64_MIN, INT64_MAX, &record->timestamp, error);
    if (status == HH_OK)
        status = json_integer_in(json, "position", INT32_MIN, INT32_MAX, &position, error);
    if (status == HH_OK)
        status = json_integer_in(json, "model_version", INT64_MIN, INT64_MAX, &record->model_version, error);
    if (status == HH_OK && !json_is_array(items))
        status = hh_fail(error, HH_FORMAT, "items is missing, or not an array");
    record->position = (int32_t)position;
    for (size_t i = 0; i < json_array_size(items) && status == HH_OK; i++) {
        if (!room(decoder, i))
            return hh_fail(error, HH_MEMORY, NULL);
        status = json_item(json_array_get(items, i), &decoder->items[i], error);
    }
    record->items = decoder->items;
    record->count = json_array_size(items);
    return status;
}

// ---- Avro, in the order of schemas/recommendations.avsc ----

static bool avro_text(hh_avro_cursor *cursor, hh_text *text)
{
    return hh_avro_text(cursor, text) && hh_utf8_valid(text->bytes, text->length);
}

static hh_status from_avro(hh_recommendations_decoder *decoder, const void *bytes, size_t length,
                           hh_recommendations_record *record, hh_error *error)
{
    const unsigned char *start = bytes;
    hh_avro_cursor cursor = {start, start + length};
    int64_t block = 0;
    bool good = avro_text(&cursor, &record->visitor) && avro_text(&cursor, &record->session_id) &&
                avro_text(&cursor, &record->clicked_item) && hh_avro_long(&cursor, &record->timestamp) &&
                hh_avro_int(&cursor, &record->position) && hh_avro_long(&cursor, &record->model_version);
    record->count = 0;
    while (good && (good = hh_avro_block(&cursor, &block)) && block) {
        for (; block && good; block--) {
            if (!room(decoder, record->count))
                return hh_fail(error, HH_MEMORY, NULL);
            hh_recommended_item *item = &decoder->items[record->count++];
            good = avro_text(&cursor, &item->item) && hh_avro_float(&cursor, &item->score) &&
                   isfinite(item->score) && avro_text(&cursor, &item->reason);
        }
    }
    record->items = decoder->items;
    if (!good || cursor.at != cursor.end)
        return hh_fail(error, HH_FORMAT, "it can't be read by schemas/recommendations.avsc: byte %zu: %s",
                       (size_t)(cursor.at - start),
                       good ? "bytes are left over" : "it is cut off or something else");
    return HH_OK;
}

hh_status hh_recommendations_decode(hh_recommendations_decoder *decoder, const void *bytes, size_t length,
                                    hh_recommendations_record *record, hh_error *error)
{
    *record = (hh_recommendations_record){0};
    if (!bytes || length == 0)
        return hh_fail(error, HH_FORMAT, "the record is empty");
    return decoder->format == HH_FORMAT_AVRO ? from_avro(decoder, bytes, length, record, error)
                                             : from_json(decoder, bytes, length, record, error);
}
