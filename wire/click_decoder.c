// Somebody else's record to a click: visitor, item and time by their configured paths, out of JSON or Avro,
// each checked. What to do with a record that isn't one (dead letter, count, log) is the caller's business.
#include "wire/avro_logical.h"
#include "wire/avro_pick.h"
#include "wire/event_time.h"
#include "wire/json_scan.h"
#include "wire/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_MAX = 64 }; // letters of a time in ISO 8601
enum { VISITOR, ITEM, TIMESTAMP, FIELDS };
static const char *const names[FIELDS] = {"visitor", "item", "timestamp"};

struct hh_click_decoder {
    hh_format format;
    hh_time_unit unit;
    char *paths[FIELDS];
    hh_path steps[FIELDS];
    hh_avro_picker *avro;                    // NULL for JSON
    char scratch[FIELDS - 1][6 * HH_ID_MAX]; // an id that had to be unescaped, or written in digits
};

void hh_click_decoder_free(hh_click_decoder *decoder)
{
    if (!decoder)
        return;
    for (int i = 0; i < FIELDS; i++)
        free(decoder->paths[i]);
    hh_avro_picker_free(decoder->avro);
    free(decoder);
}

// A schema that says what its number counts must agree with the configuration.
static hh_status check_unit(const hh_click_decoder *decoder, const char *schema, hh_error *error)
{
    static const struct {
        const char *logical;
        hh_time_unit unit;
    } known[] = {{"timestamp-millis", HH_UNIT_MS},
                 {"local-timestamp-millis", HH_UNIT_MS},
                 {"timestamp-micros", HH_UNIT_US},
                 {"local-timestamp-micros", HH_UNIT_US}};
    static const char *const others[] = {"timestamp-nanos", "local-timestamp-nanos", "date", "time-millis",
                                         "time-micros"};
    char logical[64];
    if (hh_avro_logical_type(schema, &decoder->steps[TIMESTAMP], logical, sizeof logical) != HH_OK)
        return hh_fail(error, HH_MEMORY, NULL);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(logical, known[i].logical) == 0 && decoder->unit != known[i].unit)
            return hh_fail(error, HH_ARGUMENT,
                           "the timestamp (\"%.100s\") is %s in the schema, so its unit is %s, not %s",
                           decoder->paths[TIMESTAMP], logical, hh_time_unit_name(known[i].unit),
                           hh_time_unit_name(decoder->unit));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(logical, others[i]) == 0)
            return hh_fail(error, HH_ARGUMENT,
                           "the timestamp (\"%.100s\") is %s in the schema, which is no time since 1970 in "
                           "ms, us or s",
                           decoder->paths[TIMESTAMP], logical);
    return HH_OK;
}

// A decimal's bytes are a number in two's complement, and no text.
static hh_status refuse_decimal(const hh_click_decoder *decoder, int field, const char *schema,
                                hh_error *error)
{
    char logical[64];
    if (hh_avro_logical_type(schema, &decoder->steps[field], logical, sizeof logical) != HH_OK)
        return hh_fail(error, HH_MEMORY, NULL);
    if (strcmp(logical, "decimal") != 0)
        return HH_OK;
    return hh_fail(error, HH_ARGUMENT,
                   "the %s (\"%.100s\") is a decimal in the schema; a string or a whole number is needed",
                   names[field], decoder->paths[field]);
}

hh_click_decoder *hh_click_decoder_new(hh_format format, const char *schema, const hh_click_fields *fields,
                                       hh_error *error)
{
    static const hh_click_fields own = {"visitor", "item", "timestamp", HH_UNIT_MS};
    if (!fields)
        fields = &own;
    const char *const given[FIELDS] = {fields->visitor, fields->item, fields->timestamp};
    hh_click_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    decoder->format = format;
    decoder->unit = fields->unit;
    hh_status status = HH_OK;
    hh_avro_wish wishes[FIELDS];
    for (int i = 0; i < FIELDS && status == HH_OK; i++) {
        if (given[i] && !(decoder->paths[i] = strdup(given[i])))
            status = hh_fail(error, HH_MEMORY, NULL);
        else
            status = hh_path_parse(&decoder->steps[i], names[i], decoder->paths[i], error);
        wishes[i] = (hh_avro_wish){names[i], decoder->paths[i], decoder->steps[i],
                                   HH_AVRO_TEXT | HH_AVRO_WHOLE, "a string or a whole number"};
    }
    if (fields->unit == HH_UNIT_ISO8601) {
        wishes[TIMESTAMP].kinds = HH_AVRO_TEXT;
        wishes[TIMESTAMP].wanted = "a string, since its unit is iso8601";
    } else {
        wishes[TIMESTAMP].kinds = HH_AVRO_WHOLE | HH_AVRO_REAL;
        wishes[TIMESTAMP].wanted = "a number, since its unit is not iso8601";
    }
    if (status == HH_OK && format == HH_FORMAT_AVRO) {
        decoder->avro = hh_avro_picker_new(schema, wishes, FIELDS, error);
        status = decoder->avro ? check_unit(decoder, schema, error) : HH_FORMAT;
        for (int i = 0; i < TIMESTAMP && status == HH_OK; i++)
            status = refuse_decimal(decoder, i, schema, error);
    }
    if (status != HH_OK) {
        hh_click_decoder_free(decoder);
        return NULL;
    }
    return decoder;
}

