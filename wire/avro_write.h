// Avro's binary encoding, written into a buffer. The four primitives that hiphop's own three schemas need are
// shorter than the same through Avro C's generic values, which want every text copied with a NUL and every
// field looked up; the tests read every record back with Avro C, by the names in schemas/*.avsc.
#ifndef WIRE_AVRO_WRITE_H
#define WIRE_AVRO_WRITE_H

#include "wire/buffer.h"

void hh_avro_put_long(hh_buffer *buffer, int64_t value); // int, long, and the count of a block
void hh_avro_put_float(hh_buffer *buffer,
                       float value); // HH_FORMAT where it is not finite: JSON has no such number
void hh_avro_put_text(hh_buffer *buffer, hh_text text); // HH_FORMAT where it is not UTF-8

#endif
