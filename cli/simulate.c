// hiphop simulate: the shop of shop.h, into Kafka at a given rate, or into a click file.
#include "command.h"

#include "interrupt.h"
#include "kafka_args.h"
#include "output_file.h"
#include "pace.h"
#include "sender.h"
#include "shop.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    BROKERS,
    TOPIC,
    ITEMS_TOPIC,
    FORMAT,
    PROPERTY,
    OUT,
    ITEMS_OUT,
    RATE,
    SPEED,
    LIMIT,
    SEED,
    ITEMS,
    VISITORS,
    START,
    TURNOVER,
    DRIFT,
    BOTS,
    DISORDER,
    LATE,
    DUPLICATES,
    MALFORMED,
    FAULTS,
    BEST,
    QUIET,
};

static const cli_option options[] = {
    [BROKERS] = {"brokers", "HOST:PORT,...", "send to Kafka; without it, write a click file"},
    [TOPIC] = {"topic", "NAME", "topic of clicks, made where it is missing (clicks)"},
    [ITEMS_TOPIC] = {"items-topic", "NAME", "also send titles and categories there, and withdrawals"},
    [FORMAT] = FORMAT_ROW,
    [PROPERTY] = PROPERTY_ROW,
    [OUT] = {"out", "FILE", "the click file; .gz is compressed; - is standard output (-)"},
    [ITEMS_OUT] = {"items-out", "FILE", "items as JSON lines: id, title, category"},
    [RATE] = {"rate", "N",
              "clicks per second of the clock (100); 0: as fast as possible,\nwith 100 in a second of event "
              "time. A file is always written as\nfast as possible: there they are per second of event time"},
    [SPEED] = {"speed", "X", "event time runs so much faster than the clock (1)"},
    [LIMIT] = {"limit", "N", "stop after so many records; else it never ends"},
    [SEED] = {"seed", "N", "another number, another shop (1)"},
    [ITEMS] = {"items", "N", "items on sale, from 20 (2000)"},
    [VISITORS] = {"visitors", "N", "visitors who come again (10000); others come once"},
    [START] =
        {"start", "TIME",
         "event time of the first click: now, Unix ms or ISO 8601\n(Kafka: so that it ends by now, or begins "
         "now where it has no end;\nfile: 2026-01-01, so that the same seed gives the same bytes)"},
    [TURNOVER] = {"turnover", "SHARE", "of the items, replaced by new ones per day (0.05)"},
    [DRIFT] = {"drift", "SHARE", "of the ranks of popularity, changing hands per day (0.5)"},
    [BOTS] = {"bots", "SHARE", "of the clicks, made by one bot (0)"},
    [DISORDER] = {"disorder", "SHARE", "of the clicks, arriving up to 5 s late (0)"},
    [LATE] = {"late", "SHARE", "of the clicks, arriving 1 to 30 minutes late (0)"},
    [DUPLICATES] = {"duplicates", "SHARE", "of the clicks, arriving twice (0)"},
    [MALFORMED] = {"malformed", "SHARE", "so many records more that are no clicks (0)"},
    [FAULTS] =
        {"faults", NULL,
         "a bit of everything: bots 0.02, disorder 0.02, late 0.002,\nduplicates 0.002, malformed 0.001"},
    [BEST] = {"best", NULL, "work out how good the best possible recommender is here"},
    [QUIET] = {"quiet", NULL, "neither progress nor summary"},
    {0},
};

struct run {
    cli_args *args;
    shop_options shop;
    kafka_args kafka; // no brokers: into files
    const char *topic, *items_topic, *out, *items_out;
    double rate, speed;
    uint64_t limit; // UINT64_MAX: none
    bool start_given, quiet;

    // where it goes: Kafka, or files
    struct sender *sender;
    int clicks, items; // topics
    hh_encoder *encoder;
    gzFile click_file, item_file;

    // what was done
    uint64_t records, sessions, graded, hits;
    double reciprocal; // sum of 1/rank up to 20
    hh_time first, newest;
    hh_error error;
};

// ---- options ----

