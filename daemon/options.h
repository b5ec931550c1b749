// Every setting of hiphopd, in one table. From it come struct hh_config, the parser of the configuration file
// and of --set, --help, config/hiphopd.conf, docs/configuration.md, and what is said when a value is wrong.
// A new setting is one row here and nothing else.
//
// A row: X(group, field, KIND, default, limits, WHEN, "one line on why")
//   KIND     TEXT const char* | LIST hh_list | SWITCH bool | COUNT uint32_t | REAL double | DURATION hh_time
//            | DURATIONS hh_time[] | CHOICE int, the index of the word in ONE_OF
//   default  as it would stand after --set name=; LIBRARY: what hh_sessionizer_defaults() or
//            hh_graph_defaults() says
//   limits   ANY | BETWEEN(low, high, unit) | ONE_OF("a|b") | TOPIC | TOPIC_OR_NONE
//   WHEN     RESTART, or RELOAD: SIGHUP may change it
// Groups that the library defines (session, graph) are its option structs themselves: rows map by field name.
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <hiphop/graph.h>
#include <hiphop/session.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- the table ----

// X(group, "what it is about")
#define HH_GROUPS(X)                                                                                       \
    X(instance, "This daemon among its like.")                                                             \
    X(kafka, "How to reach Kafka.")                                                                        \
    X(topics, "Which topics are read and written, and how missing ones are made.")                         \
    X(clicks, "What a click record looks like.")                                                           \
    X(clicks.fields, "Where visitor, item and time stand in a click, as dotted paths (\"user.id\").")      \
    X(items, "What an item record looks like. Its key is the item's id.")                                  \
    X(recommendations, "What a recommendation record looks like.")                                         \
    X(sessions, "What a closed session's record looks like.")                                              \
    X(item_vectors, "What the record of an item's vector looks like.")                                     \
    X(quality, "How what the lists were worth is told.")                                                   \
    X(embeddings, "The network's vectors of items, for others to search in (docs/embeddings.md).")         \
    X(session, "How clicks become sessions. Everything here is event time.")                               \
    X(graph, "What the global graph remembers, and how its experts vote. `hiphop tune` finds values from " \
             "your own clicks.")                                                                           \
    X(semantics,                                                                                           \
      "What items are: their texts, made vectors, so that new ones are found (docs/semantics.md).")        \
    X(recommend, "What is in a list.")                                                                     \
    X(training,                                                                                            \
      "How the network learns. One instance of the group trains at a time; all of them serve what it "     \
      "publishes.")                                                                                        \
    X(pipeline, "How clicks are worked through.")                                                          \
    X(http, "Metrics, health and the status page.")                                                        \
    X(log, "What is said on standard error.")

#define HH_INSTANCE_OPTIONS(X)                                                                          \
    X(instance, id, TEXT, "", ANY, RESTART,                                                             \
      "Name of this instance, stable over restarts and different from every other's: transactions and " \
      "membership are fenced by it. Empty: the host name.")

#define HH_KAFKA_OPTIONS(X)                                                                               \
    X(kafka, brokers, TEXT, "localhost:9092", ANY, RESTART,                                               \
      "Brokers to begin with, host:port separated by commas; the others are found from these.")           \
    X(kafka, group, TEXT, "hiphop", ANY, RESTART,                                                         \
      "Consumer group. Instances of the same group share the clicks' partitions.")                        \
    X(kafka, properties, LIST, "", ANY, RESTART,                                                          \
      "Further librdkafka properties, each \"key=value\" (security.protocol, sasl.mechanism ...). Those " \
      "that "                                                                                             \
      "would break a promise are refused. --set adds one.")                                               \
    X(kafka, properties_file, TEXT, "", ANY, RESTART,                                                     \
      "File with more of them, a key=value line each, # for comments: the place for passwords.")

