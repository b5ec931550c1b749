// Lines of a text file, plain or gzip, told apart by their first bytes; "-" is standard input. The file is
// streamed: what is held is one line, however long the file. A trailing carriage return is taken off.
#ifndef EVALUATE_LINE_READER_H
#define EVALUATE_LINE_READER_H

#include <hiphop/status.h>
#include <hiphop/text.h>
#include <stdint.h>

#define HH_LINE_MAX (256 * 1024) // bytes of a line, its end among them

typedef struct hh_lines hh_lines;

// what: the file is one of ("clicks"). NULL with *error filled: HH_IO, HH_MEMORY.
hh_lines *hh_lines_open(const char *path, const char *what, hh_error *error);
void hh_lines_close(hh_lines *lines); // may be NULL
// The next line, valid until the next call; at the end HH_OK with none. HH_FORMAT: a line that is too long;
// the next call goes on behind it. HH_IO: reading failed.
hh_status hh_lines_next(hh_lines *lines, hh_text *line, hh_error *error);

const char *hh_lines_name(const hh_lines *lines); // of the file, for messages
uint64_t hh_lines_number(const hh_lines *lines);  // of the line read last, from 1
double hh_lines_progress(hh_lines *lines);        // 0..1 of its size on disk; -1: unknown

#endif
