// Values of options as text and back.
#include "values.h"

#include "wire/duration.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hh_kept {
    hh_kept *next;
    max_align_t bytes[];
};

void hh_kept_free(hh_kept *kept)
{
    while (kept) {
        hh_kept *next = kept->next;
        free(kept);
        kept = next;
    }
}

static void *keep(hh_kept **kept, size_t size)
{
    hh_kept *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->next = *kept;
    *kept = block;
    return block->bytes;
}

static char *keep_text(hh_kept **kept, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = keep(kept, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void *member(const hh_config_option *option, const hh_config *config)
{
    return (char *)(uintptr_t)config + option->offset;
}

// ---- numbers and durations ----

static void print_limit(const hh_config_option *option, double number, char *text, size_t size)
{
    if (option->kind == HH_KIND_DURATION || option->kind == HH_KIND_DURATIONS)
        hh_duration_print((hh_time)number, text, size);
    else
        snprintf(text, size, "%.10g", number);
}

static hh_status check_range(const hh_config_option *option, double number, const char *text, hh_error *error)
{
    if (option->limit.kind != HH_LIMIT_BETWEEN ||
        (number >= option->limit.low && number <= option->limit.high))
        return HH_OK;
    char low[32], high[32];
    print_limit(option, option->limit.low, low, sizeof low);
    print_limit(option, option->limit.high, high, sizeof high);
    return hh_fail(error, HH_ARGUMENT, "%s is out of range; it may be %s to %s", text, low, high);
}

static hh_status parse_durations(const hh_config_option *option, const char *text, hh_time *durations,
                                 size_t count, hh_error *error)
{
    const char *rest = text;
    for (size_t i = 0; i < count; i++) {
        if (!hh_duration_read(rest, &durations[i], &rest)) {
            if (count == 1)
                return hh_fail(error, HH_FORMAT, "\"%.200s\" is not a duration; write 30m, 1h or 500ms",
                               text);
            return hh_fail(error, HH_FORMAT,
                           "\"%.200s\" is not a list of %zu durations; write them like 5m,1h,8h", text,
                           count);
        }
        hh_status status = check_range(option, (double)durations[i], text, error);
        if (status != HH_OK)
            return status;
        if (*rest != (i + 1 < count ? ',' : '\0'))
            return hh_fail(error, HH_FORMAT, "\"%.200s\" does not hold %zu duration%s", text, count,
                           count == 1 ? "" : "s");
        rest += i + 1 < count;
    }
    return HH_OK;
}

static hh_status parse_number(const hh_config_option *option, const char *text, double *number,
                              hh_error *error)
{
    const char *end;
    *number = hh_number_read(text, &end);
    if (end == text || *end != '\0')
        return hh_fail(error, HH_FORMAT, "\"%.200s\" is not a number", text);
    if (option->kind == HH_KIND_COUNT && *number != floor(*number))
        return hh_fail(error, HH_FORMAT, "%.200s is not a whole number", text);
    return check_range(option, *number, text, error);
}

// ---- words and names ----

static hh_status parse_choice(const hh_config_option *option, const char *text, int *choice, hh_error *error)
{
    int number = 0;
    size_t length = strlen(text);
    for (const char *word = option->limit.choices; word; number++) {
        const char *bar = strchr(word, '|');
        if ((bar ? (size_t)(bar - word) : strlen(word)) == length && memcmp(word, text, length) == 0) {
            __atomic_store_n(choice, number, __ATOMIC_RELAXED);
            return HH_OK;
        }
        word = bar ? bar + 1 : NULL;
    }
    char words[128];
    hh_value_describe(option, words, sizeof words);
    return hh_fail(error, HH_FORMAT, "\"%.200s\" is not one of %s", text, words);
}

static const char *choice_word(const hh_config_option *option, int choice, int *length)
{
    const char *word = option->limit.choices;
    for (; choice > 0; choice--)
        word = strchr(word, '|') + 1;
    *length = (int)strcspn(word, "|");
    return word;
}

#define TOPIC_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// What Kafka takes as a topic's name.
static hh_status check_topic(const hh_config_option *option, const char *text, hh_error *error)
{
    size_t length = strlen(text);
    if (length == 0)
        return option->limit.kind == HH_LIMIT_TOPIC_OR_NONE
                   ? HH_OK
                   : hh_fail(error, HH_FORMAT, "hiphopd cannot do without this topic; name it");
    if (length > 249 || strspn(text, TOPIC_LETTERS) != length || strcmp(text, ".") == 0 ||
        strcmp(text, "..") == 0)
        return hh_fail(
            error, HH_FORMAT,
            "\"%.250s\" is no name of a topic; letters, digits, '.', '_' and '-' make one, at most 249",
            text);
    return HH_OK;
}

static hh_status parse_text(const hh_config_option *option, const char *text, const char **value,
                            hh_kept **kept, hh_error *error)
{
    if (option->limit.kind == HH_LIMIT_TOPIC || option->limit.kind == HH_LIMIT_TOPIC_OR_NONE) {
        hh_status status = check_topic(option, text, error);
        if (status != HH_OK)
            return status;
    }
    const char *copy = keep_text(kept, text);
    if (!copy)
        return hh_fail(error, HH_MEMORY, NULL);
    *value = copy;
    return HH_OK;
}

static hh_status add_to_list(const char *text, hh_list *list, hh_kept **kept, hh_error *error)
{
    if (text[0] == '\0')
        return HH_OK;
    const char **items = keep(kept, (list->count + 1) * sizeof *items);
    const char *copy = keep_text(kept, text);
    if (!items || !copy)
        return hh_fail(error, HH_MEMORY, NULL);
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = copy;
    *list = (hh_list){items, list->count + 1};
    return HH_OK;
}

static hh_status parse_switch(const char *text, bool *value, hh_error *error)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return hh_fail(error, HH_FORMAT, "\"%.200s\" is neither true nor false", text);
    *value = text[0] == 't';
    return HH_OK;
}

// ---- the ways in and out ----

// Threads may be reading a member that SIGHUP changes: single values are stored at once.
hh_status hh_value_parse(const hh_config_option *option, const char *text, hh_config *config, hh_kept **kept,
                         hh_error *error)
{
    void *value = member(option, config);
    double number = 0;
    hh_time durations[8];
    size_t count = option->size / sizeof *durations;
    hh_status status = HH_ARGUMENT;
    switch (option->kind) {
    case HH_KIND_TEXT:
        return parse_text(option, text, value, kept, error);
    case HH_KIND_LIST:
        return add_to_list(text, value, kept, error);
    case HH_KIND_SWITCH:
        return parse_switch(text, value, error);
    case HH_KIND_CHOICE:
        return parse_choice(option, text, value, error);
    case HH_KIND_COUNT:
        status = parse_number(option, text, &number, error);
        if (status == HH_OK)
            __atomic_store_n((uint32_t *)value, (uint32_t)number, __ATOMIC_RELAXED);
        return status;
    case HH_KIND_REAL:
        status = parse_number(option, text, &number, error);
        if (status == HH_OK)
            memcpy(value, &number, sizeof number);
        return status;
    case HH_KIND_DURATION:
    case HH_KIND_DURATIONS:
        status = parse_durations(option, text, durations, count, error);
        for (size_t i = 0; status == HH_OK && i < count; i++)
            __atomic_store_n((hh_time *)value + i, durations[i], __ATOMIC_RELAXED);
        return status;
    }
    return status;
}

static void print_list(const hh_list *list, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < list->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "," : "", list->items[i]);
}

