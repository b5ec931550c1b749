// What the daemon shows over HTTP: /metrics for Prometheus, /health and /ready for whoever restarts or
// routes, and a page for people. Reads only, asks nobody who they are: loopback unless told otherwise.
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include "metrics.h"
#include "options.h"
#include <hiphop/status.h>
#include <stdbool.h>

typedef struct hh_http hh_http;

typedef struct hh_http_options {
    const hh_config *config; // http.listen, and what the page shows
    hh_metrics *metrics;
    // Called on the server's threads. healthy: false when a restart would help (a thread no longer moves);
    // ready: false until partitions are assigned and the graph is loaded. The reason is one sentence, also
    // when all is well.
    bool (*healthy)(void *context, char *reason, size_t size);
    bool (*ready)(void *context, char *reason, size_t size);
    void (*refresh)(void *context); // sets the gauges that nobody sets as they change; may be NULL
    void *context;
} hh_http_options;

// Serves until stopped. Everything in *options must live as long. NULL with the reason.
hh_http *hh_http_start(const hh_http_options *options, hh_error *error);
void hh_http_stop(hh_http *server);           // waits for answers under way; NULL is fine
uint16_t hh_http_port(const hh_http *server); // differs from the configured port where that is 0

#endif
