// What the settings name outside of themselves: the topics as they must be, and the schema of the clicks.
// Used at start and by --check, so that both see the same.
#ifndef DAEMON_INPUTS_H
#define DAEMON_INPUTS_H

#include "options.h"
#include "wire/kafka.h"
#include "wire/records.h"
#include <hiphop/graph.h>

#define HH_TOPICS 9

// The topics that these settings read and write; returns how many. Names are the config's.
size_t hh_topics_needed(const hh_config *config, hh_kafka_topic topics[HH_TOPICS]);

// Whether withdrawals would be forgotten before the clicks are that bring a withdrawn item back, by what
// hh_kafka_topics() said of these topics; then with a sentence of what to do about it.
bool hh_withdrawals_fade(const hh_config *config, const hh_kafka_topic *topics, size_t count, char *sentence,
                         size_t size);

// clicks.fields and clicks.timestamp_unit as decoders take them. Names are the config's.
hh_click_fields hh_click_fields_of(const hh_config *config);

// Whether vectors of items are read, and whether they are made here of the items' texts.
bool hh_vectors_read(const hh_config *config);
bool hh_vectors_made(const hh_config *config);
// Whether this instance may be the one that trains.
bool hh_trains(const hh_config *config);
// Whether this instance publishes item vectors while it trains.
bool hh_embeddings_made(const hh_config *config);

// The sources of vectors that are read, the one that is made here first; the place is the number of the
// source in the graph. Returns how many; 0 with *error filled where semantics.sources is wrong. Names are the
// config's.
typedef struct hh_vector_source {
    hh_text name;
    uint32_t width; // 0: what the first vector has
    bool own;       // made here
} hh_vector_source;
size_t hh_vector_sources(const hh_config *config, hh_vector_source sources[HH_DESCRIPTIONS], hh_error *error);
// Their names, by the numbers of the sources in the graph; 0: no vectors are read.
uint32_t hh_vector_names(const hh_config *config, hh_text names[HH_DESCRIPTIONS]);

// The text of clicks.schema; the caller frees it. *text is NULL, and all is well, where clicks are JSON.
hh_status hh_click_schema(const hh_config *config, char **text, hh_error *error);
// The text of items.schema, likewise.
hh_status hh_item_schema(const hh_config *config, char **text, hh_error *error);

#endif
