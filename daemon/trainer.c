// Training in the background.
#include "trainer.h"

#include "election.h"
#include "learning.h"
#include "model_outbox.h"
#include "service.h"
#include "snapshots.h"
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    IDLE_MS = 200,
    RETRY_MS = 1000, // after brokers could not be reached
};

struct hh_trainer {
    hh_shared *shared;
    hh_pulse pulse;
    pthread_t thread;
    bool started;
    hh_model_keeper *models;
    // the thread's own
    hh_election *election;
    hh_model_outbox *outbox;
    hh_snapshots *snapshots; // of the item vectors
    hh_reader *reader;
    hh_continual *continual;
    int64_t version;  // of the model that `continual` has; 0: none, -1: one that nobody serves
    uint64_t learned; // sessions that had closed at the latest training
    bool counted;     // it is known what others have trained on
    int64_t end;      // of the topic when this instance began to lead: what is before it must be known
    hh_time next;     // wall clock: no training before
    hh_time next_try; // steady clock: nor a call to brokers
    bool waiting;     // to be published
    hh_manifest manifest;
    void *bytes; // of the model; NULL: it was rejected
};

hh_pulse *hh_trainer_pulse(hh_trainer *trainer)
{
    return &trainer->pulse;
}

// ---- training ----

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Whether to go on: not where the daemon stops, or another trains now.
static bool holds_office(void *context)
{
    hh_trainer *trainer = context;
    hh_pulse_beat(&trainer->pulse);
    hh_election_serve(trainer->election, 0);
    return !hh_stopping(trainer->shared) && hh_election_leads(trainer->election);
}

static bool goes_on(void *context, const hh_train_progress *progress)
{
    (void)progress;
    return holds_office(context);
}

static uint32_t row_of(void *context, const hh_model *model, uint32_t item)
{
    hh_trainer *trainer = context;
    char id[HH_ITEM_ID_MAX < 2048 ? HH_ITEM_ID_MAX : 2048];
    hh_pulse_beat(&trainer->pulse);
    hh_reader_hold(trainer->reader);
    size_t length = hh_graph_id(trainer->reader, item, id, sizeof id);
    hh_reader_release(trainer->reader);
    return length > 0 && length < sizeof id ? hh_model_find(model, id, length) : HH_MODEL_NO_ITEM;
}

// A copy of a model that is trained further, without Adam's moments, which are not in its bytes.
static hh_model *copy_of(const hh_model *model, hh_error *error)
{
    void *bytes;
    size_t size;
    if (hh_model_encode(model, &bytes, &size, error))
        return NULL;
    hh_model *copy = hh_model_decode(bytes, size, error);
    free(bytes);
    return copy;
}

// Makes the model in service the one that is trained further, where it is not the trainer's own; none, where
// what was promoted here was never published, and there is no other.
static hh_status adopt(hh_trainer *trainer, hh_error *error)
{
    hh_served *served = hh_service_hold(trainer->shared->service);
    int64_t version = served ? served->version : 0;
    hh_status status = HH_OK;
    if (version != trainer->version) {
        hh_model *copy = served ? copy_of(served->model, error) : NULL;
        status = copy || !served ? hh_continual_serve(trainer->continual, copy, error) : error->status;
        if (status == HH_OK)
            trainer->version = version;
    }
    hh_served_release(&served);
    return status;
}

static void describe(hh_trainer *trainer, const hh_training *training)
{
    hh_manifest *manifest = &trainer->manifest;
    *manifest = (hh_manifest){.promoted = training->promoted,
                              .trained = hh_wall_clock(),
                              .as_of = training->time,
                              .sessions = training->sessions,
                              .clicks = training->clicks,
                              .items = training->items,
                              .seconds = training->seconds};
    snprintf(manifest->instance, sizeof manifest->instance, "%s", trainer->shared->config->instance.id);
    hh_training_text(training, manifest->text, sizeof manifest->text);
}

