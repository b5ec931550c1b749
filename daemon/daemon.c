// Starts the threads, waits for signals, watches the threads, stops them.
//
// The order at start: Kafka's topics, the graph keeper, and only when the graph is loaded the workers: until
// then the group leaves the partitions with the instances that can serve them.
#include "daemon.h"

#include "client.h"
#include "embedder.h"
#include "http.h"
#include "inputs.h"
#include "keeper.h"
#include "last_resort.h"
#include "learning.h"
#include "notify.h"
#include "rights.h"
#include "scoreboard.h"
#include "service.h"
#include "shared.h"
#include "trainer.h"
#include "worker.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    ROUND_MS = 100,          // of the main thread
    TOPICS_MS = 2000,        // longest that a look at the topics waits for brokers
    TOPICS_AGAIN_MS = 30000, // between such looks while hiphopd runs, where there is reason for one
    ANSWER_MS = 500,         // longest that it waits for brokers while hiphopd runs: SIGTERM waits for it
    STOP_MS = 3000,          // what threads get to finish; then what is open stays uncommitted
    LAST_RESORT_MS = 4500,   // then the process ends, whatever librdkafka waits for
    STATUS_MS = 5000,        // between two sentences for systemctl status
    STILL_MS = 5000,         // a thread that has not gone round for so long may wait for a broker
    REFUSED_MS = 10000,      // what Kafka has refused in the last so many is in /ready
    STUCK_MS = 60000,        // one that has not gone round for so long while brokers answer never will
    PULSES = 4 + 64,         // at most: keeper, models, trainer, embedder; and workers
};

typedef struct hh_daemon {
    hh_settings *settings;
    const hh_config *config;
    hh_shared shared;
    hh_pulse admin; // of the client that looks at the topics
    char *schema;
    hh_http_options http_options; // must live as long as the server
    hh_http *http;
    hh_keeper *keeper;       // NULL where recommendations are off
    hh_model_keeper *models; // NULL where there is no topic of models
    hh_trainer *trainer;     // NULL where this instance does not train
    hh_embedder *embedder;   // NULL where no vectors of items are made here
    hh_worker **workers;     // [config->pipeline.workers]
    atomic_bool assembled;   // keeper and workers are there to be looked at
    bool working;            // the workers have been started
    bool ready;              // and had their first partitions
    sigset_t signals;
    hh_time next_watchdog, next_status, next_topics, next_question;
    _Atomic hh_time unanswered; // steady clock: when a broker was last asked in vain; 0: never
} hh_daemon;

// ---- what is asked over HTTP, and by systemd ----

// Of all threads that show one, the workers' last; how many there are.
static size_t list_pulses(const hh_daemon *daemon, hh_pulse *pulses[PULSES])
{
    size_t count = 0;
    if (daemon->keeper)
        pulses[count++] = hh_keeper_pulse(daemon->keeper);
    if (daemon->models)
        pulses[count++] = hh_model_keeper_pulse(daemon->models);
    if (daemon->trainer)
        pulses[count++] = hh_trainer_pulse(daemon->trainer);
    if (daemon->embedder)
        pulses[count++] = hh_embedder_pulse(daemon->embedder);
    for (uint32_t i = 0; i < daemon->config->pipeline.workers && count < PULSES; i++)
        pulses[count++] = &daemon->workers[i]->pulse;
    return count;
}

// Whether every thread goes round; if not, who does not, in *reason. Who stands still while no broker answers
// waits for one.
static bool healthy(void *context, char *reason, size_t size)
{
    hh_daemon *daemon = context;
    hh_pulse *pulses[PULSES];
    hh_time now = hh_steady_clock(), unanswered = atomic_load(&daemon->unanswered);
    size_t count = atomic_load(&daemon->assembled) ? list_pulses(daemon, pulses) : 0;
    size_t others = count ? count - daemon->config->pipeline.workers : 0;
    for (size_t i = 0; i < count; i++) {
        size_t number = i < others ? 0 : i - others;
        hh_time beat = atomic_load(&pulses[i]->beat), still = now - (beat > unanswered ? beat : unanswered);
        if (atomic_load(&pulses[i]->failed)) {
            snprintf(reason, size, "%s %zu has ended; the log says why", pulses[i]->name, number);
            return false;
        }
        if (beat != 0 && still >= STUCK_MS) {
            snprintf(reason, size, "%s %zu has not moved for %lld s", pulses[i]->name, number,
                     (long long)(still / 1000));
            return false;
        }
    }
    snprintf(reason, size, "all threads move");
    return true;
}

