// Settings: the table itself, every way in which a value can be wrong, the sources, and SIGHUP.
#include "daemon/rules.h"
#include "daemon/settings.h"
#include "daemon/values.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAID_MAX = 32 };

typedef struct said {
    char sentences[SAID_MAX][1024];
    size_t count;
} said;

static void hear(void *context, const char *sentence)
{
    said *heard = context;
    cr_assert_lt(heard->count, SAID_MAX);
    cr_assert_null(strchr(sentence, '\n'), "a complaint is one line: %s", sentence);
    snprintf(heard->sentences[heard->count++], sizeof heard->sentences[0], "%s", sentence);
}

static char directory[] = "/tmp/hiphop-options-XXXXXX";

static void make_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void)
{
    unlink("hiphopd.conf");
    unlink("more.conf");
    unlink("client.properties");
    cr_expect_eq(chdir("/"), 0);
    rmdir(directory);
}

TestSuite(options, .init = make_directory, .fini = remove_directory);

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

static void expect_said(const said *heard, const char *const *sentences, size_t count)
{
    for (size_t i = 0; i < heard->count || i < count; i++)
        cr_expect_str_eq(i < heard->count ? heard->sentences[i] : "(nothing)",
                         i < count ? sentences[i] : "(nothing)");
}

// Reads the text as hiphopd.conf and finishes; what is complained of must be these sentences, in this order.
#define EXPECT_FILE(text, ...)                                                                 \
    do {                                                                                       \
        const char *const expected[] = {__VA_ARGS__};                                          \
        hh_settings *settings_ = hh_settings_new();                                            \
        said heard_ = {.count = 0};                                                            \
        write_file("hiphopd.conf", text);                                                      \
        cr_expect_eq(hh_settings_read(settings_, "hiphopd.conf", hear, &heard_), HH_ARGUMENT); \
        expect_said(&heard_, expected, sizeof expected / sizeof *expected);                    \
        hh_settings_free(settings_);                                                           \
    } while (0)

#define EXPECT_SET(assignment, sentence)                                                  \
    do {                                                                                  \
        const char *const expected[] = {sentence};                                        \
        hh_settings *settings_ = hh_settings_new();                                       \
        said heard_ = {.count = 0};                                                       \
        cr_expect_eq(hh_settings_set(settings_, assignment, hear, &heard_), HH_ARGUMENT); \
        expect_said(&heard_, expected, 1);                                                \
        hh_settings_free(settings_);                                                      \
    } while (0)

// Sets them all, in order, and finishes; sentences as above, none of them for none.
#define EXPECT_RULES(assignments, ...)                                                                \
    do {                                                                                              \
        const char *const set_[] = assignments;                                                       \
        const char *const expected[] = {"", __VA_ARGS__};                                             \
        size_t count_ = sizeof expected / sizeof *expected - 1;                                       \
        hh_settings *settings_ = hh_settings_new();                                                   \
        said heard_ = {.count = 0};                                                                   \
        for (size_t i_ = 0; i_ < sizeof set_ / sizeof *set_; i_++)                                    \
            cr_expect_eq(hh_settings_set(settings_, set_[i_], hear, &heard_), HH_OK);                 \
        cr_expect_eq(hh_settings_finish(settings_, hear, &heard_), count_ > 0 ? HH_ARGUMENT : HH_OK); \
        expect_said(&heard_, expected + 1, count_);                                                   \
        hh_settings_free(settings_);                                                                  \
    } while (0)
#define SET(...)    \
    {               \
        __VA_ARGS__ \
    }

static hh_settings *read_right(const char *text)
{
    hh_settings *settings = hh_settings_new();
    said heard = {.count = 0};
    write_file("hiphopd.conf", text);
    hh_status status = hh_settings_read(settings, "hiphopd.conf", hear, &heard);
    cr_assert_eq(status, HH_OK, "%s", heard.sentences[0]);
    status = hh_settings_finish(settings, hear, &heard);
    cr_assert_eq(status, HH_OK, "%s", heard.sentences[0]);
    return settings;
}

// ---- the table ----

