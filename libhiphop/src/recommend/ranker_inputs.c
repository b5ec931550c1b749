// From votes to the ranker's inputs: which candidates are ranked, and what it is told of them.
#include "recommend/ranker_inputs.h"

#include "in_session.h"
#include "nn/vector.h"
#include "recommend/by_text.h"

#include <math.h>
#include <stdlib.h>

#define SESSION 64 // latest clicks of the session that are looked at

hh_ranker_options hh_ranker_defaults(void)
{
    return (hh_ranker_options){
        .candidates = 112,
        .batch = 32,
        .memory = 16384,
        .replays = 3,
        .rate = 0.002f,
        .rate_least = 0.0003f,
        .seed = 1,
    };
}

hh_status hh_ranker_check(const hh_ranker_options *options, hh_error *error)
{
    if (options->candidates < 20 || options->candidates > 1024)
        return hh_fail(error, HH_ARGUMENT, "the ranker's candidates must be 20 to 1024, not %u",
                       options->candidates);
    if (options->extra > 1024)
        return hh_fail(error, HH_ARGUMENT, "the ranker takes 1024 extra inputs at most, not %u",
                       options->extra);
    if (options->batch < 1 || options->memory < 1 || !(options->rate >= 0) || !(options->rate_least >= 0))
        return hh_fail(error, HH_ARGUMENT,
                       "the ranker's batch and memory must be 1 or more, its rates 0 or more");
    return HH_OK;
}

hh_shortlist *hh_shortlist_new(const hh_ranker_options *options, hh_error *error)
{
    if (hh_ranker_check(options, error))
        return NULL;
    hh_shortlist *shortlist = calloc(1, sizeof *shortlist);
    if (shortlist) {
        size_t room = options->candidates;
        shortlist->options = *options;
        shortlist->rows = malloc(room * sizeof *shortlist->rows);
        shortlist->items = malloc(room * sizeof *shortlist->items);
        shortlist->mixture = malloc(room * sizeof *shortlist->mixture);
        shortlist->scores = malloc(room * sizeof *shortlist->scores);
        shortlist->sorted = malloc(2 * room * sizeof *shortlist->sorted);
        shortlist->inputs = malloc(room * CANDIDATE_INPUTS * sizeof *shortlist->inputs);
        shortlist->query = calloc(QUERY_INPUTS + options->extra, sizeof *shortlist->query);
    }
    if (!shortlist || !shortlist->rows || !shortlist->items || !shortlist->mixture || !shortlist->scores ||
        !shortlist->sorted || !shortlist->inputs || !shortlist->query) {
        hh_shortlist_free(shortlist);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    return shortlist;
}

void hh_shortlist_free(hh_shortlist *shortlist)
{
    if (!shortlist)
        return;
    free(shortlist->rows);
    free(shortlist->items);
    free(shortlist->mixture);
    free(shortlist->scores);
    free(shortlist->sorted);
    free(shortlist->inputs);
    free(shortlist->query);
    free(shortlist);
}

// ---- which candidates ----

// Shares are counted by their magnitude, eight classes to a doubling, so that the best are found without
// sorting. 256 classes: from 2 downwards to 2^-31; what is less is in the last one.
#define CLASSES 256

static inline uint32_t class_of(float share)
{
    union {
        float number;
        uint32_t bits;
    } of = {share};
    uint32_t top = 0x40000000u >> 20, class = of.bits >> 20; // 2.0; more than that is none
    class = top - class;
    return class < CLASSES ? class : CLASSES - 1;
}

// The largest class such that it and all better ones fit; -1: not even the first.
static int last_class(const float *mixture, size_t count, uint32_t room)
{
    uint32_t of_class[CLASSES] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++)
        of_class[class_of(mixture[i])] += mixture[i] > 0;
    int last = -1;
    while (last + 1 < CLASSES && sum + of_class[last + 1] <= room)
        sum += of_class[++last];
    return last;
}

// The session's latest distinct items, from the end.
typedef struct own_items {
    hh_item item[SESSION];
    uint32_t distance[SESSION], times[SESSION];
    uint32_t count, clicks;
} own_items;

static void find_own_items(own_items *own, const hh_query *query)
{
    own->count = 0;
    own->clicks = query->length < SESSION ? (uint32_t)query->length : SESSION;
    for (uint32_t d = 1; d <= own->clicks; d++) {
        hh_item item = query->items[query->length - d];
        uint32_t at = 0;
        while (at < own->count && own->item[at] != item)
            at++;
        if (at == own->count) {
            own->item[own->count] = item;
            own->distance[own->count] = d;
            own->times[own->count++] = 0;
        }
        own->times[at]++;
    }
}

static void choose(hh_shortlist *shortlist, const hh_query *query, const hh_votes *votes,
                   const float *mixture)
{
    // What is hidden takes the place of others here; there are few of them.
    int last = last_class(mixture, votes->count, shortlist->options.candidates);
    bool text = hh_any_by_text(votes);
    uint32_t count = 0;
    float most = 0;
    for (uint32_t i = 0; i < votes->count; i++) {
        if (text && hh_by_text_alone(votes->shares[i]))
            continue;
        if (!(mixture[i] > 0) || (int)class_of(mixture[i]) > last) {
            most = mixture[i] > most ? mixture[i] : most;
            continue;
        }
        if (shortlist->options.hide_session_items &&
            hh_in_session(query->items, query->length, votes->items[i]))
            continue;
        shortlist->rows[count] = i;
        shortlist->items[count] = votes->items[i];
        shortlist->mixture[count++] = mixture[i];
    }
    shortlist->count = count;
    shortlist->most = most;
}