#define HH_TOPICS_OPTIONS(X)                                                                                 \
    X(topics, clicks, TEXT, "clicks", TOPIC, RESTART,                                                        \
      "Clicks, read. Keyed by visitor, so that a visitor's clicks stay in one partition.")                   \
    X(topics, items, TEXT, "items", TOPIC_OR_NONE, RESTART,                                                  \
      "Items, read; compacted. A tombstone withdraws an item from all lists. Empty: no such topic.")         \
    X(topics, recommendations, TEXT, "hiphop.recommendations", TOPIC, RESTART,                               \
      "Recommendations, written, keyed by visitor.")                                                         \
    X(topics, sessions, TEXT, "hiphop.sessions", TOPIC_OR_NONE, RESTART,                                     \
      "Closed sessions, written, keyed by visitor. Empty: not written.")                                     \
    X(topics, item_vectors, TEXT, "hiphop.item-vectors", TOPIC_OR_NONE, RESTART,                             \
      "Vectors of items, written and read back; compacted, so that no text is paid for twice. Empty: there " \
      "is no "                                                                                               \
      "such topic, and semantics.provider must be none.")                                                    \
    X(topics, dead_letters, TEXT, "hiphop.dead-letters", TOPIC, RESTART,                                     \
      "What could not be used, written byte for byte with the reason in its headers.")                       \
    X(topics, models, TEXT, "hiphop.models", TOPIC_OR_NONE, RESTART,                                         \
      "Models, written by who trains and read by all; compacted. Empty: the graph alone recommends.")        \
    X(topics, quality, TEXT, "hiphop.quality", TOPIC_OR_NONE, RESTART,                                       \
      "How good the lists were, by model, written; compacted. Empty: in the metrics alone.")                 \
    X(topics, embeddings, TEXT, "hiphop.embeddings", TOPIC_OR_NONE, RESTART,                                 \
      "The network's vectors of items, written by who trains, for others to search in; compacted. Empty: "   \
      "not written.")                                                                                        \
    X(topics, create, SWITCH, "true", ANY, RESTART,                                                          \
      "Whether missing topics are created at start, with the right cleanup policy.")                         \
    X(topics, partitions, COUNT, "0", BETWEEN(0, 10000, "partitions"), RESTART,                              \
      "Partitions of a topic that is created. 0: as the broker is set up.")                                  \
    X(topics, replication, COUNT, "0", BETWEEN(0, 100, "replicas"), RESTART,                                 \
      "Replicas of a topic that is created. 0: as the broker is set up.")

#define HH_CLICKS_OPTIONS(X)                                                                           \
    X(clicks, format, CHOICE, "json", ONE_OF("json|avro"), RESTART,                                    \
      "json, or avro: bare binary records by clicks.schema.")                                          \
    X(clicks, schema, TEXT, "", ANY, RESTART, "File with the Avro schema that clicks are written by.") \
    X(clicks, timestamp_unit, CHOICE, "ms", ONE_OF("ms|s|us|iso8601"), RESTART,                        \
      "What the time counts since 1970 UTC, or iso8601 for \"2026-03-01T12:00:00Z\".")

#define HH_CLICKS_FIELDS_OPTIONS(X)                                                                         \
    X(clicks.fields, visitor, TEXT, "visitor", ANY, RESTART, "Who clicked; whatever tells visitors apart.") \
    X(clicks.fields, item, TEXT, "item", ANY, RESTART, "What was clicked.")                                 \
    X(clicks.fields, timestamp, TEXT, "timestamp", ANY, RESTART, "When it was clicked: event time.")

#define HH_ITEMS_OPTIONS(X)                                        \
    X(items, format, CHOICE, "json", ONE_OF("json|avro"), RESTART, \
      "json, or avro: bare binary records by items.schema.")       \
    X(items, schema, TEXT, "", ANY, RESTART, "File with the Avro schema that items are written by.")

#define HH_RECOMMENDATIONS_OPTIONS(X)                                        \
    X(recommendations, format, CHOICE, "json", ONE_OF("json|avro"), RESTART, \
      "json, or avro by schemas/recommendations.avsc; both have the same fields.")

#define HH_SESSIONS_OPTIONS(X)                                        \
    X(sessions, format, CHOICE, "json", ONE_OF("json|avro"), RESTART, \
      "json, or avro by schemas/session.avsc; both have the same fields.")

#define HH_ITEM_VECTORS_OPTIONS(X)                                                                         \
    X(item_vectors, format, CHOICE, "avro", ONE_OF("json|avro"), RESTART,                                  \
      "How vectors are written: avro by schemas/item-vector.avsc, a third of the bytes of json. Read are " \
      "both.")

