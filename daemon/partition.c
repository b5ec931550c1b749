// One partition of the clicks: restoring, and what is committed of it.
#include "partition.h"

#include "worker.h"
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MARK "h1 "

hh_partition *hh_partition_new(hh_worker *worker, int32_t number)
{
    hh_partition *partition = calloc(1, sizeof *partition);
    if (!partition)
        return NULL;
    partition->worker = worker;
    partition->number = number;
    return partition;
}

static void forget(hh_partition *partition)
{
    hh_sessionizer_free(partition->sessionizer, hh_worker_release);
    partition->sessionizer = NULL;
}

void hh_partition_free(hh_partition *partition)
{
    if (!partition)
        return;
    forget(partition);
    free(partition);
}

const char *hh_metadata_parse(const char *text, hh_time *written)
{
    char *end;
    size_t mark = sizeof METADATA_MARK - 1;
    if (!text)
        return "";
    if (strncmp(text, METADATA_MARK, mark) != 0 || text[mark] < '0' || text[mark] > '9')
        return text;
    long long time = strtoll(text + mark, &end, 10);
    if (*end != ' ')
        return text;
    *written = time;
    return end + 1;
}

hh_status hh_partition_metadata(hh_partition *partition, hh_time now, char text[HH_METADATA_SIZE])
{
    int mark = snprintf(text, HH_METADATA_SIZE, METADATA_MARK "%lld ", (long long)(now > 0 ? now : 0));
    hh_status status = hh_sessionizer_checkpoint(partition->sessionizer, partition->position, text + mark,
                                                 HH_METADATA_SIZE - (size_t)mark);
    if (status == HH_LIMIT) // the longest possible one: it matters more than the time
        status =
            hh_sessionizer_checkpoint(partition->sessionizer, partition->position, text, HH_METADATA_SIZE);
    return status;
}

static hh_status begin(hh_partition *partition, hh_error *error)
{
    forget(partition);
    hh_sessionizer_options options = partition->worker->shared->config->session;
    options.seed = partition->worker->seed;
    partition->sessionizer = hh_sessionizer_new(&options, hh_worker_session, partition, error);
    return partition->sessionizer ? HH_OK : error->status;
}

hh_status hh_partition_restore(hh_partition *partition, int64_t position, const char *metadata, hh_time now,
                               hh_error *error)
{
    hh_time written = now;
    partition->moved = partition->at_end = false;
    partition->position = position;
    hh_status status = begin(partition, error);
    if (status)
        return status;
    const char *checkpoint = hh_metadata_parse(metadata, &written);
    status = hh_sessionizer_restore(partition->sessionizer, checkpoint, position, &partition->next, error);
    hh_age_begin(&partition->age, position, written);
    if (status == HH_MEMORY)
        return status;
    if (status) {
        // Somebody has moved the group with Kafka's own tools: what was open is gone, and that is what he
        // wants.
        HH_LOG(partition->worker->shared->log, HH_LOG_WARNING,
               "committed metadata can't be used, sessions begin anew at the committed position",
               HH_NUMBER("partition", partition->number), HH_NUMBER("position", position),
               HH_TEXT("reason", error->message));
        status = begin(partition, error);
        if (status == HH_OK)
            status = hh_sessionizer_restore(partition->sessionizer, "", position, &partition->next, error);
    }
    return status;
}
