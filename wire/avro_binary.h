// Avro's binary encoding, read from memory by a cursor that never believes a length: it hands out views into
// the bytes and fails where they end. Avro C itself allocates whatever length a record claims (2 GB for a
// ten-byte record) before it looks, and leaks it when the record is cut off; so hiphop only writes with it.
#ifndef WIRE_AVRO_BINARY_H
#define WIRE_AVRO_BINARY_H

#include "wire/records.h"

#include <stdbool.h>
#include <string.h>

typedef struct hh_avro_cursor {
    const unsigned char *at, *end;
} hh_avro_cursor;

static inline bool hh_avro_long(hh_avro_cursor *cursor, int64_t *value)
{
    uint64_t bits = 0;
    for (unsigned shift = 0; cursor->at < cursor->end && shift < 70; shift += 7) {
        unsigned char byte = *cursor->at++;
        if (shift == 63 && byte > 1)
            return false;
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
            return true;
        }
    }
    return false;
}

static inline bool hh_avro_int(hh_avro_cursor *cursor, int32_t *value)
{
    int64_t wide;
    if (!hh_avro_long(cursor, &wide) || wide < INT32_MIN || wide > INT32_MAX)
        return false;
    *value = (int32_t)wide;
    return true;
}

static inline bool hh_avro_skip(hh_avro_cursor *cursor, int64_t bytes)
{
    if (bytes < 0 || bytes > cursor->end - cursor->at)
        return false;
    cursor->at += bytes;
    return true;
}

static inline bool hh_avro_text(hh_avro_cursor *cursor, hh_text *text) // string or bytes
{
    int64_t length;
    if (!hh_avro_long(cursor, &length))
        return false;
    *text = (hh_text){(const char *)cursor->at, (size_t)length};
    return hh_avro_skip(cursor, length);
}

// Little-endian IEEE 754, whatever this machine is.
static inline bool hh_avro_float(hh_avro_cursor *cursor, float *value)
{
    const unsigned char *b = cursor->at;
    if (!hh_avro_skip(cursor, 4))
        return false;
    uint32_t bits = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    memcpy(value, &bits, sizeof bits);
    return true;
}

static inline bool hh_avro_double(hh_avro_cursor *cursor, double *value)
{
    const unsigned char *b = cursor->at;
    if (!hh_avro_skip(cursor, 8))
        return false;
    uint64_t bits = 0;
    for (int i = 7; i >= 0; i--)
        bits = bits << 8 | b[i];
    memcpy(value, &bits, sizeof bits);
    return true;
}

// The item count of the next block of an array or map, 0 at its end. A negative count comes with the block's
// size in bytes, which nothing here needs.
static inline bool hh_avro_block(hh_avro_cursor *cursor, int64_t *count)
{
    int64_t size;
    if (!hh_avro_long(cursor, count))
        return false;
    if (*count >= 0)
        return true;
    if (*count == INT64_MIN || !hh_avro_long(cursor, &size) || size < 0)
        return false;
    *count = -*count;
    return true;
}

#endif