Test(options, the_table_is_sound)
{
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        const hh_config_option *option = &hh_config_table[i];
        cr_expect_eq(hh_config_find(option->name), option, "%s stands there twice", option->name);
        cr_expect(option->why[strlen(option->why) - 1] == '.', "%s: the why is a sentence", option->name);
        // A thread may be reading what SIGHUP changes: only single values can be changed at once.
        cr_expect(!option->reload || (option->kind != HH_KIND_TEXT && option->kind != HH_KIND_LIST &&
                                      option->kind != HH_KIND_DURATIONS),
                  "%s", option->name);
        size_t group = 0;
        while (group < HH_GROUP_COUNT && strcmp(hh_config_groups[group].name, option->group) != 0)
            group++;
        cr_expect_lt(group, HH_GROUP_COUNT, "%s has no group", option->name);
    }
}

// Every value that is printed is read back as the same value.
Test(options, printed_values_are_read_back)
{
    hh_settings *settings = hh_settings_new(), *copy = hh_settings_new();
    said heard = {.count = 0};
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        char assignment[4096], text[HH_VALUE_SIZE];
        hh_value_print(&hh_config_table[i], hh_settings_config(settings), text, sizeof text);
        snprintf(assignment, sizeof assignment, "%s=%s", hh_config_table[i].name, text);
        // "" is a default that only finish can fill in, but topics that must be there have none.
        cr_expect_eq(hh_settings_set(copy, assignment, hear, &heard), HH_OK, "%s", heard.sentences[0]);
        cr_expect(hh_value_equal(&hh_config_table[i], hh_settings_config(settings), hh_settings_config(copy)),
                  "%s", hh_config_table[i].name);
    }
    hh_settings_free(settings);
    hh_settings_free(copy);
}

Test(options, library_groups_begin_with_the_library_s_defaults)
{
    hh_settings *settings = hh_settings_new();
    cr_expect_eq(hh_settings_config(settings)->session.gap, hh_sessionizer_defaults().gap);
    cr_expect_eq(hh_settings_config(settings)->graph.max_clicks, hh_graph_defaults().max_clicks);
    cr_expect_eq(hh_settings_config(settings)->graph.pop_half_life[2], hh_graph_defaults().pop_half_life[2]);
    hh_settings_free(settings);
}

// Defaults of the library lie in the ranges of the table.
Test(options, defaults_pass_the_rules)
{
    hh_settings *settings = hh_settings_new();
    said heard = {.count = 0};
    cr_expect_eq(hh_settings_finish(settings, hear, &heard), HH_OK, "%s", heard.sentences[0]);
    cr_expect_neq(hh_settings_config(settings)->instance.id[0], '\0',
                  "an empty instance.id is the host name");
    hh_settings_free(settings);
}

Test(options, nearest_names)
{
    cr_expect_str_eq(hh_config_nearest("session.gapp")->name, "session.gap");
    cr_expect_str_eq(hh_config_nearest("workers")->name, "pipeline.workers");
    cr_expect_str_eq(hh_config_nearest("daemon.workers")->name, "pipeline.workers");
    cr_expect_str_eq(hh_config_nearest("kafka.broker")->name, "kafka.brokers");
    cr_expect_null(hh_config_nearest("quite.something.else.altogether"));
    cr_expect_null(
        hh_config_nearest("a.name.that.is.much.longer.than.any.setting.will.ever.be.in.this.program"));
    cr_expect_str_eq(hh_config_group_nearest("sesion")->name, "session");
    cr_expect_null(hh_config_group_nearest("xyzzyplugh"));
}

// ---- the file ----

