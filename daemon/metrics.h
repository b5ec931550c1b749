// What hiphopd counts, in one table: from it come the cells, the Prometheus text and docs/metrics.md.
//
// Any thread updates without locks, by relaxed atomics; a worker adds once a batch, not once a click. A cell
// is named by its metric and, where the metric has a label, by the position of the label's value, or by the
// partition.
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <hiphop/graph.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Why a record of `clicks` became a dead letter: X(NAME, "word", "what it means, and what to do").
// The word stands in the metric and in the dead letter's header.
#define HH_DEAD_LETTERS(X)                                                                                   \
    X(MALFORMED, "malformed",                                                                                \
      "The bytes are not a click: not JSON or Avro of the configured schema, a field missing, an empty or "  \
      "too "                                                                                                 \
      "long id, a time that is none. The message header names the field. Compare `clicks.format`, "          \
      "`clicks.fields` and `clicks.timestamp_unit` with what the producer writes.")                          \
    X(EMPTY, "empty",                                                                                        \
      "A record without a value (a tombstone). A click topic has no use for them; look for a producer that " \
      "thinks it is compacted.")                                                                             \
    X(LATE, "late",                                                                                          \
      "A click older than its partition's watermark: its session may be closed and published already. If "   \
      "such clicks matter, raise `session.lateness`.")                                                       \
    X(FUTURE, "future",                                                                                      \
      "A click further ahead of the clock than `session.max_skew`: a wrong clock, or a wrong "               \
      "`clicks.timestamp_unit`.")

typedef enum hh_dead_letter {
#define HH_DEAD_LETTER_ENUM(name, word, meaning) HH_DEAD_##name,
    HH_DEAD_LETTERS(HH_DEAD_LETTER_ENUM)
#undef HH_DEAD_LETTER_ENUM
        HH_DEAD_LETTER_COUNT
} hh_dead_letter;

const char *hh_dead_letter_word(hh_dead_letter reason);
const char *hh_dead_letter_meaning(hh_dead_letter reason);