#define HH_QUALITY_OPTIONS(X)                                              \
    X(quality, format, CHOICE, "json", ONE_OF("json|avro"), RESTART,       \
      "json, or avro by schemas/quality.avsc; both have the same fields.") \
    X(quality, interval, DURATION, "1m", BETWEEN(100, HH_DAY, ""), RELOAD, \
      "Time between two reports, while lists are made.")

#define HH_EMBEDDINGS_OPTIONS(X)                                                                             \
    X(embeddings, format, CHOICE, "json", ONE_OF("json|avro"), RESTART,                                      \
      "How they are written: json, or avro by schemas/embedding.avsc, a third of the bytes. Read are both.") \
    X(embeddings, tolerance, REAL, "0.02", BETWEEN(0, 2, ""), RESTART,                                       \
      "A vector is written anew when it is further than this from the one that was written last; vectors "   \
      "have length 1. 0: whenever it has changed.")                                                          \
    X(embeddings, full_every, COUNT, "24", BETWEEN(1, 1000000, "snapshots"), RESTART,                        \
      "After so many snapshots the next one of another model has all vectors anew. 1: of each model.")

// hh_sessionizer_options: every field, in its order.
#define HH_SESSION_OPTIONS(X)                                                                                \
    X(session, gap, DURATION, LIBRARY, BETWEEN(1, 30 * HH_DAY, ""), RESTART,                                 \
      "A pause of this length ends a session.")                                                              \
    X(session, lateness, DURATION, LIBRARY, BETWEEN(0, 7 * HH_DAY, ""), RESTART,                             \
      "How far behind the newest click of its partition a click may come; later ones are dead letters. "     \
      "Sessions close later by this much.")                                                                  \
    X(session, max_duration, DURATION, LIBRARY, BETWEEN(1, 30 * HH_DAY, ""), RESTART,                        \
      "Longest session. Together with max_clicks it bounds what is replayed at a restart.")                  \
    X(session, max_clicks, COUNT, LIBRARY, BETWEEN(1, 100000, "clicks"), RESTART,                            \
      "A session of this many clicks is closed: crawlers must not grow without end.")                        \
    X(session, max_skew, DURATION, LIBRARY, BETWEEN(0, 30 * HH_DAY, ""), RESTART,                            \
      "How far ahead of the clock a click may be; one from the far future would close everybody's session.") \
    X(session, idle_timeout, DURATION, LIBRARY, BETWEEN(0, 30 * HH_DAY, ""), RESTART,                        \
      "After this long without clicks a partition's sessions close by the wall clock. 0: they wait for the " \
      "next click.")

// hh_graph_options: every field, in its order.
#define HH_GRAPH_OPTIONS(X)                                                                      \
    X(graph, max_clicks, COUNT, LIBRARY, BETWEEN(1000, 1000000000, "clicks"), RESTART,           \
      "Clicks remembered: the bound on memory. The oldest sessions go first.")                   \
    X(graph, max_age, DURATION, LIBRARY, BETWEEN(0, 3650 * HH_DAY, ""), RESTART,                 \
      "Sessions older than this are forgotten. 0: never, while there is room.")                  \
    X(graph, max_described, COUNT, LIBRARY, BETWEEN(0, 10000000, "items"), RESTART,              \
      "Items whose vectors are held: what is known of an item before its clicks tell.")          \
    X(graph, pop_half_life, DURATIONS, LIBRARY, BETWEEN(HH_SECOND, 3650 * HH_DAY, ""), RESTART,  \
      "Half-lives of what is popular now, short to long; the mixture chooses among the three.")  \
    X(graph, pair_half_life, DURATIONS, LIBRARY, BETWEEN(HH_SECOND, 3650 * HH_DAY, ""), RESTART, \
      "Half-lives of \"this was clicked after that\", short and long; the mixture chooses.")     \
    X(graph, knn_half_life, DURATIONS, LIBRARY, BETWEEN(HH_SECOND, 3650 * HH_DAY, ""), RESTART,  \
      "Half-lives of similar sessions, short and long; the mixture chooses.")                    \
    X(graph, sessions, COUNT, LIBRARY, BETWEEN(1, 100000, "sessions"), RESTART,                  \
      "Newest sessions that are read for each item of the asking session.")                      \
    X(graph, neighbours, COUNT, LIBRARY, BETWEEN(1, 100000, "sessions"), RESTART,                \
      "knn: most similar sessions that vote.")                                                   \
    X(graph, pair_decay, REAL, LIBRARY, BETWEEN(0, 1, ""), RESTART,                              \
      "pair: weight of the click before, relative to a click.")                                  \
    X(graph, pair_norm, REAL, LIBRARY, BETWEEN(0, 1, ""), RESTART,                               \
      "pair: how far frequent items are damped; 0 not, 1 fully.")                                \
    X(graph, pair_backward, REAL, LIBRARY, BETWEEN(0, 1, ""), RESTART,                           \
      "pair: weight of what was clicked before rather than after, in the longer half-life.")     \
    X(graph, knn_decay, REAL, LIBRARY, BETWEEN(0.01, 1000, "clicks"), RESTART,                   \
      "knn: how fast older clicks of the asking session lose weight.")                           \
    X(graph, knn_reach, REAL, LIBRARY, BETWEEN(0.01, 1000, "clicks"), RESTART,                   \
      "knn: how far after the last common item a neighbour's items count.")                      \
    X(graph, knn_backward, REAL, LIBRARY, BETWEEN(0, 1, ""), RESTART,                            \
      "knn: weight of what a neighbour clicked before it rather than after.")                    \
    X(graph, knn_idf, REAL, LIBRARY, BETWEEN(0, 5, ""), RESTART,                                 \
      "knn: how much rare items are preferred; 0 not.")                                          \
    X(graph, repeat_decay, REAL, LIBRARY, BETWEEN(0, 1, ""), RESTART,                            \
      "repeat: how fast items further back lose weight.")

