// Metrics: what is counted is what is read, the text is what Prometheus parses, and threads lose nothing.
#include "daemon/metrics.h"
#include "daemon/outbox.h"
#include <criterion/criterion.h>
#include <ctype.h>
#include <hiphop/session.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static hh_metrics *metrics;

static void begin(void)
{
    metrics = hh_metrics_new();
    cr_assert_not_null(metrics);
}

static void end(void)
{
    hh_metrics_free(metrics);
}

// The value of the sample with this name and these labels, as written; NULL where there is none.
static const char *sample(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ' ')
            return line + length + 1;
    return NULL;
}

static void expect_sample(const char *name, double value)
{
    size_t length;
    char *text = hh_metrics_render(metrics, &length);
    cr_assert_not_null(text);
    cr_expect_eq(strlen(text), length);
    const char *found = sample(text, name);
    cr_expect_not_null(found, "no sample %s", name);
    if (found)
        cr_expect_float_eq(strtod(found, NULL), value, 1e-9 * (1 + fabs(value)), "%s is %.20s", name, found);
    free(text);
}

static void expect_none(const char *name)
{
    size_t length;
    char *text = hh_metrics_render(metrics, &length);
    cr_expect_null(sample(text, name), "%s is there", name);
    free(text);
}

static size_t words(const char *values)
{
    size_t count = 1;
    for (; *values; values++)
        count += *values == '|';
    return count;
}

// Label values are numbered by the enums of the rooms that they come from.
Test(metrics, the_table_is_sound, .init = begin, .fini = end)
{
    cr_expect_eq(words(hh_metric_rows[HH_METRIC_MIXTURE].values), HH_EXPERTS);
    cr_expect_eq(words(hh_metric_rows[HH_METRIC_DEAD_LETTERS].values), HH_DEAD_LETTER_COUNT);
    cr_expect_eq(words(hh_metric_rows[HH_METRIC_CLICKS].values), HH_OUTCOME_DEAD + HH_DEAD_LETTER_COUNT);
    cr_expect_eq(words(hh_metric_rows[HH_METRIC_RECORDS_LOST].values), HH_OUTPUTS);
    cr_expect_eq(words(hh_metric_rows[HH_METRIC_SESSIONS_CLOSED].values), HH_CLOSE_MAX_DURATION + 1);
    for (hh_metric metric = 0; metric < HH_METRIC_COUNT; metric++) {
        const hh_metric_row *row = &hh_metric_rows[metric];
        size_t length = strlen(row->name);
        bool total = length > 6 && strcmp(row->name + length - 6, "_total") == 0;
        cr_expect_eq(total, strcmp(hh_metric_type(metric), "counter") == 0, "%s: counters end in _total",
                     row->name);
        cr_expect(strncmp(row->name, "hiphop_", 7) == 0 || strncmp(row->name, "process_", 8) == 0);
        cr_expect_eq(row->help[strlen(row->help) - 1], '.');
    }
    const char *reasons = hh_metric_rows[HH_METRIC_DEAD_LETTERS].values;
    for (hh_dead_letter reason = 0; reason < HH_DEAD_LETTER_COUNT; reason++) {
        size_t length = strcspn(reasons, "|");
        cr_expect_eq(length, strlen(hh_dead_letter_word(reason)));
        cr_expect_eq(strncmp(reasons, hh_dead_letter_word(reason), length), 0);
        reasons += length + 1;
    }
}

Test(metrics, counters, .init = begin, .fini = end)
{
    expect_sample("hiphop_recommendations_total", 0);
    hh_metrics_add(metrics, HH_METRIC_RECOMMENDATIONS, 0, 3);
    hh_metrics_add(metrics, HH_METRIC_RECOMMENDATIONS, 0, 4);
    hh_metrics_add(metrics, HH_METRIC_CLICKS, HH_OUTCOME_DEAD + HH_DEAD_LATE, 2);
    hh_metrics_add(metrics, HH_METRIC_SESSIONS_CLOSED, HH_CLOSE_MAX_CLICKS, 1);
    expect_sample("hiphop_recommendations_total", 7);
    expect_sample("hiphop_clicks_total{outcome=\"late\"}", 2);
    expect_sample("hiphop_clicks_total{outcome=\"taken\"}", 0);
    expect_sample("hiphop_sessions_closed_total{reason=\"max_clicks\"}", 1);
    cr_expect_eq(hh_metrics_value(metrics, HH_METRIC_RECOMMENDATIONS, 0), 7);
    cr_expect_eq(hh_metrics_sum(metrics, HH_METRIC_CLICKS), 2);
}

