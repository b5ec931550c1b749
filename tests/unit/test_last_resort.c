// A process that would never stop does.
#include "daemon/last_resort.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

Test(last_resort, ends_a_process_that_stands_still)
{
    pid_t child = fork();
    if (child == 0) {
        if (!hh_last_resort_ready())
            _exit(1);
        hh_last_resort(7, 50);
        for (;;)
            pause();
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
