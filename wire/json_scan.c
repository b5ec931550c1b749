#include "wire/json_scan.h"

#include "wire/utf8.h"

#include <string.h>

typedef struct scan {
    const char *start, *at, *end;
    const hh_path *paths;
    hh_json_value *values;
    const char *trouble; // what is wrong at `at`
} scan;

static bool broken(scan *s, const char *trouble)
{
    s->trouble = trouble;
    return false;
}

static void skip_space(scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool next_is(scan *s, char wanted)
{
    if (s->at == s->end || *s->at != wanted)
        return false;
    s->at++;
    return true;
}

static bool digits(scan *s)
{
    const char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first || broken(s, "a digit is missing");
}

static bool number(scan *s, hh_json_value *value)
{
    const char *first = s->at;
    next_is(s, '-');
    if (!next_is(s, '0') && !digits(s))
        return false;
    if (next_is(s, '.') && !digits(s))
        return false;
    if (next_is(s, 'e') || next_is(s, 'E')) {
        if (!next_is(s, '-'))
            next_is(s, '+');
        if (!digits(s))
            return false;
    }
    *value = (hh_json_value){HH_JSON_NUMBER, {first, (size_t)(s->at - first)}, false};
    return true;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// The four hex digits at `at`, or -1.
static int code_unit(const char *at, const char *end)
{
    if (end - at < 4)
        return -1;
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

// Past the backslash.
static bool escape(scan *s)
{
    if (s->at == s->end || !memchr("\"\\/bfnrtu", *s->at, 9))
        return broken(s, "no such escape");
    if (*s->at++ != 'u')
        return true;
    int unit = code_unit(s->at, s->end);
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return broken(s, "no such character");
    s->at += 4;
    if (unit < 0xd800 || unit > 0xdbff)
        return true;
    int low = s->end - s->at > 2 && s->at[0] == '\\' && s->at[1] == 'u' ? code_unit(s->at + 2, s->end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return broken(s, "half a character");
    s->at += 6;
    return true;
}

#define ALL_BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

// Marks, in the highest bit of each, ASCII bytes below `limit` (at most 0x80). The lowest mark is right;
// above it there may be wrong ones.
static uint64_t below(uint64_t eight, unsigned limit)
{
    return (eight - ALL_BYTES(limit)) & ~eight & ALL_BYTES(0x80);
}

// Passes what is nothing but text, eight bytes at a time. *all: or of the bytes passed, and of some more.
static void plain_text(scan *s, uint64_t *all)
{
    for (uint64_t eight; s->end - s->at >= 8; s->at += 8) {
        memcpy(&eight, s->at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        eight = __builtin_bswap64(eight);
#endif
        *all |= eight;
        uint64_t special =
            below(eight ^ ALL_BYTES('"'), 1) | below(eight ^ ALL_BYTES('\\'), 1) | below(eight, 0x20);
        if (special) {
            s->at += __builtin_ctzll(special) / 8;
            return;
        }
    }
}

// Past the opening quote. Bytes above ASCII can stand nowhere else, so the UTF-8 of a record is checked here.
static bool string(scan *s, hh_json_value *value)
{
    const char *first = s->at;
    uint64_t all = 0;
    bool escaped = false;
    while (plain_text(s, &all), s->at < s->end) {
        unsigned char c = (unsigned char)*s->at;
        if (c == '"') {
            if (all & ALL_BYTES(0x80) && !hh_utf8_valid(first, (size_t)(s->at - first)))
                return broken(s, "this text is not UTF-8");
            *value = (hh_json_value){HH_JSON_STRING, {first, (size_t)(s->at - first)}, escaped};
            s->at++;
            return true;
        }
        if (c < 0x20)
            return broken(s, "a control character must be escaped");
        all |= c;
        s->at++;
        if (c == '\\') {
            escaped = true;
            if (!escape(s))
                return false;
        }
    }
    return broken(s, "the text has no end");
}

static bool word(scan *s, const char *text, hh_json_kind kind, hh_json_value *value)
{
    size_t length = strlen(text);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, text, length) != 0)
        return broken(s, "a value must stand here");
    s->at += length;
    *value = (hh_json_value){kind, {NULL, 0}, false};
    return true;
}

static bool key_is(const hh_json_value *key, hh_text name)
{
    if (!key->escaped)
        return key->text.length == name.length && memcmp(key->text.bytes, name.bytes, name.length) == 0;
    char plain[6 * HH_STEP_LENGTH]; // an escape is at most six bytes for one
    if (key->text.length > sizeof plain)
        return false;
    return hh_json_unescape(key->text, plain) == name.length && memcmp(plain, name.bytes, name.length) == 0;
}

// `active`: the paths whose first `depth` steps have led here.
static bool value_at(scan *s, uint32_t active, unsigned depth, hh_json_value *value);

static bool members(scan *s, uint32_t active, unsigned depth)
{
    uint32_t met = 0;
    skip_space(s);
    if (next_is(s, '}'))
        return true;
    do {
        hh_json_value key, value;
        skip_space(s);
        if (!next_is(s, '"'))
            return broken(s, "a key must stand here");
        if (!string(s, &key))
            return false;
        uint32_t here = 0;
        for (uint32_t left = active; left; left &= left - 1) {
            unsigned path = (unsigned)__builtin_ctz(left);
            if (s->paths[path].count > depth && key_is(&key, s->paths[path].steps[depth]))
                here |= 1u << path;
        }
        if (here & met)
            return broken(s, "this key stands twice");
        met |= here;
        skip_space(s);
        if (!next_is(s, ':'))
            return broken(s, "a colon must stand here");
        if (!value_at(s, here, depth + 1, &value))
            return false;
        for (; here; here &= here - 1) {
            unsigned path = (unsigned)__builtin_ctz(here);
            if (s->paths[path].count == depth + 1)
                s->values[path] = value;
        }
        skip_space(s);
    } while (next_is(s, ','));
    return next_is(s, '}') || broken(s, "a comma or the end of the object must stand here");
}

static bool elements(scan *s, unsigned depth)
{
    skip_space(s);
    if (next_is(s, ']'))
        return true;
    do {
        hh_json_value value;
        if (!value_at(s, 0, depth + 1, &value))
            return false;
        skip_space(s);
    } while (next_is(s, ','));
    return next_is(s, ']') || broken(s, "a comma or the end of the array must stand here");
}

static bool object(scan *s, uint32_t active, unsigned depth, hh_json_value *value)
{
    *value = (hh_json_value){HH_JSON_OBJECT, {NULL, 0}, false};
    return members(s, active, depth);
}

static bool array(scan *s, unsigned depth, hh_json_value *value)
{
    const char *first = s->at;
    if (!elements(s, depth))
        return false;
    *value = (hh_json_value){HH_JSON_ARRAY, {first, (size_t)(s->at - 1 - first)}, false};
    return true;
}

static bool value_at(scan *s, uint32_t active, unsigned depth, hh_json_value *value)
{
    skip_space(s);
    if (s->at == s->end)
        return broken(s, "a value is missing");
    switch (*s->at) {
    case '{':
    case '[':
        if (depth == HH_JSON_DEPTH)
            return broken(s, "nested too deeply");
        return *s->at++ == '{' ? object(s, active, depth, value) : array(s, depth, value);
    case '"':
        s->at++;
        return string(s, value);
    case 't':
        return word(s, "true", HH_JSON_BOOLEAN, value);
    case 'f':
        return word(s, "false", HH_JSON_BOOLEAN, value);
    case 'n':
        return word(s, "null", HH_JSON_NULL, value);
    default:
        return *s->at == '-' || (*s->at >= '0' && *s->at <= '9') ? number(s, value)
                                                                 : broken(s, "a value must stand here");
    }
}

hh_status hh_json_pick(const void *bytes, size_t length, const hh_path *paths, size_t count,
                       hh_json_value *values, hh_error *error)
{
    scan s = {.start = bytes, .at = bytes, .paths = paths, .values = values};
    s.end = s.start + length;
    for (size_t i = 0; i < count; i++)
        values[i] = (hh_json_value){HH_JSON_ABSENT, {NULL, 0}, false};
    hh_json_value whole;
    bool good = value_at(&s, count < 32 ? (1u << count) - 1 : UINT32_MAX, 0, &whole);
    if (good) {
        skip_space(&s);
        if (s.at != s.end)
            good = broken(&s, "something follows the end of the record");
        else if (whole.kind != HH_JSON_OBJECT)
            good = broken(&s, "a record must be an object");
    }
    if (!good)
        return hh_fail(error, HH_FORMAT, "it is not usable JSON: byte %zu: %s", (size_t)(s.at - s.start),
                       s.trouble);
    return HH_OK;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    for (size_t i = more; i; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[more] | c);
    return more + 1;
}

size_t hh_json_unescape(hh_text text, char *out)
{
    const char *at = text.bytes, *end = at + text.length;
    char *start = out;
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        char kind = at[1];
        at += 2;
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *found = memchr(from, kind, 5);
        if (kind != 'u') {
            *out++ = found ? to[found - from] : kind;
            continue;
        }
        uint32_t c = (uint32_t)code_unit(at, end);
        at += 4;
        if (c >= 0xd800 && c <= 0xdbff) {
            c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)code_unit(at + 2, end) - 0xdc00);
            at += 6;
        }
        out += put_utf8(out, c);
    }
    return (size_t)(out - start);
}

const char *hh_json_kind_name(hh_json_kind kind)
{
    static const char *const names[] = {"nothing", "null",     "true or false", "a number",
                                        "text",    "an array", "an object"};
    return names[kind];
}
