// The network's cost on one core (bench/network.sh sets PyTorch beside it).
//
//     network_probe make SESSIONS ITEMS            made-up sessions, one a line, to standard output
//     network_probe epoch FILE D NEGATIVES         an epoch of training; NEGATIVES 0: all items
//     network_probe inference ITEMS D              the best 20 of all items
//
// Beside each stands what OpenBLAS needs for the same products of matrices alone: no code that uses it can be
// faster. CPU time of the thread.
#include "bench.h"
#include "model/scorer.h"
#include "model/search.h"
#include "model/vector_table.h"
#include "nn/matrix.h"
#include "train/step.h"

#include <hiphop/processor.h>
#include <inttypes.h>
#include <string.h>

#define BATCH  512 // prefixes
#define ROUNDS 41
#define TOP    20

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, ascending);
    return x[n / 2];
}

// ---- sessions ----

// Items of Zipf-like popularity, lengths as of product reviews (2 to 40, mean about 6), some repeats.
static void make(uint32_t sessions, uint32_t items)
{
    hh_random random = {1};
    for (uint32_t s = 0; s < sessions; s++) {
        uint32_t length = 2, item = 0;
        while (length < 40 && hh_random_below(&random, 5) > 0)
            length++;
        for (uint32_t i = 0; i < length; i++) {
            if (i == 0 || hh_random_below(&random, 20) > 0)
                item = (uint32_t)(pow((double)items, (double)hh_random_unit(&random)) - 1);
            printf(i + 1 < length ? "%u " : "%u\n", item);
        }
    }
}

typedef struct log_of {
    hh_session_view *views; // [count] of two clicks at least
    size_t count, prefixes;
    uint32_t items;
} log_of;

// Items are numbered as they come.
static log_of read_log(const char *path)
{
    log_of log = {0};
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        exit(1);
    }
    size_t room = 0, known_room = 0;
    uint32_t *number = NULL; // of an item in the file
    char *line = NULL, *end;
    size_t line_room = 0;
    while (getline(&line, &line_room, file) > 0) {
        uint32_t *items = need(malloc((strlen(line) / 2 + 1) * sizeof *items)), length = 0;
        for (char *at = line;; at = end) {
            size_t name = strtoul(at, &end, 10);
            if (end == at)
                break;
            if (name >= known_room) {
                number = need(realloc(number, 2 * (name + 1) * sizeof *number));
                memset(number + known_room, 255, (2 * (name + 1) - known_room) * sizeof *number);
                known_room = 2 * (name + 1);
            }
            if (number[name] == UINT32_MAX)
                number[name] = log.items++;
            items[length++] = number[name];
        }
        if (length < 2) {
            free(items);
            continue;
        }
        if (log.count == room)
            log.views = need(realloc(log.views, (room = 2 * room + 1024) * sizeof *log.views));
        log.views[log.count++] = (hh_session_view){items, length};
        log.prefixes += length - 1;
    }
    free(number);
    free(line);
    fclose(file);
    return log;
}

static void free_log(log_of *log)
{
    for (size_t s = 0; s < log->count; s++)
        free((void *)log->views[s].items);
    free(log->views);
}

static void shuffle(log_of *log)
{
    hh_random random = {2};
    for (size_t i = log->count; i > 1; i--) {
        size_t other = hh_random_below(&random, (uint32_t)i);
        hh_session_view view = log->views[i - 1];
        log->views[i - 1] = log->views[other];
        log->views[other] = view;
    }
}

// Whole sessions up to a batch of prefixes; returns where the next begins.
static size_t next_batch(const log_of *log, size_t begin)
{
    size_t prefixes = 0;
    for (; begin < log->count && prefixes < BATCH; begin++)
        prefixes += log->views[begin].length - 1;
    return begin;
}

// The base network: none of the parts that heed neighbours.
static hh_network *new_network(uint32_t d, uint32_t items)
{
    hh_network_options options = hh_network_defaults();
    options.d = d;
    options.global = options.local = options.similar = options.gate = options.votes = false;
    return need(hh_network_new(&options, items, 1, NULL));
}

// ---- an epoch ----

typedef struct products { // of one step; memory for its largest
    float *a, *b, *c;
    double flops, spent;
} products;

enum { NN, NT, TN };

