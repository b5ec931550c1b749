// Makes a chosen allocation of our own code fail: a test links it with hh_fail_alloc(NAME) in
// tests/CMakeLists.txt. What shared libraries allocate for themselves is not touched.
//
//   for (long n = 0;; n++) {
//       fail_alloc_at(n);
//       thing *made = thing_new(&error);
//       if (!fail_alloc_done()) { thing_free(made); break; } // fewer than n allocations: all have failed
//       once cr_assert_null(made); cr_assert_eq(error.status, HH_MEMORY);
//   }
#ifndef FAIL_ALLOC_H
#define FAIL_ALLOC_H

#include <stdbool.h>

// The allocation after the next n fails (malloc, calloc, realloc, strdup, aligned_alloc); only that one.
void fail_alloc_at(long n);
// Whether it has come to that; from here on nothing fails.
bool fail_alloc_done(void);

#endif
