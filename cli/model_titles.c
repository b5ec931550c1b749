#include "model_titles.h"

#include "wire/utf8.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN "title.begin"
#define BYTES "title.bytes"

// ---- into the model ----

static hh_status attach(hh_model *model, uint64_t *begin, const char *bytes, hh_error *error)
{
    uint32_t items = hh_model_items(model);
    const hh_array begins = {BEGIN, HH_ARRAY_U64, {items + UINT64_C(1), 1, 1, 1}, begin};
    const hh_array all = {BYTES, HH_ARRAY_U8, {begin[items], 1, 1, 1}, bytes};
    if (begin[items] == 0)
        return HH_OK;
    hh_status status = hh_model_attach(model, &begins, error);
    return status ? status : hh_model_attach(model, &all, error);
}

hh_status model_titles_keep(hh_model *model, const struct titles *titles, hh_error *error)
{
    uint32_t items = hh_model_items(model);
    uint64_t *begin = malloc((items + (size_t)1) * sizeof *begin), bytes = 0;
    char *text = NULL;
    for (int pass = 0; begin && pass < 2; pass++) { // first how much there is
        if (pass == 1 && !(text = malloc(bytes + 1)))
            break;
        bytes = 0;
        for (uint32_t item = 0; item < items; item++) {
            size_t length;
            const char *id = hh_model_item(model, item, &length);
            hh_text title = titles_find(titles, (hh_text){id, length});
            begin[item] = bytes;
            if (title.bytes == id) // it has none
                continue;
            if (pass == 1)
                memcpy(text + bytes, title.bytes, title.length);
            bytes += title.length;
        }
        begin[items] = bytes;
    }
    hh_status status = text ? attach(model, begin, text, error) : hh_fail(error, HH_MEMORY, NULL);
    free(begin);
    free(text);
    return status;
}

// ---- out of it ----

bool model_has_titles(const hh_model *model)
{
    hh_array array;
    return hh_model_array(model, BYTES, &array);
}

// The model may be anybody's: what does not fit together is no title.
const char *model_title_bytes(const hh_model *model, uint32_t item, size_t *length)
{
    hh_array begins, bytes;
    uint64_t range[2];
    *length = 0;
    if (!hh_model_array(model, BEGIN, &begins) || !hh_model_array(model, BYTES, &bytes) ||
        begins.type != HH_ARRAY_U64 || bytes.type != HH_ARRAY_U8 ||
        hh_array_bytes(&begins) / sizeof *range <= item + UINT64_C(1))
        return "";
    memcpy(range, (const char *)begins.data + item * sizeof *range, sizeof range);
    if (range[0] > range[1] || range[1] > hh_array_bytes(&bytes))
        return "";
    *length = (size_t)(range[1] - range[0]);
    return (const char *)bytes.data + range[0];
}

const char *printable_text(const char *bytes, size_t length, uint32_t most, char text[MODEL_TITLE_SIZE])
{
    size_t used = 0, before_last = 0;
    uint32_t shown = 0;
    for (size_t at = 0; at < length;) {
        size_t size = hh_utf8_printable(bytes + at, length - at);
        if (shown == most || used + 8 > MODEL_TITLE_SIZE) { // 8: a character, "…" and the end
            memcpy(text + before_last, "…", sizeof "…" - 1);
            used = before_last + sizeof "…" - 1;
            break;
        }
        before_last = used;
        memcpy(text + used, size ? bytes + at : "?", size ? size : 1);
        used += size ? size : 1;
        at += size ? size : 1;
        shown++;
    }
    text[used] = '\0';
    return text;
}

const char *model_title(const hh_model *model, uint32_t item, uint32_t most, char text[MODEL_TITLE_SIZE])
{
    size_t length;
    const char *bytes = model_title_bytes(model, item, &length);
    return printable_text(bytes, length, most, text);
}

const char *model_item_text(const hh_model *model, uint32_t item, char text[MODEL_TITLE_SIZE])
{
    size_t length = 0;
    const char *id = hh_model_item(model, item, &length);
    return printable_text(id ? id : "", length, UINT32_MAX, text);
}

int model_title_width(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}
