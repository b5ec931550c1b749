// One teacher, several readers, no lock: for ThreadSanitizer, and for what must hold of every ranker that is
// read while the ring is written round and round.
#include "made_votes.h"

#include <hiphop/ranker_shelf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define READERS 3
#define ROUNDS  3 // of the ring
#define RANKERS 256
#define LESSONS 64
#define NUMBERS (ROUNDS * RANKERS + 2)

typedef struct shared {
    hh_ranker_shelf *shelf;
    _Atomic bool done;
    _Atomic int64_t now;
    _Atomic uint64_t sums[NUMBERS]; // of the bytes of each ranker, by whoever read it first
    _Atomic long read, torn, peeked;
} shared;

static uint64_t sum_of(hh_ranker *ranker)
{
    hh_ranker_tensor tensors[HH_RANKER_TENSORS];
    hh_ranker_tensors(ranker, tensors);
    uint64_t sum = (uint64_t)hh_ranker_learned(ranker);
    for (int t = 0; t < HH_RANKER_TENSORS; t++)
        for (size_t i = 0; i < tensors[t].rows * tensors[t].cols; i++) {
            uint32_t bits;
            memcpy(&bits, &tensors[t].value[i], sizeof bits);
            sum = sum * 0x9e3779b97f4a7c15u + bits;
        }
    return sum | 1; // 0: not read yet
}

static void *read_on(void *argument)
{
    shared *s = argument;
    hh_ranker *ranker = hh_ranker_new(hh_ranker_shelf_options(s->shelf), NULL);
    uint64_t number = 0, seed = (uint64_t)(uintptr_t)&number;
    while (!atomic_load(&s->done)) {
        // Often the oldest that are left: those that are just being overwritten.
        double back = (double)noise(&seed) * 2 * LESSONS * RANKERS * (double)HH_SECOND;
        hh_time as_of = atomic_load(&s->now) - (hh_time)back;
        if (!hh_ranker_shelf_read(s->shelf, as_of, ranker, &number))
            continue;
        uint64_t sum = sum_of(ranker), first = 0;
        if (!atomic_compare_exchange_strong(&s->sums[number], &first, sum))
            atomic_fetch_add(&s->torn, first != sum);
        atomic_fetch_add(&s->peeked, hh_ranker_learned(ranker) >= as_of);
        atomic_fetch_add(&s->read, 1);
    }
    hh_ranker_free(ranker);
    return NULL;
}

Test(ranker_threads, readers_see_only_whole_rankers)
{
    hh_ranker_options options = hh_ranker_defaults();
    options.candidates = 20;
    options.replays = 0;
    options.memory = 64;
    shared *s = calloc(1, sizeof *s);
    s->shelf = hh_ranker_shelf_new(&options, NULL);
    s->now = 1700000000000;
    votes_made *made = votes_of(1);
    hh_shortlist *shortlist = list_of(&options, made);
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_on, s), 0);
    for (int i = 0; i < ROUNDS * RANKERS * LESSONS; i++) {
        hh_time now = atomic_load(&s->now) + HH_SECOND;
        hh_ranker_shelf_learn(s->shelf, shortlist, made->items[i % 40], now);
        atomic_store(&s->now, now);
    }
    atomic_store(&s->done, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(s->torn, 0);
    cr_assert_eq(s->peeked, 0);
    cr_assert_gt(s->read, 100);
    hh_shortlist_free(shortlist);
    hh_ranker_shelf_free(s->shelf);
    free(made);
    free(s);
}