static bool is_ready(void *context, char *reason, size_t size)
{
    hh_daemon *daemon = context;
    const char *why = "partitions are assigned and the graph is loaded";
    char refusal[HH_REFUSAL_SIZE];
    const hh_pulse *refused = NULL; // whose refusals are the reason
    bool ready = false;
    if (hh_stopping(&daemon->shared)) {
        why = "stopping";
    } else if (!atomic_load(&daemon->assembled)) {
        why = "looking for Kafka and its topics";
        refused = &daemon->admin;
    } else if (daemon->keeper && !hh_keeper_loaded(daemon->keeper)) {
        why = "the graph is being loaded";
        refused = hh_keeper_pulse(daemon->keeper);
    } else {
        ready = true;
    }
    if (refused && hh_refused(refused, 0, refusal))
        why = refusal;
    for (uint32_t i = 0; ready && i < daemon->config->pipeline.workers; i++) {
        bool assigned = atomic_load(&daemon->workers[i]->assigned) >= 0;
        if (hh_refused(&daemon->workers[i]->pulse, assigned ? REFUSED_MS : 0, refusal))
            why = refusal;
        else if (!assigned)
            why = "partitions are not assigned yet";
        else if (atomic_load(&daemon->workers[i]->pulse.broken))
            why = "no broker answers";
        else
            continue;
        ready = false;
    }
    snprintf(reason, size, "%s", why);
    return ready;
}

// What `systemctl status` shows.
static void show_status(hh_daemon *daemon, bool ready, const char *reason)
{
    hh_metrics *metrics = daemon->shared.metrics;
    if (ready)
        hh_notify_status("%.0f clicks taken, %.0f lists written, %.0f records waiting",
                         hh_metrics_value(metrics, HH_METRIC_CLICKS, HH_OUTCOME_TAKEN),
                         hh_metrics_value(metrics, HH_METRIC_RECOMMENDATIONS, 0),
                         hh_metrics_sum(metrics, HH_METRIC_LAG));
    else if (hh_metrics_sum(metrics, HH_METRIC_KEEPER_LAG) > 0)
        hh_notify_status("%s, %.0f records to go", reason, hh_metrics_sum(metrics, HH_METRIC_KEEPER_LAG));
    else
        hh_notify_status("%s", reason);
}

static void watch(hh_daemon *daemon)
{
    char reason[HH_REFUSAL_SIZE];
    hh_time now = hh_steady_clock();
    bool ready = is_ready(daemon, reason, sizeof reason);
    hh_metrics_set_ready(daemon->shared.metrics, ready);
    if (ready && !daemon->ready) {
        daemon->ready = true;
        HH_LOG(daemon->shared.log, HH_LOG_INFO, "ready");
        hh_notify("READY=1");
        daemon->next_status = now;
    }
    if (now >= daemon->next_status) {
        show_status(daemon, ready, reason);
        daemon->next_status = now + STATUS_MS;
    }
    if (!healthy(daemon, reason, sizeof reason)) {
        HH_COMPLAIN(daemon->shared.log, HH_LOG_ERROR, "unhealthy", HH_TEXT("reason", reason));
    } else if (now >= daemon->next_watchdog && hh_notify_watchdog_ms() > 0) {
        hh_notify("WATCHDOG=1");
        daemon->next_watchdog = now + hh_notify_watchdog_ms() / 3;
    }
    hh_logger_tick(daemon->shared.log);
}

// ---- signals ----

static void say(void *context, const char *sentence)
{
    hh_daemon *daemon = context;
    // A level that rises shows its own change; so does one that falls, by waiting until all is said.
    if ((int)daemon->config->log.level > hh_logger_level(daemon->shared.log))
        hh_logger_set_level(daemon->shared.log, daemon->config->log.level);
    HH_LOG(daemon->shared.log, HH_LOG_INFO, "settings", HH_TEXT("change", sentence));
}