static bool read_option(struct run *run, int option, const char *value)
{
    cli_args *args = run->args;
    shop_options *shop = &run->shop;
    uint64_t count = 0;
    bool good = true;
    switch (option) {
    case BROKERS:
        run->kafka.brokers = value;
        break;
    case TOPIC:
        run->topic = value;
        break;
    case ITEMS_TOPIC:
        run->items_topic = value;
        break;
    case OUT:
        run->out = value;
        break;
    case ITEMS_OUT:
        run->items_out = value;
        break;
    case FORMAT:
        return read_format(args, value, &run->kafka);
    case PROPERTY:
        return read_property(args, value, &run->kafka);
    case RATE:
        return cli_number(args, value, 0, 1e7, &run->rate);
    case SPEED:
        return cli_number(args, value, 1e-3, 1e6, &run->speed);
    case LIMIT:
        return cli_count(args, value, 1, UINT64_MAX - 1, &run->limit);
    case SEED:
        return cli_count(args, value, 0, UINT64_MAX, &shop->seed);
    case ITEMS:
        good = cli_count(args, value, 20, 1000000, &count);
        shop->items = (uint32_t)count;
        break;
    case VISITORS:
        good = cli_count(args, value, 0, 100000000, &count);
        shop->visitors = (uint32_t)count;
        break;
    case START:
        run->start_given = true;
        if (!parse_moment(value, &shop->start))
            return cli_usage_error(
                       args,
                       "--start: '%s' is not a time; write now, Unix milliseconds or 2026-01-31T10:00:00",
                       value),
                   false;
        break;
    case TURNOVER:
        return cli_number(args, value, 0, 1e4, &shop->turnover);
    case DRIFT:
        return cli_number(args, value, 0, 1e4, &shop->drift);
    case BOTS:
        return cli_number(args, value, 0, 0.9, &shop->bots);
    case DISORDER:
        return cli_number(args, value, 0, 1, &shop->disorder);
    case LATE:
        return cli_number(args, value, 0, 1, &shop->late);
    case DUPLICATES:
        return cli_number(args, value, 0, 1, &shop->duplicates);
    case MALFORMED:
        return cli_number(args, value, 0, 1, &shop->malformed);
    case FAULTS:
        shop->bots = shop->disorder = 0.02;
        shop->late = shop->duplicates = 0.002;
        shop->malformed = 0.001;
        break;
    case BEST:
        shop->best = true;
        break;
    case QUIET:
        run->quiet = true;
        break;
    }
    return good;
}

static bool read_options(struct run *run)
{
    const char *value;
    for (int option; (option = cli_next(run->args, &value)) != CLI_END;)
        if (option == CLI_BAD || !read_option(run, option, value))
            return false;
    if (run->kafka.brokers && (run->out || run->items_out))
        return cli_usage_error(run->args,
                               "--brokers sends to Kafka, --out and --items-out write files: choose one"),
               false;
    if (!run->kafka.brokers && (run->topic || run->items_topic))
        return cli_usage_error(run->args, "%s needs --brokers", run->topic ? "--topic" : "--items-topic"),
               false;
    run->topic = run->topic ? run->topic : "clicks";
    return true;
}

// Event time begins so that it does not run ahead of the clock, which hiphopd would take for broken clocks,
// and behind which the clicks of a next run would be late. How far so many records reach varies, the more the
// fewer there are.
static void choose_start(struct run *run)
{
    run->shop.density = run->rate > 0 ? run->rate / run->speed : 100;
    if (run->start_given)
        return;
    run->shop.start = 1767225600000; // 2026-01-01
    if (!run->kafka.brokers)
        return;
    run->shop.start = wall_now();
    double ahead = run->rate > 0 ? 1 - 1 / run->speed : 1; // by which share of the event time
    if (run->limit != UINT64_MAX && ahead > 0)
        run->shop.start -=
            (hh_time)(ahead * 1000 * ((double)run->limit + 5 * sqrt((double)run->limit)) / run->shop.density);
    else if (ahead > 0 && !run->quiet)
        fprintf(stderr,
                "hiphop simulate: event time will run ahead of the clock; hiphopd refuses clicks of the "
                "far future. --start takes another beginning.\n");
}

// ---- where it goes ----

static gzFile open_file(const char *path, hh_error *error)
{
    size_t length = strlen(path);
    bool compressed = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    const char *mode = compressed ? "wb6" : "wbT";
    gzFile file = strcmp(path, "-") == 0 ? gzdopen(dup(STDOUT_FILENO), mode) : gzopen(path, mode);
    if (!file)
        hh_fail(error, HH_IO, "'%s' can't be written: %s", path, strerror(errno));
    else
        gzbuffer(file, 1 << 18);
    return file;
}

