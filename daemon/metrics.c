// The cells behind the table of metrics, and the Prometheus text that they are shown as. See metrics.h.
#include "metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// Upper bounds of every histogram's buckets in seconds: from one list (tens of microseconds) to a commit that
// waits for a broker.
static const double bounds[] = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                0.0025,  0.005,    0.01,    0.025,  0.05,    0.1,    0.25,
                                0.5,     1,        2.5,     5,      10,      60};
enum {
    BOUNDS = sizeof bounds / sizeof *bounds,
    HISTOGRAM_SUM = BOUNDS + 1, // cell after the buckets and +Inf: nanoseconds
    HISTOGRAM_CELLS = BOUNDS + 2,
    LIVE_WINDOW = 8192, // judged clicks that live figures are taken over; a power of two
    LISTS = 3,
};

struct hh_metrics {
    uint64_t *cells; // integers of COUNTER and HISTOGRAM, bits of a double elsewhere
    size_t first[HH_METRIC_COUNT + 1];
    hh_time start;
    bool ready;
    // live quality: how many judged clicks had which rank (0: none), ever and in a ring of the newest
    uint64_t ranks[LISTS][HH_LIVE_RANKS + 1];
    uint64_t judged;
    uint32_t window[LIVE_WINDOW]; // a byte for the rank in each list
};

#define ROW(id, name, kind, label, values, help) {name, HH_METRIC_KIND_##kind, label, values, help},
const hh_metric_row hh_metric_rows[HH_METRIC_COUNT] = {HH_METRICS(ROW)};

#define WORD(name, word, meaning)    word,
#define MEANING(name, word, meaning) meaning,
const char *hh_dead_letter_word(hh_dead_letter reason)
{
    static const char *const words[] = {HH_DEAD_LETTERS(WORD)};
    return words[reason];
}

const char *hh_dead_letter_meaning(hh_dead_letter reason)
{
    static const char *const meanings[] = {HH_DEAD_LETTERS(MEANING)};
    return meanings[reason];
}

const char *hh_metric_type(hh_metric metric)
{
    switch (hh_metric_rows[metric].kind) {
    case HH_METRIC_KIND_COUNTER:
    case HH_METRIC_KIND_MADE_TOTAL:
        return "counter";
    case HH_METRIC_KIND_HISTOGRAM:
        return "histogram";
    default:
        return "gauge";
    }
}

const char *hh_metric_label(hh_metric metric, size_t cell, size_t *length)
{
    const char *value = hh_metric_rows[metric].values;
    for (size_t i = 0; i < cell; i++)
        value = strchr(value, '|') + 1;
    *length = strcspn(value, "|");
    return value;
}

// ---- cells ----

static bool by_partition(const hh_metric_row *row)
{
    return strcmp(row->label, "partition") == 0;
}

static size_t cell_count(const hh_metric_row *row)
{
    if (row->kind == HH_METRIC_KIND_HISTOGRAM)
        return HISTOGRAM_CELLS;
    if (by_partition(row))
        return HH_METRIC_PARTITIONS;
    size_t count = 1;
    for (const char *bar = strchr(row->values, '|'); bar; bar = strchr(bar + 1, '|'))
        count++;
    return count;
}

static bool integral(const hh_metric_row *row)
{
    return row->kind == HH_METRIC_KIND_COUNTER || row->kind == HH_METRIC_KIND_HISTOGRAM;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static hh_time wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (hh_time)now.tv_sec * HH_SECOND + now.tv_nsec / 1000000;
}

hh_metrics *hh_metrics_new(void)
{
    hh_metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return NULL;
    for (size_t i = 0; i < HH_METRIC_COUNT; i++)
        metrics->first[i + 1] = metrics->first[i] + cell_count(&hh_metric_rows[i]);
    metrics->cells = calloc(metrics->first[HH_METRIC_COUNT], sizeof *metrics->cells);
    if (!metrics->cells) {
        free(metrics);
        return NULL;
    }
    for (size_t i = 0; i < HH_METRIC_COUNT; i++)
        for (size_t cell = metrics->first[i]; cell < metrics->first[i + 1]; cell++)
            metrics->cells[cell] = integral(&hh_metric_rows[i]) ? 0 : bits_of(NAN);
    metrics->start = wall_clock();
    return metrics;
}

void hh_metrics_free(hh_metrics *metrics)
{
    if (!metrics)
        return;
    free(metrics->cells);
    free(metrics);
}

// NULL where there is no such cell: a partition beyond those that are shown.
static uint64_t *cell_of(hh_metrics *metrics, hh_metric metric, size_t cell)
{
    size_t count = metrics->first[metric + 1] - metrics->first[metric];
    return cell < count ? &metrics->cells[metrics->first[metric] + cell] : NULL;
}

static void add(uint64_t *cell, uint64_t more)
{
    __atomic_fetch_add(cell, more, __ATOMIC_RELAXED);
}

