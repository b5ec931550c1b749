// Item vectors, read: other people write them too, so nothing of a record is believed before it was looked
// at.
#include "wire/avro_binary.h"
#include "wire/json_scan.h"
#include "wire/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool hh_source_name_valid(hh_text source)
{
    if (source.length == 0 || source.length > HH_SOURCE_MAX)
        return false;
    for (size_t i = 0; i < source.length; i++) {
        char c = source.bytes[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

static hh_status check_item(hh_text item, hh_error *error)
{
    if (item.length == 0 || item.length > HH_ID_MAX)
        return hh_fail(error, HH_FORMAT, "the item has %zu bytes, not 1 to %d", item.length, HH_ID_MAX);
    if (memchr(item.bytes, '\0', item.length) || !hh_utf8_valid(item.bytes, item.length))
        return hh_fail(error, HH_FORMAT, "the item is not UTF-8 without a zero byte");
    return HH_OK;
}

// ---- the key ----

size_t hh_vector_key(hh_text source, hh_text item, char key[HH_VECTOR_KEY_MAX])
{
    memcpy(key, source.bytes, source.length);
    key[source.length] = '/';
    memcpy(key + source.length + 1, item.bytes, item.length);
    return source.length + 1 + item.length;
}

hh_status hh_vector_key_split(const void *key, size_t length, hh_text *source, hh_text *item, hh_error *error)
{
    const char *bytes = key, *slash = key ? memchr(key, '/', length) : NULL;
    if (!slash)
        return hh_fail(error, HH_FORMAT, "the key is not \"source/item\"");
    *source = (hh_text){bytes, (size_t)(slash - bytes)};
    *item = (hh_text){slash + 1, length - source->length - 1};
    if (!hh_source_name_valid(*source))
        return hh_fail(error, HH_FORMAT,
                       "the key is not \"source/item\": a source's name is 1 to %d letters, digits, '.', '_' "
                       "and '-'",
                       HH_SOURCE_MAX);
    return check_item(*item, error);
}

// ---- the value ----

enum { SOURCE, ITEM, MODEL, TEXT_HASH, TEXTS, WIDTH = TEXTS, VECTOR, FIELDS };
static const char *const names[FIELDS] = {"source", "item", "model", "text_hash", "width", "vector"};

struct hh_item_vector_decoder {
    float *vector;
    size_t room;
    hh_path paths[FIELDS];
    char scratch[TEXTS][6 * HH_ID_MAX]; // what had to be unescaped
};

hh_item_vector_decoder *hh_item_vector_decoder_new(hh_error *error)
{
    hh_item_vector_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    for (int i = 0; i < FIELDS; i++)
        decoder->paths[i] = (hh_path){{{names[i], strlen(names[i])}}, 1};
    return decoder;
}

void hh_item_vector_decoder_free(hh_item_vector_decoder *decoder)
{
    if (!decoder)
        return;
    free(decoder->vector);
    free(decoder);
}

static hh_status make_room(hh_item_vector_decoder *decoder, size_t width, hh_error *error)
{
    if (width > HH_WIDTH_MAX)
        return hh_fail(error, HH_FORMAT, "the vector has more than %d numbers", HH_WIDTH_MAX);
    if (width <= decoder->room)
        return HH_OK;
    size_t room = width < 512 ? 512 : 2 * width;
    float *larger = realloc(decoder->vector, room * sizeof *larger);
    if (!larger)
        return hh_fail(error, HH_MEMORY, NULL);
    decoder->vector = larger;
    decoder->room = room;
    return HH_OK;
}

static hh_status take_number(hh_item_vector_decoder *decoder, size_t place, float value, hh_error *error)
{
    hh_status status = make_room(decoder, place + 1, error);
    if (status == HH_OK && !isfinite(value))
        return hh_fail(error, HH_FORMAT, "number %zu of the vector is not finite", place);
    if (status == HH_OK)
        decoder->vector[place] = value;
    return status;
}

// What both formats must hold.
static hh_status check(hh_item_vector_record *record, int64_t width, hh_error *error)
{
    if (!hh_source_name_valid(record->source))
        return hh_fail(error, HH_FORMAT, "the source is not 1 to %d letters, digits, '.', '_' and '-'",
                       HH_SOURCE_MAX);
    if (record->width == 0)
        return hh_fail(error, HH_FORMAT, "the vector is empty");
    bool any = false;
    for (size_t i = 0; i < record->width; i++)
        any |= record->vector[i] != 0;
    if (!any)
        return hh_fail(error, HH_FORMAT, "the vector is all zeros: it has no direction");
    if (width >= 0 && (uint64_t)width != record->width)
        return hh_fail(error, HH_FORMAT, "the vector has %zu numbers, but its width is %lld", record->width,
                       (long long)width);
    return check_item(record->item, error);
}

// ---- JSON ----

static hh_status json_text(hh_item_vector_decoder *decoder, int field, const hh_json_value *value,
                           hh_text *text, hh_error *error)
{
    *text = (hh_text){"", 0};
    if (value->kind == HH_JSON_ABSENT || value->kind == HH_JSON_NULL)
        return HH_OK; // where it is needed, empty will not do
    if (value->kind != HH_JSON_STRING)
        return hh_fail(error, HH_FORMAT, "the %s is %s, not text", names[field],
                       hh_json_kind_name(value->kind));
    *text = value->text;
    if (!value->escaped)
        return HH_OK;
    if (text->length > sizeof decoder->scratch[field])
        return hh_fail(error, HH_FORMAT, "the %s is too long", names[field]);
    text->length = hh_json_unescape(value->text, decoder->scratch[field]);
    text->bytes = decoder->scratch[field];
    return HH_OK;
}

// Between the brackets of an array that is valid JSON; the closing one stops strtof.
static hh_status json_vector(hh_item_vector_decoder *decoder, hh_text array, size_t *width, hh_error *error)
{
    const char *at = array.bytes, *end = at + array.length;
    *width = 0;
    for (;; at++) {
        while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t' || *at == ','))
            at++;
        if (at >= end)
            return HH_OK;
        if (*at != '-' && (*at < '0' || *at > '9'))
            return hh_fail(error, HH_FORMAT, "number %zu of the vector is no number", *width);
        char *after;
        hh_status status = take_number(decoder, *width, strtof(at, &after), error);
        if (status)
            return status;
        ++*width;
        at = after - 1;
    }
}

static hh_status decode_json(hh_item_vector_decoder *decoder, const void *bytes, size_t length,
                             hh_item_vector_record *record, hh_error *error)
{
    hh_json_value values[FIELDS];
    hh_text *const texts[TEXTS] = {&record->source, &record->item, &record->model, &record->text_hash};
    hh_status status = hh_json_pick(bytes, length, decoder->paths, FIELDS, values, error);
    for (int i = 0; i < TEXTS && status == HH_OK; i++)
        status = json_text(decoder, i, &values[i], texts[i], error);
    if (status)
        return status;
    int64_t width = -1;
    char digits[24]; // what stands in the record does not end with a zero
    if (values[WIDTH].kind == HH_JSON_NUMBER && values[WIDTH].text.length < sizeof digits) {
        snprintf(digits, sizeof digits, "%.*s", (int)values[WIDTH].text.length, values[WIDTH].text.bytes);
        width = strtoll(digits, NULL, 10);
    }
    if (width < 0 && values[WIDTH].kind != HH_JSON_ABSENT && values[WIDTH].kind != HH_JSON_NULL)
        return hh_fail(error, HH_FORMAT, "the width is no number of numbers");
    if (values[VECTOR].kind != HH_JSON_ARRAY)
        return hh_fail(error, HH_FORMAT, "the vector is %s, not an array",
                       hh_json_kind_name(values[VECTOR].kind));
    status = json_vector(decoder, values[VECTOR].text, &record->width, error);
    record->vector = decoder->vector;
    return status ? status : check(record, width, error);
}

// ---- Avro ----

static hh_status cut_off(hh_error *error)
{
    return hh_fail(error, HH_FORMAT,
                   "it is neither a JSON object nor Avro by schemas/item-vector.avsc, or it is cut off");
}

static hh_status avro_vector(hh_item_vector_decoder *decoder, hh_avro_cursor *cursor, size_t *width,
                             hh_error *error)
{
    int64_t count;
    *width = 0;
    for (;;) {
        if (!hh_avro_block(cursor, &count))
            return cut_off(error);
        if (count == 0)
            return HH_OK;
        for (; count; count--) {
            float value;
            if (!hh_avro_float(cursor, &value))
                return cut_off(error);
            hh_status status = take_number(decoder, *width, value, error);
            if (status)
                return status;
            ++*width;
        }
    }
}

static hh_status decode_avro(hh_item_vector_decoder *decoder, const void *bytes, size_t length,
                             hh_item_vector_record *record, hh_error *error)
{
    const unsigned char *start = bytes;
    hh_avro_cursor cursor = {start, start + length};
    int32_t width;
    if (!hh_avro_text(&cursor, &record->source) || !hh_avro_text(&cursor, &record->item) ||
        !hh_avro_text(&cursor, &record->model) || !hh_avro_text(&cursor, &record->text_hash) ||
        !hh_avro_int(&cursor, &width))
        return cut_off(error);
    hh_status status = avro_vector(decoder, &cursor, &record->width, error);
    record->vector = decoder->vector;
    if (status == HH_OK && cursor.at != cursor.end)
        return hh_fail(error, HH_FORMAT, "bytes are left over at the end of the record");
    return status ? status : check(record, width < 0 ? 0 : width, error);
}

hh_status hh_item_vector_decode(hh_item_vector_decoder *decoder, const void *bytes, size_t length,
                                hh_item_vector_record *record, hh_error *error)
{
    *record = (hh_item_vector_record){0};
    if (!bytes || length == 0)
        return hh_fail(error, HH_FORMAT, "the record is empty");
    // '{' would be a negative length to Avro.
    bool json = *(const char *)bytes == '{';
    return json ? decode_json(decoder, bytes, length, record, error)
                : decode_avro(decoder, bytes, length, record, error);
}