static void complain(void *context, const char *sentence)
{
    hh_daemon *daemon = context;
    HH_LOG(daemon->shared.log, HH_LOG_ERROR, "settings", HH_TEXT("trouble", sentence));
}

static void reload(hh_daemon *daemon)
{
    bool applied = hh_settings_reload(daemon->settings, say, complain, daemon) == HH_OK;
    hh_metrics_add(daemon->shared.metrics, HH_METRIC_RELOADS, applied ? HH_RELOAD_APPLIED : HH_RELOAD_REFUSED,
                   1);
    HH_LOG(daemon->shared.log, HH_LOG_INFO,
           applied ? "settings reloaded" : "settings not reloaded, or not all of them");
    hh_logger_set_level(daemon->shared.log, daemon->config->log.level);
}

// Waits a round for a signal. True when it is time to stop.
static bool told_to_stop(hh_daemon *daemon)
{
    struct timespec round = {.tv_nsec = ROUND_MS * 1000000L};
    int signal = sigtimedwait(&daemon->signals, NULL, &round);
    if (signal == SIGHUP)
        reload(daemon);
    if (signal != SIGTERM && signal != SIGINT)
        return false;
    HH_LOG(daemon->shared.log, HH_LOG_INFO, "stopping",
           HH_TEXT("signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"));
    return true;
}

// ---- starting ----

static void complain_of_topic(void *context, const char *sentence)
{
    hh_daemon *daemon = context;
    HH_LOG(daemon->shared.log, HH_LOG_ERROR, "topic", HH_TEXT("trouble", sentence));
}

static rd_kafka_t *admin_client(hh_daemon *daemon)
{
    hh_error error;
    rd_kafka_conf_t *conf = hh_client_conf(daemon->config, HH_KAFKA_ADMIN, &daemon->admin, &error);
    rd_kafka_t *client = conf ? hh_client_new(RD_KAFKA_PRODUCER, conf, &error) : NULL;
    if (!client)
        HH_LOG(daemon->shared.log, HH_LOG_ERROR, "no Kafka client", HH_TEXT("trouble", error.message));
    return client;
}

static hh_status try_topics(hh_daemon *daemon, rd_kafka_t *client, int timeout_ms, hh_error *error)
{
    hh_kafka_topic topics[HH_TOPICS];
    size_t count = hh_topics_needed(daemon->config, topics);
    hh_status status = hh_kafka_topics(client, topics, count,
                                       daemon->config->topics.create ? HH_KAFKA_CREATE : HH_KAFKA_CREATE_NOT,
                                       timeout_ms, complain_of_topic, daemon, error);
    rd_kafka_poll(client, 0);
    char sentence[1024];
    if (status == HH_OK && hh_withdrawals_fade(daemon->config, topics, count, sentence, sizeof sentence))
        HH_COMPLAIN(daemon->shared.log, HH_LOG_WARNING, "topic", HH_TEXT("trouble", sentence));
    return status;
}

// Waits for brokers and sees that the topics are there. HH_EXIT_OK, also when told to stop meanwhile.
static int see_to_topics(hh_daemon *daemon, bool *stop)
{
    hh_error error;
    rd_kafka_t *client = admin_client(daemon);
    if (!client)
        return HH_EXIT_CONFIG;
    hh_status status = HH_IO;
    while (status == HH_IO && !*stop) {
        status = try_topics(daemon, client, TOPICS_MS, &error);
        if (status == HH_IO)
            HH_COMPLAIN(daemon->shared.log, HH_LOG_WARNING, "waiting for Kafka",
                        HH_TEXT("brokers", daemon->config->kafka.brokers), HH_TEXT("reason", error.message));
        watch(daemon);
        *stop = told_to_stop(daemon);
    }
    hh_client_free(client);
    return status == HH_OK || *stop ? HH_EXIT_OK : HH_EXIT_CONFIG;
}

