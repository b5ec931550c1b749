// What the encoders of single records share.
#ifndef WIRE_ENCODER_H
#define WIRE_ENCODER_H

#include "wire/buffer.h"

hh_format hh_encoder_format(const hh_encoder *encoder);
hh_buffer *hh_encoder_start(hh_encoder *encoder); // an empty buffer for the next record
hh_status hh_encoder_finish(const hh_encoder *encoder, hh_text *bytes);

#endif
