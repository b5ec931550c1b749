// Tells systemd how the daemon is: the sd_notify protocol, a datagram to $NOTIFY_SOCKET. Nothing happens
// where the variable is not set. No library of systemd's is needed, nor linked.
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <hiphop/status.h>
#include <stdint.h>

// Sends the state as it is: "READY=1", "STATUS=...", "STOPPING=1", "WATCHDOG=1", several separated by
// newlines. HH_NOT_FOUND where nobody asked to be told, HH_IO where the message could not be sent.
hh_status hh_notify(const char *state);
// "STATUS=" and the sentence, cut where it is long.
hh_status hh_notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

// How often systemd wants WATCHDOG=1 at least, in milliseconds; 0: it doesn't. Send it twice as often.
int64_t hh_notify_watchdog_ms(void);

#endif
