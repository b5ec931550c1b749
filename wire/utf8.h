// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef WIRE_UTF8_H
#define WIRE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool hh_utf8_valid(const char *bytes, size_t length);

// Bytes of the character that begins at text[0], of which `left` are there; 0: it may not be shown on a
// terminal, being no UTF-8, a control character, or one that turns the direction of what follows (U+202A..,
// U+2066..).
size_t hh_utf8_printable(const char *text, size_t left);

#endif
