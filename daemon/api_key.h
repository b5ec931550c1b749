// A secret of an API: out of a file, a systemd credential or the environment. It is never part of the
// settings, and no sentence about it holds any of it.
#ifndef DAEMON_API_KEY_H
#define DAEMON_API_KEY_H

#include "options.h"
#include <hiphop/status.h>

#define HH_API_KEY_MAX 4096 // bytes

// By semantics.key_file and semantics.key_variable, blanks at its ends cut off; "" where there is none.
// HH_IO: the file can't be read; HH_FORMAT: it holds no key. The caller wipes it after use.
hh_status hh_api_key_read(const hh_config *config, char key[HH_API_KEY_MAX + 1], hh_error *error);

#endif
