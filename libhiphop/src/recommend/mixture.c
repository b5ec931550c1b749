// The mixture of the experts: p(v) = sum over e of w_e p_e(v). Which expert knows best depends on how much
// there is to go by, so w is the softmax of a sum of rows, one for each thing that the query's context says
// (recommend/context.h). Rows that are rarely taken so share what all queries have taught.
//
// They are learned by gradient, one step for each click that had a list: an expert's logit goes up by what
// share of the click's probability it accounts for, less its weight. Each step is divided by the root of the
// squares of those before (Adagrad), where old ones fade, so that the weights follow drift.
//
// The teacher reads ahead of those who ask, so what is asked for is the weights as of a time: snapshots in a
// ring, each stamped with the latest click that it has learned from. One is taken when a click moves the time
// on, so that a stamp covers all that was learned up to it. A click far ahead of the rest (a visitor's clock
// that is wrong) stops the snapshots until time has caught up; those before it stay. One of each SPARSE stays
// for longer, for those who ask about a backlog.
#include "recommend/context.h"
#include "recommend/mix.h"
#include "recommend/mixture_numbers.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RATE      0.1
#define FADE      2e-5 // of the squares, with each step
#define SOFT      1e-3 // added to them
#define LEAST     1e-4 // weight of any expert, so that one that was useless can come back
#define RECENT    1000 // lessons of the mean
#define SNAPSHOTS 256  // they reach back an hour at least:
#define APART     (15 * HH_SECOND)
#define LESSONS   64 // between two
#define SPARSE    64

typedef struct hh_snapshot {
    _Atomic uint64_t version; // odd while it is written
    _Atomic int64_t stamp;    // of the latest click in it
    _Atomic float logits[CONTEXTS][HH_MIXED_EXPERTS];
} hh_snapshot;

struct hh_mixture {
    double logits[CONTEXTS][HH_MIXED_EXPERTS]; // the learner's own, as all down to the ring
    double squares[CONTEXTS][HH_MIXED_EXPERTS];
    double mean[HH_EXPERTS];
    hh_time clock;          // of the latest click learned from
    uint64_t learned;       // lessons
    uint64_t lessons;       // since the last snapshot
    _Atomic uint64_t taken; // snapshots
    hh_snapshot ring[SNAPSHOTS], sparse[SNAPSHOTS];
};

hh_mixture *hh_mixture_new(void)
{
    hh_mixture *mixture = calloc(1, sizeof *mixture);
    if (!mixture)
        return NULL;
    mixture->clock = HH_TIME_MIN;
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        mixture->mean[e] = 1.0 / HH_MIXED_EXPERTS;
    return mixture;
}

void hh_mixture_free(hh_mixture *mixture)
{
    free(mixture);
}

// The sums of logits become weights.
static void softmax(double weights[HH_MIXED_EXPERTS])
{
    double most = weights[0], sum = 0;
    for (int e = 1; e < HH_MIXED_EXPERTS; e++)
        most = fmax(most, weights[e]);
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        sum += weights[e] = exp(weights[e] - most);
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        weights[e] = LEAST + (1 - HH_MIXED_EXPERTS * LEAST) * weights[e] / sum;
}

static void add_text(double weights[HH_EXPERTS], bool foreseen)
{
    double votes = foreseen ? weights[HH_EXPERT_NETWORK] : 0;
    for (int e = HH_EXPERT_NEXT; e <= HH_EXPERT_KNN_LONG; e++)
        votes += weights[e];
    for (int t = HH_MIXED_EXPERTS; t < HH_EXPERTS; t++)
        weights[t] = HH_TEXT_WEIGHT * votes;
}

// ---- snapshots ----

// Whoever reads a value of this snapshot also reads its odd version, or a later one.
static void write_snapshot(const hh_mixture *mixture, hh_snapshot *snapshot)
{
    uint64_t version = atomic_load_explicit(&snapshot->version, memory_order_relaxed);
    atomic_store_explicit(&snapshot->version, version + 1, memory_order_relaxed);
    atomic_store_explicit(&snapshot->stamp, mixture->clock, memory_order_release);
    for (int c = 0; c < CONTEXTS; c++)
        for (int e = 0; e < HH_MIXED_EXPERTS; e++)
            atomic_store_explicit(&snapshot->logits[c][e], (float)mixture->logits[c][e],
                                  memory_order_release);
    atomic_store_explicit(&snapshot->version, version + 2, memory_order_release);
}

