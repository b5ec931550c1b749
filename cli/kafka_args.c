#include "kafka_args.h"

#include <string.h>

bool read_format(cli_args *args, const char *value, kafka_args *kafka)
{
    if (strcmp(value, "json") == 0)
        kafka->format = HH_FORMAT_JSON;
    else if (strcmp(value, "avro") == 0)
        kafka->format = HH_FORMAT_AVRO;
    else
        return cli_usage_error(args, "--format: '%s' is neither json nor avro", value), false;
    return true;
}

bool read_property(cli_args *args, const char *value, kafka_args *kafka)
{
    if (kafka->property_count == MOST_PROPERTIES)
        return cli_usage_error(args, "more than %d properties", MOST_PROPERTIES), false;
    kafka->properties[kafka->property_count++] = value;
    return true;
}
