// Runs the trials (trials.c) and says what their figures are, and how far they are to be believed.
#include "evaluate/model_kind.h"

#include <hiphop/ablate.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIALS 128

const char *const hh_ablate_lists[HH_LISTS] = {"graph", "network", "mixture", "hiphop"};

hh_ablate_options hh_ablate_defaults(void)
{
    hh_ablate_options options = {.evaluate = hh_evaluate_defaults(), .seeds = 3};
    options.evaluate.memory = HH_REMEMBER_TRAIN;
    for (int group = 0; group < HH_TRIAL_GROUP_COUNT; group++)
        options.wanted[group] = true;
    return options;
}

// ---- which trials ----

static const hh_trial *find_trial(const char *name)
{
    const hh_trial *trial;
    for (size_t i = 0; (trial = hh_ablate_trial(i)); i++)
        if (strcmp(trial->name, name) == 0)
            return trial;
    return NULL;
}

static bool possible(const hh_ablate_options *options, const hh_trial *trial)
{
    return !trial->described || options->evaluate.source_count > 0;
}

// Whether a trial of a wanted group is held against this one, perhaps by way of others.
static bool needed(const hh_ablate_options *options, const hh_trial *trial)
{
    if (options->wanted[trial->group])
        return possible(options, trial);
    const hh_trial *other;
    for (size_t i = 0; (other = hh_ablate_trial(i)); i++)
        if (options->wanted[other->group] && possible(options, other))
            for (const hh_trial *at = other; at->against;) {
                at = find_trial(at->against);
                if (at == trial)
                    return true;
            }
    return false;
}

static size_t choose(const hh_ablate_options *options, const hh_trial *chosen[TRIALS])
{
    size_t count = 0;
    const hh_trial *trial;
    for (size_t i = 0; (trial = hh_ablate_trial(i)) && count < TRIALS; i++)
        if (needed(options, trial))
            chosen[count++] = trial;
    return count;
}

uint32_t hh_ablate_runs(const hh_ablate_options *options)
{
    const hh_trial *chosen[TRIALS];
    return (uint32_t)choose(options, chosen) * options->seeds;
}

// ---- a run ----

typedef struct plan {
    const hh_log *log;
    const hh_ablate_options *options;
    hh_setting_value *settings; // of the run at hand
    size_t setting_count;
    uint64_t seed;
    hh_trial_run run;
} plan;

// The caller's settings, those of the trial over them, and the seed.
static void set_up(plan *self, const hh_trial *trial)
{
    const hh_evaluate_options *evaluate = &self->options->evaluate;
    self->setting_count = 0;
    // What is compared is left as it was when its epoch was chosen: all trials alike, in half the time.
    self->settings[self->setting_count++] = (hh_setting_value){"network.refit", 0};
    for (size_t i = 0; i < evaluate->setting_count; i++)
        self->settings[self->setting_count++] = evaluate->settings[i];
    for (size_t i = 0; i < trial->setting_count; i++)
        self->settings[self->setting_count++] = trial->settings[i];
    self->settings[self->setting_count++] = (hh_setting_value){"network.seed", (double)self->seed};
}

static hh_evaluate_options options_of(const plan *self)
{
    hh_evaluate_options evaluate = self->options->evaluate;
    evaluate.settings = self->settings;
    evaluate.setting_count = self->setting_count;
    return evaluate;
}

// Whether both trials come to the same, whatever they are called.
static bool same(plan *self, const hh_trial *trial, const hh_trial *other)
{
    bool equal = trial->shuffled == other->shuffled && trial->lot == other->lot;
    const hh_setting *setting;
    for (size_t i = 0; equal && (setting = hh_evaluate_setting(i)); i++) {
        set_up(self, trial);
        hh_evaluate_options evaluate = options_of(self);
        double value = hh_model_setting(&evaluate, setting->name);
        set_up(self, other);
        evaluate = options_of(self);
        equal = value == hh_model_setting(&evaluate, setting->name);
    }
    return equal;
}

static void take_result(void *context, const hh_result *result)
{
    hh_trial_run *run = context;
    for (int list = 0; list < HH_LISTS; list++)
        if (strcmp(hh_ablate_lists[list], result->model) == 0)
            run->result[list] = *result;
}

// Sources with vectors that have nothing to do with the items, in memory [numbers]; who has one is as it was.
static void draw_by_lot(const plan *self, uint32_t items, hh_source *sources, float *memory)
{
    const hh_evaluate_options *evaluate = &self->options->evaluate;
    for (uint32_t s = 0; s < evaluate->source_count; s++) {
        size_t numbers = (size_t)items * evaluate->sources[s].width;
        hh_vectors_by_lot(memory, numbers, self->seed + s);
        sources[s] = evaluate->sources[s];
        sources[s].vector = memory;
        memory += numbers;
    }
}

static float *memory_by_lot(const plan *self, uint32_t items)
{
    size_t numbers = 0;
    for (uint32_t s = 0; s < self->options->evaluate.source_count; s++)
        numbers += (size_t)items * self->options->evaluate.sources[s].width;
    return malloc((numbers + 1) * sizeof(float));
}

