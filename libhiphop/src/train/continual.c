#include "model/network.h"

#include <hiphop/continual.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct hh_continual {
    hh_continual_options options;
    hh_model *model;    // in service
    hh_time scratch;    // when a network was last trained from scratch
    uint64_t trainings; // so far: no two draw the same
    uint64_t learned;   // hh_window_sessions.which of the latest that came to a verdict on this model
    bool has_learned;
};

hh_continual_options hh_continual_defaults(void)
{
    hh_continual_options options = {HH_CONTINUAL_OPTIONS(HH_OPTION_STANDARD).window = hh_window_defaults(),
                                    .train = hh_train_defaults(), .judge = hh_gate_defaults()};
    options.train.network.d = 64;
    options.train.negatives = 512;
    options.train.batch = 128;
    options.train.epochs = 10;
    options.train.held_out = 0;
    options.train.refit = false;
    return options;
}

const hh_option *hh_continual_option_table(void)
{
#define ROW(...) HH_OPTION_ROW(hh_continual_options, __VA_ARGS__)
    static const hh_option table[] = {HH_CONTINUAL_OPTIONS(ROW){0}};
#undef ROW
    return table;
}

static hh_status check(const hh_continual_options *options, hh_error *error)
{
    if (hh_options_check(hh_continual_option_table(), options, error) ||
        hh_options_check(hh_window_option_table(), &options->window, error) ||
        hh_options_check(hh_train_option_table(), &options->train, error) ||
        hh_network_options_check(&options->train.network, error))
        return HH_ARGUMENT;
    if (options->train.network.global || options->train.network.local)
        return hh_fail(error, HH_ARGUMENT, "a network that is trained as the stream goes has no neighbours");
    if (options->train.source_count > 0)
        return hh_fail(error, HH_ARGUMENT, "sources come with each training, not with the options");
    return HH_OK;
}

hh_continual *hh_continual_new(const hh_continual_options *options, hh_error *error)
{
    if (check(options, error))
        return NULL;
    hh_continual *continual = calloc(1, sizeof *continual);
    if (!continual) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    continual->options = *options;
    continual->options.train.held_out = 0; // the gate holds out, by time
    continual->options.train.refit = false;
    return continual;
}

void hh_continual_free(hh_continual *continual)
{
    if (!continual)
        return;
    hh_model_free(continual->model);
    free(continual);
}

const hh_model *hh_continual_model(const hh_continual *continual)
{
    return continual->model;
}

hh_status hh_continual_serve(hh_continual *continual, hh_model *model, hh_error *error)
{
    const hh_network *network = model ? hh_model_network(model) : NULL;
    if (network && (network->options.global || network->options.local)) {
        hh_model_free(model);
        return hh_fail(error, HH_ARGUMENT, "a network with neighbours can't be trained as the stream goes");
    }
    hh_model_free(continual->model);
    continual->model = model;
    continual->has_learned = false; // as far as is known here
    continual->scratch = model ? hh_model_facts_of(model)->created : 0;
    return HH_OK;
}

void hh_continual_trim(const hh_continual *continual, const hh_window *window, hh_slice *slice)
{
    hh_slice_drop(slice, hh_window_time_at(window, 1 - continual->options.gate_share));
}

hh_time hh_continual_until(const hh_continual *continual, hh_time now, const hh_slice *slice)
{
    hh_time begin = continual->options.gate && slice ? hh_slice_begin(slice) : now;
    return begin < now ? begin : now;
}

// ---- a training ----

// Of anything, which is two clicks in one session.
static bool teaches(const hh_train_data *data)
{
    for (uint32_t s = 0; s < data->sessions; s++)
        if (data->first[s + 1] - data->first[s] >= 2)
            return true;
    return false;
}

// Whether the same sessions have been learned for the model in service already. Once more would be another
// draw of the lot at the gate, and not what is new.
static bool same_again(const hh_continual *self, const hh_window_sessions *sessions)
{
    return self->has_learned && self->learned == sessions->which;
}

// Whether something describes items that the network in service can't read. It would have to learn to beside
// items' own vectors that have grown without; from scratch they begin at nothing.
static bool has_new_source(const hh_continual *self, const hh_descriptions *descriptions)
{
    for (uint32_t s = 0; self->model && descriptions && s < descriptions->count; s++)
        if (hh_network_source(hh_model_network(self->model), descriptions->source[s].name,
                              descriptions->source[s].width) == HH_SOURCES)
            return true;
    return false;
}

static hh_train_options options_of(const hh_continual *self, const hh_window_sessions *sessions,
                                   const hh_descriptions *descriptions, bool scratch)
{
    hh_train_options options = self->options.train;
    options.seed += self->trainings;
    options.sources = descriptions ? descriptions->source : NULL;
    options.source_count = descriptions ? descriptions->count : 0;
    if (scratch)
        return options;
    options.start = hh_model_network(self->model);
    options.start_row = sessions->row;
    options.network = options.start->options;
    uint32_t clicks = sessions->data.first[sessions->data.sessions];
    uint32_t epochs = clicks > 0 ? self->options.learned / clicks : 1;
    options.epochs = epochs < 1 ? 1 : epochs < self->options.epochs ? epochs : self->options.epochs;
    options.rate = self->options.rate;
    return options;
}