Test(metrics, gauges_are_absent_until_set_and_after_unset, .init = begin, .fini = end)
{
    expect_none("hiphop_consumer_lag_records{partition=\"7\"}");
    hh_metrics_set(metrics, HH_METRIC_LAG, 7, 12);
    hh_metrics_set(metrics, HH_METRIC_LAG, 0, 30);
    expect_sample("hiphop_consumer_lag_records{partition=\"7\"}", 12);
    cr_expect_eq(hh_metrics_sum(metrics, HH_METRIC_LAG), 42);
    hh_metrics_unset(metrics, HH_METRIC_LAG, 7);
    expect_none("hiphop_consumer_lag_records{partition=\"7\"}");
    cr_expect_eq(hh_metrics_sum(metrics, HH_METRIC_LAG), 30);
    hh_metrics_set(metrics, HH_METRIC_LAG, HH_METRIC_PARTITIONS, 1); // beyond: not shown, and no harm
    cr_expect_eq(hh_metrics_sum(metrics, HH_METRIC_LAG), 30);
    cr_expect(isnan(hh_metrics_value(metrics, HH_METRIC_LAG, HH_METRIC_PARTITIONS)));
}

Test(metrics, ages_are_read_as_seconds_since, .init = begin, .fini = end)
{
    hh_metrics_set(metrics, HH_METRIC_WATERMARK, 3, ((double)time(NULL) - 100) * 1000);
    double age = hh_metrics_value(metrics, HH_METRIC_WATERMARK, 3);
    cr_expect(age >= 99.9 && age < 160, "%f", age);
}

Test(metrics, histograms, .init = begin, .fini = end)
{
    cr_expect(isnan(hh_metrics_quantile(metrics, HH_METRIC_LATENCY, 0.5)));
    hh_metrics_observe(metrics, HH_METRIC_LATENCY, 0.001); // on a bound: in its bucket
    hh_metrics_observe(metrics, HH_METRIC_LATENCY, 0.0011);
    hh_metrics_observe(metrics, HH_METRIC_LATENCY, 0.002);
    hh_metrics_observe(metrics, HH_METRIC_LATENCY, 100);
    hh_metrics_observe(metrics, HH_METRIC_LATENCY, -5); // clocks disagree: counted as 0
    expect_sample("hiphop_recommendation_latency_seconds_bucket{le=\"1e-05\"}", 1);
    expect_sample("hiphop_recommendation_latency_seconds_bucket{le=\"0.0005\"}", 1);
    expect_sample("hiphop_recommendation_latency_seconds_bucket{le=\"0.001\"}", 2);
    expect_sample("hiphop_recommendation_latency_seconds_bucket{le=\"0.0025\"}", 4);
    expect_sample("hiphop_recommendation_latency_seconds_bucket{le=\"60\"}", 4);
    expect_sample("hiphop_recommendation_latency_seconds_bucket{le=\"+Inf\"}", 5);
    expect_sample("hiphop_recommendation_latency_seconds_count", 5);
    expect_sample("hiphop_recommendation_latency_seconds_sum", 100.0041);
    cr_expect_eq(hh_metrics_value(metrics, HH_METRIC_LATENCY, 0), 5);
    cr_expect_float_eq(hh_metrics_quantile(metrics, HH_METRIC_LATENCY, 0.8), 0.0025, 1e-12);
    cr_expect_float_eq(hh_metrics_quantile(metrics, HH_METRIC_LATENCY, 0.6), 0.00175, 1e-12);
    cr_expect_eq(hh_metrics_quantile(metrics, HH_METRIC_LATENCY, 1), 60);
}

Test(metrics, live_quality, .init = begin, .fini = end)
{
    expect_none("hiphop_live_hr20{list=\"hiphop\"}");
    hh_metrics_judge(metrics, 1, 0, 0);
    hh_metrics_judge(metrics, 4, 0, 2);
    hh_metrics_judge(metrics, 0, 0, 0);
    hh_metrics_judge(metrics, 21, 0, 20); // beyond the 20th is a miss
    expect_sample("hiphop_live_targets_total", 4);
    expect_sample("hiphop_live_hr20{list=\"hiphop\"}", 0.5);
    expect_sample("hiphop_live_hr20{list=\"popularity\"}", 0.5);
    expect_sample("hiphop_live_mrr20{list=\"hiphop\"}", 1.25 / 4);
    expect_sample("hiphop_live_mrr20{list=\"popularity\"}", 0.55 / 4);
    expect_sample("hiphop_live_hits_total{list=\"hiphop\"}", 2);
    expect_sample("hiphop_live_reciprocal_ranks_total{list=\"hiphop\"}", 1.25);
}

// The gauges forget, the counters don't.
Test(metrics, live_gauges_are_over_the_newest, .init = begin, .fini = end)
{
    for (int i = 0; i < 10000; i++)
        hh_metrics_judge(metrics, 0, 0, 1);
    for (int i = 0; i < 8192; i++)
        hh_metrics_judge(metrics, i % 2 ? 2 : 0, 0, 0);
    expect_sample("hiphop_live_hr20{list=\"hiphop\"}", 0.5);
    expect_sample("hiphop_live_mrr20{list=\"hiphop\"}", 0.25);
    expect_sample("hiphop_live_hr20{list=\"popularity\"}", 0);
    expect_sample("hiphop_live_hits_total{list=\"popularity\"}", 10000);
    expect_sample("hiphop_live_targets_total", 18192);
}

