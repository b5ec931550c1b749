// What can go wrong, in one table. Nothing in the library aborts or prints: a function that can fail returns
// an hh_status and, where it takes an hh_error, fills it with a sentence that a person can act on.
#ifndef HIPHOP_STATUS_H
#define HIPHOP_STATUS_H

#include <stdarg.h>

// X(name, sentence)
#define HH_STATUS_MAP(X)                                       \
    X(OK, "no error")                                          \
    X(MEMORY, "out of memory")                                 \
    X(ARGUMENT, "an argument is outside its documented range") \
    X(FORMAT, "the input is not in the documented format")     \
    X(LIMIT, "a documented limit is reached")                  \
    X(NOT_FOUND, "there is no such thing")                     \
    X(IO, "the operating system refused to read or write")     \
    X(STOPPED, "stopped, as the caller wished")

typedef enum hh_status {
#define HH_STATUS_ENUM(name, sentence) HH_##name,
    HH_STATUS_MAP(HH_STATUS_ENUM)
#undef HH_STATUS_ENUM
} hh_status;

// The reason of a failure. The caller owns it, usually on its stack; the library only writes into it.
typedef struct hh_error {
    hh_status status;
    char message[512]; // one sentence, no newline, cut off (never overrun) where it is too long
} hh_error;

// The symbolic name ("MEMORY") and the sentence of a status; static strings.
const char *hh_status_name(hh_status status);
const char *hh_status_text(hh_status status);

// Fills *error (which may be NULL) and returns status, so that a failing function can end in
// `return hh_fail(error, HH_FORMAT, "line %zu has no item", line);`. With HH_MEMORY the format may be NULL.
hh_status hh_fail(hh_error *error, hh_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
