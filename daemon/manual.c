// Prints the tables; see manual.h.
#include "manual.h"

#include "metrics.h"
#include "options.h"
#include "settings.h"
#include "values.h"
#include "wire/kafka.h"
#include <string.h>

enum { WIDTH = 100 };

// text filled into lines of WIDTH, each set in by `indent` and begun with `mark`.
static void put_filled(FILE *out, int indent, const char *mark, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)(column == 0 ? fprintf(out, "%*s%s", indent, "", mark) : fprintf(out, " "));
        column += (size_t)fprintf(out, "%.*s", (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static bool is_number(hh_config_kind kind)
{
    return kind == HH_KIND_COUNT || kind == HH_KIND_REAL || kind == HH_KIND_SWITCH;
}

// ---- --help ----

static const char usage[] =
    "hiphopd " HH_VERSION ": real-time, session-based recommendations out of a Kafka click stream\n"
    "\n"
    "Usage: hiphopd [--config FILE] [--set NAME=VALUE]...\n"
    "\n"
    "  --config FILE       read settings from FILE; without it the defaults below hold\n"
    "  --set NAME=VALUE    one setting, stronger than what FILE says; may be repeated\n"
    "  --check             say whether settings, schema, brokers and topics are right, and stop\n"
    "  --print-config      print a configuration file with every setting and its default\n"
    "  --print-docs PAGE   print the page `configuration` or `metrics` of the documentation, in Markdown\n"
    "  --version           print the version\n"
    "  --help              this page\n"
    "\n"
    "SIGTERM and SIGINT stop it, SIGHUP reads FILE again: settings marked * change at once.\n"
    "It returns 0 when it was stopped, 1 when it could not go on, 2 when command line, settings or topics "
    "are\n"
    "wrong.\n"
    "\n"
    "Settings and their defaults:\n";

void hh_print_help(FILE *out)
{
    hh_settings *defaults = hh_settings_new();
    if (!defaults)
        return;
    fputs(usage, out);
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        const hh_config_option *option = &hh_config_table[i];
        char range[160], initial[HH_VALUE_SIZE];
        hh_value_describe(option, range, sizeof range);
        hh_value_print(option, hh_settings_config(defaults), initial, sizeof initial);
        fprintf(out, "\n  %s=%s%s\n", option->name, initial, option->reload ? " *" : "");
        put_filled(out, 6, "", option->why);
        if (option->limit.kind == HH_LIMIT_BETWEEN || option->limit.kind == HH_LIMIT_ONE_OF)
            fprintf(out, "      (%s)\n", range);
    }
    hh_settings_free(defaults);
}

// ---- config/hiphopd.conf ----

static const char config_head[] =
    "# Settings of hiphopd. Every one stands here with its default, after a '#': remove that to change it.\n"
    "#\n"
    "#     hiphopd --config /etc/hiphop/hiphopd.conf --check     says whether this file and Kafka are right\n"
    "#     systemctl reload hiphopd                              applies what is marked \"reload\"\n"
    "#\n"
    "# Durations have a unit: 500ms, 30s, 30m, 12h, 7d. Texts are quoted, numbers, true and false are not.\n"
    "# docs/configuration.md says more. Made by `hiphopd --print-config`.\n";

// What stands in the file for the default: "30m", 20, ["5m", "1h", "8h"].
static void put_config_value(FILE *out, const hh_config_option *option, const hh_config *defaults)
{
    char initial[HH_VALUE_SIZE];
    const char *text = initial;
    hh_value_print(option, defaults, initial, sizeof initial);
    if (option->kind == HH_KIND_LIST) {
        fputs("()", out);
    } else if (option->kind == HH_KIND_DURATIONS) {
        fputc('[', out);
        for (const char *separator = ""; *text; separator = ", ") {
            size_t length = strcspn(text, ",");
            fprintf(out, "%s\"%.*s\"", separator, (int)length, text);
            text += length + (text[length] == ',');
        }
        fputc(']', out);
    } else if (option->kind == HH_KIND_REAL && !strpbrk(text, ".e")) {
        fprintf(out, "%s.0", text);
    } else {
        fprintf(out, is_number(option->kind) ? "%s" : "\"%s\"", text);
    }
}

static void put_config_option(FILE *out, int indent, const hh_config_option *option,
                              const hh_config *defaults)
{
    char range[160];
    hh_value_describe(option, range, sizeof range);
    put_filled(out, indent, "# ", option->why);
    fprintf(out, "%*s# (%s%s)\n%*s#%s = ", indent, "", range, option->reload ? "; reload" : "", indent, "",
            option->field);
    put_config_value(out, option, defaults);
    fputs(";\n", out);
}

// "clicks.fields" is a group within "clicks": groups[i] within the group `of`, or at the top where it is
// NULL.
static bool within(const char *group, const char *of)
{
    size_t length = of ? strlen(of) : 0;
    return of ? strncmp(group, of, length) == 0 && group[length] == '.' : strchr(group, '.') == NULL;
}

static void put_config_group(FILE *out, int indent, const hh_config_group *group, const hh_config *defaults)
{
    const char *dot = strrchr(group->name, '.');
    fputc('\n', out);
    put_filled(out, indent, "# ", group->about);
    fprintf(out, "%*s%s: {\n", indent, "", dot ? dot + 1 : group->name);
    bool first = true;
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        if (strcmp(hh_config_table[i].group, group->name) != 0)
            continue;
        fputs(first ? "" : "\n", out);
        put_config_option(out, indent + 4, &hh_config_table[i], defaults);
        first = false;
    }
    for (size_t i = 0; i < HH_GROUP_COUNT; i++)
        if (within(hh_config_groups[i].name, group->name))
            put_config_group(out, indent + 4, &hh_config_groups[i], defaults);
    fprintf(out, "%*s};\n", indent, "");
}