// Trains a candidate, which may turn out to be not finite: the gate would see that, but it may be off.
static hh_model *train(hh_continual *self, const hh_window_sessions *sessions,
                       const hh_descriptions *descriptions, hh_time now, hh_training *training,
                       hh_error *error)
{
    hh_train_options options = options_of(self, sessions, descriptions, training->scratch);
    hh_network *network = hh_train(&sessions->data, &options, &training->record, error);
    if (!network)
        return NULL;
    hh_model_facts facts = {.options = options, .record = training->record, .created = now};
    snprintf(facts.source, sizeof facts.source, "%u sessions of a stream", sessions->data.sessions);
    return hh_model_new(network, &sessions->ids, &facts, error);
}

static uint32_t described(const hh_descriptions *descriptions, uint32_t items)
{
    uint32_t count = 0;
    for (uint32_t item = 0; descriptions && item < items; item++) {
        bool any = false;
        for (uint32_t s = 0; s < descriptions->count && !any; s++)
            any = descriptions->source[s].scale[item] > 0;
        count += any;
    }
    return count;
}

static double seconds(const hh_continual *self)
{
    return self->options.train.clock ? self->options.train.clock() : 0;
}

// false: it failed
static hh_status judge(hh_continual *self, const hh_model *candidate, const hh_slice *slice,
                       hh_row_of *row_of, void *context, hh_training *training, hh_error *error)
{
    double began = seconds(self);
    hh_status status = HH_OK;
    training->promoted = isfinite(training->record.loss);
    if (self->options.gate && slice && training->promoted) {
        training->judged = true;
        status = hh_gate_judge(slice, row_of, context, candidate, self->model, &self->options.judge,
                               &training->gate, error);
        training->promoted = training->gate.verdict == HH_GATE_PROMOTED ||
                             (training->gate.verdict == HH_GATE_UNJUDGED && !self->model);
    }
    training->gate_seconds = seconds(self) - began;
    return status;
}

hh_status hh_continual_train(hh_continual *continual, const hh_window_sessions *sessions,
                             const hh_descriptions *descriptions, hh_time now, const hh_slice *slice,
                             hh_row_of *row_of, void *context, hh_training *training, hh_error *error)
{
    const hh_continual_options *options = &continual->options;
    *training = (hh_training){.time = now,
                              .scratch = !continual->model ||
                                         (options->refit > 0 && now - continual->scratch >= options->refit) ||
                                         has_new_source(continual, descriptions),
                              .described = described(descriptions, sessions->data.items),
                              .sessions = sessions->data.sessions,
                              .clicks = sessions->data.first[sessions->data.sessions],
                              .items = sessions->data.items,
                              .fresh = sessions->fresh,
                              .gone = sessions->gone,
                              .record = hh_train_record_new()};
    training->same = same_again(continual, sessions);
    if (training->same || !teaches(&sessions->data))
        return HH_OK;
    double began = seconds(continual);
    continual->trainings++;
    hh_model *candidate = train(continual, sessions, descriptions, now, training, error);
    if (!candidate)
        return error ? error->status : HH_MEMORY;
    training->trained = true;
    training->seconds = seconds(continual) - began;
    hh_status status = judge(continual, candidate, slice, row_of, context, training, error);
    bool verdict = training->promoted || (training->judged && training->gate.verdict != HH_GATE_UNJUDGED);
    if (status == HH_OK && verdict && !training->record.stopped) {
        continual->learned = sessions->which;
        continual->has_learned = true;
    }
    if (status || !training->promoted) {
        hh_model_free(candidate);
        return status;
    }
    hh_model_free(continual->model);
    continual->model = candidate;
    if (training->scratch)
        continual->scratch = now;
    return HH_OK;
}

void hh_training_text(const hh_training *training, char *text, size_t size)
{
    if (!training->trained) {
        snprintf(text, size, "%s",
                 training->same ? "no session has closed that was not learned already"
                                : "nothing to learn from yet");
        return;
    }
    int length =
        snprintf(text, size,
                 "%s on %llu sessions, %llu clicks on %u items (%u new, %u gone, %u described) in %.1f s; ",
                 training->scratch ? "trained from scratch" : "trained further",
                 (unsigned long long)training->sessions, (unsigned long long)training->clicks,
                 training->items, training->fresh, training->gone, training->described, training->seconds);
    if (length < 0 || (size_t)length >= size)
        return;
    if (training->judged)
        hh_gate_text(&training->gate, text + length, size - (size_t)length);
    else
        snprintf(text + length, size - (size_t)length, "%s", training->promoted ? "in service" : "of no use");
}
