// The rankers of a stream in a ring, each stamped with the latest click that it has learned from; the same
// idea as the mixture's snapshots (mixture.c), which are taken at the same moments.
//
// Numbers count from 1; number n stands in slot (n - 1) % RANKERS. The slot's version is 2n once it is whole,
// and odd while it is written. Stamps grow with the numbers.
#include "recommend/ranker_weights.h"

#include <hiphop/ranker_shelf.h>
#include <stdatomic.h>
#include <stdlib.h>

#define RANKERS 256 // they reach back an hour at least:
#define APART   (15 * HH_SECOND)
#define LESSONS 64 // between two

typedef struct slot {
    _Atomic uint64_t version;
    _Atomic int64_t stamp;
} slot;

struct hh_ranker_shelf {
    hh_ranker_options options;
    hh_ranker_trainer *trainer; // the teacher's own, as all down to the ring
    hh_time clock;              // of the latest click learned from
    uint64_t lessons;           // since the last ranker
    _Atomic uint64_t count;     // rankers, ever
    slot slots[RANKERS];
    size_t size;            // of one ranker: its weights, and whether it is active
    _Atomic float *weights; // [RANKERS x size]
};

hh_ranker_shelf *hh_ranker_shelf_new(const hh_ranker_options *options, hh_error *error)
{
    hh_ranker_trainer *trainer = hh_ranker_trainer_new(options, error);
    if (!trainer)
        return NULL;
    hh_ranker_shelf *shelf = calloc(1, sizeof *shelf);
    if (!shelf) {
        hh_ranker_trainer_free(trainer);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    shelf->options = *options;
    shelf->trainer = trainer;
    shelf->clock = HH_TIME_MIN;
    shelf->size = hh_ranker_size(options) + 1;
    shelf->weights = calloc(RANKERS * shelf->size, sizeof *shelf->weights);
    if (shelf->weights)
        return shelf;
    hh_ranker_shelf_free(shelf);
    hh_fail(error, HH_MEMORY, NULL);
    return NULL;
}

void hh_ranker_shelf_free(hh_ranker_shelf *shelf)
{
    if (!shelf)
        return;
    hh_ranker_trainer_free(shelf->trainer);
    free(shelf->weights);
    free(shelf);
}

const hh_ranker_options *hh_ranker_shelf_options(const hh_ranker_shelf *shelf)
{
    return &shelf->options;
}

// ---- the teacher ----

// Whoever reads a weight of this ranker also reads its odd version, or a later one.
static void put(hh_ranker_shelf *shelf, const hh_ranker *ranker)
{
    uint64_t number = atomic_load_explicit(&shelf->count, memory_order_relaxed) + 1;
    slot *to = &shelf->slots[(number - 1) % RANKERS];
    _Atomic float *weights = shelf->weights + (number - 1) % RANKERS * shelf->size;
    atomic_store_explicit(&to->version, 2 * number - 1, memory_order_relaxed);
    atomic_store_explicit(&to->stamp, shelf->clock, memory_order_release);
    for (size_t i = 0; i + 1 < shelf->size; i++)
        atomic_store_explicit(&weights[i], ranker->layers[0][i], memory_order_release);
    atomic_store_explicit(&weights[shelf->size - 1], ranker->active, memory_order_release);
    atomic_store_explicit(&to->version, 2 * number, memory_order_release);
    atomic_store_explicit(&shelf->count, number, memory_order_release);
}

static hh_time newest_stamp(const hh_ranker_shelf *shelf)
{
    uint64_t count = atomic_load_explicit(&shelf->count, memory_order_relaxed);
    return count ? atomic_load_explicit(&shelf->slots[(count - 1) % RANKERS].stamp, memory_order_relaxed)
                 : HH_TIME_MIN;
}

static bool is_due(const hh_ranker_shelf *shelf)
{
    hh_time newest = newest_stamp(shelf);
    return shelf->lessons >= LESSONS && (newest == HH_TIME_MIN || shelf->clock - newest >= APART);
}

// A ranker is put aside when a click moves the time on, so that its stamp covers all that was learned up to
// it.
static void move_clock(hh_ranker_shelf *shelf, hh_time time)
{
    if (time <= shelf->clock)
        return;
    hh_ranker *ranker = is_due(shelf) ? hh_ranker_trainer_publish(shelf->trainer) : NULL;
    if (ranker) { // without memory the one before goes on
        put(shelf, ranker);
        shelf->lessons = 0;
    }
    hh_ranker_free(ranker);
    shelf->clock = time;
}

void hh_ranker_shelf_learn(hh_ranker_shelf *shelf, const hh_shortlist *shortlist, hh_item clicked,
                           hh_time time)
{
    move_clock(shelf, time);
    shelf->lessons++;
    hh_ranker_trainer_learn(shelf->trainer, shortlist, clicked, time);
}

void hh_ranker_shelf_progress(const hh_ranker_shelf *shelf, hh_ranker_progress *progress)
{
    hh_ranker_trainer_progress(shelf->trainer, progress);
}

// ---- readers ----

static void copy(const hh_ranker_shelf *shelf, uint64_t number, hh_ranker *ranker)
{
    const slot *from = &shelf->slots[(number - 1) % RANKERS];
    const _Atomic float *weights = shelf->weights + (number - 1) % RANKERS * shelf->size;
    ranker->learned = atomic_load_explicit(&from->stamp, memory_order_acquire);
    for (size_t i = 0; i + 1 < shelf->size; i++)
        ranker->layers[0][i] = atomic_load_explicit(&weights[i], memory_order_acquire);
    ranker->active = atomic_load_explicit(&weights[shelf->size - 1], memory_order_acquire);
}

bool hh_ranker_shelf_read(const hh_ranker_shelf *shelf, hh_time as_of, hh_ranker *ranker, uint64_t *number)
{
    uint64_t count = atomic_load_explicit(&shelf->count, memory_order_acquire);
    for (uint64_t at = count; at > 0 && at + RANKERS > count; at--) {
        const slot *here = &shelf->slots[(at - 1) % RANKERS];
        if (at == *number) { // even where its place is another's by now
            if (hh_ranker_learned(ranker) < as_of)
                return true;
            continue;
        }
        if (atomic_load_explicit(&here->version, memory_order_acquire) != 2 * at)
            break; // overwritten meanwhile, and all before it
        if (atomic_load_explicit(&here->stamp, memory_order_acquire) >= as_of)
            continue;
        *number = 0;
        copy(shelf, at, ranker);
        if (atomic_load_explicit(&here->version, memory_order_relaxed) != 2 * at)
            break;
        *number = at;
        return true;
    }
    return false;
}
