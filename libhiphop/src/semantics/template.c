// "{title} by {brand}": pieces of text, each before a field, and what is after the last one.
#include <hiphop/semantics.h>

#include <stdlib.h>
#include <string.h>

typedef struct piece {
    const char *before, *name; // both NUL-terminated
} piece;

struct hh_template {
    uint32_t count;
    piece pieces[HH_TEMPLATE_FIELDS];
    const char *after;
    char text[]; // what all of these point to
};

// ---- parsing ----

// Copies the text up to the next field, or the end, with doubled braces made single. *pattern goes on behind
// it.
static hh_status copy_text(const char **pattern, char **out, hh_error *error)
{
    const char *at = *pattern;
    for (; *at && !(at[0] == '{' && at[1] != '{'); at++) {
        if (*at == '}' && at[1] != '}')
            return hh_fail(error, HH_ARGUMENT, "a '}' without its '{'; write '}}' for a brace");
        at += *at == '{' || *at == '}';
        *(*out)++ = *at;
    }
    *(*out)++ = 0;
    *pattern = at;
    return HH_OK;
}

static hh_status copy_name(const char **pattern, char **out, hh_error *error)
{
    const char *name = *pattern + 1, *end = name + strcspn(name, "{}");
    if (*end != '}')
        return hh_fail(error, HH_ARGUMENT, "a '{' without its '}'; write '{{' for a brace");
    if (end == name)
        return hh_fail(error, HH_ARGUMENT, "'{}' names no field; write '{title}', say");
    memcpy(*out, name, (size_t)(end - name));
    *out += end - name;
    *(*out)++ = 0;
    *pattern = end + 1;
    return HH_OK;
}

static hh_status parse(hh_template *made, const char *pattern, hh_error *error)
{
    char *out = made->text;
    for (;;) {
        const char *before = out;
        hh_status status = copy_text(&pattern, &out, error);
        if (status)
            return status;
        if (!*pattern) {
            made->after = before;
            break;
        }
        if (made->count == HH_TEMPLATE_FIELDS)
            return hh_fail(error, HH_ARGUMENT, "more than %d fields", HH_TEMPLATE_FIELDS);
        const char *name = out;
        status = copy_name(&pattern, &out, error);
        if (status)
            return status;
        made->pieces[made->count++] = (piece){before, name};
    }
    if (made->count == 0)
        return hh_fail(error, HH_ARGUMENT, "no field in it; write '{title}', say");
    return HH_OK;
}

hh_template *hh_template_new(const char *pattern, hh_error *error)
{
    // Each field costs two NULs and brings two braces.
    hh_template *made = calloc(1, sizeof *made + strlen(pattern) + 2);
    if (!made) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    if (parse(made, pattern, error)) {
        hh_template_free(made);
        return NULL;
    }
    return made;
}

void hh_template_free(hh_template *pattern)
{
    free(pattern);
}

uint32_t hh_template_count(const hh_template *pattern)
{
    return pattern->count;
}

const char *hh_template_field(const hh_template *pattern, uint32_t i)
{
    return pattern->pieces[i].name;
}

// ---- filling ----

typedef struct sentence {
    char *text;
    size_t length;
    bool full;
} sentence;

static bool is_blank(char byte)
{
    return (unsigned char)byte <= ' ' || byte == 0x7f;
}

static void put(sentence *out, hh_text text)
{
    for (size_t i = 0; i < text.length && !out->full; i++) {
        bool blank = is_blank(text.bytes[i]);
        if (blank && (out->length == 0 || out->text[out->length - 1] == ' '))
            continue;
        if (out->length == HH_SENTENCE_MAX) {
            out->full = true;
            // Not in the middle of a character: back over what continues one.
            if (((unsigned char)text.bytes[i] & 0xc0) == 0x80) {
                while (out->length && ((unsigned char)out->text[out->length - 1] & 0xc0) == 0x80)
                    out->length--;
                out->length -= out->length > 0;
            }
            break;
        }
        out->text[out->length++] = blank ? ' ' : text.bytes[i];
    }
}

static void put_string(sentence *out, const char *text)
{
    put(out, (hh_text){text, strlen(text)});
}

static bool says_something(hh_text value)
{
    for (size_t i = 0; value.bytes && i < value.length; i++)
        if (!is_blank(value.bytes[i]))
            return true;
    return false;
}

static hh_text trimmed(hh_text value)
{
    while (is_blank(value.bytes[0])) {
        value.bytes++;
        value.length--;
    }
    while (is_blank(value.bytes[value.length - 1]))
        value.length--;
    return value;
}

size_t hh_template_fill(const hh_template *pattern, const hh_text *values, char text[HH_SENTENCE_MAX + 1])
{
    sentence out = {.text = text};
    bool any = false;
    for (uint32_t i = 0; i < pattern->count; i++) {
        if (!says_something(values[i]))
            continue;
        put_string(&out, pattern->pieces[any ? i : 0].before); // whichever field is there first opens it
        put(&out, trimmed(values[i]));
        any = true;
    }
    if (any)
        put_string(&out, pattern->after);
    while (out.length && out.text[out.length - 1] == ' ')
        out.length--;
    text[out.length] = 0;
    return out.length;
}
