// hiphop watch: recommendations as they come, for people.
#include "command.h"

#include "interrupt.h"
#include "kafka_args.h"
#include "pace.h"
#include "watch_view.h"
#include "wire/kafka.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 10000 // for brokers that do not answer at all

enum {
    BROKERS,
    TOPIC,
    ITEMS,
    ITEMS_TOPIC,
    VISITOR,
    LIMIT,
    TOP,
    FROM_BEGINNING,
    FOLLOW,
    SUMMARY,
    QUIET,
    FORMAT,
    PROPERTY
};

static const cli_option options[] = {
    [BROKERS] = BROKERS_ROW,
    [TOPIC] = {"topic", "NAME", "topic of recommendations (hiphop.recommendations)"},
    [ITEMS] = {"items", "FILE", "titles: JSON lines with id and title"},
    [ITEMS_TOPIC] = {"items-topic", "NAME", "titles from a topic of items"},
    [VISITOR] = {"visitor", "ID", "only what this visitor is offered"},
    [LIMIT] = {"limit", "N", "stop after N lists were shown"},
    [TOP] = {"top", "N", "items shown of a list (5)"},
    [FROM_BEGINNING] = {"from-beginning", NULL, "show what is there, and stop at its end"},
    [FOLLOW] = {"follow", NULL, "wait for more (the default without --from-beginning)"},
    [SUMMARY] = {"summary", NULL, "at the end: how many lists, and how many were right"},
    [QUIET] = {"quiet", NULL, "show no lists: for --summary alone"},
    [FORMAT] = FORMAT_ROW,
    [PROPERTY] = PROPERTY_ROW,
    {0},
};

struct run {
    cli_args *args;
    kafka_args kafka;
    const char *topic, *items, *items_topic, *visitor;
    uint64_t limit, top;
    bool from_beginning, follow, summary, quiet;

    rd_kafka_t *client;
    hh_recommendations_decoder *decoder;
    struct titles *titles;
    struct watch_view *view;
    rd_kafka_topic_partition_list_t *assigned;
    struct part {
        int64_t end;                    // offset of the end when it was assigned
        bool ended;                     // read up to there
    } * parts;                          // [assigned->cnt]
    uint64_t lists, shown, undecodable; // lists: of all visitors
    hh_error error;
};

static bool read_option(struct run *run, int option, const char *value)
{
    cli_args *args = run->args;
    switch (option) {
    case BROKERS:
        run->kafka.brokers = value;
        return true;
    case TOPIC:
        run->topic = value;
        return true;
    case ITEMS:
        run->items = value;
        return true;
    case ITEMS_TOPIC:
        run->items_topic = value;
        return true;
    case VISITOR:
        run->visitor = value;
        return true;
    case LIMIT:
        return cli_count(args, value, 1, UINT64_MAX, &run->limit);
    case TOP:
        return cli_count(args, value, 0, 1000, &run->top);
    case FROM_BEGINNING:
        run->from_beginning = true;
        return true;
    case FOLLOW:
        run->follow = true;
        return true;
    case SUMMARY:
        run->summary = true;
        return true;
    case QUIET:
        run->quiet = true;
        return true;
    case FORMAT:
        return read_format(args, value, &run->kafka);
    case PROPERTY:
        return read_property(args, value, &run->kafka);
    }
    return false;
}

static bool read_options(struct run *run)
{
    const char *value;
    for (int option; (option = cli_next(run->args, &value)) != CLI_END;)
        if (option == CLI_BAD || !read_option(run, option, value))
            return false;
    if (!run->kafka.brokers)
        return cli_usage_error(run->args, "--brokers is needed"), false;
    if (!run->from_beginning)
        run->follow = true;
    return true;
}

// ---- Kafka ----

static hh_status open_client(struct run *run)
{
    const kafka_args *kafka = &run->kafka;
    rd_kafka_conf_t *conf = // reports the end of partitions
        hh_kafka_conf(HH_KAFKA_READER, kafka->brokers, kafka->properties, kafka->property_count, &run->error);
    if (!conf)
        return run->error.status;
    rd_kafka_conf_set_log_cb(conf, NULL); // errors come with the messages
    char reason[256];
    run->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (!run->client) {
        rd_kafka_conf_destroy(conf);
        return hh_fail(&run->error, HH_ARGUMENT, "no Kafka client with these properties: %s", reason);
    }
    rd_kafka_poll_set_consumer(run->client);
    return HH_OK;
}

