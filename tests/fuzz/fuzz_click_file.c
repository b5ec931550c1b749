// Click files, plain and gzip: every row that comes out is within its bounds, and reading ends.
#include "fuzz.h"

#include <hiphop/click_file.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    hh_error error;
    if (file < 0) {
        PROMISE((file = memfd_create("clicks", 0)) >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    PROMISE(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
    hh_click_file *clicks = hh_click_file_open(path, &error);
    if (!clicks)
        return 0;
    uint64_t line = 1;
    for (;;) {
        hh_click_row row;
        bool end;
        hh_status status = hh_click_file_next(clicks, &row, &end, &error);
        if (status == HH_IO || (status == HH_OK && end))
            break;
        if (status == HH_FORMAT)
            continue;
        PROMISE(status == HH_OK && row.line > line);
        line = row.line;
        PROMISE(row.visitor_length >= 1 && row.visitor_length <= HH_CLICK_FILE_ID_MAX);
        PROMISE(row.item_length >= 1 && row.item_length <= HH_CLICK_FILE_ID_MAX);
        PROMISE(!memchr(row.visitor, '\t', row.visitor_length) && !memchr(row.item, '\n', row.item_length));
    }
    hh_click_file_close(clicks);
    return 0;
}
