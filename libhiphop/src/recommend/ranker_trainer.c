// How the ranker learns: each new example is compared first (would the ranker have listed the clicked item
// higher than the mixture?), then learned from by Adam, together with some older ones, in steps of a few
// examples. The loss is the cross-entropy of the clicked item over the shortlist.
//
// It learns on inputs that are scaled to mean 0 and deviation 1, as the first MEASURED examples have them; a
// published ranker has the scaling in its weights, and serving costs nothing more.
//
// The more different examples there are to go back to, the better (docs/ranker.md), so a kept one is small: a
// byte for each input of a candidate.
#include "recommend/ranker_weights.h"

#include "nn/random.h"
#include "nn/tensor.h"
#include "nn/vector.h"

#include <math.h>
#include <stdlib.h>

#define LIST      20      // the length of list at which ranker and mixture are compared
#define RECENT    8192.0  // comparisons over which old ones fade
#define CONVINCE  512     // comparisons before the ranker may make lists
#define SETTLE    8192.0  // steps after which the rate has fallen by a half
#define ASK_EVERY 64      // examples, whether to go on
#define MEASURED  512     // examples kept before the first step
#define STEADY    1e-3    // an input that deviates less says nothing yet, and is not scaled
#define SPREAD    0.05    // the least deviation that is scaled to 1
#define STEP      0x1p-6f // of an input that is kept in a byte, which reaches to 4; of a vote's log 0.06 nats

typedef struct kept {
    uint32_t count, clicked; // row of the clicked item
} kept;

// An input x is learned from as (x - mean) * factor.
typedef struct scaling {
    float *mean, *factor; // [queries + CANDIDATE_INPUTS], those about the query first
} scaling;

struct hh_ranker_trainer {
    hh_ranker_options options;
    hh_tensor layers[RANKER_LAYERS];
    float *gradients[RANKER_LAYERS];
    uint64_t steps;
    uint32_t in_batch; // examples in the gradients
    hh_random random;
    hh_time learned;
    hh_ranker_progress progress;
    double compared; // fading count
    // the latest examples, a ring
    kept *kept;      // [kept_room]
    uint8_t *inputs; // [kept_room x width] those about the query, floats; of each candidate, in STEPs
    size_t width;    // bytes of one
    uint32_t kept_count, kept_room, next;
    scaling scaling;
    bool measured;
    // scratch of one example
    float *unpacked, *scaled; // [queries + candidates x CANDIDATE_INPUTS]
    float *hidden, *scores;   // [candidates x HIDDEN], [candidates]
    uint32_t *order;          // [kept_room] of fit
};