#define HH_SEMANTICS_OPTIONS(X)                                                                              \
    X(semantics, provider, CHOICE, "none", ONE_OF("none|hashing|http|topic"), RESTART,                       \
      "Who makes vectors of texts: hashing, built in, which knows words but no meanings; http, a language "  \
      "model behind an OpenAI-compatible endpoint; topic, others alone; none.")                              \
    X(semantics, template, TEXT, "{title}, {category}, {brand}, {description}", ANY, RESTART,                \
      "The sentence that is made of an item: {field} by its name or dotted path. What an item lacks drops "  \
      "out with the words before it.")                                                                       \
    X(semantics, source, TEXT, "text", ANY, RESTART,                                                         \
      "Name under which the vectors of hashing or http stand in topics.item_vectors.")                       \
    X(semantics, sources, LIST, "", ANY, RESTART,                                                            \
      "Further sources that others write there and that are used beside it: images, audio. Each a name, or " \
      "\"name=width\"; without a width the first vector says it. --set adds one.")                           \
    X(semantics, width, COUNT, "0", BETWEEN(0, 65536, "numbers"), RESTART,                                   \
      "Width of a vector: hashing makes it so, 0 is 512; any other from http is refused, 0 is what comes "   \
      "first.")                                                                                              \
    X(semantics, queue, COUNT, "1024", BETWEEN(1, 65536, "items"), RESTART,                                  \
      "Items that may wait for their vector; the topic of items is not read on meanwhile. Bounds memory.")   \
    X(semantics, url, TEXT, "", ANY, RESTART,                                                                \
      "http: the endpoint, as https://api.example.com/v1/embeddings. No password in it: see key_file.")      \
    X(semantics, model, TEXT, "", ANY, RESTART,                                                              \
      "http: the model to ask for. With another model all vectors are made anew, and paid anew.")            \
    X(semantics, key_file, TEXT, "", ANY, RESTART,                                                           \
      "http: file with the API key; a name without a slash is a systemd credential. Empty: key_variable.")   \
    X(semantics, key_variable, TEXT, "HIPHOP_SEMANTICS_KEY", ANY, RESTART,                                   \
      "http: environment variable with the API key. Not set: no key is sent.")                               \
    X(semantics, batch, COUNT, "64", BETWEEN(1, 2048, "texts"), RESTART,                                     \
      "http: texts in one request, at most. Fewer go at once where fewer wait.")                             \
    X(semantics, concurrency, COUNT, "2", BETWEEN(1, 64, "requests"), RESTART,                               \
      "http: requests under way at a time, over all instances of the group.")                                \
    X(semantics, timeout, DURATION, "30s", BETWEEN(100, HH_HOUR, ""), RESTART,                               \
      "http: a request that takes longer is given up and tried again.")                                      \
    X(semantics, longest_pause, DURATION, "1m", BETWEEN(100, HH_DAY, ""), RESTART,                           \
      "http: pauses after failures double from a quarter of a second up to this, unless the endpoint asks "  \
      "for longer ones.")

