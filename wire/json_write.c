#include "wire/json_write.h"

#include "wire/utf8.h"

#include <math.h>
#include <stdio.h>

static size_t escape(char *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\n\t\r\b\f", to[] = "\"\\ntrbf";
    const char *known = memchr(from, c, sizeof from - 1);
    out[0] = '\\';
    if (known) {
        out[1] = to[known - from];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

#define ALL_BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

// Whether none of eight bytes needs an escape. Exact where all are ASCII; bytes above that may be taken for
// one that does, which costs only time.
static bool plain(uint64_t eight)
{
    uint64_t quote = eight ^ ALL_BYTES('"'), backslash = eight ^ ALL_BYTES('\\');
    uint64_t control = eight - ALL_BYTES(0x20);
    quote -= ALL_BYTES(1);
    backslash -= ALL_BYTES(1);
    return !((quote | backslash | control | eight) & ALL_BYTES(0x80));
}

void hh_json_put_text(hh_buffer *buffer, hh_text text)
{
    if (!hh_utf8_valid(text.bytes, text.length)) {
        hh_buffer_fail(buffer, HH_FORMAT);
        return;
    }
    if (text.length > HH_BUFFER_MAX || !hh_buffer_room(buffer, text.length * 6 + 2)) {
        hh_buffer_fail(buffer, HH_LIMIT); // unless it has failed already
        return;
    }
    char *out = buffer->bytes + buffer->length;
    *out++ = '"';
    size_t i = 0;
    while (i < text.length) {
        uint64_t eight;
        for (; text.length - i >= 8 && (memcpy(&eight, text.bytes + i, 8), plain(eight)); i += 8, out += 8)
            memcpy(out, &eight, 8);
        for (size_t end = text.length - i < 8 ? text.length : i + 8; i < end; i++) {
            unsigned char c = (unsigned char)text.bytes[i];
            if (c >= 0x20 && c != '"' && c != '\\')
                *out++ = (char)c;
            else
                out += escape(out, c);
        }
    }
    *out++ = '"';
    buffer->length = (size_t)(out - buffer->bytes);
}

#define TEN(d) d "0", d "1", d "2", d "3", d "4", d "5", d "6", d "7", d "8", d "9"
static const char two_digits[100][2] = {TEN("0"), TEN("1"), TEN("2"), TEN("3"), TEN("4"),
                                        TEN("5"), TEN("6"), TEN("7"), TEN("8"), TEN("9")};

static void put_digits(hh_buffer *buffer, uint64_t value, int at_least)
{
    char digits[20];
    int first = 20;
    for (; value >= 10000; value /= 10000, at_least -= 4) { // a time has thirteen
        unsigned four = (unsigned)(value % 10000);
        first -= 4;
        memcpy(digits + first, &two_digits[four / 100], 2);
        memcpy(digits + first + 2, &two_digits[four % 100], 2);
    }
    for (; value || at_least > 0; value /= 10, at_least--)
        digits[--first] = (char)('0' + value % 10);
    hh_buffer_put(buffer, digits + first, (size_t)(20 - first));
}

void hh_json_put_integer(hh_buffer *buffer, int64_t value)
{
    if (value < 0)
        hh_json_put(buffer, "-");
    put_digits(buffer, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

// Scores lie in 0..1: an integer over a power of ten that rounds to the very float. Dividing two integers
// below 2^53 rounds correctly, so what stands there as decimals reads back as this quotient, and then as
// `value`.
static bool put_share(hh_buffer *buffer, float value)
{
    static const double powers[] = {1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    if (!(value >= 1e-5f && value < 1))
        return false;
    for (int decimals = 1; decimals <= 12; decimals++) {
        double scaled = nearbyint((double)value * powers[decimals - 1]);
        if ((float)(scaled / powers[decimals - 1]) == value) {
            hh_json_put(buffer, "0.");
            put_digits(buffer, (uint64_t)scaled, decimals);
            return true;
        }
    }
    return false;
}

void hh_json_put_float(hh_buffer *buffer, float value)
{
    char text[32];
    if (!isfinite(value)) {
        hh_buffer_fail(buffer, HH_FORMAT);
    } else if (!put_share(buffer, value)) {
        int length = snprintf(text, sizeof text, "%.9g", (double)value);
        if (value == 0 && signbit(value)) // "-0" is read as a whole number, and those know one zero
            length = snprintf(text, sizeof text, "-0.0");
        hh_buffer_put(buffer, text, (size_t)length);
    }
}
