// Item vectors and the fields of items, as records: written and read back in both formats, and refused where
// somebody else has written nonsense.
#include <criterion/criterion.h>

#include "fail_alloc.h"
#include "wire/item_fields.h"
#include "wire/records.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static hh_error error;

#define TEXT(literal) ((hh_text){literal, sizeof(literal) - 1})

static bool is(hh_text text, const char *wanted)
{
    return text.bytes && text.length == strlen(wanted) && memcmp(text.bytes, wanted, text.length) == 0;
}

// ---- vectors ----

static const float numbers[] = {0.25f, -1.5f, 3e-8f, 0, 12345.678f};
static const hh_item_vector_record example = {
    {"text", 4}, {"sku \"8\"/9", 9}, {"hashing-5", 9}, {"00ff", 4}, numbers, 5};

Test(item_vector, comes_back_from_either_format)
{
    hh_item_vector_decoder *decoder = hh_item_vector_decoder_new(&error);
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        hh_encoder *encoder = hh_encoder_new(format, &error);
        hh_item_vector_record read;
        hh_text bytes;
        cr_assert_eq(hh_encode_item_vector(encoder, &example, &bytes), HH_OK);
        cr_assert_eq(hh_item_vector_decode(decoder, bytes.bytes, bytes.length, &read, &error), HH_OK, "%s",
                     error.message);
        cr_assert(is(read.source, "text") && is(read.item, "sku \"8\"/9") && is(read.model, "hashing-5") &&
                  is(read.text_hash, "00ff"));
        cr_assert_eq(read.width, 5);
        cr_assert_eq(memcmp(read.vector, numbers, sizeof numbers), 0);
        for (size_t length = 0; length < bytes.length; length++) // cut off anywhere
            cr_assert_eq(hh_item_vector_decode(decoder, bytes.bytes, length, &read, &error), HH_FORMAT);
        hh_encoder_free(encoder);
    }
    hh_item_vector_decoder_free(decoder);
}

// The first byte of Avro is the length of the source's name, and tells it from JSON, whatever the length.
Test(item_vector, sources_of_any_length)
{
    static char name[HH_SOURCE_MAX];
    hh_item_vector_decoder *decoder = hh_item_vector_decoder_new(&error);
    hh_encoder *encoder = hh_encoder_new(HH_FORMAT_AVRO, &error);
    memset(name, 's', sizeof name);
    for (size_t length = 1; length <= sizeof name; length++) {
        hh_item_vector_record record = example, read;
        hh_text bytes;
        record.source = (hh_text){name, length};
        cr_assert_eq(hh_encode_item_vector(encoder, &record, &bytes), HH_OK);
        cr_assert_eq(hh_item_vector_decode(decoder, bytes.bytes, bytes.length, &read, &error), HH_OK,
                     "%zu: %s", length, error.message);
        cr_assert_eq(read.source.length, length);
    }
    hh_encoder_free(encoder);
    hh_item_vector_decoder_free(decoder);
}

Test(item_vector, what_can_not_be_written)
{
    hh_encoder *encoder = hh_encoder_new(HH_FORMAT_AVRO, &error);
    hh_text bytes;
    float bad[] = {1, NAN};
    hh_item_vector_record record = example;
    record.vector = bad;
    record.width = 2;
    cr_assert_eq(hh_encode_item_vector(encoder, &record, &bytes), HH_FORMAT);
    record = example;
    record.source = TEXT("a/b");
    cr_assert_eq(hh_encode_item_vector(encoder, &record, &bytes), HH_FORMAT);
    record = example;
    record.width = 0;
    cr_assert_eq(hh_encode_item_vector(encoder, &record, &bytes), HH_LIMIT);
    hh_encoder_free(encoder);
}

