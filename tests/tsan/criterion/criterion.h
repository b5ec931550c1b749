// Criterion's face, without its sandbox: what tests labelled `thread` are built with for ThreadSanitizer,
// which refuses the addresses at which Criterion maps its memory. The tests run one after another in one
// process (plain_runner.c); the first failed assertion ends it.
#ifndef TESTS_TSAN_CRITERION_H
#define TESTS_TSAN_CRITERION_H
#pragma GCC system_header // its macros are Criterion's business, not a matter of our warnings

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct plain_test {
    const char *suite, *name;
    void (*run)(void);
    struct plain_options {
        int first; // keeps an empty list of options valid
        void (*init)(void);
        void (*fini)(void);
        double timeout;
        bool disabled;
        int exit_code, signal;
        const char *description;
    } options;
    struct plain_test *next;
} plain_test;

void plain_add(plain_test *test);
// message: NULL, or a format with its arguments.
_Noreturn void plain_fail(const char *file, int line, const char *what, const char *message, ...);

#define Test(suite, name, ...) PLAIN_TEST(suite, name, __VA_ARGS__)
#define PLAIN_TEST(suite_, name_, ...)                                                        \
    static void suite_##_##name_(void);                                                       \
    __attribute__((constructor)) static void suite_##_##name_##_add(void)                     \
    {                                                                                         \
        static plain_test test = {#suite_, #name_, suite_##_##name_, {0, __VA_ARGS__}, NULL}; \
        plain_add(&test);                                                                     \
    }                                                                                         \
    static void suite_##_##name_(void)

#define PLAIN_1(a, ...)               a
#define PLAIN_2(a, b, ...)            b
#define PLAIN_3(a, b, c, ...)         c
#define PLAIN_AFTER_1(a, ...)         __VA_ARGS__
#define PLAIN_AFTER_2(a, b, ...)      __VA_ARGS__
#define PLAIN_AFTER_3(a, b, c, ...)   __VA_ARGS__
#define PLAIN_CHECK(holds, text, ...) ((holds) ? (void)0 : plain_fail(__FILE__, __LINE__, text, __VA_ARGS__))
#define PLAIN_ONE(holds, text, ...)   PLAIN_CHECK(holds, text, PLAIN_AFTER_1(__VA_ARGS__, NULL))
#define PLAIN_TWO(holds, text, ...)   PLAIN_CHECK(holds, text, PLAIN_AFTER_2(__VA_ARGS__, NULL))
#define PLAIN_THREE(holds, text, ...) PLAIN_CHECK(holds, text, PLAIN_AFTER_3(__VA_ARGS__, NULL))
#define PLAIN_A(...)                  (PLAIN_1(__VA_ARGS__, 0))
#define PLAIN_B(...)                  (PLAIN_2(__VA_ARGS__, 0, 0))
#define PLAIN_C(...)                  (PLAIN_3(__VA_ARGS__, 0, 0))
#define PLAIN_PAIR(op, ...) \
    PLAIN_TWO(PLAIN_A(__VA_ARGS__) op PLAIN_B(__VA_ARGS__), #op ": " #__VA_ARGS__, __VA_ARGS__)

#define cr_assert(...)      PLAIN_ONE(PLAIN_A(__VA_ARGS__), #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_not(...)  PLAIN_ONE(!PLAIN_A(__VA_ARGS__), "not " #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_null(...) PLAIN_ONE(PLAIN_A(__VA_ARGS__) == NULL, "null: " #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_not_null(...) \
    PLAIN_ONE(PLAIN_A(__VA_ARGS__) != NULL, "not null: " #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_eq(...)  PLAIN_PAIR(==, __VA_ARGS__)
#define cr_assert_neq(...) PLAIN_PAIR(!=, __VA_ARGS__)
#define cr_assert_lt(...)  PLAIN_PAIR(<, __VA_ARGS__)
#define cr_assert_leq(...) PLAIN_PAIR(<=, __VA_ARGS__)
#define cr_assert_gt(...)  PLAIN_PAIR(>, __VA_ARGS__)
#define cr_assert_geq(...) PLAIN_PAIR(>=, __VA_ARGS__)
#define cr_assert_str_eq(...) \
    PLAIN_TWO(strcmp(PLAIN_A(__VA_ARGS__), PLAIN_B(__VA_ARGS__)) == 0, "strings: " #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_str_neq(...) \
    PLAIN_TWO(strcmp(PLAIN_A(__VA_ARGS__), PLAIN_B(__VA_ARGS__)) != 0, "strings: " #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_float_eq(...)                                                          \
    PLAIN_THREE(PLAIN_A(__VA_ARGS__) - PLAIN_B(__VA_ARGS__) <= PLAIN_C(__VA_ARGS__) &&   \
                    PLAIN_B(__VA_ARGS__) - PLAIN_A(__VA_ARGS__) <= PLAIN_C(__VA_ARGS__), \
                "floats: " #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_arr_eq(...)                                                                  \
    PLAIN_THREE(memcmp(PLAIN_A(__VA_ARGS__), PLAIN_B(__VA_ARGS__), PLAIN_C(__VA_ARGS__)) == 0, \
                "arrays: " #__VA_ARGS__, __VA_ARGS__)
#define cr_assert_fail(...) plain_fail(__FILE__, __LINE__, "fail", "" __VA_ARGS__)
#define cr_fail(...)        plain_fail(__FILE__, __LINE__, "fail", "" __VA_ARGS__)

// An expectation is as strict as an assertion here.
#define cr_expect(...)          cr_assert(__VA_ARGS__)
#define cr_expect_eq(...)       cr_assert_eq(__VA_ARGS__)
#define cr_expect_neq(...)      cr_assert_neq(__VA_ARGS__)
#define cr_expect_lt(...)       cr_assert_lt(__VA_ARGS__)
#define cr_expect_leq(...)      cr_assert_leq(__VA_ARGS__)
#define cr_expect_gt(...)       cr_assert_gt(__VA_ARGS__)
#define cr_expect_geq(...)      cr_assert_geq(__VA_ARGS__)
#define cr_expect_null(...)     cr_assert_null(__VA_ARGS__)
#define cr_expect_not_null(...) cr_assert_not_null(__VA_ARGS__)
#define cr_expect_str_eq(...)   cr_assert_str_eq(__VA_ARGS__)
#define cr_expect_str_neq(...)  cr_assert_str_neq(__VA_ARGS__)
#define cr_expect_float_eq(...) cr_assert_float_eq(__VA_ARGS__)
#define cr_expect_arr_eq(...)   cr_assert_arr_eq(__VA_ARGS__)
#define cr_expect_not(...)      cr_assert_not(__VA_ARGS__)
#define cr_expect_float_eq(...) cr_assert_float_eq(__VA_ARGS__)

#endif
