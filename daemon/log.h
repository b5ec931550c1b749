// What the daemon says: one line an event on standard error, `message key=value ...`, with journald's
// priority in front under systemd and with time and level elsewhere. Any thread; nothing is allocated, and a
// line is one write(2), so that lines never mix.
//
//   HH_LOG(log, HH_LOG_INFO, "partitions assigned", HH_NUMBER("worker", 0), HH_TEXT("partitions", "0,1"));
//   HH_COMPLAIN(log, HH_LOG_WARNING, "click can't be used", HH_TEXT("reason", error.message));
//
// (A hh_log is the library's log of clicks.)
//
// HH_COMPLAIN is for what may happen with every record: the first is said at once, then the newest once a
// minute with how many there were. Never give it or HH_LOG the value of a Kafka property: it may be a
// password.
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "options.h"

typedef struct hh_logger hh_logger;

// A value of an event; made by HH_TEXT, HH_BYTES, HH_NUMBER and HH_REAL. Keys are static.
typedef struct hh_log_field {
    const char *key;
    enum { HH_FIELD_END, HH_FIELD_TEXT, HH_FIELD_NUMBER, HH_FIELD_REAL } kind;
    const char *text;
    size_t length;
    int64_t number;
    double real;
} hh_log_field;

// Up to eight values. Members rather than an array, so that HH_LOG can be written without inner braces.
typedef struct hh_log_event {
    const char *message; // static, lower case, without '='
    hh_log_field a, b, c, d, e, f, g, h;
} hh_log_event;

hh_log_field HH_TEXT(const char *key, const char *text);                  // NULL is written as ""
hh_log_field HH_BYTES(const char *key, const char *bytes, size_t length); // not NUL-terminated
hh_log_field HH_NUMBER(const char *key, int64_t number);
hh_log_field HH_REAL(const char *key, double real);

#define HH_LOG(log, level, ...)      hh_logger_write(log, level, &(hh_log_event){.message = __VA_ARGS__})
#define HH_COMPLAIN(log, level, ...) hh_logger_complain(log, level, &(hh_log_event){.message = __VA_ARGS__})

// Writes to fd, which stays the caller's; level: HH_LOG_ERROR ... HH_LOG_DEBUG. NULL when out of memory.
hh_logger *hh_logger_new(int fd, int level);
// Says what is still held back.
void hh_logger_free(hh_logger *log);

void hh_logger_write(hh_logger *log, int level, const hh_log_event *event);
void hh_logger_complain(hh_logger *log, int level, const hh_log_event *event);
// Says the complaints whose minute is over; to be called every second or so.
void hh_logger_tick(hh_logger *log);

void hh_logger_set_level(hh_logger *log, int level);
int hh_logger_level(const hh_logger *log);

// What a line of this level begins with: "<3>" where fd is what journald reads, "" elsewhere. Static. For
// what has to be said while there is no logger yet.
const char *hh_log_priority(int fd, int level);

// For tests: the clock that minutes are counted by, in milliseconds; NULL: the machine's own.
void hh_logger_set_clock(hh_logger *log, int64_t (*now_ms)(void *context), void *context);

#endif
