// Lessons of mixture and ranker.
//
// What would each expert have said just before this click? Lists are asked for just after the click before
// it: the lesson has what other visitors clicked in between, which moves popularity by little, and costs
// nothing to keep.
#include "lessons.h"

#include "learning.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    AT_START = 20000, // clicks learned from while the graph is loaded
    COST_NS = 120000, // what one costs, until it is known
    SHARE = 10,       // one in so many microseconds of the thread may go into lessons
};

struct hh_lessons {
    hh_shared *shared;
    hh_reader *reader;
    hh_shortlist *shortlist; // NULL where there is no ranker
    hh_seer *seer;
    unsigned shift;         // one click in 2^this is learned from
    uint64_t taught, shown; // lessons of the ranker; those in the metrics
    bool active;            // what the log knows of the ranker
    double cost;            // nanoseconds of a lesson, a fading mean
    hh_item *query;         // [query_room]
    uint32_t query_room;
    float *scores; // [scores_room] the mixture's
    size_t scores_room;
};

hh_lessons *hh_lessons_new(hh_shared *shared, hh_reader *reader, hh_error *error)
{
    hh_lessons *lessons = calloc(1, sizeof *lessons);
    if (!lessons) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    lessons->shared = shared;
    lessons->reader = reader;
    lessons->cost = COST_NS;
    lessons->seer = hh_seer_new(shared, reader);
    if (!lessons->seer) {
        hh_lessons_free(lessons);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    if (shared->rankers)
        lessons->shortlist = hh_shortlist_new(hh_ranker_shelf_options(shared->rankers), error);
    if (lessons->shortlist || !shared->rankers)
        return lessons;
    hh_lessons_free(lessons);
    return NULL;
}

void hh_lessons_free(hh_lessons *lessons)
{
    if (!lessons)
        return;
    hh_shortlist_free(lessons->shortlist);
    hh_seer_free(lessons->seer);
    free(lessons->query);
    free(lessons->scores);
    free(lessons);
}

// ---- how many ----

void hh_lessons_expect(hh_lessons *lessons, uint64_t clicks)
{
    while (clicks >> lessons->shift > AT_START)
        lessons->shift++;
}

void hh_lessons_plan(hh_lessons *lessons, uint64_t clicks, hh_time elapsed_ms)
{
    uint64_t affordable = (uint64_t)((double)elapsed_ms * 1e6 / SHARE / lessons->cost);
    lessons->shift = 0;
    while (clicks >> lessons->shift > affordable && lessons->shift < 16)
        lessons->shift++;
}

static bool is_one(const hh_lessons *lessons, const hh_session *session, uint32_t position)
{
    if (position == 0 || position + 1 != session->count)
        return false;
    uint64_t draw = ((uint64_t)session->id << 10 | position) * 0x9e3779b97f4a7c15u;
    return lessons->shift == 0 || draw >> (64 - lessons->shift) == 0;
}

// ---- one ----

static bool make_room(hh_lessons *lessons, uint32_t length)
{
    if (length <= lessons->query_room)
        return true;
    uint32_t room = length + length / 2 + 8;
    hh_item *query = realloc(lessons->query, room * sizeof *query);
    if (!query)
        return false;
    lessons->query = query;
    lessons->query_room = room;
    return true;
}

static bool make_scores(hh_lessons *lessons, size_t count)
{
    if (count <= lessons->scores_room)
        return true;
    size_t room = count + count / 2;
    float *scores = realloc(lessons->scores, room * sizeof *scores);
    if (!scores)
        return false;
    lessons->scores = scores;
    lessons->scores_room = room;
    return true;
}

static void teach_ranker(hh_lessons *lessons, const hh_query *query, const hh_votes *votes, hh_item clicked,
                         hh_time time)
{
    hh_mixture_scores(lessons->shared->mixture, votes, lessons->scores);
    hh_shortlist_make(lessons->shortlist, query, votes, lessons->scores, NULL);
    hh_ranker_shelf_learn(lessons->shared->rankers, lessons->shortlist, clicked, time);
    lessons->taught++;
}

// The list of the graph alone: for the gate, and for the mixture that says what it would be.
static void teach_graph(hh_lessons *lessons, const hh_query *query, const hh_votes *votes, hh_item clicked,
                        hh_time time)
{
    hh_shared *shared = lessons->shared;
    if (shared->learning) {
        hh_gate_trial trial = {.as_of = time, .target = clicked};
        hh_mixture_scores_without(shared->graph_mixture, votes, HH_EXPERT_NETWORK, lessons->scores);
        hh_gate_trial_take(&trial, query->items, query->length, votes->items, lessons->scores, votes->count);
        hh_learning_trial(shared->learning, &trial);
    }
    for (size_t i = 0; i < votes->count; i++) {
        if (votes->items[i] != clicked)
            continue;
        float shares[HH_EXPERTS];
        hh_context context = hh_context_of(votes);
        memcpy(shares, votes->shares[i], sizeof shares);
        shares[HH_EXPERT_NETWORK] = 0;
        hh_mixture_learn_row(shared->graph_mixture, &context, shares, time);
        break;
    }
}

// What descriptions promised of this click: of all those that it stands for.
static void expect(hh_lessons *lessons, const hh_votes *votes, hh_time time)
{
    if (!(votes->mass[HH_EXPERT_INHERIT] + votes->mass[HH_EXPERT_COSINE] > 0))
        return;
    hh_mixture_expected(lessons->shared->mixture, votes, lessons->scores);
    for (size_t i = 0; i < votes->count; i++)
        lessons->scores[i] *= (float)(1u << lessons->shift);
    hh_graph_expect(lessons->shared->graph, votes->items, lessons->scores, votes->count, time);
}

static hh_status teach(hh_lessons *lessons, hh_query *query, hh_item clicked, hh_time time)
{
    hh_shared *shared = lessons->shared;
    size_t popular =
        shared->config->recommend.k + (shared->config->recommend.hide_session_items ? query->length : 0);
    int64_t version;
    hh_votes votes;
    query->foresight = hh_seer_read(lessons->seer, query, &version);
    hh_status status = hh_graph_query(lessons->reader, query, popular, &votes);
    if (status == HH_OK && !make_scores(lessons, votes.count))
        status = HH_MEMORY;
    if (status)
        return status;
    if (lessons->shortlist) // before the mixture knows the click
        teach_ranker(lessons, query, &votes, clicked, time);
    if (shared->graph_mixture)
        teach_graph(lessons, query, &votes, clicked, time);
    expect(lessons, &votes, time);
    hh_mixture_learn(shared->mixture, &votes, clicked, time);
    return HH_OK;
}

static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

hh_status hh_lessons_take(hh_lessons *lessons, const hh_session *session, uint32_t position, uint64_t visitor)
{
    if (!is_one(lessons, session, position))
        return HH_OK;
    if (!make_room(lessons, position))
        return HH_MEMORY;
    for (uint32_t i = 0; i < position; i++)
        lessons->query[i] = session->clicks[i].item;
    const hh_session_click *click = &session->clicks[position];
    hh_query query = {.items = lessons->query,
                      .length = position,
                      .as_of = click->time,
                      .visitor = visitor,
                      .session_start = session->clicks[0].time};
    double began = nanoseconds();
    hh_reader_hold(lessons->reader);
    hh_status status = teach(lessons, &query, click->item, click->time);
    hh_reader_release(lessons->reader);
    lessons->cost += (nanoseconds() - began - lessons->cost) / 64;
    return status;
}

// ---- what there is to see ----

static void show_ranker(hh_lessons *lessons)
{
    hh_metrics *metrics = lessons->shared->metrics;
    hh_ranker_progress progress;
    hh_ranker_shelf_progress(lessons->shared->rankers, &progress);
    hh_metrics_add(metrics, HH_METRIC_RANKER_LESSONS, 0, lessons->taught - lessons->shown);
    lessons->shown = lessons->taught;
    hh_metrics_set(metrics, HH_METRIC_RANKER_ACTIVE, 0, progress.active);
    if (progress.examples == 0)
        return;
    hh_metrics_set(metrics, HH_METRIC_RANKER_HR, HH_BY_RANKER, progress.ranker.hr20);
    hh_metrics_set(metrics, HH_METRIC_RANKER_HR, HH_BY_MIXTURE, progress.mixture.hr20);
    hh_metrics_set(metrics, HH_METRIC_RANKER_MRR, HH_BY_RANKER, progress.ranker.mrr20);
    hh_metrics_set(metrics, HH_METRIC_RANKER_MRR, HH_BY_MIXTURE, progress.mixture.mrr20);
    if (progress.active == lessons->active)
        return;
    lessons->active = progress.active;
    HH_LOG(lessons->shared->log, HH_LOG_INFO,
           progress.active ? "the ranker is better than the mixture: it makes the lists"
                           : "the ranker is no better than the mixture: the mixture alone makes the lists",
           HH_NUMBER("lessons", (int64_t)lessons->taught), HH_REAL("ranker_hr20", progress.ranker.hr20),
           HH_REAL("ranker_mrr20", progress.ranker.mrr20), HH_REAL("mixture_hr20", progress.mixture.hr20),
           HH_REAL("mixture_mrr20", progress.mixture.mrr20));
}

void hh_lessons_show(hh_lessons *lessons)
{
    hh_metrics *metrics = lessons->shared->metrics;
    double weights[HH_EXPERTS];
    hh_mixture_mean(lessons->shared->mixture, weights);
    for (size_t i = 0; i < HH_EXPERTS; i++)
        hh_metrics_set(metrics, HH_METRIC_MIXTURE, i, weights[i]);
    if (lessons->shortlist)
        show_ranker(lessons);
}