// ---- what of them ----

static inline float log_input(float share)
{
    return (hh_ln(share + FLOOR) - LOG_FLOOR) * (1 / LOG_SCALE);
}

// Every input of a candidate is first a number of its own kind, then (log(x + add) - less) * by; best and sum
// are of the numbers.
typedef struct logarithms {
    float add[CANDIDATE_INPUTS], less[CANDIDATE_INPUTS], by[CANDIDATE_INPUTS];
    float best[CANDIDATE_INPUTS], sum[CANDIDATE_INPUTS];
} logarithms;

HH_WIDE static void take_logs(float *restrict inputs, uint32_t count, logarithms *restrict of)
{
    for (uint32_t i = 0; i < count; i++) {
        float *restrict row = inputs + (size_t)i * CANDIDATE_INPUTS;
#pragma omp simd
        for (int k = 0; k < CANDIDATE_INPUTS; k++) {
            float x = row[k];
            of->best[k] = x > of->best[k] ? x : of->best[k];
            of->sum[k] += x;
            row[k] = (hh_ln(x + of->add[k]) - of->less[k]) * of->by[k];
        }
    }
}

// log(1 + n), scaled, of a small number mostly
static inline float count_input(float n)
{
    return hh_ln(1 + n) * COUNT_SCALE;
}

static void fill_candidates(hh_shortlist *shortlist, const hh_votes *votes)
{
    logarithms of = {.best = {0}, .sum = {0}};
    for (int k = 0; k < CANDIDATE_INPUTS; k++) {
        bool share = k <= INPUT_MIXTURE;
        of.add[k] = share ? FLOOR : 1;
        of.less[k] = share ? LOG_FLOOR : 0;
        of.by[k] = share ? 1 / LOG_SCALE : COUNT_SCALE;
    }
    for (uint32_t i = 0; i < shortlist->count; i++) {
        float *row = shortlist->inputs + (size_t)i * CANDIDATE_INPUTS;
        uint32_t at = shortlist->rows[i];
        memcpy(row, votes->shares[at], HH_MIXED_EXPERTS * sizeof *row);
        row[INPUT_MIXTURE] = shortlist->mixture[i];
        row[INPUT_OWN] = row[INPUT_NEAR] = row[INPUT_TIMES] = 0; // see fill_own
        row[INPUT_NEIGHBOURS] = (float)votes->evidence[at].neighbours;
        row[INPUT_FOLLOWED] = (float)votes->evidence[at].followed;
    }
    take_logs(shortlist->inputs, shortlist->count, &of);
    float *query = shortlist->query;
    for (int e = 0; e < HH_MIXED_EXPERTS; e++) {
        query[QUERY_BEST + e] = log_input(of.best[e]);
        query[QUERY_SUM + e] = of.sum[e];
    }
    query[QUERY_MIXTURE] = log_input(of.best[INPUT_MIXTURE]);
    query[QUERY_MIXTURE + 1] = of.sum[INPUT_MIXTURE];
}

static void fill_own(hh_shortlist *shortlist, const own_items *own)
{
    if (shortlist->options.hide_session_items)
        return;
    for (uint32_t i = 0; i < shortlist->count; i++)
        for (uint32_t k = 0; k < own->count; k++)
            if (own->item[k] == shortlist->items[i]) {
                float *row = shortlist->inputs + (size_t)i * CANDIDATE_INPUTS;
                row[INPUT_OWN] = 1;
                row[INPUT_NEAR] = 1 / (float)own->distance[k];
                row[INPUT_TIMES] = count_input((float)own->times[k]);
            }
}

void hh_shortlist_make(hh_shortlist *shortlist, const hh_query *query, const hh_votes *votes,
                       const float *mixture, const float *extra)
{
    own_items own;
    find_own_items(&own, query);
    choose(shortlist, query, votes, mixture);
    fill_candidates(shortlist, votes);
    fill_own(shortlist, &own);
    float *about = shortlist->query;
    about[QUERY_LENGTH] = count_input((float)query->length);
    about[QUERY_LENGTH + 1] = query->length ? 1 / (float)query->length : 0;
    about[QUERY_DISTINCT] = own.clicks ? (float)own.count / (float)own.clicks : 1;
    about[QUERY_NEIGHBOURS] = count_input((float)votes->neighbours) * 0.5f;
    for (int e = HH_POPS; e < HH_MIXED_EXPERTS; e++)
        about[QUERY_MASS + e - HH_POPS] = log_input(votes->mass[e]);
    for (int p = 0; p < HH_POPS; p++)
        about[QUERY_LAST + p] = log_input(votes->last_popularity[p]);
    about[QUERY_LAST_CLICKS] = count_input((float)votes->last_clicks) * 0.5f;
    for (uint32_t i = 0; i < shortlist->options.extra; i++)
        about[QUERY_INPUTS + i] = extra ? extra[i] : 0;
}