static void show_gate(hh_metrics *metrics, const hh_training *training)
{
    const hh_gate_result *gate = &training->gate;
    hh_metrics_set(metrics, HH_METRIC_TRAINING_TIME, 0, training->seconds);
    if (!training->judged || gate->verdict == HH_GATE_UNJUDGED)
        return;
    hh_metrics_set(metrics, HH_METRIC_GATE_HR, HH_GATE_GRAPH, gate->graph.hr);
    hh_metrics_set(metrics, HH_METRIC_GATE_MRR, HH_GATE_GRAPH, gate->graph.mrr);
    hh_metrics_set(metrics, HH_METRIC_GATE_HR, HH_GATE_CANDIDATE, gate->with_candidate.hr);
    hh_metrics_set(metrics, HH_METRIC_GATE_MRR, HH_GATE_CANDIDATE, gate->with_candidate.mrr);
    hh_metrics_set(metrics, HH_METRIC_GATE_HR, HH_GATE_NETWORK, gate->candidate_alone.hr);
    hh_metrics_set(metrics, HH_METRIC_GATE_MRR, HH_GATE_NETWORK, gate->candidate_alone.mrr);
    if (gate->service) {
        hh_metrics_set(metrics, HH_METRIC_GATE_HR, HH_GATE_SERVICE, gate->with_service.hr);
        hh_metrics_set(metrics, HH_METRIC_GATE_MRR, HH_GATE_SERVICE, gate->with_service.mrr);
    }
}

static hh_status pack(hh_trainer *trainer, hh_error *error)
{
    size_t size = 0;
    hh_manifest *manifest = &trainer->manifest;
    if (!manifest->promoted)
        return HH_OK;
    hh_status status = hh_model_encode(hh_continual_model(trainer->continual), &trainer->bytes, &size, error);
    if (status == HH_OK && size > HH_MODEL_BYTES_MAX)
        status = hh_fail(error, HH_LIMIT, "the model has %zu bytes, more than the %d that can be published",
                         size, HH_MODEL_BYTES_MAX);
    manifest->bytes = size;
    manifest->chunks = (uint32_t)((size + HH_MODEL_CHUNK - 1) / HH_MODEL_CHUNK);
    manifest->checksum = trainer->bytes ? hh_model_checksum(trainer->bytes, size) : 0;
    return status;
}

static void drop_waiting(hh_trainer *trainer)
{
    free(trainer->bytes);
    trainer->bytes = NULL;
    trainer->waiting = false;
}

static void count(hh_trainer *trainer, size_t outcome)
{
    hh_metrics_add(trainer->shared->metrics, HH_METRIC_TRAININGS, outcome, 1);
}

// What came of a training goes to be published, or nowhere.
static void conclude(hh_trainer *trainer, const hh_training *training, hh_status status, hh_error *error)
{
    hh_logger *log = trainer->shared->log;
    bool broken =
        training->record.stopped || hh_stopping(trainer->shared) || !hh_election_leads(trainer->election);
    if (training->promoted) // whatever becomes of it: the model in service is another one now
        trainer->version = -1;
    if (status == HH_OK && !training->trained) {
        count(trainer, HH_TRAINING_NOTHING);
        return;
    }
    if (status == HH_OK && !broken) {
        describe(trainer, training);
        show_gate(trainer->shared->metrics, training);
        status = pack(trainer, error);
    }
    if (status || broken) {
        count(trainer, HH_TRAINING_BROKEN);
        drop_waiting(trainer);
        if (status)
            HH_LOG(log, HH_LOG_ERROR, "training has failed", HH_TEXT("reason", error->message));
        else
            HH_LOG(log, HH_LOG_INFO, "training broken off");
        return;
    }
    trainer->waiting = true;
    count(trainer, training->promoted ? HH_TRAINING_PROMOTED : HH_TRAINING_REJECTED);
    HH_LOG(log, HH_LOG_INFO, training->promoted ? "model trained" : "model trained, and kept out by the gate",
           HH_TEXT("how", trainer->manifest.text));
}

static void train(hh_trainer *trainer)
{
    hh_lesson_plan plan = {0};
    hh_training training = {0};
    hh_error error = {0};
    trainer->learned = hh_learning_sessions(trainer->shared->learning);
    hh_status status = adopt(trainer, &error);
    if (status == HH_OK)
        status =
            hh_learning_take(trainer->shared->learning, trainer->reader, trainer->continual, &plan, &error);
    if (status == HH_OK)
        status = hh_continual_train(trainer->continual, &plan.sessions, &plan.descriptions, plan.now,
                                    plan.slice, row_of, trainer, &training, &error);
    hh_lesson_plan_free(&plan);
    conclude(trainer, &training, status, &error);
    trainer->next = hh_wall_clock() + hh_now_duration(&trainer->shared->config->training.interval);
}

