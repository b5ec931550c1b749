// A file that a command will write when it is done.
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include "command.h"

#include <stddef.h>

// Whether it could be written now and is none of the files that the command reads; else false, and that has
// been said. inputs[count]: their paths; NULL and "-" are none.
bool cli_output_file(cli_args *args, const char *path, const char *const *inputs, size_t count);

#endif
