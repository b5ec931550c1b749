// The HTTP server; see http.h. One thread of libmicrohttpd's, bounded connections, short patience: whoever
// asks can not slow the pipeline down, and whoever connects and asks nothing makes others wait for seconds at
// most.
#include "http.h"

#include "page.h"
#include "rules.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECTIONS = 128,
    CONNECTION_BYTES = 16384,
    ASKING_S = 2,  // without a byte, until the request is whole
    TAKING_S = 10, // without a byte taken of the answer
};

struct hh_http {
    hh_http_options options;
    struct MHD_Daemon *daemon;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              char *body, size_t length, const char *allow)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "Connection", "close"); // a place is held for one answer
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    if (allow)
        MHD_add_response_header(response, "Allow", allow);
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)TAKING_S);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

// body was allocated, or is NULL when that failed.
static enum MHD_Result answer_body(struct MHD_Connection *connection, const char *type, char *body,
                                   size_t length)
{
    return body ? answer(connection, MHD_HTTP_OK, type, body, length, NULL) : MHD_NO;
}

static enum MHD_Result answer_sentence(struct MHD_Connection *connection, unsigned status, const char *word,
                                       const char *sentence, const char *allow)
{
    char *body;
    int length = asprintf(&body, "%s%s%s\n", word, sentence[0] ? ": " : "", sentence);
    return length < 0 ? MHD_NO
                      : answer(connection, status, "text/plain; charset=utf-8", body, (size_t)length, allow);
}

static enum MHD_Result answer_state(const hh_http *server, struct MHD_Connection *connection,
                                    bool (*state)(void *context, char *reason, size_t size), const char *good,
                                    const char *bad)
{
    char reason[1024] = "";
    bool well = state(server->options.context, reason, sizeof reason);
    return answer_sentence(connection, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, well ? good : bad,
                           reason, NULL);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    (void)version;
    (void)upload;
    (void)state;
    hh_http *server = context;
    const hh_http_options *options = &server->options;
    size_t length = 0;
    if (*upload_size > 0) // the body of what gets 405 below
        return MHD_NO;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_sentence(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed",
                               "everything here is only to be read", "GET, HEAD");
    if (strcmp(url, "/health") == 0)
        return answer_state(server, connection, options->healthy, "healthy", "unhealthy");
    if (strcmp(url, "/ready") == 0)
        return answer_state(server, connection, options->ready, "ready", "not ready");
    if (strcmp(url, "/metrics") != 0 && strcmp(url, "/") != 0)
        return answer_sentence(connection, MHD_HTTP_NOT_FOUND, "not found",
                               "there are /, /metrics, /health and /ready", NULL);
    if (options->refresh)
        options->refresh(options->context);
    if (url[1] == '\0') {
        char *page = hh_page_render(options, &length);
        return answer_body(connection, "text/html; charset=utf-8", page, length);
    }
    char *metrics = hh_metrics_render(options->metrics, &length);
    return answer_body(connection, HH_METRICS_CONTENT_TYPE, metrics, length);
}

// Clients that hang up are no event.
static void quiet(void *context, const char *format, va_list arguments)
{
    (void)context;
    (void)format;
    (void)arguments;
}

hh_http *hh_http_start(const hh_http_options *options, hh_error *error)
{
    char host[HH_HOST_SIZE];
    uint16_t port;
    if (hh_address_split(options->config->http.listen, host, &port, error) != HH_OK)
        return NULL;
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool four = inet_pton(AF_INET, host, &ipv4.sin_addr) == 1;
    if (!four)
        inet_pton(AF_INET6, host, &ipv6.sin6_addr);

    hh_http *server = calloc(1, sizeof *server);
    if (!server) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    server->options = *options;
    errno = 0;
    server->daemon = MHD_start_daemon(
        MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG | (four ? 0 : MHD_USE_IPv6), port,
        NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL, MHD_OPTION_SOCK_ADDR,
        four ? (void *)&ipv4 : (void *)&ipv6, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)ASKING_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_END);
    if (!server->daemon) {
        hh_fail(error, HH_IO, "http.listen: can't listen on %s: %s", options->config->http.listen,
                errno ? strerror(errno) : "the HTTP server did not start");
        free(server);
        return NULL;
    }
    return server;
}

uint16_t hh_http_port(const hh_http *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void hh_http_stop(hh_http *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon);
    free(server);
}
