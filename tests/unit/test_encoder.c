// Every record is encoded by hiphop and read by somebody else: JSON by jansson, Avro by Avro C with the
// schema from schemas/, by the names of its fields.
#include <criterion/criterion.h>

#include "wire/json_write.h"
#include "wire/records.h"
#include "wire/schemas.h"

#include <avro.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    } // a hh_text

static const hh_recommended_item items[] = {
    {T("i\"1\""), 0.25f, T("popular now")},
    {T("\xc3\xa4\n\x01\x7f"), 0.1f, T("14 of the 50 nearest sessions went on to this")},
    {T("i3"), 0.0f, T("")},
};
static const hh_recommendations_record list = {T("v\\1"), T("3-12345678901"), T("clicked"), 1507396800123,
                                               7,         INT64_MAX,          items,        3};
static const hh_session_record_click clicks[] = {{T("a"), 1507396800123}, {T("b"), 1507396800124}};
static const hh_session_record session = {T("v"), T("0-0"), 1507396800123, 1507396800124, T("gap"),
                                          clicks, 2};
static const hh_click click = {T("v"), T("i"), 1507396800123};

static const hh_quality_record quality = {T("one"), 7,    1507396800123, 1507396800000, 12345, 9999, 0.5f,
                                          0.25f,    0.4f, 0.125f,        0.1f,          0.05f, 321,  1};

static hh_encoder *encoder(hh_format format)
{
    hh_error error;
    hh_encoder *made = hh_encoder_new(format, &error);
    cr_assert_not_null(made);
    return made;
}

Test(encoder, writes_json_that_mirrors_the_schemas)
{
    hh_encoder *json = encoder(HH_FORMAT_JSON);
    hh_text bytes;
    cr_assert_eq(hh_encode_recommendations(json, &list, &bytes), HH_OK);
    static const char wanted[] =
        "{\"visitor\":\"v\\\\1\",\"session_id\":\"3-12345678901\",\"clicked_item\":\"clicked\","
        "\"timestamp\":1507396800123,\"position\":7,\"model_version\":9223372036854775807,\"items\":["
        "{\"item\":\"i\\\"1\\\"\",\"score\":0.25,\"reason\":\"popular now\"},"
        "{\"item\":\"\xc3\xa4\\n\\u0001\x7f\",\"score\":0.1,\"reason\":\"14 of the 50 nearest sessions went "
        "on to this\"},"
        "{\"item\":\"i3\",\"score\":0,\"reason\":\"\"}]}";
    cr_assert(bytes.length == sizeof wanted - 1 && !memcmp(bytes.bytes, wanted, bytes.length), "%.*s",
              (int)bytes.length, bytes.bytes);
    cr_assert_eq(hh_encode_session(json, &session, &bytes), HH_OK);
    static const char closed[] = "{\"visitor\":\"v\",\"session_id\":\"0-0\",\"start\":1507396800123,\"end\":"
                                 "1507396800124,\"close_reason\":"
                                 "\"gap\",\"clicks\":[{\"item\":\"a\",\"timestamp\":1507396800123},{\"item\":"
                                 "\"b\",\"timestamp\":1507396800124}]}";
    cr_assert(bytes.length == sizeof closed - 1 && !memcmp(bytes.bytes, closed, bytes.length), "%.*s",
              (int)bytes.length, bytes.bytes);
    cr_assert_eq(hh_encode_click(json, &click, &bytes), HH_OK);
    static const char clicked[] = "{\"visitor\":\"v\",\"item\":\"i\",\"timestamp\":1507396800123}";
    cr_assert(bytes.length == sizeof clicked - 1 && !memcmp(bytes.bytes, clicked, bytes.length));
    hh_encoder_free(json);
}

// ---- the schemas themselves ----

static const char *const schemas[] = {hh_schema_click,   hh_schema_recommendations, hh_schema_session,
                                      hh_schema_quality, hh_schema_item_vector,     hh_schema_embedding};

static void check_docs(const json_t *schema, int *fields)
{
    const char *name = json_string_value(json_object_get(schema, "name"));
    const json_t *list_of_fields = json_object_get(schema, "fields");
    cr_assert_gt(json_string_length(json_object_get(schema, "doc")), 10, "record %s says nothing", name);
    for (size_t i = 0; i < json_array_size(list_of_fields); i++) {
        const json_t *field = json_array_get(list_of_fields, i), *type = json_object_get(field, "type");
        cr_assert_gt(json_string_length(json_object_get(field, "doc")), 10, "%s.%s says nothing", name,
                     json_string_value(json_object_get(field, "name")));
        ++*fields;
        if (json_is_object(json_object_get(type, "items")))
            check_docs(json_object_get(type, "items"), fields);
        if (json_is_object(json_array_get(type, 1))) // that, or null
            check_docs(json_array_get(type, 1), fields);
    }
}

