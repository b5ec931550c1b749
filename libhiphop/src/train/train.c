// The course of a training: which sessions, in which order, at which rate, until when.
#include "train/step.h"

#include "model/scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOP            20
#define EVERY_SECONDS  0.25 // between two calls of progress()
#define CHECK_PREFIXES 64   // ranked at once

hh_train_options hh_train_defaults(void)
{
    return (hh_train_options){.network = hh_network_defaults(), HH_TRAIN_OPTIONS(HH_OPTION_STANDARD)};
}

const hh_option *hh_train_option_table(void)
{
#define ROW(...) HH_OPTION_ROW(hh_train_options, __VA_ARGS__)
    static const hh_option table[] = {HH_TRAIN_OPTIONS(ROW){0}};
#undef ROW
    return table;
}

hh_train_record hh_train_record_new(void)
{
    return (hh_train_record){HH_TRAIN_RECORD(HH_OPTION_STANDARD)};
}

const hh_option *hh_train_record_table(void)
{
#define ROW(...) HH_OPTION_ROW(hh_train_record, __VA_ARGS__)
    static const hh_option table[] = {HH_TRAIN_RECORD(ROW){0}};
#undef ROW
    return table;
}

typedef struct course {
    const hh_train_options *options;
    hh_session_view *views; // [count] in time order; those of fewer than 2 clicks are left out
    size_t count, learned;  // the first `learned` are trained on, the rest held out
    uint32_t *order;        // [learned]
    hh_session_view *batch; // [learned]
    size_t prefixes;        // of those learned
    hh_train_record *record;
    hh_train_progress progress;
    double began, shown;
    double epoch_seconds; // of the latest
    bool stopped;
} course;

static double now(const course *self)
{
    return self->options->clock ? self->options->clock() : 0;
}

static bool go_on(course *self, bool always)
{
    const hh_train_options *options = self->options;
    if (self->stopped || !options->progress)
        return !self->stopped;
    double time = now(self);
    if (!always && options->clock && time - self->shown < EVERY_SECONDS)
        return true;
    self->shown = time;
    self->stopped = !options->progress(options->context, &self->progress);
    return !self->stopped;
}

// ---- validation ----

// HR and MRR@20 on the sessions held out; ties against the target.
static bool check(course *self, const hh_network *network)
{
    hh_scorer scorer;
    size_t items = network->item.rows, targets = 0, hits = 0;
    double ranks = 0;
    float *logits = malloc(CHECK_PREFIXES * items * sizeof *logits);
    bool done = logits && hh_scorer_init(&scorer, network);
    for (size_t s = self->learned; s < self->count && done; s += CHECK_PREFIXES) {
        size_t count = self->count - s < CHECK_PREFIXES ? self->count - s : CHECK_PREFIXES;
        done = hh_scorer_read(&scorer, self->views + s, count, false);
        for (size_t p = 0; done && p < scorer.batch.prefixes; p += CHECK_PREFIXES) {
            size_t rows =
                scorer.batch.prefixes - p < CHECK_PREFIXES ? scorer.batch.prefixes - p : CHECK_PREFIXES;
            hh_scorer_logits(&scorer, p, rows, logits);
            for (size_t r = 0; r < rows; r++) {
                const float *row = logits + r * items;
                float target = row[scorer.batch.exact.at[scorer.batch.exact.begin[p + r]]];
                size_t before = 0;
                for (size_t i = 0; i < items; i++)
                    before += row[i] >= target; // the target is one of them
                targets++;
                hits += before <= TOP;
                ranks += before <= TOP ? 1.0 / (double)before : 0;
            }
        }
    }
    if (logits)
        hh_scorer_free(&scorer);
    free(logits);
    self->progress.hr = targets ? (double)hits / (double)targets : NAN;
    self->progress.mrr = targets ? ranks / (double)targets : NAN;
    return done;
}

// ---- an epoch ----

static void shuffle(course *self, uint32_t epoch)
{
    hh_random random = hh_random_of(self->options->seed ^ 0x5e55, epoch);
    for (size_t i = 0; i < self->learned; i++)
        self->order[i] = (uint32_t)i;
    for (size_t i = self->learned; i > 1; i--) {
        size_t other = hh_random_below(&random, (uint32_t)i);
        uint32_t session = self->order[i - 1];
        self->order[i - 1] = self->order[other];
        self->order[other] = session;
    }
}

static float rate_at(const hh_train_options *options, uint64_t step, uint64_t steps)
{
    if (step <= options->warm_up)
        return options->rate * (float)step / (float)options->warm_up;
    return steps > options->warm_up
               ? options->rate * (float)(steps - step + 1) / (float)(steps - options->warm_up)
               : options->rate;
}

