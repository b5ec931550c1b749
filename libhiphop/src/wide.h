// Where the machine is an x86-64, functions marked HH_WIDE are built twice and chosen when the program is
// loaded: for AVX2 with FMA, and for any. HH_WIDEST: for AVX-512, too.
#ifndef HIPHOP_WIDE_H
#define HIPHOP_WIDE_H

#include <stdint.h>

// Numbers that are reckoned with together. (Alignment is said, since without AVX that of eight is 16 for
// _Alignof, but 32 for the loads of what is built for AVX2. From memory that is not so aligned: memcpy.)
typedef float hh_four __attribute__((vector_size(16)));
typedef float hh_eight __attribute__((vector_size(32), aligned(32)));
typedef int32_t hh_whole_four __attribute__((vector_size(16)));
typedef int32_t hh_whole_eight __attribute__((vector_size(32), aligned(32)));

// (Sanitizers can't run the code that chooses.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define HH_WIDE   __attribute__((target_clones("arch=x86-64-v3", "default")))
#define HH_WIDEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HH_WIDE
#define HH_WIDEST
#endif

#endif