// X(ID, "name", KIND, "label", "its|values", "help")
//   COUNTER    grows                                      hh_metrics_add
//   GAUGE      goes up and down; absent until it is set    hh_metrics_set
//   AGE        set to a time, read as the seconds since then (a gauge)
//   HISTOGRAM  of seconds                                 hh_metrics_observe
//   MADE       a gauge, and MADE_TOTAL a counter, that is worked out when it is read
// The label "partition" has no values: cells are numbered by partition.
#define HH_METRICS(X)                                                                                        \
    X(CLICKS, "hiphop_clicks_total", COUNTER, "outcome", "taken|malformed|empty|late|future",                \
      "Records read from the clicks topic by what became of them; all but taken are dead letters.")          \
    X(DEAD_LETTERS, "hiphop_dead_letters_total", COUNTER, "reason", "malformed|empty|late|future",           \
      "Records written to the dead letter topic, by reason.")                                                \
    X(RECOMMENDATIONS, "hiphop_recommendations_total", COUNTER, "", "", "Lists of recommendations written.") \
    X(STALE, "hiphop_stale_clicks_total", COUNTER, "", "",                                                   \
      "Clicks that got no list since they had waited for longer than recommend.max_age when their turn "     \
      "came.")                                                                                               \
    X(RECORDS_LOST, "hiphop_records_lost_total", COUNTER, "topic",                                           \
      "recommendations|sessions|quality|dead_letters",                                                       \
      "Records that were left out since they are larger than their topic takes (max.message.bytes), or "     \
      "than "                                                                                                \
      "message.max.bytes in kafka.properties; their clicks are done with. The log says how large.")          \
    X(SESSIONS_CLOSED, "hiphop_sessions_closed_total", COUNTER, "reason", "gap|max_clicks|max_duration",     \
      "Sessions closed, by reason.")                                                                         \
    X(SESSIONS_OPEN, "hiphop_open_sessions", GAUGE, "partition", "", "Sessions open now.")                   \
    X(WATERMARK, "hiphop_watermark_lag_seconds", AGE, "partition", "",                                       \
      "How far event time is behind the clock: the age of the partition's watermark.")                       \
    X(LAG, "hiphop_consumer_lag_records", GAUGE, "partition", "",                                            \
      "Records of the clicks topic not yet read by the worker that has the partition.")                      \
    X(REBALANCES, "hiphop_rebalances_total", COUNTER, "", "",                                                \
      "Times that partitions were assigned or taken away.")                                                  \
    X(TRANSACTIONS, "hiphop_transactions_total", COUNTER, "outcome", "committed|aborted",                    \
      "Transactions; at-least-once counts its commits here too.")                                            \
    X(COMMIT, "hiphop_commit_duration_seconds", HISTOGRAM, "", "", "Time that a commit took.")               \
    X(LATENCY, "hiphop_recommendation_latency_seconds", HISTOGRAM, "", "",                                   \
      "From the time at which the click's record was appended to the clicks topic until its list was "       \
      "committed.")                                                                                          \
    X(RECOMMEND, "hiphop_recommend_duration_seconds", HISTOGRAM, "", "", "Time that making one list took.")  \
    X(GRAPH_CLICKS, "hiphop_graph_clicks", GAUGE, "", "", "Clicks that the global graph holds.")             \
    X(GRAPH_SESSIONS, "hiphop_graph_sessions", GAUGE, "", "", "Sessions that the global graph holds.")       \
    X(GRAPH_ITEMS, "hiphop_graph_items", GAUGE, "", "", "Items that the global graph holds.")                \
    X(GRAPH_PAIRS, "hiphop_graph_pairs", GAUGE, "", "", "Pairs of items that the global graph holds.")       \
    X(GRAPH_MEMORY, "hiphop_graph_memory_bytes", GAUGE, "", "", "Memory of the global graph.")               \
    X(KEEPER_LAG, "hiphop_keeper_lag_records", GAUGE, "", "",                                                \
      "Records of the clicks topic that the graph has not learned from yet, over all partitions.")           \
    X(MIXTURE, "hiphop_mixture_weight", GAUGE, "expert",                                                     \
      "pop_short|pop_middle|pop_long|next|pair_short|pair_long|knn_short|knn_long|repeat_last|repeat|"       \
      "network|inherit|cosine",                                                                              \
      "Weight of each expert in the mixture, mean over the latest clicks; but for inherit and cosine they "  \
      "sum to 1.")                                                                                           \
    X(RANKER_LESSONS, "hiphop_ranker_lessons_total", COUNTER, "", "",                                        \
      "Clicks that the ranker was tested by, and has learned from.")                                         \
    X(RANKER_ACTIVE, "hiphop_ranker_active", GAUGE, "", "",                                                  \
      "1 while the ranker makes the lists, 0 while it is no better than the mixture and the mixture does.")  \
    X(RANKER_HR, "hiphop_ranker_hr20", GAUGE, "order", "ranker|mixture",                                     \
      "HR@20 of the ranker's order and of the mixture's in the ranker's lessons, a fading mean over some "   \
      "8192.")                                                                                               \
    X(RANKER_MRR, "hiphop_ranker_mrr20", GAUGE, "order", "ranker|mixture", "Their MRR@20, likewise.")        \
    X(MODEL_VERSION, "hiphop_model_version", GAUGE, "", "",                                                  \
      "Version of the model in service; absent while the graph alone recommends.")                           \
    X(MODEL_AGE, "hiphop_model_age_seconds", AGE, "", "", "Time since the model in service was trained.")    \
    X(MODEL_LISTS, "hiphop_model_lists_total", COUNTER, "", "",                                              \
      "Lists in which the network had a say: it knew an item of the session, and is no later than the "      \
      "click.")                                                                                              \
    X(MODEL_HR, "hiphop_model_live_hr20", GAUGE, "list", "hiphop|graph|popularity",                          \
      "Of the lists in which the model in service has had a say, judged so far: HR@20 of what was "          \
      "published, of what the graph alone would have listed, and of what was popular, the newest weighing "  \
      "most.")                                                                                               \
    X(MODEL_MRR, "hiphop_model_live_mrr20", GAUGE, "list", "hiphop|graph|popularity",                        \
      "Their MRR@20, likewise.")                                                                             \
    X(MODEL_COVERAGE, "hiphop_model_live_items", GAUGE, "", "",                                              \
      "Distinct items in these lists, about: their coverage of the catalogue.")                              \
    X(MODEL_OUT, "hiphop_model_out", GAUGE, "", "",                                                          \
      "1 while the newest model makes no lists here, since they were worse than the graph's.")               \
    X(MODELS_READ, "hiphop_models_read_total", COUNTER, "outcome", "served|refused|rejected",                \
      "Models met on their topic: put in service; damaged or not ours, the one in service stays; or kept "   \
      "out by the gate of who trained them.")                                                                \
    X(TRAINER, "hiphop_trainer", GAUGE, "", "", "1 while this instance is the one that trains, else 0.")     \
    X(TRAININGS, "hiphop_trainings_total", COUNTER, "outcome", "promoted|rejected|nothing|broken",           \
      "Trainings of this instance: past the gate, to be published; kept out by it; nothing to learn from; "  \
      "broken off.")                                                                                         \
    X(TRAINING_TIME, "hiphop_training_duration_seconds", GAUGE, "", "",                                      \
      "Time that the latest training took.")                                                                 \
    X(GATE_HR, "hiphop_gate_hr20", GAUGE, "list", "graph|service|candidate|network",                         \
      "HR@20 on the lists of the latest gate: of the graph alone, of it together with the model in service " \
      "and with the candidate, and of the candidate's network alone.")                                       \
    X(GATE_MRR, "hiphop_gate_mrr20", GAUGE, "list", "graph|service|candidate|network", "MRR@20, likewise.")  \
    X(EMBEDDINGS_VERSION, "hiphop_embeddings_version", GAUGE, "", "",                                        \
      "Version of the model whose item vectors are whole on their topic, on the instance that trains.")      \
    X(SNAPSHOTS, "hiphop_embeddings_snapshots_total", COUNTER, "outcome", "full|delta|broken",               \
      "Snapshots of the item vectors: all written anew; what had changed; broken off, and tried again.")     \
    X(EMBEDDINGS, "hiphop_embeddings_records_total", COUNTER, "record", "vector|tombstone",                  \
      "Records of whole snapshots: items' vectors, and tombstones of items that have none any more.")        \
    X(LIVE_TARGETS, "hiphop_live_targets_total", COUNTER, "", "",                                            \
      "Clicks by which a list was judged: the next click of its session.")                                   \
    X(LIVE_HITS, "hiphop_live_hits_total", MADE_TOTAL, "list", "hiphop|graph|popularity",                    \
      "Judged clicks that were in the first 20 of the list: what hiphop published, what the graph "          \
      "alone would have listed, or what was popular.")                                                       \
    X(LIVE_RANKS, "hiphop_live_reciprocal_ranks_total", MADE_TOTAL, "list", "hiphop|graph|popularity",       \
      "Sum of 1/rank of these hits.")                                                                        \
    X(LIVE_HR, "hiphop_live_hr20", MADE, "list", "hiphop|graph|popularity",                                  \
      "Share of the newest 8192 judged clicks that were in the first 20 of the list (HR@20).")               \
    X(LIVE_MRR, "hiphop_live_mrr20", MADE, "list", "hiphop|graph|popularity",                                \
      "Mean of 1/rank over the newest 8192 judged clicks, 0 where not in the first 20 (MRR@20).")            \
    X(ITEM_VECTORS, "hiphop_item_vectors_total", COUNTER, "outcome",                                         \
      "taken|withdrawn|other_source|other_model|malformed|wrong_width|no_room",                              \
      "Records of the topic of item vectors by what the graph made of them.")                                \
    X(SEMANTICS_ITEMS, "hiphop_semantics_items_total", COUNTER, "outcome",                                   \
      "known|asked|copied|empty|malformed|withdrawn|given_up",                                               \
      "Records of the items topic by how they get their vector, on the instance that makes them: it is "     \
      "there "                                                                                               \
      "already, the provider is asked, another item with the same text has it; or why not.")                 \
    X(SEMANTICS_TEXTS, "hiphop_semantics_texts_total", COUNTER, "", "",                                      \
      "Texts that the provider has made a vector of: what is paid for.")                                     \
    X(SEMANTICS_VECTORS, "hiphop_semantics_vectors_total", COUNTER, "", "",                                  \
      "Vectors of items written to the topic of item vectors.")                                              \
    X(SEMANTICS_FAILURES, "hiphop_semantics_failures_total", COUNTER, "reason",                              \
      "unreachable|timeout|rate_limited|denied|server_error|refused|malformed|wrong_count|wrong_width",      \
      "Questions to the provider that brought no vectors. All are asked again.")                             \
    X(SEMANTICS_QUEUE, "hiphop_semantics_queue_items", GAUGE, "", "",                                        \
      "Items that wait for their vector, on the instance that makes them.")                                  \
    X(SEMANTICS_SECONDS, "hiphop_semantics_request_duration_seconds", HISTOGRAM, "", "",                     \
      "Time that the provider took for a question, answered well or not.")                                   \
    X(SEMANTICS_UP, "hiphop_semantics_up", GAUGE, "", "",                                                    \
      "1 while the provider answers, 0 after a failure, on the instance that makes vectors.")                \
    X(RELOADS, "hiphop_config_reloads_total", COUNTER, "outcome", "applied|refused",                         \
      "SIGHUPs, by whether everything that had changed could be applied.")                                   \
    X(READY, "hiphop_ready", MADE, "", "",                                                                   \
      "1 when partitions are assigned and the graph is loaded, else 0.")                                     \
    X(BUILD, "hiphop_build_info", MADE, "version", HH_VERSION, "Always 1; the label has the version.")       \
    X(PROCESS_CPU, "process_cpu_seconds_total", MADE_TOTAL, "", "", "Processor time used.")                  \
    X(PROCESS_MEMORY, "process_resident_memory_bytes", MADE, "", "", "Resident memory.")                     \
    X(PROCESS_START, "process_start_time_seconds", MADE, "", "", "Start of the process, seconds since 1970.")

