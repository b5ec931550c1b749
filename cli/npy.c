#include "npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers go out as they are in memory"
#endif

enum { HEAD = 10 }; // magic, version, and two bytes that say how long the text is

void npy_header(char header[NPY_HEADER_SIZE], uint64_t rows, uint64_t columns)
{
    static const unsigned char head[HEAD] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, NPY_HEADER_SIZE - HEAD, 0};
    memcpy(header, head, HEAD);
    memset(header + HEAD, ' ', NPY_HEADER_SIZE - HEAD);
    char text[NPY_HEADER_SIZE - HEAD];
    int length = snprintf(text, sizeof text,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ", %" PRIu64 "), }",
                          rows, columns);
    memcpy(header + HEAD, text, (size_t)length);
    header[NPY_HEADER_SIZE - 1] = '\n';
}
