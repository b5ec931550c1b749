#include <criterion/criterion.h>

#include "wire/records.h"
#include "wire/schemas.h"

#include <avro.h>
#include <stdlib.h>
#include <string.h>

static hh_error error;

// Every input is decoded from a block of exactly its size, so that a sanitizer sees one byte too far.
static hh_status decode(hh_click_decoder *decoder, const void *bytes, size_t length, hh_click *click)
{
    char *exact = malloc(length ? length : 1);
    memcpy(exact, bytes, length);
    hh_status status = hh_click_decode(decoder, exact, length, click, &error);
    static char visitor[HH_ID_MAX], item[HH_ID_MAX]; // outlive `exact`
    if (status == HH_OK) {
        memcpy(visitor, click->visitor.bytes, click->visitor.length);
        memcpy(item, click->item.bytes, click->item.length);
        click->visitor.bytes = visitor;
        click->item.bytes = item;
    }
    free(exact);
    return status;
}

static hh_click_decoder *json_decoder(const char *visitor, const char *item, const char *timestamp,
                                      hh_time_unit unit)
{
    hh_click_fields fields = {visitor, item, timestamp, unit};
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_JSON, NULL, &fields, &error);
    cr_assert_not_null(decoder, "%s", error.message);
    return decoder;
}

static void expect(hh_click_decoder *decoder, const char *json, const char *visitor, const char *item,
                   hh_time time)
{
    hh_click click;
    cr_assert_eq(decode(decoder, json, strlen(json), &click), HH_OK, "%s: %s", json, error.message);
    cr_assert(click.visitor.length == strlen(visitor) &&
                  !memcmp(click.visitor.bytes, visitor, strlen(visitor)),
              "%s: visitor %.*s", json, (int)click.visitor.length, click.visitor.bytes);
    cr_assert(click.item.length == strlen(item) && !memcmp(click.item.bytes, item, strlen(item)),
              "%s: item %.*s", json, (int)click.item.length, click.item.bytes);
    cr_assert_eq(click.time, time, "%s: time %lld", json, (long long)click.time);
}

static void refuse(hh_click_decoder *decoder, const char *json, size_t length, const char *says)
{
    hh_click click;
    cr_assert_eq(decode(decoder, json, length, &click), HH_FORMAT, "taken: %s", json);
    cr_assert(strstr(error.message, says), "%s: says \"%s\", not \"%s\"", json, error.message, says);
}

Test(click_json, takes_the_documented_record)
{
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_JSON, NULL, NULL, &error);
    expect(decoder, "{\"visitor\":\"v1\",\"item\":\"i1\",\"timestamp\":1507396800123}", "v1", "i1",
           1507396800123);
    expect(decoder,
           " {\n\"timestamp\" : 0 , \"more\":[{}, [], 1.5e-3, null, true, \"x\"], "
           "\"item\":7,\t\"visitor\":-12 }\r\n",
           "-12", "7", 0);
    expect(decoder, "{\"visitor\":123456789012345678901234567890,\"item\":0,\"timestamp\":1.5e12}",
           "123456789012345678901234567890", "0", 1500000000000);
    hh_click_decoder_free(decoder);
}

Test(click_json, takes_escapes_in_keys_and_values)
{
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_JSON, NULL, NULL, &error);
    expect(decoder,
           "{\"v\\u0069sitor\":\"a\\\"\\\\\\/"
           "\\b\\f\\n\\r\\t\\u00e4\\u20AC\\uD83D\\ude00\",\"item\":\"\xc3\xa4\",\"timestamp\":1}",
           "a\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4", 1);
    hh_click_decoder_free(decoder);
}

Test(click_json, follows_dotted_paths)
{
    hh_click_decoder *decoder = json_decoder("user.id", "event.product.sku", "event.at", HH_UNIT_S);
    expect(decoder,
           "{\"id\":1,\"user\":{\"event\":{\"at\":3},\"id\":\"u\"},\"event\":{\"at\":1507396800.1239,"
           "\"product\":"
           "{\"id\":9,\"sku\":\"p\"}}}",
           "u", "p", 1507396800123);
    refuse(decoder, "{\"user\":7}", 10, "visitor (\"user.id\") is missing");
    refuse(decoder, "{\"user\":[{\"id\":\"u\"}]}", 21, "visitor (\"user.id\") is missing");
    hh_click_decoder_free(decoder);
}

