// Clicks in JSON: our scanner and jansson agree on what is JSON, and on what stands in it.
#include "fuzz.h"

#include "wire/json_scan.h"
#include "wire/records.h"
#include "wire/utf8.h"

#include <jansson.h>

static const json_t *at(const json_t *json, const char *outer, const char *inner)
{
    return json_object_get(json_object_get(json, outer), inner);
}

static void same_id(const json_t *value, hh_text id)
{
    PROMISE(id.length >= 1 && id.length <= HH_ID_MAX && !memchr(id.bytes, 0, id.length));
    PROMISE(hh_utf8_valid(id.bytes, id.length));
    if (json_is_string(value))
        PROMISE(id.length == json_string_length(value) &&
                !memcmp(id.bytes, json_string_value(value), id.length));
    else
        PROMISE(json_is_number(value));
    if (json_is_integer(value)) {
        char digits[32];
        int length = snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        PROMISE((size_t)length == id.length && !memcmp(digits, id.bytes, id.length));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hh_click_decoder *decoders[4];
    hh_error error;
    for (int unit = HH_UNIT_MS; unit <= HH_UNIT_ISO8601 && !decoders[unit]; unit++) {
        hh_click_fields fields = {"user.id", "item", "timestamp", (hh_time_unit)unit};
        decoders[unit] = hh_click_decoder_new(HH_FORMAT_JSON, NULL, &fields, &error);
    }

    json_error_t trouble;
    json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, &trouble);
    hh_status scanned = hh_json_pick(data, size, NULL, 0, NULL, &error);
    if (memchr(data, '\0', size)) // jansson passes over a zero byte behind a number; no JSON holds one
        PROMISE(scanned == HH_FORMAT);
    else if (json && json_is_object(json))
        PROMISE(scanned == HH_OK || strstr(error.message, "nested too deeply"));
    else if (json)
        PROMISE(scanned == HH_FORMAT);
    else // numbers beyond a double, and keys with a zero byte, are JSON to us
        PROMISE(scanned == HH_FORMAT || json_error_code(&trouble) == json_error_numeric_overflow ||
                json_error_code(&trouble) == json_error_null_byte_in_key);

    for (int unit = HH_UNIT_MS; unit <= HH_UNIT_ISO8601; unit++) {
        hh_click click;
        if (hh_click_decode(decoders[unit], data, size, &click, &error) != HH_OK) {
            PROMISE(error.status == HH_FORMAT && !strchr(error.message, '\n'));
            continue;
        }
        PROMISE(scanned == HH_OK && click.time >= 0 && click.time < INT64_C(7258118400000));
        if (!json)
            continue;
        same_id(at(json, "user", "id"), click.visitor);
        same_id(json_object_get(json, "item"), click.item);
        const json_t *time = json_object_get(json, "timestamp");
        PROMISE(unit == HH_UNIT_ISO8601 ? json_is_string(time) : json_is_number(time));
        if (unit == HH_UNIT_MS && json_is_integer(time))
            PROMISE(json_integer_value(time) == click.time);
    }
    json_decref(json);

    char title[16];
    if (hh_item_decode(data, size, title, sizeof title, &error) == HH_OK)
        PROMISE(hh_utf8_valid(title, strlen(title)));
    return 0;
}