void hh_print_config(FILE *out)
{
    hh_settings *defaults = hh_settings_new();
    if (!defaults)
        return;
    fputs(config_head, out);
    for (size_t i = 0; i < HH_GROUP_COUNT; i++)
        if (within(hh_config_groups[i].name, NULL))
            put_config_group(out, 0, &hh_config_groups[i], hh_settings_config(defaults));
    hh_settings_free(defaults);
}

// ---- docs/configuration.md ----

static const char page_head[] =
    "# Configuration\n"
    "\n"
    "This page is made by `hiphopd --print-docs configuration` from the table in `daemon/options.h`.\n"
    "\n"
    "Settings come from three sources, each before the one to its left: the defaults below, the file given "
    "by\n"
    "`--config`, and `--set name=value` on the command line (repeatable). No environment variable is a "
    "source.\n"
    "`hiphopd --print-config` prints a file with every setting in it; `hiphopd --config FILE --check` says\n"
    "whether settings, schema, brokers and topics are right, and returns 0 only then.\n"
    "\n"
    "The file is in [libconfig](https://hyperrealm.github.io/libconfig/libconfig_manual.html)'s syntax. A "
    "dot\n"
    "in a name is a group in the file:\n"
    "\n"
    "```\n"
    "kafka: {\n"
    "    brokers = \"kafka-1:9092,kafka-2:9092\";\n"
    "    properties = (\"security.protocol=SASL_SSL\", \"sasl.mechanism=PLAIN\");\n"
    "    properties_file = \"/run/credentials/hiphopd.service/kafka\";   # sasl.username, sasl.password\n"
    "};\n"
    "session: { gap = \"20m\"; };\n"
    "clicks: { fields: { visitor = \"user.id\"; }; };\n"
    "```\n"
    "\n"
    "- **Durations** are texts with a unit: `500ms`, `30s`, `30m`, `12h`, `7d`; `0` needs none.\n"
    "- **Lists** of texts stand in `( )`; `--set` adds one item to them. A list of durations is written\n"
    "  `[\"5m\", \"1h\", \"8h\"]` or `\"5m,1h,8h\"`, and after `--set` as `5m,1h,8h`.\n"
    "- **Mistakes** are told with file and line, all at once, and hiphopd does not start:\n"
    "  `hiphopd.conf:12: session.gap: \"thirty\" is not a duration; write 30m, 1h or 500ms`. A name that is "
    "not\n"
    "  in the table is a mistake too.\n"
    "- **SIGHUP** reads the sources again. Settings marked *reload* change at once, and what changed is "
    "logged;\n"
    "  a change of any other is refused, loudly, and waits for a restart. A file with a mistake changes "
    "nothing.\n"
    "- `@include \"file\"` works; relative names are relative to the file given by `--config`.\n";