Test(schemas, say_what_every_field_means)
{
    int fields = 0;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        json_t *schema = json_loads(schemas[i], JSON_REJECT_DUPLICATES, NULL);
        cr_assert_not_null(schema);
        cr_assert_str_eq(json_string_value(json_object_get(schema, "namespace")), "hiphop");
        check_docs(schema, &fields);
        json_decref(schema);
    }
    cr_assert_eq(fields, 3 + 7 + 3 + 6 + 2 + 6 + 14 + 5 + 8);
}

// ---- Avro, and JSON, both as jansson trees ----

// Avro bytes as JSON, by Avro C and the schema; the whole of them.
static json_t *read_avro(const char *schema_text, hh_text bytes)
{
    avro_schema_t schema;
    cr_assert_eq(avro_schema_from_json_length(schema_text, strlen(schema_text), &schema), 0);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_value_t value;
    avro_generic_value_new(class, &value);
    avro_reader_t reader = avro_reader_memory(bytes.bytes, (int64_t)bytes.length);
    cr_assert_eq(avro_value_read(reader, &value), 0, "%s", avro_strerror());
    char one;
    cr_assert_neq(avro_read(reader, &one, 1), 0, "bytes are left over");
    char *text = NULL;
    cr_assert_eq(avro_value_to_json(&value, 1, &text), 0);
    json_t *json = json_loads(text, 0, NULL);
    free(text);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    return json;
}

// Equal as JSON, floats as floats.
static bool same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return (float)json_number_value(a) == (float)json_number_value(b) &&
               (!json_is_integer(a) || !json_is_integer(b) || json_equal(a, b));
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_array(a)) {
        bool good = json_array_size(a) == json_array_size(b);
        for (size_t i = 0; i < json_array_size(a) && good; i++)
            good = same(json_array_get(a, i), json_array_get(b, i));
        return good;
    }
    if (!json_is_object(a))
        return json_equal(a, b);
    bool good = json_object_size(a) == json_object_size(b);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value) good =
        good && json_object_get(b, key) && same(value, json_object_get(b, key));
    return good;
}

Test(encoder, writes_the_same_record_in_avro_and_json)
{
    hh_encoder *json = encoder(HH_FORMAT_JSON), *avro = encoder(HH_FORMAT_AVRO);
    for (int kind = 0; kind < 5; kind++) {
        hh_text text, bytes;
        hh_recommendations_record no_items = list;
        no_items.count = 0;
        no_items.model_version = 0;
        switch (kind) {
        case 0:
            cr_assert_eq(hh_encode_click(json, &click, &text), HH_OK);
            cr_assert_eq(hh_encode_click(avro, &click, &bytes), HH_OK);
            break;
        case 1:
            cr_assert_eq(hh_encode_recommendations(json, &list, &text), HH_OK);
            cr_assert_eq(hh_encode_recommendations(avro, &list, &bytes), HH_OK);
            break;
        case 2:
            cr_assert_eq(hh_encode_recommendations(json, &no_items, &text), HH_OK);
            cr_assert_eq(hh_encode_recommendations(avro, &no_items, &bytes), HH_OK);
            break;
        case 4:
            cr_assert_eq(hh_encode_quality(json, &quality, &text), HH_OK);
            cr_assert_eq(hh_encode_quality(avro, &quality, &bytes), HH_OK);
            break;
        default:
            cr_assert_eq(hh_encode_session(json, &session, &text), HH_OK);
            cr_assert_eq(hh_encode_session(avro, &session, &bytes), HH_OK);
        }
        json_t *from_json = json_loadb(text.bytes, text.length, JSON_REJECT_DUPLICATES, NULL);
        json_t *from_avro = read_avro(schemas[kind < 2 ? kind : kind - 1], bytes);
        cr_assert_not_null(from_json);
        cr_assert_not_null(from_avro);
        cr_assert(same(from_json, from_avro), "%s\n%s", json_dumps(from_json, 0), json_dumps(from_avro, 0));
        json_decref(from_json);
        json_decref(from_avro);
    }
    hh_encoder_free(json);
    hh_encoder_free(avro);
}

