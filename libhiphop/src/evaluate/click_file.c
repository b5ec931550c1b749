// Click files (click_file.h): a line reader over zlib, which reads plain files as well, and a strict parser.
#include <hiphop/click_file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_SIZE (256 * 1024)    // also the longest line
#define MAX_TIME    253402300799999 // the last millisecond of the year 9999

enum { VISITOR, ITEM, TIME, COLUMNS };
static const char *const column_names[COLUMNS] = {"visitor", "item", "unix_ms"};

struct hh_click_file {
    gzFile gz;
    int64_t size;      // bytes on disk; 0: unknown
    uint64_t line;     // number of the line read last
    size_t start, end; // bytes of the buffer not yet read
    bool exhausted;    // nothing more comes after them
    const char *name;
    size_t column[COLUMNS]; // where each stands in a line, from 0
    size_t last_column;     // the rightmost of them
    char buffer[BUFFER_SIZE];
};

typedef struct field {
    const char *bytes;
    size_t length;
} field;

// Moves what is left to the front and fills up behind it.
static hh_status fill(hh_click_file *file, hh_error *error)
{
    memmove(file->buffer, file->buffer + file->start, file->end - file->start);
    file->end -= file->start;
    file->start = 0;
    int got = gzread(file->gz, file->buffer + file->end, (unsigned)(BUFFER_SIZE - file->end));
    int trouble = Z_OK;
    const char *message = gzerror(file->gz, &trouble);
    if (trouble == Z_BUF_ERROR)
        return hh_fail(error, HH_IO,
                       "%s: line %llu: the gzip stream is cut off here; get the whole file again", file->name,
                       (unsigned long long)file->line + 1);
    if (got < 0 || trouble < 0)
        return hh_fail(error, HH_IO, "%s: line %llu: reading failed: %s", file->name,
                       (unsigned long long)file->line + 1, trouble == Z_ERRNO ? strerror(errno) : message);
    file->end += (size_t)got;
    file->exhausted = got == 0;
    return HH_OK;
}

// The next line without its end; NULL bytes with HH_OK at the end of the file.
static hh_status next_line(hh_click_file *file, field *line, hh_error *error)
{
    *line = (field){0};
    for (size_t searched = 0;;) {
        const char *start = file->buffer + file->start;
        size_t held = file->end - file->start;
        const char *newline = memchr(start + searched, '\n', held - searched);
        if (!newline && !file->exhausted) {
            if (held == BUFFER_SIZE) {
                // Skip to the line's end, so that the reader can go on behind it.
                uint64_t number = ++file->line;
                do {
                    file->start = file->end;
                    hh_status status = fill(file, error);
                    if (status != HH_OK)
                        return status;
                    newline = memchr(file->buffer, '\n', file->end);
                } while (!newline && !file->exhausted);
                file->start = newline ? (size_t)(newline - file->buffer) + 1 : file->end;
                return hh_fail(error, HH_FORMAT,
                               "%s: line %llu: longer than %d bytes; is this a file of clicks?", file->name,
                               (unsigned long long)number, BUFFER_SIZE);
            }
            searched = held;
            hh_status status = fill(file, error);
            if (status != HH_OK)
                return status;
            continue;
        }
        if (!newline && held == 0)
            return HH_OK;
        size_t length = newline ? (size_t)(newline - start) : held;
        file->start += length + (newline != NULL);
        file->line++;
        if (length > 0 && start[length - 1] == '\r')
            length--;
        *line = (field){start, length};
        return HH_OK;
    }
}

// The field at *at of the line; moves *at behind its tab, or past the end after the last.
static field take_field(field line, size_t *at)
{
    const char *start = line.bytes + *at;
    const char *tab = memchr(start, '\t', line.length - *at);
    size_t length = tab ? (size_t)(tab - start) : line.length - *at;
    *at += length + 1;
    return (field){start, length};
}

