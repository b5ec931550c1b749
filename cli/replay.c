// hiphop replay: a click file into a topic, as fast as the brokers take it or in the tempo of its own event
// times.
#include "command.h"

#include "interrupt.h"
#include "item_file.h"
#include "kafka_args.h"
#include "pace.h"
#include "sender.h"
#include "wire/utf8.h"

#include <hiphop/click_file.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    CLICKS,
    BROKERS,
    TOPIC,
    PARTITIONS,
    FORMAT,
    PROPERTY,
    ITEMS,
    ITEMS_TOPIC,
    SPEED,
    MAX,
    SHIFT,
    LIMIT,
    QUIET
};

static const cli_option options[] = {
    [CLICKS] = {"clicks", "FILE", "visitor, item, unix_ms with a header line; .gz too;\n- is standard input"},
    [BROKERS] = BROKERS_ROW,
    [TOPIC] = {"topic", "NAME", "topic of clicks, made where it is missing (clicks)"},
    [PARTITIONS] = {"partitions", "N", "of a topic that is made (as the brokers like)"},
    [FORMAT] = FORMAT_ROW,
    [PROPERTY] = PROPERTY_ROW,
    [ITEMS] = {"items", "FILE", "first send these items: JSON lines with id and title"},
    [ITEMS_TOPIC] = {"items-topic", "NAME", "topic of the items (items)"},
    [SPEED] = {"speed", "X", "X times as fast as it happened; 1: in its own tempo"},
    [MAX] = {"max", NULL, "as fast as the brokers take it (the default)"},
    [SHIFT] = {"shift-to-now", NULL,
               "move all event times so that none is ever ahead of the clock\nand the last click comes just "
               "now; else they are kept"},
    [LIMIT] = {"limit", "N", "only the first N clicks"},
    [QUIET] = {"quiet", NULL, "neither progress nor summary"},
    {0},
};

struct run {
    cli_args *args;
    kafka_args kafka;
    const char *clicks, *topic, *items, *items_topic;
    uint64_t partitions, limit;
    double speed; // INFINITY: as fast as possible
    bool shift_to_now, quiet;

    struct sender *sender;
    hh_encoder *encoder;
    int click_topic, item_topic;
    hh_time shift;                      // added to event times
    hh_time first, oldest, newest;      // of the file, unshifted; first: of its first click
    uint64_t sent, item_count, skipped; // skipped: lines that are no clicks
    hh_error first_skipped;
    bool cut_short; // by Ctrl-C
    hh_error error;
};

static bool read_option(struct run *run, int option, const char *value)
{
    cli_args *args = run->args;
    switch (option) {
    case CLICKS:
        run->clicks = value;
        return true;
    case BROKERS:
        run->kafka.brokers = value;
        return true;
    case TOPIC:
        run->topic = value;
        return true;
    case PARTITIONS:
        return cli_count(args, value, 1, 10000, &run->partitions);
    case FORMAT:
        return read_format(args, value, &run->kafka);
    case PROPERTY:
        return read_property(args, value, &run->kafka);
    case ITEMS:
        run->items = value;
        return true;
    case ITEMS_TOPIC:
        run->items_topic = value;
        return true;
    case SPEED:
        return cli_number(args, value, 1e-3, 1e9, &run->speed);
    case MAX:
        run->speed = INFINITY;
        return true;
    case SHIFT:
        run->shift_to_now = true;
        return true;
    case LIMIT:
        return cli_count(args, value, 1, UINT64_MAX, &run->limit);
    case QUIET:
        run->quiet = true;
        return true;
    }
    return false;
}

static bool read_options(struct run *run)
{
    const char *value;
    for (int option; (option = cli_next(run->args, &value)) != CLI_END;)
        if (option == CLI_BAD || !read_option(run, option, value))
            return false;
    if (!run->clicks || !run->kafka.brokers)
        return cli_usage_error(run->args, "%s is needed", run->clicks ? "--brokers" : "--clicks"), false;
    if (run->shift_to_now && strcmp(run->clicks, "-") == 0 && run->speed != 1)
        return cli_usage_error(run->args,
                               "--shift-to-now must know the last click's time; from standard input it "
                               "goes with --speed 1 only"),
               false;
    return true;
}

// The next line that is a click; others are counted, and the first of them remembered.
static hh_status next_click(struct run *run, hh_click_file *file, hh_click_row *row, bool *end)
{
    for (;;) {
        hh_status status = hh_click_file_next(file, row, end, &run->error);
        if (status == HH_OK && !*end &&
            !(hh_utf8_valid(row->visitor, row->visitor_length) && hh_utf8_valid(row->item, row->item_length)))
            status = hh_fail(&run->error, HH_FORMAT, "%s, line %" PRIu64 ": an id is not valid UTF-8",
                             run->clicks, row->line);
        if (status != HH_FORMAT)
            return status;
        if (run->skipped++ == 0)
            run->first_skipped = run->error;
    }
}

