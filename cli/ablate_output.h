// What hiphop ablate prints: a table, lines of JSON, a page with plots.
#ifndef CLI_ABLATE_OUTPUT_H
#define CLI_ABLATE_OUTPUT_H

#include "command.h"

#include <hiphop/ablate.h>

typedef struct ablation {
    hh_trial_run *runs; // [count]
    size_t count, room;
    uint32_t planned;     // runs
    const char *data;     // "2,891 sessions taught, 322 asked about: 1,437 items, 3,001 targets"
    const char *protocol; // one line
} ablation;

void ablate_print_table(const ablation *all);
bool ablate_print_run(const hh_trial_run *run); // a line of JSON; false: it could not be written
bool ablate_print_summary(const ablation *all); // a line for each trial
// A page of its own, without scripts and without anything from elsewhere, to the path. HH_IO, HH_MEMORY.
hh_status ablate_write_page(const ablation *all, const cli_args *args, const char *path, hh_error *error);

#endif
