// The items that wait for their vector: what is asked of the provider and when, what is tried again and when,
// and what is given up. Each text is asked for once, however many items have it. No clock and no Kafka: time
// is passed in, and what is made is taken out.
//
// A provider that fails is left alone for a while that doubles each time, with jitter, or for as long as it
// asks; then it gets one question at a time until one succeeds. A question that fails for what was asked, or
// by taking too long, is asked again in halves, so that a text that the provider can't take does not keep the
// others. Such a text is given up once the provider has taken others meanwhile; while it takes none, the
// fault is the provider's, and nothing is given up.
#ifndef DAEMON_SEMANTICS_QUEUE_H
#define DAEMON_SEMANTICS_QUEUE_H

#include "provider.h"
#include "vector_index.h"

typedef struct hh_semantics_queue hh_semantics_queue;

typedef struct hh_semantics_events {
    void (*answered)(void *context, const hh_answer *answer, uint32_t texts); // of each question
    void (*given_up)(void *context, hh_text item, const char *reason);
    void *context;
} hh_semantics_events;

// The provider's answers are to come to hh_semantics_queue_answer() with the queue as context. seed: for the
// jitter. NULL when out of memory.
hh_semantics_queue *hh_semantics_queue_new(hh_provider *provider, const hh_semantics_events *events,
                                           hh_time longest_pause, uint32_t seed);
void hh_semantics_queue_free(hh_semantics_queue *queue); // may be NULL

// The item is to have the vector of the sentence, which is copied; whatever was to be made of it before is
// not wanted any more. `vector` (copied): it is known already; NULL: it isn't. False when out of memory.
bool hh_semantics_queue_add(hh_semantics_queue *queue, hh_text item, hh_text sentence, hh_text_hash text,
                            const float *vector);
// What the item is to have: its text in *text; false where nothing is under way for it. *written: it has been
// given out to be written, and perhaps an older one, too.
bool hh_semantics_queue_find(const hh_semantics_queue *queue, hh_text item, hh_text_hash *text,
                             bool *written);
// Whether a vector of the text is there or under way for any item.
bool hh_semantics_queue_has(const hh_semantics_queue *queue, hh_text_hash text);
// Nothing is wanted for the item any more.
void hh_semantics_queue_cancel(hh_semantics_queue *queue, hh_text item);
uint32_t hh_semantics_queue_length(const hh_semantics_queue *queue);
uint32_t hh_semantics_queue_open(const hh_semantics_queue *queue); // questions under way

// Asks what is due, unless `last` (nothing more is to be asked), and waits for answers for up to timeout_ms
// where any is under way. False when out of memory.
bool hh_semantics_queue_turn(hh_semantics_queue *queue, hh_time now, int timeout_ms, bool last);
void hh_semantics_queue_answer(void *queue, uint32_t ticket, const hh_answer *answer);

// Vectors that are to be written: the next one, given out once; false where there is none.
typedef struct hh_made_vector {
    hh_text item;
    hh_text_hash text;
    const float *vector; // valid until the next call
    uint32_t width;
} hh_made_vector;
bool hh_semantics_queue_made(hh_semantics_queue *queue, hh_made_vector *made);
// It could not be written after all: it will be given out again.
void hh_semantics_queue_unwritten(hh_semantics_queue *queue, hh_text item);
// It has been read back from the topic: done.
void hh_semantics_queue_seen(hh_semantics_queue *queue, hh_text item, hh_text_hash text);

#endif