void hh_value_print(const hh_config_option *option, const hh_config *config, char *text, size_t size)
{
    const void *value = member(option, config);
    int length;
    switch (option->kind) {
    case HH_KIND_TEXT:
        snprintf(text, size, "%s", *(const char *const *)value);
        break;
    case HH_KIND_LIST:
        print_list(value, text, size);
        break;
    case HH_KIND_SWITCH:
        snprintf(text, size, "%s", *(const bool *)value ? "true" : "false");
        break;
    case HH_KIND_COUNT:
        snprintf(text, size, "%u", *(const uint32_t *)value);
        break;
    case HH_KIND_REAL:
        snprintf(text, size, "%.10g", *(const double *)value);
        break;
    case HH_KIND_CHOICE: {
        const char *word = choice_word(option, *(const int *)value, &length);
        snprintf(text, size, "%.*s", length, word);
        break;
    }
    case HH_KIND_DURATION:
        hh_duration_print(*(const hh_time *)value, text, size);
        break;
    case HH_KIND_DURATIONS:
        for (size_t i = 0, used = 0; i < option->size / sizeof(hh_time) && used < size; i++) {
            char one[32];
            hh_duration_print(((const hh_time *)value)[i], one, sizeof one);
            used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "," : "", one);
        }
        break;
    }
}

