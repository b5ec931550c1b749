// Log lines: their form, quoting, journald's priorities, held complaints, and many threads at once.
#include "daemon/log.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct fixture {
    FILE *file;
    hh_logger *log;
    int64_t now; // of the log's clock
} fixture;

static int64_t clock_of(void *context)
{
    return ((fixture *)context)->now;
}

static fixture *start(int level)
{
    fixture *made = calloc(1, sizeof *made);
    cr_assert_not_null(made);
    made->file = tmpfile();
    made->log = hh_logger_new(fileno(made->file), level);
    cr_assert_not_null(made->log);
    hh_logger_set_clock(made->log, clock_of, made);
    return made;
}

static void stop(fixture *made)
{
    hh_logger_free(made->log);
    fclose(made->file);
    free(made);
}

// What has been written since the last call, without the time in front of each line.
static const char *said(fixture *made)
{
    static char text[1 << 16];
    char line[4096];
    text[0] = '\0';
    rewind(made->file);
    while (fgets(line, sizeof line, made->file)) {
        const char *rest = line[0] == '<' ? line : strchr(line, ' ') + 1;
        cr_assert_lt(strlen(text) + strlen(rest), sizeof text);
        memcpy(text + strlen(text), rest, strlen(rest) + 1);
    }
    rewind(made->file);
    cr_assert_eq(ftruncate(fileno(made->file), 0), 0);
    return text;
}

Test(log, a_line_is_level_message_and_values)
{
    fixture *made = start(HH_LOG_INFO);
    HH_LOG(made->log, HH_LOG_INFO, "started");
    HH_LOG(made->log, HH_LOG_WARNING, "partitions assigned", HH_TEXT("topic", "clicks"),
           HH_NUMBER("partition", -3), HH_REAL("share", 0.25), HH_BYTES("visitor", "annette", 3),
           HH_TEXT("none", NULL));
    cr_expect_str_eq(
        said(made),
        "info started\n"
        "warning partitions assigned topic=clicks partition=-3 share=0.25 visitor=ann none=\"\"\n");
    stop(made);
}

/* Of the clock that the log reads: time() is a tick of the kernel behind it. */
static time_t second_of_the_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

Test(log, time_is_utc_with_milliseconds)
{
    fixture *made = start(HH_LOG_INFO);
    char line[128];
    struct tm parts = {0};
    time_t before = second_of_the_clock();
    HH_LOG(made->log, HH_LOG_INFO, "started");
    rewind(made->file);
    cr_assert_not_null(fgets(line, sizeof line, made->file));
    const char *rest = strptime(line, "%Y-%m-%dT%H:%M:%S", &parts);
    cr_assert_not_null(rest);
    cr_expect_eq(rest[0], '.');
    cr_expect_eq(strspn(rest + 1, "0123456789"), 3);
    cr_expect_eq(strncmp(rest + 4, "Z info ", 7), 0);
    cr_expect(timegm(&parts) >= before && timegm(&parts) <= second_of_the_clock());
    stop(made);
}

Test(log, values_that_could_be_misread_are_quoted)
{
    fixture *made = start(HH_LOG_INFO);
    HH_LOG(made->log, HH_LOG_INFO, "x", HH_TEXT("a", "two words"), HH_TEXT("b", "k=v"),
           HH_TEXT("c", "say \"hi\\\""), HH_TEXT("d", "line\nbreak"), HH_TEXT("e", "\x1b[2J\x7f"),
           HH_BYTES("f", "a\0b", 3), HH_TEXT("g", "née"), HH_TEXT("h", ""));
    cr_expect_str_eq(said(made),
                     "info x a=\"two words\" b=\"k=v\" c=\"say \\\"hi\\\\\\\"\" d=\"line\\nbreak\" "
                     "e=\"\\x1b[2J\\x7f\" f=\"a\\x00b\" g=née h=\"\"\n");
    stop(made);
}

Test(log, long_lines_are_cut_and_stay_one_line)
{
    fixture *made = start(HH_LOG_INFO);
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    HH_LOG(made->log, HH_LOG_INFO, "long", HH_TEXT("value", text));
    const char *line = said(made);
    cr_expect_lt(strlen(line), 2048);
    cr_expect_str_eq(line + strlen(line) - 4, "...\n");
    stop(made);
}

Test(log, levels)
{
    fixture *made = start(HH_LOG_WARNING);
    HH_LOG(made->log, HH_LOG_INFO, "no");
    HH_LOG(made->log, HH_LOG_ERROR, "yes");
    hh_logger_set_level(made->log, HH_LOG_DEBUG);
    HH_LOG(made->log, HH_LOG_DEBUG, "now");
    cr_expect_str_eq(said(made), "error yes\ndebug now\n");
    stop(made);
}

