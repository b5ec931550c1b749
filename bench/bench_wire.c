// What a record costs, by our readers and writers and by the libraries that could do the same
// (docs/decisions/0003-records-by-hand.md). CPU time of one thread, the best of five rounds.
#include "bench.h"
#include "wire/records.h"
#include "wire/schemas.h"

#include <avro.h>
#include <jansson.h>
#include <string.h>

#define ITEMS  20
#define REASON "14 of the 50 nearest sessions went on to this"

static const char click_text[] =
    "{\"visitor\":\"visitor-123456\",\"item\":\"item-98765\",\"timestamp\":1507396800123}";
static hh_text click_avro;
static hh_click_decoder *decoders[2];
static hh_encoder *encoders[2];
static hh_recommended_item items[ITEMS];
static hh_recommendations_record list = {
    {"visitor-123456", 14}, {"3-1234567", 9}, {"item-98765", 10}, 1507396800123, 3, 0, items, ITEMS};
static avro_value_t generic;
static int64_t used; // so that nothing is left out as unused

static void measure(const char *what, const char *by, void (*once)(void), int times)
{
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        double begin = seconds();
        for (int i = 0; i < times; i++)
            once();
        double took = (seconds() - begin) / times;
        best = took < best ? took : best;
    }
    printf("%-28s %-10s %8.2f us\n", what, by, best * 1e6);
}

static void json_click_ours(void)
{
    hh_click click;
    check(hh_click_decode(decoders[HH_FORMAT_JSON], click_text, sizeof click_text - 1, &click, NULL),
          "decoding");
    used += click.time;
}

static void json_click_jansson(void)
{
    json_t *json =
        json_loadb(click_text, sizeof click_text - 1, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    used += (int64_t)json_string_length(json_object_get(json, "visitor")) +
            (int64_t)json_string_length(json_object_get(json, "item")) +
            json_integer_value(json_object_get(json, "timestamp"));
    json_decref(json);
}

static void avro_click_ours(void)
{
    hh_click click;
    check(hh_click_decode(decoders[HH_FORMAT_AVRO], click_avro.bytes, click_avro.length, &click, NULL),
          "decoding");
    used += click.time;
}

static void avro_click_library(void) // value reused, a reader a record
{
    avro_value_t field;
    int64_t time;
    avro_reader_t reader = avro_reader_memory(click_avro.bytes, (int64_t)click_avro.length);
    if (avro_value_read(reader, &generic) != 0 || avro_value_get_by_index(&generic, 2, &field, NULL) != 0 ||
        avro_value_get_long(&field, &time) != 0)
        exit(1);
    used += time;
    avro_reader_free(reader);
}

static void json_list_ours(void)
{
    hh_text bytes;
    check(hh_encode_recommendations(encoders[HH_FORMAT_JSON], &list, &bytes), "encoding");
    used += (int64_t)bytes.length;
}

static void json_list_jansson(void)
{
    json_t *array = json_array();
    for (int i = 0; i < ITEMS; i++)
        json_array_append_new(array, json_pack("{s:s%,s:f,s:s%}", "item", items[i].item.bytes,
                                               items[i].item.length, "score", (double)items[i].score,
                                               "reason", items[i].reason.bytes, items[i].reason.length));
    json_t *json =
        json_pack("{s:s%,s:s%,s:s%,s:I,s:i,s:I,s:o}", "visitor", list.visitor.bytes, list.visitor.length,
                  "session_id", list.session_id.bytes, list.session_id.length, "clicked_item",
                  list.clicked_item.bytes, list.clicked_item.length, "timestamp", list.timestamp, "position",
                  list.position, "model_version", list.model_version, "items", array);
    char *text = json_dumps(json, JSON_COMPACT);
    used += text ? text[0] : 0;
    free(text);
    json_decref(json);
}

static void avro_list_ours(void)
{
    hh_text bytes;
    check(hh_encode_recommendations(encoders[HH_FORMAT_AVRO], &list, &bytes), "encoding");
    used += (int64_t)bytes.length;
}

static void prepare(void)
{
    hh_error error;
    avro_schema_t schema;
    const hh_click click = {{"visitor-123456", 14}, {"item-98765", 10}, 1507396800123};
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        decoders[format] = hh_click_decoder_new(format, hh_schema_click, NULL, &error);
        encoders[format] = hh_encoder_new(format, &error);
        if (!decoders[format] || !encoders[format])
            exit(1);
    }
    for (int i = 0; i < ITEMS; i++)
        items[i] =
            (hh_recommended_item){{"item-98765", 10}, 0.7f / ((float)i + 1.3f), {REASON, sizeof REASON - 1}};
    hh_encoder *once = hh_encoder_new(HH_FORMAT_AVRO, &error); // its bytes stay
    if (!once || avro_schema_from_json_length(hh_schema_click, strlen(hh_schema_click), &schema) != 0)
        exit(1);
    check(hh_encode_click(once, &click, &click_avro), "encoding");
    avro_generic_value_new(avro_generic_class_from_schema(schema), &generic);
}

int main(void)
{
    prepare();
    printf("a click of %zu bytes in JSON, %zu in Avro; a list of %d items\n", sizeof click_text - 1,
           click_avro.length, ITEMS);
    measure("read a click from JSON", "ours", json_click_ours, 1000000);
    measure("read a click from JSON", "jansson", json_click_jansson, 200000);
    measure("read a click from Avro", "ours", avro_click_ours, 1000000);
    measure("read a click from Avro", "Avro C", avro_click_library, 500000);
    measure("write a list in JSON", "ours", json_list_ours, 100000);
    measure("write a list in JSON", "jansson", json_list_jansson, 10000);
    measure("write a list in Avro", "ours", avro_list_ours, 100000);
    return used == 0;
}
