// What the parts of the network are worth (docs/what-earns-its-place.md): trains on a file of sessions with
// the options given, once for each seed, and says how well it ranks the sessions held out.
//
//   bench_network_parts SESSIONS [SEEDS] [OPTION=VALUE ...]     options by their names in <hiphop/train.h>
//
// SESSIONS: a session a line, items separated by blanks, in time order.
#include <hiphop/intern.h>
#include <hiphop/train.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct log_file {
    hh_intern *names;
    uint32_t *item, *first;
    uint32_t clicks, sessions, click_room, session_room;
} log_file;

static void *grow(void *array, size_t size)
{
    void *larger = realloc(array, size);
    if (!larger) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return larger;
}

#define BLANKS " \t\r\n"

static void add_session(log_file *log, char *line)
{
    for (char *word = line + strspn(line, BLANKS), *end; *word; word = end + strspn(end, BLANKS)) {
        end = word + strcspn(word, BLANKS);
        if (log->clicks == log->click_room) {
            log->click_room = 2 * log->click_room + 4096;
            log->item = grow(log->item, log->click_room * sizeof *log->item);
        }
        log->item[log->clicks++] = hh_intern_acquire(log->names, word, (size_t)(end - word));
    }
    if (log->sessions + 2 > log->session_room) {
        log->session_room = 2 * log->session_room + 4096;
        log->first = grow(log->first, log->session_room * sizeof *log->first);
        log->first[0] = 0;
    }
    log->first[++log->sessions] = log->clicks;
}

static bool set(hh_train_options *options, char *word)
{
    char *value = strchr(word, '=');
    if (!value)
        return false;
    *value++ = 0;
    for (const hh_option *option = hh_train_option_table(); option->name; option++)
        if (strcmp(option->name, word) == 0)
            return hh_option_set(option, options, strtod(value, NULL));
    for (const hh_option *option = hh_network_option_table(); option->name; option++)
        if (strcmp(option->name, word) == 0)
            return hh_option_set(option, &options->network, strtod(value, NULL));
    return false;
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!file) {
        fputs("usage: bench_network_parts SESSIONS [SEEDS] [OPTION=VALUE ...]\n", stderr);
        return 2;
    }
    log_file log = {.names = hh_intern_new(1)};
    char *line = NULL;
    size_t room = 0;
    while (log.names && getline(&line, &room, file) > 0)
        add_session(&log, line);
    fclose(file);
    free(line);
    bool counted = argc > 2 && !strchr(argv[2], '=');
    int seeds = counted ? (int)strtol(argv[2], NULL, 10) : 3, given = counted ? 3 : 2;
    seeds = seeds > 0 ? seeds : 1;
    hh_train_options options = hh_train_defaults();
    options.refit = false;
    for (int i = given; i < argc; i++)
        if (!set(&options, argv[i])) {
            fprintf(stderr, "no such option, or out of its range: %s\n", argv[i]);
            return 2;
        }
    hh_train_data data = {.sessions = log.sessions,
                          .items = (uint32_t)hh_intern_count(log.names),
                          .item = log.item,
                          .first = log.first};
    double sum[2] = {0}, squares[2] = {0};
    clock_t began = clock();
    for (int seed = 1; seed <= seeds; seed++) {
        hh_train_record record;
        hh_error error;
        options.seed = (uint64_t)seed;
        hh_network *network = hh_train(&data, &options, &record, &error);
        if (!network) {
            fprintf(stderr, "%s\n", error.message);
            return 1;
        }
        hh_network_free(network);
        const double got[] = {100 * record.hr, 100 * record.mrr};
        for (int k = 0; k < 2; k++) {
            sum[k] += got[k];
            squares[k] += got[k] * got[k];
        }
    }
    for (int k = 0; k < 2; k++) {
        double mean = sum[k] / seeds;
        printf("%s %.2f +- %.2f  ", k ? "MRR@20" : "HR@20", mean,
               sqrt(fmax(0, squares[k] / seeds - mean * mean)));
    }
    printf("CPU s a seed %.1f\n", (double)(clock() - began) / CLOCKS_PER_SEC / seeds);
    free(log.item);
    free(log.first);
    hh_intern_free(log.names);
    return 0;
}