// ---- shifting ----

// The first and the largest event time of what will be sent.
static hh_status find_span(struct run *run, hh_time *first, hh_time *last)
{
    hh_click_file *file = hh_click_file_open(run->clicks, &run->error);
    if (!file)
        return run->error.status;
    hh_status status = HH_OK;
    bool end = false;
    *first = *last = HH_TIME_MIN;
    for (uint64_t n = 0; n < run->limit && !end && status == HH_OK; n++) {
        hh_click_row row;
        status = next_click(run, file, &row, &end);
        if (status != HH_OK || end)
            break;
        if (n == 0)
            *first = row.time;
        if (row.time > *last)
            *last = row.time;
    }
    hh_click_file_close(file);
    run->skipped = 0; // will be met again
    return status;
}

// At speed x the last click comes (last - first) / x from now; that is when it shall seem to happen. At speed
// 1 the first one happens now.
static hh_status choose_shift(struct run *run)
{
    if (!run->shift_to_now || run->speed == 1)
        return HH_OK; // at speed 1: known when the first click is
    hh_time first = 0, last = HH_TIME_MIN;
    hh_status status = find_span(run, &first, &last);
    if (status == HH_OK && last != HH_TIME_MIN)
        run->shift = wall_now() + (hh_time)((double)(last - first) / run->speed) - last;
    return status;
}

// ---- sending ----

static hh_status open_topics(struct run *run)
{
    hh_error *error = &run->error;
    if (!(run->encoder = hh_encoder_new(run->kafka.format, error)))
        return error->status;
    hh_status status =
        sender_new(run->kafka.brokers, run->kafka.properties, run->kafka.property_count, &run->sender, error);
    if (status == HH_OK)
        status =
            sender_topic(run->sender, run->topic, (int)run->partitions, "delete", &run->click_topic, error);
    if (status == HH_OK && run->items)
        status = sender_topic(run->sender, run->items_topic, (int)run->partitions, "compact",
                              &run->item_topic, error);
    return status;
}

static hh_status send_item(void *context, const item_row *row, hh_error *error)
{
    struct run *run = context;
    run->item_count++;
    return sender_put(run->sender, run->item_topic, row->id, strlen(row->id), row->line, row->line_length,
                      wall_now(), error);
}

static hh_status send_click(struct run *run, const hh_click_row *row)
{
    hh_click click = {
        {row->visitor, row->visitor_length}, {row->item, row->item_length}, row->time + run->shift};
    hh_text bytes;
    hh_status status = hh_encode_click(run->encoder, &click, &bytes);
    if (status != HH_OK)
        return hh_fail(&run->error, status, NULL);
    return sender_put(run->sender, run->click_topic, row->visitor, row->visitor_length, bytes.bytes,
                      bytes.length, click.time, &run->error);
}

// Waits until the time has come for a click, counted from the first one.
static hh_status wait_for(struct run *run, hh_time time, double begun)
{
    double due = begun + (double)(time - run->first) / 1000 / run->speed;
    for (double wait; (wait = due - steady_now()) > 0.001 && !interrupted();) {
        hh_status status = sender_serve(run->sender, wait < 0.1 ? (int)(wait * 1000) : 100, &run->error);
        if (status != HH_OK)
            return status;
    }
    return HH_OK;
}

// Brokers delete by a record's timestamp, and clicks are mostly old: say so before somebody looks for them in
// vain.
static void warn_of_retention(const struct run *run, hh_time first)
{
    int64_t kept = sender_retention(run->sender, run->topic);
    double age = (double)(wall_now() - first);
    if (kept >= 0 && age > (double)kept)
        fprintf(stderr,
                "hiphop replay: the brokers will soon delete these clicks: '%s' keeps records for %.3g days "
                "(retention.ms), and the first click is %.0f days old\n",
                run->topic, (double)kept / HH_DAY, age / HH_DAY);
}