static uint64_t load(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

void hh_metrics_add(hh_metrics *metrics, hh_metric metric, size_t cell, uint64_t more)
{
    uint64_t *at = cell_of(metrics, metric, cell);
    if (at)
        add(at, more);
}

void hh_metrics_set(hh_metrics *metrics, hh_metric metric, size_t cell, double value)
{
    uint64_t *at = cell_of(metrics, metric, cell);
    if (at)
        __atomic_store_n(at, bits_of(value), __ATOMIC_RELAXED);
}

void hh_metrics_unset(hh_metrics *metrics, hh_metric metric, size_t cell)
{
    hh_metrics_set(metrics, metric, cell, NAN);
}

void hh_metrics_observe(hh_metrics *metrics, hh_metric metric, double seconds)
{
    size_t bucket = 0;
    double above_zero = seconds > 0 ? seconds : 0; // clocks of two machines may disagree
    while (bucket < BOUNDS && above_zero > bounds[bucket])
        bucket++;
    add(cell_of(metrics, metric, bucket), 1);
    add(cell_of(metrics, metric, HISTOGRAM_SUM), (uint64_t)(above_zero * 1e9));
}

void hh_metrics_judge(hh_metrics *metrics, unsigned rank, unsigned graph_rank, unsigned popularity_rank)
{
    const unsigned ranks[LISTS] = {rank, graph_rank, popularity_rank};
    uint32_t packed = 0;
    for (int list = 0; list < LISTS; list++) {
        unsigned within = ranks[list] > HH_LIVE_RANKS ? 0 : ranks[list];
        add(&metrics->ranks[list][within], 1);
        packed |= (uint32_t)within << 8 * list;
    }
    hh_metrics_add(metrics, HH_METRIC_LIVE_TARGETS, 0, 1);
    uint64_t place = __atomic_fetch_add(&metrics->judged, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&metrics->window[place % LIVE_WINDOW], packed, __ATOMIC_RELAXED);
}

void hh_metrics_set_ready(hh_metrics *metrics, bool ready)
{
    __atomic_store_n(&metrics->ready, ready, __ATOMIC_RELAXED);
}

// ---- what is worked out when it is read ----

static void make_live(hh_metrics *metrics)
{
    uint64_t judged = load(&metrics->judged);
    size_t newest = judged < LIVE_WINDOW ? (size_t)judged : LIVE_WINDOW;
    double hits[LISTS] = {0}, sums[LISTS] = {0};
    for (size_t i = 0; i < newest; i++) {
        uint32_t packed = __atomic_load_n(&metrics->window[i], __ATOMIC_RELAXED);
        const unsigned ranks[LISTS] = {packed & 0xff, packed >> 8 & 0xff, packed >> 16};
        for (size_t list = 0; list < LISTS; list++) {
            hits[list] += ranks[list] > 0;
            sums[list] += ranks[list] > 0 ? 1.0 / ranks[list] : 0;
        }
    }
    for (size_t list = 0; list < LISTS; list++) {
        double ever = 0, ever_sum = 0;
        for (size_t rank = 1; rank <= HH_LIVE_RANKS; rank++) {
            double count = (double)load(&metrics->ranks[list][rank]);
            ever += count;
            ever_sum += count / (double)rank;
        }
        hh_metrics_set(metrics, HH_METRIC_LIVE_HITS, list, ever);
        hh_metrics_set(metrics, HH_METRIC_LIVE_RANKS, list, ever_sum);
        hh_metrics_set(metrics, HH_METRIC_LIVE_HR, list, newest ? hits[list] / (double)newest : NAN);
        hh_metrics_set(metrics, HH_METRIC_LIVE_MRR, list, newest ? sums[list] / (double)newest : NAN);
    }
}

static void make_process(hh_metrics *metrics)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) == 0)
        hh_metrics_set(metrics, HH_METRIC_PROCESS_CPU, 0,
                       (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    char line[128];
    FILE *statm = fopen("/proc/self/statm", "re"); // "size resident ...", in pages
    if (statm && fgets(line, sizeof line, statm) && strchr(line, ' '))
        hh_metrics_set(metrics, HH_METRIC_PROCESS_MEMORY, 0,
                       strtod(strchr(line, ' '), NULL) * (double)sysconf(_SC_PAGESIZE));
    if (statm)
        fclose(statm);
    hh_metrics_set(metrics, HH_METRIC_PROCESS_START, 0, (double)metrics->start / 1000);
}

static void make(hh_metrics *metrics)
{
    make_live(metrics);
    make_process(metrics);
    hh_metrics_set(metrics, HH_METRIC_READY, 0, __atomic_load_n(&metrics->ready, __ATOMIC_RELAXED));
    hh_metrics_set(metrics, HH_METRIC_BUILD, 0, 1);
}

// ---- reading ----

static uint64_t histogram_count(hh_metrics *metrics, hh_metric metric)
{
    uint64_t count = 0;
    for (size_t bucket = 0; bucket <= BOUNDS; bucket++)
        count += load(cell_of(metrics, metric, bucket));
    return count;
}

static double read_cell(hh_metrics *metrics, hh_metric metric, size_t cell)
{
    const hh_metric_row *row = &hh_metric_rows[metric];
    const uint64_t *at = cell_of(metrics, metric, cell);
    if (!at)
        return NAN;
    if (row->kind == HH_METRIC_KIND_HISTOGRAM)
        return (double)histogram_count(metrics, metric);
    if (integral(row))
        return (double)load(at);
    double value = value_of(load(at));
    return row->kind == HH_METRIC_KIND_AGE ? ((double)wall_clock() - value) / 1000 : value;
}

double hh_metrics_value(hh_metrics *metrics, hh_metric metric, size_t cell)
{
    hh_metric_kind kind = hh_metric_rows[metric].kind;
    if (kind == HH_METRIC_KIND_MADE || kind == HH_METRIC_KIND_MADE_TOTAL)
        make(metrics);
    return read_cell(metrics, metric, cell);
}

double hh_metrics_sum(hh_metrics *metrics, hh_metric metric)
{
    if (hh_metric_rows[metric].kind == HH_METRIC_KIND_HISTOGRAM)
        return (double)histogram_count(metrics, metric);
    double sum = 0;
    for (size_t cell = 0; cell < metrics->first[metric + 1] - metrics->first[metric]; cell++) {
        double value = read_cell(metrics, metric, cell);
        sum += isnan(value) ? 0 : value;
    }
    return sum;
}

double hh_metrics_quantile(hh_metrics *metrics, hh_metric metric, double quantile)
{
    double wanted = quantile * (double)histogram_count(metrics, metric), below = 0;
    if (wanted <= 0)
        return NAN;
    for (size_t bucket = 0; bucket < BOUNDS; bucket++) {
        double here = (double)load(cell_of(metrics, metric, bucket));
        double low = bucket > 0 ? bounds[bucket - 1] : 0;
        if (here > 0 && below + here >= wanted)
            return low + (bounds[bucket] - low) * (wanted - below) / here;
        below += here;
    }
    return bounds[BOUNDS - 1]; // all that is known of what lies beyond
}

// ---- Prometheus text ----

// In HELP backslash and newline are escaped, in a label's value the quote too.
static void put_escaped(FILE *out, const char *text, size_t length, bool label)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            fputs("\\n", out);
        else if (text[i] == '\\' || (label && text[i] == '"'))
            fprintf(out, "\\%c", text[i]);
        else
            fputc(text[i], out);
    }
}