Test(metrics, what_is_made_when_it_is_read, .init = begin, .fini = end)
{
    expect_sample("hiphop_ready", 0);
    hh_metrics_set_ready(metrics, true);
    expect_sample("hiphop_ready", 1);
    expect_sample("hiphop_build_info{version=\"" HH_VERSION "\"}", 1);
    cr_expect_gt(hh_metrics_value(metrics, HH_METRIC_PROCESS_MEMORY, 0), 100000);
    cr_expect_gt(hh_metrics_value(metrics, HH_METRIC_PROCESS_CPU, 0), 0);
    cr_expect_float_eq(hh_metrics_value(metrics, HH_METRIC_PROCESS_START, 0), (double)time(NULL), 60);
}

// ---- the text, line by line, by the format's own grammar ----

static const char *skip_name(const char *at)
{
    cr_assert(isalpha((unsigned char)*at) || *at == '_', "a name begins with a letter: %.40s", at);
    while (isalnum((unsigned char)*at) || *at == '_' || *at == ':')
        at++;
    return at;
}

static const char *skip_labels(const char *at)
{
    if (*at != '{')
        return at;
    do {
        at = skip_name(at + 1);
        cr_assert_eq(strncmp(at, "=\"", 2), 0);
        for (at += 2; *at != '"'; at++) {
            cr_assert_neq(*at, '\n');
            if (*at == '\\')
                cr_assert_not_null(strchr("\\\"n", *++at));
        }
        at++;
    } while (*at == ',');
    cr_assert_eq(*at, '}');
    return at + 1;
}

Test(metrics, the_text_is_in_format_0_0_4, .init = begin, .fini = end)
{
    size_t length;
    hh_metrics_add(metrics, HH_METRIC_CLICKS, 0, UINT32_MAX * 1000ull);
    hh_metrics_set(metrics, HH_METRIC_LAG, 4095, 1);
    hh_metrics_judge(metrics, 1, 0, 1);
    char *text = hh_metrics_render(metrics, &length);
    cr_assert_eq(text[length - 1], '\n');
    char family[128] = "", previous[128] = "";
    size_t families = 0, samples = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            const char *end = skip_name(line + 7);
            snprintf(family, sizeof family, "%.*s", (int)(end - line - 7), line + 7);
            cr_expect(strcmp(family, previous) != 0, "a family stands together");
            snprintf(previous, sizeof previous, "%s", family);
            families++;
            continue;
        }
        if (strncmp(line, "# TYPE ", 7) == 0) {
            cr_assert_eq(strncmp(line + 7, family, strlen(family)), 0, "TYPE follows HELP of its family");
            const char *type = line + 8 + strlen(family);
            cr_expect(strncmp(type, "counter\n", 8) == 0 || strncmp(type, "gauge\n", 6) == 0 ||
                      strncmp(type, "histogram\n", 10) == 0);
            continue;
        }
        const char *at = skip_labels(skip_name(line));
        cr_assert_eq(strncmp(line, family, strlen(family)), 0, "a sample of another family: %.60s", line);
        cr_assert_eq(*at, ' ');
        char *end;
        double value = strtod(at + 1, &end);
        cr_assert_eq(*end, '\n', "a sample ends in a number: %.60s", line);
        cr_expect(isfinite(value));
        samples++;
    }
    cr_expect_eq(families, HH_METRIC_COUNT);
    cr_expect_gt(samples, HH_METRIC_COUNT);
    free(text);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *count(void *context)
{
    (void)context;
    for (unsigned i = 0; i < ROUNDS; i++) {
        hh_metrics_add(metrics, HH_METRIC_RECOMMENDATIONS, 0, 1);
        hh_metrics_observe(metrics, HH_METRIC_RECOMMEND, 0.000015);
        hh_metrics_judge(metrics, 1 + i % 20, 0, 0);
        hh_metrics_set(metrics, HH_METRIC_LAG, 0, i);
    }
    return NULL;
}

Test(metrics, threads_lose_nothing, .init = begin, .fini = end)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (int i = 0; i < 20; i++) {
        size_t length;
        free(hh_metrics_render(metrics, &length));
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(hh_metrics_value(metrics, HH_METRIC_RECOMMENDATIONS, 0), THREADS * ROUNDS);
    expect_sample("hiphop_recommend_duration_seconds_count", THREADS * ROUNDS);
    expect_sample("hiphop_recommend_duration_seconds_sum", THREADS * ROUNDS * 0.000015);
    expect_sample("hiphop_live_hits_total{list=\"hiphop\"}", THREADS * ROUNDS);
}