hh_ranker_trainer *hh_ranker_trainer_new(const hh_ranker_options *options, hh_error *error)
{
    if (hh_ranker_check(options, error))
        return NULL;
    hh_ranker_trainer *trainer = calloc(1, sizeof *trainer);
    if (!trainer) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    trainer->options = *options;
    trainer->random = hh_random_of(options->seed, 1);
    trainer->learned = HH_TIME_MIN;
    size_t queries = QUERY_INPUTS + options->extra, rows = (size_t)options->candidates * CANDIDATE_INPUTS;
    trainer->width = queries * sizeof(float) + rows;
    hh_ranker_shape shapes[RANKER_LAYERS];
    hh_ranker_shapes(options, shapes);
    bool room = true;
    float *values[RANKER_LAYERS];
    for (int l = 0; l < RANKER_LAYERS && room; l++) {
        room = hh_tensor_new(&trainer->layers[l], shapes[l].name, shapes[l].rows, shapes[l].cols) &&
               hh_tensor_train(&trainer->layers[l]);
        trainer->gradients[l] = calloc(shapes[l].rows * shapes[l].cols, sizeof(float));
        values[l] = trainer->layers[l].value;
        room = room && trainer->gradients[l];
    }
    trainer->scaling.mean = calloc(queries + CANDIDATE_INPUTS, sizeof(float));
    trainer->scaling.factor = calloc(queries + CANDIDATE_INPUTS, sizeof(float));
    trainer->unpacked = malloc((queries + rows) * sizeof *trainer->unpacked);
    trainer->scaled = malloc((queries + rows) * sizeof *trainer->scaled);
    trainer->hidden = malloc((size_t)options->candidates * HIDDEN * sizeof *trainer->hidden);
    trainer->scores = malloc(options->candidates * sizeof *trainer->scores);
    if (!room || !trainer->scaling.mean || !trainer->scaling.factor || !trainer->unpacked ||
        !trainer->scaled || !trainer->hidden || !trainer->scores) {
        hh_ranker_trainer_free(trainer);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    hh_ranker_start(options, values);
    return trainer;
}

void hh_ranker_trainer_free(hh_ranker_trainer *trainer)
{
    if (!trainer)
        return;
    for (int l = 0; l < RANKER_LAYERS; l++) {
        hh_tensor_free(&trainer->layers[l]);
        free(trainer->gradients[l]);
    }
    free(trainer->kept);
    free(trainer->inputs);
    free(trainer->order);
    free(trainer->scaling.mean);
    free(trainer->scaling.factor);
    free(trainer->unpacked);
    free(trainer->scaled);
    free(trainer->hidden);
    free(trainer->scores);
    free(trainer);
}

// ---- the examples ----

static uint32_t row_of(const hh_shortlist *shortlist, hh_item clicked)
{
    uint32_t row = 0;
    while (row < shortlist->count && shortlist->items[row] != clicked)
        row++;
    return row;
}

// Room for one more; it grows as it is needed. Without memory fewer examples are kept.
static bool make_room(hh_ranker_trainer *trainer)
{
    if (trainer->next < trainer->kept_room)
        return true;
    uint32_t room = trainer->kept_room ? 2 * trainer->kept_room : 256;
    room = room < trainer->options.memory ? room : trainer->options.memory;
    if (room > trainer->kept_room) {
        kept *of = realloc(trainer->kept, room * sizeof *of);
        if (of)
            trainer->kept = of;
        uint32_t *order = realloc(trainer->order, room * sizeof *order);
        if (order)
            trainer->order = order;
        uint8_t *inputs = realloc(trainer->inputs, room * trainer->width);
        if (inputs)
            trainer->inputs = inputs;
        if (of && order && inputs)
            trainer->kept_room = room;
    }
    if (trainer->next >= trainer->kept_room)
        trainer->next = 0;
    return trainer->kept_room > 0;
}

HH_WIDE static void pack(uint8_t *restrict packed, const float *restrict x, size_t count)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float steps = x[i] * (1 / STEP) + 0.5f;
        steps = steps > 0 ? steps : 0;
        packed[i] = (uint8_t)(int32_t)(steps < UINT8_MAX ? steps : UINT8_MAX);
    }
}

HH_WIDE static void unpack(float *restrict x, const uint8_t *restrict packed, size_t count)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        x[i] = (float)packed[i] * STEP;
}

static void keep(hh_ranker_trainer *trainer, const hh_shortlist *shortlist, uint32_t clicked)
{
    if (!make_room(trainer))
        return;
    uint32_t at = trainer->next++;
    trainer->kept_count = at >= trainer->kept_count ? at + 1 : trainer->kept_count;
    trainer->kept[at] = (kept){shortlist->count, clicked};
    uint8_t *inputs = trainer->inputs + at * trainer->width;
    size_t about = (QUERY_INPUTS + trainer->options.extra) * sizeof *shortlist->query;
    memcpy(inputs, shortlist->query, about);
    pack(inputs + about, shortlist->inputs, (size_t)shortlist->count * CANDIDATE_INPUTS);
}

// In scratch, until the next one.
static hh_ranker_example kept_example(hh_ranker_trainer *trainer, uint32_t at)
{
    const uint8_t *inputs = trainer->inputs + at * trainer->width;
    uint32_t queries = QUERY_INPUTS + trainer->options.extra, count = trainer->kept[at].count;
    float *query = trainer->unpacked;
    memcpy(query, inputs, queries * sizeof *query);
    unpack(query + queries, inputs + queries * sizeof *query, (size_t)count * CANDIDATE_INPUTS);
    return (hh_ranker_example){query + queries, query, count, queries};
}

