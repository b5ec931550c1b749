// Click files (click_file.h): a strict parser of lines.
#include "evaluate/line_reader.h"

#include <hiphop/click_file.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TIME 253402300799999 // the last millisecond of the year 9999

enum { VISITOR, ITEM, TIME, COLUMNS };
static const char *const column_names[COLUMNS] = {"visitor", "item", "unix_ms"};

struct hh_click_file {
    hh_lines *lines;
    size_t column[COLUMNS]; // where each stands in a line, from 0
    size_t last_column;     // the rightmost of them
};

// The field at *at of the line; moves *at behind its tab, or past the end after the last.
static hh_text take_field(hh_text line, size_t *at)
{
    const char *start = line.bytes + *at;
    const char *tab = memchr(start, '\t', line.length - *at);
    size_t length = tab ? (size_t)(tab - start) : line.length - *at;
    *at += length + 1;
    return (hh_text){start, length};
}

static hh_status read_header(hh_click_file *file, hh_error *error)
{
    const char *path = hh_lines_name(file->lines);
    hh_text line;
    hh_status status = hh_lines_next(file->lines, &line, error);
    if (status != HH_OK)
        return status;
    if (!line.bytes)
        return hh_fail(error, HH_FORMAT,
                       "%s: line 1: the file is empty; its first line must name the columns visitor, item "
                       "and unix_ms, separated by tabs",
                       path);
    if (line.length >= 3 && memcmp(line.bytes, "\xef\xbb\xbf", 3) == 0) // a byte order mark
        line = (hh_text){line.bytes + 3, line.length - 3};
    bool seen[COLUMNS] = {false};
    size_t number = 0;
    for (size_t at = 0; at <= line.length; number++) {
        hh_text name = take_field(line, &at);
        for (int column = 0; column < COLUMNS; column++) {
            const char *wanted = column_names[column];
            if (name.length != strlen(wanted) || memcmp(name.bytes, wanted, name.length) != 0)
                continue;
            if (seen[column])
                return hh_fail(error, HH_FORMAT, "%s: line 1: the header names column '%s' twice", path,
                               wanted);
            seen[column] = true;
            file->column[column] = number;
            file->last_column = number;
        }
    }
    for (int column = 0; column < COLUMNS; column++)
        if (!seen[column])
            return hh_fail(error, HH_FORMAT,
                           "%s: line 1: the header has no column '%s'; it must name visitor, item and "
                           "unix_ms, separated by tabs",
                           path, column_names[column]);
    return HH_OK;
}

hh_click_file *hh_click_file_open(const char *path, hh_error *error)
{
    hh_click_file *file = calloc(1, sizeof *file);
    if (!file) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    file->lines = hh_lines_open(path, "clicks", error);
    if (file->lines && read_header(file, error) == HH_OK)
        return file;
    hh_click_file_close(file);
    return NULL;
}

void hh_click_file_close(hh_click_file *file)
{
    if (!file)
        return;
    hh_lines_close(file->lines);
    free(file);
}

// A whole number of milliseconds; no sign, no blanks.
static bool parse_time(hh_text text, hh_time *time)
{
    if (text.length == 0 || text.length > 15)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)text.bytes[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *time = value;
    return value <= MAX_TIME;
}

static hh_status parse(const hh_click_file *file, hh_text line, hh_click_row *row, hh_error *error)
{
    const char *path = hh_lines_name(file->lines);
    row->line = hh_lines_number(file->lines);
    if (memchr(line.bytes, '\0', line.length))
        return hh_fail(error, HH_FORMAT, "%s: line %llu: holds a NUL byte; click files are text", path,
                       (unsigned long long)row->line);
    hh_text fields[COLUMNS] = {{0}};
    size_t at = 0, number = 0;
    for (; number <= file->last_column && at <= line.length; number++) {
        hh_text here = take_field(line, &at);
        for (int column = 0; column < COLUMNS; column++)
            if (file->column[column] == number)
                fields[column] = here;
    }
    if (number <= file->last_column)
        return hh_fail(error, HH_FORMAT,
                       "%s: line %llu: %zu columns where the header asks for %zu or more; are they separated "
                       "by tabs?",
                       path, (unsigned long long)row->line, number, file->last_column + 1);
    for (int column = VISITOR; column <= ITEM; column++)
        if (fields[column].length == 0 || fields[column].length > HH_CLICK_FILE_ID_MAX)
            return hh_fail(error, HH_FORMAT, "%s: line %llu: the %s has %zu bytes; ids have 1 to %d", path,
                           (unsigned long long)row->line, column_names[column], fields[column].length,
                           HH_CLICK_FILE_ID_MAX);
    if (!parse_time(fields[TIME], &row->time))
        return hh_fail(error, HH_FORMAT,
                       "%s: line %llu: '%.*s' is not a time; write whole milliseconds since 1970 UTC, such "
                       "as 1506826800026",
                       path, (unsigned long long)row->line,
                       fields[TIME].length > 40 ? 40 : (int)fields[TIME].length, fields[TIME].bytes);
    row->visitor = fields[VISITOR].bytes;
    row->visitor_length = fields[VISITOR].length;
    row->item = fields[ITEM].bytes;
    row->item_length = fields[ITEM].length;
    return HH_OK;
}

hh_status hh_click_file_next(hh_click_file *file, hh_click_row *row, bool *end, hh_error *error)
{
    *end = false;
    hh_text line;
    do {
        hh_status status = hh_lines_next(file->lines, &line, error);
        if (status != HH_OK)
            return status;
        if (!line.bytes) {
            *end = true;
            return HH_OK;
        }
    } while (line.length == 0);
    return parse(file, line, row, error);
}

double hh_click_file_progress(hh_click_file *file)
{
    return hh_lines_progress(file->lines);
}
