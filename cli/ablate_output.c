#include "ablate_output.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

// ---- the table ----

static void print_figure(const hh_spread *spread)
{
    printf("  %6.2f", 100 * spread->mean);
    if (spread->count > 1)
        printf(" ±%-5.2f", 100 * spread->deviation);
    else
        printf("       ");
}

static void print_more(const hh_spread *spread)
{
    if (spread->count == 0)
        printf("               ");
    else if (spread->count > 1)
        printf("  %+6.2f ±%-5.2f", 100 * spread->mean, 100 * spread->deviation);
    else
        printf("  %+6.2f       ", 100 * spread->mean);
}

static void print_head(hh_trial_group group)
{
    printf("\n%s\n", hh_trial_group_text(group));
    printf("  %-27s %-14s %-14s %-14s %-14s  %-14s %-14s %-14s %-14s  %6s\n", "", " network HR@20",
           "          more", "        MRR@20", "          more", "  hiphop HR@20", "          more",
           "        MRR@20", "          more", "CPU s");
}

static void print_row(const hh_trial *trial, const hh_trial_summary *row)
{
    printf("  %-27s", trial->name);
    for (int list = HH_LIST_NETWORK; list < HH_LISTS; list += HH_LIST_HIPHOP - HH_LIST_NETWORK) {
        print_figure(&row->hr[list]);
        print_more(&row->hr_more[list]);
        print_figure(&row->mrr[list]);
        print_more(&row->mrr_more[list]);
        printf(" ");
    }
    printf(" %6.1f\n", row->seconds.mean);
}

// The same network on its own, mixed, and listed by the ranker.
static void print_lists(const ablation *all)
{
    const hh_trial *trial;
    hh_trial_summary row;
    for (size_t i = 0; (trial = hh_ablate_trial(i)); i++) {
        hh_ablate_summary(all->runs, all->count, trial, &row);
        if (row.runs == 0 || trial->against)
            continue;
        printf("\nThe lists of '%s'\n  %-27s  HR@20          MRR@20\n", trial->name, "");
        for (int list = 0; list < HH_LISTS; list++) {
            printf("  %-27s", hh_ablate_lists[list]);
            print_figure(&row.hr[list]);
            print_figure(&row.mrr[list]);
            printf("\n");
        }
    }
}

void ablate_print_table(const ablation *all)
{
    const hh_trial *trial;
    hh_trial_summary row;
    int group = -1;
    printf("%s\n%s\n", all->data, all->protocol);
    print_lists(all);
    for (size_t i = 0; (trial = hh_ablate_trial(i)); i++) {
        hh_ablate_summary(all->runs, all->count, trial, &row);
        if (row.runs == 0)
            continue;
        if (group != (int)trial->group)
            print_head(trial->group);
        group = (int)trial->group;
        print_row(trial, &row);
    }
    printf(
        "\nMean ± standard deviation over the seeds, in per cent. more: than the row it is held against, "
        "seed "
        "by seed:\n'default', 'paper', or what stands before the last sign. CPU seconds are of one run.\n");
}

// ---- JSON ----

static bool print_line(json_t *line)
{
    bool done = line && json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0;
    json_decref(line);
    putchar('\n');
    fflush(stdout);
    return done;
}

static json_t *json_trial(const char *kind, const hh_trial *trial)
{
    json_t *line = json_object();
    json_object_set_new(line, "kind", json_string(kind));
    json_object_set_new(line, "group", json_string(hh_trial_group_name(trial->group)));
    json_object_set_new(line, "trial", json_string(trial->name));
    if (trial->against)
        json_object_set_new(line, "against", json_string(trial->against));
    if (!isnan(trial->number))
        json_object_set_new(line, "number", json_real(trial->number));
    return line;
}

bool ablate_print_run(const hh_trial_run *run)
{
    json_t *line = json_trial("run", run->trial);
    json_object_set_new(line, "seed", json_integer((json_int_t)run->seed));
    for (int list = 0; list < HH_LISTS; list++)
        json_object_set_new(line, hh_ablate_lists[list],
                            json_pack("{s:f, s:f}", "hr@20", run->result[list].hr[HH_AT_20], "mrr@20",
                                      run->result[list].mrr[HH_AT_20]));
    json_object_set_new(line, "targets", json_integer((json_int_t)run->result[HH_LIST_HIPHOP].targets));
    json_object_set_new(line, "cpu_seconds", json_real(run->seconds));
    return print_line(line);
}

static json_t *json_spread(const hh_spread *spread)
{
    return spread->count ? json_pack("{s:f, s:f}", "mean", spread->mean, "deviation", spread->deviation)
                         : json_null();
}

bool ablate_print_summary(const ablation *all)
{
    const hh_trial *trial;
    hh_trial_summary row;
    bool done = true;
    for (size_t i = 0; (trial = hh_ablate_trial(i)); i++) {
        hh_ablate_summary(all->runs, all->count, trial, &row);
        if (row.runs == 0)
            continue;
        json_t *line = json_trial("summary", trial);
        json_object_set_new(line, "runs", json_integer(row.runs));
        json_object_set_new(line, "protocol", json_string(all->protocol));
        for (int list = 0; list < HH_LISTS; list++) {
            json_t *figures = json_object();
            json_object_set_new(figures, "hr@20", json_spread(&row.hr[list]));
            json_object_set_new(figures, "mrr@20", json_spread(&row.mrr[list]));
            json_object_set_new(figures, "hr@20_more", json_spread(&row.hr_more[list]));
            json_object_set_new(figures, "mrr@20_more", json_spread(&row.mrr_more[list]));
            json_object_set_new(line, hh_ablate_lists[list], figures);
        }
        json_object_set_new(line, "cpu_seconds", json_spread(&row.seconds));
        done = print_line(line) && done;
    }
    return done;
}