// ---- scaling ----

typedef struct sums {
    double count, values, squares;
} sums;

static void add(sums *to, double value)
{
    to->count++;
    to->values += value;
    to->squares += value * value;
}

static void scale_by(const sums *of, float *mean, float *factor)
{
    double middle = of->values / of->count, variance = of->squares / of->count - middle * middle;
    double deviation = sqrt(variance > 0 ? variance : 0);
    *mean = (float)middle;
    *factor = deviation > STEADY ? (float)(1 / (deviation > SPREAD ? deviation : SPREAD)) : 1;
}

static void measure(hh_ranker_trainer *trainer)
{
    size_t queries = QUERY_INPUTS + trainer->options.extra;
    float *mean = trainer->scaling.mean, *factor = trainer->scaling.factor;
    for (size_t q = 0; q < queries; q++, mean++, factor++) {
        sums all = {0};
        for (uint32_t at = 0; at < trainer->kept_count; at++) {
            float value;
            memcpy(&value, trainer->inputs + at * trainer->width + q * sizeof value, sizeof value);
            add(&all, (double)value);
        }
        scale_by(&all, mean, factor);
    }
    for (size_t c = 0; c < CANDIDATE_INPUTS; c++) {
        sums all = {0};
        for (uint32_t at = 0; at < trainer->kept_count; at++) {
            const uint8_t *value = trainer->inputs + at * trainer->width + queries * sizeof(float) + c;
            for (uint32_t i = 0; i < trainer->kept[at].count; i++, value += CANDIDATE_INPUTS)
                add(&all, (double)(*value * STEP));
        }
        scale_by(&all, &mean[c], &factor[c]);
    }
    factor[INPUT_MIXTURE] = 1; // so that it begins as the mixture, see hh_ranker_start
    trainer->measured = true;
}

HH_WIDE static void scale(float *restrict scaled, const float *restrict x, const float *restrict mean,
                          const float *restrict factor, size_t width, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
#pragma omp simd
        for (size_t k = 0; k < width; k++)
            scaled[i * width + k] = (x[i * width + k] - mean[k]) * factor[k];
}

// In scratch, until the next one.
static hh_ranker_example scaled_example(hh_ranker_trainer *trainer, const hh_ranker_example *example)
{
    size_t queries = example->queries;
    scaling by = trainer->scaling;
    float *query = trainer->scaled, *inputs = query + queries;
    scale(query, example->query, by.mean, by.factor, queries, 1);
    scale(inputs, example->inputs, by.mean + queries, by.factor + queries, CANDIDATE_INPUTS, example->count);
    return (hh_ranker_example){inputs, query, example->count, example->queries};
}

// The layers for inputs that are not scaled.
static void unscale(const hh_ranker_trainer *trainer, float *const layers[RANKER_LAYERS])
{
    size_t queries = QUERY_INPUTS + trainer->options.extra;
    scaling by = trainer->scaling;
    float *bias = layers[RANKER_BIAS];
    for (size_t k = 0; k < queries + CANDIDATE_INPUTS; k++) {
        float *row = k < queries ? layers[RANKER_QUERY] + k * HIDDEN
                                 : layers[RANKER_CANDIDATE] + (k - queries) * HIDDEN;
        for (int h = 0; h < HIDDEN; h++) {
            row[h] *= by.factor[k];
            bias[h] -= by.mean[k] * row[h];
        }
    }
    for (int c = 0; c < CANDIDATE_INPUTS; c++) // its mean is the same for all candidates
        layers[RANKER_SKIP][c] *= by.factor[queries + (size_t)c];
}

// ---- learning ----

static void values_of(const hh_ranker_trainer *trainer, float *values[RANKER_LAYERS])
{
    for (int l = 0; l < RANKER_LAYERS; l++)
        values[l] = trainer->layers[l].value;
}

