#include "wire/buffer.h"

#include <stdlib.h>

void hh_buffer_free(hh_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (hh_buffer){0};
}

bool hh_buffer_grow(hh_buffer *buffer, size_t more)
{
    if (buffer->status != HH_OK)
        return false;
    if (more > HH_BUFFER_MAX - buffer->length) {
        buffer->status = HH_LIMIT;
        return false;
    }
    size_t room = buffer->room ? buffer->room : 1024;
    while (room < buffer->length + more)
        room *= 2;
    char *larger = realloc(buffer->bytes, room);
    if (!larger) {
        buffer->status = HH_MEMORY;
        return false;
    }
    buffer->bytes = larger;
    buffer->room = room;
    return true;
}