Test(click_json, takes_times_in_each_unit)
{
    static const struct {
        hh_time_unit unit;
        const char *text;
        hh_time time; // -1: refused
    } cases[] = {
        {HH_UNIT_MS, "1507396800123", 1507396800123},
        {HH_UNIT_MS, "1507396800123.999", 1507396800123},
        {HH_UNIT_MS, "1507396800123.0000000000000000000000000009", 1507396800123},
        {HH_UNIT_MS, "0.00000000000000000000001507396800123e35", 1507396800123},
        {HH_UNIT_MS, "15073968001230000000000000e-13", 1507396800123},
        {HH_UNIT_MS, "0", 0},
        {HH_UNIT_MS, "0e99999999999999999999", 0},
        {HH_UNIT_MS, "1e-99999999999999999999", 0},
        {HH_UNIT_MS, "7258118399999", 7258118399999},
        {HH_UNIT_MS, "7258118400000", -1},
        {HH_UNIT_MS, "-1", -1},
        {HH_UNIT_MS, "1e99999999999999999999", -1},
        {HH_UNIT_MS, "99999999999999999999999999999999", -1},
        {HH_UNIT_MS, "\"1507396800123\"", -1},
        {HH_UNIT_MS, "true", -1},
        {HH_UNIT_MS, "null", -1},
        {HH_UNIT_MS, "{}", -1},
        {HH_UNIT_S, "1507396800", 1507396800000},
        {HH_UNIT_S, "1507396800.123", 1507396800123},
        {HH_UNIT_S, "1507396800.1", 1507396800100},
        {HH_UNIT_S, "7258118400", -1},
        {HH_UNIT_S, "1507396800123", -1}, // milliseconds where seconds are expected
        {HH_UNIT_US, "1507396800123456", 1507396800123},
        {HH_UNIT_US, "1507396800123456789", -1}, // nanoseconds
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00.123Z\"", 1507396800123},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00Z\"", 1507396800000},
        {HH_UNIT_ISO8601, "\"2017-10-07T19:20:00.1+02:00\"", 1507396800100},
        {HH_UNIT_ISO8601, "\"2017-10-07T10:50:00.123456789-0630\"", 1507396800123},
        {HH_UNIT_ISO8601, "\"2017-10-07T19:20:00.1\\u002B02:00\"", 1507396800100},
        {HH_UNIT_ISO8601, "\"1970-01-01T00:00:00Z\"", 0},
        {HH_UNIT_ISO8601, "\"2000-02-29T00:00:00Z\"", 951782400000},
        {HH_UNIT_ISO8601, "\"2199-12-31T23:59:59.999Z\"", 7258118399999},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00\"", -1}, // no zone
        {HH_UNIT_ISO8601, "\"2017-10-07\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07 17:20:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-02-29T00:00:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2100-02-29T00:00:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-13-01T00:00:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-00-01T00:00:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-32T00:00:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T24:00:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:60:00Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20Z\"", 1507396800000},
        {HH_UNIT_ISO8601, "\"2017-10-07T19:20+02\"", 1507396800000},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00-00\"", 1507396800000},
        {HH_UNIT_ISO8601, "\"2016-12-31T23:59:60Z\"", 1483228799000}, // a leap second
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:61Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20.5Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20+02:\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00.Z\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00+2:00\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00+02:60\"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00Z \"", -1},
        {HH_UNIT_ISO8601, "\"2017-10-07T17:20:00+\"", -1},
        {HH_UNIT_ISO8601, "\"1969-12-31T23:59:59.999Z\"", -1},
        {HH_UNIT_ISO8601, "\"\"", -1},
        {HH_UNIT_ISO8601, "1507396800123", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[200];
        snprintf(json, sizeof json, "{\"visitor\":\"v\",\"item\":\"i\",\"timestamp\":%s}", cases[i].text);
        hh_click_decoder *decoder = json_decoder("visitor", "item", "timestamp", cases[i].unit);
        if (cases[i].time >= 0)
            expect(decoder, json, "v", "i", cases[i].time);
        else
            refuse(decoder, json, strlen(json), "timestamp");
        hh_click_decoder_free(decoder);
    }
}

