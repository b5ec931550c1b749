// Small random logs for the tests of evaluation: sessions with something to learn in them, seeded.
#ifndef SMALL_LOG_H
#define SMALL_LOG_H

#include <criterion/criterion.h>
#include <hiphop/evaluate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct small_click {
    uint32_t visitor, item;
    hh_time time;
} small_click;

static inline uint32_t small_random(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

// `count` clicks at rising times, a few seconds apart; from a click on item i, people like to go on to a few
// items near 3 i, and some come back to where they were.
static inline void small_clicks(small_click *clicks, size_t count, uint32_t visitors, uint32_t items,
                                uint64_t seed)
{
    uint32_t *last = calloc(visitors, sizeof *last);
    cr_assert_not_null(last);
    hh_time time = 1000000;
    for (size_t i = 0; i < count; i++) {
        time += 1 + small_random(&seed, 20000);
        uint32_t visitor = small_random(&seed, visitors), mood = small_random(&seed, 10);
        uint32_t item = mood < 6   ? (3 * last[visitor] + small_random(&seed, 3)) % items
                        : mood < 7 ? last[visitor]
                                   : small_random(&seed, items);
        last[visitor] = item;
        clicks[i] = (small_click){visitor, item, time};
    }
    free(last);
}

static inline hh_log *small_log(const small_click *clicks, size_t count, hh_time gap, hh_time lateness)
{
    hh_error error = {0};
    hh_log *log = hh_log_new(&(hh_log_options){.gap = gap, .lateness = lateness}, &error);
    cr_assert_not_null(log, "%s", error.message);
    for (size_t i = 0; i < count; i++) {
        char visitor[16], item[16];
        int visitor_length = snprintf(visitor, sizeof visitor, "v%u", clicks[i].visitor);
        int item_length = snprintf(item, sizeof item, "%05u", clicks[i].item);
        hh_status status = hh_log_add(log, visitor, (size_t)visitor_length, item, (size_t)item_length,
                                      clicks[i].time, &error);
        cr_assert_eq(status, HH_OK, "%s", error.message);
    }
    cr_assert_eq(hh_log_finish(log, &error), HH_OK, "%s", error.message);
    return log;
}

// ---- all lists of a run, to be compared ----

typedef struct kept_list {
    const char *model;
    uint64_t visitor;
    hh_time session_start, as_of;
    uint32_t position, count, target, rank;
    uint32_t items[HH_LIST];
} kept_list;

typedef struct kept_lists {
    kept_list *lists;
    size_t count, room;
} kept_lists;

static inline void keep_list(void *context, const hh_observation *seen)
{
    kept_lists *kept = context;
    if (kept->count == kept->room) {
        kept->room = 2 * kept->room + 256;
        kept->lists = realloc(kept->lists, kept->room * sizeof *kept->lists);
        cr_assert_not_null(kept->lists);
    }
    kept_list *list = &kept->lists[kept->count++];
    *list = (kept_list){.model = seen->model,
                        .visitor = seen->visitor,
                        .session_start = seen->session_start,
                        .as_of = seen->as_of,
                        .position = seen->position,
                        .count = seen->count,
                        .target = seen->target,
                        .rank = seen->rank};
    memcpy(list->items, seen->items, seen->count * sizeof *list->items);
}

static inline void ignore_result(void *context, const hh_result *result)
{
    (void)context;
    (void)result;
}

// Runs the models (NULL: all) and keeps their lists; free(kept.lists).
static inline kept_lists small_run(const hh_log *log, hh_evaluate_options options, const char *model)
{
    const char *models[64];
    size_t count = 0;
    const hh_model_info *info;
    for (size_t i = 0; (info = hh_evaluate_model(i)) && count < 64; i++)
        if (!model || strcmp(info->name, model) == 0)
            models[count++] = info->name;
    kept_lists kept = {0};
    options.observe = keep_list;
    options.observe_context = &kept;
    hh_error error = {0};
    cr_assert_eq(hh_evaluate(log, &options, models, count, ignore_result, NULL, &error), HH_OK, "%s",
                 error.message);
    return kept;
}

static inline bool same_list(const kept_list *a, const kept_list *b)
{
    return strcmp(a->model, b->model) == 0 && a->visitor == b->visitor &&
           a->session_start == b->session_start && a->as_of == b->as_of && a->position == b->position &&
           a->count == b->count && a->target == b->target && a->rank == b->rank &&
           memcmp(a->items, b->items, a->count * sizeof *a->items) == 0;
}

#endif
