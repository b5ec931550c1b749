// Runs the tests of one executable one after another, for ThreadSanitizer (criterion/criterion.h beside it).
#include "criterion/criterion.h"
#include <stdarg.h>
#include <stdio.h>

static plain_test *first, **last = &first;

void plain_add(plain_test *test)
{
    *last = test;
    last = &test->next;
}

void plain_fail(const char *file, int line, const char *what, const char *message, ...)
{
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    if (message) {
        va_list arguments;
        va_start(arguments, message);
        vfprintf(stderr, message, arguments);
        va_end(arguments);
        fputc('\n', stderr);
    }
    exit(1);
}

int main(void)
{
    unsigned ran = 0;
    for (plain_test *test = first; test; test = test->next) {
        if (test->options.disabled)
            continue;
        fprintf(stderr, "[RUN ] %s::%s\n", test->suite, test->name);
        if (test->options.init)
            test->options.init();
        test->run();
        if (test->options.fini)
            test->options.fini();
        ran++;
    }
    fprintf(stderr, "[====] Synthesis: Tested: %u | Passing: %u | Failing: 0 | Crashing: 0\n", ran, ran);
    return 0;
}
