#include <criterion/criterion.h>
#include <item_file.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <titles.h>
#include <unistd.h>
#include <zlib.h>

static const char *write_file(char *path, const char *text)
{
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    return path;
}

Test(item_file, items_come_as_they_stand_in_the_file)
{
    char path[] = "/tmp/hiphop-items-XXXXXX";
    struct item_file *file;
    hh_error error;
    item_row row;
    bool end;
    write_file(path,
               "{\"id\": \"a\", \"title\": \"Toy Story\"}\r\n\n{\"item\":7,\"price\":1}\n{\"id\":\"c\"}");
    cr_assert_eq(item_file_open(path, &file, &error), HH_OK);
    cr_assert_eq(item_file_next(file, &row, &end, &error), HH_OK);
    cr_assert_str_eq(row.id, "a");
    cr_assert_str_eq(row.title, "Toy Story");
    cr_assert_str_eq(row.line, "{\"id\": \"a\", \"title\": \"Toy Story\"}");
    cr_assert_eq(row.line_length, strlen(row.line));
    cr_assert_eq(item_file_next(file, &row, &end, &error), HH_OK);
    cr_assert_str_eq(row.id, "7");
    cr_assert_str_eq(row.title, "");
    cr_assert_eq(item_file_next(file, &row, &end, &error), HH_OK);
    cr_assert(!end);
    cr_assert_str_eq(row.id, "c", "the last line needs no newline");
    cr_assert_eq(item_file_next(file, &row, &end, &error), HH_OK);
    cr_assert(end);
    item_file_close(file);
    unlink(path);
}

Test(item_file, a_byte_order_mark_is_no_part_of_the_first_item)
{
    char path[] = "/tmp/hiphop-items-XXXXXX";
    struct item_file *file;
    hh_error error;
    item_row row;
    bool end;
    write_file(path, "\xef\xbb\xbf{\"id\":\"a\"}\n\xef\xbb\xbf{\"id\":\"b\"}\n");
    cr_assert_eq(item_file_open(path, &file, &error), HH_OK);
    cr_assert_eq(item_file_next(file, &row, &end, &error), HH_OK, "%s", error.message);
    cr_assert_str_eq(row.id, "a");
    cr_assert_str_eq(row.line, "{\"id\":\"a\"}", "as it goes into a topic");
    cr_assert_eq(row.line_length, strlen(row.line));
    cr_assert_eq(item_file_next(file, &row, &end, &error), HH_FORMAT, "only at the beginning");
    item_file_close(file);
    unlink(path);
}

Test(item_file, what_is_no_item_is_named_by_its_line)
{
    static const struct {
        const char *text, *word;
    } cases[] = {{"{\"id\":\"a\"}\n[1]\n", "line 2: not a JSON object"},
                 {"{\"id\":\"\"}\n", "line 1: has no id"},
                 {"{\"title\":\"x\"}\n", "line 1: has no id"},
                 {"\n{\"id\":\n", "line 2: "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[] = "/tmp/hiphop-items-XXXXXX";
        struct item_file *file;
        hh_error error;
        item_row row;
        bool end = false;
        write_file(path, cases[i].text);
        cr_assert_eq(item_file_open(path, &file, &error), HH_OK);
        hh_status status;
        while ((status = item_file_next(file, &row, &end, &error)) == HH_OK && !end)
            ;
        cr_assert_eq(status, HH_FORMAT, "case %zu", i);
        cr_assert_not_null(strstr(error.message, cases[i].word), "%s", error.message);
        item_file_close(file);
        unlink(path);
    }
    struct item_file *file;
    hh_error error;
    cr_assert_eq(item_file_open("/nonexistent/items.jsonl", &file, &error), HH_IO);
    cr_assert_null(file);
    cr_assert_not_null(strstr(error.message, "/nonexistent/items.jsonl"));
}

static hh_text text(const char *bytes)
{
    return (hh_text){bytes, strlen(bytes)};
}

Test(item_file, what_a_nul_hides_is_not_passed_over)
{
    static const char texts[2][34] = {"{\"id\":\"a\"}\n\0{\"id\":\"b\"}\n",
                                      "{\"id\":\"a\"}\n{\"id\":\"b\"}\0 more\n"};
    static const size_t sizes[2] = {22, 28};
    for (int i = 0; i < 2; i++) {
        char path[] = "/tmp/hiphop-items-XXXXXX";
        int descriptor = mkstemp(path);
        cr_assert_eq(write(descriptor, texts[i], sizes[i]), (ssize_t)sizes[i]);
        close(descriptor);
        struct item_file *file;
        hh_error error;
        item_row row;
        bool end;
        cr_assert_eq(item_file_open(path, &file, &error), HH_OK);
        cr_assert_eq(item_file_next(file, &row, &end, &error), HH_OK);
        cr_assert_eq(item_file_next(file, &row, &end, &error), HH_FORMAT);
        cr_assert_not_null(strstr(error.message, "line 2: holds a NUL byte"), "%s", error.message);
        item_file_close(file);
        unlink(path);
    }
}

Test(item_file, a_gzip_stream_that_is_cut_off_is_called_so)
{
    char path[] = "/tmp/hiphop-items-XXXXXX";
    write_file(path, "");
    gzFile out = gzopen(path, "wb");
    for (int i = 0; i < 1000; i++)
        gzprintf(out, "{\"id\":\"%d\"}\n", i * 7919 % 1000);
    gzclose(out);
    struct stat is;
    cr_assert_eq(stat(path, &is), 0);
    cr_assert_eq(truncate(path, is.st_size / 2), 0);
    struct item_file *file;
    hh_error error;
    item_row row;
    bool end = false;
    cr_assert_eq(item_file_open(path, &file, &error), HH_OK);
    hh_status status = HH_OK;
    while (status == HH_OK && !end)
        status = item_file_next(file, &row, &end, &error);
    cr_assert_eq(status, HH_IO);
    cr_assert_not_null(strstr(error.message, "the gzip stream is cut off"), "%s", error.message);
    item_file_close(file);
    unlink(path);
}

Test(titles, a_title_or_else_the_id)
{
    struct titles *titles = titles_new();
    char id[16], title[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "i%d", i);
        snprintf(title, sizeof title, "title %d", i);
        cr_assert_eq(titles_put(titles, text(id), text(title)), HH_OK);
    }
    cr_assert_eq(titles_put(titles, text("i7"), text("better")), HH_OK);
    cr_assert_eq(titles_put(titles, text("i8"), text("")), HH_OK); // no title: the old one stays
    cr_assert_eq(titles_count(titles), 5000);
    cr_assert_str_eq(titles_find(titles, text("i4999")).bytes, "title 4999");
    cr_assert_str_eq(titles_find(titles, text("i7")).bytes, "better");
    cr_assert_str_eq(titles_find(titles, text("i8")).bytes, "title 8");
    cr_assert_str_eq(titles_find(titles, text("i5000")).bytes, "i5000");
    titles_free(titles);
}
