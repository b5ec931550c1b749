// Scores by model: what they add up to, which versions are kept, and when a model is taken out.
#include "daemon/scoreboard.h"
#include "fail_alloc.h"
#include "unit/small_model.h"

#include <math.h>
#include <pthread.h>

static void judge(hh_scoreboard *scoreboard, int64_t version, unsigned ours, unsigned graph, int times,
                  bool *out)
{
    const unsigned ranks[HH_SCORE_LISTS] = {ours, graph, 0};
    for (int i = 0; i < times; i++)
        *out |= hh_scoreboard_judge(scoreboard, version, ranks);
}

Test(scoreboard, figures_are_those_of_the_judged_clicks)
{
    hh_scoreboard *scoreboard = hh_scoreboard_new(NULL, 0.5);
    const uint32_t items[] = {1, 2, 3, 2};
    bool out = false;
    hh_scoreboard_listed(scoreboard, 5, 1000, items, 4);
    hh_scoreboard_listed(scoreboard, 5, 2000, items, 4);
    judge(scoreboard, 5, 1, 2, 1, &out);
    judge(scoreboard, 5, 4, 0, 1, &out);
    judge(scoreboard, 5, 0, 21, 1, &out); // beyond the 20th is a miss
    judge(scoreboard, 5, 0, 0, 1, &out);
    hh_score scores[HH_SCORED_VERSIONS];
    cr_assert_eq(hh_scoreboard_read(scoreboard, scores), 1);
    cr_assert(scores[0].version == 5 && scores[0].lists == 2 && scores[0].begin == 1000 &&
              scores[0].targets == 4);
    cr_assert_float_eq(scores[0].hr[HH_LIST_HIPHOP], 0.5, 1e-3);
    cr_assert_float_eq(scores[0].mrr[HH_LIST_HIPHOP], (1 + 0.25) / 4, 1e-3);
    cr_assert_float_eq(scores[0].hr[HH_LIST_GRAPH], 0.25, 1e-3);
    cr_assert_float_eq(scores[0].drop, -0.25, 1e-3);
    cr_assert_eq(scores[0].coverage, 3);
    cr_assert_not(out);
    hh_scoreboard_free(scoreboard);
}

Test(scoreboard, distinct_items_are_counted_within_some_per_cent)
{
    hh_scoreboard *scoreboard = hh_scoreboard_new(NULL, 0.5);
    uint64_t state = 7;
    for (uint32_t count = 1; count <= 100000; count++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        uint32_t item = (uint32_t)(state >> 32);
        hh_scoreboard_listed(scoreboard, 1, 0, &item, 1);
        if (count != 1000 && count != 30000 && count != 100000)
            continue;
        hh_score scores[HH_SCORED_VERSIONS];
        hh_scoreboard_read(scoreboard, scores);
        cr_assert_float_eq(scores[0].coverage, count, 0.03 * count);
    }
    hh_scoreboard_free(scoreboard);
}

Test(scoreboard, the_newest_versions_and_the_graph_alone_are_kept)
{
    hh_scoreboard *scoreboard = hh_scoreboard_new(NULL, 0.5);
    hh_score scores[HH_SCORED_VERSIONS];
    bool out = false;
    judge(scoreboard, 0, 1, 1, 3, &out);
    for (int64_t version = 1; version <= 20; version++)
        judge(scoreboard, version, 1, 1, 2, &out);
    judge(scoreboard, 3, 1, 1, 1, &out); // a list of long ago: nobody's any more
    judge(scoreboard, 18, 1, 1, 1, &out);
    cr_assert_eq(hh_scoreboard_read(scoreboard, scores), HH_SCORED_VERSIONS);
    for (size_t i = 0; i + 1 < HH_SCORED_VERSIONS; i++)
        cr_assert(scores[i].version == 20 - (int64_t)i && scores[i].targets == (i == 2 ? 3u : 2u), "%zu", i);
    cr_assert(scores[HH_SCORED_VERSIONS - 1].version == 0 && scores[HH_SCORED_VERSIONS - 1].targets == 3);
    hh_scoreboard_free(scoreboard);
}

