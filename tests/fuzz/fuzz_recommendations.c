// Recommendations, the first byte saying in which format: what can be read can be written again, and is the
// same.
#include "fuzz.h"

#include "wire/records.h"

#include <stdbool.h>

static bool same(hh_text a, hh_text b)
{
    return a.length == b.length && !memcmp(a.bytes, b.bytes, a.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hh_recommendations_decoder *first[2], *second[2];
    static hh_encoder *encoders[2];
    hh_error error;
    for (int format = 0; format < 2 && !first[format]; format++) {
        first[format] = hh_recommendations_decoder_new((hh_format)format, &error);
        second[format] = hh_recommendations_decoder_new((hh_format)format, &error);
        encoders[format] = hh_encoder_new((hh_format)format, &error);
    }
    if (size == 0)
        return 0;
    hh_format format = data[0] & 1 ? HH_FORMAT_AVRO : HH_FORMAT_JSON;
    hh_recommendations_record a, b;
    if (hh_recommendations_decode(first[format], data + 1, size - 1, &a, &error) != HH_OK)
        return 0;
    for (int other = 0; other < 2; other++) {
        hh_text bytes;
        PROMISE(hh_encode_recommendations(encoders[other], &a, &bytes) == HH_OK);
        PROMISE(hh_recommendations_decode(second[other], bytes.bytes, bytes.length, &b, &error) == HH_OK);
        PROMISE(same(a.visitor, b.visitor) && same(a.session_id, b.session_id) &&
                same(a.clicked_item, b.clicked_item));
        PROMISE(a.timestamp == b.timestamp && a.position == b.position && a.model_version == b.model_version);
        PROMISE(a.count == b.count);
        for (size_t i = 0; i < a.count; i++)
            PROMISE(same(a.items[i].item, b.items[i].item) && same(a.items[i].reason, b.items[i].reason) &&
                    a.items[i].score == b.items[i].score);
    }
    return 0;
}
