#include "shop_agenda.h"

#include <stdbool.h>
#include <stdlib.h>

static bool before(const task *one, const task *other)
{
    return one->time != other->time ? one->time < other->time : one->order < other->order;
}

hh_status agenda_note(struct agenda *agenda, hh_time time, uint32_t duty, uint32_t index)
{
    if (agenda->count == agenda->room) {
        uint32_t room = agenda->room ? 2 * agenda->room : 64;
        task *tasks = realloc(agenda->tasks, room * sizeof *tasks);
        if (!tasks)
            return HH_MEMORY;
        agenda->tasks = tasks;
        agenda->room = room;
    }
    task new = {time, agenda->orders++, duty, index};
    uint32_t at = agenda->count++;
    for (; at > 0 && before(&new, &agenda->tasks[(at - 1) / 2]); at = (at - 1) / 2)
        agenda->tasks[at] = agenda->tasks[(at - 1) / 2];
    agenda->tasks[at] = new;
    return HH_OK;
}

task agenda_next(struct agenda *agenda)
{
    task first = agenda->tasks[0], last = agenda->tasks[--agenda->count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < agenda->count; child = 2 * at + 1) {
        if (child + 1 < agenda->count && before(&agenda->tasks[child + 1], &agenda->tasks[child]))
            child++;
        if (!before(&agenda->tasks[child], &last))
            break;
        agenda->tasks[at] = agenda->tasks[child];
        at = child;
    }
    agenda->tasks[at] = last;
    return first;
}

void agenda_clear(struct agenda *agenda)
{
    free(agenda->tasks);
    *agenda = (struct agenda){0};
}

uint32_t pool_take(struct pool *pool)
{
    if (pool->frees == 0) {
        uint32_t capacity = pool->capacity ? 2 * pool->capacity : 64;
        void *slots = realloc(pool->slots, capacity * pool->size);
        if (!slots)
            return POOL_NONE;
        pool->slots = slots;
        uint32_t *frees = realloc(pool->free, capacity * sizeof *frees);
        if (!frees)
            return POOL_NONE;
        pool->free = frees;
        for (uint32_t slot = capacity; slot > pool->capacity; slot--)
            pool->free[pool->frees++] = slot - 1;
        pool->capacity = capacity;
    }
    return pool->free[--pool->frees];
}

void pool_give(struct pool *pool, uint32_t slot)
{
    pool->free[pool->frees++] = slot;
}

void pool_clear(struct pool *pool)
{
    free(pool->slots);
    free(pool->free);
    *pool = (struct pool){.size = pool->size};
}
