// The topic of item vectors, as the graph sees it: what hiphopd has made of the items' texts, and what others
// write for the sources that the settings name. Read by the keeper, on its thread, since it alone may write
// the graph. Whatever is of no use is counted, said once a minute, and left out.
#ifndef DAEMON_VECTOR_READER_H
#define DAEMON_VECTOR_READER_H

#include "shared.h"
#include <hiphop/graph.h>
#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>

typedef struct hh_vector_reader hh_vector_reader;

// graph: the keeper's view of it, which must outlive this.
hh_vector_reader *hh_vector_reader_new(hh_shared *shared, hh_reader *graph, hh_error *error);
void hh_vector_reader_free(hh_vector_reader *reader); // may be NULL

// Applies one record: HH_OK, or HH_MEMORY. loading: the clicks that came before it are still to be read, and
// say nothing of an item that was not known then.
hh_status hh_vector_reader_take(hh_vector_reader *reader, const rd_kafka_message_t *record, bool loading);
// For now there are no more: readers of the graph are to see those that were. Wholly, or a part of that,
// about a millisecond; whether more is left.
bool hh_vector_reader_settle(hh_vector_reader *reader, bool wholly);

#endif
