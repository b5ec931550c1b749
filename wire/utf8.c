#include "wire/utf8.h"

#include <stdint.h>
#include <string.h>

bool hh_utf8_valid(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
    while (at < end) {
        // Ids and records are ASCII nearly always: eight bytes at a time.
        uint64_t eight;
        while (end - at >= 8 && (memcpy(&eight, at, 8), !(eight & UINT64_C(0x8080808080808080))))
            at += 8;
        if (at == end)
            break;
        unsigned lead = *at++;
        if (lead < 0x80)
            continue;
        if (lead < 0xc2 || lead > 0xf4)
            return false;
        int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (end - at < more)
            return false;
        // The second byte carries the narrow ranges (Unicode, table 3-7).
        unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (*at < low || *at > high)
            return false;
        for (at++; --more; at++)
            if (*at < 0x80 || *at > 0xbf)
                return false;
    }
    return true;
}

size_t hh_utf8_printable(const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
    if (left == 0)
        return 0;
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < ' ' || at[0] == 0x7f || length > left || !hh_utf8_valid(text, length))
        return 0;
    if (at[0] == 0xc2 && at[1] < 0xa0) // U+0080 to U+009F steer terminals too
        return 0;
    bool embeds = at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae;
    bool isolates = at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9;
    return embeds || isolates ? 0 : length;
}
