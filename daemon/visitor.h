// The visitor as the graph knows him: workers that ask and the keeper that tells must use the same number.
#ifndef DAEMON_VISITOR_H
#define DAEMON_VISITOR_H

#include <stddef.h>
#include <stdint.h>

uint64_t hh_visitor_hash(const char *visitor, size_t length);

#endif