#define REST ",\"item\":\"i\",\"timestamp\":1}"

Test(click_json, refuses_what_is_no_click_and_says_why)
{
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"", "empty"},
        {" ", "a value is missing"},
        {"[]", "must be an object"},
        {"\"x\"", "must be an object"},
        {"null", "must be an object"},
        {"nul", "a value must stand here"},
        {"{}", "visitor (\"visitor\") is missing"},
        {"{\"visitor\":\"v\"}", "item (\"item\") is missing"},
        {"{\"visitor\":\"v\",\"item\":\"i\"}", "timestamp (\"timestamp\") is missing"},
        {"{\"visitor\":null" REST, "visitor (\"visitor\") is null"},
        {"{\"visitor\":\"\"" REST, "is empty"},
        {"{\"visitor\":\"a\\u0000b\"" REST, "zero byte"},
        {"{\"visitor\":1.5" REST, "not whole"},
        {"{\"visitor\":1e3" REST, "not whole"},
        {"{\"visitor\":-0" REST, "not whole"},
        {"{\"visitor\":true" REST, "true or false"},
        {"{\"visitor\":{}" REST, "an object"},
        {"{\"visitor\":[\"v\"]" REST, "an array"},
        {"{\"visitor\":\"v\",\"visitor\":\"w\"" REST, "stands twice"},
        {"{\"visitor\":\"v\",\"v\\u0069sitor\":\"w\"" REST, "stands twice"},
        {"{\"visitor\":\"\xff\"" REST, "not UTF-8"},
        {"{\"visitor\":\"\xc0\xaf\"" REST, "not UTF-8"},
        {"{\"visitor\":\"\xed\xa0\x80\"" REST, "not UTF-8"},
        {"{\"visitor\":\"\xf4\x90\x80\x80\"" REST, "not UTF-8"},
        {"{\"visitor\":\"\xe2\x82\"" REST, "not UTF-8"},
        {"{\"visitor\":\"\\ud83d\"" REST, "half a character"},
        {"{\"visitor\":\"\\ud83d\\u0041\"" REST, "half a character"},
        {"{\"visitor\":\"\\ude00\"" REST, "no such character"},
        {"{\"visitor\":\"\\u12g4\"" REST, "no such character"},
        {"{\"visitor\":\"\\x\"" REST, "no such escape"},
        {"{\"visitor\":\"a\nb\"" REST, "control character"},
        {"{\"visitor\":\"v\"" REST " x", "follows the end"},
        {"{\"visitor\":\"v\"" REST "{}", "follows the end"},
        {"{\"visitor\":\"v\",}", "a key must stand here"},
        {"{\"visitor\" \"v\"}", "colon"},
        {"{\"visitor\":\"v\" \"item\":1}", "comma"},
        {"{visitor:\"v\"}", "a key must stand here"},
        {"{'visitor':\"v\"}", "a key must stand here"},
        {"{\"a\":[1,]}", "a value must stand here"},
        {"{\"a\":[1 2]}", "comma"},
        {"{\"a\":01}", "comma"},
        {"{\"a\":+1}", "a value must stand here"},
        {"{\"a\":.5}", "a value must stand here"},
        {"{\"a\":1.}", "a digit is missing"},
        {"{\"a\":1e}", "a digit is missing"},
        {"{\"a\":-}", "a digit is missing"},
        {"{\"a\":NaN}", "a value must stand here"},
        {"{\"a\":tru}", "a value must stand here"},
        {"\xef\xbb\xbf{}", "a value must stand here"},
    };
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_JSON, NULL, NULL, &error);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuse(decoder, cases[i].json, strlen(cases[i].json), cases[i].says);
    hh_click_decoder_free(decoder);
}

Test(click_json, refuses_every_truncation)
{
    static const char whole[] =
        "{\"visitor\":\"v\\u00e4\",\"item\":\"\xc3\xa4\",\"timestamp\":15e3,\"a\":[{\"b\":null}]}";
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_JSON, NULL, NULL, &error);
    hh_click click;
    cr_assert_eq(decode(decoder, whole, sizeof whole - 1, &click), HH_OK);
    for (size_t length = 0; length < sizeof whole - 1; length++)
        cr_assert_eq(decode(decoder, whole, length, &click), HH_FORMAT, "%zu bytes are taken", length);
    hh_click_decoder_free(decoder);
}

