// From a query to a list: the votes, the mixture's scores, the ranker's, the exact best k, and a reason for
// each.
#include "bound.h"
#include "in_session.h"
#include "recommend/by_text.h"
#include "recommend/mix.h"
#include "recommend/ranker_weights.h"

#include <stdio.h>
#include <stdlib.h>

struct hh_recommender {
    hh_reader *reader;
    const hh_mixture *mixture;
    const hh_ranker *ranker;      // NULL: none
    hh_shortlist *shortlist;      // of the ranker; NULL: none
    const hh_ranker_shelf *shelf; // NULL: none
    hh_ranker *copied;            // the shelf's, of this number
    uint64_t number;
    hh_recommend_options options;
    hh_votes votes; // of the last query
    bool asked, shortlisted;
    float *scores; // [capacity] of the candidates
    float share;   // what makes shares of them
    float *ranked; // [capacity] the ranker's
    size_t capacity;
    uint32_t *best; // [k] candidates, a heap with the worst on top
};

hh_recommend_options hh_recommend_defaults(void)
{
    return (hh_recommend_options){.k = 20, .hide_session_items = false};
}

hh_recommender *hh_recommender_new(hh_graph *graph, const hh_mixture *mixture,
                                   const hh_recommend_options *options, hh_error *error)
{
    if (options->k < 1 || options->k > 10000) {
        hh_fail(error, HH_ARGUMENT, "the length of a list must be 1 to 10000, not %u", options->k);
        return NULL;
    }
    hh_recommender *recommender = calloc(1, sizeof *recommender);
    if (recommender) {
        recommender->mixture = mixture;
        recommender->options = *options;
        recommender->best = malloc(options->k * sizeof *recommender->best);
        recommender->reader = hh_reader_new(graph, NULL);
    }
    if (!recommender || !recommender->best || !recommender->reader) {
        hh_recommender_free(recommender);
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    return recommender;
}

void hh_recommender_free(hh_recommender *recommender)
{
    if (!recommender)
        return;
    hh_reader_free(recommender->reader);
    hh_shortlist_free(recommender->shortlist);
    hh_ranker_free(recommender->copied);
    free(recommender->scores);
    free(recommender->ranked);
    free(recommender->best);
    free(recommender);
}

hh_reader *hh_recommender_reader(hh_recommender *recommender)
{
    return recommender->reader;
}

const hh_votes *hh_recommender_votes(const hh_recommender *recommender)
{
    return recommender->asked ? &recommender->votes : NULL;
}

static hh_status use(hh_recommender *recommender, const hh_ranker *ranker, hh_error *error)
{
    hh_shortlist *before = recommender->shortlist;
    bool fits = before && ranker && before->options.candidates == ranker->options.candidates &&
                before->options.extra == ranker->options.extra;
    if (!fits) {
        hh_shortlist *shortlist = NULL;
        if (ranker) {
            hh_ranker_options options = ranker->options;
            options.hide_session_items = recommender->options.hide_session_items;
            shortlist = hh_shortlist_new(&options, error);
            if (!shortlist)
                return HH_MEMORY;
        }
        hh_shortlist_free(before);
        recommender->shortlist = shortlist;
    }
    recommender->ranker = ranker;
    return HH_OK;
}

static void leave_shelf(hh_recommender *recommender)
{
    hh_ranker_free(recommender->copied);
    recommender->copied = NULL;
    recommender->shelf = NULL;
}

hh_status hh_recommender_use(hh_recommender *recommender, const hh_ranker *ranker, hh_error *error)
{
    hh_status status = use(recommender, ranker, error);
    if (status == HH_OK)
        leave_shelf(recommender);
    return status;
}

hh_status hh_recommender_follow(hh_recommender *recommender, const hh_ranker_shelf *shelf, hh_error *error)
{
    hh_ranker *copied = shelf ? hh_ranker_new(hh_ranker_shelf_options(shelf), error) : NULL;
    hh_status status = shelf && !copied ? HH_MEMORY : use(recommender, copied, error);
    if (status) {
        hh_ranker_free(copied);
        return status;
    }
    leave_shelf(recommender);
    recommender->shelf = shelf;
    recommender->copied = copied;
    recommender->number = 0;
    return HH_OK;
}

const hh_shortlist *hh_recommender_shortlist(const hh_recommender *recommender)
{
    return recommender->asked && recommender->shortlisted ? recommender->shortlist : NULL;
}

// ---- the best k ----

typedef struct ranking {
    hh_recommender *recommender;
    const hh_votes *votes;
    const float *scores; // of the votes
} ranking;

static bool better(const ranking *by, uint32_t a, uint32_t b)
{
    const float *scores = by->scores;
    if (scores[a] != scores[b])
        return scores[a] > scores[b];
    return hh_graph_compare(by->recommender->reader, by->votes->items[a], by->votes->items[b]) < 0;
}

// Restores the heap below `at`: each is worse than its children.
static void sift_down(const ranking *by, uint32_t *heap, size_t count, size_t at)
{
    for (;;) {
        size_t worst = at, left = 2 * at + 1, right = left + 1;
        if (left < count && better(by, heap[worst], heap[left]))
            worst = left;
        if (right < count && better(by, heap[worst], heap[right]))
            worst = right;
        if (worst == at)
            return;
        uint32_t candidate = heap[at];
        heap[at] = heap[worst];
        heap[worst] = candidate;
        at = worst;
    }
}

static void sift_up(const ranking *by, uint32_t *heap, size_t at)
{
    while (at > 0 && better(by, heap[(at - 1) / 2], heap[at])) {
        uint32_t candidate = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = candidate;
        at = (at - 1) / 2;
    }
}

// The best candidates into the heap, then sorted, best first. Returns how many.
static size_t choose(const ranking *by, const hh_query *query)
{
    hh_recommender *recommender = by->recommender;
    uint32_t *heap = recommender->best;
    size_t count = 0, k = recommender->options.k;
    // Those below `least` are not among the best k, however many of the session's own come first.
    size_t enough = k + (recommender->options.hide_session_items ? query->length : 0);
    float least =
        by->votes->count > enough ? hh_bound(by->scores, (uint32_t)by->votes->count, (uint32_t)enough) : 0;
    for (uint32_t i = 0; i < by->votes->count; i++) {
        if (by->scores[i] < (count == k ? by->scores[heap[0]] : least))
            continue;
        if (recommender->options.hide_session_items &&
            hh_in_session(query->items, query->length, by->votes->items[i]))
            continue;
        if (count < k) {
            heap[count] = i;
            sift_up(by, heap, count++);
        } else if (better(by, i, heap[0])) {
            heap[0] = i;
            sift_down(by, heap, count, 0);
        }
    }
    for (size_t left = count; left > 1;) {
        uint32_t worst = heap[0];
        heap[0] = heap[--left];
        heap[left] = worst;
        sift_down(by, heap, left, 0);
    }
    return count;
}

// ---- reasons ----

static hh_recommendation explain(const ranking *by, uint32_t candidate, const double weights[HH_EXPERTS])
{
    const hh_votes *votes = by->votes;
    const float *shares = votes->shares[candidate];
    const hh_evidence *evidence = &votes->evidence[candidate];
    double parts[HH_REASON_ALIKE + 1] = {0};
    for (int e = 0; e < HH_EXPERTS; e++) {
        hh_reason_kind kind = e <= HH_EXPERT_POP_LONG    ? HH_REASON_POPULAR
                              : e <= HH_EXPERT_PAIR_LONG ? HH_REASON_FOLLOWED
                              : e <= HH_EXPERT_KNN_LONG  ? HH_REASON_NEIGHBOUR
                              : e <= HH_EXPERT_REPEAT    ? HH_REASON_REPEAT
                              : e == HH_EXPERT_NETWORK   ? HH_REASON_FORESEEN
                                                         : HH_REASON_ALIKE;
        parts[kind] += weights[e] * shares[e];
    }
    // It came a step further on, or only before the session's items: nothing that the words could say.
    if (evidence->followed == 0) {
        parts[HH_REASON_ONWARD] = evidence->onward ? parts[HH_REASON_FOLLOWED] : -1;
        parts[HH_REASON_FOLLOWED] = -1;
    }
    if (evidence->neighbours == 0)
        parts[HH_REASON_NEIGHBOUR] = -1;
    int reason = HH_REASON_POPULAR;
    for (int kind = 0; kind <= HH_REASON_ALIKE; kind++)
        if (parts[kind] > parts[reason])
            reason = kind;
    hh_recommendation recommendation = {
        .item = votes->items[candidate],
        .score = by->scores[candidate] * by->recommender->share,
        .reason = (hh_reason_kind)reason,
        .like = reason == HH_REASON_ALIKE ? evidence->alike : HH_ITEM_NONE,
    };
    if (reason == HH_REASON_FOLLOWED) {
        recommendation.count = evidence->followed;
    } else if (reason == HH_REASON_ONWARD) {
        recommendation.count = evidence->onward;
    } else if (reason == HH_REASON_NEIGHBOUR) {
        recommendation.count = evidence->neighbours;
        recommendation.of = votes->neighbours;
    }
    return recommendation;
}

void hh_reason_text(const hh_recommendation *recommendation, char *text, size_t size)
{
    unsigned count = recommendation->count, of = recommendation->of;
    switch (recommendation->reason) {
    case HH_REASON_POPULAR:
        snprintf(text, size, "popular now");
        break;
    case HH_REASON_FOLLOWED:
        snprintf(text, size,
                 count == 1 ? "followed this session's items once" : "followed this session's items %u times",
                 count);
        break;
    case HH_REASON_ONWARD:
        snprintf(text, size,
                 count == 1 ? "followed once what follows this session's items"
                            : "followed %u times what follows this session's items",
                 count);
        break;
    case HH_REASON_NEIGHBOUR:
        snprintf(text, size,
                 of == 1 ? "the one similar session went on to this"
                         : "%u of the %u nearest sessions went on to this",
                 count, of);
        break;
    case HH_REASON_REPEAT:
        snprintf(text, size, "already in this session");
        break;
    case HH_REASON_FORESEEN:
        snprintf(text, size, "what sessions like this one have gone on to");
        break;
    case HH_REASON_ALIKE:
        snprintf(text, size, "its description is like that of what you clicked");
        break;
    }
}

// ---- the call ----

// The scores of all candidates.
static hh_status score(hh_recommender *recommender, const double weights[HH_EXPERTS])
{
    const hh_votes *votes = &recommender->votes;
    if (votes->count > recommender->capacity) {
        size_t capacity = votes->count + votes->count / 2;
        float *scores = realloc(recommender->scores, capacity * sizeof *scores);
        if (!scores)
            return HH_MEMORY;
        recommender->scores = scores;
        float *ranked = realloc(recommender->ranked, capacity * sizeof *ranked);
        if (!ranked)
            return HH_MEMORY;
        recommender->ranked = ranked;
        recommender->capacity = capacity;
    }
    recommender->share = hh_mix(weights, votes->shares, votes->count, recommender->scores);
    return HH_OK;
}

// Whether there is a ranker that may answer as of this time. One from the shelf must have something to say,
// too.
static bool may_rank(hh_recommender *recommender, hh_time as_of)
{
    if (!recommender->shelf)
        return recommender->ranker != NULL;
    return hh_ranker_shelf_read(recommender->shelf, as_of, recommender->copied, &recommender->number) &&
           hh_ranker_active(recommender->copied);
}

// The best by the ranker. The mixture's best k are among the candidates, and with them what it ranks.
static size_t rank(ranking *by, const hh_query *query)
{
    hh_recommender *recommender = by->recommender;
    hh_shortlist_make(recommender->shortlist, query, by->votes, recommender->scores,
                      hh_extra_of(query, &recommender->shortlist->options));
    hh_ranker_scores(recommender->ranker, recommender->shortlist, recommender->scores, by->votes->count,
                     recommender->ranked);
    hh_place_by_text(recommender->shortlist, by->votes, recommender->scores, recommender->ranked);
    by->scores = recommender->ranked;
    return choose(by, query);
}

// Descriptions promise clicks beside what the mixture shares out, and what the ranker places by them is worth
// more than that: where all together would be more than one whole, each is that much less.
static void share_out(hh_recommender *recommender, const float *scores)
{
    double all = 0;
    for (size_t i = 0; i < recommender->votes.count; i++)
        all += (double)scores[i];
    all *= (double)recommender->share;
    if (all > 1)
        recommender->share /= (float)all;
}

static hh_status make_list(hh_recommender *recommender, const hh_query *query, hh_recommendation *list,
                           size_t *count)
{
    hh_votes *votes = &recommender->votes;
    const uint32_t *best = recommender->best, k = recommender->options.k;
    size_t popular = k + (recommender->options.hide_session_items ? query->length : 0);
    hh_status status = hh_graph_query(recommender->reader, query, popular, votes);
    recommender->asked = status == HH_OK;
    recommender->shortlisted = false;
    double weights[HH_EXPERTS];
    hh_context context = hh_context_of(votes);
    hh_mixture_weights(recommender->mixture, &context, query->as_of, weights);
    if (!status)
        status = score(recommender, weights);
    if (status)
        return status;
    ranking by = {recommender, votes, recommender->scores};
    size_t chosen = choose(&by, query), candidates = votes->count;
    // Is there anything better among what is no candidate?
    float least = chosen < k ? 0 : recommender->scores[best[k - 1]];
    status = hh_graph_query_more(recommender->reader, weights, least, votes);
    if (!status && votes->count > candidates) {
        status = score(recommender, weights);
        by.scores = recommender->scores;
        chosen = status ? 0 : choose(&by, query);
    }
    if (status)
        return status;
    recommender->shortlisted = may_rank(recommender, query->as_of);
    if (recommender->shortlisted)
        chosen = rank(&by, query);
    share_out(recommender, by.scores);
    for (size_t i = 0; i < chosen; i++)
        list[i] = explain(&by, best[i], weights);
    *count = chosen;
    return HH_OK;
}

hh_status hh_recommend(hh_recommender *recommender, const hh_query *query, hh_recommendation *list,
                       size_t *count)
{
    *count = 0;
    hh_reader_hold(recommender->reader); // numbers are compared by their ids
    hh_status status = make_list(recommender, query, list, count);
    hh_reader_release(recommender->reader);
    return status;
}
