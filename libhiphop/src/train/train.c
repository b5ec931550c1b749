// The course of a training: which sessions, in which order, at which rate, until when.
#include "train/checkpoint.h"
#include "train/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_SECONDS 0.25 // between two calls of progress()

// Where options.epochs leaves it to the sessions (docs/model.md).
#define FEW_EPOCHS   6u
#define MANY_EPOCHS  24u
#define ENOUGH_STEPS 2000u

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
    const hh_train_data *data;
    const hh_train_options *options;
    hh_session_view *views;    // [count] in time order; those of fewer than 2 clicks are left out
    size_t count, learned;     // the first `learned` are trained on, the rest held out
    uint32_t *order;           // [learned]
    hh_session_view *batch;    // [learned]
    size_t prefixes;           // of those learned
    hh_neighbour_index *index; // of the sessions learned; NULL: the network heeds no neighbours
    hh_neighbour_list near;    // of their prefixes, by the last click
    hh_train_record *record;
    hh_course_state state; // as far as it has come
    bool resumes;          // the state comes from options->resume, and the weights still have to
    hh_train_progress progress;
    double began, shown;
    double epoch_seconds;  // of the latest
    uint64_t steps_before; // of Adam, of the network that is trained further
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

// Seconds of all that is to come at most, when `share` of an epoch has taken so long.
static double seconds_left(const course *self, double spent, double share)
{
    const hh_course_state *state = &self->state;
    double epochs = (double)(state->epochs - state->epoch + 1) - self->progress.done;
    if (!state->refit && self->options->refit && self->learned < self->count)
        epochs += (double)state->epochs * (double)self->count / (double)self->learned;
    return share > 0 ? spent / share * epochs : 0;
}

static hh_objective objective_of(const course *self)
{
    const hh_train_options *options = self->options;
    uint32_t epoch = self->state.epoch - 1, last = self->state.epochs - 1;
    float cooled = options->temperature * powf(0.99f, (float)epoch);
    return (hh_objective){
        .gamma = options->focus,
        .margin = options->margin,
        .hard = last > 0 ? options->hard + (1 - options->hard) * (float)epoch / (float)last : 1,
        .contrast = options->contrast,
        .temperature = cooled > 0.1f ? cooled : 0.1f,
        .others = options->others,
    };
}

// From where the state is in it to its end, or until it is stopped.
static bool epoch(course *self, hh_stepper *stepper)
{
    const hh_train_options *options = self->options;
    hh_course_state *state = &self->state;
    uint64_t an_epoch = (self->prefixes + options->batch - 1) / options->batch,
             steps = an_epoch * state->epochs, seen_before = state->seen;
    double began = now(self);
    hh_objective objective = objective_of(self);
    hh_stepper_set_objective(stepper, &objective);
    self->progress.done = (double)state->seen / (double)self->prefixes;
    shuffle(self, state->epoch);
    while (state->next < self->learned && go_on(self, false)) {
        size_t count = 0, prefixes = 0;
        for (; state->next < self->learned && prefixes < options->batch; state->next++) {
            self->batch[count] = self->views[self->order[state->next]];
            prefixes += self->batch[count++].length - 1;
        }
        uint64_t step = ++state->steps;
        hh_adam adam = {.rate = rate_at(options, step < steps ? step : steps, steps),
                        .beta1 = 0.9f,
                        .beta2 = 0.999f,
                        .epsilon = 1e-8f,
                        .decay = options->decay,
                        .step = self->steps_before + step};
        double mean;
        if (!hh_stepper_step(stepper, self->batch, count, &adam, &mean))
            return false;
        state->loss += mean * (double)prefixes;
        state->seen += prefixes;
        self->progress.done = (double)state->seen / (double)self->prefixes;
        self->progress.loss = state->loss / (double)state->seen;
        self->progress.seconds_left = seconds_left(
            self, now(self) - began, (double)(state->seen - seen_before) / (double)self->prefixes);
    }
    self->epoch_seconds = now(self) - began;
    hh_train_record *record = self->record;
    uint64_t workspace = hh_stepper_workspace(stepper);
    record->workspace_bytes = workspace > record->workspace_bytes ? workspace : record->workspace_bytes;
    return true;
}

