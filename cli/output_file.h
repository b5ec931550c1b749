// Files that a command writes.
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include "command.h"

#include <stddef.h>

// Whether both paths lead to one file that is there; a device or a pipe is none.
bool cli_same_file(const char *path, const char *other);

// Of one that will be written when the command is done: whether it could be written now and is none of the
// files that the command reads; else false, and that has been said. inputs[count]: their paths; NULL and "-"
// are none.
bool cli_output_file(cli_args *args, const char *path, const char *const *inputs, size_t count);

#endif
