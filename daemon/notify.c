// The sd_notify protocol; see notify.h.
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// A path, or "@name": a socket of the abstract namespace, whose address begins with a NUL and has no end but
// its length.
static hh_status address_of(const char *path, struct sockaddr_un *address, socklen_t *length)
{
    size_t size = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || size < 2 || size >= sizeof address->sun_path)
        return HH_IO;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, size);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return HH_OK;
}

hh_status hh_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t length;
    if (!path || path[0] == '\0')
        return HH_NOT_FOUND;
    if (address_of(path, &address, &length) != HH_OK)
        return HH_IO;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return HH_IO;
    ssize_t sent;
    do
        sent = sendto(descriptor, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
    while (sent < 0 && errno == EINTR);
    close(descriptor);
    return sent == (ssize_t)strlen(state) ? HH_OK : HH_IO;
}

hh_status hh_notify_status(const char *format, ...)
{
    char state[512] = "STATUS=";
    size_t used = strlen(state);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(state + used, sizeof state - used, format, arguments);
    va_end(arguments);
    for (char *newline = strchr(state, '\n'); newline; newline = strchr(newline, '\n'))
        *newline = ' '; // would begin another assignment
    return hh_notify(state);
}

int64_t hh_notify_watchdog_ms(void)
{
    const char *interval = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    if (!interval || (process && strtoll(process, NULL, 10) != (long long)getpid()))
        return 0;
    char *end;
    errno = 0;
    long long microseconds = strtoll(interval, &end, 10);
    return errno == 0 && *end == '\0' && microseconds > 0 ? (int64_t)((microseconds + 999) / 1000) : 0;
}
