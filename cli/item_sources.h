// What is known of items beside the clicks: --vectors [NAME=]FILE, up to HH_SOURCES of them. A file of
// vectors is JSON Lines, plain or gzip, one item a line:
//
//   {"item": "socks-1", "vector": [0.12, -0.5, 0.03]}
//
// All vectors of a file have the same number of numbers; each is brought to length 1. Items that the sessions
// lack are passed over; items that the file lacks, or whose numbers are all 0, have no vector.
#ifndef CLI_ITEM_SOURCES_H
#define CLI_ITEM_SOURCES_H

#include "command.h"

#include <hiphop/session_file.h>
#include <hiphop/train.h>

typedef struct item_sources { // zeros: none
    const char *path[HH_SOURCES];
    char name[HH_SOURCES][64];
    hh_source source[HH_SOURCES]; // [count] once read
    uint32_t count;
} item_sources;

#define CLI_VECTORS                                                              \
    {                                                                            \
        "vectors", "[NAME=]FILE",                                                \
            "vectors of items, by a language model or any other: a line each,\n" \
            "{\"item\": \"socks-1\", \"vector\": [0.1, -0.5]}; repeatable"       \
    }

// One value of --vectors; false: it was none, and that has been said.
bool item_sources_take(cli_args *args, const char *text, item_sources *sources);
// Reads the files for the items of these sessions, in their order, and says on stderr what was found, unless
// quiet. HH_FORMAT: the message has file and line. HH_IO, HH_MEMORY.
hh_status item_sources_read(item_sources *sources, const hh_sessions *sessions, bool quiet, hh_error *error);
void item_sources_free(item_sources *sources);

#endif
