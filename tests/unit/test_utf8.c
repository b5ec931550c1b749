// What of a stranger's text may be shown on a terminal.
#include <criterion/criterion.h>

#include "wire/utf8.h"

#include <string.h>

static size_t of(const char *text)
{
    return hh_utf8_printable(text, strlen(text));
}

Test(utf8, characters_that_may_be_shown)
{
    cr_assert_eq(of("a"), 1);
    cr_assert_eq(of("\xc3\xa9t\xc3\xa9"), 2); // é
    cr_assert_eq(of("\xe2\x82\xac"), 3);      // euro
    cr_assert_eq(of("\xf0\x9f\x98\x80"), 4);  // a face
    cr_assert_eq(of("\xc2\xa0"), 2);          // the first after the controls
    cr_assert_eq(of("\xe2\x80\xa9"), 3);      // before the embeddings
    cr_assert_eq(of("\xe2\x80\xaf"), 3);      // after them
}

Test(utf8, characters_that_may_not)
{
    static const char *const bad[] = {"",
                                      "\x1b[2J",
                                      "\a",
                                      "\x7f",
                                      "\xc2\x9b",
                                      "\xe2\x80\xae",
                                      "\xe2\x80\xaa",
                                      "\xe2\x81\xa6",
                                      "\xe2\x81\xa9",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xc0\x80",
                                      "\xf5\x80\x80\x80",
                                      "\x80",
                                      "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(of(bad[i]), 0, "%zu", i);
}