Test(options, a_file_with_everything)
{
    hh_settings *settings =
        read_right("instance: { id = \"one\"; };\n"
                   "kafka: { brokers = \"k:1,k:2\"; group = \"g\";\n"
                   "  properties = (\"client.id=a\", \"socket.nagle.disable=true\"); };\n"
                   "topics: { sessions = \"\"; create = false; partitions = 12; };\n"
                   "clicks: { timestamp_unit = \"iso8601\"; fields: { visitor = \"user.id\"; }; };\n"
                   "session: { gap = \"90s\"; lateness = 0; max_clicks = 7; };\n"
                   "graph: { pop_half_life = [\"1m\", \"2h\", \"3d\"]; knn_half_life = \"2h,9d\"; knn_idf = "
                   "1; pair_norm = 0.25; };\n"
                   "pipeline: { delivery = \"at-least-once\"; commit_interval = \"1.5s\"; };\n"
                   "log: { level = \"debug\"; };\n");
    const hh_config *config = hh_settings_config(settings);
    cr_expect_str_eq(config->instance.id, "one");
    cr_expect_str_eq(config->kafka.brokers, "k:1,k:2");
    cr_expect_eq(config->kafka.properties.count, 2);
    cr_expect_str_eq(config->kafka.properties.items[1], "socket.nagle.disable=true");
    cr_expect_str_eq(config->topics.sessions, "");
    cr_expect(!config->topics.create);
    cr_expect_eq(config->topics.partitions, 12);
    cr_expect_eq(config->clicks.timestamp_unit, 3);
    cr_expect_str_eq(config->clicks.fields.visitor, "user.id");
    cr_expect_str_eq(config->clicks.fields.item, "item");
    cr_expect_eq(config->session.gap, 90 * HH_SECOND);
    cr_expect_eq(config->session.lateness, 0);
    cr_expect_eq(config->session.max_clicks, 7);
    cr_expect_eq(config->graph.pop_half_life[0], HH_MINUTE);
    cr_expect_eq(config->graph.pop_half_life[2], 3 * HH_DAY);
    cr_expect_eq(config->graph.knn_half_life[1], 9 * HH_DAY);
    cr_expect_eq(config->graph.knn_idf, 1.0);
    cr_expect_eq(config->graph.pair_norm, 0.25);
    cr_expect_eq(config->pipeline.delivery, HH_AT_LEAST_ONCE);
    cr_expect_eq(config->pipeline.commit_interval, 1500);
    cr_expect_eq(config->log.level, HH_LOG_DEBUG);
    hh_settings_free(settings);
}

Test(options, mistakes_are_all_told_with_file_and_line)
{
    EXPECT_FILE("# a comment\nsession: {\n  gap = \"thirty\";\n  gapp = \"1m\";\n  lateness = 30;\n};\n"
                "sesion: { gap = 1; };\nlog = 3;\nkafka: { group: { a = 1; }; };\nplugh = 1;\n",
                "hiphopd.conf:3: session.gap: \"thirty\" is not a duration; write 30m, 1h or 500ms",
                "hiphopd.conf:4: session.gapp: there is no such setting; did you mean session.gap?",
                "hiphopd.conf:5: session.lateness: \"30\" is not a duration; write 30m, 1h or 500ms",
                "hiphopd.conf:7: sesion: there is no such group; did you mean session?",
                "hiphopd.conf:8: log: this is a group; write log: { name = value; }",
                "hiphopd.conf:9: kafka.group: this is one value, not a group or a list",
                "hiphopd.conf:10: plugh: there is no such setting; hiphopd --help lists them");
}

Test(options, values_of_the_wrong_type)
{
    EXPECT_FILE("recommend: { k = \"20\"; max_age = true; hide_session_items = \"yes\"; enabled = 1; };\n"
                "kafka: { group = 7; brokers = true; properties = \"a=b\"; };\n"
                "clicks: { format = 1; };\n"
                "graph: { pop_half_life = \"5m\"; max_age = (\"5m\"); knn_idf = \"1\"; };\n",
                "hiphopd.conf:1: recommend.k: \"20\" is a text; write it without quotes",
                "hiphopd.conf:1: recommend.max_age: \"true\" is not a duration; write 30m, 1h or 500ms",
                "hiphopd.conf:1: recommend.hide_session_items: \"yes\" is a text; write it without quotes",
                "hiphopd.conf:1: recommend.enabled: \"1\" is neither true nor false",
                "hiphopd.conf:2: kafka.group: 7 is not a text; write it in quotes",
                "hiphopd.conf:2: kafka.brokers: true is not a text; write it in quotes",
                "hiphopd.conf:2: kafka.properties: this is a list; write (\"...\", \"...\")",
                "hiphopd.conf:3: clicks.format: 1 is not a text; write it in quotes",
                "hiphopd.conf:4: graph.pop_half_life: \"5m\" does not hold 3 durations",
                "hiphopd.conf:4: graph.max_age: this is one value, not a group or a list",
                "hiphopd.conf:4: graph.knn_idf: \"1\" is a text; write it without quotes");
}