static rd_kafka_resp_err_t read_partition(struct run *run, const char *topic, int32_t partition, int64_t from)
{
    int64_t begin, end;
    rd_kafka_resp_err_t error = hh_kafka_log_bounds(run->client, topic, partition, &begin, &end, PATIENCE_MS);
    if (error)
        return error;
    int count = run->assigned->cnt;
    struct part *parts = realloc(run->parts, (size_t)(count + 1) * sizeof *parts);
    if (!parts)
        return RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
    run->parts = parts;
    run->parts[count] = (struct part){.end = end, .ended = begin == end};
    rd_kafka_topic_partition_list_add(run->assigned, topic, partition)->offset = from;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

// Adds all partitions of the topic to what is read.
static hh_status read_topic(struct run *run, const char *name, int64_t from)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(run->client, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error =
        topic ? rd_kafka_metadata(run->client, 0, topic, &metadata, PATIENCE_MS) : rd_kafka_last_error();
    if (topic)
        rd_kafka_topic_destroy(topic);
    if (!error)
        error = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    for (int i = 0; !error && i < metadata->topics[0].partition_cnt; i++)
        error = read_partition(run, name, i, from);
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    if (!error)
        error = rd_kafka_assign(run->client, run->assigned);
    if (error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return hh_fail(&run->error, HH_IO, "topic '%s' can't be read: no broker answers at %s", name,
                       run->kafka.brokers);
    interrupt_catch(); // before there is something to show, Ctrl-C just ends it
    if (error)
        return hh_fail(&run->error, HH_IO, "topic '%s' on %s: %s", name, run->kafka.brokers,
                       rd_kafka_err2str(error));
    return HH_OK;
}

static hh_status take_item(struct run *run, const rd_kafka_message_t *message)
{
    char title[512];
    if (!message->key || !message->payload)
        return HH_OK; // a withdrawn item keeps its title: old lists still have it
    if (hh_item_decode(message->payload, message->len, title, sizeof title, NULL) != HH_OK) {
        run->undecodable++;
        return HH_OK;
    }
    hh_status status =
        titles_put(run->titles, (hh_text){message->key, message->key_len}, (hh_text){title, strlen(title)});
    return status == HH_OK ? HH_OK : hh_fail(&run->error, status, NULL);
}

// What is read of each partition, in the order of `assigned`.
static struct part *part_of(struct run *run, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    for (int i = 0; i < run->assigned->cnt; i++)
        if (run->assigned->elems[i].partition == message->partition &&
            strcmp(run->assigned->elems[i].topic, topic) == 0)
            return &run->parts[i];
    return NULL;
}

// Notes how far a partition is read, also for when the assignment is made anew. The end is where it was in
// the beginning: a partition that grows all the time never says that its end is reached.
static void note_position(struct run *run, const rd_kafka_message_t *message)
{
    struct part *part = part_of(run, message);
    if (!part)
        return;
    rd_kafka_topic_partition_t *assigned = &run->assigned->elems[part - run->parts];
    if (!message->err)
        assigned->offset = message->offset + 1;
    part->ended =
        part->ended || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || assigned->offset >= part->end;
}

static bool all_ended(const struct run *run, const char *topic)
{
    for (int i = 0; i < run->assigned->cnt; i++)
        if (!run->parts[i].ended && strcmp(run->assigned->elems[i].topic, topic) == 0)
            return false;
    return true;
}

// All titles that the topic has now, before the first list is shown.
static hh_status read_titles(struct run *run)
{
    hh_status status = read_topic(run, run->items_topic, RD_KAFKA_OFFSET_BEGINNING);
    while (status == HH_OK && !all_ended(run, run->items_topic) && !interrupted()) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(run->client, 200);
        if (!message)
            continue;
        if (!message->err)
            status = take_item(run, message);
        else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF &&
                 message->err != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
            status = hh_fail(&run->error, HH_IO, "%s", rd_kafka_message_errstr(message));
        if (message->rkt)
            note_position(run, message);
        rd_kafka_message_destroy(message);
    }
    return status;
}

static bool is_visitor(const struct run *run, const void *id, size_t length)
{
    return strlen(run->visitor) == length && memcmp(run->visitor, id, length) == 0;
}

static hh_status take_recommendations(struct run *run, const rd_kafka_message_t *message)
{
    hh_recommendations_record record;
    // Lists are keyed by visitor: those of others need not be decoded.
    if (run->visitor && message->key && !is_visitor(run, message->key, message->key_len))
        return HH_OK;
    if (hh_recommendations_decode(run->decoder, message->payload, message->len, &record, &run->error) !=
        HH_OK) {
        if (run->undecodable++ == 0)
            fprintf(stderr, "hiphop watch: '%s' partition %" PRId32 " offset %" PRId64 " is not shown: %s\n",
                    run->topic, message->partition, message->offset, run->error.message);
        return HH_OK;
    }
    run->lists++;
    if (run->visitor && !is_visitor(run, record.visitor.bytes, record.visitor.length))
        return HH_OK;
    hh_status status = watch_view_take(run->view, &record, !run->quiet);
    if (status != HH_OK)
        return hh_fail(&run->error, status, NULL);
    run->shown++;
    if (!run->quiet && run->follow)
        fflush(stdout);
    return HH_OK;
}

static bool done(const struct run *run)
{
    return interrupted() || run->shown >= run->limit || ferror(stdout) ||
           (!run->follow && all_ended(run, run->topic));
}

static hh_status take_message(struct run *run, const rd_kafka_message_t *message)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return strcmp(rd_kafka_topic_name(message->rkt), run->topic) == 0 ? take_recommendations(run, message)
                                                                          : take_item(run, message);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: // librdkafka asks for it, we need no group
        return HH_OK;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
        fprintf(stderr, "hiphop watch: %s; trying again\n", rd_kafka_message_errstr(message));
        return HH_OK;
    default:
        return hh_fail(&run->error, HH_IO, "%s", rd_kafka_message_errstr(message));
    }
}

