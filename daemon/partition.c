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

// The session rules that a replay must share with the run that it repeats.
static void spell_rules(const hh_partition *partition, char text[HH_RULES_SIZE])
{
    const hh_sessionizer_options *session = &partition->worker->shared->config->session;
    snprintf(text, HH_RULES_SIZE, "%lld,%lld,%lld,%lu", (long long)session->gap, (long long)session->lateness,
             (long long)session->max_duration, (unsigned long)session->max_clicks);
}

const char *hh_metadata_parse(const char *text, hh_time *written, char rules[HH_RULES_SIZE])
{
    char *end;
    size_t mark = sizeof METADATA_MARK - 1;
    *rules = '\0';
    if (!text)
        return "";
    if (strncmp(text, METADATA_MARK, mark) != 0 || text[mark] < '0' || text[mark] > '9')
        return text;
    long long time = strtoll(text + mark, &end, 10);
    if (*end != ' ')
        return text;
    *written = time;
    const char *checkpoint = end + 1;
    size_t length = strspn(checkpoint, "0123456789,");
    if (length == 0 || length >= HH_RULES_SIZE || checkpoint[length] != ' ')
        return checkpoint; // written before rules were
    memcpy(rules, checkpoint, length);
    rules[length] = '\0';
    return checkpoint + length + 1;
}

hh_status hh_partition_metadata(hh_partition *partition, hh_time now, char text[HH_METADATA_SIZE])
{
    char rules[HH_RULES_SIZE];
    spell_rules(partition, rules);
    int mark =
        snprintf(text, HH_METADATA_SIZE, METADATA_MARK "%lld %s ", (long long)(now > 0 ? now : 0), rules);
    hh_status status = hh_sessionizer_checkpoint(partition->sessionizer, partition->position, text + mark,
                                                 HH_METADATA_SIZE - (size_t)mark);
    if (status == HH_LIMIT) // the longest possible one: it matters more than time and rules
        status =
            hh_sessionizer_checkpoint(partition->sessionizer, partition->position, text, HH_METADATA_SIZE);
    return status;
}

static void compare_rules(const hh_partition *partition, const char *committed)
{
    char rules[HH_RULES_SIZE];
    spell_rules(partition, rules);
    if (!*committed || strcmp(committed, rules) == 0)
        return;
    HH_LOG(partition->worker->shared->log, HH_LOG_WARNING,
           "session.gap, lateness, max_duration or max_clicks has changed: sessions that were open may be "
           "missing from what is published, or be there in two pieces",
           HH_NUMBER("partition", partition->number), HH_TEXT("committed", committed), HH_TEXT("now", rules));
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
    char rules[HH_RULES_SIZE];
    partition->moved = partition->at_end = false;
    partition->position = position;
    hh_status status = begin(partition, error);
    if (status)
        return status;
    const char *checkpoint = hh_metadata_parse(metadata, &written, rules);
    status = hh_sessionizer_restore(partition->sessionizer, checkpoint, position, &partition->next, error);
    hh_age_begin(&partition->age, position, written);
    if (status == HH_MEMORY)
        return status;
    if (status == HH_OK && partition->next < position)
        compare_rules(partition, rules);
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
