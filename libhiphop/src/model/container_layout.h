// Where things stand in the container's bytes (docs/model-format.md), for its writer and its reader.
#ifndef MODEL_CONTAINER_LAYOUT_H
#define MODEL_CONTAINER_LAYOUT_H

#define XXH_INLINE_ALL
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the container is little-endian, and so must the machine be that reads it"
#endif

#define HH_MAGIC      "\x89HIPHOP\n"
#define HH_MAGIC_SIZE 8
enum { // of the header
    HH_AT_VERSION = 8,
    HH_AT_SIZE = 16,
    HH_AT_CHECKSUM = 24,
    HH_AT_KEYS = 32,
    HH_AT_ARRAYS = 36,
    HH_AT_DIRECTORY = 40, // its bytes
    HH_HEADER = 64,
};

#define HH_ENTRY_REQUIRED 1
#define HH_ENTRY_HEAD     4                               // type, flags, length of the name
#define HH_KEY_LEAST      (HH_ENTRY_HEAD + 4)             // and the value's length
#define HH_ARRAY_LEAST    (HH_ENTRY_HEAD + 4 * 8 + 2 * 8) // and shape, offset, bytes

static inline uint32_t hh_get_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint64_t hh_get_u64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline void hh_put_u32(uint8_t *bytes, uint32_t value)
{
    memcpy(bytes, &value, sizeof value);
}

static inline void hh_put_u64(uint8_t *bytes, uint64_t value)
{
    memcpy(bytes, &value, sizeof value);
}

static inline uint64_t hh_aligned(uint64_t offset)
{
    return (offset + 63) & ~(uint64_t)63;
}

// Of all bytes but itself. XXH3's state is large and aligned: two hashes, of what is before and what is
// behind.
static inline uint64_t hh_container_checksum(const uint8_t *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes + HH_AT_KEYS, size - HH_AT_KEYS, XXH3_64bits(bytes, HH_AT_CHECKSUM));
}

#endif
