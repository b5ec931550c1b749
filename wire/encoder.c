// Records to bytes, in JSON or bare Avro. The order of the fields is that of schemas/*.avsc.
#include "wire/encoder.h"

#include "wire/avro_write.h"
#include "wire/json_write.h"

#include <stdlib.h>

struct hh_encoder {
    hh_format format;
    hh_buffer buffer;
};

hh_encoder *hh_encoder_new(hh_format format, hh_error *error)
{
    hh_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    encoder->format = format;
    return encoder;
}

void hh_encoder_free(hh_encoder *encoder)
{
    if (!encoder)
        return;
    hh_buffer_free(&encoder->buffer);
    free(encoder);
}

hh_format hh_encoder_format(const hh_encoder *encoder)
{
    return encoder->format;
}

hh_buffer *hh_encoder_start(hh_encoder *encoder)
{
    encoder->buffer.length = 0;
    encoder->buffer.status = HH_OK;
    return &encoder->buffer;
}

hh_status hh_encoder_finish(const hh_encoder *encoder, hh_text *bytes)
{
    const hh_buffer *out = &encoder->buffer;
    *bytes = out->status == HH_OK ? (hh_text){out->bytes, out->length} : (hh_text){NULL, 0};
    return out->status;
}

// ---- JSON ----

#define json_text(out, key, text)     (hh_json_put(out, key), hh_json_put_text(out, text))
#define json_integer(out, key, value) (hh_json_put(out, key), hh_json_put_integer(out, value))
#define json_float(out, key, value)   (hh_json_put(out, key), hh_json_put_float(out, value))

static void recommendations_json(hh_buffer *out, const hh_recommendations_record *record)
{
    json_text(out, "{\"visitor\":", record->visitor);
    json_text(out, ",\"session_id\":", record->session_id);
    json_text(out, ",\"clicked_item\":", record->clicked_item);
    json_integer(out, ",\"timestamp\":", record->timestamp);
    json_integer(out, ",\"position\":", record->position);
    json_integer(out, ",\"model_version\":", record->model_version);
    hh_json_put(out, ",\"items\":[");
    for (size_t i = 0; i < record->count; i++) {
        if (i)
            hh_json_put(out, ",");
        json_text(out, "{\"item\":", record->items[i].item);
        hh_json_put(out, ",\"score\":");
        hh_json_put_float(out, record->items[i].score);
        json_text(out, ",\"reason\":", record->items[i].reason);
        hh_json_put(out, "}");
    }
    hh_json_put(out, "]}");
}

static void session_json(hh_buffer *out, const hh_session_record *record)
{
    json_text(out, "{\"visitor\":", record->visitor);
    json_text(out, ",\"session_id\":", record->session_id);
    json_integer(out, ",\"start\":", record->start);
    json_integer(out, ",\"end\":", record->end);
    json_text(out, ",\"close_reason\":", record->close_reason);
    hh_json_put(out, ",\"clicks\":[");
    for (size_t i = 0; i < record->count; i++) {
        if (i)
            hh_json_put(out, ",");
        json_text(out, "{\"item\":", record->clicks[i].item);
        json_integer(out, ",\"timestamp\":", record->clicks[i].timestamp);
        hh_json_put(out, "}");
    }
    hh_json_put(out, "]}");
}

static void quality_json(hh_buffer *out, const hh_quality_record *record)
{
    json_text(out, "{\"instance\":", record->instance);
    json_integer(out, ",\"model_version\":", record->model_version);
    json_integer(out, ",\"timestamp\":", record->timestamp);
    json_integer(out, ",\"begin\":", record->begin);
    json_integer(out, ",\"lists\":", record->lists);
    json_integer(out, ",\"targets\":", record->targets);
    json_float(out, ",\"hr20\":", record->hr20);
    json_float(out, ",\"mrr20\":", record->mrr20);
    json_float(out, ",\"graph_hr20\":", record->graph_hr20);
    json_float(out, ",\"graph_mrr20\":", record->graph_mrr20);
    json_float(out, ",\"popularity_hr20\":", record->popularity_hr20);
    json_float(out, ",\"popularity_mrr20\":", record->popularity_mrr20);
    json_integer(out, ",\"items\":", record->items);
    json_integer(out, ",\"out\":", record->out);
    hh_json_put(out, "}");
}

static void click_json(hh_buffer *out, const hh_click *click)
{
    json_text(out, "{\"visitor\":", click->visitor);
    json_text(out, ",\"item\":", click->item);
    json_integer(out, ",\"timestamp\":", click->time);
    hh_json_put(out, "}");
}

static void item_vector_json(hh_buffer *out, const hh_item_vector_record *record)
{
    json_text(out, "{\"source\":", record->source);
    json_text(out, ",\"item\":", record->item);
    json_text(out, ",\"model\":", record->model);
    json_text(out, ",\"text_hash\":", record->text_hash);
    json_integer(out, ",\"width\":", (int64_t)record->width);
    hh_json_put(out, ",\"vector\":[");
    for (size_t i = 0; i < record->width; i++) {
        if (i)
            hh_json_put(out, ",");
        hh_json_put_float(out, record->vector[i]);
    }
    hh_json_put(out, "]}");
}

