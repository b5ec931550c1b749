// The options that every command with Kafka has.
#ifndef CLI_KAFKA_ARGS_H
#define CLI_KAFKA_ARGS_H

#include "command.h"
#include "wire/records.h"

#define MOST_PROPERTIES 64

typedef struct kafka_args {
    const char *brokers; // NULL: not given
    const char *properties[MOST_PROPERTIES];
    size_t property_count;
    hh_format format;
} kafka_args;

// The rows of the option table, and what to do with their values; false: it was wrong, and that has been
// said.
#define BROKERS_ROW                                     \
    {                                                   \
        "brokers", "HOST:PORT,...", "the Kafka cluster" \
    }
#define FORMAT_ROW                                                                                \
    {                                                                                             \
        "format", "json|avro", "how records are written in Kafka (json); avro: bare, by schemas/" \
    }
#define PROPERTY_ROW                                                                                \
    {                                                                                               \
        "property", "KEY=VALUE", "a property for the Kafka client (librdkafka's names); repeatable" \
    }
bool read_format(cli_args *args, const char *value, kafka_args *kafka);
bool read_property(cli_args *args, const char *value, kafka_args *kafka);

#endif