Test(item_vector, what_others_may_write)
{
    static const char *const good[] = {"{\"source\":\"image\",\"item\":\"a\",\"vector\":[1,2.5,-3e0]}",
                                       "{ \"vector\": [ 1 , 2.5 ,\n-3 ], \"width\": 3, \"model\": null, "
                                       "\"item\":\"\\u0061\", \"source\":\"image\"}"};
    static const char *const bad[] = {
        "{}",
        "[1,2,3]",
        "{\"source\":\"image\",\"item\":\"a\"}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[0,-0.0]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[1,\"2\"]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[1,[2]]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[1,null]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[1,NaN]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[1,1e300]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":\"AAAA\"}",
        "{\"source\":\"image\",\"item\":\"a\",\"width\":3,\"vector\":[1,2]}",
        "{\"source\":\"image\",\"item\":\"a\",\"width\":-1,\"vector\":[1,2]}",
        "{\"source\":\"image\",\"item\":\"a\",\"width\":\"2\",\"vector\":[1,2]}",
        "{\"source\":\"im/age\",\"item\":\"a\",\"vector\":[1,2]}",
        "{\"source\":\"\",\"item\":\"a\",\"vector\":[1,2]}",
        "{\"source\":\"image\",\"item\":\"\",\"vector\":[1,2]}",
        "{\"source\":\"image\",\"item\":7,\"vector\":[1,2]}",
        "{\"source\":\"image\",\"item\":\"a\\u0000\",\"vector\":[1,2]}",
        "{\"source\":\"image\",\"item\":\"a\",\"vector\":[1,2]} x"};
    hh_item_vector_decoder *decoder = hh_item_vector_decoder_new(&error);
    hh_item_vector_record read;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cr_assert_eq(hh_item_vector_decode(decoder, good[i], strlen(good[i]), &read, &error), HH_OK, "%s",
                     error.message);
        cr_assert(is(read.source, "image") && is(read.item, "a") && is(read.model, ""));
        cr_assert(read.width == 3 && read.vector[1] == 2.5f && read.vector[2] == -3);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(hh_item_vector_decode(decoder, bad[i], strlen(bad[i]), &read, &error), HH_FORMAT, "%s",
                     bad[i]);
    hh_item_vector_decoder_free(decoder);
}

Test(item_vector, hostile_avro)
{
    // source "t", item "i", model "", hash "", width 2
    static const unsigned char head[] = {2, 't', 2, 'i', 0, 0, 4};
    static const struct {
        unsigned char tail[24];
        size_t length;
    } bad[] = {
        {{4, 0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f, 0}, 10},                      // 1, NaN
        {{4, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x7f, 0}, 10},                      // 1, infinity
        {{6, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 0}, 14},    // three
        {{0}, 1},                                                              // none
        {{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0}, 12}, // 2^62 numbers
        {{4, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 0, 9}, 11},                   // a byte too many
    };
    hh_item_vector_decoder *decoder = hh_item_vector_decoder_new(&error);
    hh_item_vector_record read;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned char bytes[40];
        memcpy(bytes, head, sizeof head);
        memcpy(bytes + sizeof head, bad[i].tail, bad[i].length);
        cr_assert_eq(hh_item_vector_decode(decoder, bytes, sizeof head + bad[i].length, &read, &error),
                     HH_FORMAT, "case %zu", i);
    }
    hh_item_vector_decoder_free(decoder);
}

Test(item_vector, keys)
{
    char key[HH_VECTOR_KEY_MAX];
    hh_text source, item;
    size_t length = hh_vector_key(TEXT("text"), TEXT("a/b"), key);
    cr_assert(is((hh_text){key, length}, "text/a/b"));
    cr_assert_eq(hh_vector_key_split(key, length, &source, &item, &error), HH_OK);
    cr_assert(is(source, "text") && is(item, "a/b"));
    static const char *const bad[] = {"", "text", "/a", "text/", "te xt/a", "t\xc3\xa4/a", "text/\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(hh_vector_key_split(bad[i], strlen(bad[i]), &source, &item, &error), HH_FORMAT, "%s",
                     bad[i]);
    cr_assert_eq(hh_vector_key_split(NULL, 0, &source, &item, &error), HH_FORMAT);
}

Test(item_vector, allocations_fail)
{
    static float wide[3000];
    hh_item_vector_record record = example;
    wide[2999] = 1;
    record.vector = wide;
    record.width = 3000;
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        hh_encoder *encoder = hh_encoder_new(format, &error);
        hh_text bytes;
        cr_assert_eq(hh_encode_item_vector(encoder, &record, &bytes), HH_OK);
        for (long n = 0;; n++) {
            hh_item_vector_record read;
            fail_alloc_at(n);
            hh_item_vector_decoder *decoder = hh_item_vector_decoder_new(&error);
            hh_status status = decoder
                                   ? hh_item_vector_decode(decoder, bytes.bytes, bytes.length, &read, &error)
                                   : HH_MEMORY;
            bool failed = fail_alloc_done();
            cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
            hh_item_vector_decoder_free(decoder);
            if (!failed)
                break;
        }
        hh_encoder_free(encoder);
    }
}

