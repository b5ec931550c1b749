#include "fail_alloc.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <hiphop/session_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char path[64];

static void write_bytes(const char *bytes, size_t length)
{
    snprintf(path, sizeof path, "/tmp/hiphop-sessions-XXXXXX");
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, bytes, length), (ssize_t)length);
    close(file);
}

static void write_text(const char *text)
{
    write_bytes(text, strlen(text));
}

static void write_gzip(const char *text, long cut)
{
    write_text("");
    gzFile gz = gzopen(path, "wb");
    cr_assert_not_null(gz);
    gzputs(gz, text);
    gzclose(gz);
    FILE *file = fopen(path, "r+b");
    fseek(file, 0, SEEK_END);
    cr_assert_eq(ftruncate(fileno(file), ftell(file) - cut), 0);
    fclose(file);
}

static hh_status read_written(hh_sessions *sessions, hh_error *error)
{
    *error = (hh_error){0};
    hh_status status = hh_sessions_read(sessions, path, error);
    unlink(path);
    return status;
}

static hh_sessions *read_good(void)
{
    hh_error error;
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_not_null(sessions);
    cr_assert_eq(read_written(sessions, &error), HH_OK, "%s", error.message);
    return sessions;
}

// The session as a text, its items separated by blanks.
static void expect(const hh_sessions *sessions, uint32_t session, const char *wanted)
{
    hh_sessions_view view;
    hh_sessions_view_read(sessions, &view);
    char text[256] = "";
    cr_assert_lt(session, view.sessions);
    for (uint32_t click = view.first[session]; click < view.first[session + 1]; click++) {
        size_t length;
        const char *id = hh_sessions_item(sessions, view.item[click], &length);
        cr_assert_eq(length, strlen(id));
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " " : "", id);
    }
    cr_assert_str_eq(text, wanted);
}

Test(session_file, a_session_a_line_items_in_the_order_of_their_first_occurrence)
{
    write_text("b a b\n"
               "\n"
               "  c\ta  \r\n"
               "\t \n"
               "d");
    hh_sessions *sessions = read_good();
    hh_sessions_view view;
    hh_sessions_view_read(sessions, &view);
    cr_assert_eq(view.sessions, 3);
    cr_assert_eq(view.clicks, 6);
    cr_assert_eq(view.items, 4);
    expect(sessions, 0, "b a b");
    expect(sessions, 1, "c a");
    expect(sessions, 2, "d");
    cr_assert_eq(view.first[0], 0);
    const uint32_t numbers[] = {0, 1, 0, 2, 1, 3};
    cr_assert_arr_eq(view.item, numbers, sizeof numbers);
    cr_assert_null(hh_sessions_item(sessions, 4, NULL));
    hh_sessions_free(sessions);
    hh_sessions_free(NULL);
}

Test(session_file, a_second_file_goes_on_with_the_same_items)
{
    write_text("a b\n");
    hh_sessions *sessions = read_good();
    hh_sessions_view train, both;
    hh_sessions_view_read(sessions, &train);
    write_gzip("\xef\xbb\xbf"
               "new b new2\n",
               0);
    hh_error error;
    cr_assert_eq(read_written(sessions, &error), HH_OK, "%s", error.message);
    hh_sessions_view_read(sessions, &both);
    cr_assert_eq(both.sessions, 2);
    expect(sessions, 1, "new b new2");
    const bool unknown[] = {true, false, true}; // to the first file
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(both.item[both.first[1] + i] >= train.items, unknown[i]);
    hh_sessions_free(sessions);
}

Test(session_file, standard_input)
{
    write_gzip("a b\n", 0);
    int input = open(path, O_RDONLY);
    unlink(path);
    cr_assert_eq(dup2(input, STDIN_FILENO), STDIN_FILENO);
    hh_error error = {0};
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(hh_sessions_read(sessions, "-", &error), HH_OK, "%s", error.message);
    expect(sessions, 0, "a b");
    hh_sessions_free(sessions);
}

Test(session_file, an_empty_file_is_no_session)
{
    write_text("");
    hh_sessions *sessions = read_good();
    hh_sessions_view view;
    hh_sessions_view_read(sessions, &view);
    cr_assert_eq(view.sessions + view.clicks + view.items, 0);
    hh_sessions_free(sessions);
}

static void expect_failure(hh_status wanted, const char *where, const char *what)
{
    hh_error error;
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(read_written(sessions, &error), wanted, "%s", error.message);
    cr_assert_not_null(strstr(error.message, where), "%s", error.message);
    cr_assert_not_null(strstr(error.message, what), "%s", error.message);
    hh_sessions_free(sessions);
}

Test(session_file, a_bad_line_is_named_and_what_was_before_it_is_there)
{
    char text[4096] = "a b\n\n";
    memset(text + strlen(text), 'x', HH_SESSION_FILE_ID_MAX);
    memcpy(text + strlen(text), " c ", 4);
    memset(text + strlen(text), 'y', HH_SESSION_FILE_ID_MAX + 1);
    write_text(text);
    hh_error error;
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(read_written(sessions, &error), HH_FORMAT);
    cr_assert_not_null(strstr(error.message, "line 3: item 3 has 1025 bytes; ids have 1 to 1024"), "%s",
                       error.message);
    hh_sessions_view view;
    hh_sessions_view_read(sessions, &view);
    cr_assert_eq(view.sessions, 1);
    cr_assert_eq(view.items, 2);
    hh_sessions_free(sessions);
    write_bytes("a\nb\0c\n", 6);
    expect_failure(HH_FORMAT, "line 2", "NUL");
}

Test(session_file, files_that_are_none)
{
    char *text = malloc(1 << 20);
    memset(text, 'x', 1 << 20);
    for (size_t i = 0; i < 1 << 20; i += 9)
        text[i] = ' ';
    memcpy(text, "a b\n", 4);
    write_bytes(text, 1 << 20);
    free(text);
    expect_failure(HH_FORMAT, "line 2", "is this a file of sessions?");
    write_gzip("a b\nb c\n", 6);
    expect_failure(HH_IO, "line", "cut off");
    snprintf(path, sizeof path, "/tmp/hiphop-no-such-file");
    expect_failure(HH_IO, path, "No such file");
    snprintf(path, sizeof path, "/tmp/hiphop-sessions-dir-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    hh_error error = {0};
    hh_sessions *sessions = hh_sessions_new(&error);
    cr_assert_eq(hh_sessions_read(sessions, path, &error), HH_IO);
    cr_assert_not_null(strstr(error.message, "directory"), "%s", error.message);
    hh_sessions_free(sessions);
    rmdir(path);
}

Test(session_file, each_allocation_may_fail)
{
    char text[8192] = "";
    for (int i = 0; i < 400; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "i%d %s", i % 90, i % 5 ? "" : "\n");
    char kept[64];
    write_text(text);
    memcpy(kept, path, sizeof kept);
    long n = 0;
    for (;; n++) {
        hh_error error = {0};
        fail_alloc_at(n);
        hh_sessions *sessions = hh_sessions_new(&error);
        hh_status status = sessions ? hh_sessions_read(sessions, kept, &error) : error.status;
        bool done = fail_alloc_done();
        hh_sessions_free(sessions);
        if (!done) {
            cr_assert_eq(status, HH_OK);
            break;
        }
        cr_assert_eq(status, HH_MEMORY, "%s", error.message);
        cr_assert_eq(error.status, HH_MEMORY);
    }
    cr_assert_gt(n, 5);
    unlink(kept);
}
