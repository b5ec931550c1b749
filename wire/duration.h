// Numbers and durations as people write them in options and configuration: 30m, 0.5h, 500ms; 0 needs no unit.
#ifndef WIRE_DURATION_H
#define WIRE_DURATION_H

#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>

// A finite decimal number at the start of text; *end is what follows it. No number: *end = text.
double hh_number_read(const char *text, const char **end);

// A duration at the start of text, up to its end or a comma, which *end is then. Less than nothing and more
// than 30,000 years: a negative *duration. false: it is none.
bool hh_duration_read(const char *text, hh_time *duration, const char **end);

// In the largest unit of which it is a whole number.
#define HH_DURATION_SIZE 32
void hh_duration_print(hh_time duration, char *text, size_t size);

#endif
