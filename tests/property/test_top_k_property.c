// A list against the scores of all items: on random graphs, some of whose best items are in nobody's votes
// and in no popularity's best k, and some with so many items that are equally popular that all have to be
// looked at.
#include "recommend/mix.h"
#include <criterion/criterion.h>
#include <hiphop/recommend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ITEMS 2500
#define MOST_K     30
#define LENGTH     4
#define GRAPHS     100

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int below(uint64_t *state, int bound)
{
    return (int)(next_random(state) % (uint64_t)bound);
}

typedef struct world {
    uint64_t random;
    hh_graph *graph;
    hh_mixture *mixture;
    hh_recommend_options list;
    int items;
    hh_item numbers[MOST_ITEMS];
    hh_time now;
} world;

// Sessions of three clicks on the items from..to - 1, each a click or more: by chance, the first of them
// above all, or on each as often and at once.
static void live_through(world *w, int from, int to, int each, hh_time pace)
{
    int kind = below(&w->random, 3), items = to - from;
    hh_graph_session *session = NULL;
    for (int i = 0; i < each * items; i++) {
        if (i % 3 == 0) {
            if (session && below(&w->random, 2))
                hh_graph_close(w->graph, session);
            session = hh_graph_open(w->graph, next_random(&w->random));
        }
        int item = kind == 2 ? i % items : below(&w->random, kind ? 1 + below(&w->random, items) : items);
        cr_assert_eq(hh_graph_click(w->graph, session, w->numbers[from + item], w->now), HH_OK);
        w->now += kind == 2 ? 0 : (hh_time)(next_random(&w->random) % (uint64_t)pace);
    }
}

static void learn_something(world *w)
{
    float shares[1][HH_EXPERTS];
    hh_item item = 0;
    hh_evidence evidence = {0};
    for (int lesson = below(&w->random, 200); lesson > 0; lesson--) {
        for (int e = 0; e < HH_EXPERTS; e++)
            shares[0][e] = (float)below(&w->random, e < HH_POPS ? 100 : 10) / 100;
        hh_votes votes = {.count = 1,
                          .items = &item,
                          .shares = (const float(*)[HH_EXPERTS])shares,
                          .evidence = &evidence,
                          .length = (size_t)below(&w->random, LENGTH + 1)};
        hh_mixture_learn(w->mixture, &votes, item, w->now - HH_HOUR + lesson);
    }
}

static void start(world *w, uint64_t seed)
{
    *w = (world){.random = seed, .now = 1700000000000};
    hh_graph_options options = hh_graph_defaults();
    options.pop_half_life[0] = 20 * HH_SECOND;
    options.pop_half_life[1] = (hh_time)(1 + below(&w->random, 20)) * HH_MINUTE;
    options.pop_half_life[2] = (hh_time)(1 + below(&w->random, 20)) * HH_HOUR;
    hh_error error;
    w->graph = hh_graph_new(&options, &error);
    w->mixture = hh_mixture_new();
    cr_assert(w->graph && w->mixture);
    w->items = below(&w->random, 3) ? 10 + below(&w->random, 300) : MOST_ITEMS - below(&w->random, 1000);
    w->list.k = (uint32_t)(1 + below(&w->random, MOST_K));
    w->list.hide_session_items = below(&w->random, 2);
    for (int item = 0; item < w->items; item++) {
        char id[16];
        int length = snprintf(id, sizeof id, "%d", item * 7919 % 10007);
        w->numbers[item] = hh_graph_intern(w->graph, id, (size_t)length);
    }
    // What was liked long ago is liked little now, and the other way round.
    int middle = 1 + below(&w->random, w->items - 1);
    live_through(w, 0, middle, 3, HH_MINUTE);
    w->now += (hh_time)below(&w->random, 60) * HH_MINUTE;
    live_through(w, below(&w->random, middle), w->items, 1, HH_SECOND);
    w->now += below(&w->random, 20000);
    for (int i = below(&w->random, 10); i > 0; i--)
        cr_assert_eq(hh_graph_withdraw(w->graph, w->numbers[below(&w->random, w->items)], true), HH_OK);
    learn_something(w);
}

static void stop(world *w)
{
    hh_mixture_free(w->mixture);
    hh_graph_free(w->graph);
}

// ---- all items, in order

typedef struct scored {
    hh_item item;
    float score;
} scored;

static hh_reader *sorting;

static int best_first(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return hh_graph_compare(sorting, x->item, y->item);
}

static bool in_session(const hh_query *query, hh_item item)
{
    for (size_t i = 0; i < query->length; i++)
        if (query->items[i] == item)
            return true;
    return false;
}

// All candidates of a query that takes so many of each popularity. A new reader each time, so that none has
// the long lists of an earlier one.
static size_t score_all(const world *w, const hh_query *query, size_t popular, scored *all)
{
    hh_error error;
    hh_reader *reader = hh_reader_new(w->graph, &error);
    hh_votes votes;
    cr_assert_eq(hh_graph_query(reader, query, popular, &votes), HH_OK);
    float *scores = malloc((votes.count + 1) * sizeof *scores);
    hh_mixture_scores(w->mixture, &votes, scores);
    size_t count = 0;
    for (size_t i = 0; i < votes.count; i++)
        if (!w->list.hide_session_items || !in_session(query, votes.items[i]))
            all[count++] = (scored){votes.items[i], scores[i]};
    free(scores);
    sorting = reader;
    qsort(all, count, sizeof *all, best_first);
    hh_reader_free(reader);
    return count;
}

// ---- the test

// The expert from outside has 64 opinions, and names the items of which it thinks best.
#define OPINIONS 64