// ---- a run over several epochs ----

// The sessions that the run of the state learns from; false: there are none.
static bool prepare(course *self)
{
    const hh_train_options *options = self->options;
    self->learned =
        self->state.refit ? self->count : self->count - (size_t)((double)self->count * options->held_out);
    self->prefixes = 0;
    for (size_t s = 0; s < self->learned; s++)
        self->prefixes += self->views[s].length - 1;
    self->progress.epochs = self->state.epochs;
    self->progress.refit = self->state.refit;
    return self->prefixes > 0;
}

// Finds the neighbours of all sessions that are learned from: each knows those before it.
static bool find_neighbours(course *self)
{
    const hh_network_options *network = &self->options->network;
    hh_neighbour_options options = hh_neighbour_options_of(network);
    if (!network->global && !network->local)
        return true;
    hh_neighbour_index_free(self->index);
    self->near.prefixes = 0;
    self->index = hh_neighbour_index_new(self->data->items, &options);
    bool done = self->index != NULL;
    for (size_t s = 0; s < self->learned && done; s++) {
        const hh_session_view *view = &self->views[s];
        done = hh_neighbour_list_skip(&self->near, (size_t)(view->items - self->data->item)) &&
               hh_neighbour_index_find(self->index, view->items, view->length - 1, &self->near) &&
               hh_neighbour_index_add(self->index, view->items, view->length);
    }
    return done;
}

typedef struct run_memory {
    hh_network *network, *kept; // kept: as it was after the best epoch; NULL before
    hh_stepper *stepper;
} run_memory;

static hh_checkpoint checkpoint_of(course *self, const run_memory *run)
{
    return (hh_checkpoint){.data = self->data,
                           .options = self->options,
                           .record = self->record,
                           .state = &self->state,
                           .network = run->network,
                           .kept = run->kept,
                           .drawn = hh_stepper_drawn(run->stepper)};
}

static bool tell_seen(const course *self, hh_stepper *stepper)
{
    uint8_t *seen = calloc(self->data->items + (size_t)1, 1);
    for (size_t s = 0; s < self->learned && seen; s++)
        for (uint32_t i = 0; i < self->views[s].length; i++)
            seen[self->views[s].items[i]] = 1;
    if (seen)
        hh_stepper_set_seen(stepper, seen);
    bool told = seen != NULL;
    free(seen);
    return told;
}

static hh_status begin_run(course *self, run_memory *run, hh_error *error)
{
    const hh_train_options *options = self->options;
    run->network = options->start
                       ? hh_network_resume(options->start, self->data->items, options->start_row,
                                           options->sources, options->source_count, options->seed, error)
                       : hh_network_new_described(&options->network, self->data->items, options->sources,
                                                  options->source_count, options->seed, error);
    if (!run->network)
        return error ? error->status : HH_MEMORY;
    self->steps_before = run->network->steps;
    run->stepper = hh_stepper_new(run->network, options->threads, options->negatives, options->seed);
    if (!run->stepper || !find_neighbours(self))
        return hh_fail(error, HH_MEMORY, NULL);
    self->record->parameter_bytes = hh_network_parameters(run->network) * sizeof(float);
    self->record->adam_bytes = 2 * self->record->parameter_bytes;
    if (options->source_count > 0 && !tell_seen(self, run->stepper))
        return hh_fail(error, HH_MEMORY, NULL);
    if (self->index)
        hh_stepper_set_neighbours(run->stepper, self->index, &self->near, self->data->item);
    if (!self->resumes)
        return HH_OK;
    self->resumes = false;
    if (self->state.best > 0 && !self->state.refit && !(run->kept = hh_network_copy(run->network)))
        return hh_fail(error, HH_MEMORY, NULL);
    hh_checkpoint checkpoint = checkpoint_of(self, run);
    return hh_checkpoint_weights(&checkpoint, options->resume, options->resume_size, error);
}

