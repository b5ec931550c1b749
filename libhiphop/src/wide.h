// Where the machine is an x86-64, functions marked HH_WIDE are built twice and chosen when the program is
// loaded: for AVX2 with FMA, and for any.
#ifndef HIPHOP_WIDE_H
#define HIPHOP_WIDE_H

// (Sanitizers can't run the code that chooses.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define HH_WIDE __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define HH_WIDE
#endif

#endif
