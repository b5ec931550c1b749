// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool hh_utf8_valid(const char *bytes, size_t length);

#endif
