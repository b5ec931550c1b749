#include "evaluate_output.h"

#include "wire/duration.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

void cli_print_models(void)
{
    printf("Models:\n");
    const hh_model_info *info;
    for (size_t i = 0; (info = hh_evaluate_model(i)); i++)
        printf("  %-14s %s\n", info->name, info->summary);
    printf("\nSettings (default): what they are\n");
    const hh_setting *setting;
    for (size_t i = 0; (setting = hh_evaluate_setting(i)); i++) {
        char standard[32];
        double value = hh_setting_standard(setting);
        if (setting->kind == HH_SETTING_DURATION)
            hh_duration_print((hh_time)value, standard, sizeof standard);
        else
            snprintf(standard, sizeof standard, "%.10g", value);
        printf("  %-28s %-9s %s\n", setting->name, standard, setting->text);
    }
}

static json_t *cutoffs(const double values[HH_CUTOFFS])
{
    return json_pack("{s:f, s:f, s:f}", "5", values[HH_AT_5], "10", values[HH_AT_10], "20", values[HH_AT_20]);
}

bool cli_print_result(const char *protocol, const hh_result *result)
{
    json_t *line =
        json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:{s:f}, s:{s:f}, s:{s:f, s:f}}", "model", result->model,
                  "protocol", protocol, "targets", (json_int_t)result->targets, "hr", cutoffs(result->hr),
                  "mrr", cutoffs(result->mrr), "ndcg", cutoffs(result->ndcg), "coverage", "20",
                  result->coverage, "popularity", "20", result->popularity, "seconds", "train",
                  result->train_seconds, "predict", result->predict_seconds);
    bool done = line && json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0;
    json_decref(line);
    putchar('\n');
    fflush(stdout);
    return done;
}

void cli_print_results(const hh_log *log, const char *protocol, const hh_result *results, size_t count)
{
    hh_log_stats stats;
    hh_log_stats_read(log, &stats);
    printf("%llu clicks in %llu sessions on %llu items; %llu targets", (unsigned long long)stats.clicks,
           (unsigned long long)stats.sessions, (unsigned long long)stats.items,
           (unsigned long long)(count ? results[0].targets : 0));
    if (stats.train)
        printf(" in the last %llu sessions", (unsigned long long)(stats.sessions - stats.train));
    printf("\n%s\n\n", protocol);
    printf("%-13s %6s %6s %6s  %6s  %6s  %6s %6s  %7s %8s\n", "in per cent", "HR@5", "HR@10", "HR@20",
           "MRR@20", "NDCG@20", "cover", "pop", "train s", "predict s");
    for (size_t i = 0; i < count; i++) {
        const hh_result *row = &results[i];
        printf("%-13s %6.2f %6.2f %6.2f  %6.2f  %6.2f  %6.2f %6.2f  %7.1f %8.1f\n", row->model,
               100 * row->hr[HH_AT_5], 100 * row->hr[HH_AT_10], 100 * row->hr[HH_AT_20],
               100 * row->mrr[HH_AT_20], 100 * row->ndcg[HH_AT_20], 100 * row->coverage,
               100 * row->popularity, row->train_seconds, row->predict_seconds);
    }
}

void cli_print_training(void *trainings, const hh_training *training)
{
    cli_trainings *sums = trainings;
    char when[32] = "", text[512];
    struct tm parts;
    time_t seconds = (time_t)(training->time / HH_SECOND);
    if (gmtime_r(&seconds, &parts))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &parts);
    hh_training_text(training, text, sizeof text);
    fprintf(stderr, "hiphop: %s UTC: %s\n", when, text);
    sums->trained += training->trained;
    sums->promoted += training->promoted;
    sums->seconds += training->seconds;
    sums->gate_seconds += training->gate_seconds;
}

bool cli_print_trainings(const cli_trainings *trainings, bool json)
{
    const char *form = json
                           ? "{\"trainings\":%u,\"promoted\":%u,\"seconds\":{\"train\":%.1f,\"gate\":%.1f}}\n"
                           : "\n%u trainings, %u promoted; %.1f s of training, %.1f s of judging\n";
    return printf(form, trainings->trained, trainings->promoted, trainings->seconds,
                  trainings->gate_seconds) > 0 &&
           fflush(stdout) == 0;
}
