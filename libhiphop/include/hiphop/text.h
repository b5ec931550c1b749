// Bytes of somebody else.
#ifndef HIPHOP_TEXT_H
#define HIPHOP_TEXT_H

#include <stddef.h>

typedef struct hh_text {
    const char *bytes; // not NUL-terminated; NULL: none
    size_t length;
} hh_text;

#endif
