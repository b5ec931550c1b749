// Reads settings from their sources; see settings.h.
#include "settings.h"

#include "rules.h"
#include "values.h"
#include <ctype.h>
#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 160, SENTENCE_SIZE = 1024 };

typedef struct source { // a file, or an assignment of --set
    bool file;
    char *text;
} source;

typedef struct origin { // of a value; file NULL: the default
    const char *file;   // of the sources, or of libconfig's tree copied into `names`
    unsigned line;      // 0: --set
} origin;

struct hh_settings {
    hh_config config;
    hh_kept *kept;
    origin origins[HH_CONFIG_COUNT];
    source *sources;
    size_t source_count;
    char *names[64]; // of files that values stand in, includes too
    size_t name_count;
};

// One reading, with whom it reports to.
typedef struct reading {
    hh_settings *settings;
    hh_say *complain;
    void *context;
    bool failed;
} reading;

hh_settings *hh_settings_new(void)
{
    hh_settings *settings = calloc(1, sizeof *settings);
    if (!settings)
        return NULL;
    settings->config.session = hh_sessionizer_defaults();
    settings->config.graph = hh_graph_defaults();
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++)
        if (hh_config_table[i].initial && hh_value_parse(&hh_config_table[i], hh_config_table[i].initial,
                                                         &settings->config, &settings->kept, NULL) != HH_OK) {
            hh_settings_free(settings);
            return NULL;
        }
    return settings;
}

void hh_settings_free(hh_settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->source_count; i++)
        free(settings->sources[i].text);
    for (size_t i = 0; i < settings->name_count; i++)
        free(settings->names[i]);
    free(settings->sources);
    hh_kept_free(settings->kept);
    free(settings);
}

const hh_config *hh_settings_config(const hh_settings *settings)
{
    return &settings->config;
}

void hh_settings_place(const hh_settings *settings, const hh_config_option *option, char *text, size_t size)
{
    const origin *from = &settings->origins[option - hh_config_table];
    if (from->file && from->line > 0)
        snprintf(text, size, "%s:%u: %s", from->file, from->line, option->name);
    else
        snprintf(text, size, "%s%s", from->file ? "--set " : "", option->name);
}

static void complain(reading *in, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(reading *in, const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    for (char *c = sentence; *c; c++) // what is quoted must not break out of its line
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    in->failed = true;
    in->complain(in->context, sentence);
}

static hh_status outcome(const reading *in)
{
    return in->failed ? HH_ARGUMENT : HH_OK;
}

// Notes the source, so that SIGHUP can read it again.
static bool remember(reading *in, bool file, const char *text)
{
    hh_settings *settings = in->settings;
    source *more = realloc(settings->sources, (settings->source_count + 1) * sizeof *more);
    char *copy = strdup(text);
    if (more)
        settings->sources = more;
    if (!more || !copy) {
        free(copy);
        complain(in, "%s: out of memory", text);
        return false;
    }
    more[settings->source_count++] = (source){file, copy};
    return true;
}

// The name in memory that outlives libconfig's tree; "?" when there is no more room for it.
static const char *file_name(hh_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->name_count; i++)
        if (strcmp(settings->names[i], name) == 0)
            return settings->names[i];
    char *copy =
        settings->name_count < sizeof settings->names / sizeof *settings->names ? strdup(name) : NULL;
    if (!copy)
        return "?";
    return settings->names[settings->name_count++] = copy;
}

// ---- the file ----

static const char *where(const config_setting_t *setting)
{
    const char *file = config_setting_source_file(setting);
    return file ? file : "?";
}

// libconfig keeps but 32 bits of a whole number that has no L at its end. Whether the setting's is what its
// line says; text: what it is, or else what was written.
static bool is_as_written(const config_setting_t *setting, char *text, size_t size)
{
    int value = config_setting_get_int(setting);
    const char *name = config_setting_name(setting), *file = config_setting_source_file(setting);
    char line[1024] = "";
    snprintf(text, size, "%d", value);
    FILE *stream = file && name ? fopen(file, "r") : NULL;
    for (unsigned left = config_setting_source_line(setting); stream && left > 0; left--)
        if (!fgets(line, sizeof line, stream))
            line[0] = '\0';
    if (stream)
        fclose(stream);
    bool as_written = true;
    for (const char *at = stream ? strstr(line, name) : NULL; at; at = strstr(at, name)) {
        bool whole = at == line || !(isalnum((unsigned char)at[-1]) || strchr("_-*", at[-1]));
        at += strlen(name);
        const char *number = at + strspn(at, " \t=:");
        size_t length = strspn(number, "+-0123456789");
        if (!whole || number == at || length == 0 || length >= size || strchr("xX", number[length]))
            continue;
        if (strtoll(number, NULL, 10) == value) // there may be two of the name in one line
            return true;
        snprintf(text, size, "%.*s", (int)length, number);
        as_written = false;
    }
    return as_written;
}

