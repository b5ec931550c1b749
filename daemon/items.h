// The topic of items: a record says that an item is there, a tombstone that it is withdrawn and must never be
// recommended. Read by the keeper, on its thread, since it alone may write the graph.
#ifndef DAEMON_ITEMS_H
#define DAEMON_ITEMS_H

#include <hiphop/graph.h>
#include <hiphop/status.h>
#include <librdkafka/rdkafka.h>

// Applies one record. Items of the catalogue that nobody has clicked take no room in the graph, withdrawn
// ones do, so that a click that comes later doesn't bring one back.
hh_status hh_items_take(hh_graph *graph, hh_reader *reader, const rd_kafka_message_t *record);

#endif
