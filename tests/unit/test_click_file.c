#include <criterion/criterion.h>
#include <fcntl.h>
#include <hiphop/click_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char path[64];

static void write_bytes(const char *bytes, size_t length)
{
    snprintf(path, sizeof path, "/tmp/hiphop-clicks-XXXXXX");
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, bytes, length), (ssize_t)length);
    close(file);
}

static void write_text(const char *text)
{
    write_bytes(text, strlen(text));
}

static void write_gzip(const char *text, size_t cut)
{
    write_text("");
    gzFile gz = gzopen(path, "wb");
    cr_assert_not_null(gz);
    gzputs(gz, text);
    gzclose(gz);
    FILE *file = fopen(path, "r+b");
    fseek(file, 0, SEEK_END);
    cr_assert_eq(ftruncate(fileno(file), ftell(file) - (long)cut), 0);
    fclose(file);
}

static hh_click_file *open_written(void)
{
    hh_error error = {0};
    hh_click_file *file = hh_click_file_open(path, &error);
    cr_assert_not_null(file, "%s", error.message);
    unlink(path);
    return file;
}

static void expect(hh_click_file *file, const char *visitor, const char *item, hh_time time, uint64_t line)
{
    hh_click_row row;
    hh_error error = {0};
    bool end;
    cr_assert_eq(hh_click_file_next(file, &row, &end, &error), HH_OK, "%s", error.message);
    cr_assert_not(end);
    cr_assert_eq(row.visitor_length, strlen(visitor));
    cr_assert_eq(memcmp(row.visitor, visitor, row.visitor_length), 0);
    cr_assert_eq(row.item_length, strlen(item));
    cr_assert_eq(memcmp(row.item, item, row.item_length), 0);
    cr_assert_eq(row.time, time);
    cr_assert_eq(row.line, line);
}

static void expect_end(hh_click_file *file)
{
    hh_click_row row;
    bool end = false;
    cr_assert_eq(hh_click_file_next(file, &row, &end, NULL), HH_OK);
    cr_assert(end);
    cr_assert_eq(hh_click_file_next(file, &row, &end, NULL), HH_OK);
    cr_assert(end);
}

static void expect_bad(hh_click_file *file, hh_status status, const char *line, const char *sentence)
{
    hh_click_row row;
    hh_error error = {0};
    bool end;
    cr_assert_eq(hh_click_file_next(file, &row, &end, &error), status);
    cr_assert_not_null(strstr(error.message, line), "'%s' in: %s", line, error.message);
    cr_assert_not_null(strstr(error.message, sentence), "'%s' in: %s", sentence, error.message);
}

static void expect_no_open(hh_status status, const char *sentence)
{
    hh_error error = {0};
    cr_assert_null(hh_click_file_open(path, &error));
    unlink(path);
    cr_assert_eq(error.status, status);
    cr_assert_not_null(strstr(error.message, sentence), "'%s' in: %s", sentence, error.message);
}

Test(click_file, columns_in_any_order_others_ignored)
{
    write_text("extra\tunix_ms\titem\tmore\tvisitor\r\n"
               "x\t1506826800026\ta\t\tv 1\textra\r\n"
               "\n"
               "\t0\tb\ty\tv2");
    hh_click_file *file = open_written();
    expect(file, "v 1", "a", 1506826800026, 2);
    expect(file, "v2", "b", 0, 4);
    expect_end(file);
    hh_click_file_close(file);
}

Test(click_file, gzip_and_plain_are_told_apart_by_their_bytes)
{
    write_gzip("\xef\xbb\xbfvisitor\titem\tunix_ms\nv\ti\t5\n", 0);
    hh_click_file *file = open_written();
    expect(file, "v", "i", 5, 2);
    expect_end(file);
    cr_assert_float_eq(hh_click_file_progress(file), 1, 1e-9);
    hh_click_file_close(file);
}

Test(click_file, standard_input)
{
    write_gzip("visitor\titem\tunix_ms\nv\ti\t5\n", 0);
    int input = open(path, O_RDONLY);
    unlink(path);
    cr_assert_eq(dup2(input, STDIN_FILENO), STDIN_FILENO);
    hh_click_file *file = hh_click_file_open("-", NULL);
    cr_assert_not_null(file);
    expect(file, "v", "i", 5, 2);
    cr_assert_float_eq(hh_click_file_progress(file), -1, 1e-9);
    hh_click_file_close(file);
}