Test(click_json, bounds_ids_and_nesting)
{
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_JSON, NULL, NULL, &error);
    char *json = malloc(20000);
    hh_click click;
    for (int length = HH_ID_MAX; length <= HH_ID_MAX + 1; length++) {
        int written =
            snprintf(json, 20000, "{\"visitor\":\"%0*d\",\"item\":\"i\",\"timestamp\":1}", length, 0);
        cr_assert_eq(decode(decoder, json, (size_t)written, &click), length == HH_ID_MAX ? HH_OK : HH_FORMAT);
    }
    // As many characters, but every one an escape.
    for (int length = HH_ID_MAX; length <= HH_ID_MAX + 1; length++) {
        size_t at = (size_t)snprintf(json, 20000, "{\"item\":\"i\",\"timestamp\":1,\"visitor\":\"");
        for (int i = 0; i < length; i++)
            at += (size_t)snprintf(json + at, 20000 - at, "\\u0041");
        at += (size_t)snprintf(json + at, 20000 - at, "\"}");
        cr_assert_eq(decode(decoder, json, at, &click), length == HH_ID_MAX ? HH_OK : HH_FORMAT);
        if (length == HH_ID_MAX)
            cr_assert_eq(click.visitor.length, HH_ID_MAX);
    }
    for (int deep = 60; deep <= 20000 - 100; deep += 19840) {
        size_t at =
            (size_t)snprintf(json, 20000, "{\"visitor\":\"v\",\"item\":\"i\",\"timestamp\":1,\"deep\":");
        memset(json + at, '[', (size_t)deep / 2 * 2);
        memset(json + at + deep / 2, ']', (size_t)deep / 2);
        at += (size_t)deep / 2 * 2;
        json[at++] = '}';
        cr_assert_eq(decode(decoder, json, at, &click), deep == 60 ? HH_OK : HH_FORMAT);
    }
    cr_assert(strstr(error.message, "nested too deeply"));
    free(json);
    hh_click_decoder_free(decoder);
}

Test(click_decoder, refuses_paths_that_are_none)
{
    static const char *const paths[] = {"", ".", "a.", ".a", "a..b", "a.b.c.d.e.f.g.h.i", NULL};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        hh_click_fields fields = {"visitor", paths[i], "timestamp", HH_UNIT_MS};
        cr_assert_null(hh_click_decoder_new(HH_FORMAT_JSON, NULL, &fields, &error), "%s", paths[i]);
        cr_assert_eq(error.status, HH_ARGUMENT);
        cr_assert(strstr(error.message, "item"));
    }
}

// ---- Avro: Avro C writes, hiphop reads ----

static const char event_schema[] =
    "{\"type\":\"record\",\"name\":\"Event\",\"namespace\":\"shop\",\"fields\":["
    "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[\"VIEW\",\"BUY\"]}},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
    "{\"name\":\"props\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"long\",\"double\"]}},"
    "{\"name\":\"user\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"User\",\"fields\":["
    "  "
    "{\"name\":\"id\",\"type\":[\"null\",\"string\",\"long\"]},{\"name\":\"friend\",\"type\":[\"null\","
    "\"User\"]}]}]},"
    "{\"name\":\"hash\",\"type\":{\"type\":\"fixed\",\"name\":\"Hash\",\"size\":4}},"
    "{\"name\":\"sku\",\"type\":\"bytes\"},"
    "{\"name\":\"nothing\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
    "{\"name\":\"f\",\"type\":\"float\"},{\"name\":\"flag\",\"type\":\"boolean\"},{\"name\":\"n\",\"type\":"
    "\"int\"},"
    "{\"name\":\"at\",\"type\":\"double\"},"
    "{\"name\":\"when\",\"type\":\"string\"}]}";

typedef struct event {   // what to write
    const char *visitor; // NULL: the user is null
    long long number;    // used where visitor is ""
    const char *sku;
    double at;
    const char *when;
} event;

static avro_value_t field(avro_value_t *record, const char *name)
{
    avro_value_t value;
    cr_assert_eq(avro_value_get_by_name(record, name, &value, NULL), 0);
    return value;
}