#define HH_RECOMMEND_OPTIONS(X)                                                                              \
    X(recommend, enabled, SWITCH, "true", ANY, RESTART,                                                      \
      "Off: sessions are assembled and written, nothing is recommended, no graph is kept.")                  \
    X(recommend, k, COUNT, "20", BETWEEN(1, 100, "items"), RESTART, "Items in a list.")                      \
    X(recommend, max_age, DURATION, "10m", BETWEEN(0, 3650 * HH_DAY, ""), RELOAD,                            \
      "A click that has waited in the topic for longer than this when its turn comes, after a stop, gets "   \
      "no list "                                                                                             \
      "but is counted as stale: nobody waits for it any more. 0: every click gets one.")                     \
    X(recommend, hide_session_items, SWITCH, "false", ANY, RESTART,                                          \
      "Leave out what the visitor has clicked in this session already, up to the click that is answered.")   \
    X(recommend, max_drop, REAL, "0.01", BETWEEN(0, 1, ""), RESTART,                                         \
      "How much less HR@20 than the graph alone, as a share, lists may have in which a model has a say. A "  \
      "model that surely costs more is taken out until the next one comes.")                                 \
    X(recommend, ranker, SWITCH, "true", ANY, RESTART,                                                       \
      "Whether a small network that learns from every click puts the mixture's best in order. By itself it " \
      "makes lists only while it is better than the mixture alone.")

// The window's and the gate's are fields of <hiphop/window.h> and <hiphop/continual.h> by these names.
#define HH_TRAINING_OPTIONS(X)                                                                             \
    X(training, enabled, SWITCH, "true", ANY, RESTART,                                                     \
      "Whether this instance may be the one that trains. Off: it serves the models that others publish.")  \
    X(training, interval, DURATION, "1h", BETWEEN(HH_SECOND, 365 * HH_DAY, ""), RELOAD,                    \
      "Time between two trainings.")                                                                       \
    X(training, min_sessions, COUNT, "1000", BETWEEN(1, 1000000000, "sessions"), RESTART,                  \
      "Sessions of two clicks or more that must have closed since the last training.")                     \
    X(training, window, DURATION, "0", BETWEEN(0, 3650 * HH_DAY, ""), RESTART,                             \
      "Event time that the newest sessions reach back. 0: as far as training.clicks.")                     \
    X(training, clicks, COUNT, "400000", BETWEEN(2, 1000000000, "clicks"), RESTART,                        \
      "Clicks of the newest sessions that are learned from, at most.")                                     \
    X(training, older, REAL, "0.1", BETWEEN(0, 10, ""), RESTART,                                           \
      "Clicks of a random choice of older sessions beside them, as a share: against forgetting.")          \
    X(training, visitor_clicks, COUNT, "500", BETWEEN(2, 1000000000, "clicks"), RESTART,                   \
      "Clicks of one visitor that are learned from, at most: nobody can own the window.")                  \
    X(training, item_share, REAL, "0.1", BETWEEN(0.0001, 1, ""), RESTART,                                  \
      "Share of the clicks that one item may have; of one with more, a random choice is learned from.")    \
    X(training, admit, COUNT, "2", BETWEEN(1, 1000000, "clicks"), RESTART,                                 \
      "Clicks with which an item gets a vector of its own; until then it lives by the graph.")             \
    X(training, items, COUNT, "100000", BETWEEN(1, 100000000, "items"), RESTART,                           \
      "Items with a vector, at most: those with most clicks, then those that are described.")              \
    X(training, dimension, COUNT, "64", BETWEEN(1, 4096, ""), RESTART,                                     \
      "Width of a network that is trained from scratch.")                                                  \
    X(training, refit_every, DURATION, "0", BETWEEN(0, 3650 * HH_DAY, ""), RESTART,                        \
      "Event time after which the network is trained from scratch. 0: it is always trained further.")      \
    X(training, gate, SWITCH, "true", ANY, RESTART,                                                        \
      "Whether a network takes the place of another only if it is no worse on the newest lists, held out " \
      "from it.")                                                                                          \
    X(training, gate_lists, COUNT, "2000", BETWEEN(100, 1000000, "lists"), RESTART,                        \
      "How many lists these are.")                                                                         \
    X(training, threads, COUNT, "1", BETWEEN(1, 64, "threads"), RESTART, "Threads that train.")            \
    X(training, nice, COUNT, "19", BETWEEN(0, 20, ""), RESTART,                                            \
      "How far training steps back for everything else that wants the processor, as nice does. 20: it "    \
      "takes only what nobody else wants.")                                                                \
    X(training, keep, COUNT, "3", BETWEEN(1, 100, "models"), RESTART,                                      \
      "Models that stay on the topic; older ones are deleted from it when a new one is there.")