// A scalar of libconfig as text, for hh_value_parse. What is written there must have the option's type: 20
// for a number, "20" for a text.
static bool scalar_text(reading *in, const hh_config_option *option, const config_setting_t *setting,
                        char *buffer, size_t size, const char **text)
{
    bool number = option->kind == HH_KIND_COUNT || option->kind == HH_KIND_REAL;
    *text = buffer;
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        *text = config_setting_get_string(setting);
        if (!number && option->kind != HH_KIND_SWITCH)
            return true;
        complain(in, "%s:%u: %s: \"%.200s\" is a text; write it without quotes", where(setting),
                 config_setting_source_line(setting), option->name, *text);
        return false;
    case CONFIG_TYPE_INT:
        if (!is_as_written(setting, buffer, size)) {
            complain(in, "%s:%u: %s: a number as large as %s needs an L at its end: %sL", where(setting),
                     config_setting_source_line(setting), option->name, buffer, buffer);
            return false;
        }
        break;
    case CONFIG_TYPE_INT64:
        snprintf(buffer, size, "%lld", config_setting_get_int64(setting));
        break;
    case CONFIG_TYPE_FLOAT:
        snprintf(buffer, size, "%.17g", config_setting_get_float(setting));
        break;
    case CONFIG_TYPE_BOOL:
        snprintf(buffer, size, "%s", config_setting_get_bool(setting) ? "true" : "false");
        break;
    default:
        complain(in, "%s:%u: %s: this is one value, not a group or a list", where(setting),
                 config_setting_source_line(setting), option->name);
        return false;
    }
    // 0 is a duration too, any other number lacks its unit, which hh_value_parse says.
    if ((option->kind == HH_KIND_TEXT || option->kind == HH_KIND_LIST || option->kind == HH_KIND_CHOICE)) {
        complain(in, "%s:%u: %s: %s is not a text; write it in quotes", where(setting),
                 config_setting_source_line(setting), option->name, buffer);
        return false;
    }
    return true;
}

static void take_text(reading *in, const hh_config_option *option, const config_setting_t *setting,
                      const char *text)
{
    hh_settings *settings = in->settings;
    hh_error error;
    if (hh_value_parse(option, text, &settings->config, &settings->kept, &error) != HH_OK)
        complain(in, "%s:%u: %s: %s", where(setting), config_setting_source_line(setting), option->name,
                 error.message);
    settings->origins[option - hh_config_table] =
        (origin){file_name(settings, where(setting)), config_setting_source_line(setting)};
}

static void take_list(reading *in, const hh_config_option *option, config_setting_t *setting)
{
    hh_value_clear(option, &in->settings->config);
    for (int i = 0; i < config_setting_length(setting); i++) {
        config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        char buffer[64];
        const char *text;
        if (scalar_text(in, option, item, buffer, sizeof buffer, &text))
            take_text(in, option, item, text);
    }
}

// ["5m", "1h", "8h"], put together as --set would have it; "5m,1h,8h" does as well.
static void take_durations(reading *in, const hh_config_option *option, config_setting_t *setting)
{
    char joined[256] = "";
    size_t used = 0;
    for (int i = 0; i < config_setting_length(setting) && used < sizeof joined; i++) {
        char buffer[64];
        const char *text;
        if (!scalar_text(in, option, config_setting_get_elem(setting, (unsigned)i), buffer, sizeof buffer,
                         &text))
            return;
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s%s", i > 0 ? "," : "", text);
    }
    take_text(in, option, setting, joined);
}

