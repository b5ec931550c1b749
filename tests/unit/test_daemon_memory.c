// Each allocation of the daemon's own tools fails once: what was asked for says so and loses nothing.
#include "daemon/http.h"
#include "daemon/inputs.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/settings.h"
#include "fail_alloc.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/hiphop-memory-XXXXXX";

static void write_settings(void)
{
    static const char text[] =
        "kafka: { properties = (\"client.id=a\", \"client.rack=b\"); };\n"
        "topics: { sessions = \"mine\"; };\ngraph: { pop_half_life = [\"1m\", \"2h\", \"3d\"]; };\n";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
}

static void hear(void *context, const char *sentence)
{
    cr_assert_neq(sentence[0], '\0');
    ++*(int *)context;
}

// Reads all sources as the command line does. False where anything failed, which must have been said.
static bool read_all(hh_settings *settings)
{
    int said = 0;
    bool right = hh_settings_read(settings, path, hear, &said) == HH_OK;
    right &= hh_settings_set(settings, "kafka.group=g", hear, &said) == HH_OK;
    right &= hh_settings_finish(settings, hear, &said) == HH_OK;
    cr_assert_eq(right, said == 0, "what fails is said, and only that");
    return right;
}

Test(daemon_memory, settings)
{
    write_settings();
    long n = 0;
    bool failed = true;
    for (; failed; n++) {
        fail_alloc_at(n);
        hh_settings *settings = hh_settings_new();
        bool right = settings && read_all(settings);
        failed = fail_alloc_done();
        cr_expect(right || failed);
        if (right) {
            // Where one failed and nothing was said, what is there must be complete all the same.
            const hh_config *config = hh_settings_config(settings);
            cr_expect_eq(config->kafka.properties.count, 2);
            cr_expect_str_eq(config->kafka.properties.items[1], "client.rack=b");
            cr_expect_str_eq(config->topics.sessions, "mine");
            cr_expect_str_eq(config->kafka.group, "g");
        }
        hh_settings_free(settings);
    }
    cr_expect_gt(n, 20, "%ld", n);
    unlink(path);
}

// A reload that runs out of memory leaves everything as it was.
Test(daemon_memory, reload)
{
    write_settings();
    hh_settings *settings = hh_settings_new();
    cr_assert(read_all(settings));
    for (bool failed = true; failed;) {
        int said = 0;
        static long n = 0;
        fail_alloc_at(n++);
        hh_status status = hh_settings_reload(settings, hear, hear, &said);
        failed = fail_alloc_done();
        cr_assert_eq(status == HH_OK, said == 0);
        cr_expect_str_eq(hh_settings_config(settings)->topics.sessions, "mine");
    }
    hh_settings_free(settings);
    unlink(path);
}

Test(daemon_memory, metrics_and_log)
{
    for (long n = 0; n < 2; n++) {
        fail_alloc_at(n);
        cr_expect_null(hh_metrics_new());
        cr_expect(fail_alloc_done());
    }
    fail_alloc_at(0);
    cr_expect_null(hh_logger_new(2, HH_LOG_INFO));
    cr_expect(fail_alloc_done());
}

Test(daemon_memory, http)
{
    int said = 0;
    hh_settings *settings = hh_settings_new();
    hh_settings_set(settings, "http.listen=127.0.0.1:0", hear, &said);
    hh_http_options options = {.config = hh_settings_config(settings)};
    hh_error error;
    fail_alloc_at(0);
    cr_expect_null(hh_http_start(&options, &error));
    cr_expect(fail_alloc_done());
    cr_expect_eq(error.status, HH_MEMORY);
    hh_settings_free(settings);
}

Test(daemon_memory, schema)
{
    int said = 0;
    char *text, assignment[128];
    hh_error error;
    write_settings(); // any file will do
    hh_settings *settings = hh_settings_new();
    snprintf(assignment, sizeof assignment, "clicks.schema=%s", path);
    hh_settings_set(settings, "clicks.format=avro", hear, &said);
    hh_settings_set(settings, assignment, hear, &said);
    fail_alloc_at(0);
    cr_expect_eq(hh_click_schema(hh_settings_config(settings), &text, &error), HH_MEMORY);
    cr_expect(fail_alloc_done());
    cr_expect_null(text);
    cr_expect_eq(hh_click_schema(hh_settings_config(settings), &text, &error), HH_OK);
    cr_expect_not_null(text);
    free(text);
    hh_settings_free(settings);
    unlink(path);
}