static hh_status watch_lists(struct run *run)
{
    uint64_t before = run->undecodable;
    hh_status status =
        read_topic(run, run->topic, run->from_beginning ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END);
    while (status == HH_OK && !done(run)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(run->client, 100);
        if (!message)
            continue;
        status = take_message(run, message);
        if (message->rkt)
            note_position(run, message);
        rd_kafka_message_destroy(message);
    }
    if (status == HH_OK && run->lists == 0 && run->undecodable > before)
        status = hh_fail(&run->error, HH_ARGUMENT,
                         "no record of '%s' holds a list: see to --topic, and to --format (json or avro)",
                         run->topic);
    return status;
}

// ---- the run ----

static bool wants_colours(void)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && no[0]) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static hh_status open_view(struct run *run)
{
    if (!(run->titles = titles_new()))
        return hh_fail(&run->error, HH_MEMORY, NULL);
    hh_status status = run->items ? titles_read_file(run->titles, run->items, &run->error) : HH_OK;
    if (status != HH_OK)
        return status;
    watch_options view = {stdout, run->titles, wants_colours(), (uint32_t)run->top};
    run->view = watch_view_new(&view);
    run->assigned = rd_kafka_topic_partition_list_new(16);
    run->decoder = hh_recommendations_decoder_new(run->kafka.format, &run->error);
    if (!run->view || !run->assigned)
        return hh_fail(&run->error, HH_MEMORY, NULL);
    return run->decoder ? HH_OK : run->error.status;
}

static hh_status watch(struct run *run)
{
    hh_status status = open_view(run);
    if (status == HH_OK)
        status = open_client(run);
    if (status == HH_OK && run->items_topic)
        status = read_titles(run);
    if (status == HH_OK)
        status = watch_lists(run);
    if (run->summary && run->view) {
        watch_totals totals = watch_view_count(run->view);
        watch_print_totals(&totals, stdout);
    }
    if (run->undecodable > 0)
        fprintf(stderr, "hiphop watch: %" PRIu64 " records could not be read\n", run->undecodable);
    if (run->client) {
        rd_kafka_consumer_close(run->client);
        rd_kafka_destroy(run->client);
    }
    if (run->assigned)
        rd_kafka_topic_partition_list_destroy(run->assigned);
    free(run->parts);
    hh_recommendations_decoder_free(run->decoder);
    watch_view_free(run->view);
    titles_free(run->titles);
    return status;
}

static int run_watch(cli_args *args)
{
    struct run run = {.args = args, .topic = "hiphop.recommendations", .limit = UINT64_MAX, .top = 5};
    if (!read_options(&run))
        return CLI_USAGE;
    return watch(&run) == HH_OK ? CLI_OK : cli_failure(args, "%s", run.error.message);
}

const cli_command cli_watch = {
    .name = "watch",
    .summary = "recommendations as they come, with titles and reasons",
    .options = options,
    .notes = "✓ says that the session's list before had the item that was clicked now, and at which rank.\n"
             "Colours only on a terminal, and not with NO_COLOR. Ctrl-C ends it.\n\n"
             "Example:\n"
             "  hiphop watch --brokers localhost:9092 --items-topic items",
    .run = run_watch,
};
