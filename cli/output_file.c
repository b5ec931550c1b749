#include "output_file.h"

#include <hiphop/model_file.h>
#include <string.h>
#include <sys/stat.h>

bool cli_same_file(const char *path, const char *other)
{
    struct stat one, two;
    return stat(path, &one) == 0 && stat(other, &two) == 0 && S_ISREG(one.st_mode) &&
           one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

bool cli_output_file(cli_args *args, const char *path, const char *const *inputs, size_t count)
{
    hh_error error;
    for (size_t i = 0; i < count; i++)
        if (inputs[i] && strcmp(inputs[i], "-") != 0 && cli_same_file(path, inputs[i])) {
            cli_failure(args, "%s: this would be read and then replaced; write to another file", path);
            return false;
        }
    if (hh_file_writable(path, &error) == HH_OK)
        return true;
    cli_failure(args, "%s", error.message);
    return false;
}