Test(click_file, a_gzip_stream_that_is_cut_off_is_no_end)
{
    write_gzip("visitor\titem\tunix_ms\nv\ti\t5\n", 6);
    hh_error error = {0};
    hh_click_file *file = hh_click_file_open(path, &error);
    unlink(path);
    hh_click_row row;
    bool end = false;
    hh_status status = file ? HH_OK : error.status;
    while (status == HH_OK && !end)
        status = hh_click_file_next(file, &row, &end, &error);
    cr_assert_eq(status, HH_IO);
    cr_assert_not_null(strstr(error.message, "cut off"), "%s", error.message);
    hh_click_file_close(file);
}

Test(click_file, what_came_before_a_cut_is_read)
{
    write_gzip("visitor\titem\tunix_ms\nv\ti\t5\nw\tj\t6\n", 4); // only the checksum's size is missing
    hh_error error = {0};
    hh_click_file *file = hh_click_file_open(path, &error);
    unlink(path);
    cr_assert_not_null(file, "%s", error.message);
    expect(file, "v", "i", 5, 2);
    expect(file, "w", "j", 6, 3);
    hh_click_row row;
    bool end = false;
    cr_assert_eq(hh_click_file_next(file, &row, &end, &error), HH_IO);
    cr_assert_not_null(strstr(error.message, "line 4: the gzip stream is cut off here"), "%s", error.message);
    hh_click_file_close(file);
}

Test(click_file, a_bad_line_is_named_and_the_next_one_still_read)
{
    write_bytes("visitor\titem\tunix_ms\n"
                "v\ti\n"
                "v\ti\t12x\n"
                "v\ti\t-5\n"
                "v\ti\t999999999999999\n"
                "v\t\t5\n"
                "v\0\ti\t5\n"
                "v\ti\t7\n",
                20 + 1 + 4 + 8 + 7 + 20 + 5 + 7 + 6);
    hh_click_file *file = open_written();
    expect_bad(file, HH_FORMAT, "line 2", "2 columns where the header asks for 3");
    expect_bad(file, HH_FORMAT, "line 3", "'12x' is not a time; write whole milliseconds");
    expect_bad(file, HH_FORMAT, "line 4", "'-5' is not a time");
    expect_bad(file, HH_FORMAT, "line 5", "is not a time");
    expect_bad(file, HH_FORMAT, "line 6", "the item has 0 bytes");
    expect_bad(file, HH_FORMAT, "line 7", "NUL");
    expect(file, "v", "i", 7, 8);
    expect_end(file);
    hh_click_file_close(file);
}

Test(click_file, headers_that_are_none)
{
    write_text("");
    expect_no_open(HH_FORMAT, "line 1: the file is empty");
    write_text("visitor,item,unix_ms\nv,i,5\n");
    expect_no_open(HH_FORMAT, "no column 'visitor'");
    write_text("visitor\titem\tunix_ms\titem\n");
    expect_no_open(HH_FORMAT, "'item' twice");
    snprintf(path, sizeof path, "/tmp/hiphop-no-such-file");
    expect_no_open(HH_IO, "No such file");
    snprintf(path, sizeof path, "/tmp/hiphop-clicks-dir-XXXXXX");
    cr_assert_not_null(mkdtemp(path));
    hh_error error = {0};
    cr_assert_null(hh_click_file_open(path, &error));
    rmdir(path);
    cr_assert_not_null(strstr(error.message, "directory"), "%s", error.message);
}

Test(click_file, lines_across_buffers_and_lines_that_are_too_long)
{
    size_t size = 3 << 20;
    char *text = malloc(size);
    size_t length = (size_t)snprintf(text, size, "visitor\titem\tunix_ms\n");
    for (int i = 0; i < 50000; i++)
        length += (size_t)snprintf(text + length, size - length, "visitor-%d\titem-%d\t%d\n", i, i % 7, i);
    memset(text + length, 'x', 1 << 20);
    length += 1 << 20;
    length += (size_t)snprintf(text + length, size - length, "\nlast\ti\t1\n");
    write_bytes(text, length);
    free(text);

    hh_click_file *file = open_written();
    for (int i = 0; i < 50000; i++) {
        char visitor[32], item[32];
        snprintf(visitor, sizeof visitor, "visitor-%d", i);
        snprintf(item, sizeof item, "item-%d", i % 7);
        expect(file, visitor, item, i, (uint64_t)i + 2);
    }
    expect_bad(file, HH_FORMAT, "line 50002", "longer than");
    expect(file, "last", "i", 1, 50003);
    expect_end(file);
    hh_click_file_close(file);
}
