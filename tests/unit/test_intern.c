#include "fail_alloc.h"
#include <criterion/criterion.h>
#include <hiphop/intern.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t acquire(hh_intern *table, const char *text)
{
    return hh_intern_acquire(table, text, strlen(text));
}

Test(intern, equal_strings_have_one_number_until_the_last_release)
{
    hh_intern *table = hh_intern_new(7);
    uint32_t a = acquire(table, "a");
    uint32_t b = acquire(table, "b");
    cr_assert_neq(a, b);
    cr_assert_eq(acquire(table, "a"), a);
    hh_intern_retain(table, a);
    hh_intern_release(table, a);
    hh_intern_release(table, a);
    cr_assert_eq(hh_intern_find(table, "a", 1), a);
    hh_intern_release(table, a);
    cr_assert_eq(hh_intern_find(table, "a", 1), HH_INTERN_NONE);
    cr_assert_eq(hh_intern_find(table, "b", 1), b);
    cr_assert_eq(hh_intern_count(table), 1);
    cr_assert_eq(acquire(table, "c"), a, "a free number is used again");
    hh_intern_free(table);
}

Test(intern, strings_are_bytes_with_a_length)
{
    hh_intern *table = hh_intern_new(0);
    uint32_t empty = hh_intern_acquire(table, NULL, 0);
    uint32_t zero = hh_intern_acquire(table, "\0", 1);
    uint32_t two = hh_intern_acquire(table, "\0\0", 2);
    cr_assert(empty != zero && zero != two && empty != two);
    size_t length = 9;
    cr_assert_str_eq(hh_intern_bytes(table, empty, &length), "");
    cr_assert_eq(length, 0);
    cr_assert_arr_eq(hh_intern_bytes(table, two, &length), "\0\0\0", 3);
    cr_assert_eq(length, 2);
    cr_assert_eq(hh_intern_find(table, "", 0), empty);
    hh_intern_free(table);
    hh_intern_free(NULL);
}

Test(intern, a_stream_of_new_strings_holds_only_what_is_in_use)
{
    enum { ALIVE = 1000, STREAM = 200000 };
    hh_intern *table = hh_intern_new(3);
    static uint32_t number[STREAM];
    char text[5000];
    size_t settled = 0;
    for (int i = 0; i < STREAM; i++) {
        // One in a thousand is longer than any block.
        int length = snprintf(text, sizeof text, "%0*d", i % 1000 ? 8 + i % 40 : 4500, i);
        number[i] = hh_intern_acquire(table, text, (size_t)length);
        cr_assert_lt(number[i], ALIVE + 1);
        if (i >= ALIVE)
            hh_intern_release(table, number[i - ALIVE]);
        if (i == STREAM / 10)
            settled = hh_intern_memory(table);
    }
    cr_assert_eq(hh_intern_count(table), ALIVE);
    cr_assert_leq(hh_intern_memory(table), settled + settled / 4);
    for (int i = STREAM - ALIVE; i < STREAM; i++) {
        int length = snprintf(text, sizeof text, "%0*d", i % 1000 ? 8 + i % 40 : 4500, i);
        cr_assert_eq(hh_intern_find(table, text, (size_t)length), number[i]);
        size_t got;
        cr_assert_str_eq(hh_intern_bytes(table, number[i], &got), text);
        cr_assert_eq(got, (size_t)length);
    }
    hh_intern_free(table);
}

Test(intern, agrees_with_an_array_of_strings)
{
    enum { STRINGS = 300 };
    hh_intern *table = hh_intern_new(11);
    int references[STRINGS] = {0};
    uint32_t number[STRINGS];
    size_t alive = 0;
    uint64_t random = 5;
    for (int step = 0; step < 100000; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int i = (int)((random >> 33) % STRINGS);
        char text[16];
        snprintf(text, sizeof text, "item %d", i);
        if (random >> 63) {
            uint32_t got = acquire(table, text);
            if (references[i]++ == 0) {
                number[i] = got;
                alive++;
            }
            cr_assert_eq(got, number[i]);
        } else if (references[i] > 0) {
            hh_intern_release(table, number[i]);
            if (--references[i] == 0)
                alive--;
        }
        cr_assert_eq(hh_intern_find(table, text, strlen(text)), references[i] ? number[i] : HH_INTERN_NONE);
        cr_assert_eq(hh_intern_count(table), alive);
    }
    hh_intern_free(table);
}

Test(intern, every_allocation_may_fail)
{
    fail_alloc_at(0);
    cr_assert_null(hh_intern_new(0));
    fail_alloc_done();

    hh_intern *table = hh_intern_new(0);
    char text[3000];
    for (int i = 0; i < 3000; i++) {
        int length = snprintf(text, sizeof text, "%0*d", i % 100 ? 9 : 2500, i);
        size_t count = hh_intern_count(table);
        for (long n = 0;; n++) {
            fail_alloc_at(n);
            uint32_t number = hh_intern_acquire(table, text, (size_t)length);
            if (!fail_alloc_done()) {
                cr_assert_eq(number, (uint32_t)i);
                break;
            }
            cr_assert_eq(number, HH_INTERN_NONE);
            cr_assert_eq(hh_intern_count(table), count);
            cr_assert_eq(hh_intern_find(table, text, (size_t)length), HH_INTERN_NONE);
        }
    }
    hh_intern_free(table);
}