// Topics that somebody has deleted meanwhile are made again, as at start. Not while no broker answers: the
// topics are not what is wrong then, and who waits here does not see SIGTERM.
static void see_to_topics_again(hh_daemon *daemon)
{
    hh_error error;
    for (uint64_t i = 0; i < daemon->config->pipeline.workers; i++)
        if (atomic_load(&daemon->workers[i]->pulse.broken))
            return;
    hh_time now = hh_steady_clock();
    if (now < daemon->next_topics || !atomic_exchange(&daemon->shared.doubts_topics, false))
        return;
    daemon->next_topics = now + TOPICS_AGAIN_MS;
    rd_kafka_t *client = admin_client(daemon);
    if (client)
        try_topics(daemon, client, ANSWER_MS, &error);
    hh_client_free(client);
}

// librdkafka 2.0 waits without a limit where the group's coordinator goes while positions are sent to it. So
// where a thread stands still, a broker is asked whether that is why.
static void see_who_stands_still(hh_daemon *daemon)
{
    hh_pulse *pulses[PULSES];
    hh_time now = hh_steady_clock();
    size_t count = list_pulses(daemon, pulses), still = 0;
    for (size_t i = 0; i < count; i++) {
        hh_time beat = atomic_load(&pulses[i]->beat);
        if (beat != 0 && now - beat >= STILL_MS)
            pulses[still++] = pulses[i];
    }
    if (!still || now < daemon->next_question)
        return;
    rd_kafka_t *client = admin_client(daemon);
    bool answered = !client || hh_client_probe(client, &daemon->admin, ANSWER_MS);
    hh_client_free(client);
    daemon->next_question = hh_steady_clock() + STILL_MS;
    if (answered)
        return;
    atomic_store(&daemon->unanswered, hh_steady_clock());
    for (size_t i = 0; i < still; i++)
        atomic_store(&pulses[i]->broken, true);
}

// What it takes to serve models, and to make them.
static hh_status assemble_models(hh_daemon *daemon, hh_error *error)
{
    hh_shared *shared = &daemon->shared;
    const hh_config *config = daemon->config;
    if (!*config->topics.models)
        return HH_OK;
    shared->service = hh_service_new();
    shared->graph_mixture = hh_mixture_new();
    if (!shared->service || !shared->graph_mixture)
        return hh_fail(error, HH_MEMORY, NULL);
    daemon->models = hh_model_keeper_new(shared, error);
    if (!daemon->models || !config->training.enabled)
        return daemon->models ? HH_OK : error->status;
    shared->learning = hh_learning_new(config, error);
    if (shared->learning)
        daemon->trainer = hh_trainer_new(shared, daemon->models, error);
    return daemon->trainer ? HH_OK : error->status;
}

static hh_status assemble(hh_daemon *daemon, hh_error *error)
{
    const hh_config *config = daemon->config;
    if (config->recommend.enabled) {
        daemon->shared.mixture = hh_mixture_new();
        hh_graph_options graph = config->graph;
        if (getrandom(&graph.seed, sizeof graph.seed, 0) != sizeof graph.seed)
            graph.seed = (uint64_t)hh_wall_clock();
        daemon->shared.graph = hh_graph_new(&graph, error);
        if (!daemon->shared.graph)
            return error->status;
        if (!daemon->shared.mixture)
            return hh_fail(error, HH_MEMORY, NULL);
        hh_ranker_options ranker = hh_ranker_defaults();
        ranker.hide_session_items = config->recommend.hide_session_items;
        if (config->recommend.ranker)
            daemon->shared.rankers = hh_ranker_shelf_new(&ranker, error);
        if (config->recommend.ranker && !daemon->shared.rankers)
            return error->status;
        if (assemble_models(daemon, error))
            return error->status;
        daemon->shared.scoreboard = hh_scoreboard_new(daemon->shared.service, config->recommend.max_drop);
        if (!daemon->shared.scoreboard)
            return hh_fail(error, HH_MEMORY, NULL);
        daemon->keeper = hh_keeper_new(&daemon->shared, error);
        if (!daemon->keeper)
            return error->status;
    }
    if (hh_vectors_made(config)) {
        daemon->embedder = hh_embedder_new(&daemon->shared, error);
        if (!daemon->embedder)
            return error->status;
    }
    daemon->workers = calloc(config->pipeline.workers, sizeof(hh_worker *));
    if (!daemon->workers)
        return hh_fail(error, HH_MEMORY, NULL);
    for (uint32_t i = 0; i < config->pipeline.workers; i++) {
        daemon->workers[i] = hh_worker_new(&daemon->shared, i, error);
        if (!daemon->workers[i])
            return error->status;
    }
    atomic_store(&daemon->assembled, true);
    if (daemon->embedder && hh_embedder_start(daemon->embedder, error))
        return error->status;
    hh_status status = daemon->keeper ? hh_keeper_start(daemon->keeper, error) : HH_OK;
    return status == HH_OK && daemon->models ? hh_model_keeper_start(daemon->models, error) : status;
}