// libconfig reads them as what is left of 32 bits.
Test(options, whole_numbers_that_are_too_large)
{
    EXPECT_FILE(
        "recommend: { k = 4294967301; };\ngraph: {\n  max_clicks = 3000000000;\n};\n",
        "hiphopd.conf:1: recommend.k: a number as large as 4294967301 needs an L at its end: 4294967301L",
        "hiphopd.conf:3: graph.max_clicks: a number as large as 3000000000 needs an L at its end: "
        "3000000000L");
    EXPECT_FILE("training: { keep = 3; admit = 2; }; recommend: { k = 0x10; }; graph: { knn_idf = true; };\n",
                "hiphopd.conf:1: graph.knn_idf: \"true\" is not a number");
}

Test(options, items_of_lists)
{
    EXPECT_FILE("kafka: { properties = (\"a=b\", 3, { c = 1; }); };\n",
                "hiphopd.conf:1: kafka.properties: 3 is not a text; write it in quotes",
                "hiphopd.conf:1: kafka.properties: this is one value, not a group or a list");
    EXPECT_FILE("graph: { pop_half_life = [\"5m\", \"1h\"]; pair_half_life = (\"5m\", (1)); knn_half_life = "
                "[\"1h\", \"2h\", \"3h\"]; };\n",
                "hiphopd.conf:1: graph.pop_half_life: \"5m,1h\" does not hold 3 durations",
                "hiphopd.conf:1: graph.pair_half_life: this is one value, not a group or a list",
                "hiphopd.conf:1: graph.knn_half_life: \"1h,2h,3h\" does not hold 2 durations");
}

Test(options, syntax_errors_and_files_that_are_none)
{
    EXPECT_FILE("session: {\n  gap = \"30m\"\n  lateness = ;\n};\n", "hiphopd.conf:3: syntax error");
    EXPECT_FILE("session: { gap = \"1m\"; gap = \"2m\"; };\n", "hiphopd.conf:1: duplicate setting name");

    hh_settings *settings = hh_settings_new();
    said heard = {.count = 0};
    cr_expect_eq(hh_settings_read(settings, "nowhere.conf", hear, &heard), HH_IO);
    cr_expect_eq(hh_settings_read(settings, directory, hear, &heard), HH_IO);
    cr_expect_str_eq(heard.sentences[0], "nowhere.conf: can't be read: No such file or directory");
    cr_expect_str_eq(heard.sentences[1] + strlen(directory), ": can't be read: it is a directory");
    hh_settings_free(settings);
}

Test(options, included_files_are_named)
{
    write_file("more.conf", "\nsession: { gap = \"never\"; };\n");
    EXPECT_FILE("@include \"more.conf\"\n",
                "more.conf:2: session.gap: \"never\" is not a duration; write 30m, 1h or 500ms");
}

// ---- --set ----

Test(options, durations)
{
    static const struct {
        const char *text;
        hh_time duration;
    } right[] = {{"500ms", 500},        {"30s", 30 * HH_SECOND}, {"30m", 30 * HH_MINUTE},
                 {"12h", 12 * HH_HOUR}, {"7d", 7 * HH_DAY},      {"0.5h", 30 * HH_MINUTE}};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        hh_settings *settings = hh_settings_new();
        said heard = {.count = 0};
        char assignment[64];
        snprintf(assignment, sizeof assignment, "session.gap=%s", right[i].text);
        cr_expect_eq(hh_settings_set(settings, assignment, hear, &heard), HH_OK, "%s", heard.sentences[0]);
        cr_expect_eq(hh_settings_config(settings)->session.gap, right[i].duration, "%s", right[i].text);
        hh_settings_free(settings);
    }
    static const char *const wrong[] = {"",    "30",  "m",      "30 m", "30min", "0x10s",
                                        "nan", "inf", "1e999s", "30m,", "3m4"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hh_settings *settings = hh_settings_new();
        said heard = {.count = 0};
        char assignment[64];
        snprintf(assignment, sizeof assignment, "session.gap=%s", wrong[i]);
        cr_expect_eq(hh_settings_set(settings, assignment, hear, &heard), HH_ARGUMENT, "%s", wrong[i]);
        cr_expect_eq(hh_settings_config(settings)->session.gap, 30 * HH_MINUTE,
                     "a wrong value changes nothing");
        hh_settings_free(settings);
    }
}