typedef enum hh_metric {
#define HH_METRIC_ENUM(id, ...) HH_METRIC_##id,
    HH_METRICS(HH_METRIC_ENUM)
#undef HH_METRIC_ENUM
        HH_METRIC_COUNT
} hh_metric;

// Positions of labels' values; the other labels' are hh_dead_letter, hh_close_reason, hh_output and
// hh_expert.
enum { HH_OUTCOME_TAKEN, HH_OUTCOME_DEAD };                    // CLICKS: HH_OUTCOME_DEAD + hh_dead_letter
enum { HH_COMMITTED, HH_ABORTED };                             // TRANSACTIONS
enum { HH_LIST_HIPHOP, HH_LIST_GRAPH, HH_LIST_POPULARITY };    // LIVE_..., MODEL_HR, MODEL_MRR
enum { HH_BY_RANKER, HH_BY_MIXTURE };                          // RANKER_HR, RANKER_MRR
enum { HH_MODEL_SERVED, HH_MODEL_REFUSED, HH_MODEL_REJECTED }; // MODELS_READ
enum { HH_TRAINING_PROMOTED, HH_TRAINING_REJECTED, HH_TRAINING_NOTHING, HH_TRAINING_BROKEN }; // TRAININGS
enum { HH_GATE_GRAPH, HH_GATE_SERVICE, HH_GATE_CANDIDATE, HH_GATE_NETWORK };                  // GATE_...
enum {
    HH_VECTOR_TAKEN,
    HH_VECTOR_WITHDRAWN,
    HH_VECTOR_OTHER_SOURCE,
    HH_VECTOR_OTHER_MODEL,
    HH_VECTOR_MALFORMED,
    HH_VECTOR_WRONG_WIDTH,
    HH_VECTOR_NO_ROOM
}; // ITEM_VECTORS
enum {
    HH_ITEM_KNOWN,
    HH_ITEM_ASKED,
    HH_ITEM_COPIED,
    HH_ITEM_EMPTY,
    HH_ITEM_MALFORMED,
    HH_ITEM_WITHDRAWN,
    HH_ITEM_GIVEN_UP
}; // SEMANTICS_ITEMS; SEMANTICS_FAILURES is hh_answer_kind without GOOD
enum { HH_SNAPSHOT_FULL, HH_SNAPSHOT_DELTA, HH_SNAPSHOT_BROKEN }; // SNAPSHOTS
enum { HH_EMBEDDING_IS_VECTOR, HH_EMBEDDING_IS_TOMBSTONE };       // EMBEDDINGS
enum { HH_RELOAD_APPLIED, HH_RELOAD_REFUSED };