static hh_status send_clicks(struct run *run, hh_click_file *file, struct progress *progress)
{
    double begun = steady_now();
    while (run->sent < run->limit) {
        hh_click_row row;
        bool end;
        hh_status status = next_click(run, file, &row, &end);
        if (status != HH_OK || end)
            return status;
        if (run->sent == 0) {
            run->first = run->oldest = run->newest = row.time;
            if (run->shift_to_now && run->speed == 1)
                run->shift = wall_now() - row.time;
            warn_of_retention(run, row.time + run->shift);
        }
        if (isfinite(run->speed) && (status = wait_for(run, row.time, begun)) != HH_OK)
            return status;
        run->cut_short = interrupted();
        if (run->cut_short || (status = send_click(run, &row)) != HH_OK)
            return status;
        run->sent++;
        if (row.time < run->oldest)
            run->oldest = row.time;
        if (row.time > run->newest)
            run->newest = row.time;
        if (run->sent % 256 == 0 || isfinite(run->speed))
            progress_show(progress,
                          run->limit == UINT64_MAX ? hh_click_file_progress(file)
                                                   : (double)run->sent / (double)run->limit,
                          run->sent, run->newest + run->shift);
    }
    return HH_OK;
}

static void print_summary(const struct run *run, double seconds)
{
    char sent[GROUPED_SIZE], rate[GROUPED_SIZE], from[MOMENT_SIZE], to[MOMENT_SIZE], items[GROUPED_SIZE];
    sender_counts counts = sender_count(run->sender);
    printf("%s %s clicks to '%s' in %.2f s (%s/s), event times %s to %s%s\n",
           run->cut_short ? "interrupted; sent" : "sent", grouped(run->sent, sent), run->topic, seconds,
           grouped((uint64_t)((double)run->sent / seconds), rate), moment(run->oldest + run->shift, from),
           moment(run->newest + run->shift, to), run->shift_to_now ? " (shifted)" : "");
    if (run->item_count > 0)
        printf("and %s items to '%s'\n", grouped(run->item_count, items), run->items_topic);
    printf("acknowledged: %s of %s\n", grouped(counts.acknowledged, sent), grouped(counts.sent, rate));
}

static hh_status replay(struct run *run)
{
    hh_click_file *file = hh_click_file_open(run->clicks, &run->error);
    if (!file)
        return run->error.status;
    hh_status status = choose_shift(run);
    if (status == HH_OK)
        status = open_topics(run);
    interrupt_catch(); // before there is something to end in good order, Ctrl-C just ends it
    if (status == HH_OK && run->items)
        status = item_file_each(run->items, send_item, run, &run->error);
    struct progress progress;
    progress_begin(&progress, "clicks", run->quiet);
    if (status == HH_OK)
        status = send_clicks(run, file, &progress);
    if (status == HH_OK && run->sent + run->skipped == 0 && !run->cut_short && !run->items)
        status = hh_fail(&run->error, HH_FORMAT, "%s: there is no click in it", run->clicks);
    if (status == HH_LIMIT) { // interrupted while waiting for the brokers
        run->cut_short = true;
        status = HH_OK;
    }
    // What was sent before a trouble is waited for too: the summary shall be true.
    hh_error later;
    if (run->sender && sender_finish(run->sender, 60000, &later) != HH_OK &&
        (status == HH_OK || status == HH_IO))
        status = hh_fail(&run->error, HH_IO, "%s", later.message);
    progress_end(&progress);
    if (run->sent > 0 && !run->quiet)
        print_summary(run, progress_seconds(&progress));
    sender_free(run->sender);
    hh_encoder_free(run->encoder);
    hh_click_file_close(file);
    return status;
}

static int run_replay(cli_args *args)
{
    struct run run = {
        .args = args, .topic = "clicks", .items_topic = "items", .limit = UINT64_MAX, .speed = INFINITY};
    if (!read_options(&run))
        return CLI_USAGE;
    if (replay(&run) != HH_OK)
        return cli_failure(args, "%s", run.error.message);
    if (run.skipped > 0)
        return cli_failure(args, "%" PRIu64 " lines are no clicks and were not sent; the first: %s",
                           run.skipped, run.first_skipped.message);
    return run.cut_short ? CLI_INTERRUPTED : CLI_OK;
}

const cli_command cli_replay = {
    .name = "replay",
    .summary = "a click file into a topic",
    .options = options,
    .notes =
        "Clicks are keyed by visitor; a record's timestamp is the click's event time. Lines that are no\n"
        "clicks are left out. Fails if there were any, or if the brokers did not acknowledge everything "
        "that\n"
        "was sent; Ctrl-C ends it in good order, with status 130; before the brokers have answered, at "
        "once.\n\n"
        "A topic with retention.ms deletes records by their timestamp, old event times first.\n\n"
        "Examples:\n"
        "  hiphop replay --clicks clicks.tsv.gz --brokers localhost:9092\n"
        "  hiphop replay --clicks clicks.tsv.gz --brokers localhost:9092 --speed 60 --shift-to-now",
    .run = run_replay,
};
