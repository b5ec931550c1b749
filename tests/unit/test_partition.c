// What is committed of a partition, and beginning again out of it.
#include "daemon/partition.h"
#include "daemon/settings.h"
#include "daemon/worker.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1700000000 };

typedef struct stage {
    hh_settings *settings;
    hh_shared shared;
    hh_worker worker;
    hh_partition *partition;
} stage;

static void begin(stage *s)
{
    *s = (stage){.settings = hh_settings_new()};
    s->shared.config = hh_settings_config(s->settings);
    s->shared.log = hh_logger_new(STDERR_FILENO, HH_LOG_ERROR);
    s->worker.shared = &s->shared;
    s->worker.items = hh_intern_new(0);
    s->partition = hh_partition_new(&s->worker, 3);
    cr_assert(s->worker.items && s->partition && s->shared.log);
}

static void end(stage *s)
{
    hh_partition_free(s->partition);
    cr_assert_eq(hh_intern_count(s->worker.items), 0, "every reference to an item is given back");
    hh_intern_free(s->worker.items);
    hh_logger_free(s->shared.log);
    hh_settings_free(s->settings);
}

// Clicks of many visitors, muted events not being published: the publisher is not there.
static void replay(stage *s, int64_t from, int64_t to)
{
    for (int64_t offset = from; offset < to; offset++) {
        hh_click_fate fate;
        bool muted;
        char visitor = (char)('a' + offset % 7);
        uint32_t item = hh_intern_acquire(s->worker.items, &visitor, 1);
        cr_assert_eq(hh_sessionizer_push(s->partition->sessionizer, offset, &visitor, 1, item, NOW + offset,
                                         NOW, &fate, &muted),
                     HH_OK);
        cr_assert(fate == HH_CLICK_TAKEN && muted);
    }
}

Test(partition, without_a_commit_begins_with_nothing)
{
    stage s;
    hh_error error;
    begin(&s);
    cr_assert_eq(hh_partition_restore(s.partition, 40, NULL, NOW, &error), HH_OK);
    cr_assert(s.partition->next == 40 && s.partition->position == 40 && !s.partition->moved);
    cr_assert_eq(hh_sessionizer_open(s.partition->sessionizer), 0);
    end(&s);
}

Test(partition, continues_from_its_own_metadata)
{
    stage s;
    hh_error error;
    char text[HH_METADATA_SIZE], again[HH_METADATA_SIZE];
    begin(&s);
    cr_assert_eq(hh_partition_restore(s.partition, 12, NULL, NOW, &error), HH_OK);
    cr_assert_eq(hh_partition_metadata(s.partition, NOW, text), HH_OK);
    cr_assert_eq(strncmp(text, "h1 1700000000 ", 14), 0, "%s", text);
    hh_time written = 0;
    char rules[HH_RULES_SIZE];
    const char *checkpoint = hh_metadata_parse(text, &written, rules);
    cr_assert_str_eq(rules, "1800000,10000,43200000,500", "the defaults");
    cr_assert_eq(checkpoint, text + 14 + strlen(rules) + 1);
    cr_assert_eq(written, NOW);
    char old[HH_METADATA_SIZE] = "h1 1700000000 "; // as they were before rules stood in them
    memcpy(old + 14, checkpoint, strlen(checkpoint) + 1);
    cr_assert_str_eq(hh_metadata_parse(old, &written, rules), checkpoint);
    cr_assert_str_eq(rules, "");
    cr_assert_eq(hh_partition_restore(s.partition, 12, text, NOW + 5000, &error), HH_OK);
    cr_assert(s.partition->next <= 12 && s.partition->position == 12);
    cr_assert_eq(hh_age_of(&s.partition->age, 12, -1, NOW + 5000), 5000, "it waits since the commit");
    cr_assert_eq(hh_partition_metadata(s.partition, NOW, again), HH_OK);
    cr_assert_str_eq(again, text, "nothing has happened since");
    end(&s);
}

Test(partition, begins_anew_with_metadata_that_is_not_its_own)
{
    static const char *const texts[] = {
        "", "h1 ", "h1 17", "h1 x y", "consumer-groups was here", "h1 1700000000 hiphop1:AAAA", "hiphop1:"};
    stage s;
    hh_error error;
    begin(&s);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        s.partition->position = 0;
        cr_assert_eq(hh_partition_restore(s.partition, 100, texts[i], NOW, &error), HH_OK, "%s", texts[i]);
        cr_assert(s.partition->next == 100 && s.partition->position == 100, "%s", texts[i]);
    }
    end(&s);
}

