// Item vectors as files: the bytes of NumPy's format, and ids that nothing can break.
#include "npy.h"
#include "vector_files.h"

#include <criterion/criterion.h>
#include <hiphop/model_file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// As numpy 1.24 writes it: numpy.save of an array of zeros((3, 100), "<f4").
Test(vector_files, the_header_is_numpys)
{
    char header[NPY_HEADER_SIZE + 1] = {0};
    static const char text[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 100), }";
    npy_header(header, 3, 100);
    cr_assert_eq(memcmp(header, "\x93NUMPY\1\0\x76\0", 10), 0);
    cr_assert_eq(memcmp(header + 10, text, sizeof text - 1), 0);
    for (size_t i = 10 + sizeof text - 1; i < NPY_HEADER_SIZE - 1; i++)
        cr_assert_eq(header[i], ' ');
    cr_assert_eq(header[NPY_HEADER_SIZE - 1], '\n');
    npy_header(header, UINT64_MAX, UINT64_MAX);
    cr_assert_eq(header[NPY_HEADER_SIZE - 1], '\n');
    cr_assert_not_null(strstr(header + 10, "(18446744073709551615, 18446744073709551615), }"));
}

Test(vector_files, rows_stand_in_the_order_of_their_ids)
{
    char prefix[] = "/tmp/hiphop-vectors-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(prefix));
    static const float x[3][2] = {{1, 2}, {3, 4}, {5, 6}};
    item_vector rows[] = {{{"b", 1}, x[0]}, {{"a\n\"b\"\xff", 6}, x[1]}, {{"a", 1}, x[2]}};
    hh_error error;
    void *bytes;
    size_t size;
    cr_assert_eq(vector_files_write(prefix, rows, 3, 2, &error), HH_OK, "%s", error.message);
    snprintf(path, sizeof path, "%s.npy", prefix);
    cr_assert_eq(hh_file_read(path, &bytes, &size, &error), HH_OK);
    cr_assert_eq(size, NPY_HEADER_SIZE + sizeof x);
    static const float wanted[] = {5, 6, 3, 4, 1, 2};
    cr_assert_eq(memcmp((char *)bytes + NPY_HEADER_SIZE, wanted, sizeof wanted), 0);
    free(bytes);
    unlink(path);
    snprintf(path, sizeof path, "%s.ids.jsonl", prefix);
    cr_assert_eq(hh_file_read(path, &bytes, &size, &error), HH_OK);
    static const char ids[] = "\"a\"\n\"a\\n\\\"b\\\"\\\\xff\"\n\"b\"\n";
    cr_assert(size == sizeof ids - 1 && memcmp(bytes, ids, size) == 0, "%.*s", (int)size, (char *)bytes);
    free(bytes);
    unlink(path);
    cr_assert_eq(vector_files_write(prefix, rows, 0, 2, &error), HH_OK, "no items are no trouble");
    unlink(path);
    snprintf(path, sizeof path, "%s.npy", prefix);
    unlink(path);
    cr_assert_eq(rmdir(prefix), 0);
    cr_assert_eq(vector_files_write("/nowhere/at/all", rows, 3, 2, &error), HH_IO);
    cr_assert_not_null(strstr(error.message, "/nowhere/at/all"));
}

// Rows of one file belong to those of the other.
Test(vector_files, both_stay_as_they_are_when_one_cannot_be_written)
{
    char prefix[] = "/tmp/hiphop-vectors-XXXXXX", in_the_way[80], path[64];
    cr_assert_not_null(mkdtemp(prefix));
    static const float x[2][1] = {{1}, {2}};
    item_vector before[] = {{{"a", 1}, x[0]}}, after[] = {{{"b", 1}, x[0]}, {{"c", 1}, x[1]}};
    hh_error error;
    void *bytes;
    size_t size;
    cr_assert_eq(vector_files_write(prefix, before, 1, 1, &error), HH_OK);
    snprintf(in_the_way, sizeof in_the_way, "%s.npy.%d.new", prefix, (int)getpid());
    cr_assert_eq(mkdir(in_the_way, 0700), 0);
    cr_assert_eq(vector_files_write(prefix, after, 2, 1, &error), HH_IO);
    cr_assert_eq(rmdir(in_the_way), 0);
    snprintf(path, sizeof path, "%s.ids.jsonl", prefix);
    cr_assert_eq(hh_file_read(path, &bytes, &size, &error), HH_OK);
    cr_assert(size == 4 && memcmp(bytes, "\"a\"\n", 4) == 0);
    free(bytes);
    unlink(path);
    snprintf(path, sizeof path, "%s.ids.jsonl.%d.new", prefix, (int)getpid());
    cr_assert_neq(access(path, F_OK), 0, "what had been made is gone");
    snprintf(path, sizeof path, "%s.npy", prefix);
    cr_assert_eq(hh_file_read(path, &bytes, &size, &error), HH_OK);
    cr_assert_eq(size, NPY_HEADER_SIZE + sizeof *x);
    free(bytes);
    unlink(path);
    cr_assert_eq(rmdir(prefix), 0);
}
