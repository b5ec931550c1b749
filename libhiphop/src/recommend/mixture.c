// The mixture of the experts: p(v) = sum over e of w_e p_e(v). The weights are learned by EM, one step for
// each click that had a list: what share of the click's probability each expert accounts for, averaged over
// time.
//
// Which expert knows best depends on how much the session has told, so each length of session has weights of
// its own, up to CONTEXTS - 1.
//
// The teacher reads ahead of those who ask, so what is asked for is the weights as of a time: snapshots in a
// ring, each stamped with the latest click that it has learned from. One is taken when a click moves the time
// on, so that a stamp covers all that was learned up to it. A click far ahead of the rest (a visitor's clock
// that is wrong) stops the snapshots until time has caught up; those before it stay.
#include "recommend/mix.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CONTEXTS 6
// The n-th lesson moves the weights by (n + PRIOR)^-STEP of the way: online EM with steps of 1/n hardly comes
// on, with larger ones it comes to the same end within hundreds of clicks.
#define PRIOR     5.0
#define STEP      0.7
#define SMALLEST  0.001 // step, so that the weights follow drift
#define SNAPSHOTS 256   // they reach back an hour at least:
#define APART     (15 * HH_SECOND)
#define LESSONS   64 // between two

typedef struct hh_snapshot {
    _Atomic uint64_t version; // odd while it is written
    _Atomic int64_t stamp;    // of the latest click in it
    _Atomic double weights[CONTEXTS][HH_EXPERTS];
} hh_snapshot;

struct hh_mixture {
    double weights[CONTEXTS][HH_EXPERTS]; // the learner's own, as all down to the ring
    double learned[CONTEXTS];
    hh_time clock;          // of the latest click learned from
    uint64_t lessons;       // since the last snapshot
    _Atomic uint64_t taken; // snapshots
    hh_snapshot ring[SNAPSHOTS];
};

hh_mixture *hh_mixture_new(void)
{
    hh_mixture *mixture = calloc(1, sizeof *mixture);
    if (!mixture)
        return NULL;
    mixture->clock = HH_TIME_MIN;
    for (int c = 0; c < CONTEXTS; c++)
        for (int e = 0; e < HH_EXPERTS; e++)
            mixture->weights[c][e] = 1.0 / HH_EXPERTS;
    return mixture;
}

void hh_mixture_free(hh_mixture *mixture)
{
    free(mixture);
}

static size_t context_of(size_t length)
{
    return length < CONTEXTS ? length : CONTEXTS - 1;
}

// ---- snapshots ----

// Whoever reads a value of this snapshot also reads its odd version, or a later one.
static void take_snapshot(hh_mixture *mixture)
{
    uint64_t taken = atomic_load_explicit(&mixture->taken, memory_order_relaxed);
    hh_snapshot *snapshot = &mixture->ring[taken % SNAPSHOTS];
    uint64_t version = atomic_load_explicit(&snapshot->version, memory_order_relaxed);
    atomic_store_explicit(&snapshot->version, version + 1, memory_order_relaxed);
    atomic_store_explicit(&snapshot->stamp, mixture->clock, memory_order_release);
    for (int c = 0; c < CONTEXTS; c++)
        for (int e = 0; e < HH_EXPERTS; e++)
            atomic_store_explicit(&snapshot->weights[c][e], mixture->weights[c][e], memory_order_release);
    atomic_store_explicit(&snapshot->version, version + 2, memory_order_release);
    atomic_store_explicit(&mixture->taken, taken + 1, memory_order_release);
    mixture->lessons = 0;
}

static hh_time newest_stamp(const hh_mixture *mixture)
{
    uint64_t taken = atomic_load_explicit(&mixture->taken, memory_order_relaxed);
    return taken ? atomic_load_explicit(&mixture->ring[(taken - 1) % SNAPSHOTS].stamp, memory_order_relaxed)
                 : HH_TIME_MIN;
}

static void move_clock(hh_mixture *mixture, hh_time time)
{
    if (time <= mixture->clock)
        return;
    hh_time newest = newest_stamp(mixture);
    if (mixture->lessons >= LESSONS && (newest == HH_TIME_MIN || mixture->clock - newest >= APART))
        take_snapshot(mixture);
    mixture->clock = time;
}

// The weights of the snapshot, if it is earlier than as_of; false where it is not, or is overwritten.
static bool read_snapshot(const hh_snapshot *snapshot, size_t context, hh_time as_of,
                          double weights[HH_EXPERTS])
{
    uint64_t version = atomic_load_explicit(&snapshot->version, memory_order_acquire);
    if (version % 2 || atomic_load_explicit(&snapshot->stamp, memory_order_acquire) >= as_of)
        return false;
    for (int e = 0; e < HH_EXPERTS; e++)
        weights[e] = atomic_load_explicit(&snapshot->weights[context][e], memory_order_acquire);
    return atomic_load_explicit(&snapshot->version, memory_order_relaxed) == version;
}

// ---- learning ----

void hh_mixture_learn(hh_mixture *mixture, const hh_votes *votes, hh_item clicked, hh_time time)
{
    size_t row = 0, context = context_of(votes->length);
    while (row < votes->count && votes->items[row] != clicked)
        row++;
    if (row == votes->count)
        return;
    double parts[HH_EXPERTS], sum = 0;
    for (int e = 0; e < HH_EXPERTS; e++) {
        parts[e] = mixture->weights[context][e] * votes->shares[row][e];
        sum += parts[e];
    }
    if (!(sum > 0))
        return;
    move_clock(mixture, time);
    mixture->lessons++;
    double rate = fmax(pow(mixture->learned[context]++ + PRIOR, -STEP), SMALLEST);
    for (int e = 0; e < HH_EXPERTS; e++) {
        double weight = mixture->weights[context][e];
        weight += rate * (parts[e] / sum - weight);
        // A floor, so that an expert that was useless can come back.
        mixture->weights[context][e] = weight > 1e-4 ? weight : 1e-4;
    }
}

// ---- asking ----

void hh_mixture_weights(const hh_mixture *mixture, size_t length, hh_time as_of, double weights[HH_EXPERTS])
{
    size_t context = context_of(length);
    uint64_t taken = atomic_load_explicit(&mixture->taken, memory_order_acquire), back = 1;
    while (back <= taken && back <= SNAPSHOTS &&
           !read_snapshot(&mixture->ring[(taken - back) % SNAPSHOTS], context, as_of, weights))
        back++;
    double sum = 0;
    for (int e = 0; e < HH_EXPERTS; e++)
        sum += weights[e] = back <= taken && back <= SNAPSHOTS ? weights[e] : 1.0 / HH_EXPERTS;
    for (int e = 0; e < HH_EXPERTS; e++)
        weights[e] /= sum;
}

void hh_mixture_scores(const hh_mixture *mixture, const hh_votes *votes, float *scores)
{
    double weights[HH_EXPERTS];
    hh_mixture_weights(mixture, votes->length, votes->as_of, weights);
    hh_mix(weights, votes->shares, votes->count, scores);
}