Test(encoder, refuses_what_nobody_could_read)
{
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        hh_encoder *out = encoder(format);
        hh_text bytes;
        hh_click bad = click;
        bad.item = (hh_text)T("\xff");
        cr_assert_eq(hh_encode_click(out, &bad, &bytes), HH_FORMAT);
        cr_assert_null(bytes.bytes);
        hh_recommended_item scored = items[0];
        hh_recommendations_record record = list;
        record.items = &scored;
        record.count = 1;
        for (int i = 0; i < 3; i++) {
            scored.score = i == 0 ? NAN : i == 1 ? INFINITY : -INFINITY;
            cr_assert_eq(hh_encode_recommendations(out, &record, &bytes), HH_FORMAT);
        }
        cr_assert_eq(hh_encode_click(out, &click, &bytes), HH_OK, "a failure must not stick to the encoder");
        hh_encoder_free(out);
    }
}

Test(encoder, writes_a_session_of_many_long_ids)
{
    static char id[HH_ID_MAX];
    memset(id, '"', sizeof id);
    hh_session_record_click *many = malloc(2000 * sizeof *many);
    for (int i = 0; i < 2000; i++)
        many[i] = (hh_session_record_click){{id, sizeof id}, i};
    hh_session_record record = session;
    record.clicks = many;
    record.count = 2000;
    hh_encoder *json = encoder(HH_FORMAT_JSON);
    hh_text bytes;
    cr_assert_eq(hh_encode_session(json, &record, &bytes), HH_OK);
    json_t *read = json_loadb(bytes.bytes, bytes.length, 0, NULL);
    cr_assert_eq(json_array_size(json_object_get(read, "clicks")), 2000);
    cr_assert_eq(
        json_string_length(json_object_get(json_array_get(json_object_get(read, "clicks"), 1999), "item")),
        sizeof id);
    json_decref(read);
    hh_encoder_free(json);
    free(many);
}

static uint64_t next_random(uint64_t *state) // splitmix64
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

Test(json_write, every_float_reads_back_as_itself)
{
    uint64_t state = 1;
    hh_buffer buffer = {0};
    for (int i = 0; i < 300000; i++) {
        uint32_t bits = (uint32_t)next_random(&state);
        float value;
        if (i % 3) // shares
            value = (float)(bits >> 8) / (float)(1 << 24) / (float)(i % 3 == 1 ? 1 : 1000);
        else
            memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        buffer.length = 0;
        hh_json_put_float(&buffer, value);
        hh_buffer_put(&buffer, "", 1);
        cr_assert_eq(buffer.status, HH_OK);
        cr_assert(strtof(buffer.bytes, NULL) == value, "%a is written as %s", (double)value, buffer.bytes);
        cr_assert((float)strtod(buffer.bytes, NULL) == value, "%a is written as %s", (double)value,
                  buffer.bytes);
    }
    hh_buffer_free(&buffer);
}

Test(json_write, integers_to_the_ends_of_their_range)
{
    hh_buffer buffer = {0};
    hh_json_put_integer(&buffer, INT64_MIN);
    hh_json_put(&buffer, " ");
    hh_json_put_integer(&buffer, INT64_MAX);
    hh_json_put(&buffer, " ");
    hh_json_put_integer(&buffer, 0);
    hh_buffer_put(&buffer, "", 1);
    cr_assert_str_eq(buffer.bytes, "-9223372036854775808 9223372036854775807 0");
    hh_buffer_free(&buffer);
}

// ---- reading recommendations back ----