static hh_status read_header(hh_click_file *file, hh_error *error)
{
    field line;
    hh_status status = next_line(file, &line, error);
    if (status != HH_OK)
        return status;
    if (!line.bytes)
        return hh_fail(error, HH_FORMAT,
                       "%s: line 1: the file is empty; its first line must name the columns visitor, item "
                       "and unix_ms, separated by tabs",
                       file->name);
    if (line.length >= 3 && memcmp(line.bytes, "\xef\xbb\xbf", 3) == 0) // a byte order mark
        line = (field){line.bytes + 3, line.length - 3};
    bool seen[COLUMNS] = {false};
    size_t number = 0;
    for (size_t at = 0; at <= line.length; number++) {
        field name = take_field(line, &at);
        for (int column = 0; column < COLUMNS; column++) {
            const char *wanted = column_names[column];
            if (name.length != strlen(wanted) || memcmp(name.bytes, wanted, name.length) != 0)
                continue;
            if (seen[column])
                return hh_fail(error, HH_FORMAT, "%s: line 1: the header names column '%s' twice", file->name,
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
                           file->name, column_names[column]);
    return HH_OK;
}

static hh_click_file *opened(hh_click_file *file, const char *path, hh_error *error)
{
    bool standard_input = strcmp(path, "-") == 0;
    file->name = standard_input ? "standard input" : path;
    int descriptor = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        hh_fail(error, HH_IO, "%s: %s", file->name, strerror(errno));
        return NULL;
    }
    struct stat about;
    if (fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
        hh_fail(error, HH_IO, "%s: is a directory, not a click file", file->name);
        close(descriptor);
        return NULL;
    }
    if (S_ISREG(about.st_mode) && !standard_input)
        file->size = about.st_size;
    file->gz = gzdopen(descriptor, "rb");
    if (!file->gz) {
        close(descriptor);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    gzbuffer(file->gz, 128 * 1024);
    return read_header(file, error) == HH_OK ? file : NULL;
}

hh_click_file *hh_click_file_open(const char *path, hh_error *error)
{
    hh_click_file *file = malloc(sizeof *file + strlen(path) + 1);
    if (!file) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    memset(file, 0, offsetof(hh_click_file, buffer));
    char *own = (char *)(file + 1);
    memcpy(own, path, strlen(path) + 1);
    if (opened(file, own, error))
        return file;
    hh_click_file_close(file);
    return NULL;
}

void hh_click_file_close(hh_click_file *file)
{
    if (!file)
        return;
    if (file->gz)
        gzclose(file->gz);
    free(file);
}

static hh_status bad_line(const hh_click_file *file, hh_error *error, const char *what)
{
    return hh_fail(error, HH_FORMAT, "%s: line %llu: %s", file->name, (unsigned long long)file->line, what);
}

// A whole number of milliseconds; no sign, no blanks.
static bool parse_time(field text, hh_time *time)
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

static hh_status parse(const hh_click_file *file, field line, hh_click_row *row, hh_error *error)
{
    if (memchr(line.bytes, '\0', line.length))
        return bad_line(file, error, "holds a NUL byte; click files are text");
    field fields[COLUMNS] = {{0}};
    size_t at = 0, number = 0;
    for (; number <= file->last_column && at <= line.length; number++) {
        field here = take_field(line, &at);
        for (int column = 0; column < COLUMNS; column++)
            if (file->column[column] == number)
                fields[column] = here;
    }
    if (number <= file->last_column)
        return hh_fail(error, HH_FORMAT,
                       "%s: line %llu: %zu columns where the header asks for %zu or more; are they separated "
                       "by tabs?",
                       file->name, (unsigned long long)file->line, number, file->last_column + 1);
    for (int column = VISITOR; column <= ITEM; column++)
        if (fields[column].length == 0 || fields[column].length > HH_CLICK_FILE_ID_MAX)
            return hh_fail(error, HH_FORMAT, "%s: line %llu: the %s has %zu bytes; ids have 1 to %d",
                           file->name, (unsigned long long)file->line, column_names[column],
                           fields[column].length, HH_CLICK_FILE_ID_MAX);
    if (!parse_time(fields[TIME], &row->time))
        return hh_fail(error, HH_FORMAT,
                       "%s: line %llu: '%.*s' is not a time; write whole milliseconds since 1970 UTC, such "
                       "as 1506826800026",
                       file->name, (unsigned long long)file->line,
                       fields[TIME].length > 40 ? 40 : (int)fields[TIME].length, fields[TIME].bytes);
    row->visitor = fields[VISITOR].bytes;
    row->visitor_length = fields[VISITOR].length;
    row->item = fields[ITEM].bytes;
    row->item_length = fields[ITEM].length;
    row->line = file->line;
    return HH_OK;
}

hh_status hh_click_file_next(hh_click_file *file, hh_click_row *row, bool *end, hh_error *error)
{
    *end = false;
    field line;
    do {
        hh_status status = next_line(file, &line, error);
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
    if (file->size <= 0)
        return -1;
    double done = (double)gzoffset(file->gz) / (double)file->size;
    return done > 1 ? 1 : done;
}