static hh_status put_aside(course *self, const run_memory *run, hh_error *error)
{
    void *bytes;
    size_t size;
    if (!self->options->checkpoint)
        return HH_OK;
    self->state.seconds = self->record->seconds + now(self) - self->began;
    hh_checkpoint checkpoint = checkpoint_of(self, run);
    hh_status status = hh_checkpoint_encode(&checkpoint, &bytes, &size, error);
    if (status)
        return status;
    self->stopped = !self->options->checkpoint(self->options->context, bytes, size) || self->stopped;
    free(bytes);
    return HH_OK;
}

// The epoch is through: what it was like, and whether its network is the best so far.
static bool end_epoch(course *self, run_memory *run, bool held)
{
    hh_train_record *record = self->record;
    hh_course_state *state = &self->state;
    if (held && !hh_validate(run->network, self->views + self->learned, self->count - self->learned,
                             self->index, &self->progress.hr, &self->progress.mrr))
        return false;
    record->steps = state->steps;
    record->epoch_seconds = self->epoch_seconds;
    bool best = held && (state->best == 0 || self->progress.mrr > record->mrr);
    if (best || !held) { // of the network that is kept
        record->epochs = state->epoch;
        record->loss = self->progress.loss;
    }
    if (best) {
        record->hr = self->progress.hr;
        record->mrr = self->progress.mrr;
        hh_network_free(run->kept);
        run->kept = hh_network_copy(run->network);
        if (!run->kept)
            return false;
        state->best = state->epoch;
    }
    state->epoch++;
    state->next = state->seen = 0;
    state->loss = 0;
    return true;
}

// Whether there is another epoch: not where it has got no better on what is held out for too long.
static bool goes_on(const course *self, bool held)
{
    const hh_course_state *state = &self->state;
    return !self->stopped && state->epoch <= state->epochs &&
           !(held && state->best > 0 && state->epoch - 1 - state->best >= self->options->patience);
}

// The first session that is held out, by its place in the data.
static uint32_t first_held(const course *self)
{
    size_t at = (size_t)(self->views[self->learned].items - self->data->item);
    uint32_t low = 0, high = self->data->sessions; // first[low] <= at < first[high]
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        *(self->data->first[middle] <= at ? &low : &high) = middle;
    }
    return low;
}

// What else is learned beside the network, from the sessions held out.
static hh_status fit(course *self, const run_memory *run, hh_error *error)
{
    const hh_train_options *options = self->options;
    if (!options->fit || self->stopped || self->state.refit || self->learned == self->count)
        return HH_OK;
    hh_network *network = hh_network_copy(run->kept ? run->kept : run->network);
    if (!network)
        return hh_fail(error, HH_MEMORY, NULL);
    hh_error reason = {0};
    hh_status status = options->fit(options->context, network, first_held(self), &reason);
    if (status && status != HH_STOPPED)
        return hh_fail(error, status, "%s", reason.message);
    self->stopped = status == HH_STOPPED;
    return self->stopped ? put_aside(self, run, error) : HH_OK;
}

// The run that the state is in, up to its end or until it is stopped. NULL: HH_MEMORY, HH_FORMAT, or what
// fit() said.
static hh_network *run_epochs(course *self, hh_error *error)
{
    run_memory run = {0};
    bool held = self->learned < self->count;
    hh_status status = begin_run(self, &run, error);
    while (!status && goes_on(self, held)) {
        self->progress.epoch = self->state.epoch;
        if (!epoch(self, run.stepper) || (!self->stopped && !end_epoch(self, &run, held)))
            status = hh_fail(error, HH_MEMORY, NULL);
        if (!status)
            status = put_aside(self, &run, error);
        if (!status)
            go_on(self, true);
    }
    if (!status)
        status = fit(self, &run, error);
    hh_stepper_free(run.stepper);
    if (run.network)
        run.network->steps = self->steps_before + self->state.steps;
    if (!status && run.kept && !self->stopped) {
        hh_network_free(run.network);
        return run.kept;
    }
    hh_network_free(run.kept);
    if (!status)
        return run.network;
    hh_network_free(run.network);
    return NULL;
}