Test(options, ranges_and_words)
{
    EXPECT_SET("session.gap=31d", "--set session.gap: 31d is out of range; it may be 1ms to 30d");
    EXPECT_SET("session.gap=-1s", "--set session.gap: -1s is out of range; it may be 1ms to 30d");
    EXPECT_SET("session.gap=1e300d", "--set session.gap: 1e300d is out of range; it may be 1ms to 30d");
    EXPECT_SET("recommend.k=0", "--set recommend.k: 0 is out of range; it may be 1 to 100");
    EXPECT_SET("recommend.k=101", "--set recommend.k: 101 is out of range; it may be 1 to 100");
    EXPECT_SET("recommend.k=2.5", "--set recommend.k: 2.5 is not a whole number");
    EXPECT_SET("recommend.k=-1", "--set recommend.k: -1 is out of range; it may be 1 to 100");
    EXPECT_SET("recommend.k=many", "--set recommend.k: \"many\" is not a number");
    EXPECT_SET("graph.pair_norm=1.01", "--set graph.pair_norm: 1.01 is out of range; it may be 0 to 1");
    EXPECT_SET("graph.pair_norm=nan", "--set graph.pair_norm: \"nan\" is not a number");
    EXPECT_SET("log.level=loud", "--set log.level: \"loud\" is not one of error, warning, info or debug");
    EXPECT_SET("clicks.format=jso", "--set clicks.format: \"jso\" is not one of json or avro");
    EXPECT_SET("topics.create=on", "--set topics.create: \"on\" is neither true nor false");
    EXPECT_SET(
        "graph.pop_half_life=1m,2h,x",
        "--set graph.pop_half_life: \"1m,2h,x\" is not a list of 3 durations; write them like 5m,1h,8h");
    EXPECT_SET("graph.pop_half_life=1m,2h,3d,4d",
               "--set graph.pop_half_life: \"1m,2h,3d,4d\" does not hold 3 durations");
    EXPECT_SET("topics.clicks=", "--set topics.clicks: hiphopd cannot do without this topic; name it");
    EXPECT_SET("topics.clicks=a b",
               "--set topics.clicks: \"a b\" is no name of a topic; letters, digits, '.', '_' and "
               "'-' make one, at most 249");
    EXPECT_SET("topics.items=..",
               "--set topics.items: \"..\" is no name of a topic; letters, digits, '.', '_' and "
               "'-' make one, at most 249");
    EXPECT_SET("session.gap", "--set session.gap: write --set name=value");
    EXPECT_SET("=1", "--set =1: write --set name=value");
    EXPECT_SET("session.gapp=1m", "--set session.gapp: there is no such setting; did you mean session.gap?");
    EXPECT_SET("plugh=1", "--set plugh: there is no such setting; hiphopd --help lists them");
}

Test(options, set_is_stronger_than_the_file_and_adds_to_lists)
{
    hh_settings *settings = hh_settings_new();
    said heard = {.count = 0};
    char place[128];
    write_file(
        "hiphopd.conf",
        "session: { gap = \"1m\"; lateness = \"1s\"; };\nkafka: { properties = (\"client.id=a\"); };\n");
    hh_settings_read(settings, "hiphopd.conf", hear, &heard);
    hh_settings_set(settings, "session.gap=2m", hear, &heard);
    hh_settings_set(settings, "kafka.properties=client.rack=b=c", hear, &heard);
    cr_expect_eq(heard.count, 0);
    const hh_config *config = hh_settings_config(settings);
    cr_expect_eq(config->session.gap, 2 * HH_MINUTE);
    cr_expect_eq(config->kafka.properties.count, 2);
    cr_expect_str_eq(config->kafka.properties.items[1], "client.rack=b=c");
    hh_settings_place(settings, hh_config_find("session.lateness"), place, sizeof place);
    cr_expect_str_eq(place, "hiphopd.conf:1: session.lateness");
    hh_settings_place(settings, hh_config_find("session.gap"), place, sizeof place);
    cr_expect_str_eq(place, "--set session.gap");
    hh_settings_place(settings, hh_config_find("log.level"), place, sizeof place);
    cr_expect_str_eq(place, "log.level");
    hh_settings_free(settings);
}

// ---- rules ----

