// The topic of item vectors: records in a row, each "key length, key, two bytes of value length, value". A
// vector that can be read can be written again, in both formats, and is the same; a set counts what it holds.
#include "fuzz.h"

#include "wire/embedding_set.h"

static void check_record(const hh_embedding_record *a)
{
    static hh_encoder *encoders[2];
    static hh_embedding_decoder *decoder;
    hh_error error;
    for (int format = 0; format < 2; format++) {
        if (!encoders[format])
            encoders[format] = hh_encoder_new((hh_format)format, &error);
        if (!decoder)
            decoder = hh_embedding_decoder_new(&error);
        hh_text bytes;
        hh_embedding_record b;
        PROMISE(hh_encode_embedding(encoders[format], a, &bytes) == HH_OK);
        PROMISE(hh_embedding_decode(decoder, bytes.bytes, bytes.length, &b, &error) == HH_OK);
        PROMISE(a->kind == b.kind && a->version == b.version && a->dimension == b.dimension);
        PROMISE(a->item.length == b.item.length &&
                (a->item.length == 0 || memcmp(a->item.bytes, b.item.bytes, a->item.length) == 0));
        PROMISE(memcmp(a->vector, b.vector, a->dimension * sizeof *a->vector) == 0);
        PROMISE(a->snapshot.count == b.snapshot.count && a->snapshot.checksum == b.snapshot.checksum);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hh_embedding_decoder *decoder;
    hh_error error;
    hh_snapshot snapshot;
    hh_embedding found;
    hh_embedding_set *set = hh_embedding_set_new(&error);
    if (!decoder)
        decoder = hh_embedding_decoder_new(&error);
    while (size > 0) {
        size_t key = data[0] < size - 1 ? data[0] : size - 1;
        const uint8_t *value = data + 1 + key;
        size_t left = size - 1 - key, length = left >= 2 ? (size_t)value[0] | (size_t)value[1] << 8 : 0;
        left = left >= 2 ? left - 2 : 0;
        length = length < left ? length : left;
        hh_embedding_record record;
        hh_embedding_set_take(set, (hh_text){(const char *)data + 1, key}, left ? value + 2 : NULL, length,
                              &error);
        if (left && hh_embedding_decode(decoder, value + 2, length, &record, &error) == HH_OK)
            check_record(&record);
        size_t used = left ? 1 + key + 2 + length : size;
        data += used;
        size -= used;
    }
    size_t there = 0;
    for (size_t i = 0; i < hh_embedding_set_end(set); i++)
        there += hh_embedding_set_at(set, i, &found);
    PROMISE(there == hh_embedding_set_count(set));
    if (hh_embedding_set_check(set, &snapshot, &error) == HH_OK)
        PROMISE(snapshot.count == there);
    hh_embedding_set_free(set);
    return 0;
}
