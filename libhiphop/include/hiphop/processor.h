// The processor, as OpenBLAS knows it.
#ifndef HIPHOP_PROCESSOR_H
#define HIPHOP_PROCESSOR_H

// For programs, first of all in main(): OpenBLAS before 0.3.25 takes a processor that is newer than itself
// for one without AVX, and multiplies several times more slowly. Where it does so, the program is run again,
// in its place and with the same arguments, with OPENBLAS_CORETYPE in its environment. Returns otherwise, and
// where told, the variable's value, is not NULL: whoever set it knows best.
void hh_processor_use(char **arguments, const char *told);

#endif
