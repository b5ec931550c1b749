// A line reader over zlib, which reads plain files as well.
#include "evaluate/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct hh_lines {
    gzFile gz;
    int64_t size;      // bytes on disk; 0: unknown
    uint64_t number;   // of the line read last
    size_t start, end; // bytes of the buffer not yet read
    bool exhausted;    // nothing more comes after them
    const char *name, *what;
    char buffer[HH_LINE_MAX];
};

// Moves what is left to the front and fills up behind it.
static hh_status fill(hh_lines *lines, hh_error *error)
{
    memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    int got = gzread(lines->gz, lines->buffer + lines->end, (unsigned)(HH_LINE_MAX - lines->end));
    int trouble = Z_OK;
    const char *message = gzerror(lines->gz, &trouble);
    if (got <= 0 && trouble == Z_BUF_ERROR) // what came before the cut is read first
        return hh_fail(error, HH_IO,
                       "%s: line %llu: the gzip stream is cut off here; get the whole file again",
                       lines->name, (unsigned long long)lines->number + 1);
    if (got < 0 || (trouble < 0 && trouble != Z_BUF_ERROR))
        return hh_fail(error, HH_IO, "%s: line %llu: reading failed: %s", lines->name,
                       (unsigned long long)lines->number + 1, trouble == Z_ERRNO ? strerror(errno) : message);
    lines->end += (size_t)got;
    lines->exhausted = got == 0;
    return HH_OK;
}

// Skips to the line's end, so that the reader can go on behind it.
static hh_status skip_long_line(hh_lines *lines, hh_error *error)
{
    uint64_t number = ++lines->number;
    const char *newline;
    do {
        lines->start = lines->end;
        hh_status status = fill(lines, error);
        if (status != HH_OK)
            return status;
        newline = memchr(lines->buffer, '\n', lines->end);
    } while (!newline && !lines->exhausted);
    lines->start = newline ? (size_t)(newline - lines->buffer) + 1 : lines->end;
    return hh_fail(error, HH_FORMAT, "%s: line %llu: longer than %d bytes; is this a file of %s?",
                   lines->name, (unsigned long long)number, HH_LINE_MAX, lines->what);
}

hh_status hh_lines_next(hh_lines *lines, hh_text *line, hh_error *error)
{
    *line = (hh_text){0};
    for (size_t searched = 0;;) {
        const char *start = lines->buffer + lines->start;
        size_t held = lines->end - lines->start;
        const char *newline = memchr(start + searched, '\n', held - searched);
        if (!newline && !lines->exhausted) {
            if (held == HH_LINE_MAX)
                return skip_long_line(lines, error);
            searched = held;
            hh_status status = fill(lines, error);
            if (status != HH_OK)
                return status;
            continue;
        }
        if (!newline && held == 0)
            return HH_OK;
        size_t length = newline ? (size_t)(newline - start) : held;
        lines->start += length + (newline != NULL);
        lines->number++;
        if (length > 0 && start[length - 1] == '\r')
            length--;
        *line = (hh_text){start, length};
        return HH_OK;
    }
}

static bool opened(hh_lines *lines, const char *path, hh_error *error)
{
    bool standard_input = strcmp(path, "-") == 0;
    lines->name = standard_input ? "standard input" : path;
    int descriptor = standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        hh_fail(error, HH_IO, "%s: %s", lines->name, strerror(errno));
        return false;
    }
    struct stat about = {0};
    bool known = fstat(descriptor, &about) == 0;
    if (known && S_ISDIR(about.st_mode)) {
        hh_fail(error, HH_IO, "%s: is a directory, not a file of %s", lines->name, lines->what);
        close(descriptor);
        return false;
    }
    if (known && S_ISREG(about.st_mode) && !standard_input)
        lines->size = about.st_size;
    lines->gz = gzdopen(descriptor, "rb");
    if (!lines->gz) {
        close(descriptor);
        hh_fail(error, HH_MEMORY, NULL);
        return false;
    }
    gzbuffer(lines->gz, 128 * 1024);
    return true;
}

hh_lines *hh_lines_open(const char *path, const char *what, hh_error *error)
{
    hh_lines *lines = malloc(sizeof *lines + strlen(path) + 1);
    if (!lines) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    memset(lines, 0, offsetof(hh_lines, buffer));
    lines->what = what;
    char *own = (char *)(lines + 1);
    memcpy(own, path, strlen(path) + 1);
    if (opened(lines, own, error))
        return lines;
    hh_lines_close(lines);
    return NULL;
}

void hh_lines_close(hh_lines *lines)
{
    if (!lines)
        return;
    if (lines->gz)
        gzclose(lines->gz);
    free(lines);
}

const char *hh_lines_name(const hh_lines *lines)
{
    return lines->name;
}

uint64_t hh_lines_number(const hh_lines *lines)
{
    return lines->number;
}

double hh_lines_progress(hh_lines *lines)
{
    if (lines->size <= 0)
        return -1;
    double done = (double)gzoffset(lines->gz) / (double)lines->size;
    return done > 1 ? 1 : done;
}
