// A growing buffer with a hard maximum. Failure sticks: write a whole record, then look once.
#ifndef WIRE_BUFFER_H
#define WIRE_BUFFER_H

#include "wire/records.h"

#include <stdbool.h>
#include <string.h>

#define HH_BUFFER_MAX ((size_t)64 << 20)

typedef struct hh_buffer {
    char *bytes;
    size_t length, room;
    hh_status status; // HH_OK, or what went wrong first
} hh_buffer;

void hh_buffer_free(hh_buffer *buffer);
// Makes room for `more` bytes; false (and buffer->status) where there is none.
bool hh_buffer_grow(hh_buffer *buffer, size_t more);

static inline void hh_buffer_fail(hh_buffer *buffer, hh_status status)
{
    if (buffer->status == HH_OK)
        buffer->status = status;
}

static inline bool hh_buffer_room(hh_buffer *buffer, size_t more)
{
    return (buffer->room - buffer->length >= more && buffer->status == HH_OK) || hh_buffer_grow(buffer, more);
}

static inline void hh_buffer_put(hh_buffer *buffer, const void *bytes, size_t length)
{
    if (hh_buffer_room(buffer, length)) {
        memcpy(buffer->bytes + buffer->length, bytes, length);
        buffer->length += length;
    }
}

#endif