// Starts the workers once the graph is loaded. False when one can't be started.
static bool start_work(hh_daemon *daemon)
{
    hh_error error;
    if (daemon->working || (daemon->keeper && !hh_keeper_loaded(daemon->keeper)))
        return true;
    daemon->working = true;
    if (daemon->trainer && hh_trainer_start(daemon->trainer, &error)) {
        HH_LOG(daemon->shared.log, HH_LOG_ERROR, "can't start", HH_TEXT("reason", error.message));
        return false;
    }
    for (uint32_t i = 0; i < daemon->config->pipeline.workers; i++) {
        if (hh_worker_start(daemon->workers[i], &error) == HH_OK)
            continue;
        HH_LOG(daemon->shared.log, HH_LOG_ERROR, "can't start", HH_TEXT("reason", error.message));
        return false;
    }
    return true;
}

static bool any_failed(hh_daemon *daemon)
{
    bool failed = daemon->keeper && atomic_load(&hh_keeper_pulse(daemon->keeper)->failed);
    failed |= daemon->embedder && atomic_load(&hh_embedder_pulse(daemon->embedder)->failed);
    for (uint32_t i = 0; i < daemon->config->pipeline.workers; i++)
        failed |= atomic_load(&daemon->workers[i]->pulse.failed);
    return failed;
}

// ---- stopping ----

static void stop(hh_daemon *daemon, int code)
{
    hh_notify("STOPPING=1");
    atomic_store(&daemon->shared.stop_by, hh_steady_clock() + STOP_MS);
    atomic_store(&daemon->shared.stopping, true);
    hh_last_resort(code, LAST_RESORT_MS);
    for (uint32_t i = 0; daemon->workers && i < daemon->config->pipeline.workers; i++)
        if (daemon->workers[i])
            hh_worker_join(daemon->workers[i]);
    if (daemon->keeper)
        hh_keeper_join(daemon->keeper);
    if (daemon->models)
        hh_model_keeper_join(daemon->models);
    if (daemon->trainer)
        hh_trainer_join(daemon->trainer);
    if (daemon->embedder)
        hh_embedder_join(daemon->embedder);
}

static void take_apart(hh_daemon *daemon)
{
    hh_http_stop(daemon->http);
    for (uint32_t i = 0; daemon->workers && i < daemon->config->pipeline.workers; i++)
        hh_worker_free(daemon->workers[i]);
    free(daemon->workers);
    hh_keeper_free(daemon->keeper);
    hh_trainer_free(daemon->trainer);
    hh_model_keeper_free(daemon->models);
    hh_learning_free(daemon->shared.learning);
    hh_scoreboard_free(daemon->shared.scoreboard);
    hh_service_free(daemon->shared.service);
    hh_mixture_free(daemon->shared.graph_mixture);
    hh_embedder_free(daemon->embedder);
    hh_graph_free(daemon->shared.graph);
    hh_mixture_free(daemon->shared.mixture);
    hh_ranker_shelf_free(daemon->shared.rankers);
    free(daemon->schema);
    hh_metrics_free(daemon->shared.metrics);
    hh_logger_free(daemon->shared.log);
}

// ---- the whole ----