// ---- publishing ----

// What is to go when one more is there: models of each fate beyond training.keep, the oldest first.
static size_t choose_gone(const hh_on_topic *on_topic, bool promoted, uint32_t keep, hh_retained *gone)
{
    size_t chosen = 0;
    for (int fate = 0; fate < 2; fate++) {
        size_t there = (fate == 1) == promoted;
        for (size_t i = 0; i < on_topic->count; i++)
            there += (on_topic->retained[i].chunks > 0) == (fate == 1);
        for (size_t i = 0; i < on_topic->count && there > keep; i++)
            if ((on_topic->retained[i].chunks > 0) == (fate == 1)) {
                gone[chosen++] = on_topic->retained[i];
                there--;
            }
    }
    return chosen;
}

static void publish(hh_trainer *trainer)
{
    hh_on_topic on_topic;
    hh_retained gone[HH_RETAINED_MAX];
    hh_model_keeper_look(trainer->models, &on_topic);
    if (on_topic.newest_version >= HH_MODEL_VERSION_MAX) {
        HH_LOG(
            trainer->shared->log, HH_LOG_ERROR,
            "no version is left for the model that was trained: take the one of the highest number from the "
            "topic, by tombstones, and restart all instances",
            HH_TEXT("topic", trainer->shared->config->topics.models),
            HH_NUMBER("version", on_topic.newest_version));
        drop_waiting(trainer);
        return;
    }
    trainer->manifest.version = on_topic.newest_version + 1;
    size_t count =
        choose_gone(&on_topic, trainer->manifest.promoted, trainer->shared->config->training.keep, gone);
    if (hh_model_outbox_publish(trainer->outbox, &trainer->manifest, trainer->bytes, gone, count)) {
        trainer->next_try = hh_steady_clock() + RETRY_MS;
        return;
    }
    if (trainer->manifest.promoted)
        trainer->version = trainer->manifest.version; // with Adam's moments: nothing is to be adopted
    HH_LOG(trainer->shared->log, HH_LOG_INFO,
           trainer->manifest.promoted ? "model published" : "rejection published",
           HH_NUMBER("version", trainer->manifest.version),
           HH_NUMBER("bytes", (int64_t)trainer->manifest.bytes));
    drop_waiting(trainer);
    trainer->end = hh_election_end(trainer->election); // the next version comes after this one was read back
}

// ---- the thread ----

// Opens the producer and learns where the topic ends. False: not yet.
static bool take_office(hh_trainer *trainer)
{
    hh_on_topic on_topic;
    if (hh_steady_clock() < trainer->next_try)
        return false;
    if (!hh_model_outbox_is_open(trainer->outbox)) {
        trainer->end = -1;
        if (hh_model_outbox_open(trainer->outbox)) {
            trainer->next_try = hh_steady_clock() + RETRY_MS;
            return false;
        }
    }
    if (trainer->end < 0)
        trainer->end = hh_election_end(trainer->election);
    hh_model_keeper_look(trainer->models, &on_topic);
    if (trainer->end < 0 || on_topic.next < trainer->end)
        return false;
    if (!trainer->waiting && on_topic.trained > 0 && trainer->next == 0)
        trainer->next = on_topic.trained + hh_now_duration(&trainer->shared->config->training.interval);
    return true;
}

static void leave_office(hh_trainer *trainer)
{
    hh_model_outbox_close(trainer->outbox);
    hh_snapshots_leave(trainer->snapshots);
    drop_waiting(trainer);
    trainer->next = 0;
    trainer->counted = false;
}

// What had closed when another instance, or this one before it was restarted, trained last.
static void count_learned(hh_trainer *trainer)
{
    hh_on_topic on_topic;
    hh_model_keeper_look(trainer->models, &on_topic);
    uint64_t since = hh_learning_since(trainer->shared->learning, on_topic.as_of),
             before = hh_learning_sessions(trainer->shared->learning) - since;
    if (on_topic.trained && before > trainer->learned)
        trainer->learned = before;
    trainer->counted = true;
}

