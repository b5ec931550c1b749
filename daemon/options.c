// The option table as data, and looking names up in it.
#include "options.h"

#include <string.h>

// A row whose KIND is not that of the struct's member must not compile.
#define KIND_OF(member) \
    _Generic((member),                                                                                       \
        const char *: HH_KIND_TEXT,                                                                          \
        hh_list: HH_KIND_LIST,                                                                               \
        bool: HH_KIND_SWITCH,                                                                                \
        uint32_t: HH_KIND_COUNT,                                                                             \
        double: HH_KIND_REAL,                                                                                \
        hh_time: HH_KIND_DURATION,                                                                           \
        hh_time *: HH_KIND_DURATIONS,                                                                        \
        int: HH_KIND_CHOICE)
#define CHECK_KIND(group, field, kind, ...) \
    _Static_assert(KIND_OF(((hh_config *)0)->group.field) == HH_KIND_##kind, #group "." #field);
HH_OPTIONS(CHECK_KIND)

#define ANY                      .limit = {.kind = HH_LIMIT_ANY}
#define BETWEEN(low_, high_, of) .limit = {HH_LIMIT_BETWEEN, (double)(low_), (double)(high_), of, NULL}
#define ONE_OF(words)            .limit = {.kind = HH_LIMIT_ONE_OF, .choices = words}
#define TOPIC                    .limit = {.kind = HH_LIMIT_TOPIC}
#define TOPIC_OR_NONE            .limit = {.kind = HH_LIMIT_TOPIC_OR_NONE}
#define LIBRARY                  NULL
#define RESTART                  false
#define RELOAD                   true

#define ROW(group_, field_, kind_, initial_, limits_, when_, why_) \
    {.name = #group_ "." #field_,                                  \
     .group = #group_,                                             \
     .field = #field_,                                             \
     .kind = HH_KIND_##kind_,                                      \
     .offset = offsetof(hh_config, group_.field_),                 \
     .size = sizeof((hh_config *)0)->group_.field_,                \
     .initial = initial_,                                          \
     limits_,                                                      \
     .reload = when_,                                              \
     .why = why_},

const hh_config_option hh_config_table[HH_CONFIG_COUNT] = {HH_OPTIONS(ROW)};

#define GROUP_ROW(name_, about_) {#name_, about_},
const hh_config_group hh_config_groups[HH_GROUP_COUNT] = {HH_GROUPS(GROUP_ROW)};

const hh_config_option *hh_config_find(const char *name)
{
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++)
        if (strcmp(hh_config_table[i].name, name) == 0)
            return &hh_config_table[i];
    return NULL;
}

#define NAME_MAX_LENGTH 64

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

// Letters to insert, delete or change to make b out of a (Levenshtein); names are short.
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LENGTH + 1], columns = strlen(b);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[columns];
}

static bool near_enough(size_t far, const char *name)
{
    return far <= 2 || far * 3 <= strlen(name);
}

const hh_config_option *hh_config_nearest(const char *name)
{
    if (strlen(name) > NAME_MAX_LENGTH)
        return NULL;
    const char *dot = strrchr(name, '.');
    const char *field = dot ? dot + 1 : name;
    const hh_config_option *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < HH_CONFIG_COUNT; i++) {
        // The right field in the wrong group ("kafka.workers", "workers") is nearer than any misspelling.
        size_t far =
            strcmp(field, hh_config_table[i].field) == 0 ? 1 : distance(name, hh_config_table[i].name);
        if (far < least) {
            least = far;
            nearest = &hh_config_table[i];
        }
    }
    return near_enough(least, name) ? nearest : NULL;
}

const hh_config_group *hh_config_group_nearest(const char *name)
{
    if (strlen(name) > NAME_MAX_LENGTH)
        return NULL;
    const hh_config_group *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < HH_GROUP_COUNT; i++) {
        size_t far = distance(name, hh_config_groups[i].name);
        if (far < least) {
            least = far;
            nearest = &hh_config_groups[i];
        }
    }
    return near_enough(least, name) ? nearest : NULL;
}
