// Withdrawals out of the topic of items.
#include "items.h"

#include "wire/records.h"

hh_status hh_items_take(hh_graph *graph, hh_reader *reader, const rd_kafka_message_t *record)
{
    if (record->err || !record->key || record->key_len == 0 || record->key_len > HH_ID_MAX)
        return HH_OK;
    bool withdrawn = record->len == 0;
    hh_item item = withdrawn ? hh_graph_intern(graph, record->key, record->key_len)
                             : hh_graph_find(reader, record->key, record->key_len);
    if (item == HH_ITEM_NONE)
        return withdrawn ? HH_MEMORY : HH_OK;
    return hh_graph_withdraw(graph, item, withdrawn);
}