// Libraries may have threads of their own since before main (OpenBLAS has), which do not block our signals:
// one that comes to such a thread is passed on to the main thread, which waits for it.
static pthread_t main_thread;

static void pass_on(int signal)
{
    pthread_kill(main_thread, signal);
}

static void keep_signals(const sigset_t *signals)
{
    const int kept[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    main_thread = pthread_self();
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        sigaction(kept[i], &action, NULL);
}

static int serve_http(hh_daemon *daemon)
{
    hh_error error;
    if (!*daemon->config->http.listen)
        return HH_EXIT_OK;
    daemon->http_options = (hh_http_options){.config = daemon->config,
                                             .metrics = daemon->shared.metrics,
                                             .healthy = healthy,
                                             .ready = is_ready,
                                             .context = daemon};
    daemon->http = hh_http_start(&daemon->http_options, &error);
    if (daemon->http)
        return HH_EXIT_OK;
    HH_LOG(daemon->shared.log, HH_LOG_ERROR, "no HTTP", HH_TEXT("reason", error.message));
    return HH_EXIT_FAILURE;
}

static int work(hh_daemon *daemon)
{
    hh_error error;
    bool told = false;
    int code = serve_http(daemon);
    if (code == HH_EXIT_OK)
        code = see_to_topics(daemon, &told);
    if (code != HH_EXIT_OK || told)
        return code;
    hh_status status = assemble(daemon, &error);
    if (status) {
        HH_LOG(daemon->shared.log, HH_LOG_ERROR, "can't start", HH_TEXT("reason", error.message));
        return status == HH_ARGUMENT || status == HH_FORMAT ? HH_EXIT_CONFIG : HH_EXIT_FAILURE;
    }
    while (!told_to_stop(daemon)) {
        if (any_failed(daemon) || !start_work(daemon))
            return HH_EXIT_FAILURE;
        watch(daemon);
        see_who_stands_still(daemon);
        see_to_topics_again(daemon);
    }
    return HH_EXIT_OK;
}

int hh_daemon_run(hh_settings *settings)
{
    hh_error error;
    hh_daemon daemon = {.settings = settings, .config = hh_settings_config(settings)};
    hh_shared *shared = &daemon.shared;
    shared->config = daemon.config;
    shared->log = hh_logger_new(STDERR_FILENO, daemon.config->log.level);
    shared->metrics = hh_metrics_new();
    daemon.admin = (hh_pulse){.shared = shared, .name = "admin"};
    if (!shared->log || !shared->metrics) {
        hh_logger_free(shared->log);
        hh_metrics_free(shared->metrics);
        return HH_EXIT_FAILURE;
    }
    // Before any thread is there, so that signals come to this one alone.
    sigemptyset(&daemon.signals);
    sigaddset(&daemon.signals, SIGTERM);
    sigaddset(&daemon.signals, SIGINT);
    sigaddset(&daemon.signals, SIGHUP);
    keep_signals(&daemon.signals);
    signal(SIGPIPE, SIG_IGN);

    int code = HH_EXIT_CONFIG;
    if (!hh_last_resort_ready()) {
        HH_LOG(shared->log, HH_LOG_ERROR, "can't start", HH_TEXT("reason", "no thread can be started"));
        code = HH_EXIT_FAILURE;
    } else if (hh_click_schema(daemon.config, &daemon.schema, &error) == HH_OK) {
        shared->clicks_schema = daemon.schema;
        HH_LOG(shared->log, HH_LOG_INFO, "hiphopd starts", HH_TEXT("version", HH_VERSION),
               HH_TEXT("instance", daemon.config->instance.id), HH_TEXT("group", daemon.config->kafka.group),
               HH_TEXT("brokers", daemon.config->kafka.brokers),
               HH_TEXT("librdkafka", rd_kafka_version_str()));
        code = work(&daemon);
    } else {
        HH_LOG(shared->log, HH_LOG_ERROR, "can't start", HH_TEXT("reason", error.message));
    }
    stop(&daemon, code);
    HH_LOG(shared->log, HH_LOG_INFO, "stopped", HH_NUMBER("code", code));
    take_apart(&daemon);
    return code;
}