static size_t write_event(const event *e, char *bytes, size_t size)
{
    avro_schema_t schema;
    cr_assert_eq(avro_schema_from_json_length(event_schema, sizeof event_schema - 1, &schema), 0, "%s",
                 avro_strerror());
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_value_t record, value, part, branch;
    avro_generic_value_new(class, &record);
    value = field(&record, "kind");
    avro_value_set_enum(&value, 1);
    value = field(&record, "tags");
    for (int i = 0; i < 3; i++) {
        avro_value_append(&value, &part, NULL);
        avro_value_set_string(&part, "tag");
    }
    value = field(&record, "props");
    avro_value_add(&value, "one", &part, NULL, NULL);
    avro_value_set_branch(&part, 2, &branch);
    avro_value_set_double(&branch, 1.5);
    value = field(&record, "user");
    avro_value_set_branch(&value, e->visitor != NULL, &part);
    if (e->visitor) {
        value = field(&part, "id");
        avro_value_set_branch(&value, *e->visitor ? 1 : 2, &branch);
        if (*e->visitor)
            avro_value_set_string(&branch, e->visitor);
        else
            avro_value_set_long(&branch, e->number);
        value = field(&part, "friend"); // a record inside itself
        avro_value_set_branch(&value, 1, &part);
        value = field(&part, "id");
        avro_value_set_branch(&value, 1, &branch);
        avro_value_set_string(&branch, "somebody else");
        value = field(&part, "friend");
        avro_value_set_branch(&value, 0, &branch);
    }
    value = field(&record, "hash");
    char four[4] = {1, 2, 3, 4};
    avro_value_set_fixed(&value, four, 4);
    value = field(&record, "sku");
    avro_value_set_bytes(&value, (void *)(uintptr_t)e->sku, strlen(e->sku));
    value = field(&record, "nothing");
    for (int i = 0; i < 5; i++)
        avro_value_append(&value, &part, NULL);
    value = field(&record, "at");
    avro_value_set_double(&value, e->at);
    value = field(&record, "when");
    avro_value_set_string(&value, e->when);

    avro_writer_t writer = avro_writer_memory(bytes, (int64_t)size);
    cr_assert_eq(avro_value_write(writer, &record), 0, "%s", avro_strerror());
    size_t length = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    avro_value_decref(&record);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    return length;
}

static hh_click_decoder *avro_decoder(const char *visitor, const char *item, const char *timestamp,
                                      hh_time_unit unit)
{
    hh_click_fields fields = {visitor, item, timestamp, unit};
    return hh_click_decoder_new(HH_FORMAT_AVRO, event_schema, &fields, &error);
}

Test(click_avro, picks_through_nested_records_and_unions)
{
    char bytes[1000];
    hh_click click;
    event e = {"u1", 0, "sku-9", 1507396800.123, "2017-10-07T17:20:00.5Z"};
    size_t length = write_event(&e, bytes, sizeof bytes);
    hh_click_decoder *decoder = avro_decoder("user.id", "sku", "at", HH_UNIT_S);
    cr_assert_not_null(decoder, "%s", error.message);
    cr_assert_eq(decode(decoder, bytes, length, &click), HH_OK, "%s", error.message);
    cr_assert(click.visitor.length == 2 && !memcmp(click.visitor.bytes, "u1", 2));
    cr_assert(click.item.length == 5 && !memcmp(click.item.bytes, "sku-9", 5));
    cr_assert_eq(click.time, 1507396800123);

    e.visitor = "";
    e.number = -42;
    length = write_event(&e, bytes, sizeof bytes);
    cr_assert_eq(decode(decoder, bytes, length, &click), HH_OK);
    cr_assert(click.visitor.length == 3 && !memcmp(click.visitor.bytes, "-42", 3));
    hh_click_decoder_free(decoder);

    decoder = avro_decoder("user.id", "n", "when", HH_UNIT_ISO8601);
    cr_assert_not_null(decoder, "%s", error.message);
    cr_assert_eq(decode(decoder, bytes, length, &click), HH_OK);
    cr_assert(click.item.length == 1 && click.item.bytes[0] == '0');
    cr_assert_eq(click.time, 1507396800500);
    hh_click_decoder_free(decoder);
}

