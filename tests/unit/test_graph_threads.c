// One writer, several readers, no lock: for ThreadSanitizer, and for what must hold of every answer while the
// writer learns, merges, expires, withdraws and forgets.
#include <criterion/criterion.h>
#include <hiphop/recommend.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS  3
#define VISITORS 50
#define CLICKS   20000

typedef struct shared {
    hh_graph *graph;
    hh_mixture *mixture;
    _Atomic bool done;
    _Atomic int64_t now;
    _Atomic long failed, unsound, unsorted; // answers that were wrong
    _Atomic long asked, found;
} shared;

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return z ^ z >> 27;
}

static int below(uint64_t *state, int bound)
{
    return (int)(next_random(state) % (uint64_t)bound);
}

// Every expert's shares are a part of 1, and all candidates distinct.
static bool sound(const hh_votes *votes)
{
    for (int e = 0; e < HH_EXPERTS; e++) {
        float sum = 0;
        for (size_t i = 0; i < votes->count; i++) {
            if (!(votes->shares[i][e] >= 0 && votes->shares[i][e] <= 1.001f))
                return false;
            sum += votes->shares[i][e];
        }
        if (sum > 1.01f)
            return false;
    }
    for (size_t i = 0; i < votes->count && i < 30; i++)
        for (size_t j = 0; j < i; j++)
            if (votes->items[i] == votes->items[j])
                return false;
    return true;
}

static void *read_on(void *argument)
{
    shared *s = argument;
    uint64_t random = (uint64_t)(uintptr_t)&random;
    hh_recommend_options options = {.k = 10, .hide_session_items = false};
    hh_recommender *recommender = NULL;
    while (!atomic_load(&s->done)) {
        if (!recommender)
            recommender = hh_recommender_new(s->graph, s->mixture, &options, NULL);
        if (!recommender) {
            atomic_fetch_add(&s->failed, 1);
            return NULL;
        }
        hh_reader *reader = hh_recommender_reader(recommender);
        hh_item items[4];
        size_t length = (size_t)below(&random, 4), count;
        for (size_t i = 0; i < length; i++) {
            char id[16];
            int size = snprintf(id, sizeof id, "i%d", below(&random, 300));
            items[i] = hh_graph_find(reader, id, (size_t)size);
        }
        hh_time as_of = atomic_load(&s->now) - below(&random, 20000);
        hh_query query = {items, length, as_of, (uint64_t)below(&random, VISITORS), as_of - HH_HOUR, NULL};
        hh_recommendation list[10];
        if (hh_recommend(recommender, &query, list, &count))
            atomic_fetch_add(&s->failed, 1);
        else if (!sound(hh_recommender_votes(recommender)))
            atomic_fetch_add(&s->unsound, 1);
        for (size_t i = 1; i < count; i++)
            if (list[i].score > list[i - 1].score)
                atomic_fetch_add(&s->unsorted, 1);
        atomic_fetch_add(&s->asked, 1);
        atomic_fetch_add(&s->found, count == 10);
        if (below(&random, 200) == 0) { // readers come and go
            hh_recommender_free(recommender);
            recommender = NULL;
        }
    }
    hh_recommender_free(recommender);
    return NULL;
}

Test(graph_threads, readers_see_only_whole_states)
{
    hh_error error;
    hh_graph_options options = hh_graph_defaults();
    options.max_clicks = 3000;
    options.sessions = 40;
    options.pop_half_life[0] = HH_SECOND;
    shared s = {.graph = hh_graph_new(&options, &error), .mixture = hh_mixture_new(), .now = 1700000000000};
    cr_assert(s.graph && s.mixture);
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_on, &s), 0);

    hh_graph_session *open[VISITORS] = {NULL}, *second[VISITORS] = {NULL};
    uint64_t random = 7;
    // On a loaded machine the readers may get their turn late.
    for (int i = 0; i < CLICKS || (i < 100 * CLICKS && atomic_load(&s.asked) <= 100); i++) {
        int visitor = below(&random, VISITORS);
        hh_graph_session **session = below(&random, 8) ? &open[visitor] : &second[visitor];
        if (!*session)
            *session = hh_graph_open(s.graph, (uint64_t)visitor);
        char id[16];
        // Ever new ids, so that numbers are given back and used again.
        int size = snprintf(id, sizeof id, "i%d", below(&random, 3) ? below(&random, 300) : i);
        hh_item item = hh_graph_intern(s.graph, id, (size_t)size);
        hh_time now = atomic_load(&s.now) + below(&random, 500);
        atomic_store(&s.now, now);
        hh_status status =
            hh_graph_click(s.graph, *session, item, now - (below(&random, 5) ? 0 : below(&random, 9000)));
        cr_assert_eq(status, HH_OK);
        if (below(&random, 6) == 0 && open[visitor] && second[visitor]) {
            cr_assert_eq(hh_graph_merge(s.graph, open[visitor], second[visitor]), HH_OK);
            second[visitor] = NULL;
        }
        if (below(&random, 10) == 0 && open[visitor]) {
            hh_graph_close(s.graph, open[visitor]);
            open[visitor] = NULL;
        }
        if (below(&random, 50) == 0)
            cr_assert_eq(hh_graph_withdraw(s.graph, item, below(&random, 2)), HH_OK);
        if (below(&random, 5) == 0) {
            float vector[8];
            for (int k = 0; k < 8; k++)
                vector[k] = (float)(below(&random, 100) - 20);
            const float *of = below(&random, 4) ? vector : NULL;
            cr_assert_eq(hh_graph_describe(s.graph, item, (uint32_t)below(&random, 2), of, 8), HH_OK);
        }
        if (below(&random, 50) == 0)
            hh_graph_settle(s.graph);
    }
    atomic_store(&s.done, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(s.failed, 0);
    cr_assert_eq(s.unsound, 0);
    cr_assert_eq(s.unsorted, 0);
    cr_assert_gt(s.asked, 100);
    cr_assert_gt(s.found, 0);
    hh_mixture_free(s.mixture);
    hh_graph_free(s.graph);
}