static void product(products *it, int kind, size_t m, size_t n, size_t k)
{
    double began = seconds();
    if (kind == NN)
        hh_mul(it->c, 1, it->a, it->b, m, n, k);
    else if (kind == NT)
        hh_mul_nt(it->c, 1, it->a, it->b, m, n, k);
    else
        hh_mul_tn(it->c, 1, it->a, it->b, m, n, k);
    it->spent += seconds() - began;
    it->flops += 2 * (double)m * (double)n * (double)k;
}

// All products of a step there and back, as in pass.c and the layers.
static void bare_step(products *it, const hh_batch *batch, size_t positions, size_t columns)
{
    size_t d = batch->d, nodes = batch->nodes, versions = batch->versions, prefixes = batch->prefixes;
    product(it, NN, nodes, 2 * d, d);
    product(it, NN, nodes, 3 * d, d);
    product(it, NN, versions, 3 * d, 2 * d);
    product(it, NN, prefixes, d, d);
    product(it, NN, versions, d, d);
    product(it, NN, positions, d, d);
    product(it, NN, prefixes, d, 2 * d);
    for (size_t begin = 0; begin < prefixes; begin += 64) {
        size_t count = prefixes - begin < 64 ? prefixes - begin : 64;
        product(it, NT, count, columns, d);
        product(it, NN, count, d, columns);
        product(it, TN, columns, d, count);
    }
    product(it, TN, 2 * d, d, prefixes);
    product(it, NT, prefixes, 2 * d, d);
    product(it, TN, d, d, prefixes);
    product(it, TN, d, d, versions);
    product(it, TN, d, d, positions);
    product(it, NT, versions, d, d);
    product(it, NT, positions, d, d);
    product(it, NT, prefixes, d, d);
    product(it, TN, 2 * d, 3 * d, versions);
    product(it, NT, versions, 2 * d, 3 * d);
    product(it, TN, d, 3 * d, nodes);
    product(it, NT, nodes, d, 3 * d);
    product(it, TN, d, 2 * d, nodes);
    product(it, NT, nodes, d, 2 * d);
}

static products bare_epoch(const log_of *log, const hh_network *network, size_t columns)
{
    hh_batch_rows rows;
    hh_arena arena = {0};
    hh_batch_options options = hh_batch_options_of(network, false);
    if (!hh_batch_rows_init(&rows, log->items))
        exit(1);
    hh_batch_rows_begin(&rows);
    for (uint32_t item = 0; item < log->items; item++)
        if (!hh_batch_rows_add(&rows, item))
            exit(1);
    size_t floats = (log->items + 8 * (size_t)BATCH) * 8 * network->d + 64 * (size_t)log->items;
    products it = {.a = need(calloc(floats, sizeof(float))),
                   .b = need(calloc(floats, sizeof(float))),
                   .c = need(calloc(floats, sizeof(float)))};
    for (size_t begin = 0; begin < log->count;) {
        size_t end = next_batch(log, begin);
        hh_batch batch;
        hh_arena_reset(&arena);
        if (!hh_batch_build(&batch, log->views + begin, end - begin, &rows, &options, &arena))
            exit(1);
        bare_step(&it, &batch, network->positions, columns);
        begin = end;
    }
    free(it.a);
    free(it.b);
    free(it.c);
    hh_batch_rows_free(&rows);
    hh_arena_free(&arena);
    return it;
}

static void epoch(const char *path, uint32_t d, uint32_t negatives)
{
    log_of log = read_log(path);
    shuffle(&log);
    hh_network *network = new_network(d, log.items);
    hh_stepper *stepper = need(hh_stepper_new(network, 1, negatives, 1));
    double loss = 0, mean, spent[2];
    uint64_t step = 0;
    for (int round = 0; round < 2; round++) { // the first to warm up
        double began = seconds();
        loss = 0;
        for (size_t begin = 0; begin < log.count;) {
            size_t end = next_batch(&log, begin);
            hh_adam adam = {4e-3f, 0.9f, 0.999f, 1e-8f, 0, ++step};
            if (!hh_stepper_step(stepper, log.views + begin, end - begin, &adam, &mean))
                exit(1);
            loss += mean;
            begin = end;
        }
        spent[round] = seconds() - began;
    }
    products bare = bare_epoch(&log, network, negatives && negatives < log.items ? negatives : log.items);
    printf("{\"seconds\": %.4f, \"products\": %.4f, \"gflop\": %.2f, \"sessions\": %zu, \"prefixes\": %zu, "
           "\"items\": %u, \"steps\": %" PRIu64 ", \"loss\": %.4f}\n",
           spent[1], bare.spent, bare.flops * 1e-9, log.count, log.prefixes, log.items, step / 2,
           loss / (double)(step / 2));
    hh_stepper_free(stepper);
    hh_network_free(network);
    free_log(&log);
}

