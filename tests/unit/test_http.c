// The HTTP server, by real requests over loopback.
#include "daemon/http.h"
#include "daemon/settings.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static hh_settings *settings;
static hh_metrics *metrics;
static hh_http *server;
static bool well, ready;
static int refreshed;

static void hear(void *context, const char *sentence)
{
    (void)context;
    cr_assert_null(sentence, "%s", sentence);
}

static bool is_healthy(void *context, char *reason, size_t size)
{
    (void)context;
    snprintf(reason, size, "%s", well ? "all threads move" : "worker 0 has not moved for 60 s");
    return well;
}

static bool is_ready(void *context, char *reason, size_t size)
{
    (void)context;
    snprintf(reason, size, "%s", ready ? "4 partitions" : "the graph is loading");
    return ready;
}

static void refresh(void *context)
{
    hh_metrics_set(metrics, HH_METRIC_GRAPH_CLICKS, 0, ++*(int *)context);
}

static void begin(void)
{
    settings = hh_settings_new();
    metrics = hh_metrics_new();
    cr_assert_eq(hh_settings_set(settings, "http.listen=127.0.0.1:0", hear, NULL), HH_OK);
    cr_assert_eq(hh_settings_set(settings, "instance.id=<one>", hear, NULL), HH_OK);
    hh_error error;
    server = hh_http_start(&(hh_http_options){.config = hh_settings_config(settings),
                                              .metrics = metrics,
                                              .healthy = is_healthy,
                                              .ready = is_ready,
                                              .refresh = refresh,
                                              .context = &refreshed},
                           &error);
    cr_assert_not_null(server, "%s", error.message);
    well = ready = true;
    refreshed = 0;
}

