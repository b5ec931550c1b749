// sd_notify: what systemd would receive, on a socket with a path and on an abstract one.
#include "daemon/notify.h"
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

// A socket as systemd has it; name as in NOTIFY_SOCKET.
static int listen_on(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    memcpy(address.sun_path, name, size);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int descriptor = socket(AF_UNIX, SOCK_DGRAM, 0);
    cr_assert_geq(descriptor, 0);
    struct timeval patience = {.tv_sec = 5};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    cr_assert_eq(bind(descriptor, (struct sockaddr *)&address,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
                 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return descriptor;
}

static void expect_datagram(int descriptor, const char *text)
{
    char buffer[1024];
    ssize_t length = recv(descriptor, buffer, sizeof buffer - 1, 0);
    cr_assert_geq(length, 0, "nothing came");
    buffer[length] = '\0';
    cr_expect_str_eq(buffer, text);
}

Test(notify, a_socket_with_a_path)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/hiphop-notify-%d", (int)getpid());
    int descriptor = listen_on(path);
    cr_expect_eq(hh_notify("READY=1\nSTATUS=reading"), HH_OK);
    cr_expect_eq(hh_notify("WATCHDOG=1"), HH_OK);
    expect_datagram(descriptor, "READY=1\nSTATUS=reading");
    expect_datagram(descriptor, "WATCHDOG=1");
    close(descriptor);
    unlink(path);
    cr_expect_eq(hh_notify("STOPPING=1"), HH_IO, "nobody listens any more");
}

Test(notify, an_abstract_socket)
{
    char name[64];
    snprintf(name, sizeof name, "@hiphop-notify-%d", (int)getpid());
    int descriptor = listen_on(name);
    cr_expect_eq(hh_notify_status("%d partitions,\nall well", 4), HH_OK);
    expect_datagram(descriptor, "STATUS=4 partitions, all well");
    close(descriptor);
}

Test(notify, nobody_asked_or_nonsense)
{
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    unsetenv("NOTIFY_SOCKET");
    cr_expect_eq(hh_notify("READY=1"), HH_NOT_FOUND);
    static const char *const wrong[] = {"relative", "/", "@"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("NOTIFY_SOCKET", wrong[i], 1);
        cr_expect_eq(hh_notify("READY=1"), HH_IO, "%s", wrong[i]);
    }
    setenv("NOTIFY_SOCKET", longest, 1);
    cr_expect_eq(hh_notify("READY=1"), HH_IO);
}

Test(notify, a_long_status_is_cut)
{
    char name[64], text[2000], received[1024];
    snprintf(name, sizeof name, "@hiphop-notify-long-%d", (int)getpid());
    int descriptor = listen_on(name);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_expect_eq(hh_notify_status("%s", text), HH_OK);
    ssize_t length = recv(descriptor, received, sizeof received, 0);
    cr_expect(length > 100 && length < 512);
    close(descriptor);
}

Test(notify, watchdog_interval)
{
    char process[32];
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    cr_expect_eq(hh_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "60000000", 1);
    cr_expect_eq(hh_notify_watchdog_ms(), 60000);
    setenv("WATCHDOG_USEC", "1", 1);
    cr_expect_eq(hh_notify_watchdog_ms(), 1);
    snprintf(process, sizeof process, "%d", (int)getpid());
    setenv("WATCHDOG_PID", process, 1);
    cr_expect_eq(hh_notify_watchdog_ms(), 1);
    setenv("WATCHDOG_PID", "1", 1);
    cr_expect_eq(hh_notify_watchdog_ms(), 0, "meant for another process");
    unsetenv("WATCHDOG_PID");
    static const char *const wrong[] = {"", "x", "-5", "0", "12s", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("WATCHDOG_USEC", wrong[i], 1);
        cr_expect_eq(hh_notify_watchdog_ms(), 0, "%s", wrong[i]);
    }
}