Test(click_avro, refuses_records_that_are_no_clicks)
{
    static const struct {
        event e;
        const char *says;
    } cases[] = {
        {{NULL, 0, "s", 1, "w"}, "visitor (\"user.id\") is null"},
        {{"u", 0, "", 1, "w"}, "item (\"sku\") is empty"},
        {{"u", 0, "\xff", 1, "w"}, "item (\"sku\") is not UTF-8"},
        {{"u", 0, "s", -1, "w"}, "timestamp (\"at\"), -1"},
        {{"u", 0, "s", 1e300, "w"}, "timestamp"},
        {{"u", 0, "s", __builtin_nan(""), "w"}, "timestamp"},
        {{"u", 0, "s", __builtin_inf(), "w"}, "timestamp"},
    };
    hh_click_decoder *decoder = avro_decoder("user.id", "sku", "at", HH_UNIT_S);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[1000];
        size_t length = write_event(&cases[i].e, bytes, sizeof bytes);
        refuse(decoder, bytes, length, cases[i].says);
    }
    hh_click_decoder_free(decoder);
}

Test(click_avro, refuses_every_truncation_and_every_byte_too_many)
{
    char bytes[1000];
    hh_click click;
    event e = {"u1", 0, "sku-9", 1507396800.123, "now"};
    size_t length = write_event(&e, bytes, sizeof bytes);
    hh_click_decoder *decoder = avro_decoder("user.id", "sku", "at", HH_UNIT_S);
    for (size_t cut = 0; cut < length; cut++)
        cr_assert_eq(decode(decoder, bytes, cut, &click), HH_FORMAT, "%zu of %zu bytes are taken", cut,
                     length);
    bytes[length] = 0;
    refuse(decoder, bytes, length + 1, "left over");
    hh_click_decoder_free(decoder);
}

Test(click_avro, survives_any_single_wrong_byte)
{
    char bytes[1000];
    hh_click click;
    event e = {"u1", 0, "sku-9", 1507396800.123, "now"};
    size_t length = write_event(&e, bytes, sizeof bytes);
    hh_click_decoder *decoder = avro_decoder("user.id", "sku", "at", HH_UNIT_S);
    for (size_t at = 0; at < length; at++) {
        char right = bytes[at];
        for (int byte = 0; byte < 256; byte++) {
            bytes[at] = (char)byte;
            decode(decoder, bytes, length, &click); // a sanitizer watches
        }
        bytes[at] = right;
    }
    cr_assert_eq(decode(decoder, bytes, length, &click), HH_OK);
    hh_click_decoder_free(decoder);
}

Test(click_avro, believes_no_length_and_no_count)
{
    hh_click click;
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_AVRO, hh_schema_click, NULL, &error);
    cr_assert_not_null(decoder, "%s", error.message);
    // A visitor of 2 GB; of -1 bytes; of 2^62; a varint that never ends; one of 65 bits.
    static const char *const strings[] = {
        "\xfe\xff\xff\xff\x0f", "\x01", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03"};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        cr_assert_eq(decode(decoder, strings[i], strlen(strings[i]), &click), HH_FORMAT);
    hh_click_decoder_free(decoder);

    // 2^62 nulls take no byte: they are taken, at once. A recursive record that never ends is not.
    static const char nulls[] =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
        "{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
        "{\"name\":\"visitor\",\"type\":\"string\"},{\"name\":\"item\",\"type\":\"int\"},"
        "{\"name\":\"timestamp\",\"type\":\"long\"}]}";
    decoder = hh_click_decoder_new(HH_FORMAT_AVRO, nulls, NULL, &error);
    static const char many[] = "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x02v\x02\x02";
    cr_assert_eq(decode(decoder, many, sizeof many - 1, &click), HH_OK, "%s", error.message);
    hh_click_decoder_free(decoder);

    static const char endless[] =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
        "{\"name\":\"visitor\",\"type\":\"string\"},{\"name\":\"item\",\"type\":\"int\"},"
        "{\"name\":\"timestamp\",\"type\":\"long\"},{\"name\":\"a\",\"type\":\"R\"},"
        "{\"name\":\"b\",\"type\":\"R\"}]}";
    decoder = hh_click_decoder_new(HH_FORMAT_AVRO, endless, NULL, &error);
    cr_assert_not_null(decoder, "%s", error.message);
    char bytes[1000];
    memset(bytes, 2, sizeof bytes);
    cr_assert_eq(decode(decoder, bytes, sizeof bytes, &click), HH_FORMAT);
    hh_click_decoder_free(decoder);
}