// ---- fields of items ----

static const char *const names[] = {"title", "brand.name", "tags", "year", "gone", "flag"};

Test(item_fields, json)
{
    static const char json[] =
        "{\"title\":\"A \\\"kite\\\"\",\"brand\":{\"name\":\"Wind\"},\"year\":1999,"
        "\"tags\":[\"red\", [\"no\", \"]\"], \"\\u00e4\\n\", 7, {\"a\":\"b\"}, true, \"\"],"
        "\"gone\":null,\"flag\":true}";
    hh_item_fields *fields = hh_item_fields_new(HH_FORMAT_JSON, NULL, names, 6, &error);
    hh_text values[6];
    cr_assert_eq(hh_item_fields_read(fields, json, sizeof json - 1, values, &error), HH_OK, "%s",
                 error.message);
    cr_assert(is(values[0], "A \"kite\""));
    cr_assert(is(values[1], "Wind"));
    cr_assert(is(values[2], "red, \xc3\xa4\n, 7, "), "%.*s", (int)values[2].length, values[2].bytes);
    cr_assert(is(values[3], "1999"));
    cr_assert(!values[4].bytes && !values[5].bytes);
    cr_assert_eq(hh_item_fields_read(fields, "{}", 2, values, &error), HH_OK);
    for (int i = 0; i < 6; i++)
        cr_assert_null(values[i].bytes);
    cr_assert_eq(hh_item_fields_read(fields, "{\"title\":", 9, values, &error), HH_FORMAT);
    cr_assert_eq(hh_item_fields_read(fields, NULL, 0, values, &error), HH_FORMAT);
    hh_item_fields_free(fields);
}

Test(item_fields, avro)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"Item\",\"fields\":[{\"name\":\"title\",\"type\":[\"null\","
        "\"string\"]},"
        "{\"name\":\"year\",\"type\":\"int\"},{\"name\":\"price\",\"type\":\"double\"}]}";
    static const char *const wanted[] = {"price", "title", "year"};
    hh_item_fields *fields = hh_item_fields_new(HH_FORMAT_AVRO, schema, wanted, 3, &error);
    hh_text values[3];
    cr_assert_not_null(fields, "%s", error.message);
    static const char bytes[] = {2, 4, 'h', 'i', 14, 0, 0, 0, 0, 0, 0, (char)0xf8, 0x3f};
    cr_assert_eq(hh_item_fields_read(fields, bytes, sizeof bytes, values, &error), HH_OK, "%s",
                 error.message);
    cr_assert(is(values[0], "1.5") && is(values[1], "hi") && is(values[2], "7"));
    static const char no_title[] = {0, 14, 0, 0, 0, 0, 0, 0, (char)0xf8, 0x3f};
    cr_assert_eq(hh_item_fields_read(fields, no_title, sizeof no_title, values, &error), HH_OK);
    cr_assert_null(values[1].bytes);
    static const char no_text[] = {2, 4, 'h', (char)0xff, 14, 0, 0, 0, 0, 0, 0, (char)0xf8, 0x3f};
    cr_assert_eq(hh_item_fields_read(fields, no_text, sizeof no_text, values, &error), HH_FORMAT);
    cr_assert_eq(hh_item_fields_read(fields, bytes, 5, values, &error), HH_FORMAT);
    hh_item_fields_free(fields);
    cr_assert_null(hh_item_fields_new(HH_FORMAT_AVRO, schema, names, 2, &error));
    cr_assert(strstr(error.message, "brand"), "%s", error.message);
}