static hh_status missing(const hh_click_decoder *decoder, int field, bool null, hh_error *error)
{
    return hh_fail(error, HH_FORMAT, "the %s (\"%.100s\") is %s", names[field], decoder->paths[field],
                   null ? "null" : "missing");
}

// `known_text`: valid UTF-8 without a zero byte.
static hh_status check_id(const hh_click_decoder *decoder, int field, hh_text id, bool known_text,
                          hh_error *error)
{
    const char *trouble = NULL;
    if (id.length == 0)
        trouble = "is empty";
    else if (id.length > HH_ID_MAX)
        return hh_fail(error, HH_FORMAT, "the %s (\"%.100s\") has %zu bytes, more than %d", names[field],
                       decoder->paths[field], id.length, HH_ID_MAX);
    else if (!known_text && memchr(id.bytes, '\0', id.length))
        trouble = "holds a zero byte";
    else if (!known_text && !hh_utf8_valid(id.bytes, id.length))
        trouble = "is not UTF-8";
    if (!trouble)
        return HH_OK;
    return hh_fail(error, HH_FORMAT, "the %s (\"%.100s\") %s", names[field], decoder->paths[field], trouble);
}

// `written`: valid UTF-8, as it stands in the record.
static hh_status bad_time(const hh_click_decoder *decoder, hh_text written, hh_error *error)
{
    char shown[60];
    size_t length = written.length < sizeof shown ? written.length : sizeof shown - 1;
    while (length > 0 && length < written.length && ((unsigned char)written.bytes[length] & 0xc0) == 0x80)
        length--; // not in the middle of a character
    for (size_t i = 0; i < length; i++)
        shown[i] = (unsigned char)written.bytes[i] < 0x20 ? ' ' : written.bytes[i];
    shown[length] = '\0';
    if (decoder->unit == HH_UNIT_ISO8601)
        return hh_fail(error, HH_FORMAT,
                       "the timestamp (\"%.100s\"), \"%s\", is not a time of the years 1970 to 2199 like "
                       "2017-10-01T12:34:56Z",
                       decoder->paths[TIMESTAMP], shown);
    return hh_fail(error, HH_FORMAT,
                   "the timestamp (\"%.100s\"), %s, is not a time of the years 1970 to 2199 in %s",
                   decoder->paths[TIMESTAMP], shown, hh_time_unit_name(decoder->unit));
}

// ---- JSON ----

// A whole number as written is its own decimal form: "-0", fractions and exponents are not.
static bool whole_number(hh_text text)
{
    bool negative = text.bytes[0] == '-';
    for (size_t i = negative; i < text.length; i++)
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
    return !(negative && text.bytes[1] == '0');
}

static hh_status json_id(hh_click_decoder *decoder, int field, const hh_json_value *value, hh_text *id,
                         hh_error *error)
{
    *id = value->text;
    if (value->kind == HH_JSON_ABSENT || value->kind == HH_JSON_NULL)
        return missing(decoder, field, value->kind == HH_JSON_NULL, error);
    if (value->kind == HH_JSON_NUMBER && !whole_number(value->text))
        return hh_fail(error, HH_FORMAT, "the %s (\"%.100s\") is a number that is not whole", names[field],
                       decoder->paths[field]);
    if (value->kind != HH_JSON_NUMBER && value->kind != HH_JSON_STRING)
        return hh_fail(error, HH_FORMAT, "the %s (\"%.100s\") is %s, not text or a whole number",
                       names[field], decoder->paths[field], hh_json_kind_name(value->kind));
    if (value->escaped && value->text.length <= sizeof decoder->scratch[field]) {
        id->length = hh_json_unescape(value->text, decoder->scratch[field]);
        id->bytes = decoder->scratch[field];
    }
    return check_id(decoder, field, *id, !value->escaped, error);
}

