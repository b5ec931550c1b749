// The status page: what matters, for a person, in plain HTML.
#ifndef DAEMON_PAGE_H
#define DAEMON_PAGE_H

#include "http.h"

// NUL-terminated HTML; the caller frees it. NULL when out of memory.
char *hh_page_render(const hh_http_options *options, size_t *length);

#endif
