// Lessons of mixture and ranker.
//
// What would each expert have said just before this click? Lists are asked for just after the click before
// it: the lesson has what other visitors clicked in between, which moves popularity by little, and costs
// nothing to keep.
#include "lessons.h"

#include <stdlib.h>

enum {
    AT_START = 20000, // clicks learned from while the graph is loaded
    MIXTURE_US = 60,  // what one costs, about: asking the experts and teaching the mixture,
    RANKER_US = 60,   // and teaching the ranker
    SHARE = 10,       // one in so many microseconds of the thread may go into lessons
};

struct hh_lessons {
    hh_shared *shared;
    hh_reader *reader;
    hh_shortlist *shortlist; // NULL where there is no ranker
    unsigned shift;          // one click in 2^this is learned from
    uint64_t taught, shown;  // lessons of the ranker; those in the metrics
    bool active;             // what the log knows of the ranker
    hh_item *query;          // [query_room]
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
    uint64_t cost = lessons->shortlist ? MIXTURE_US + RANKER_US : MIXTURE_US;
    uint64_t affordable = (uint64_t)elapsed_ms * 1000 / SHARE / cost;
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

static hh_status teach_ranker(hh_lessons *lessons, const hh_query *query, const hh_votes *votes,
                              hh_item clicked, hh_time time)
{
    if (votes->count > lessons->scores_room) {
        size_t room = votes->count + votes->count / 2;
        float *scores = realloc(lessons->scores, room * sizeof *scores);
        if (!scores)
            return HH_MEMORY;
        lessons->scores = scores;
        lessons->scores_room = room;
    }
    hh_mixture_scores(lessons->shared->mixture, votes, lessons->scores);
    hh_shortlist_make(lessons->shortlist, query, votes, lessons->scores, NULL);
    hh_ranker_shelf_learn(lessons->shared->rankers, lessons->shortlist, clicked, time);
    lessons->taught++;
    return HH_OK;
}

hh_status hh_lessons_take(hh_lessons *lessons, const hh_session *session, uint32_t position, uint64_t visitor)
{
    if (!is_one(lessons, session, position))
        return HH_OK;
    if (!make_room(lessons, position))
        return HH_MEMORY;
    for (uint32_t i = 0; i < position; i++)
        lessons->query[i] = session->clicks[i].item;
    const hh_config *config = lessons->shared->config;
    const hh_session_click *click = &session->clicks[position];
    hh_query query = {.items = lessons->query,
                      .length = position,
                      .as_of = click->time,
                      .visitor = visitor,
                      .session_start = session->clicks[0].time};
    size_t popular = config->recommend.k + (config->recommend.hide_session_items ? position : 0);
    hh_votes votes;
    hh_status status = hh_graph_query(lessons->reader, &query, popular, &votes);
    if (status == HH_OK && lessons->shortlist) // before the mixture knows the click
        status = teach_ranker(lessons, &query, &votes, click->item, click->time);
    if (status == HH_OK)
        hh_mixture_learn(lessons->shared->mixture, &votes, click->item, click->time);
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