static bool epoch(course *self, hh_stepper *stepper, uint64_t *step)
{
    const hh_train_options *options = self->options;
    uint64_t an_epoch = (self->prefixes + options->batch - 1) / options->batch,
             steps = an_epoch * options->epochs;
    double loss = 0, began = now(self);
    size_t seen = 0;
    shuffle(self, self->progress.epoch);
    for (size_t next = 0; next < self->learned && go_on(self, false);) {
        size_t count = 0, prefixes = 0;
        for (; next < self->learned && prefixes < options->batch; next++) {
            self->batch[count] = self->views[self->order[next]];
            prefixes += self->batch[count++].length - 1;
        }
        ++*step;
        hh_adam adam = {.rate = rate_at(options, *step < steps ? *step : steps, steps),
                        .beta1 = 0.9f,
                        .beta2 = 0.999f,
                        .epsilon = 1e-8f,
                        .decay = options->decay,
                        .step = *step};
        double mean;
        if (!hh_stepper_step(stepper, self->batch, count, &adam, &mean))
            return false;
        loss += mean * (double)prefixes;
        seen += prefixes;
        self->progress.done = (double)seen / (double)self->prefixes;
        self->progress.loss = loss / (double)seen;
        double spent = now(self) - began;
        self->progress.seconds_left =
            spent * ((double)(self->progress.epochs - self->progress.epoch + 1) / self->progress.done - 1);
    }
    self->epoch_seconds = now(self) - began;
    return true;
}

// ---- a run over several epochs ----

static bool prepare(course *self, size_t learned, uint32_t epochs, bool refit)
{
    self->learned = learned;
    self->prefixes = 0;
    for (size_t s = 0; s < learned; s++)
        self->prefixes += self->views[s].length - 1;
    self->progress.epochs = epochs;
    self->progress.refit = refit;
    return self->prefixes > 0;
}

// Trains a new network for so many epochs, or until it gets no better on what is held out. *best: the epoch
// whose network it returns; NULL: out of memory.
static hh_network *run(course *self, uint32_t items, uint32_t *best)
{
    const hh_train_options *options = self->options;
    hh_train_record *record = self->record;
    hh_network *network = hh_network_new(&options->network, items, options->seed, NULL), *kept = NULL;
    hh_stepper *stepper =
        network ? hh_stepper_new(network, options->threads, options->negatives, options->seed) : NULL;
    bool done = stepper != NULL, held = self->learned < self->count;
    uint64_t steps = 0;
    *best = 0;
    for (uint32_t e = 1; e <= self->progress.epochs && done && !self->stopped; e++) {
        self->progress.epoch = e;
        done = epoch(self, stepper, &steps);
        if (done && held && !self->stopped)
            done = check(self, network);
        if (!done || self->stopped)
            break;
        record->epochs = e;
        record->steps = steps;
        record->loss = self->progress.loss;
        record->epoch_seconds = self->epoch_seconds;
        if (held && (*best == 0 || self->progress.mrr > record->mrr)) {
            record->hr = self->progress.hr;
            record->mrr = self->progress.mrr;
            hh_network_free(kept);
            kept = hh_network_copy(network);
            done = kept != NULL;
            *best = e;
        }
        go_on(self, true);
        if (held && e - *best >= options->patience)
            break;
    }
    hh_stepper_free(stepper);
    if (!held)
        *best = record->epochs;
    if (kept && !self->stopped) {
        hh_network_free(network);
        return kept;
    }
    hh_network_free(kept);
    if (done)
        return network;
    hh_network_free(network);
    return NULL;
}

static bool view_sessions(course *self, const hh_train_data *data)
{
    self->views = malloc((data->sessions + (size_t)1) * sizeof *self->views);
    self->batch = malloc((data->sessions + (size_t)1) * sizeof *self->batch);
    self->order = malloc((data->sessions + (size_t)1) * sizeof *self->order);
    if (!self->views || !self->batch || !self->order)
        return false;
    for (size_t s = 0; s < data->sessions; s++) {
        size_t begin = data->first[s], end = data->first[s + 1], longest = self->options->longest;
        if (end - begin > longest)
            begin = end - longest;
        if (end - begin >= 2)
            self->views[self->count++] = (hh_session_view){data->item + begin, (uint32_t)(end - begin)};
    }
    return true;
}

static hh_status check_options(const hh_train_data *data, const hh_train_options *options, hh_error *error)
{
    if (hh_options_check(hh_train_option_table(), options, error) ||
        hh_options_check(hh_network_option_table(), &options->network, error))
        return HH_ARGUMENT;
    for (size_t i = 0; i < data->first[data->sessions]; i++)
        if (data->item[i] >= data->items)
            return hh_fail(error, HH_ARGUMENT, "item %u is not among the %u items", data->item[i],
                           data->items);
    return HH_OK;
}

hh_network *hh_train(const hh_train_data *data, const hh_train_options *options, hh_train_record *record,
                     hh_error *error)
{
    *record = hh_train_record_new();
    if (check_options(data, options, error))
        return NULL;
    course self = {.options = options, .record = record, .progress = {.hr = NAN, .mrr = NAN}};
    self.began = now(&self);
    hh_network *network = NULL;
    if (!view_sessions(&self, data)) {
        hh_fail(error, HH_MEMORY, NULL);
    } else if (!prepare(&self, self.count - (size_t)((double)self.count * options->held_out), options->epochs,
                        false)) {
        hh_fail(error, HH_ARGUMENT, "there is nothing to learn from: no session has two clicks");
    } else {
        uint32_t best = 0;
        network = run(&self, data->items, &best);
        if (network && options->refit && self.learned < self.count && !self.stopped) {
            hh_network_free(network);
            prepare(&self, self.count, best, true);
            network = run(&self, data->items, &best);
        }
        if (!network)
            hh_fail(error, HH_MEMORY, NULL);
    }
    record->sessions = self.learned;
    record->prefixes = self.prefixes;
    record->stopped = self.stopped;
    record->seconds = now(&self) - self.began;
    free(self.views);
    free(self.batch);
    free(self.order);
    return network;
}
