// NumPy's file of one array (format 1.0, numpy.lib.format): a header of text, then the numbers as they are in
// memory.
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include <stdint.h>

#define NPY_HEADER_SIZE 128

// The header of a float32 array [rows x columns], row by row, little-endian.
void npy_header(char header[NPY_HEADER_SIZE], uint64_t rows, uint64_t columns);

#endif