static void end(void)
{
    hh_http_stop(server);
    hh_metrics_free(metrics);
    hh_settings_free(settings);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

// Sends the text and returns all that comes until the server hangs up; the caller frees it.
static char *exchange(const char *request)
{
    int descriptor = connect_to(hh_http_port(server));
    cr_assert_eq(send(descriptor, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    size_t size = 1 << 20, used = 0;
    char *text = calloc(1, size);
    ssize_t got;
    while (used + 1 < size && (got = recv(descriptor, text + used, size - used - 1, 0)) > 0)
        used += (size_t)got;
    close(descriptor);
    return text;
}

static char *request(const char *method, const char *path)
{
    char text[512];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
    return exchange(text);
}

static int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static const char *body_of(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    return body ? body + 4 : "";
}

static void expect_get(const char *path, int status, const char *body)
{
    char *answer = request("GET", path);
    cr_expect_eq(status_of(answer), status, "%s", path);
    cr_expect_str_eq(body_of(answer), body);
    free(answer);
}

Test(http, health_and_readiness, .init = begin, .fini = end)
{
    expect_get("/health", 200, "healthy: all threads move\n");
    expect_get("/ready", 200, "ready: 4 partitions\n");
    ready = false;
    expect_get("/ready", 503, "not ready: the graph is loading\n");
    expect_get("/health", 200, "healthy: all threads move\n");
    well = false;
    expect_get("/health", 503, "unhealthy: worker 0 has not moved for 60 s\n");
}

Test(http, metrics_are_refreshed_and_complete, .init = begin, .fini = end)
{
    hh_metrics_add(metrics, HH_METRIC_RECOMMENDATIONS, 0, 42);
    char *answer = request("GET", "/metrics");
    cr_expect_eq(status_of(answer), 200);
    cr_expect_not_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    cr_expect_not_null(strstr(body_of(answer), "\nhiphop_recommendations_total 42\n"));
    cr_expect_not_null(strstr(body_of(answer), "\nhiphop_graph_clicks 1\n"), "refresh comes first");
    free(answer);
}

Test(http, the_page, .init = begin, .fini = end)
{
    hh_metrics_add(metrics, HH_METRIC_CLICKS, HH_OUTCOME_TAKEN, 1234567);
    hh_metrics_judge(metrics, 1, 0, 0);
    hh_metrics_judge(metrics, 2, 0, 0);
    char *answer = request("GET", "/");
    const char *body = body_of(answer);
    cr_expect_eq(status_of(answer), 200);
    cr_expect_not_null(strstr(answer, "Content-Type: text/html; charset=utf-8\r\n"));
    cr_expect_not_null(strstr(answer, "Content-Security-Policy: default-src 'none'"));
    cr_expect_not_null(strstr(body, "<b>Ready:</b> 4 partitions"));
    cr_expect_not_null(strstr(body, "instance &lt;one&gt;"), "what others choose is escaped");
    cr_expect_null(strstr(body, "<one>"));
    cr_expect_not_null(strstr(body, "1&#8239;234&#8239;567"));
    cr_expect_not_null(strstr(body, "<td>100.0 %</td><td>75.0 %</td>"), "live HR@20 and MRR@20");
    cr_expect_not_null(strstr(body, "</html>\n"));
    free(answer);
    well = false;
    answer = request("GET", "/");
    cr_expect_not_null(strstr(answer, "<b>Not well:</b> worker 0 has not moved for 60 s"));
    free(answer);
}

Test(http, what_is_not_there, .init = begin, .fini = end)
{
    char *answer = request("GET", "/nowhere");
    cr_expect_eq(status_of(answer), 404);
    free(answer);
    answer = request("GET", "/metrics/");
    cr_expect_eq(status_of(answer), 404);
    free(answer);
    answer = request("GET", "/metrics?name[]=x");
    cr_expect_eq(status_of(answer), 200, "a query is no part of the path");
    free(answer);
}

Test(http, only_to_be_read, .init = begin, .fini = end)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "BREW"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char *answer = request(methods[i], "/metrics");
        cr_expect_eq(status_of(answer), 405, "%s", methods[i]);
        cr_expect_not_null(strstr(answer, "Allow: GET, HEAD\r\n"));
        free(answer);
    }
    char *answer =
        exchange("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    cr_expect_eq(status_of(answer), 405);
    free(answer);
}

Test(http, head_has_headers_alone, .init = begin, .fini = end)
{
    static const char *const paths[] = {"/", "/metrics", "/health", "/nowhere"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *answer = request("HEAD", paths[i]);
        cr_expect_eq(status_of(answer), i == 3 ? 404 : 200);
        cr_expect_str_eq(body_of(answer), "");
        cr_expect_not_null(strcasestr(answer, "content-length: "));
        free(answer);
    }
}

Test(http, nonsense_does_no_harm, .init = begin, .fini = end)
{
    char *answer = exchange("\x16\x03\x01 not http at all\r\n\r\n");
    free(answer);
    char huge[40000];
    memset(huge, 'a', sizeof huge);
    memcpy(huge, "GET /", 5);
    memcpy(huge + sizeof huge - 30, " HTTP/1.1\r\nConnection: close\r\n\r\n", 29);
    huge[sizeof huge - 1] = '\0';
    int descriptor = connect_to(hh_http_port(server));
    send(descriptor, huge, sizeof huge - 1, MSG_NOSIGNAL);
    close(descriptor);
    expect_get("/health", 200, "healthy: all threads move\n");
}

// ---- who connects and asks nothing ----

enum { MOST = 128 };
static int held[MOST];

static void hold(int count)
{
    for (int i = 0; i < count; i++)
        held[i] = connect_to(hh_http_port(server));
}

static void let_go(int first, int end)
{
    for (int i = first; i < end; i++)
        close(held[i]);
}

// A request under way: its answer makes the descriptor readable.
static struct pollfd ask(void)
{
    static const char text[] = "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n";
    struct pollfd asked = {.fd = connect_to(hh_http_port(server)), .events = POLLIN};
    cr_assert_eq(send(asked.fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    return asked;
}

Test(http, a_hundred_idle_connections_keep_nobody_waiting, .init = begin, .fini = end)
{
    hold(100);
    expect_get("/health", 200, "healthy: all threads move\n");
    struct pollfd last = {.fd = held[99], .events = POLLIN};
    cr_expect_eq(poll(&last, 1, 0), 0, "answered before the idle ones were hung up on");
    let_go(0, 100);
}

// Whoever holds all connections holds no thread and no memory beyond them; when one goes, the next gets in.
Test(http, connections_are_bounded, .init = begin, .fini = end)
{
    hold(MOST);
    struct pollfd waiting = ask();
    cr_expect_eq(poll(&waiting, 1, 300), 0, "one connection too many was served");
    let_go(0, 1);
    cr_expect_eq(poll(&waiting, 1, 1000), 1, "the place of one that has gone was not given to the next");
    close(waiting.fd);
    let_go(1, MOST);
    expect_get("/ready", 200, "ready: 4 partitions\n");
}

Test(http, who_asks_nothing_is_soon_hung_up_on, .init = begin, .fini = end)
{
    hold(MOST);
    struct pollfd waiting = ask();
    cr_expect_eq(poll(&waiting, 1, 6000), 1, "idle connections shut others out");
    close(waiting.fd);
    let_go(0, MOST);
}

// A place is held for one answer, whatever the client would like.
Test(http, a_connection_is_for_one_request, .init = begin, .fini = end)
{
    char *answer = exchange("GET /ready HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
    cr_expect_eq(status_of(answer), 200);
    cr_expect_not_null(strstr(answer, "Connection: close\r\n"), "%s", answer);
    free(answer);
}

Test(http, an_address_in_use_is_an_error_with_a_reason, .init = begin, .fini = end)
{
    char assignment[64];
    snprintf(assignment, sizeof assignment, "http.listen=127.0.0.1:%u", hh_http_port(server));
    hh_settings *same = hh_settings_new();
    hh_settings_set(same, assignment, hear, NULL);
    hh_error error;
    hh_http *second = hh_http_start(
        &(hh_http_options){
            .config = hh_settings_config(same), .metrics = metrics, .healthy = is_healthy, .ready = is_ready},
        &error);
    cr_expect_null(second);
    cr_expect_eq(error.status, HH_IO);
    cr_expect_not_null(strstr(error.message, "Address already in use"), "%s", error.message);
    hh_settings_free(same);
}

Test(http, ipv6, .init = begin, .fini = end)
{
    hh_settings *six = hh_settings_new();
    hh_settings_set(six, "http.listen=[::1]:0", hear, NULL);
    hh_error error;
    hh_http *other = hh_http_start(
        &(hh_http_options){
            .config = hh_settings_config(six), .metrics = metrics, .healthy = is_healthy, .ready = is_ready},
        &error);
    // A machine without IPv6 says so; one with it serves.
    if (other) {
        struct sockaddr_in6 address = {
            .sin6_family = AF_INET6, .sin6_port = htons(hh_http_port(other)), .sin6_addr = in6addr_loopback};
        int descriptor = socket(AF_INET6, SOCK_STREAM, 0);
        cr_expect_eq(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
        close(descriptor);
        hh_http_stop(other);
    } else {
        cr_expect_eq(error.status, HH_IO);
    }
    hh_settings_free(six);
}
