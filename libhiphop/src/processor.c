#include <cblas.h>
#include <hiphop/processor.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

// OpenBLAS's name for what this processor can do; NULL: nothing better than what it takes without being told.
static const char *core_type(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}

void hh_processor_use(char **arguments, const char *told)
{
    const char *core = core_type();
    if (told || !core || strcasecmp(openblas_get_corename(), "Prescott") != 0)
        return;
    // By its path: run as /proc/self/exe, it would be "exe" to pgrep and top. It may fail: slower, but right.
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0 || setenv("OPENBLAS_CORETYPE", core, 1))
        return;
    path[length] = '\0';
    execv(path, arguments);
    unsetenv("OPENBLAS_CORETYPE");
}
