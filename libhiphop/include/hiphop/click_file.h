// Click files: one click a line, in the order in which they arrived.
//
//   visitor <TAB> item <TAB> unix_ms        a header line names the columns: any order, others are ignored
//   v17     <TAB> shoes-4 <TAB> 1506826800026
//
// Plain or gzip, told apart by their first bytes; "-" is standard input. The file is streamed: what is held
// is one line, however long the file. Blank lines are skipped, a trailing carriage return is taken off.
#ifndef HIPHOP_CLICK_FILE_H
#define HIPHOP_CLICK_FILE_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HH_CLICK_FILE_ID_MAX 1024 // bytes of a visitor or an item, at least 1

typedef struct hh_click_row {   // valid until the next call
    const char *visitor, *item; // not NUL-terminated
    size_t visitor_length, item_length;
    hh_time time;
    uint64_t line; // 1 = the header
} hh_click_row;

typedef struct hh_click_file hh_click_file;

// Opens the file and reads its header. NULL with *error filled: HH_IO (can't be opened), HH_FORMAT (no such
// header), HH_MEMORY.
hh_click_file *hh_click_file_open(const char *path, hh_error *error);
void hh_click_file_close(hh_click_file *file); // may be NULL

// The next click. At the end: HH_OK with *end true. HH_FORMAT: a line that is not a click; the message holds
// the line's number and what is wrong, and the next call goes on behind that line. HH_IO: reading failed, or
// the file is cut off in the middle of its gzip stream.
hh_status hh_click_file_next(hh_click_file *file, hh_click_row *row, bool *end, hh_error *error);

// How much has been read, 0..1 of the file's size on disk; -1 where the size isn't known (standard input).
double hh_click_file_progress(hh_click_file *file);

#endif
