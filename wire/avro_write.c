#include "wire/avro_write.h"

#include "wire/utf8.h"

#include <math.h>

void hh_avro_put_long(hh_buffer *buffer, int64_t value)
{
    unsigned char bytes[10];
    size_t length = 0;
    uint64_t bits = (uint64_t)value << 1 ^ (uint64_t)(value < 0 ? -1 : 0);
    for (; bits > 0x7f; bits >>= 7)
        bytes[length++] = (unsigned char)(bits | 0x80);
    bytes[length++] = (unsigned char)bits;
    hh_buffer_put(buffer, bytes, length);
}

void hh_avro_put_float(hh_buffer *buffer, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16),
                              (unsigned char)(bits >> 24)};
    if (!isfinite(value))
        hh_buffer_fail(buffer, HH_FORMAT);
    else
        hh_buffer_put(buffer, bytes, sizeof bytes);
}

void hh_avro_put_text(hh_buffer *buffer, hh_text text)
{
    if (!hh_utf8_valid(text.bytes, text.length)) {
        hh_buffer_fail(buffer, HH_FORMAT);
        return;
    }
    hh_avro_put_long(buffer, (int64_t)text.length);
    hh_buffer_put(buffer, text.bytes, text.length);
}