static void take_option(reading *in, const hh_config_option *option, config_setting_t *setting)
{
    bool many = config_setting_is_list(setting) || config_setting_is_array(setting);
    char buffer[64];
    const char *text;
    if (many && option->kind == HH_KIND_LIST)
        take_list(in, option, setting);
    else if (many && option->kind == HH_KIND_DURATIONS)
        take_durations(in, option, setting);
    else if (option->kind == HH_KIND_LIST)
        complain(in, "%s:%u: %s: this is a list; write (\"...\", \"...\")", where(setting),
                 config_setting_source_line(setting), option->name);
    else if (scalar_text(in, option, setting, buffer, sizeof buffer, &text))
        take_text(in, option, setting, text);
}

static bool is_group(const char *name)
{
    for (size_t i = 0; i < HH_GROUP_COUNT; i++)
        if (strcmp(hh_config_groups[i].name, name) == 0)
            return true;
    return false;
}

static void unknown(reading *in, const char *place, const char *name)
{
    const hh_config_option *nearest = hh_config_nearest(name);
    if (nearest)
        complain(in, "%s%s: there is no such setting; did you mean %s?", place, name, nearest->name);
    else
        complain(in, "%s%s: there is no such setting; hiphopd --help lists them", place, name);
}

static void unknown_group(reading *in, const char *place, const char *name)
{
    const hh_config_group *nearest = hh_config_group_nearest(name);
    if (nearest)
        complain(in, "%s%s: there is no such group; did you mean %s?", place, name, nearest->name);
    else
        unknown(in, place, name);
}

// Groups nest no deeper than the table's names do: an unknown group is not entered.
static void take_group(reading *in, const char *prefix, config_setting_t *group)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        char name[NAME_SIZE], place[SENTENCE_SIZE / 2];
        snprintf(name, sizeof name, "%s%s%.100s", prefix, prefix[0] ? "." : "", config_setting_name(setting));
        snprintf(place, sizeof place, "%s:%u: ", where(setting), config_setting_source_line(setting));
        const hh_config_option *option = hh_config_find(name);
        bool group_here = config_setting_is_group(setting);
        if (option)
            take_option(in, option, setting);
        else if (is_group(name) && group_here)
            take_group(in, name, setting);
        else if (is_group(name))
            complain(in, "%s%s: this is a group; write %s: { name = value; }", place, name,
                     config_setting_name(setting));
        else if (group_here)
            unknown_group(in, place, name);
        else
            unknown(in, place, name);
    }
}

static hh_status read_file(reading *in, const char *path)
{
    struct stat status;
    // fopen() would take a directory, and libconfig would wait for ever for more of it.
    bool there = stat(path, &status) == 0, directory_there = there && S_ISDIR(status.st_mode);
    if (!there || directory_there || access(path, R_OK) != 0) {
        complain(in, "%s: can't be read: %s", path, directory_there ? "it is a directory" : strerror(errno));
        return HH_IO;
    }
    char directory[4096];
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");

    config_t tree;
    config_init(&tree);
    config_set_include_dir(&tree, directory);
    if (config_read_file(&tree, path) == CONFIG_TRUE) {
        take_group(in, "", config_root_setting(&tree));
    } else {
        const char *file = config_error_file(&tree);
        complain(in, "%s:%d: %s", file ? file : path, config_error_line(&tree), config_error_text(&tree));
    }
    config_destroy(&tree);
    return outcome(in);
}

hh_status hh_settings_read(hh_settings *settings, const char *path, hh_say *complain_to, void *context)
{
    reading in = {settings, complain_to, context, false};
    return remember(&in, true, path) ? read_file(&in, path) : HH_MEMORY;
}

// ---- --set ----

hh_status hh_settings_set(hh_settings *settings, const char *assignment, hh_say *complain_to, void *context)
{
    reading in = {settings, complain_to, context, false};
    const char *equals = strchr(assignment, '=');
    char name[NAME_SIZE];
    if (!remember(&in, false, assignment))
        return HH_MEMORY;
    if (!equals || equals == assignment) {
        complain(&in, "--set %.200s: write --set name=value", assignment);
        return HH_ARGUMENT;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    const hh_config_option *option = hh_config_find(name);
    hh_error error;
    if (!option)
        unknown(&in, "--set ", name);
    else if (hh_value_parse(option, equals + 1, &settings->config, &settings->kept, &error) != HH_OK)
        complain(&in, "--set %s: %s", name, error.message);
    else
        settings->origins[option - hh_config_table] = (origin){"--set", 0};
    return outcome(&in);
}

// ---- when all are read ----

static void finish_instance(reading *in)
{
    hh_settings *settings = in->settings;
    char host[256] = "";
    if (settings->config.instance.id[0] != '\0')
        return;
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') {
        complain(in, "instance.id: the host has no name; set instance.id");
        return;
    }
    if (hh_value_parse(hh_config_find("instance.id"), host, &settings->config, &settings->kept, NULL) !=
        HH_OK)
        complain(in, "instance.id: out of memory");
}

