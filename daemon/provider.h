// Who makes vectors of sentences. A provider answers questions of some sentences each, in its own time, on
// the thread that asks; the interface is the same whether that takes microseconds or minutes. One file each:
// provider_hashing.c, provider_http.c. Trying again is the asker's business (semantics_queue.h).
#ifndef DAEMON_PROVIDER_H
#define DAEMON_PROVIDER_H

#include "options.h"
#include <hiphop/status.h>
#include <hiphop/text.h>
#include <hiphop/time.h>

// What became of a question: X(NAME, "word of the metric").
#define HH_ANSWERS(X)                                                                                  \
    X(GOOD, "good")               /* a vector for each sentence */                                     \
    X(UNREACHABLE, "unreachable") /* no connection, or it broke */                                     \
    X(TIMEOUT, "timeout")                                                                              \
    X(RATE_LIMITED, "rate_limited") /* 429 */                                                          \
    X(DENIED, "denied")             /* 401, 403: the key */                                            \
    X(SERVER_ERROR, "server_error") /* 5xx and all that is no other */                                 \
    X(REFUSED, "refused")           /* 400, 413, 422: it may be a sentence that it can't take */       \
    X(MALFORMED, "malformed")       /* no answer in the documented format, or a number that is none */ \
    X(WRONG_COUNT, "wrong_count")   /* more or fewer vectors than sentences, or one twice */           \
    X(WRONG_WIDTH, "wrong_width")   /* not as wide as configured, or as the others */

typedef enum hh_answer_kind {
#define HH_ANSWER_ENUM(name, word) HH_ANSWER_##name,
    HH_ANSWERS(HH_ANSWER_ENUM)
#undef HH_ANSWER_ENUM
        HH_ANSWER_KINDS
} hh_answer_kind;

typedef struct hh_answer {
    hh_answer_kind kind;
    const float *vectors; // GOOD: [count × width], in the order of the sentences; valid during the call
    uint32_t count, width;
    hh_time pause;      // what the provider asks to be left alone for; 0: nothing
    hh_time took;       // milliseconds
    const char *reason; // other than GOOD: a sentence; never holds the key, nor what the provider has written
} hh_answer;

typedef void hh_on_answer(void *context, uint32_t ticket, const hh_answer *answer);

#define HH_MODEL_NAME 200
// What stands as `model` in the records of the provider that the settings name.
void hh_provider_model(const hh_config *config, char model[HH_MODEL_NAME]);

typedef struct hh_provider hh_provider;

typedef struct hh_provider_functions {
    void (*free)(hh_provider *provider);
    bool (*learn)(hh_provider *provider, hh_text sentence); // NULL: there is nothing to learn from texts
    bool (*ask)(hh_provider *provider, uint32_t ticket, const hh_text *sentences, uint32_t count);
    void (*wait)(hh_provider *provider, int timeout_ms); // NULL: answers come while it is asked
} hh_provider_functions;

struct hh_provider { // the first member of each
    const hh_provider_functions *functions;
    hh_on_answer *on_answer;
    void *context;
    uint32_t width;                // of all vectors; 0: not known yet
    uint32_t batch, questions_max; // sentences in a question, and questions at a time
    char model[HH_MODEL_NAME];     // what stands as `model` in the records
};

// The provider that the settings name, hashing or http. NULL with the reason: HH_ARGUMENT, HH_IO (the key's
// file), HH_MEMORY.
hh_provider *hh_provider_new(const hh_config *config, hh_on_answer *on_answer, void *context,
                             hh_error *error);
void hh_provider_free(hh_provider *provider); // open questions are dropped; may be NULL

const char *hh_answer_word(hh_answer_kind kind);

// Of their files.
hh_provider *hh_provider_hashing_new(const hh_config *config, hh_error *error);
hh_provider *hh_provider_http_new(const hh_config *config, hh_error *error);

#endif