Test(scoreboard, a_model_that_surely_costs_more_is_taken_out)
{
    hh_service *service = hh_service_new();
    hh_scoreboard *scoreboard = hh_scoreboard_new(service, 0.01);
    hh_score scores[HH_SCORED_VERSIONS];
    bool out = false;
    cr_assert_eq(hh_service_put(service, small_model(), NULL, 4, 0), HH_OK);
    for (int i = 0; i < 30 && !out; i++) { // 3 of 100 lost
        cr_assert_lt(i, 20);
        judge(scoreboard, 4, 2, 2, 97, &out);
        judge(scoreboard, 4, 0, 2, 3, &out);
        cr_assert(!out || i >= 9, "not before a thousand clicks");
    }
    cr_assert(out);
    hh_served *held = NULL;
    cr_assert(hh_service_follow(service, 0, &held) && atomic_load(&held->out));
    hh_served_release(&held);
    hh_scoreboard_read(scoreboard, scores);
    cr_assert(scores[0].out);
    out = false;
    judge(scoreboard, 4, 0, 1, 2000, &out);
    cr_assert_not(out, "once is enough");
    // The next one begins with nothing against it; one as good as the graph stays, and so does the graph
    // itself.
    cr_assert_eq(hh_service_put(service, small_model(), NULL, 5, 0), HH_OK);
    for (int i = 0; i < 100; i++) {
        judge(scoreboard, 5, 0, 1, 10, &out);
        judge(scoreboard, 5, 1, 0, 10, &out);
        judge(scoreboard, 0, 0, 1, 20, &out);
    }
    cr_assert_not(out);
    hh_scoreboard_free(scoreboard);
    hh_service_free(service);
}

Test(scoreboard, one_caller_reports_each_interval)
{
    hh_scoreboard *scoreboard = hh_scoreboard_new(NULL, 0.5);
    cr_assert_not(hh_scoreboard_due(scoreboard, 900, 100), "there is nothing to tell");
    hh_scoreboard_listed(scoreboard, 0, 900, NULL, 0);
    cr_assert(hh_scoreboard_due(scoreboard, 1000, 100));
    cr_assert_not(hh_scoreboard_due(scoreboard, 1100, 100), "all is told");
    hh_scoreboard_judge(scoreboard, 0, (unsigned[HH_SCORE_LISTS]){1, 1, 0});
    cr_assert_not(hh_scoreboard_due(scoreboard, 1099, 100));
    cr_assert(hh_scoreboard_due(scoreboard, 1100, 100));
    hh_scoreboard_free(scoreboard);
}

static void *add_many(void *context)
{
    bool out = false;
    for (uint32_t i = 0; i < 5000; i++) {
        hh_scoreboard_listed(context, i % 3, i, &i, 1);
        judge(context, i % 3, 1, 1, 1, &out);
    }
    return NULL;
}

Test(scoreboard, threads_lose_nothing)
{
    hh_scoreboard *scoreboard = hh_scoreboard_new(NULL, 0.5);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, add_many, scoreboard), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    hh_score scores[HH_SCORED_VERSIONS];
    uint64_t lists = 0, targets = 0;
    size_t count = hh_scoreboard_read(scoreboard, scores);
    for (size_t i = 0; i < count; i++) {
        lists += scores[i].lists;
        targets += scores[i].targets;
    }
    cr_assert(lists == 15000 && targets == 15000);
    hh_scoreboard_free(scoreboard);
}

Test(scoreboard, out_of_memory)
{
    bool out = false;
    fail_alloc_at(0);
    cr_assert_null(hh_scoreboard_new(NULL, 0.5));
    cr_assert(fail_alloc_done());
    hh_scoreboard *scoreboard = hh_scoreboard_new(NULL, 0.5);
    fail_alloc_at(0);
    judge(scoreboard, 1, 1, 1, 1, &out); // not scored, and nothing worse
    cr_assert(fail_alloc_done());
    judge(scoreboard, 1, 1, 1, 1, &out);
    hh_score scores[HH_SCORED_VERSIONS];
    cr_assert_eq(hh_scoreboard_read(scoreboard, scores), 1);
    hh_scoreboard_free(scoreboard);
}
