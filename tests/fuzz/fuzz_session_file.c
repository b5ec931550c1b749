// Session files, plain and gzip: what was read is within its bounds, however the reading ended.
#include "fuzz.h"

#include <hiphop/session_file.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    hh_error error;
    if (file < 0) {
        PROMISE((file = memfd_create("sessions", 0)) >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    PROMISE(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
    hh_sessions *sessions = hh_sessions_new(&error);
    PROMISE(sessions);
    for (int twice = 0; twice < 2; twice++) {
        hh_sessions_view view;
        hh_status status = hh_sessions_read(sessions, path, &error);
        PROMISE(status == HH_OK || status == HH_FORMAT || status == HH_IO);
        hh_sessions_view_read(sessions, &view);
        PROMISE(view.first[0] == 0 && view.first[view.sessions] == view.clicks && view.items <= view.clicks);
        for (uint32_t s = 0; s < view.sessions; s++)
            PROMISE(view.first[s] < view.first[s + 1]);
        for (uint32_t i = 0; i < view.clicks; i++)
            PROMISE(view.item[i] < view.items);
        for (uint32_t item = 0; item < view.items; item++) {
            size_t length;
            const char *id = hh_sessions_item(sessions, item, &length);
            PROMISE(length >= 1 && length <= HH_SESSION_FILE_ID_MAX && id[length] == '\0');
            PROMISE(!memchr(id, ' ', length) && !memchr(id, '\t', length) && !memchr(id, '\n', length));
        }
    }
    hh_sessions_free(sessions);
    return 0;
}