static bool text_is(hh_text a, hh_text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

Test(recommendations_decoder, reads_back_what_was_written)
{
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        hh_error error;
        hh_encoder *out = encoder(format);
        hh_recommendations_decoder *in = hh_recommendations_decoder_new(format, &error);
        hh_recommendations_record many = list, record;
        hh_recommended_item hundred[100];
        for (int i = 0; i < 100; i++)
            hundred[i] = items[i % 3];
        many.items = hundred;
        many.count = 100;
        for (size_t count = 0; count <= 100; count += 50) {
            hh_text bytes;
            many.count = count;
            cr_assert_eq(hh_encode_recommendations(out, &many, &bytes), HH_OK);
            cr_assert_eq(hh_recommendations_decode(in, bytes.bytes, bytes.length, &record, &error), HH_OK,
                         "%s", error.message);
            cr_assert(text_is(record.visitor, list.visitor));
            cr_assert(text_is(record.session_id, list.session_id));
            cr_assert(text_is(record.clicked_item, list.clicked_item));
            cr_assert_eq(record.timestamp, list.timestamp);
            cr_assert_eq(record.position, list.position);
            cr_assert_eq(record.model_version, list.model_version);
            cr_assert_eq(record.count, count);
            for (size_t i = 0; i < count; i++) {
                cr_assert(text_is(record.items[i].item, hundred[i].item));
                cr_assert(text_is(record.items[i].reason, hundred[i].reason));
                cr_assert(record.items[i].score == hundred[i].score);
            }
            // And nothing less, and nothing more.
            char *exact = malloc(bytes.length + 1);
            for (size_t cut = 0; cut < bytes.length; cut++) {
                char *part = malloc(cut ? cut : 1);
                memcpy(part, bytes.bytes, cut);
                cr_assert_eq(hh_recommendations_decode(in, part, cut, &record, &error), HH_FORMAT);
                free(part);
            }
            memcpy(exact, bytes.bytes, bytes.length);
            exact[bytes.length] = 1;
            cr_assert_eq(hh_recommendations_decode(in, exact, bytes.length + 1, &record, &error), HH_FORMAT);
            free(exact);
        }
        hh_recommendations_decoder_free(in);
        hh_encoder_free(out);
    }
}

Test(recommendations_decoder, refuses_records_of_another_kind)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "1",
        "{\"visitor\":1,\"session_id\":\"\",\"clicked_item\":\"\",\"timestamp\":1,\"position\":1,\"model_"
        "version\":0,\"items\":[]}",
        "{\"visitor\":\"\",\"session_id\":\"\",\"clicked_item\":\"\",\"timestamp\":1.5,\"position\":1,"
        "\"model_version\":0,\"items\":[]}",
        "{\"visitor\":\"\",\"session_id\":\"\",\"clicked_item\":\"\",\"timestamp\":1,\"position\":2147483648,"
        "\"model_version\":0,\"items\":[]}",
        "{\"visitor\":\"\",\"session_id\":\"\",\"clicked_item\":\"\",\"timestamp\":1,\"position\":1,\"model_"
        "version\":0,\"items\":{}}",
        "{\"visitor\":\"\",\"session_id\":\"\",\"clicked_item\":\"\",\"timestamp\":1,\"position\":1,\"model_"
        "version\":0,\"items\":[1]}",
        "{\"visitor\":\"\",\"session_id\":\"\",\"clicked_item\":\"\",\"timestamp\":1,\"position\":1,\"model_"
        "version\":0,"
        "\"items\":[{\"item\":\"i\",\"score\":1e300,\"reason\":\"\"}]}",
    };
    hh_error error;
    hh_recommendations_record record;
    hh_recommendations_decoder *in = hh_recommendations_decoder_new(HH_FORMAT_JSON, &error);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(hh_recommendations_decode(in, bad[i], strlen(bad[i]), &record, &error), HH_FORMAT, "%s",
                     bad[i]);
    hh_recommendations_decoder_free(in);
}

// ---- items ----

Test(item_decoder, finds_the_title)
{
    static const struct {
        const char *json, *title; // NULL: refused
    } cases[] = {
        {"{\"title\":\"Toy Story (1995)\",\"genres\":[\"Comedy\"]}", "Toy Story (1995)"},
        {"{\"title\":\"caf\\u00e9 \xc3\xa9t\xc3\xa9\"}", "caf\xc3\xa9 \xc3\xa9t\xc3\xa9"},
        {"{\"title\":\"0123456789abcdef01\xc3\xa9\"}", "0123456789abcdef01"}, // cut between characters
        {"{}", ""},
        {"{\"title\":null}", ""},
        {"{\"title\":7}", NULL},
        {"{\"title\":\"a\",\"title\":\"b\"}", NULL},
        {"\"title\"", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char title[20];
        hh_error error;
        hh_status status = hh_item_decode(cases[i].json, strlen(cases[i].json), title, sizeof title, &error);
        cr_assert_eq(status, cases[i].title ? HH_OK : HH_FORMAT, "%s", cases[i].json);
        cr_assert_str_eq(title, cases[i].title ? cases[i].title : "");
    }
}