static const char *kind_word(hh_config_kind kind)
{
    switch (kind) {
    case HH_KIND_TEXT:
        return "text";
    case HH_KIND_LIST:
        return "list of texts";
    case HH_KIND_SWITCH:
        return "true or false";
    case HH_KIND_COUNT:
        return "whole number";
    case HH_KIND_REAL:
        return "number";
    case HH_KIND_DURATION:
        return "duration";
    case HH_KIND_DURATIONS:
        return "list of durations";
    case HH_KIND_CHOICE:
        return "word";
    }
    return "";
}

void hh_value_describe(const hh_config_option *option, char *text, size_t size)
{
    char low[32], high[32];
    switch (option->limit.kind) {
    case HH_LIMIT_ANY:
        snprintf(text, size, "%s", kind_word(option->kind));
        break;
    case HH_LIMIT_TOPIC:
        snprintf(text, size, "name of a topic");
        break;
    case HH_LIMIT_TOPIC_OR_NONE:
        snprintf(text, size, "name of a topic, or empty");
        break;
    case HH_LIMIT_BETWEEN:
        print_limit(option, option->limit.low, low, sizeof low);
        print_limit(option, option->limit.high, high, sizeof high);
        snprintf(text, size, "%s, %s to %s%s%s", kind_word(option->kind), low, high,
                 option->limit.unit[0] ? " " : "", option->limit.unit);
        break;
    case HH_LIMIT_ONE_OF:
        for (size_t used = 0, number = 0; used + 1 < size; number++) {
            const char *word = option->limit.choices;
            for (size_t i = 0; i < number && word; i++) {
                word = strchr(word, '|');
                word = word ? word + 1 : NULL;
            }
            if (!word)
                break;
            const char *next = strchr(word, '|');
            used += (size_t)snprintf(text + used, size - used, "%s%.*s",
                                     number == 0 ? ""
                                     : next      ? ", "
                                                 : " or ",
                                     (int)strcspn(word, "|"), word);
        }
        break;
    }
}

bool hh_value_equal(const hh_config_option *option, const hh_config *a, const hh_config *b)
{
    const void *left = member(option, a), *right = member(option, b);
    if (option->kind == HH_KIND_TEXT)
        return strcmp(*(const char *const *)left, *(const char *const *)right) == 0;
    if (option->kind == HH_KIND_LIST) {
        const hh_list *first = left, *second = right;
        bool same = first->count == second->count;
        for (size_t i = 0; same && i < first->count; i++)
            same = strcmp(first->items[i], second->items[i]) == 0;
        return same;
    }
    return memcmp(left, right, option->size) == 0;
}

void hh_value_clear(const hh_config_option *option, hh_config *config)
{
    *(hh_list *)member(option, config) = (hh_list){NULL, 0};
}
