// Training as the stream goes (docs/training.md): every so often the network learns what the window holds,
// from where the one in service stands, and takes its place if the gate lets it.
//
//   hh_continual *continual = hh_continual_new(&options, &error);
//   hh_described_items_take(reader, most, &known, &error);   where items are described; else NULL for both
//   hh_window_take(window, hh_continual_until(now, slice), hh_continual_model(continual), &known.ids,
//                  &sessions, &error);
//   hh_descriptions_take(reader, names, count, &sessions.ids, &descriptions, &error);
//   hh_continual_train(continual, &sessions, &descriptions, now, slice, row_of, NULL, &training, &error);
//   hh_window_sessions_free(&sessions);
//
// Who keeps the window and who trains may be different threads: what lies between them, the sessions taken,
// is a copy. One thread at a time trains.
#ifndef HIPHOP_CONTINUAL_H
#define HIPHOP_CONTINUAL_H

#include <hiphop/descriptions.h>
#include <hiphop/gate.h>
#include <hiphop/window.h>

// X(KIND, field, "name", default, low, high, "what it is for"): see <hiphop/option.h>. HH_WINDOW_OPTIONS
// belong to them.
#define HH_CONTINUAL_OPTIONS(X)                                                                           \
    X(COUNT, epochs, "epochs", 6, 1, 1000, "over the window, of a network that is trained further")       \
    X(COUNT, learned, "learned", 1000000, 1, 1000000000,                                                  \
      "clicks of these epochs together, at most; but one epoch at least")                                 \
    X(REAL, rate, "rate", 2e-3, 1e-9, 1, "of Adam in these, at first; it falls to 0")                     \
    X(TIME, refit, "refit", 0, 0, 3650 * HH_DAY,                                                          \
      "event time after which a network is trained from scratch; 0: only the first is")                   \
    X(SWITCH, gate, "gate", true, 0, 1, "a network takes the place of another only if it is no worse")    \
    X(COUNT, gate_lists, "gate-lists", 2000, 1, 1000000,                                                  \
      "the newest lists by which that is judged; what ended later than the first of them is not learned " \
      "yet")                                                                                              \
    X(SHARE, gate_share, "gate-share", 0.2, 0.001, 1,                                                     \
      "of the window's sessions, the newest, that these lists may so keep from being learned")

typedef struct hh_continual_options {
    HH_CONTINUAL_OPTIONS(HH_OPTION_FIELD)
    hh_window_options window;
    hh_train_options train; // the network, and how it is trained from scratch; no held-out, no refit
    hh_gate_options judge;
} hh_continual_options;

// Of training: a smaller network, fewer negatives and a smaller batch than for sessions that are all there.
hh_continual_options hh_continual_defaults(void);
const hh_option *hh_continual_option_table(void); // of HH_CONTINUAL_OPTIONS, ended by a row without a name

typedef struct hh_training { // what came of one
    hh_time time;
    bool trained;              // false: there was nothing to learn from, or nothing new
    bool same;                 // not trained, for the latest training learned the very same sessions
    bool scratch;              // not from the network in service
    bool promoted;             // the new network is in service
    bool judged;               // by the gate, which is on: its result is below
    uint64_t sessions, clicks; // of the window
    uint32_t items, fresh, gone, described;
    double seconds, gate_seconds; // by train.clock
    hh_train_record record;
    hh_gate_result gate;
} hh_training;

typedef struct hh_continual hh_continual;
// HH_ARGUMENT: an option is out of range, or of a network that heeds neighbours.
hh_continual *hh_continual_new(const hh_continual_options *options, hh_error *error);
void hh_continual_free(hh_continual *continual); // may be NULL

// The model in service; NULL: none yet. It stays until the next training is over.
const hh_model *hh_continual_model(const hh_continual *continual);
// Puts a model in service, which is taken, also on failure: one that was loaded. NULL: none is. HH_ARGUMENT:
// its network can't be trained further here.
hh_status hh_continual_serve(hh_continual *continual, hh_model *model, hh_error *error);

// Drops the slice's lists that would keep more than gate-share of the window's sessions from being learned:
// where few lists are judged, they reach far back.
void hh_continual_trim(const hh_continual *continual, const hh_window *window, hh_slice *slice);
// What ended before may be learned as of now: nothing from slice on, where the gate is on. slice may be NULL.
hh_time hh_continual_until(const hh_continual *continual, hh_time now, const hh_slice *slice);

// One training on what was taken out of the window for the model in service; none where the latest that came
// to a verdict had the same sessions, however much time has passed. descriptions: of their items; NULL: there
// are none. With one by a source of another name or width than those of the model in service, the network is
// trained from scratch; the model holds what descriptions say, not the vectors. slice, row_of: see
// hh_gate_judge; NULL where the gate is off. HH_MEMORY, HH_ARGUMENT: the model in service stays.
hh_status hh_continual_train(hh_continual *continual, const hh_window_sessions *sessions,
                             const hh_descriptions *descriptions, hh_time now, const hh_slice *slice,
                             hh_row_of *row_of, void *context, hh_training *training, hh_error *error);
// A sentence for people, NUL-terminated in text[size].
void hh_training_text(const hh_training *training, char *text, size_t size);

#endif