static bool is_due(hh_trainer *trainer)
{
    hh_time now = hh_wall_clock(), interval = hh_now_duration(&trainer->shared->config->training.interval);
    if (trainer->next > now + interval) // the clock has been set back
        trainer->next = now + interval;
    if (now < trainer->next || !hh_learning_begun(trainer->shared->learning))
        return false;
    if (!trainer->counted)
        count_learned(trainer);
    return hh_learning_sessions(trainer->shared->learning) - trainer->learned >=
           trainer->shared->config->training.min_sessions;
}

// Nice 20: the processor is this thread's only where nobody else wants it, and who wakes up need not wait for
// it.
static void step_back(uint64_t nice)
{
    if (nice < 20 || sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}))
        setpriority(PRIO_PROCESS, (id_t)gettid(), (int)nice);
}

static void *run(void *context)
{
    hh_trainer *trainer = context;
    hh_metrics *metrics = trainer->shared->metrics;
    bool led = false;
    pthread_setname_np(pthread_self(), "trainer");
    step_back(trainer->shared->config->training.nice);
    while (!hh_stopping(trainer->shared)) {
        hh_pulse_beat(&trainer->pulse);
        hh_election_serve(trainer->election, IDLE_MS);
        bool leads = hh_election_leads(trainer->election);
        hh_metrics_set(metrics, HH_METRIC_TRAINER, 0, leads);
        if (leads != led)
            HH_LOG(trainer->shared->log, HH_LOG_INFO,
                   leads ? "this instance trains" : "another instance trains");
        if (led && !leads)
            leave_office(trainer);
        led = leads;
        if (!leads || !take_office(trainer))
            continue;
        if (trainer->waiting) {
            publish(trainer);
            continue;
        }
        hh_snapshots_serve(trainer->snapshots, holds_office, trainer); // of what was read back by now
        if (is_due(trainer))
            train(trainer);
    }
    hh_model_outbox_close(trainer->outbox);
    hh_election_leave(trainer->election);
    return NULL;
}

hh_trainer *hh_trainer_new(hh_shared *shared, hh_model_keeper *models, hh_error *error)
{
    hh_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    hh_continual_options options = hh_learning_options(shared->config);
    options.train.progress = goes_on;
    options.train.context = trainer;
    options.train.clock = seconds;
    trainer->shared = shared;
    trainer->pulse = (hh_pulse){.shared = shared, .name = "trainer"};
    trainer->models = models;
    trainer->end = -1;
    trainer->reader = hh_reader_new(shared->graph, error);
    if (trainer->reader)
        trainer->continual = hh_continual_new(&options, error);
    if (trainer->continual)
        trainer->election =
            hh_election_new(shared, "trainer", shared->config->topics.models, NULL, NULL, error);
    if (trainer->election) {
        trainer->outbox = hh_model_outbox_new(shared, &trainer->pulse);
        if (trainer->outbox)
            trainer->snapshots = hh_snapshots_new(shared, &trainer->pulse, trainer->outbox, error);
        else
            hh_fail(error, HH_MEMORY, NULL);
        if (trainer->snapshots)
            return trainer;
    }
    hh_trainer_free(trainer);
    return NULL;
}

hh_status hh_trainer_start(hh_trainer *trainer, hh_error *error)
{
    hh_pulse_beat(&trainer->pulse);
    if (pthread_create(&trainer->thread, NULL, run, trainer))
        return hh_fail(error, HH_IO, "no thread can be started for the trainer");
    trainer->started = true;
    return HH_OK;
}

void hh_trainer_join(hh_trainer *trainer)
{
    if (trainer->started)
        pthread_join(trainer->thread, NULL);
    trainer->started = false;
}

void hh_trainer_free(hh_trainer *trainer)
{
    if (!trainer)
        return;
    drop_waiting(trainer);
    hh_snapshots_free(trainer->snapshots);
    hh_model_outbox_free(trainer->outbox);
    hh_election_free(trainer->election);
    hh_continual_free(trainer->continual);
    hh_reader_free(trainer->reader);
    free(trainer);
}
