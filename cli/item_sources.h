// What is known of items beside the clicks: --vectors [NAME=]FILE, up to HH_SOURCES of them. A file of
// vectors is JSON Lines, plain or gzip, one item a line:
//
//   {"item": "socks-1", "vector": [0.12, -0.5, 0.03]}
//
// All vectors of a file have the same number of numbers; each is brought to length 1. Items that the sessions
// lack are passed over; items that the file lacks, or whose numbers are all 0, have no vector.
//
// Or --items FILE --semantic hashing: their texts, made vectors here (<hiphop/semantics.h>).
#ifndef CLI_ITEM_SOURCES_H
#define CLI_ITEM_SOURCES_H

#include "command.h"

#include <hiphop/evaluate.h>

typedef struct item_sources { // zeros: none
    const char *path[HH_SOURCES];
    char name[HH_SOURCES][64];
    hh_source source[HH_SOURCES]; // [count] once read
    uint32_t count;
    const char *items;    // a file of texts; NULL: none
    const char *semantic; // "hashing" or "random": the source made of it, behind the others; NULL: none
} item_sources;

#define CLI_VECTORS                                                              \
    {                                                                            \
        "vectors", "[NAME=]FILE",                                                \
            "vectors of items, by a language model or any other: a line each,\n" \
            "{\"item\": \"socks-1\", \"vector\": [0.1, -0.5]}; repeatable"       \
    }

#define CLI_ITEMS                                                                       \
    {                                                                                   \
        "items", "FILE",                                                                \
            "what is known of items: a JSON object a line with \"id\" and, as far as\n" \
            "known, title, category, categories, brand, description; see --semantic"    \
    }
#define CLI_SEMANTIC                                                                 \
    {                                                                                \
        "semantic", "hashing|random",                                                \
            "make vectors of the texts in --items: hashing, by words and parts of\n" \
            "words; or random, by lot, the control that must earn nothing (hashing)" \
    }

// One value of --vectors; false: it was none, and that has been said.
bool item_sources_take(cli_args *args, const char *text, item_sources *sources);
// The value of --semantic; false: it was none, and that has been said.
bool item_sources_semantic(cli_args *args, const char *text, item_sources *sources);
// What does not go together; false: that has been said. To be called behind the last option.
bool item_sources_check(cli_args *args, item_sources *sources);

// Items by their numbers, 0 .. count - 1.
typedef struct item_ids {
    const void *of;
    uint32_t count;
    const char *(*id)(const void *of, uint32_t item, size_t *length);
} item_ids;
item_ids item_ids_of_sessions(const hh_sessions *sessions);
item_ids item_ids_of_log(const hh_log *log);

// Reads the files for these items, in their order, and says on stderr what was found, unless
// quiet. HH_FORMAT: the message has file and line. HH_IO, HH_MEMORY.
hh_status item_sources_read(item_sources *sources, const item_ids *ids, bool quiet, hh_error *error);
void item_sources_free(item_sources *sources);

#endif