// So many that few sessions make enough steps, too, unless the options say how many.
static uint32_t epochs_of(const course *self)
{
    const hh_train_options *options = self->options;
    if (options->epochs > 0)
        return options->epochs;
    uint64_t prefixes = 0;
    for (size_t s = 0; s < self->count; s++)
        prefixes += self->views[s].length - 1;
    uint64_t an_epoch = prefixes / options->batch + 1, epochs = (ENOUGH_STEPS + an_epoch - 1) / an_epoch;
    return (uint32_t)(epochs < FEW_EPOCHS ? FEW_EPOCHS : epochs < MANY_EPOCHS ? epochs : MANY_EPOCHS);
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
    self->state.epochs = epochs_of(self);
    return true;
}

static hh_status check_options(const hh_train_data *data, const hh_train_options *options, hh_error *error)
{
    if (hh_options_check(hh_train_option_table(), options, error) ||
        hh_network_options_check(&options->network, error))
        return HH_ARGUMENT;
    if (options->start && (options->resume || options->refit))
        return hh_fail(error, HH_ARGUMENT,
                       "a network that is trained further has no checkpoint and no second run");
    for (uint32_t s = 0; s < options->source_count; s++)
        if (!options->sources[s].vector && !(options->sources[s].bytes && options->sources[s].scale))
            return hh_fail(error, HH_ARGUMENT, "the source %s has no vectors", options->sources[s].name);
    for (size_t i = 0; i < data->first[data->sessions]; i++)
        if (data->item[i] >= data->items)
            return hh_fail(error, HH_ARGUMENT, "item %u is not among the %u items", data->item[i],
                           data->items);
    return HH_OK;
}

static hh_status resume(course *self, hh_error *error)
{
    const hh_train_options *options = self->options;
    hh_checkpoint checkpoint = {
        .data = self->data, .options = options, .record = self->record, .state = &self->state};
    hh_status status = hh_checkpoint_state(&checkpoint, options->resume, options->resume_size, error);
    self->record->seconds = self->state.seconds;
    self->progress.hr = self->record->hr;
    self->progress.mrr = self->record->mrr;
    return status;
}

// The first run chooses the epoch, the second learns from everything for so many.
static hh_network *both_runs(course *self, hh_error *error)
{
    if (!prepare(self)) {
        hh_fail(error, HH_ARGUMENT, "there is nothing to learn from: no session has two clicks");
        return NULL;
    }
    if (self->state.next > self->learned || self->state.seen > self->prefixes) {
        hh_fail(error, HH_FORMAT, "the checkpoint says that more was learned than there is");
        return NULL;
    }
    hh_network *network = run_epochs(self, error);
    if (!network || self->state.refit || !self->options->refit || self->learned == self->count ||
        self->stopped)
        return network;
    hh_network_free(network);
    uint32_t best = self->state.best;
    self->state = hh_course_state_new();
    self->state.refit = true;
    self->state.epochs = best;
    prepare(self);
    return run_epochs(self, error);
}

hh_network *hh_train(const hh_train_data *data, const hh_train_options *options, hh_train_record *record,
                     hh_error *error)
{
    *record = hh_train_record_new();
    if (check_options(data, options, error))
        return NULL;
    course self = {.data = data,
                   .options = options,
                   .record = record,
                   .state = hh_course_state_new(),
                   .resumes = options->resume != NULL,
                   .progress = {.hr = NAN, .mrr = NAN}};
    self.began = now(&self);
    hh_network *network = NULL;
    if (!view_sessions(&self, data))
        hh_fail(error, HH_MEMORY, NULL);
    else if (!self.resumes || resume(&self, error) == HH_OK)
        network = both_runs(&self, error);
    record->sessions = self.learned;
    record->prefixes = self.prefixes;
    record->stopped = self.stopped;
    record->seconds += now(&self) - self.began;
    free(self.views);
    free(self.batch);
    free(self.order);
    hh_neighbour_index_free(self.index);
    hh_neighbour_list_free(&self.near);
    return network;
}