#define HH_PIPELINE_OPTIONS(X)                                                                           \
    X(pipeline, workers, COUNT, "1", BETWEEN(1, 64, "threads"), RESTART,                                 \
      "Threads that take partitions. More than partitions, or more than cores, is no use.")              \
    X(pipeline, delivery, CHOICE, "exactly-once", ONE_OF("exactly-once|at-least-once"), RESTART,         \
      "exactly-once: by transactions. at-least-once: lists arrive some milliseconds earlier, and those " \
      "of the last five seconds twice after a crash, or where connections to the brokers break.")        \
    X(pipeline, commit_interval, DURATION, "15ms", BETWEEN(1, 10 * HH_SECOND, ""), RELOAD,               \
      "Length of a transaction: what exactly-once adds to the latency of a list. Longer is cheaper.")

#define HH_HTTP_OPTIONS(X)                                                                                  \
    X(http, listen, TEXT, "127.0.0.1:9464", ANY, RESTART,                                                   \
      "Address and port of /metrics, /health, /ready and the status page; [::1]:9464 for IPv6. Nothing is " \
      "asked of who reads them: keep it to loopback or a trusted network. Empty: off.")

#define HH_LOG_OPTIONS(X)                                                     \
    X(log, level, CHOICE, "info", ONE_OF("error|warning|info|debug"), RELOAD, \
      "The least important that is said.")

#define HH_OPTIONS(X)             \
    HH_INSTANCE_OPTIONS(X)        \
    HH_KAFKA_OPTIONS(X)           \
    HH_TOPICS_OPTIONS(X)          \
    HH_CLICKS_OPTIONS(X)          \
    HH_CLICKS_FIELDS_OPTIONS(X)   \
    HH_ITEMS_OPTIONS(X)           \
    HH_RECOMMENDATIONS_OPTIONS(X) \
    HH_SESSIONS_OPTIONS(X)        \
    HH_ITEM_VECTORS_OPTIONS(X)    \
    HH_QUALITY_OPTIONS(X)         \
    HH_EMBEDDINGS_OPTIONS(X)      \
    HH_SESSION_OPTIONS(X)         \
    HH_GRAPH_OPTIONS(X)           \
    HH_SEMANTICS_OPTIONS(X)       \
    HH_RECOMMEND_OPTIONS(X)       \
    HH_TRAINING_OPTIONS(X)        \
    HH_PIPELINE_OPTIONS(X)        \
    HH_HTTP_OPTIONS(X)            \
    HH_LOG_OPTIONS(X)

// ---- what the table makes ----

typedef struct hh_list {
    const char *const *items;
    size_t count;
} hh_list;

enum { HH_EXACTLY_ONCE, HH_AT_LEAST_ONCE }; // pipeline.delivery
enum { HH_SEMANTICS_NONE, HH_SEMANTICS_HASHING, HH_SEMANTICS_HTTP, HH_SEMANTICS_TOPIC };
enum { HH_LOG_ERROR, HH_LOG_WARNING, HH_LOG_INFO, HH_LOG_DEBUG }; // log.level

#define HH_TYPE_TEXT     const char *
#define HH_TYPE_LIST     hh_list
#define HH_TYPE_SWITCH   bool
#define HH_TYPE_COUNT    uint32_t
#define HH_TYPE_REAL     double
#define HH_TYPE_DURATION hh_time
#define HH_TYPE_CHOICE   int

#define HH_CONFIG_MEMBER(group, field, kind, ...) HH_TYPE_##kind field;

