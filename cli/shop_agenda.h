// What is due when, and slots to keep it in: the machinery of the shop's simulation (shop.c).
#ifndef CLI_SHOP_AGENDA_H
#define CLI_SHOP_AGENDA_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stddef.h>

typedef struct task {
    hh_time time;
    uint64_t order; // of those due at the same time, the one noted first goes first
    uint32_t duty;  // the caller's
    uint32_t index; // the caller's
} task;

struct agenda {  // zeros: empty
    task *tasks; // binary heap
    uint32_t count, room;
    uint64_t orders;
};

hh_status agenda_note(struct agenda *agenda, hh_time time, uint32_t duty, uint32_t index);
task agenda_next(struct agenda *agenda); // takes the first; there must be one
void agenda_clear(struct agenda *agenda);

// A growing array whose slots are used again. Slots move when it grows: keep their numbers, not pointers.
struct pool {
    size_t size; // of a slot, set by the owner; all else zeros: empty
    void *slots;
    uint32_t *free, frees, capacity;
};

#define POOL_NONE UINT32_MAX
uint32_t pool_take(struct pool *pool); // POOL_NONE: out of memory
void pool_give(struct pool *pool, uint32_t slot);
void pool_clear(struct pool *pool);

#endif
