#include "model_input.h"

#include "model_titles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

hh_model *cli_load_model(cli_args *args, const char *path)
{
    hh_error error = {0};
    hh_model *model = hh_model_load(path, &error);
    if (!model)
        cli_failure(args, "%s", error.message);
    return model;
}

json_t *cli_json_text(const char *bytes, size_t length)
{
    json_t *text = json_stringn(bytes, length);
    char *escaped = text ? NULL : malloc(4 * length + 1);
    if (!escaped)
        return text;
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte < 0x80)
            escaped[at++] = bytes[i];
        else
            at += (size_t)snprintf(escaped + at, 5, "\\x%02x", byte);
    }
    text = json_stringn(escaped, at);
    free(escaped);
    return text;
}

json_t *cli_json_item(const hh_model *model, uint32_t item)
{
    size_t length = 0;
    const char *id = hh_model_item(model, item, &length);
    return cli_json_text(id ? id : "", length);
}

void cli_json_title(json_t *object, const hh_model *model, uint32_t item)
{
    size_t length;
    const char *title = model_title_bytes(model, item, &length);
    if (length > 0)
        json_object_set_new(object, "title", cli_json_text(title, length));
}

json_t *cli_json_options(const hh_option *table, const void *options)
{
    json_t *object = json_object();
    for (const hh_option *row = table; row->name; row++) {
        double value = hh_option_get(row, options);
        json_t *shown = row->kind == HH_OPTION_SWITCH ? json_boolean(value != 0)
                        : row->kind == HH_OPTION_COUNT || row->kind == HH_OPTION_WHOLE
                            ? json_integer((json_int_t)value)
                        : isfinite(value) ? json_real(value)
                                          : NULL;
        if (shown)
            json_object_set_new(object, row->name, shown);
    }
    return object;
}

int cli_print_json(cli_args *args, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
    json_decref(object);
    if (!text)
        return cli_failure(args, "out of memory");
    puts(text);
    free(text);
    return CLI_OK;
}
