// Item vectors, which anybody may write: what can be read can be written again in either format, and is the
// same. Keys, likewise. The fields of items beside it.
#include "fuzz.h"

#include "wire/item_fields.h"
#include "wire/records.h"

#include <math.h>
#include <stdbool.h>

static bool same(hh_text a, hh_text b)
{
    return a.length == b.length && !memcmp(a.bytes, b.bytes, a.length);
}

static void fields(const uint8_t *data, size_t size)
{
    static hh_item_fields *of, *avro;
    static const char *const names[] = {"item", "vector", "model.name", "source"};
    static const char *const lists[] = {"kind", "tags", "prices"};
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"Item\",\"fields\":["
        "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[\"BOOK\",\"GAME\"]}},"
        "{\"name\":\"tags\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\",\"string\"]}]},"
        "{\"name\":\"prices\",\"type\":{\"type\":\"array\",\"items\":\"double\"}}]}";
    hh_error error;
    hh_text values[4];
    if (!of)
        of = hh_item_fields_new(HH_FORMAT_JSON, NULL, names, 4, &error);
    if (!avro)
        avro = hh_item_fields_new(HH_FORMAT_AVRO, schema, lists, 3, &error);
    if (hh_item_fields_read(of, data, size, values, &error) == HH_OK)
        for (int i = 0; i < 4; i++)
            PROMISE(values[i].length <= 2 * size);
    if (hh_item_fields_read(avro, data, size, values, &error) == HH_OK)
        for (int i = 0; i < 3; i++)
            PROMISE(values[i].length <= 4 * size);
}

static void key(const uint8_t *data, size_t size)
{
    hh_text source, item;
    hh_error error;
    char made[HH_VECTOR_KEY_MAX];
    if (hh_vector_key_split(data, size, &source, &item, &error) == HH_OK) {
        PROMISE(hh_vector_key(source, item, made) == size);
        PROMISE(!memcmp(made, data, size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hh_item_vector_decoder *first, *second;
    static hh_encoder *encoders[2];
    hh_error error;
    for (int format = 0; format < 2 && !encoders[format]; format++)
        encoders[format] = hh_encoder_new((hh_format)format, &error);
    if (!first)
        first = hh_item_vector_decoder_new(&error);
    if (!second)
        second = hh_item_vector_decoder_new(&error);
    key(data, size);
    fields(data, size);
    hh_item_vector_record a, b;
    if (hh_item_vector_decode(first, data, size, &a, &error) != HH_OK)
        return 0;
    for (size_t i = 0; i < a.width; i++)
        PROMISE(isfinite(a.vector[i]));
    for (int format = 0; format < 2; format++) {
        hh_text bytes;
        // A model or a hash may be bytes that are no text: then it can't be written.
        if (hh_encode_item_vector(encoders[format], &a, &bytes) != HH_OK)
            continue;
        PROMISE(hh_item_vector_decode(second, bytes.bytes, bytes.length, &b, &error) == HH_OK);
        PROMISE(same(a.source, b.source) && same(a.item, b.item) && same(a.model, b.model));
        PROMISE(same(a.text_hash, b.text_hash) && a.width == b.width);
        PROMISE(!memcmp(a.vector, b.vector, a.width * sizeof *a.vector));
    }
    return 0;
}