#define HH_METRIC_PARTITIONS 4096 // partitions beyond are not shown
#define HH_LIVE_RANKS        20

typedef struct hh_metrics hh_metrics;

hh_metrics *hh_metrics_new(void); // NULL when out of memory
void hh_metrics_free(hh_metrics *metrics);

// cell: 0 where the metric has no label.
void hh_metrics_add(hh_metrics *metrics, hh_metric metric, size_t cell, uint64_t more);
void hh_metrics_set(hh_metrics *metrics, hh_metric metric, size_t cell, double value); // AGE: time in ms
void hh_metrics_unset(hh_metrics *metrics, hh_metric metric, size_t cell); // a partition that is gone
void hh_metrics_observe(hh_metrics *metrics, hh_metric metric, double seconds);
// A click that came after a list was made: its ranks, 1 = first, in what was published, in what the graph
// alone would have listed, and in what was popular at that time; 0: not among the first 20.
void hh_metrics_judge(hh_metrics *metrics, unsigned rank, unsigned graph_rank, unsigned popularity_rank);
void hh_metrics_set_ready(hh_metrics *metrics, bool ready);

// The cell's value now; NaN where it is absent. A HISTOGRAM's is its count.
double hh_metrics_value(hh_metrics *metrics, hh_metric metric, size_t cell);
// Sum of all cells that are there.
double hh_metrics_sum(hh_metrics *metrics, hh_metric metric);
// A HISTOGRAM's quantile (0..1), interpolated within its bucket; NaN when empty.
double hh_metrics_quantile(hh_metrics *metrics, hh_metric metric, double quantile);

// Everything in the Prometheus text format 0.0.4, NUL-terminated; the caller frees it. NULL when out of
// memory.
char *hh_metrics_render(hh_metrics *metrics, size_t *length);
#define HH_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

// ---- the table as data ----

typedef enum hh_metric_kind {
    HH_METRIC_KIND_COUNTER,
    HH_METRIC_KIND_GAUGE,
    HH_METRIC_KIND_AGE,
    HH_METRIC_KIND_HISTOGRAM,
    HH_METRIC_KIND_MADE,
    HH_METRIC_KIND_MADE_TOTAL,
} hh_metric_kind;

typedef struct hh_metric_row {
    const char *name;
    hh_metric_kind kind;
    const char *label;  // "" for none
    const char *values; // separated by |
    const char *help;
} hh_metric_row;

extern const hh_metric_row hh_metric_rows[HH_METRIC_COUNT];
// The label's value of a cell, as it stands in the table ("taken"); *length: its bytes. Not for "partition".
const char *hh_metric_label(hh_metric metric, size_t cell, size_t *length);
const char *hh_metric_type(hh_metric metric); // "counter", "gauge" or "histogram"

#endif