// ---- Avro: an array is one block with its count, then an empty one ----

static void recommendations_avro(hh_buffer *out, const hh_recommendations_record *record)
{
    hh_avro_put_text(out, record->visitor);
    hh_avro_put_text(out, record->session_id);
    hh_avro_put_text(out, record->clicked_item);
    hh_avro_put_long(out, record->timestamp);
    hh_avro_put_long(out, record->position);
    hh_avro_put_long(out, record->model_version);
    if (record->count)
        hh_avro_put_long(out, (int64_t)record->count);
    for (size_t i = 0; i < record->count; i++) {
        hh_avro_put_text(out, record->items[i].item);
        hh_avro_put_float(out, record->items[i].score);
        hh_avro_put_text(out, record->items[i].reason);
    }
    hh_avro_put_long(out, 0);
}

static void session_avro(hh_buffer *out, const hh_session_record *record)
{
    hh_avro_put_text(out, record->visitor);
    hh_avro_put_text(out, record->session_id);
    hh_avro_put_long(out, record->start);
    hh_avro_put_long(out, record->end);
    hh_avro_put_text(out, record->close_reason);
    if (record->count)
        hh_avro_put_long(out, (int64_t)record->count);
    for (size_t i = 0; i < record->count; i++) {
        hh_avro_put_text(out, record->clicks[i].item);
        hh_avro_put_long(out, record->clicks[i].timestamp);
    }
    hh_avro_put_long(out, 0);
}

static void quality_avro(hh_buffer *out, const hh_quality_record *record)
{
    hh_avro_put_text(out, record->instance);
    hh_avro_put_long(out, record->model_version);
    hh_avro_put_long(out, record->timestamp);
    hh_avro_put_long(out, record->begin);
    hh_avro_put_long(out, record->lists);
    hh_avro_put_long(out, record->targets);
    hh_avro_put_float(out, record->hr20);
    hh_avro_put_float(out, record->mrr20);
    hh_avro_put_float(out, record->graph_hr20);
    hh_avro_put_float(out, record->graph_mrr20);
    hh_avro_put_float(out, record->popularity_hr20);
    hh_avro_put_float(out, record->popularity_mrr20);
    hh_avro_put_long(out, record->items);
    hh_avro_put_long(out, record->out);
}

static void click_avro(hh_buffer *out, const hh_click *click)
{
    hh_avro_put_text(out, click->visitor);
    hh_avro_put_text(out, click->item);
    hh_avro_put_long(out, click->time);
}

static void item_vector_avro(hh_buffer *out, const hh_item_vector_record *record)
{
    hh_avro_put_text(out, record->source);
    hh_avro_put_text(out, record->item);
    hh_avro_put_text(out, record->model);
    hh_avro_put_text(out, record->text_hash);
    hh_avro_put_long(out, (int64_t)record->width);
    hh_avro_put_long(out, (int64_t)record->width);
    for (size_t i = 0; i < record->width; i++)
        hh_avro_put_float(out, record->vector[i]);
    hh_avro_put_long(out, 0);
}

// ---- by format ----

hh_status hh_encode_recommendations(hh_encoder *encoder, const hh_recommendations_record *record,
                                    hh_text *bytes)
{
    hh_buffer *out = hh_encoder_start(encoder);
    (encoder->format == HH_FORMAT_AVRO ? recommendations_avro : recommendations_json)(out, record);
    return hh_encoder_finish(encoder, bytes);
}

hh_status hh_encode_session(hh_encoder *encoder, const hh_session_record *record, hh_text *bytes)
{
    hh_buffer *out = hh_encoder_start(encoder);
    (encoder->format == HH_FORMAT_AVRO ? session_avro : session_json)(out, record);
    return hh_encoder_finish(encoder, bytes);
}

hh_status hh_encode_quality(hh_encoder *encoder, const hh_quality_record *record, hh_text *bytes)
{
    hh_buffer *out = hh_encoder_start(encoder);
    (encoder->format == HH_FORMAT_AVRO ? quality_avro : quality_json)(out, record);
    return hh_encoder_finish(encoder, bytes);
}

hh_status hh_encode_click(hh_encoder *encoder, const hh_click *click, hh_text *bytes)
{
    hh_buffer *out = hh_encoder_start(encoder);
    (encoder->format == HH_FORMAT_AVRO ? click_avro : click_json)(out, click);
    return hh_encoder_finish(encoder, bytes);
}

hh_status hh_encode_item_vector(hh_encoder *encoder, const hh_item_vector_record *record, hh_text *bytes)
{
    hh_buffer *out = hh_encoder_start(encoder);
    if (!hh_source_name_valid(record->source))
        hh_buffer_fail(out, HH_FORMAT);
    if (record->width == 0 || record->width > HH_WIDTH_MAX)
        hh_buffer_fail(out, HH_LIMIT);
    (encoder->format == HH_FORMAT_AVRO ? item_vector_avro : item_vector_json)(out, record);
    return hh_encoder_finish(encoder, bytes);
}
