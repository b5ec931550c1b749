// Configuration files: any bytes are read or complained of, with sentences of one line; so are assignments.
#include "fuzz.h"

#include "daemon/settings.h"

#include <sys/mman.h>
#include <unistd.h>

// libconfig 1.5 loses a text token at a syntax error. It is read once, at the start: not ours to mend.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so";
}

static void look(void *context, const char *sentence)
{
    PROMISE(*sentence && !strchr(sentence, '\n'));
    ++*(int *)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    int complaints = 0;
    if (file < 0) {
        PROMISE((file = memfd_create("config", 0)) >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    // libconfig follows @include, and kafka.properties_file is a file: no input shall open others.
    if (memchr(data, '@', size) || memchr(data, '/', size))
        return 0;
    PROMISE(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
    hh_settings *settings = hh_settings_new();
    PROMISE(settings);
    hh_status status = hh_settings_read(settings, path, look, &complaints);
    PROMISE((status == HH_OK) == (complaints == 0));

    char assignment[256];
    size_t length = size < sizeof assignment ? size : sizeof assignment - 1;
    memcpy(assignment, data, length);
    assignment[length] = '\0';
    complaints = 0;
    status = hh_settings_set(settings, assignment, look, &complaints);
    PROMISE((status == HH_OK) == (complaints == 0));
    hh_settings_finish(settings, look, &complaints);
    hh_settings_free(settings);
    return 0;
}
