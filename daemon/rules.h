// What must hold between settings, beyond the range of each.
#ifndef DAEMON_RULES_H
#define DAEMON_RULES_H

#include "settings.h"

// HH_ARGUMENT where something was complained of.
hh_status hh_rules_check(const hh_settings *settings, hh_say *complain, void *context);

// "127.0.0.1:9464" or "[::1]:9464" into host and port. HH_FORMAT with the reason where it is neither.
#define HH_HOST_SIZE 64
hh_status hh_address_split(const char *address, char host[HH_HOST_SIZE], uint16_t *port, hh_error *error);

#endif
