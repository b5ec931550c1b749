#include "embedder.h"

#include "election.h"
#include "semantics_desk.h"
#include <pthread.h>
#include <stdlib.h>

enum {
    STANDBY_MS = 100,
    HANDOVER_MS = 20000, // for what is under way when another instance is to take over
    AGAIN_MS = 1000,     // before a desk that could not be set up is tried again
};

struct hh_embedder {
    hh_shared *shared;
    hh_pulse pulse;
    pthread_t thread;
    bool started;

    // the thread's own
    hh_election *election;
    hh_semantics_desk *desk; // NULL: another instance has the office
    hh_time next_desk;       // steady clock
};

static void clear_desk(hh_embedder *embedder)
{
    hh_semantics_desk_free(embedder->desk);
    embedder->desk = NULL;
}

static void on_lost(void *context)
{
    hh_embedder *embedder = context;
    if (embedder->desk)
        hh_semantics_desk_finish(embedder->desk, hh_steady_clock() + HANDOVER_MS);
    clear_desk(embedder);
}

// The key's file may be away for a moment, and memory short.
static void set_up_desk(hh_embedder *embedder)
{
    hh_error error;
    if (hh_steady_clock() < embedder->next_desk)
        return;
    embedder->desk = hh_semantics_desk_new(embedder->shared, &embedder->pulse, &error);
    if (embedder->desk) {
        HH_LOG(embedder->shared->log, HH_LOG_INFO, "this instance makes the vectors of items");
        return;
    }
    HH_COMPLAIN(embedder->shared->log, HH_LOG_ERROR, "no vectors of items can be made",
                HH_TEXT("reason", error.message));
    embedder->next_desk = hh_steady_clock() + AGAIN_MS;
}

static void *run(void *context)
{
    hh_embedder *embedder = context;
    hh_status trouble = HH_OK;
    pthread_setname_np(pthread_self(), "embedder");
    while (!hh_stopping(embedder->shared) && !trouble) {
        hh_pulse_beat(&embedder->pulse);
        hh_election_serve(embedder->election, embedder->desk ? 0 : STANDBY_MS);
        bool elected = hh_election_leads(embedder->election);
        if (elected && !embedder->desk)
            set_up_desk(embedder);
        else if (!elected && embedder->desk)
            clear_desk(embedder);
        if (embedder->desk)
            trouble = hh_semantics_desk_turn(embedder->desk);
    }
    if (trouble) {
        HH_LOG(embedder->shared->log, HH_LOG_ERROR, "the embedder can't go on",
               HH_TEXT("reason", hh_status_text(trouble)));
        atomic_store(&embedder->pulse.failed, true);
    } else if (embedder->desk) {
        hh_semantics_desk_finish(embedder->desk, hh_steady_clock() + HANDOVER_MS);
    }
    clear_desk(embedder);
    hh_election_leave(embedder->election);
    return NULL;
}

hh_embedder *hh_embedder_new(hh_shared *shared, hh_error *error)
{
    hh_embedder *embedder = calloc(1, sizeof *embedder);
    if (!embedder) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    embedder->shared = shared;
    embedder->pulse = (hh_pulse){.shared = shared, .name = "embedder"};
    if (hh_embedder_try(shared->config, error) == HH_OK)
        embedder->election = hh_election_new(shared, "semantics", shared->config->topics.item_vectors,
                                             on_lost, embedder, error);
    if (embedder->election)
        return embedder;
    free(embedder);
    return NULL;
}

hh_status hh_embedder_start(hh_embedder *embedder, hh_error *error)
{
    if (pthread_create(&embedder->thread, NULL, run, embedder))
        return hh_fail(error, HH_IO, "no thread can be started for the embedder");
    embedder->started = true;
    return HH_OK;
}

void hh_embedder_join(hh_embedder *embedder)
{
    if (embedder->started)
        pthread_join(embedder->thread, NULL);
    embedder->started = false;
}

void hh_embedder_free(hh_embedder *embedder)
{
    if (!embedder)
        return;
    clear_desk(embedder);
    hh_election_free(embedder->election);
    free(embedder);
}

hh_pulse *hh_embedder_pulse(hh_embedder *embedder)
{
    return &embedder->pulse;
}