static hh_status put_line(gzFile file, const char *line, int length, hh_error *error)
{
    return gzwrite(file, line, (unsigned)length) == length
               ? HH_OK
               : hh_fail(error, HH_IO, "writing failed: %s", strerror(errno));
}

static hh_status close_file(gzFile file, hh_error *error)
{
    if (file && gzclose(file) != Z_OK)
        return hh_fail(error, HH_IO, "writing failed: %s", strerror(errno));
    return HH_OK;
}

static hh_status open_output(struct run *run)
{
    hh_error *error = &run->error;
    if (!run->kafka.brokers) {
        static const char header[] = "visitor\titem\tunix_ms\n";
        const char *out = run->out ? run->out : "-";
        if (!(run->click_file = open_file(out, error)))
            return HH_IO;
        // What goes to a device mixes without harm.
        if (run->items_out && (strcmp(out, run->items_out) == 0 || cli_same_file(out, run->items_out)))
            return hh_fail(error, HH_ARGUMENT,
                           "clicks and items would both go to '%s': --out and --items-out "
                           "must be two files",
                           out);
        if (run->items_out && !(run->item_file = open_file(run->items_out, error)))
            return HH_IO;
        return put_line(run->click_file, header, (int)sizeof header - 1, error);
    }
    if (!(run->encoder = hh_encoder_new(run->kafka.format, error)))
        return error->status;
    hh_status status =
        sender_new(run->kafka.brokers, run->kafka.properties, run->kafka.property_count, &run->sender, error);
    if (status == HH_OK)
        status = sender_topic(run->sender, run->topic, 0, "delete", &run->clicks, error);
    if (status == HH_OK && run->items_topic)
        status = sender_topic(run->sender, run->items_topic, 0, "compact", &run->items, error);
    return status;
}

static hh_status put_item(struct run *run, const shop_event *event)
{
    char line[256];
    int length = snprintf(line, sizeof line, "{\"id\":\"%s\",\"title\":\"%s\",\"category\":\"%s\"}\n",
                          event->item, event->title, event->category ? event->category : "");
    if (run->item_file && event->kind == SHOP_LAUNCH)
        return put_line(run->item_file, line, length, &run->error);
    if (!run->items_topic)
        return HH_OK;
    bool withdrawn = event->kind == SHOP_WITHDRAW;
    return sender_put(run->sender, run->items, event->item, strlen(event->item), withdrawn ? NULL : line,
                      withdrawn ? 0 : (size_t)length - 1, event->time, &run->error);
}

static hh_status put_click(struct run *run, const shop_event *event)
{
    hh_text visitor = {event->visitor, strlen(event->visitor)}, bytes;
    bool malformed = event->kind == SHOP_MALFORMED;
    if (!run->sender) {
        char line[256];
        int length = malformed ? snprintf(line, sizeof line, "%s\n", event->bytes)
                               : snprintf(line, sizeof line, "%s\t%s\t%lld\n", event->visitor, event->item,
                                          (long long)event->time);
        return put_line(run->click_file, line, length, &run->error);
    }
    hh_click click = {visitor, {event->item, strlen(event->item)}, event->time};
    if (malformed)
        bytes = (hh_text){event->bytes, strlen(event->bytes)};
    else if (hh_encode_click(run->encoder, &click, &bytes) != HH_OK)
        return hh_fail(&run->error, HH_MEMORY, NULL);
    return sender_put(run->sender, run->clicks, visitor.bytes, visitor.length, bytes.bytes, bytes.length,
                      event->time, &run->error);
}

// ---- the run ----

static void count(struct run *run, const shop_event *event)
{
    run->records++;
    if (event->kind != SHOP_CLICK)
        return;
    if (event->time > run->newest)
        run->newest = event->time;
    run->sessions += event->session > 0 && event->position == 1 && event->fault != SHOP_DUPLICATE;
    if (event->best_rank == 0)
        return;
    run->graded++;
    run->hits += event->best_rank <= 20;
    run->reciprocal += event->best_rank <= 20 ? 1.0 / event->best_rank : 0;
}

// Waits until the event is due, by event time against the clock.
static hh_status wait_for(struct run *run, const shop_event *event, double begun)
{
    if (!run->sender || run->rate == 0)
        return HH_OK;
    double due = begun + (double)(event->arrival - run->shop.start) / 1000 / run->speed;
    for (double wait; (wait = due - steady_now()) > 0.001 && !interrupted();) {
        hh_status status = sender_serve(run->sender, wait < 0.1 ? (int)(wait * 1000) : 100, &run->error);
        if (status != HH_OK)
            return status;
    }
    return HH_OK;
}