Test(click_avro, takes_blocks_with_their_size)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
        "{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
        "{\"name\":\"visitor\",\"type\":\"string\"},{\"name\":\"item\",\"type\":\"int\"},"
        "{\"name\":\"timestamp\",\"type\":\"long\"}]}";
    hh_click click;
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_AVRO, schema, NULL, &error);
    static const char sized[] = "\x03\x04\x02\x04\x02\x06\x00\x02v\x0e\x02"; // -2, 2 bytes, 1, 2; 1, 3; end
    cr_assert_eq(decode(decoder, sized, sizeof sized - 1, &click), HH_OK, "%s", error.message);
    cr_assert_eq(click.item.bytes[0], '7');
    hh_click_decoder_free(decoder);
}

Test(click_avro, hints_at_the_header_of_a_schema_registry)
{
    hh_click click;
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_AVRO, hh_schema_click, NULL, &error);
    static const char framed[] = "\x00\x00\x00\x00\x07\x02v\x02i\x02";
    cr_assert_eq(decode(decoder, framed, sizeof framed - 1, &click), HH_FORMAT);
    cr_assert(strstr(error.message, "schema registry"), "%s", error.message);
    hh_click_decoder_free(decoder);
}

Test(click_avro, says_what_the_schema_has_instead)
{
    static const struct {
        const char *visitor, *item, *timestamp;
        hh_time_unit unit;
        const char *says;
    } cases[] = {
        {"user.uid", "sku", "at", HH_UNIT_S, "record User has no field \"uid\"; it has: id, friend"},
        {"visitor", "sku", "at", HH_UNIT_S,
         "record Event has no field \"visitor\"; it has: kind, tags, props"},
        {"user", "sku", "at", HH_UNIT_S, "\"user\" is a record in the schema"},
        {"user.id", "props.one", "at", HH_UNIT_S, "\"one\" is a map, not a record"},
        {"user.id.x", "sku", "at", HH_UNIT_S, "\"x\" is a union of several types, not a record"},
        {"user.id", "tags", "at", HH_UNIT_S, "\"tags\" is an array in the schema"},
        {"user.id", "kind", "at", HH_UNIT_S, "\"kind\" is an enum in the schema"},
        {"user.id", "hash", "at", HH_UNIT_S, "\"hash\" is a fixed in the schema"},
        {"user.id", "flag", "at", HH_UNIT_S, "\"flag\" is boolean in the schema"},
        {"user.id", "at", "at", HH_UNIT_S, "item must be a string or a whole number, but \"at\" is double"},
        {"user.id", "sku", "when", HH_UNIT_S, "timestamp must be a number, since its unit is not iso8601"},
        {"user.id", "sku", "at", HH_UNIT_ISO8601, "timestamp must be a string, since its unit is iso8601"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_null(avro_decoder(cases[i].visitor, cases[i].item, cases[i].timestamp, cases[i].unit));
        cr_assert_eq(error.status, HH_ARGUMENT);
        cr_assert(strstr(error.message, cases[i].says), "\"%s\" does not say \"%s\"", error.message,
                  cases[i].says);
    }
}

Test(click_avro, refuses_schemas_that_are_none)
{
    static const char *const schemas[] = {NULL,
                                          "",
                                          "{",
                                          "[]",
                                          "\"string\"",
                                          "{\"type\":\"recrd\"}",
                                          "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}"};
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        cr_assert_null(hh_click_decoder_new(HH_FORMAT_AVRO, schemas[i], NULL, &error), "%s", schemas[i]);
        cr_assert_eq(error.status, HH_ARGUMENT);
    }
}

