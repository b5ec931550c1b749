// The program on a processor that OpenBLAS does not know.
#include "call_hiphop.h"

#include <cblas.h>
#include <strings.h>

// The last "Core: NAME" that OpenBLAS says of itself as it is loaded.
static const char *last_core(const char *said, char *name)
{
    name[0] = '\0';
    for (const char *at = said; (at = strstr(at, "Core: ")); at++)
        sscanf(at, "Core: %63s", name);
    return name;
}

Test(processor, is_used_as_far_as_it_goes)
{
    char out[1024], err[4096], name[64];
    bool known = strcasecmp(openblas_get_corename(), "Prescott") != 0, wide = false;
#if defined(__x86_64__)
    wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    unsetenv("OPENBLAS_CORETYPE");
    setenv("OPENBLAS_VERBOSE", "2", 1);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, "--version"), 0);
    cr_assert_eq(strncmp(out, "hiphop ", 7), 0);
    if (known)
        cr_expect_str_eq(last_core(err, name), openblas_get_corename());
    else if (wide)
        cr_expect_neq(strcasecmp(last_core(err, name), "Prescott"), 0, "it is used as %s", name);
}

Test(processor, is_used_as_one_is_told)
{
    char out[1024], err[4096], name[64];
    setenv("OPENBLAS_CORETYPE", "Prescott", 1);
    setenv("OPENBLAS_VERBOSE", "2", 1);
    cr_assert_eq(call(out, sizeof out, err, sizeof err, "--version"), 0);
    cr_expect_eq(strcasecmp(last_core(err, name), "Prescott"), 0, "it is used as %s", name);
}
