#include "evaluate/network_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hh_kept_trial {
    hh_gate_trial trial;
    hh_kept_trial *next;      // of all
    hh_kept_trial *next_free; // of those that wait for no outcome
};

// Those that were given: without them it has defaults of its own.
static void set_options(const hh_option *table, void *of, const char *prefix, const hh_evaluate_options *from)
{
    char name[64];
    for (const hh_option *row = table; row->name; row++) {
        snprintf(name, sizeof name, "%s%s", prefix, row->name);
        hh_option_set(row, of, hh_model_setting_or(from, name, hh_option_get(row, of)));
    }
}

static hh_continual_options options_of(const hh_evaluate_options *from)
{
    hh_continual_options options = hh_continual_defaults();
    set_options(hh_continual_option_table(), &options, "training.", from);
    set_options(hh_window_option_table(), &options.window, "training.", from);
    set_options(hh_train_option_table(), &options.train, "network.", from);
    set_options(hh_network_option_table(), &options.train.network, "network.", from);
    options.train.clock = from->clock;
    options.window.longest = options.train.longest;
    options.window.seed = options.judge.seed = options.train.seed;
    return options;
}

hh_status hh_network_stream_init(hh_network_stream *stream, const hh_model_setup *setup,
                                 hh_network_expert *expert, bool wanted, hh_error *error)
{
    if (!wanted || setup->options->train_every <= 0)
        return HH_OK;
    hh_continual_options options = options_of(setup->options);
    *stream = (hh_network_stream){.log = setup->log,
                                  .expert = expert,
                                  .trained = setup->options->trained,
                                  .context = setup->options->trained_context};
    if (hh_model_setting(setup->options, "network.sources") != 0)
        stream->source_count = setup->options->source_count;
    for (uint32_t s = 0; s < stream->source_count; s++)
        stream->sources[s] =
            (hh_text){setup->options->sources[s].name, strlen(setup->options->sources[s].name)};
    stream->items = stream->source_count ? options.window.items : 0;
    stream->continual = hh_continual_new(&options, error);
    if (stream->continual)
        stream->window = hh_window_new(&options.window, error);
    if (stream->window && options.gate)
        stream->slice = hh_slice_new(options.gate_lists, setup->options->hide_session_items, error);
    return stream->window && (stream->slice || !options.gate) ? HH_OK : error->status;
}

void hh_network_stream_free(hh_network_stream *stream)
{
    hh_continual_free(stream->continual);
    hh_window_free(stream->window);
    hh_slice_free(stream->slice);
    free(stream->clicks);
    while (stream->all) {
        hh_kept_trial *trial = stream->all;
        stream->all = trial->next;
        free(trial);
    }
}

hh_status hh_network_stream_closed(hh_network_stream *stream, uint32_t session)
{
    if (!stream->window)
        return HH_OK;
    const hh_log *log = stream->log;
    const hh_log_session *about = &log->session[session];
    if (about->count > stream->click_room) {
        hh_window_click *larger = realloc(stream->clicks, 2 * (size_t)about->count * sizeof *larger);
        if (!larger)
            return HH_MEMORY;
        stream->clicks = larger;
        stream->click_room = 2 * (size_t)about->count;
    }
    for (uint32_t i = 0; i < about->count; i++)
        stream->clicks[i].id = hh_log_item(log, log->item[about->first + i], &stream->clicks[i].length);
    return hh_window_add(stream->window, about->visitor, log->time[about->first + about->count - 1],
                         stream->clicks, about->count);
}

// ---- training ----

static uint32_t row_of(void *context, const hh_model *model, uint32_t item)
{
    const hh_network_stream *stream = context;
    size_t length;
    const char *id = hh_log_item(stream->log, item, &length);
    return hh_model_find(model, id, length);
}

hh_status hh_network_stream_train(hh_network_stream *stream, hh_reader *reader, hh_time now, hh_error *error)
{
    if (!stream->window)
        return HH_OK;
    hh_window_sessions sessions = {0};
    hh_described_items known = {0};
    hh_descriptions descriptions = {0};
    hh_training training;
    if (stream->slice)
        hh_continual_trim(stream->continual, stream->window, stream->slice);
    hh_time until = hh_continual_until(stream->continual, now, stream->slice);
    hh_status status = hh_described_items_take(reader, stream->items, &known, error);
    if (status == HH_OK)
        status = hh_window_take(stream->window, until, hh_continual_model(stream->continual), &known.ids,
                                &sessions, error);
    if (status == HH_OK)
        status = hh_descriptions_take(reader, stream->sources, stream->source_count, &sessions.ids,
                                      &descriptions, error);
    if (status == HH_OK)
        status = hh_continual_train(stream->continual, &sessions, &descriptions, now, stream->slice, row_of,
                                    stream, &training, error);
    hh_descriptions_free(&descriptions);
    hh_window_sessions_free(&sessions);
    hh_described_items_free(&known);
    if (status == HH_OK && training.promoted)
        status = hh_network_expert_serve(stream->expert, stream->log, hh_continual_model(stream->continual),
                                         error);
    if (status == HH_OK && stream->trained)
        stream->trained(stream->context, &training);
    return status;
}

// ---- the lists by which the gate judges ----

hh_status hh_network_stream_asked(hh_network_stream *stream, const hh_question *question,
                                  const uint32_t *items, const float *shares, size_t count,
                                  hh_kept_trial **trial)
{
    *trial = NULL;
    if (!stream->slice || !question->teaches)
        return HH_OK;
    hh_kept_trial *taken = stream->free;
    if (taken) {
        stream->free = taken->next_free;
    } else {
        taken = malloc(sizeof *taken);
        if (!taken)
            return HH_MEMORY;
        taken->next = stream->all;
        stream->all = taken;
    }
    taken->trial.as_of = question->as_of;
    hh_gate_trial_take(&taken->trial, question->items, question->length, items, shares, count);
    *trial = taken;
    return HH_OK;
}

void hh_network_stream_outcome(hh_network_stream *stream, hh_kept_trial *trial, uint32_t item)
{
    if (!trial)
        return;
    trial->trial.target = item;
    hh_slice_add(stream->slice, &trial->trial);
    trial->next_free = stream->free;
    stream->free = trial;
}