Test(item_fields, avro_lists_and_symbols)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"Item\",\"fields\":["
        "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[\"BOOK\",\"GAME\"]}},"
        "{\"name\":\"tags\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\",\"string\"]}]},"
        "{\"name\":\"years\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
        "{\"name\":\"kinds\",\"type\":{\"type\":\"array\",\"items\":\"Kind\"}},"
        "{\"name\":\"parts\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Part\","
        "\"fields\":[{\"name\":\"n\",\"type\":\"int\"}]}}}]}";
    static const char *const wanted[] = {"kind", "tags", "years", "kinds"}, *const parts[] = {"parts"};
    hh_item_fields *fields = hh_item_fields_new(HH_FORMAT_AVRO, schema, wanted, 4, &error);
    hh_text values[4];
    cr_assert_not_null(fields, "%s", error.message);
    // GAME; "a", null, "bc" in two blocks, the second one with its size; 1, -1; BOOK, GAME; no parts
    static const char bytes[] = {2, 2, 4, 2, 2, 'a', 0, 1, 8, 2, 4, 'b', 'c', 0, 4, 2, 1, 0, 4, 0, 2, 0, 0};
    cr_assert_eq(hh_item_fields_read(fields, bytes, sizeof bytes, values, &error), HH_OK, "%s",
                 error.message);
    cr_assert(is(values[0], "GAME"));
    cr_assert(is(values[1], "a, bc"), "%.*s", (int)values[1].length, values[1].bytes);
    cr_assert(is(values[2], "1, -1"), "%.*s", (int)values[2].length, values[2].bytes);
    cr_assert(is(values[3], "BOOK, GAME"), "%.*s", (int)values[3].length, values[3].bytes);
    static const char nothing[] = {0, 0, 0, 0, 0};
    cr_assert_eq(hh_item_fields_read(fields, nothing, sizeof nothing, values, &error), HH_OK);
    cr_assert(!values[1].bytes && values[2].length == 0);
    static const char no_text[] = {0, 2, 2, 2, 2, (char)0xff, 0, 0, 0, 0}, no_symbol[] = {4, 0, 0, 0, 0};
    cr_assert_eq(hh_item_fields_read(fields, no_text, sizeof no_text, values, &error), HH_FORMAT);
    cr_assert_eq(hh_item_fields_read(fields, no_symbol, sizeof no_symbol, values, &error), HH_FORMAT);
    for (size_t length = 0; length < sizeof bytes; length++)
        cr_assert_eq(hh_item_fields_read(fields, bytes, length, values, &error), HH_FORMAT);
    hh_item_fields_free(fields);
    cr_assert_null(hh_item_fields_new(HH_FORMAT_AVRO, schema, parts, 1, &error));
    cr_assert(strstr(error.message, "an array"), "%s", error.message);
}

Test(item_fields, a_list_is_read_no_further_than_64_kib)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"Item\",\"fields\":[{\"name\":\"kinds\",\"type\":{\"type\":\"array\","
        "\"items\":{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[\"A_RATHER_LONG_NAME_OF_A_KIND\"]}}}]}";
    static const char *const wanted[] = {"kinds"};
    static char bytes[100000] = {(char)0xd0, (char)0x88, 1}; // 8,744 of them, all bytes 0
    hh_item_fields *fields = hh_item_fields_new(HH_FORMAT_AVRO, schema, wanted, 1, &error);
    hh_text value;
    cr_assert_not_null(fields, "%s", error.message);
    size_t end = 3 + 8744;
    cr_assert_eq(hh_item_fields_read(fields, bytes, end + 1, &value, &error), HH_OK, "%s", error.message);
    cr_assert(value.length >= 65536 && value.length < 65536 + 100, "%zu", value.length);
    hh_item_fields_free(fields);
}

Test(item_fields, allocations_fail)
{
    static char json[3000] = "{\"title\":\"\\n";
    memset(json + strlen(json), 'x', 2500);
    memcpy(json + strlen(json), "\"}", 2);
    for (long n = 0;; n++) {
        hh_text values[6];
        fail_alloc_at(n);
        hh_item_fields *fields = hh_item_fields_new(HH_FORMAT_JSON, NULL, names, 6, &error);
        hh_status status =
            fields ? hh_item_fields_read(fields, json, strlen(json), values, &error) : HH_MEMORY;
        bool failed = fail_alloc_done();
        cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
        hh_item_fields_free(fields);
        if (!failed)
            break;
    }
}