// ---- inference ----

static void inference(uint32_t items, uint32_t d)
{
    hh_network *network = new_network(d, items);
    hh_scorer scorer;
    hh_arena arena = {0};
    hh_vector_table table;
    hh_search search, one;
    if (!hh_scorer_init(&scorer, network) || !hh_vector_table_init(&table, network) ||
        !hh_search_init(&search, scorer.x, items, d, TOP, network->options.scale, &arena) ||
        !hh_search_init_one(&one, &table, TOP, network->options.scale, &arena))
        exit(1);
    hh_random random = {3};
    hh_session_view views[64];
    uint32_t *clicks = need(malloc(64 * 6 * sizeof *clicks));
    for (size_t i = 0; i < (size_t)64 * 6; i++)
        clicks[i] = hh_random_below(&random, items);
    for (size_t s = 0; s < 64; s++)
        views[s] = (hh_session_view){clicks + 6 * s, 6};
    float *logits = need(malloc(64 * (size_t)items * sizeof *logits)), *h = need(malloc(d * sizeof *h));
    double took[6][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double at = seconds();
        if (!hh_scorer_read(&scorer, views, 64, true))
            exit(1);
        took[0][round] = seconds() - at, at = seconds();
        hh_search_run(&search, scorer.pass.session, 64, NULL, 0, NULL);
        took[1][round] = seconds() - at, at = seconds();
        hh_mul_nt(logits, 0, scorer.pass.session, scorer.x, 64, items, d);
        took[2][round] = seconds() - at;
        at = seconds();
        if (!hh_scorer_read(&scorer, views, 1, true))
            exit(1);
        memcpy(h, scorer.pass.session, d * sizeof *h);
        took[3][round] = seconds() - at, at = seconds();
        hh_search_run_one(&one, h, NULL, NULL);
        took[4][round] = seconds() - at, at = seconds();
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)items, (int)d, 1, scorer.x, (int)d, h, 1, 0, logits, 1);
        took[5][round] = seconds() - at;
    }
    double at[6];
    for (int i = 0; i < 6; i++)
        at[i] = 1e3 * median(took[i], ROUNDS);
    printf("64 sessions of 6 clicks, %u items, d %u: vectors %.3f ms, best %d %.3f ms; bare product %.3f ms, "
           "ratio of the whole %.2f\n",
           items, d, at[0], TOP, at[1], at[2], (at[0] + at[1]) / at[2]);
    printf("one session: its vector %.3f ms, best %d %.3f ms; bare product %.3f ms, ratio of the "
           "whole %.2f\n",
           at[3], TOP, at[4], at[5], (at[3] + at[4]) / at[5]);
    free(clicks);
    free(logits);
    free(h);
    hh_arena_free(&arena);
    hh_vector_table_clear(&table);
    hh_scorer_free(&scorer);
    hh_network_free(network);
}

int main(int count, char **arguments)
{
    hh_processor_use(arguments, getenv("OPENBLAS_CORETYPE"));
    if (count == 4 && strcmp(arguments[1], "make") == 0)
        make((uint32_t)strtoul(arguments[2], NULL, 10), (uint32_t)strtoul(arguments[3], NULL, 10));
    else if (count == 5 && strcmp(arguments[1], "epoch") == 0)
        epoch(arguments[2], (uint32_t)strtoul(arguments[3], NULL, 10),
              (uint32_t)strtoul(arguments[4], NULL, 10));
    else if (count == 4 && strcmp(arguments[1], "inference") == 0)
        inference((uint32_t)strtoul(arguments[2], NULL, 10), (uint32_t)strtoul(arguments[3], NULL, 10));
    else {
        fprintf(stderr, "network_probe make SESSIONS ITEMS | epoch FILE D NEGATIVES | inference ITEMS D\n");
        return 2;
    }
    return 0;
}