Test(options, rules_between_settings)
{
    EXPECT_RULES(SET("clicks.format=avro"),
                 "--set clicks.format: to read avro, name the file of its schema in clicks.schema");
    EXPECT_RULES(SET("clicks.schema=click.avsc"),
                 "--set clicks.schema: json needs no schema; remove this, or set clicks.format to avro");
    EXPECT_RULES(SET("clicks.format=avro", "clicks.schema=click.avsc"), );
    EXPECT_RULES(SET("session.gap=2d"),
                 "--set session.gap: 2d is longer than session.max_duration, 12h: sessions would "
                 "end before a pause could end them");
    EXPECT_RULES(
        SET("session.lateness=13h"),
        "--set session.lateness: 13h is longer than session.max_duration, 12h: waiting for late clicks would "
        "keep sessions open longer than a session may last");
    EXPECT_RULES(SET("graph.pop_half_life=1h,1m,1d"),
                 "--set graph.pop_half_life: the half-lives go from short to long");
    EXPECT_RULES(SET("topics.sessions=clicks"),
                 "--set topics.sessions: \"clicks\" is topics.clicks already; each needs a topic of its own");
    EXPECT_RULES(SET("topics.sessions=", "topics.items="), );
    EXPECT_RULES(SET("kafka.brokers=", "kafka.group="),
                 "--set kafka.brokers: this is empty; name at least one broker, host:port",
                 "--set kafka.group: this is empty; name the consumer group");
    EXPECT_RULES(SET("clicks.fields.visitor=", "clicks.fields.item=", "clicks.fields.timestamp="),
                 "--set clicks.fields.visitor: this is empty; name the field of the visitor",
                 "--set clicks.fields.item: this is empty; name the field of the item",
                 "--set clicks.fields.timestamp: this is empty; name the field of the time");
    EXPECT_RULES(SET("instance.id=a b"),
                 "--set instance.id: \"a b\" has blanks or other than ASCII letters in it");
    EXPECT_RULES(
        SET("http.listen=localhost:80"),
        "--set http.listen: \"localhost\" is not a numeric address; write 127.0.0.1:9464, [::1]:9464, or "
        "0.0.0.0:9464 for all");
    EXPECT_RULES(SET("http.listen="), );
}

Test(options, refused_and_unknown_kafka_properties)
{
    hh_settings *settings = hh_settings_new();
    said heard = {.count = 0};
    static const char *const wrong[] = {"group.id=mine", "no.such.property=1",
                                        "socket.keepalive.enable=maybe", "enable.idempotence=false"};
    enum { WRONG = sizeof wrong / sizeof *wrong };
    for (size_t i = 0; i < WRONG; i++) { // all are told at once
        char assignment[100];
        snprintf(assignment, sizeof assignment, "kafka.properties=%s", wrong[i]);
        hh_settings_set(settings, assignment, hear, &heard);
        hh_settings_set(settings, "kafka.properties=client.rack=a", hear, &heard);
    }
    cr_expect_eq(hh_settings_finish(settings, hear, &heard), HH_ARGUMENT);
    cr_assert_eq(heard.count, WRONG);
    for (size_t i = 0; i < WRONG; i++) {
        char name[100];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(wrong[i], "="), wrong[i]);
        cr_expect_not_null(strstr(heard.sentences[i], name), "%s", heard.sentences[i]);
    }
    hh_settings_free(settings);
}