Test(partition, begins_anew_with_metadata_of_another_position)
{
    stage s;
    hh_error error;
    char text[HH_METADATA_SIZE];
    begin(&s);
    cr_assert_eq(hh_partition_restore(s.partition, 12, NULL, NOW, &error), HH_OK);
    cr_assert_eq(hh_partition_metadata(s.partition, NOW, text), HH_OK);
    cr_assert_eq(hh_partition_restore(s.partition, 13, text, NOW, &error), HH_OK);
    cr_assert(s.partition->next == 13 && s.partition->position == 13);
    end(&s);
}

static void ignore(void *context, const hh_session_event *event)
{
    (void)context;
    (void)event;
}

Test(partition, replays_what_was_open_and_gives_it_back_when_dropped)
{
    stage s;
    hh_error error;
    char text[HH_METADATA_SIZE] = "h1 1700000000 ";
    size_t mark = strlen(text);
    begin(&s);
    // A predecessor, who committed at 25.
    hh_sessionizer *other = hh_sessionizer_new(&s.shared.config->session, ignore, NULL, &error);
    for (int64_t offset = 5; offset < 25; offset++) {
        hh_click_fate fate;
        char visitor = (char)('a' + offset % 7);
        cr_assert_eq(hh_sessionizer_push(other, offset, &visitor, 1, 0, NOW + offset, NOW, &fate, NULL),
                     HH_OK);
    }
    cr_assert_eq(hh_sessionizer_checkpoint(other, 25, text + mark, sizeof text - mark), HH_OK);
    size_t open = hh_sessionizer_open(other);
    hh_sessionizer_free(other, NULL);

    cr_assert_eq(hh_partition_restore(s.partition, 25, text, NOW, &error), HH_OK);
    cr_assert(s.partition->position == 25 && s.partition->next == 5,
              "the first click of the oldest open session");
    replay(&s, 5, 25);
    cr_assert(open == 7 && hh_sessionizer_open(s.partition->sessionizer) == open);
    cr_assert_eq(hh_intern_count(s.worker.items), 7);
    // Going back drops it all and begins again.
    cr_assert_eq(hh_partition_restore(s.partition, 25, text, NOW, &error), HH_OK);
    cr_assert_eq(hh_intern_count(s.worker.items), 0);
    replay(&s, 5, 25);
    end(&s);
}

// What is logged when a predecessor with the gap committed at 25 and all its sessions are open.
static void restore_after_gap(hh_time gap, char *said, size_t size)
{
    stage s;
    hh_error error;
    char text[HH_METADATA_SIZE];
    int ends[2];
    begin(&s);
    hh_sessionizer_options options = s.shared.config->session;
    options.gap = gap;
    hh_sessionizer *other = hh_sessionizer_new(&options, ignore, NULL, &error);
    hh_click_fate fate;
    cr_assert_eq(hh_sessionizer_push(other, 5, "v", 1, 0, NOW, NOW, &fate, NULL), HH_OK);
    int mark = snprintf(text, sizeof text, "h1 1700000000 %lld,%lld,%lld,%lu ", (long long)options.gap,
                        (long long)options.lateness, (long long)options.max_duration,
                        (unsigned long)options.max_clicks);
    cr_assert_eq(hh_sessionizer_checkpoint(other, 25, text + mark, sizeof text - (size_t)mark), HH_OK);
    hh_sessionizer_free(other, NULL);
    hh_logger_free(s.shared.log);
    cr_assert_eq(pipe(ends), 0);
    s.shared.log = hh_logger_new(ends[1], HH_LOG_WARNING);
    cr_assert_eq(hh_partition_restore(s.partition, 25, text, NOW, &error), HH_OK);
    end(&s);
    close(ends[1]);
    ssize_t length = read(ends[0], said, size - 1);
    close(ends[0]);
    said[length > 0 ? length : 0] = '\0';
}

Test(partition, warns_of_session_rules_that_have_changed)
{
    char said[2000];
    restore_after_gap(30 * 60000, said, sizeof said);
    cr_assert_str_eq(said, "", "the same rules");
    restore_after_gap(20 * 60000, said, sizeof said);
    cr_assert(strstr(said, "session.gap") && strstr(said, "1200000,") && strstr(said, "1800000,"), "%s",
              said);
}