static void put_label(FILE *out, const hh_metric_row *row, size_t cell)
{
    if (row->label[0] == '\0')
        return;
    fprintf(out, "{%s=\"", row->label);
    if (by_partition(row)) {
        fprintf(out, "%zu", cell);
    } else {
        size_t length;
        const char *value = hh_metric_label((hh_metric)(row - hh_metric_rows), cell, &length);
        put_escaped(out, value, length, true);
    }
    fputs("\"}", out);
}

// Buckets are read one by one while others count: +Inf and count are of the same reading, so they agree.
static void put_histogram(FILE *out, hh_metrics *metrics, hh_metric metric)
{
    const char *name = hh_metric_rows[metric].name;
    uint64_t count = 0;
    for (size_t bucket = 0; bucket < BOUNDS; bucket++) {
        count += load(cell_of(metrics, metric, bucket));
        fprintf(out, "%s_bucket{le=\"%g\"} %llu\n", name, bounds[bucket], (unsigned long long)count);
    }
    count += load(cell_of(metrics, metric, BOUNDS));
    fprintf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
    fprintf(out, "%s_sum %.9f\n", name, (double)load(cell_of(metrics, metric, HISTOGRAM_SUM)) / 1e9);
    fprintf(out, "%s_count %llu\n", name, (unsigned long long)count);
}

char *hh_metrics_render(hh_metrics *metrics, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out)
        return NULL;
    make(metrics);
    for (hh_metric metric = 0; metric < HH_METRIC_COUNT; metric++) {
        const hh_metric_row *row = &hh_metric_rows[metric];
        fprintf(out, "# HELP %s ", row->name);
        put_escaped(out, row->help, strlen(row->help), false);
        fprintf(out, "\n# TYPE %s %s\n", row->name, hh_metric_type(metric));
        if (row->kind == HH_METRIC_KIND_HISTOGRAM) {
            put_histogram(out, metrics, metric);
            continue;
        }
        for (size_t cell = 0; cell < metrics->first[metric + 1] - metrics->first[metric]; cell++) {
            double value = read_cell(metrics, metric, cell);
            if (isnan(value))
                continue;
            fputs(row->name, out);
            put_label(out, row, cell);
            fprintf(out, " %.15g\n", value);
        }
    }
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