Test(click_avro, holds_the_unit_against_the_logical_type)
{
    static const char *const types[] = {
        "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}",
        "[\"null\",{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}]",
        "[{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"},\"null\"]",
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (int nested = 0; nested < 2; nested++) {
            char schema[800], fields[400];
            snprintf(fields, sizeof fields,
                     "\"fields\":[{\"name\":\"v\",\"type\":\"string\"},{\"name\":\"t\",\"type\":%s}]",
                     types[i]);
            snprintf(
                schema, sizeof schema,
                nested
                    ? "{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"in\",\"type\":[\"null\","
                      "{\"type\":\"record\",\"name\":\"I\",%s}]}]}"
                    : "{\"type\":\"record\",\"name\":\"E\",%s}",
                fields);
            hh_click_fields names = nested ? (hh_click_fields){"in.v", "in.v", "in.t", HH_UNIT_US}
                                           : (hh_click_fields){"v", "v", "t", HH_UNIT_US};
            hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_AVRO, schema, &names, &error);
            cr_assert_not_null(decoder, "%s", error.message);
            hh_click_decoder_free(decoder);
            names.unit = HH_UNIT_MS;
            cr_assert_null(hh_click_decoder_new(HH_FORMAT_AVRO, schema, &names, &error));
            cr_assert(strstr(error.message, "timestamp-micros in the schema, so its unit is us, not ms"),
                      "%s", error.message);
        }
    }
    hh_click_fields own = {"visitor", "item", "timestamp", HH_UNIT_S};
    cr_assert_null(hh_click_decoder_new(HH_FORMAT_AVRO, hh_schema_click, &own, &error));
}

Test(click_avro, finds_the_logical_type_behind_a_name)
{
    static const char by_name[] =
        "{\"type\":\"record\",\"name\":\"E\",\"namespace\":\"n\",\"fields\":[{\"name\":\"v\",\"type\":"
        "\"string\"},"
        "{\"name\":\"a\",\"type\":{\"type\":\"record\",\"name\":\"At\",\"fields\":[{\"name\":\"t\",\"type\":"
        "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}}]}},{\"name\":\"b\",\"type\":[\"null\",\"n."
        "At\"]}]}";
    hh_click_fields named = {"v", "v", "b.t", HH_UNIT_MS};
    cr_assert_null(hh_click_decoder_new(HH_FORMAT_AVRO, by_name, &named, &error));
    cr_assert(strstr(error.message, "its unit is us, not ms"), "%s", error.message);
    named.unit = HH_UNIT_US;
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_AVRO, by_name, &named, &error);
    cr_assert_not_null(decoder, "%s", error.message);
    hh_click_decoder_free(decoder);
}

Test(click_avro, refuses_a_decimal_as_an_id)
{
    static const char schema[] = "{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"v\",\"type\":"
                                 "\"string\"},{\"name\":\"d\","
                                 "\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9}},"
                                 "{\"name\":\"t\",\"type\":\"long\"}]}";
    cr_assert_null(
        hh_click_decoder_new(HH_FORMAT_AVRO, schema, &(hh_click_fields){"v", "d", "t", HH_UNIT_MS}, &error));
    cr_assert(strstr(error.message, "the item (\"d\") is a decimal"), "%s", error.message);
    cr_assert_null(
        hh_click_decoder_new(HH_FORMAT_AVRO, schema, &(hh_click_fields){"d", "v", "t", HH_UNIT_MS}, &error));
    cr_assert(strstr(error.message, "the visitor (\"d\") is a decimal"), "%s", error.message);
}

Test(click_avro, refuses_what_is_no_time_since_1970)
{
    static const char *const no_times[] = {"timestamp-nanos", "date", "time-millis"};
    for (size_t i = 0; i < sizeof no_times / sizeof *no_times; i++) {
        char schema[300];
        snprintf(schema, sizeof schema,
                 "{\"type\":\"record\",\"name\":\"E\",\"fields\":[{\"name\":\"v\",\"type\":\"string\"},"
                 "{\"name\":\"t\",\"type\":{\"type\":\"%s\",\"logicalType\":\"%s\"}}]}",
                 i == 0 ? "long" : "int", no_times[i]);
        hh_click_fields fields = {"v", "v", "t", HH_UNIT_MS};
        cr_assert_null(hh_click_decoder_new(HH_FORMAT_AVRO, schema, &fields, &error));
        cr_assert(strstr(error.message, "no time since 1970"), "%s", error.message);
    }
}
