#include "output_file.h"

#include <hiphop/model_file.h>
#include <string.h>
#include <sys/stat.h>

bool cli_output_file(cli_args *args, const char *path, const char *const *inputs, size_t count)
{
    hh_error error;
    struct stat out, in;
    bool there = stat(path, &out) == 0;
    for (size_t i = 0; there && i < count; i++)
        if (inputs[i] && strcmp(inputs[i], "-") != 0 && stat(inputs[i], &in) == 0 &&
            in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
            cli_failure(args, "%s: this would be read and then replaced; write to another file", path);
            return false;
        }
    if (hh_file_writable(path, &error) == HH_OK)
        return true;
    cli_failure(args, "%s", error.message);
    return false;
}