// In a table's cell a bar would begin the next one.
static void put_cell(FILE *out, const char *text)
{
    for (; *text; text++)
        fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void put_page_option(FILE *out, const hh_config_option *option, const hh_config *defaults)
{
    char range[160], initial[HH_VALUE_SIZE];
    hh_value_print(option, defaults, initial, sizeof initial);
    hh_value_describe(option, range, sizeof range);
    fprintf(out, "| `%s` | ", option->name);
    if (initial[0] != '\0')
        fprintf(out, "`%s`", initial);
    fputs(" | ", out);
    put_cell(out, range);
    fprintf(out, " | %s | ", option->reload ? "reload" : "");
    put_cell(out, option->why);
    fputs(" |\n", out);
}

void hh_print_configuration_page(FILE *out)
{
    hh_settings *defaults = hh_settings_new();
    if (!defaults)
        return;
    fputs(page_head, out);
    for (size_t group = 0; group < HH_GROUP_COUNT; group++) {
        fprintf(
            out,
            "\n## %s\n\n%s\n\n| setting | default | value | SIGHUP | |\n| --- | --- | --- | --- | --- |\n",
            hh_config_groups[group].name, hh_config_groups[group].about);
        for (size_t i = 0; i < HH_CONFIG_COUNT; i++)
            if (strcmp(hh_config_table[i].group, hh_config_groups[group].name) == 0)
                put_page_option(out, &hh_config_table[i], hh_settings_config(defaults));
    }
    hh_settings_free(defaults);
    fputs("\n## Kafka properties that are refused\n\n"
          "`kafka.properties` go to librdkafka as they are "
          "([its list](https://github.com/confluentinc/librdkafka/blob/v2.0.2/CONFIGURATION.md)), but for "
          "these:\n\n"
          "| property | why |\n| --- | --- |\n",
          out);
    size_t count;
    const hh_kafka_refusal *refusals = hh_kafka_refusals(&count);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "| `%s` | ", refusals[i].property);
        put_cell(out, refusals[i].reason);
        fputs(" |\n", out);
    }
}

// ---- docs/metrics.md ----

static const char metrics_head[] =
    "# Metrics\n"
    "\n"
    "This page is made by `hiphopd --print-docs metrics` from the table in `daemon/metrics.h`.\n"
    "\n"
    "`http.listen` serves `/metrics` in the Prometheus text format 0.0.4. Counters begin at 0 when the "
    "process\n"
    "starts; a gauge that nothing is known of is absent. The label `partition` is a partition of the clicks\n"
    "topic that this instance has now. Times are in seconds. docs/operations.md has queries and alert "
    "rules.\n"
    "\n"
    "| metric | type | labels | |\n"
    "| --- | --- | --- | --- |\n";

void hh_print_metrics_page(FILE *out)
{
    fputs(metrics_head, out);
    for (hh_metric metric = 0; metric < HH_METRIC_COUNT; metric++) {
        const hh_metric_row *row = &hh_metric_rows[metric];
        fprintf(out, "| `%s` | %s | ", row->name, hh_metric_type(metric));
        if (row->label[0] != '\0')
            fprintf(out, "`%s`", row->label);
        if (metric != HH_METRIC_BUILD) // its value changes with every release
            for (const char *value = row->values, *before = ": "; *value; before = ", ") {
                size_t length = strcspn(value, "|");
                fprintf(out, "%s%.*s", before, (int)length, value);
                value += length + (value[length] == '|');
            }
        fputs(" | ", out);
        put_cell(out, row->help);
        fputs(" |\n", out);
    }
    fputs("\n## Dead letters by reason\n\n"
          "The reason stands in the metrics and in the dead letter's header\n"
          "`__connect.errors.exception.class.name`; `__connect.errors.exception.message` has the "
          "particulars.\n\n"
          "| reason | |\n| --- | --- |\n",
          out);
    for (hh_dead_letter reason = 0; reason < HH_DEAD_LETTER_COUNT; reason++)
        fprintf(out, "| `%s` | %s |\n", hh_dead_letter_word(reason), hh_dead_letter_meaning(reason));
}