// key=value lines; what is wrong with a key is said where the properties are tried out, in rules.c.
static void read_properties(reading *in)
{
    hh_settings *settings = in->settings;
    const char *path = settings->config.kafka.properties_file;
    const hh_config_option *properties = hh_config_find("kafka.properties");
    if (path[0] == '\0')
        return;
    FILE *file = fopen(path, "re");
    if (!file) {
        char place[SENTENCE_SIZE / 2];
        hh_settings_place(settings, hh_config_find("kafka.properties_file"), place, sizeof place);
        complain(in, "%s: %.200s can't be read: %s", place, path, strerror(errno));
        return;
    }
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    for (unsigned number = 1; (length = getline(&line, &size, file)) >= 0; number++) {
        while (length > 0 && strchr(" \t\r\n", line[length - 1]))
            line[--length] = '\0';
        const char *text = line + strspn(line, " \t");
        if (text[0] == '\0' || text[0] == '#')
            continue;
        if (!strchr(text, '='))
            complain(in, "%s:%u: a line is key=value; this one has no '='", path, number);
        else if (hh_value_parse(properties, text, &settings->config, &settings->kept, NULL) != HH_OK)
            complain(in, "%s:%u: out of memory", path, number);
    }
    if (ferror(file))
        complain(in, "%s: can't be read: %s", path, strerror(errno));
    free(line);
    fclose(file);
}

hh_status hh_settings_finish(hh_settings *settings, hh_say *complain_to, void *context)
{
    reading in = {settings, complain_to, context, false};
    finish_instance(&in);
    read_properties(&in);
    hh_status rules = hh_rules_check(settings, complain_to, context);
    return in.failed ? HH_ARGUMENT : rules;
}

// ---- SIGHUP ----

static hh_settings *read_again(const hh_settings *settings, hh_say *complain_to, void *context)
{
    hh_settings *fresh = hh_settings_new();
    hh_status status = fresh ? HH_OK : HH_MEMORY;
    if (!fresh)
        complain_to(context, "the settings could not be read again: out of memory");
    for (size_t i = 0; fresh && i < settings->source_count; i++) {
        hh_status one = settings->sources[i].file
                            ? hh_settings_read(fresh, settings->sources[i].text, complain_to, context)
                            : hh_settings_set(fresh, settings->sources[i].text, complain_to, context);
        status = status == HH_OK ? one : status;
    }
    if (status == HH_OK)
        status = hh_settings_finish(fresh, complain_to, context);
    if (status != HH_OK) {
        hh_settings_free(fresh);
        return NULL;
    }
    return fresh;
}

hh_status hh_settings_reload(hh_settings *settings, hh_say *say, hh_say *complain_to, void *context)
{
    hh_settings *fresh = read_again(settings, complain_to, context);
    hh_status status = HH_OK;
    if (!fresh)
        return HH_ARGUMENT;
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        const hh_config_option *option = &hh_config_table[i];
        if (hh_value_equal(option, &settings->config, &fresh->config))
            continue;
        char was[HH_VALUE_SIZE], is[HH_VALUE_SIZE], sentence[2 * HH_VALUE_SIZE + NAME_SIZE];
        hh_value_print(option, &settings->config, was, sizeof was);
        hh_value_print(option, &fresh->config, is, sizeof is);
        if (option->reload) {
            hh_value_parse(option, is, &settings->config, &settings->kept, NULL);
            settings->origins[i] = (origin){NULL, 0};
            snprintf(sentence, sizeof sentence, "%s is now %s; it was %s", option->name, is, was);
            say(context, sentence);
        } else {
            // Values of the list may be passwords: they are never shown.
            if (option->kind == HH_KIND_LIST)
                snprintf(sentence, sizeof sentence,
                         "%s has changed, which takes a restart; it stays as it was", option->name);
            else
                snprintf(sentence, sizeof sentence, "%s = %.200s takes a restart; it stays %.200s",
                         option->name, is, was);
            complain_to(context, sentence);
            status = HH_ARGUMENT;
        }
    }
    hh_settings_free(fresh);
    return status;
}