static unsigned opinion(hh_item item)
{
    return (item * 2654435761u >> 20) % OPINIONS;
}

static float share_of(unsigned opinion)
{
    return (float)opinion / 4096;
}

static void foresee(void *context, const hh_item *items, size_t count, float *share)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        share[i * HH_EXPERTS] = share_of(opinion(items[i]));
}

static int lists, improved; // lists in which something stands that was no candidate at first

// What a list's scores are multiplied with to be shares of next clicks, no more than one whole together.
static float share_of_list(const world *w, const hh_votes *votes, hh_time as_of)
{
    double weights[HH_EXPERTS];
    hh_context context = hh_context_of(votes);
    float *scores = malloc(votes->count * sizeof *scores);
    hh_mixture_weights(w->mixture, &context, as_of, weights);
    float share = hh_mix(weights, votes->shares, votes->count, scores);
    cr_assert(share > 0 && share <= 1);
    double all = 0;
    for (size_t i = 0; i < votes->count; i++)
        all += (double)scores[i];
    all *= (double)share;
    if (all > 1)
        share /= (float)all;
    free(scores);
    return share;
}

static void ask(world *w, uint64_t seed)
{
    hh_item session[LENGTH];
    hh_query query = {.items = session,
                      .length = (size_t)below(&w->random, LENGTH + 1),
                      .as_of = w->now - below(&w->random, 1000),
                      .visitor = 1,
                      .session_start = w->now};
    for (size_t i = 0; i < query.length; i++)
        session[i] = w->numbers[below(&w->random, w->items)];
    static hh_item named[MOST_ITEMS];
    hh_foresight foresight = {.items = named, .rest = share_of(OPINIONS - 2), .shares = foresee};
    for (int i = 0; i < w->items; i++)
        if (opinion(w->numbers[i]) == OPINIONS - 1)
            named[foresight.count++] = w->numbers[i];
    query.foresight = below(&w->random, 2) ? &foresight : NULL;
    static scored all[MOST_ITEMS], few[MOST_ITEMS];
    size_t exist = score_all(w, &query, MOST_ITEMS, all);
    size_t known = score_all(w, &query, w->list.k + query.length, few);

    hh_error error;
    hh_recommender *recommender = hh_recommender_new(w->graph, w->mixture, &w->list, &error);
    hh_recommendation list[MOST_K];
    size_t count;
    cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
    cr_assert_eq(count, exist < w->list.k ? exist : w->list.k, "seed %lu: a list of %zu, of %zu items",
                 (unsigned long)seed, count, exist);
    float share = share_of_list(w, hh_recommender_votes(recommender), query.as_of);
    for (size_t i = 0; i < count; i++)
        cr_assert(list[i].item == all[i].item && list[i].score == all[i].score * share,
                  "seed %lu: place %zu has %g, the best %g", (unsigned long)seed, i, (double)list[i].score,
                  (double)(all[i].score * share));
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)list[i].score;
    cr_assert_leq(sum, 1 + 1e-5, "seed %lu: the scores sum to %g", (unsigned long)seed, sum);
    bool better = false;
    for (size_t i = 0; i < count; i++)
        better = better || i >= known || few[i].item != all[i].item;
    lists++;
    improved += better;
    hh_recommender_free(recommender);
}

Test(top_k_property, a_list_is_the_best_of_all_items_and_full)
{
    world *w = malloc(sizeof *w);
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        start(w, seed);
        for (int i = 0; i < 5; i++)
            ask(w, seed);
        stop(w);
    }
    free(w);
    printf("%d of %d lists hold what was no candidate at first\n", improved, lists);
    cr_assert(improved > lists / 30 && improved < lists / 2);
}

static void click_each(hh_graph *graph, char kind, int items, int times, hh_time time)
{
    for (int i = 0; i < items * times; i++) {
        char id[16];
        int length = snprintf(id, sizeof id, "%c%d", kind, i % items);
        hh_graph_session *session = hh_graph_open(graph, (uint64_t)i);
        cr_assert_eq(hh_graph_click(graph, session, hh_graph_intern(graph, id, (size_t)length), time), HH_OK);
        hh_graph_close(graph, session);
    }
}

// Far more items are liked more now, and far more have been liked more, than five that are worth most in all.
Test(top_k_property, the_best_may_be_deep_in_every_list)
{
    hh_graph_options options = hh_graph_defaults();
    options.pop_half_life[1] = HH_MINUTE;
    hh_error error;
    hh_graph *graph = hh_graph_new(&options, &error);
    hh_mixture *mixture = hh_mixture_new();
    hh_time now = 1700000000000;
    click_each(graph, 'a', 300, 12, now - HH_HOUR);
    click_each(graph, 'b', 5, 10, now - HH_HOUR);
    click_each(graph, 'b', 5, 1, now);
    click_each(graph, 'c', 600, 2, now);
    hh_recommender *recommender = hh_recommender_new(graph, mixture, &(hh_recommend_options){.k = 5}, &error);
    hh_recommendation list[5];
    size_t count;
    hh_query query = {.as_of = now + 1, .visitor = 10000, .session_start = now};
    cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
    cr_assert_eq(count, 5);
    for (size_t i = 0; i < count; i++) {
        char id[8];
        hh_graph_id(hh_recommender_reader(recommender), list[i].item, id, sizeof id);
        cr_assert(id[0] == 'b' && id[1] == '0' + (char)i, "%s", id);
    }
    hh_recommender_free(recommender);
    hh_mixture_free(mixture);
    hh_graph_free(graph);
}