static void take_snapshot(hh_mixture *mixture)
{
    uint64_t taken = atomic_load_explicit(&mixture->taken, memory_order_relaxed);
    write_snapshot(mixture, &mixture->ring[taken % SNAPSHOTS]);
    if (taken % SPARSE == 0)
        write_snapshot(mixture, &mixture->sparse[taken / SPARSE % SNAPSHOTS]);
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

// The sums of the context's rows, if the snapshot is earlier than as_of; false where it is not, or is
// overwritten.
static bool read_snapshot(const hh_snapshot *snapshot, const hh_context *context, hh_time as_of,
                          double logits[HH_MIXED_EXPERTS])
{
    uint64_t version = atomic_load_explicit(&snapshot->version, memory_order_acquire);
    if (version % 2 || atomic_load_explicit(&snapshot->stamp, memory_order_acquire) >= as_of)
        return false;
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        logits[e] = 0;
    for (int r = 0; r < HH_CONTEXT_ROWS; r++)
        for (int e = 0; e < HH_MIXED_EXPERTS; e++)
            logits[e] +=
                (double)atomic_load_explicit(&snapshot->logits[context->row[r]][e], memory_order_acquire);
    return atomic_load_explicit(&snapshot->version, memory_order_relaxed) == version;
}

// The newest of those before the count-th that is earlier than as_of; false: there is none.
static bool find_snapshot(const hh_snapshot ring[SNAPSHOTS], uint64_t count, const hh_context *context,
                          hh_time as_of, double logits[HH_MIXED_EXPERTS])
{
    for (uint64_t back = 1; back <= count && back <= SNAPSHOTS; back++)
        if (read_snapshot(&ring[(count - back) % SNAPSHOTS], context, as_of, logits))
            return true;
    return false;
}

// ---- learning ----

static void move(hh_mixture *mixture, uint8_t row, const double gradient[HH_MIXED_EXPERTS])
{
    double *logits = mixture->logits[row], *squares = mixture->squares[row];
    for (int e = 0; e < HH_MIXED_EXPERTS; e++) {
        squares[e] += gradient[e] * gradient[e] - FADE * squares[e];
        logits[e] += RATE * gradient[e] / sqrt(squares[e] + SOFT);
    }
}

void hh_mixture_learn_row(hh_mixture *mixture, const hh_context *context, const float shares[HH_EXPERTS],
                          hh_time time)
{
    double weights[HH_EXPERTS] = {0}, gradient[HH_MIXED_EXPERTS], sum = 0, text = 0;
    for (int r = 0; r < HH_CONTEXT_ROWS; r++)
        for (int e = 0; e < HH_MIXED_EXPERTS; e++)
            weights[e] += mixture->logits[context->row[r]][e];
    softmax(weights);
    add_text(weights, context->foreseen);
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        sum += gradient[e] = weights[e] * (double)shares[e];
    for (int e = HH_MIXED_EXPERTS; e < HH_EXPERTS; e++)
        text += weights[e] * (double)shares[e];
    if (!(sum + text > 0))
        return;
    move_clock(mixture, time);
    mixture->lessons++;
    mixture->learned++;
    double recent = mixture->learned < RECENT ? (double)mixture->learned : RECENT;
    for (int e = 0; e < HH_EXPERTS; e++)
        mixture->mean[e] += (weights[e] - mixture->mean[e]) / recent;
    if (!(sum > 0)) // known by its description alone: that says nothing of the others
        return;
    for (int e = 0; e < HH_MIXED_EXPERTS; e++) {
        gradient[e] = gradient[e] / sum - weights[e];
        if (weights[e] < 1.01 * LEAST && gradient[e] < 0) // it would never come back from further down
            gradient[e] = 0;
    }
    for (int r = 0; r < HH_CONTEXT_ROWS; r++)
        move(mixture, context->row[r], gradient);
}

void hh_mixture_learn(hh_mixture *mixture, const hh_votes *votes, hh_item clicked, hh_time time)
{
    size_t row = 0;
    while (row < votes->count && votes->items[row] != clicked)
        row++;
    if (row == votes->count)
        return;
    hh_context context = hh_context_of(votes);
    hh_mixture_learn_row(mixture, &context, votes->shares[row], time);
}

void hh_mixture_mean(const hh_mixture *mixture, double weights[HH_EXPERTS])
{
    for (int e = 0; e < HH_EXPERTS; e++)
        weights[e] = mixture->mean[e];
}

// ---- kept and brought back ----

void hh_mixture_settle(hh_mixture *mixture)
{
    if (mixture->lessons > 0)
        take_snapshot(mixture);
}

void hh_mixture_numbers(const hh_mixture *mixture, float logits[CONTEXTS][HH_MIXED_EXPERTS],
                        float mean[HH_EXPERTS])
{
    for (int c = 0; c < CONTEXTS; c++)
        for (int e = 0; e < HH_MIXED_EXPERTS; e++)
            logits[c][e] = (float)mixture->logits[c][e];
    for (int e = 0; e < HH_EXPERTS; e++)
        mean[e] = (float)mixture->mean[e];
}

hh_mixture *hh_mixture_of(const float logits[CONTEXTS][HH_MIXED_EXPERTS])
{
    hh_mixture *mixture = hh_mixture_new();
    if (!mixture)
        return NULL;
    for (int c = 0; c < CONTEXTS; c++)
        for (int e = 0; e < HH_MIXED_EXPERTS; e++)
            mixture->logits[c][e] = (double)logits[c][e];
    take_snapshot(mixture); // earlier than whatever is asked
    return mixture;
}

// ---- asking ----

void hh_mixture_weights(const hh_mixture *mixture, const hh_context *context, hh_time as_of,
                        double weights[HH_EXPERTS])
{
    uint64_t taken = atomic_load_explicit(&mixture->taken, memory_order_acquire);
    if (!find_snapshot(mixture->ring, taken, context, as_of, weights) &&
        !find_snapshot(mixture->sparse, (taken + SPARSE - 1) / SPARSE, context, as_of, weights))
        memset(weights, 0, HH_MIXED_EXPERTS * sizeof *weights);
    softmax(weights);
    add_text(weights, context->foreseen);
}

void hh_mixture_scores(const hh_mixture *mixture, const hh_votes *votes, float *scores)
{
    double weights[HH_EXPERTS];
    hh_context context = hh_context_of(votes);
    hh_mixture_weights(mixture, &context, votes->as_of, weights);
    hh_mix(weights, votes->shares, votes->count, scores);
}

void hh_mixture_scores_without(const hh_mixture *mixture, const hh_votes *votes, hh_expert left_out,
                               float *scores)
{
    double weights[HH_EXPERTS];
    hh_context context = hh_context_of(votes);
    context.foreseen = context.foreseen && left_out != HH_EXPERT_NETWORK;
    hh_mixture_weights(mixture, &context, votes->as_of, weights);
    weights[left_out] = 0;
    hh_mix(weights, votes->shares, votes->count, scores);
}

void hh_mixture_expected(const hh_mixture *mixture, const hh_votes *votes, float *expected)
{
    double weights[HH_EXPERTS], all = 1; // of the mixture's shares together
    hh_context context = hh_context_of(votes);
    hh_mixture_weights(mixture, &context, votes->as_of, weights);
    for (int e = HH_MIXED_EXPERTS; e < HH_EXPERTS; e++)
        all += weights[e] * (double)votes->mass[e];
    for (size_t i = 0; i < votes->count; i++) {
        double sum = 0, chance = (double)votes->evidence[i].chance;
        for (int e = HH_MIXED_EXPERTS; e < HH_EXPERTS; e++)
            sum += weights[e] * (double)votes->shares[i][e];
        expected[i] = sum > 0 && chance > 0 ? (float)(sum / all / chance) : 0;
    }
}