static hh_status run_trial(plan *self, const hh_trial *trial, hh_trial_run *run, hh_error *error)
{
    double (*cpu)(void) = self->options->cpu;
    hh_log *shuffled = NULL;
    hh_log_stats stats;
    hh_source by_lot[HH_SOURCES];
    float *memory = NULL;
    *run = (hh_trial_run){.trial = trial, .seed = self->seed};
    if (trial->shuffled && !(shuffled = hh_log_shuffled(self->log, self->seed, error)))
        return error ? error->status : HH_MEMORY;
    set_up(self, trial);
    hh_evaluate_options evaluate = options_of(self);
    hh_log_stats_read(self->log, &stats);
    if (trial->lot) {
        memory = memory_by_lot(self, (uint32_t)stats.items);
        if (!memory)
            return hh_fail(error, HH_MEMORY, NULL);
        draw_by_lot(self, (uint32_t)stats.items, by_lot, memory);
        evaluate.sources = by_lot;
    }
    double began = cpu ? cpu() : 0;
    hh_status status = hh_evaluate(shuffled ? shuffled : self->log, &evaluate, hh_ablate_lists, HH_LISTS,
                                   take_result, run, error);
    run->seconds = cpu ? cpu() - began : 0;
    hh_log_free(shuffled);
    free(memory);
    return status;
}

// All chosen trials with one seed.
static hh_status run_seed(plan *self, const hh_trial *const *chosen, size_t count, uint32_t done,
                          hh_trial_run *runs, void (*report)(void *context, const hh_trial_run *run),
                          void *context, hh_error *error)
{
    const hh_ablate_options *options = self->options;
    hh_status status = HH_OK;
    for (size_t i = 0; i < count && status == HH_OK; i++) {
        size_t twin = 0;
        if (options->begin)
            options->begin(options->context, chosen[i], self->seed, done + (uint32_t)i,
                           (uint32_t)count * options->seeds);
        while (twin < i && !same(self, chosen[i], chosen[twin]))
            twin++;
        if (twin < i) {
            runs[i] = runs[twin];
            runs[i].trial = chosen[i];
        } else {
            status = run_trial(self, chosen[i], &runs[i], error);
        }
        if (status == HH_OK)
            report(context, &runs[i]);
    }
    return status;
}

hh_status hh_ablate(const hh_log *log, const hh_ablate_options *options,
                    void (*report)(void *context, const hh_trial_run *run), void *context, hh_error *error)
{
    const hh_trial *chosen[TRIALS];
    size_t count = choose(options, chosen);
    hh_log_stats stats;
    hh_log_stats_read(log, &stats);
    if (stats.train == 0)
        return hh_fail(error, HH_ARGUMENT, "trials need sessions to train on: a log of clicks has none");
    plan self = {.log = log, .options = options};
    self.settings = malloc((options->evaluate.setting_count + HH_TRIAL_SETTINGS + 2) * sizeof *self.settings);
    hh_trial_run *runs = malloc((count + 1) * sizeof *runs);
    hh_status status = self.settings && runs ? HH_OK : hh_fail(error, HH_MEMORY, NULL);
    uint64_t first = (uint64_t)hh_model_setting(&options->evaluate, "network.seed");
    for (uint32_t i = 0; i < options->seeds && status == HH_OK; i++) {
        self.seed = first + i;
        status = run_seed(&self, chosen, count, i * (uint32_t)count, runs, report, context, error);
    }
    free(self.settings);
    free(runs);
    return status;
}

// ---- the summary ----

// Adds a value to the mean and, in `deviation`, to the sum of squares around it (Welford).
static void add(hh_spread *spread, double value)
{
    double before = value - spread->mean;
    spread->mean += before / ++spread->count;
    spread->deviation += before * (value - spread->mean);
}

static void settle(hh_spread *spread)
{
    spread->deviation = spread->count > 1 ? sqrt(spread->deviation / (spread->count - 1)) : 0;
}

static const hh_trial_run *reference_of(const hh_trial_run *runs, size_t count, const hh_trial_run *run)
{
    for (size_t i = 0; run->trial->against && i < count; i++)
        if (runs[i].seed == run->seed && strcmp(runs[i].trial->name, run->trial->against) == 0)
            return &runs[i];
    return NULL;
}

void hh_ablate_summary(const hh_trial_run *runs, size_t count, const hh_trial *trial,
                       hh_trial_summary *summary)
{
    *summary = (hh_trial_summary){0};
    for (size_t i = 0; i < count; i++) {
        const hh_trial_run *run = &runs[i], *other;
        if (run->trial != trial)
            continue;
        summary->runs++;
        add(&summary->seconds, run->seconds);
        other = reference_of(runs, count, run);
        for (int list = 0; list < HH_LISTS; list++) {
            double hr = run->result[list].hr[HH_AT_20], mrr = run->result[list].mrr[HH_AT_20];
            add(&summary->hr[list], hr);
            add(&summary->mrr[list], mrr);
            if (!other)
                continue;
            add(&summary->hr_more[list], hr - other->result[list].hr[HH_AT_20]);
            add(&summary->mrr_more[list], mrr - other->result[list].mrr[HH_AT_20]);
        }
    }
    settle(&summary->seconds);
    for (int list = 0; list < HH_LISTS; list++) {
        settle(&summary->hr[list]);
        settle(&summary->mrr[list]);
        settle(&summary->hr_more[list]);
        settle(&summary->mrr_more[list]);
    }
}