static hh_status run_shop(struct run *run, struct shop *shop, struct progress *progress)
{
    double begun = steady_now();
    while (run->records < run->limit && !interrupted()) {
        shop_event event;
        hh_status status = shop_next(shop, &event);
        if (status != HH_OK)
            return hh_fail(&run->error, status, NULL);
        if ((status = wait_for(run, &event, begun)) != HH_OK)
            return status;
        if (interrupted())
            break;
        bool click = event.kind == SHOP_CLICK || event.kind == SHOP_MALFORMED;
        status = click ? put_click(run, &event) : put_item(run, &event);
        if (status != HH_OK)
            return status;
        if (click)
            count(run, &event);
        if (run->records % 64 == 0 || run->rate > 0)
            progress_show(progress, run->limit == UINT64_MAX ? -1 : (double)run->records / (double)run->limit,
                          run->records, run->newest);
    }
    return HH_OK;
}

static void print_summary(const struct run *run, double seconds)
{
    char records[GROUPED_SIZE], sessions[GROUPED_SIZE], rate[GROUPED_SIZE], from[MOMENT_SIZE],
        to[MOMENT_SIZE];
    fprintf(stderr, "simulated %s records, %s sessions begun, %s to %s, in %.1f s (%s/s)\n",
            grouped(run->records, records), grouped(run->sessions, sessions), moment(run->shop.start, from),
            moment(run->newest, to), seconds, grouped((uint64_t)((double)run->records / seconds), rate));
    if (run->sender) {
        sender_counts counts = sender_count(run->sender);
        fprintf(stderr, "acknowledged: %s of %s\n", grouped(counts.acknowledged, records),
                grouped(counts.sent, sessions));
    }
    if (run->graded > 0)
        fprintf(stderr, "the best possible: HR@20 %.1f %%, MRR@20 %.1f %%, over %s clicks after the first\n",
                100 * (double)run->hits / (double)run->graded, 100 * run->reciprocal / (double)run->graded,
                grouped(run->graded, records));
}

static hh_status simulate(struct run *run)
{
    struct shop *shop;
    hh_status status = shop_new(&run->shop, &shop, &run->error);
    if (status != HH_OK)
        return status;
    struct progress progress;
    progress_begin(&progress, "clicks", run->quiet);
    status = open_output(run);
    if (status == HH_OK) {
        interrupt_catch();
        status = run_shop(run, shop, &progress);
        if (status == HH_LIMIT) // interrupted while waiting for the brokers
            status = HH_OK;
    }
    hh_error later;
    if (run->sender && status == HH_OK)
        status = sender_finish(run->sender, 60000, &run->error);
    if (close_file(run->click_file, &later) != HH_OK && status == HH_OK)
        status = hh_fail(&run->error, HH_IO, "%s", later.message);
    if (close_file(run->item_file, &later) != HH_OK && status == HH_OK)
        status = hh_fail(&run->error, HH_IO, "%s", later.message);
    progress_end(&progress);
    if (run->records > 0 && !run->quiet)
        print_summary(run, progress_seconds(&progress));
    sender_free(run->sender);
    hh_encoder_free(run->encoder);
    shop_free(shop);
    return status;
}

static int run_simulate(cli_args *args)
{
    struct run run = {.args = args, .shop = shop_defaults(), .rate = 100, .speed = 1, .limit = UINT64_MAX};
    if (!read_options(&run))
        return CLI_USAGE;
    choose_start(&run);
    hh_status status = simulate(&run);
    if (status == HH_ARGUMENT)
        return cli_usage_error(args, "%s", run.error.message);
    return status == HH_OK ? CLI_OK : cli_failure(args, "%s", run.error.message);
}

const cli_command cli_simulate = {
    .name = "simulate",
    .summary = "an endless synthetic shop, into Kafka or a click file",
    .options = options,
    .notes = "Visitors come with intents, which decide what goes with what; popularity drifts, items come "
             "and go. What\n"
             "the best possible recommender would reach is known (--best), so the stream can test one. "
             "Ctrl-C ends it\n"
             "in good order.\n\n"
             "Examples:\n"
             "  hiphop simulate --brokers localhost:9092 --rate 1000 --items-topic items --faults\n"
             "  hiphop simulate --limit 500000 --out clicks.tsv.gz --items-out items.jsonl --best",
    .run = run_simulate,
};
