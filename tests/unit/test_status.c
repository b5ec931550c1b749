#include <criterion/criterion.h>
#include <hiphop/status.h>
#include <string.h>

Test(status, every_status_has_a_name_and_a_sentence)
{
    cr_assert_str_eq(hh_status_name(HH_FORMAT), "FORMAT");
    for (int status = HH_OK; status <= HH_IO; status++)
        cr_assert_gt(strlen(hh_status_text((hh_status)status)), 0);
    cr_assert_str_eq(hh_status_name((hh_status)999), "ARGUMENT");
}

Test(status, fail_fills_the_error_and_cuts_off_what_is_too_long)
{
    hh_error error;
    cr_assert_eq(hh_fail(&error, HH_LIMIT, "%0600d", 1), HH_LIMIT);
    cr_assert_eq(error.status, HH_LIMIT);
    cr_assert_eq(strlen(error.message), sizeof error.message - 1);
    cr_assert_eq(hh_fail(&error, HH_MEMORY, NULL), HH_MEMORY);
    cr_assert_str_eq(error.message, "out of memory");
    cr_assert_eq(hh_fail(NULL, HH_IO, "nobody listens"), HH_IO);
}
