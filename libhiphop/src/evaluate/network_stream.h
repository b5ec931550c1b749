// The network in an evaluation of a stream: trained every so often on what has closed by then
// (hh_continual), in service from then on, and judged on the lists that the run has asked for.
#ifndef EVALUATE_NETWORK_STREAM_H
#define EVALUATE_NETWORK_STREAM_H

#include "evaluate/network_expert.h"

#include <hiphop/continual.h>

typedef struct hh_kept_trial hh_kept_trial;

typedef struct hh_network_stream { // all zero: there is none
    const hh_log *log;
    hh_network_expert *expert;
    void (*trained)(void *context, const hh_training *training);
    void *context;
    hh_continual *continual;
    hh_text sources[HH_SOURCES];  // [source_count] names
    uint32_t source_count, items; // items: in the vocabulary at most
    hh_window *window;
    hh_slice *slice;         // NULL: the gate is off
    hh_window_click *clicks; // [click_room] of a session
    size_t click_room;
    hh_kept_trial *all, *free;
} hh_network_stream;

// wanted: there shall be one, if the options say so.
hh_status hh_network_stream_init(hh_network_stream *stream, const hh_model_setup *setup,
                                 hh_network_expert *expert, bool wanted, hh_error *error);
void hh_network_stream_free(hh_network_stream *stream);
// A session has closed.
hh_status hh_network_stream_closed(hh_network_stream *stream, uint32_t session);
// As of now, all that had closed by then having been told.
// reader: of the graph that knows the sources of the log's items, as numbered there.
hh_status hh_network_stream_train(hh_network_stream *stream, hh_reader *reader, hh_time now, hh_error *error);

// A list that was asked for: the candidates, and what the graph alone gives them. *trial: to be given back
// with its outcome; NULL where none is needed. HH_MEMORY.
hh_status hh_network_stream_asked(hh_network_stream *stream, const hh_question *question,
                                  const uint32_t *items, const float *shares, size_t count,
                                  hh_kept_trial **trial);
void hh_network_stream_outcome(hh_network_stream *stream, hh_kept_trial *trial, uint32_t item); // NULL: none

#endif