// scores become their gradient; returns the loss.
static double softmax_loss(float *scores, uint32_t count, uint32_t clicked)
{
    float best = hh_largest(scores, count), gap = best - scores[clicked];
    for (uint32_t i = 0; i < count; i++)
        scores[i] -= best;
    hh_exp_all(scores, count);
    float sum = hh_sum(scores, count);
    for (uint32_t i = 0; i < count; i++)
        scores[i] /= sum;
    scores[clicked] -= 1;
    return (double)logf(sum) + (double)gap;
}

static double add_gradient(hh_ranker_trainer *trainer, const hh_ranker_example *example, uint32_t clicked)
{
    float *values[RANKER_LAYERS];
    values_of(trainer, values);
    hh_ranker_example scaled = scaled_example(trainer, example);
    hh_ranker_forward(values, &scaled, trainer->hidden, trainer->scores);
    double loss = softmax_loss(trainer->scores, example->count, clicked);
    hh_ranker_backward(trainer->gradients, values, &scaled, trainer->hidden, trainer->scores);
    trainer->in_batch++;
    return loss;
}

static void step(hh_ranker_trainer *trainer, float rate)
{
    hh_adam adam = {.rate = rate, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .step = ++trainer->steps};
    float share = 1 / (float)trainer->in_batch;
    for (int l = 0; l < RANKER_LAYERS; l++) {
        size_t size = trainer->layers[l].rows * trainer->layers[l].cols;
        for (size_t i = 0; i < size; i++)
            trainer->gradients[l][i] *= share;
        hh_adam_dense(&adam, &trainer->layers[l], trainer->gradients[l]);
        memset(trainer->gradients[l], 0, size * sizeof(float));
    }
    trainer->in_batch = 0;
}

static void know(hh_ranker_trainer *trainer, hh_time time)
{
    trainer->learned = time > trainer->learned ? time : trainer->learned;
}

// ---- against the mixture ----

// Moves the means towards what the place of the clicked item is worth, everything of its score standing
// before it; NULL: not listed.
static void move(hh_ranker_figures *figures, const float *scores, uint32_t count, uint32_t clicked, double by)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; scores && i < count; i++)
        rank += scores[i] >= scores[clicked];
    bool hit = rank > 0 && rank <= LIST;
    figures->hr20 += ((hit ? 1 : 0) - figures->hr20) * by;
    figures->mrr20 += ((hit ? 1.0 / rank : 0) - figures->mrr20) * by;
}

// ranker: its scores, NULL where the clicked item is not on the shortlist.
static void judge(hh_ranker_trainer *trainer, const hh_shortlist *shortlist, const float *ranker,
                  uint32_t clicked)
{
    hh_ranker_progress *progress = &trainer->progress;
    progress->examples++;
    trainer->compared = trainer->compared < RECENT ? trainer->compared + 1 : RECENT;
    move(&progress->ranker, ranker, shortlist->count, clicked, 1 / trainer->compared);
    move(&progress->mixture, ranker ? shortlist->mixture : NULL, shortlist->count, clicked,
         1 / trainer->compared);
    progress->gain =
        progress->ranker.hr20 + progress->ranker.mrr20 - progress->mixture.hr20 - progress->mixture.mrr20;
    if (progress->examples >= CONVINCE)
        progress->active = progress->gain > 0;
}

static void compare(hh_ranker_trainer *trainer, const hh_shortlist *shortlist, uint32_t clicked)
{
    float *values[RANKER_LAYERS];
    values_of(trainer, values);
    hh_ranker_example example = hh_shortlist_example(shortlist), scaled = scaled_example(trainer, &example);
    hh_ranker_forward(values, &scaled, NULL, trainer->scores);
    judge(trainer, shortlist, trainer->scores, clicked);
}

void hh_ranker_trainer_progress(const hh_ranker_trainer *trainer, hh_ranker_progress *progress)
{
    *progress = trainer->progress;
}

// ---- the calls ----