Test(options, addresses)
{
    char host[HH_HOST_SIZE];
    uint16_t port;
    hh_error error;
    cr_expect_eq(hh_address_split("127.0.0.1:9464", host, &port, &error), HH_OK);
    cr_expect_str_eq(host, "127.0.0.1");
    cr_expect_eq(port, 9464);
    cr_expect_eq(hh_address_split("[::1]:1", host, &port, &error), HH_OK);
    cr_expect_str_eq(host, "::1");
    static const char *const wrong[] = {"",         ":",         ":80",           "1.2.3.4",
                                        "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "::1:80",
                                        "[::1]",    "[]:80",     "[1.2.3.4]:80",  "1.2.3.4: 80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(hh_address_split(wrong[i], host, &port, &error), HH_FORMAT, "%s", wrong[i]);
}

Test(options, a_file_of_kafka_properties)
{
    write_file("client.properties", "# secrets\n\n  sasl.username=me  \r\nsasl.password=a=b#c\n");
    hh_settings *settings = read_right("kafka: { properties = (\"client.id=x\"); properties_file = "
                                       "\"client.properties\"; };\n");
    const hh_list *list = &hh_settings_config(settings)->kafka.properties;
    cr_assert_eq(list->count, 3);
    cr_expect_str_eq(list->items[0], "client.id=x");
    cr_expect_str_eq(list->items[1], "sasl.username=me");
    cr_expect_str_eq(list->items[2], "sasl.password=a=b#c");
    hh_settings_free(settings);

    write_file("client.properties", "client.id=x\noops\n");
    EXPECT_RULES(SET("kafka.properties_file=client.properties"),
                 "client.properties:2: a line is key=value; this one has no '='");
    EXPECT_RULES(SET("kafka.properties_file=nowhere"),
                 "--set kafka.properties_file: nowhere can't be read: No such file or directory");
}

// ---- SIGHUP ----

Test(options, reload_changes_what_may_change_and_refuses_the_rest)
{
    hh_settings *settings = read_right("recommend: { max_age = \"1m\"; };\nlog: { level = \"info\"; };\n");
    said heard = {.count = 0}, refused = {.count = 0};
    // One context for both would not tell them apart: first only what may change.
    write_file("hiphopd.conf", "recommend: { max_age = \"2m\"; };\nlog: { level = \"debug\"; };\n");
    cr_expect_eq(hh_settings_reload(settings, hear, hear, &heard), HH_OK);
    const char *const said_right[] = {"recommend.max_age is now 2m; it was 1m",
                                      "log.level is now debug; it was info"};
    expect_said(&heard, said_right, 2);
    cr_expect_eq(hh_now_duration(&hh_settings_config(settings)->recommend.max_age), 2 * HH_MINUTE);
    cr_expect_eq(hh_settings_config(settings)->log.level, HH_LOG_DEBUG);

    write_file("hiphopd.conf", "recommend: { max_age = \"2m\"; k = 5; };\nlog: { level = \"debug\"; };\n"
                               "kafka: { properties = (\"sasl.password=hush\"); };\n");
    cr_expect_eq(hh_settings_reload(settings, hear, hear, &refused), HH_ARGUMENT);
    const char *const said_wrong[] = {
        "kafka.properties has changed, which takes a restart; it stays as it was",
        "recommend.k = 5 takes a restart; it stays 20"};
    expect_said(&refused, said_wrong, 2);
    cr_expect_eq(hh_settings_config(settings)->recommend.k, 20);
    hh_settings_free(settings);
}

Test(options, reload_of_a_file_with_a_mistake_changes_nothing)
{
    hh_settings *settings = read_right("log: { level = \"info\"; };\n");
    said heard = {.count = 0};
    write_file("hiphopd.conf", "log: { level = \"debug\"; };\nrecommend: { max_age = \"soon\"; };\n");
    cr_expect_eq(hh_settings_reload(settings, hear, hear, &heard), HH_ARGUMENT);
    const char *const said_wrong[] = {
        "hiphopd.conf:2: recommend.max_age: \"soon\" is not a duration; write 30m, 1h or 500ms"};
    expect_said(&heard, said_wrong, 1);
    cr_expect_eq(hh_settings_config(settings)->log.level, HH_LOG_INFO);
    unlink("hiphopd.conf");
    heard.count = 0;
    cr_expect_eq(hh_settings_reload(settings, hear, hear, &heard), HH_ARGUMENT);
    cr_expect_eq(heard.count, 1);
    hh_settings_free(settings);
}

Test(options, reload_keeps_what_was_set_on_the_command_line)
{
    hh_settings *settings = hh_settings_new();
    said heard = {.count = 0};
    write_file("hiphopd.conf", "log: { level = \"info\"; };\n");
    hh_settings_read(settings, "hiphopd.conf", hear, &heard);
    hh_settings_set(settings, "log.level=error", hear, &heard);
    hh_settings_finish(settings, hear, &heard);
    write_file("hiphopd.conf", "log: { level = \"debug\"; };\n");
    cr_expect_eq(hh_settings_reload(settings, hear, hear, &heard), HH_OK);
    cr_expect_eq(heard.count, 0);
    cr_expect_eq(hh_settings_config(settings)->log.level, HH_LOG_ERROR);
    hh_settings_free(settings);
}