Test(log, journald_gets_priorities_and_no_time)
{
    FILE *file = tmpfile();
    struct stat status;
    char stream[64];
    cr_assert_eq(fstat(fileno(file), &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    hh_logger *log = hh_logger_new(fileno(file), HH_LOG_DEBUG);
    for (int level = HH_LOG_ERROR; level <= HH_LOG_DEBUG; level++)
        HH_LOG(log, level, "said", HH_NUMBER("n", level));
    HH_COMPLAIN(log, HH_LOG_WARNING, "bad");
    HH_COMPLAIN(log, HH_LOG_WARNING, "bad");
    hh_logger_free(log);
    char text[512] = "";
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    cr_expect_str_eq(text, "<3>said n=0\n<4>said n=1\n<6>said n=2\n<7>said n=3\n<4>bad\n<4>bad repeated=1\n");

    cr_expect_str_eq(hh_log_priority(fileno(file), HH_LOG_ERROR), "<3>");

    // Standard error sent elsewhere is not the journal.
    FILE *other = tmpfile();
    cr_expect_str_eq(hh_log_priority(fileno(other), HH_LOG_ERROR), "");
    log = hh_logger_new(fileno(other), HH_LOG_INFO);
    HH_LOG(log, HH_LOG_INFO, "said");
    rewind(other);
    cr_expect_neq(fgetc(other), '<');
    hh_logger_free(log);
    unsetenv("JOURNAL_STREAM");
    fclose(other);
    fclose(file);
}

Test(log, a_complaint_is_said_once_a_minute_with_its_count)
{
    fixture *made = start(HH_LOG_INFO);
    made->now = 1000000;
    for (int i = 0; i < 5; i++)
        HH_COMPLAIN(made->log, HH_LOG_WARNING, "bad click", HH_NUMBER("offset", i));
    HH_COMPLAIN(made->log, HH_LOG_ERROR, "other");
    cr_expect_str_eq(said(made), "warning bad click offset=0\nerror other\n");

    made->now += 59999;
    hh_logger_tick(made->log);
    cr_expect_str_eq(said(made), "");
    made->now += 1;
    hh_logger_tick(made->log);
    cr_expect_str_eq(said(made), "warning bad click offset=4 repeated=4\n");
    hh_logger_tick(made->log);
    cr_expect_str_eq(said(made), "", "nothing is said twice");

    // The next minute begins with the last line: silence, then the next sum even without a tick.
    HH_COMPLAIN(made->log, HH_LOG_WARNING, "bad click", HH_NUMBER("offset", 9));
    cr_expect_str_eq(said(made), "");
    made->now += 60000;
    HH_COMPLAIN(made->log, HH_LOG_WARNING, "bad click", HH_NUMBER("offset", 10));
    cr_expect_str_eq(said(made), "warning bad click offset=10 repeated=2\n");

    // After a quiet minute the first is said at once again.
    made->now += 60000;
    HH_COMPLAIN(made->log, HH_LOG_WARNING, "bad click", HH_NUMBER("offset", 11));
    cr_expect_str_eq(said(made), "warning bad click offset=11\n");
    stop(made);
}

Test(log, what_is_held_is_said_at_the_end)
{
    FILE *file = tmpfile();
    char text[512];
    hh_logger *log = hh_logger_new(fileno(file), HH_LOG_INFO);
    for (int i = 0; i < 3; i++)
        HH_COMPLAIN(log, HH_LOG_WARNING, "bad");
    hh_logger_free(log);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    cr_expect_not_null(strstr(text, "warning bad repeated=2\n"), "%s", text);
    fclose(file);
}

enum { THREADS = 4, LINES = 500 };

static void *write_lines(void *context)
{
    for (int i = 0; i < LINES; i++) {
        HH_LOG(context, HH_LOG_INFO, "line", HH_NUMBER("n", i),
               HH_TEXT("tail", "abcdefghijklmnopqrstuvwxyz"));
        HH_COMPLAIN(context, HH_LOG_WARNING, "bad", HH_NUMBER("n", i));
    }
    return NULL;
}

Test(log, threads_do_not_mix_lines_and_lose_no_complaint)
{
    fixture *made = start(HH_LOG_INFO);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, write_lines, made->log), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    made->now = 60000;
    hh_logger_tick(made->log);
    char line[512];
    int whole = 0, complaints = 0;
    long repeated = 0;
    rewind(made->file);
    while (fgets(line, sizeof line, made->file)) {
        const char *rest = strchr(line, ' ') + 1, *count = strstr(rest, " repeated=");
        complaints += strncmp(rest, "warning bad n=", 14) == 0;
        if (count)
            repeated = strtol(count + 10, NULL, 10);
        whole += strncmp(rest, "info line n=", 12) == 0 && strstr(rest, " tail=abcdefghijklmnopqrstuvwxyz\n");
    }
    cr_expect_eq(whole, THREADS * LINES);
    cr_expect_eq(complaints, 2);
    cr_expect_eq(repeated, THREADS * LINES - 1);
    stop(made);
}

// A pipe whose reader stands still: nobody waits for it, and what was dropped is counted.
Test(log, a_reader_who_stands_still_stops_nobody, .timeout = 30)
{
    int ends[2];
    static char text[1 << 17];
    cr_assert_eq(pipe(ends), 0);
    hh_logger *log = hh_logger_new(ends[1], HH_LOG_INFO);
    for (int i = 0; i < 5000; i++)
        HH_LOG(log, HH_LOG_INFO, "said", HH_NUMBER("n", i));
    HH_COMPLAIN(log, HH_LOG_WARNING, "bad");
    ssize_t length = read(ends[0], text, sizeof text - 1);
    cr_assert(length > 4096 && length <= 1 << 16, "%zd", length);
    text[length] = '\0';
    int written = 0;
    for (const char *line = text; (line = strstr(line, "said n=")); line++)
        cr_assert_eq(strtoll(line + 7, NULL, 10), written++, "the first ones, each whole");
    HH_LOG(log, HH_LOG_INFO, "again");
    length = read(ends[0], text, sizeof text - 1);
    cr_assert_gt(length, 0);
    text[length] = '\0';
    char expected[64];
    const char *news = strstr(text, "lines were dropped");
    cr_assert_not_null(news, "%s", text);
    snprintf(expected, sizeof expected, "lines were dropped lines=%d\n", 5001 - written);
    cr_expect_eq(strncmp(news, expected, strlen(expected)), 0, "%s, and %d were written", text, written);
    cr_expect_not_null(strstr(news, "again\n"), "%s", text);
    hh_logger_free(log);
    close(ends[0]);
    close(ends[1]);
}
