#include "item_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define LINE_MAX_BYTES (1 << 20)

struct item_file {
    gzFile file;
    const char *path;
    size_t number; // of the line
    json_t *object;
    char id[64]; // of one that is a number
    char line[LINE_MAX_BYTES];
};

hh_status item_file_open(const char *path, struct item_file **made, hh_error *error)
{
    struct item_file *file = calloc(1, sizeof *file);
    *made = file;
    if (!file)
        return hh_fail(error, HH_MEMORY, NULL);
    file->path = path;
    file->file = strcmp(path, "-") == 0 ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rb");
    if (file->file)
        return HH_OK;
    hh_status status = hh_fail(error, HH_IO, "'%s' can't be opened: %s", path, strerror(errno));
    item_file_close(file);
    *made = NULL;
    return status;
}

void item_file_close(struct item_file *file)
{
    if (!file)
        return;
    if (file->file)
        gzclose(file->file);
    json_decref(file->object);
    free(file);
}

static hh_status wrong(const struct item_file *file, hh_error *error, const char *what)
{
    return hh_fail(error, HH_FORMAT, "%s, line %zu: %s", file->path, file->number, what);
}

// One line without its newline; NULL at the end.
static char *read_line(struct item_file *file, hh_status *status, hh_error *error)
{
    *status = HH_OK;
    z_off_t begin = gztell(file->file);
    char *line = gzgets(file->file, file->line, LINE_MAX_BYTES);
    int code;
    const char *message = gzerror(file->file, &code);
    if (code == Z_BUF_ERROR) {
        *status = hh_fail(error, HH_IO, "reading '%s' failed: the gzip stream is cut off", file->path);
        return NULL;
    }
    if (!line) {
        if (code != Z_OK && code != Z_STREAM_END)
            *status = hh_fail(error, HH_IO, "reading '%s' failed: %s", file->path, message);
        return NULL;
    }
    file->number++;
    size_t length = strlen(line);
    if ((z_off_t)length != gztell(file->file) - begin) {
        *status = wrong(file, error, "holds a NUL byte");
        return NULL;
    }
    if (length == LINE_MAX_BYTES - 1 && line[length - 1] != '\n') {
        *status = wrong(file, error, "longer than a mebibyte");
        return NULL;
    }
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        line[--length] = '\0';
    if (file->number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0) // a byte order mark
        line += 3;
    return line;
}

hh_status item_file_next(struct item_file *file, item_row *row, bool *end, hh_error *error)
{
    hh_status status;
    char *line;
    do
        line = read_line(file, &status, error);
    while (line && line[0] == '\0');
    *end = !line;
    if (!line)
        return status;
    json_decref(file->object);
    json_error_t trouble;
    file->object = json_loads(line, 0, &trouble);
    if (!json_is_object(file->object))
        return wrong(file, error, file->object ? "not a JSON object" : trouble.text);
    const json_t *id = json_object_get(file->object, "id");
    if (!id)
        id = json_object_get(file->object, "item");
    row->id = json_string_value(id);
    if (json_is_integer(id)) {
        snprintf(file->id, sizeof file->id, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        row->id = file->id;
    }
    if (!row->id || row->id[0] == '\0')
        return wrong(file, error, "has no id");
    const char *title = json_string_value(json_object_get(file->object, "title"));
    row->title = title ? title : "";
    row->number = file->number;
    row->object = file->object;
    row->line = line;
    row->line_length = strlen(line);
    return HH_OK;
}

hh_status item_file_each(const char *path, item_take *take, void *context, hh_error *error)
{
    struct item_file *file;
    hh_status status = item_file_open(path, &file, error);
    while (status == HH_OK) {
        item_row row;
        bool end;
        status = item_file_next(file, &row, &end, error);
        if (status != HH_OK || end)
            break;
        status = take(context, &row, error);
    }
    item_file_close(file);
    return status;
}
