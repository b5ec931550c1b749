// Interning: byte strings to small dense numbers, counted, so that a stream of ever new ids holds only what
// is in use. One thread at a time. Numbers are reused after their last release.
#ifndef HIPHOP_INTERN_H
#define HIPHOP_INTERN_H

#include <hiphop/status.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hh_intern hh_intern;

#define HH_INTERN_NONE UINT32_MAX

// An empty table, or NULL when out of memory. seed perturbs the hash (take a random one where strangers
// choose the strings; results never depend on it).
hh_intern *hh_intern_new(uint64_t seed);
void hh_intern_free(hh_intern *table);

// The number of the string, with one more reference to it; HH_INTERN_NONE when out of memory. The bytes are
// copied.
uint32_t hh_intern_acquire(hh_intern *table, const char *bytes, size_t length);
// The number of the string without touching its references; HH_INTERN_NONE when it isn't there.
uint32_t hh_intern_find(const hh_intern *table, const char *bytes, size_t length);
// One reference more, or less, to a number in use.
void hh_intern_retain(hh_intern *table, uint32_t number);
void hh_intern_release(hh_intern *table, uint32_t number);

// The bytes of a number in use, NUL-terminated; valid until its last release or the next acquire.
const char *hh_intern_bytes(const hh_intern *table, uint32_t number, size_t *length);
// Numbers in use, and the bytes of memory that the table holds.
size_t hh_intern_count(const hh_intern *table);
size_t hh_intern_memory(const hh_intern *table);

#endif
