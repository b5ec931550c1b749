// Leaks on purpose: the sanitizer builds run it to see that a leak fails a test.
#include <criterion/criterion.h>
#include <stdlib.h>

Test(leaks, a_block_is_lost)
{
    void *volatile lost = malloc(100);
    cr_assert_not_null(lost);
    lost = NULL;
}