static hh_status json_time(const hh_click_decoder *decoder, const hh_json_value *value, hh_time *time,
                           hh_error *error)
{
    if (value->kind == HH_JSON_ABSENT || value->kind == HH_JSON_NULL)
        return missing(decoder, TIMESTAMP, value->kind == HH_JSON_NULL, error);
    bool iso8601 = decoder->unit == HH_UNIT_ISO8601;
    if (value->kind != (iso8601 ? HH_JSON_STRING : HH_JSON_NUMBER))
        return hh_fail(error, HH_FORMAT, "the timestamp (\"%.100s\") is %s, but its unit is %s",
                       decoder->paths[TIMESTAMP], hh_json_kind_name(value->kind),
                       hh_time_unit_name(decoder->unit));
    char plain[6 * TIME_MAX]; // of escapes, which some encoders make of "+"
    hh_text text = value->text;
    if (iso8601 && value->escaped && text.length <= sizeof plain)
        text = (hh_text){plain, hh_json_unescape(text, plain)};
    bool good =
        iso8601 ? hh_event_time_iso8601(text, time) : hh_event_time_decimal(text, decoder->unit, time);
    return good ? HH_OK : bad_time(decoder, text, error);
}

static hh_status decode_json(hh_click_decoder *decoder, const void *bytes, size_t length, hh_click *click,
                             hh_error *error)
{
    hh_json_value values[FIELDS];
    hh_status status = hh_json_pick(bytes, length, decoder->steps, FIELDS, values, error);
    if (status == HH_OK)
        status = json_id(decoder, VISITOR, &values[VISITOR], &click->visitor, error);
    if (status == HH_OK)
        status = json_id(decoder, ITEM, &values[ITEM], &click->item, error);
    if (status == HH_OK)
        status = json_time(decoder, &values[TIMESTAMP], &click->time, error);
    return status;
}

// ---- Avro ----

static hh_status avro_id(hh_click_decoder *decoder, int field, const hh_avro_value *value, hh_text *id,
                         hh_error *error)
{
    *id = value->text;
    if (value->kind == HH_AVRO_ABSENT)
        return missing(decoder, field, true, error);
    if (value->kind == HH_AVRO_WHOLE) {
        int length =
            snprintf(decoder->scratch[field], sizeof decoder->scratch[field], "%" PRId64, value->whole);
        *id = (hh_text){decoder->scratch[field], (size_t)length};
    }
    return check_id(decoder, field, *id, false, error);
}

static hh_status avro_time(const hh_click_decoder *decoder, const hh_avro_value *value, hh_time *time,
                           hh_error *error)
{
    char written[64] = "";
    switch (value->kind) {
    case HH_AVRO_WHOLE:
        if (hh_event_time_integer(value->whole, decoder->unit, time))
            return HH_OK;
        snprintf(written, sizeof written, "%" PRId64, value->whole);
        break;
    case HH_AVRO_REAL:
        if (hh_event_time_double(value->real, decoder->unit, time))
            return HH_OK;
        snprintf(written, sizeof written, "%.17g", value->real);
        break;
    case HH_AVRO_TEXT:
        if (hh_event_time_iso8601(value->text, time))
            return HH_OK;
        return bad_time(decoder,
                        hh_utf8_valid(value->text.bytes, value->text.length) ? value->text : (hh_text){"", 0},
                        error);
    default:
        return missing(decoder, TIMESTAMP, true, error);
    }
    return bad_time(decoder, (hh_text){written, strlen(written)}, error);
}

static hh_status decode_avro(hh_click_decoder *decoder, const void *bytes, size_t length, hh_click *click,
                             hh_error *error)
{
    hh_avro_value values[FIELDS];
    hh_status status = hh_avro_pick(decoder->avro, bytes, length, values, error);
    if (status == HH_OK)
        status = avro_id(decoder, VISITOR, &values[VISITOR], &click->visitor, error);
    if (status == HH_OK)
        status = avro_id(decoder, ITEM, &values[ITEM], &click->item, error);
    if (status == HH_OK)
        status = avro_time(decoder, &values[TIMESTAMP], &click->time, error);
    return status;
}

hh_status hh_click_decode(hh_click_decoder *decoder, const void *bytes, size_t length, hh_click *click,
                          hh_error *error)
{
    if (!bytes || length == 0)
        return hh_fail(error, HH_FORMAT, "the record is empty");
    return decoder->avro ? decode_avro(decoder, bytes, length, click, error)
                         : decode_json(decoder, bytes, length, click, error);
}