void hh_ranker_trainer_learn(hh_ranker_trainer *trainer, const hh_shortlist *shortlist, hh_item clicked,
                             hh_time time)
{
    uint32_t row = row_of(shortlist, clicked);
    if (row == shortlist->count) {
        if (trainer->measured) {
            know(trainer, time);
            judge(trainer, shortlist, NULL, row);
        }
        return;
    }
    if (!trainer->measured) { // the replays will come back to it
        hh_ranker_trainer_add(trainer, shortlist, clicked, time);
        if (trainer->kept_count >= MEASURED || trainer->kept_count == trainer->options.memory)
            measure(trainer);
        return;
    }
    compare(trainer, shortlist, row);
    know(trainer, time);
    hh_ranker_example example = hh_shortlist_example(shortlist);
    add_gradient(trainer, &example, row);
    for (uint32_t i = 0; i < trainer->options.replays && trainer->kept_count; i++) {
        uint32_t at = hh_random_below(&trainer->random, trainer->kept_count);
        example = kept_example(trainer, at);
        add_gradient(trainer, &example, trainer->kept[at].clicked);
    }
    keep(trainer, shortlist, row);
    if (trainer->in_batch >= trainer->options.batch) {
        float rate = trainer->options.rate / (float)(1 + (double)trainer->steps / SETTLE);
        step(trainer, rate > trainer->options.rate_least ? rate : trainer->options.rate_least);
    }
}

void hh_ranker_trainer_add(hh_ranker_trainer *trainer, const hh_shortlist *shortlist, hh_item clicked,
                           hh_time time)
{
    uint32_t row = row_of(shortlist, clicked);
    if (row == shortlist->count)
        return;
    know(trainer, time);
    keep(trainer, shortlist, row);
}

double hh_ranker_trainer_fit(hh_ranker_trainer *trainer, uint32_t epochs, bool (*go_on)(void *context),
                             void *context)
{
    uint32_t count = trainer->kept_count;
    if (!count)
        return 0;
    if (!trainer->measured)
        measure(trainer);
    for (uint32_t i = 0; i < count; i++)
        trainer->order[i] = i;
    double loss = 0, all = (double)epochs * count, seen = 0;
    for (uint32_t epoch = 0; epoch < epochs; epoch++) {
        loss = 0;
        for (uint32_t i = count; i > 1; i--) {
            uint32_t other = hh_random_below(&trainer->random, i), at = trainer->order[i - 1];
            trainer->order[i - 1] = trainer->order[other];
            trainer->order[other] = at;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (go_on && i % ASK_EVERY == 0 && !go_on(context))
                return 0;
            uint32_t at = trainer->order[i];
            hh_ranker_example example = kept_example(trainer, at);
            loss += add_gradient(trainer, &example, trainer->kept[at].clicked);
            seen++;
            if (trainer->in_batch >= trainer->options.batch || i + 1 == count)
                step(trainer, trainer->options.rate * (float)(1 - (seen - 1) / all));
        }
    }
    trainer->progress.active = true;
    return loss / count;
}

double hh_ranker_trainer_loss(hh_ranker_trainer *trainer)
{
    float *values[RANKER_LAYERS];
    values_of(trainer, values);
    if (!trainer->measured && trainer->kept_count)
        measure(trainer);
    double loss = 0;
    for (uint32_t at = 0; at < trainer->kept_count; at++) {
        hh_ranker_example example = kept_example(trainer, at), scaled = scaled_example(trainer, &example);
        hh_ranker_forward(values, &scaled, NULL, trainer->scores);
        loss += softmax_loss(trainer->scores, example.count, trainer->kept[at].clicked);
    }
    return trainer->kept_count ? loss / trainer->kept_count : 0;
}

hh_ranker *hh_ranker_trainer_publish(const hh_ranker_trainer *trainer)
{
    hh_ranker *ranker = hh_ranker_zero(&trainer->options);
    if (!ranker)
        return NULL;
    for (int l = 0; l < RANKER_LAYERS; l++)
        memcpy(ranker->layers[l], trainer->layers[l].value,
               trainer->layers[l].rows * trainer->layers[l].cols * sizeof(float));
    if (trainer->measured)
        unscale(trainer, ranker->layers);
    ranker->learned = trainer->learned;
    ranker->active = trainer->steps > 0 && trainer->progress.active;
    return ranker;
}
