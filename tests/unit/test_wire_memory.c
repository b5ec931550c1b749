// Every allocation of the room fails once: what was asked for says so, loses nothing, and works the next
// time.
#include <criterion/criterion.h>

#include "fail_alloc.h"
#include "wire/kafka.h"
#include "wire/records.h"
#include "wire/schemas.h"

#include <stdlib.h>
#include <string.h>

static hh_error error;

Test(wire_memory, click_decoders)
{
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        long n = 0;
        for (;; n++) {
            fail_alloc_at(n);
            hh_click_decoder *decoder = hh_click_decoder_new(format, hh_schema_click, NULL, &error);
            if (!fail_alloc_done()) {
                cr_assert_not_null(decoder);
                hh_click_decoder_free(decoder);
                break;
            }
            cr_assert_null(decoder);
            cr_assert_eq(error.status, HH_MEMORY);
        }
        cr_assert_geq(n, 4); // the decoder and its three paths at least
    }
}

Test(wire_memory, decoding_a_click_allocates_nothing)
{
    static const char json[] = "{\"visitor\":\"\\u0061\",\"item\":7,\"timestamp\":1.5e3}";
    hh_click_decoder *decoder = hh_click_decoder_new(HH_FORMAT_JSON, NULL, NULL, &error);
    hh_click click;
    fail_alloc_at(0);
    cr_assert_eq(hh_click_decode(decoder, json, sizeof json - 1, &click, &error), HH_OK);
    cr_assert_not(fail_alloc_done());
    hh_click_decoder_free(decoder);
}

Test(wire_memory, encoders_and_the_decoder_of_recommendations)
{
    static char reason[4000];
    memset(reason, 'r', sizeof reason);
    hh_recommended_item items[50];
    for (int i = 0; i < 50; i++)
        items[i] = (hh_recommended_item){{"item", 4}, 0.5f, {reason, sizeof reason}};
    hh_recommendations_record record = {{"v", 1}, {"0-1", 3}, {"i", 1}, 1, 1, 0, items, 50};
    for (hh_format format = HH_FORMAT_JSON; format <= HH_FORMAT_AVRO; format++) {
        int failures = 0;
        for (long n = 0;; n++) {
            hh_text bytes = {NULL, 0};
            hh_recommendations_record read;
            fail_alloc_at(n);
            hh_encoder *encoder = hh_encoder_new(format, &error);
            hh_recommendations_decoder *decoder =
                encoder ? hh_recommendations_decoder_new(format, &error) : NULL;
            hh_status status = decoder ? hh_encode_recommendations(encoder, &record, &bytes) : HH_MEMORY;
            if (status == HH_OK)
                status = hh_recommendations_decode(decoder, bytes.bytes, bytes.length, &read, &error);
            bool failed = fail_alloc_done();
            cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
            failures += failed;
            if (failed && decoder && encoder) { // and again
                cr_assert_eq(hh_encode_recommendations(encoder, &record, &bytes), HH_OK);
                cr_assert_eq(hh_recommendations_decode(decoder, bytes.bytes, bytes.length, &read, &error),
                             HH_OK);
                cr_assert_eq(read.count, 50);
            }
            hh_recommendations_decoder_free(decoder);
            hh_encoder_free(encoder);
            if (!failed)
                break;
        }
        cr_assert_geq(failures, 5);
    }
}

Test(wire_memory, titles)
{
    static const char json[] = "{\"title\":\"t\"}";
    char title[10];
    fail_alloc_at(0);
    cr_assert_eq(hh_item_decode(json, sizeof json - 1, title, sizeof title, &error), HH_MEMORY);
    cr_assert(fail_alloc_done());
    cr_assert_str_eq(title, "");
}

Test(wire_memory, topics)
{
    char trouble[300];
    rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_ADMIN, "127.0.0.1:1", NULL, 0, &error);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, trouble, sizeof trouble);
    hh_kafka_topic topic = {.name = "t", .partitions = 1, .replication = 1, .cleanup = "delete"};
    fail_alloc_at(0);
    cr_assert_eq(hh_kafka_topics(client, &topic, 1, HH_KAFKA_CREATE, 100, NULL, NULL, &error), HH_MEMORY);
    cr_assert(fail_alloc_done());
    rd_kafka_destroy(client);
}