// The settings. Texts are never NULL. Owned by the hh_settings that it is part of (settings.h); members that
// SIGHUP may change are read by threads through hh_now_duration() and its like.
typedef struct hh_config {
    struct {
        HH_INSTANCE_OPTIONS(HH_CONFIG_MEMBER)
    } instance;
    struct {
        HH_KAFKA_OPTIONS(HH_CONFIG_MEMBER)
    } kafka;
    struct {
        HH_TOPICS_OPTIONS(HH_CONFIG_MEMBER)
    } topics;
    struct {
        HH_CLICKS_OPTIONS(HH_CONFIG_MEMBER)
        struct {
            HH_CLICKS_FIELDS_OPTIONS(HH_CONFIG_MEMBER)
        } fields;
    } clicks;
    struct {
        HH_ITEMS_OPTIONS(HH_CONFIG_MEMBER)
    } items;
    struct {
        HH_RECOMMENDATIONS_OPTIONS(HH_CONFIG_MEMBER)
    } recommendations;
    struct {
        HH_SESSIONS_OPTIONS(HH_CONFIG_MEMBER)
    } sessions;
    struct {
        HH_ITEM_VECTORS_OPTIONS(HH_CONFIG_MEMBER)
    } item_vectors;
    struct {
        HH_QUALITY_OPTIONS(HH_CONFIG_MEMBER)
    } quality;
    struct {
        HH_EMBEDDINGS_OPTIONS(HH_CONFIG_MEMBER)
    } embeddings;
    hh_sessionizer_options session;
    hh_graph_options graph;
    struct {
        HH_SEMANTICS_OPTIONS(HH_CONFIG_MEMBER)
    } semantics;
    struct {
        HH_RECOMMEND_OPTIONS(HH_CONFIG_MEMBER)
    } recommend;
    struct {
        HH_TRAINING_OPTIONS(HH_CONFIG_MEMBER)
    } training;
    struct {
        HH_PIPELINE_OPTIONS(HH_CONFIG_MEMBER)
    } pipeline;
    struct {
        HH_HTTP_OPTIONS(HH_CONFIG_MEMBER)
    } http;
    struct {
        HH_LOG_OPTIONS(HH_CONFIG_MEMBER)
    } log;
} hh_config;

// A member that SIGHUP may change, read while another thread may be changing it.
static inline hh_time hh_now_duration(const hh_time *member)
{
    return __atomic_load_n(member, __ATOMIC_RELAXED);
}

// ---- the table as data, for those who parse and print ----

typedef enum hh_config_kind {
    HH_KIND_TEXT,
    HH_KIND_LIST,
    HH_KIND_SWITCH,
    HH_KIND_COUNT,
    HH_KIND_REAL,
    HH_KIND_DURATION,
    HH_KIND_DURATIONS,
    HH_KIND_CHOICE,
} hh_config_kind;

typedef enum hh_config_limit {
    HH_LIMIT_ANY,
    HH_LIMIT_BETWEEN,
    HH_LIMIT_ONE_OF,
    HH_LIMIT_TOPIC,
    HH_LIMIT_TOPIC_OR_NONE,
} hh_config_limit;

typedef struct hh_config_option {
    const char *name;  // "session.gap"
    const char *group; // "session"
    const char *field; // "gap"
    hh_config_kind kind;
    size_t offset, size; // of the member in hh_config
    const char *initial; // the default; NULL: the library's
    struct {
        hh_config_limit kind;
        double low, high;    // BETWEEN; durations in ms
        const char *unit;    // BETWEEN
        const char *choices; // ONE_OF, separated by |
    } limit;
    bool reload; // SIGHUP may change it
    const char *why;
} hh_config_option;

typedef struct hh_config_group {
    const char *name, *about;
} hh_config_group;

#define HH_CONFIG_NUMBER(group, field, ...) +1
enum { HH_CONFIG_COUNT = 0 HH_OPTIONS(HH_CONFIG_NUMBER) };
#define HH_GROUP_NUMBER(group, about) +1
enum { HH_GROUP_COUNT = 0 HH_GROUPS(HH_GROUP_NUMBER) };

extern const hh_config_option hh_config_table[HH_CONFIG_COUNT];
extern const hh_config_group hh_config_groups[HH_GROUP_COUNT];

// The option of that name, or NULL. nearest: the option whose name is most like it, or NULL where none is.
const hh_config_option *hh_config_find(const char *name);
const hh_config_option *hh_config_nearest(const char *name);
const hh_config_group *hh_config_group_nearest(const char *name);

#endif
