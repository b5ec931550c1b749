#include "log_input.h"
#include <hiphop/click_file.h>
#include <hiphop/session.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static hh_status read_all(hh_click_file *file, hh_log *log, hh_error *error)
{
    for (;;) {
        hh_click_row row;
        bool end;
        hh_status status = hh_click_file_next(file, &row, &end, error);
        if (status != HH_OK)
            return status;
        if (end)
            return hh_log_finish(log, error);
        status = hh_log_add(log, row.visitor, row.visitor_length, row.item, row.item_length, row.time, error);
        if (status != HH_OK)
            return status;
    }
}

hh_log_options cli_log_defaults(void)
{
    hh_sessionizer_options sessions = hh_sessionizer_defaults();
    return (hh_log_options){
        .gap = sessions.gap, .max_duration = sessions.max_duration, .max_clicks = sessions.max_clicks};
}

bool cli_log_option(cli_args *args, const char *text, hh_log_options *options)
{
    const char *name = args->row->name;
    uint64_t count;
    if (strcmp(name, "gap") == 0)
        return cli_duration(args, text, &options->gap);
    if (strcmp(name, "lateness") == 0)
        return cli_duration(args, text, &options->lateness);
    if (strcmp(name, "max-duration") == 0)
        return cli_duration(args, text, &options->max_duration);
    if (!cli_count(args, text, 1, 100000, &count))
        return false;
    options->max_clicks = (uint32_t)count;
    return true;
}

hh_log *cli_read_log(cli_args *args, const char *path, const hh_log_options *options)
{
    hh_error error = {0};
    hh_status status = HH_OK;
    hh_log *log = hh_log_new(options, &error);
    hh_click_file *file = log ? hh_click_file_open(path, &error) : NULL;
    status = file ? read_all(file, log, &error) : error.status;
    hh_click_file_close(file);
    hh_log_stats stats = {0};
    if (status == HH_OK) {
        hh_log_stats_read(log, &stats);
        if (stats.clicks > 0) {
            if (stats.late > 0)
                fprintf(stderr,
                        "hiphop %s: %llu of %llu clicks came too late and are left out; put the file in time "
                        "order, or allow for it with --lateness\n",
                        args->command->name, (unsigned long long)stats.late,
                        (unsigned long long)(stats.late + stats.clicks));
            return log;
        }
        hh_fail(&error, HH_FORMAT, "%s: there is no click in it", path);
    }
    hh_log_free(log);
    cli_failure(args, "%s", error.message);
    return NULL;
}

// The log of the sessions before `end`, the last tenth of them as its test.
static hh_log *last_tenth(const hh_sessions *sessions, uint32_t end, hh_error *error)
{
    return hh_log_of_sessions(sessions, end - (end + 9) / 10, end, error);
}

hh_log *cli_read_sessions(cli_args *args, const char *train, const char *test, hh_log **tuning,
                          item_sources *sources)
{
    hh_error error = {0};
    hh_sessions_view view = {0};
    hh_log *log = NULL, *held_out = NULL;
    hh_sessions *sessions = hh_sessions_new(&error);
    hh_status status = sessions ? hh_sessions_read(sessions, train, &error) : error.status;
    if (status == HH_OK) {
        hh_sessions_view_read(sessions, &view);
        if (view.sessions < 2)
            status =
                hh_fail(&error, HH_FORMAT, "%s: %u sessions are too few to learn from", train, view.sessions);
    }
    uint32_t taught = view.sessions;
    if (status == HH_OK && test) {
        status = hh_sessions_read(sessions, test, &error);
        hh_sessions_view_read(sessions, &view);
        if (status == HH_OK && view.sessions == taught)
            status = hh_fail(&error, HH_FORMAT, "%s: there is no session in it", test);
    }
    if (status == HH_OK)
        log = test ? hh_log_of_sessions(sessions, taught, view.sessions, &error)
                   : last_tenth(sessions, taught, &error);
    if (log && tuning)
        held_out = last_tenth(sessions, taught, &error);
    bool read = log != NULL;
    if (read && sources) {
        item_ids ids = item_ids_of_sessions(sessions);
        read = item_sources_read(sources, &ids, false, &error) == HH_OK;
    }
    hh_sessions_free(sessions);
    if (!read || (tuning && !held_out)) {
        hh_log_free(log);
        hh_log_free(held_out);
        cli_failure(args, "%s", error.message);
        return NULL;
    }
    if (tuning)
        *tuning = held_out;
    return log;
}

static bool set_one(cli_args *args, const hh_setting *setting, const char *text, cli_settings *settings)
{
    hh_time duration = 0;
    uint64_t count = 0;
    double number = 0;
    bool good = false;
    switch (setting->kind) {
    case HH_SETTING_DURATION:
        good = cli_duration(args, text, &duration);
        number = (double)duration;
        if (good && (number < setting->low || number > setting->high)) {
            good = false;
            cli_usage_error(args, "--%s: %s=%s is out of range", args->row->name, setting->name, text);
        }
        break;
    case HH_SETTING_COUNT:
        good = cli_count(args, text, (uint64_t)setting->low, (uint64_t)setting->high, &count);
        number = (double)count;
        break;
    case HH_SETTING_NUMBER:
        good = cli_number(args, text, setting->low, setting->high, &number);
        break;
    }
    if (good)
        settings->values[settings->count++] = (hh_setting_value){setting->name, number};
    return good;
}

// "a,b,c" for name[0], name[1], name[2].
static bool set_list(cli_args *args, const char *name, const char *text, cli_settings *settings)
{
    for (int i = 0;; i++) {
        char element[80], value[64];
        snprintf(element, sizeof element, "%s[%d]", name, i);
        const hh_setting *setting = hh_setting_find(element);
        size_t length = strcspn(text, ",");
        if (!setting && i == 0) {
            cli_usage_error(args, "--%s: there is no setting '%s'; hiphop evaluate --list prints them all",
                            args->row->name, name);
            return false;
        }
        if (!setting || length >= sizeof value) {
            cli_usage_error(args, "--%s: %s takes %d values, separated by commas", args->row->name, name, i);
            return false;
        }
        memcpy(value, text, length);
        value[length] = '\0';
        if (!set_one(args, setting, value, settings))
            return false;
        bool end = text[length] == '\0';
        snprintf(element, sizeof element, "%s[%d]", name, i + 1);
        if (end && !hh_setting_find(element))
            return true;
        if (end) {
            cli_usage_error(args, "--%s: %s takes more than %d values, separated by commas", args->row->name,
                            name, i + 1);
            return false;
        }
        text += length + 1;
    }
}

bool cli_setting(cli_args *args, const char *text, cli_settings *settings)
{
    const char *equals = strchr(text, '=');
    char name[64];
    if (!equals || (size_t)(equals - text) >= sizeof name) {
        cli_usage_error(args, "--%s: '%s' is not NAME=VALUE", args->row->name, text);
        return false;
    }
    if (settings->count + CLI_LIST_MAX > CLI_SETTINGS) {
        cli_usage_error(args, "--%s is given too often", args->row->name);
        return false;
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    const hh_setting *setting = hh_setting_find(name);
    return setting ? set_one(args, setting, equals + 1, settings)
                   : set_list(args, name, equals + 1, settings);
}

double cli_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}
