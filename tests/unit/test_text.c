// inherit and cosine against brute force, and what must hold of them.
#include "fail_alloc.h"

#include <criterion/criterion.h>
#include <hiphop/recommend.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ITEMS 12 // no list is full
#define WIDTH 6
#define DAY   (24 * HH_HOUR)

static hh_graph *graph;
static hh_reader *reader;
static hh_item items[ITEMS];
static float vectors[ITEMS][WIDTH];
static uint64_t visitors;

static void set_up(void)
{
    hh_error error;
    hh_graph_options options = hh_graph_defaults();
    graph = hh_graph_new(&options, &error);
    reader = hh_reader_new(graph, &error);
    cr_assert(graph && reader);
    for (int i = 0; i < ITEMS; i++) {
        char id[8];
        items[i] = hh_graph_intern(graph, id, (size_t)snprintf(id, sizeof id, "%d", i));
        for (int k = 0; k < WIDTH; k++) // 0, 3, 6, 9 are of a kind, and so on
            vectors[i][k] = (float)(k % 3 == i % 3) + 0.07f * (float)((i * 5 + k * 3) % 7);
    }
}

static void clean_up(void)
{
    hh_reader_free(reader);
    hh_graph_free(graph);
}

static void describe(int first, int end)
{
    for (int i = first; i < end; i++)
        cr_assert_eq(hh_graph_describe(graph, items[i], 0, vectors[i], WIDTH), HH_OK);
    hh_graph_settle(graph);
}

static void session(hh_time time, int a, int b)
{
    hh_graph_session *opened = hh_graph_open(graph, ++visitors);
    cr_assert_eq(hh_graph_click(graph, opened, items[a], time), HH_OK);
    cr_assert_eq(hh_graph_click(graph, opened, items[b], time + HH_SECOND), HH_OK);
    hh_graph_close(graph, opened);
}

static hh_votes ask(const int *clicked, size_t length, hh_time as_of)
{
    hh_item numbers[4];
    hh_votes votes;
    for (size_t i = 0; i < length; i++)
        numbers[i] = items[clicked[i]];
    cr_assert_eq(hh_graph_query(reader, &(hh_query){numbers, length, as_of, 9999, as_of, NULL}, 20, &votes),
                 HH_OK);
    return votes;
}

static const float *shares_of(const hh_votes *votes, int item)
{
    static const float none[HH_EXPERTS];
    for (size_t i = 0; i < votes->count; i++)
        if (votes->items[i] == items[item])
            return votes->shares[i];
    return none;
}

static double weight(int a, int b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int k = 0; k < WIDTH; k++) {
        ab += (double)vectors[a][k] * (double)vectors[b][k];
        aa += (double)vectors[a][k] * (double)vectors[a][k];
        bb += (double)vectors[b][k] * (double)vectors[b][k];
    }
    double cosine = ab / sqrt(aa * bb);
    return cosine > 0.2 ? pow(cosine, 6) : 0;
}

static double rarity(int clicks)
{
    return clicks < 20 ? 1 / (1.0 + clicks) : 0;
}

Test(text, the_shares_are_those_of_brute_force, .init = set_up, .fini = clean_up)
{
    int clicks[ITEMS] = {0};
    describe(0, ITEMS);
    for (int n = 0; n < 90; n++) { // 8 to 11 have none, 6 and 7 some, the others many
        int a = n % 6, b = n % 15 == 0 ? 6 : n % 30 == 1 ? 7 : (n * n + 2) % 6;
        session(DAY + n * HH_MINUTE, a, b);
        clicks[a]++;
        clicks[b]++;
    }
    const int clicked[] = {7, 2, 0}; // the latest last
    hh_votes votes = ask(clicked, 3, 2 * DAY);
    double decay = hh_graph_defaults().pair_decay, parts = 1 + decay + decay * decay;
    for (int v = 0; v < ITEMS; v++) {
        const float *shares = shares_of(&votes, v);
        bool own = v == 7 || v == 2 || v == 0;
        double sum = 0, inherited = 0, like = 0;
        for (int x = 0; x < ITEMS; x++) {
            const float *its = shares_of(&votes, x);
            double given = 0;
            for (int e = HH_EXPERT_NEXT; e <= HH_EXPERT_KNN_LONG; e++)
                given += (double)its[e] / 5;
            sum += x != v && clicks[x] ? weight(v, x) : 0;
            inherited += x != v ? weight(v, x) * given : 0;
        }
        for (int d = 0; d < 3; d++) {
            int c = clicked[2 - d];
            double all = 0;
            for (int w = 0; w < ITEMS; w++)
                all += w != c ? weight(c, w) : 0;
            like += pow(decay, d) / parts * fmax(rarity(clicks[v]), rarity(clicks[c])) * weight(c, v) / all;
        }
        inherited = own ? 0 : rarity(clicks[v]) * inherited / sum;
        cr_assert_float_eq((double)shares[HH_EXPERT_INHERIT], inherited, 0.002, "inherit of %d", v);
        cr_assert_float_eq((double)shares[HH_EXPERT_COSINE], own ? 0 : like, 0.004, "cosine of %d", v);
    }
    cr_assert_gt(shares_of(&votes, 9)[HH_EXPERT_INHERIT], 0);
    cr_assert_gt(shares_of(&votes, 9)[HH_EXPERT_COSINE], 0.01);
    cr_assert_leq(votes.mass[HH_EXPERT_INHERIT], 1);
}

Test(text, an_item_that_nobody_has_clicked_is_listed_with_its_reason, .init = set_up, .fini = clean_up)
{
    for (int n = 0; n < 200; n++)
        session(DAY + n * HH_MINUTE, n % 6, (n + 1 + n / 6 % 5) % 6);
    hh_error error;
    hh_mixture *mixture = hh_mixture_new();
    hh_recommend_options options = {.k = 5, .hide_session_items = true};
    hh_recommender *recommender = hh_recommender_new(graph, mixture, &options, &error);
    hh_query query = {&items[3], 1, 2 * DAY, 9999, 2 * DAY, NULL};
    hh_recommendation list[5];
    size_t count;
    describe(0, 6);
    for (int launched = 0; launched < 3; launched++) { // before, after its description, and withdrawn
        if (launched == 1)
            describe(9, 10);
        if (launched == 2)
            cr_assert_eq(hh_graph_withdraw(graph, items[9], true), HH_OK);
        cr_assert_eq(hh_recommend(recommender, &query, list, &count), HH_OK);
        bool listed = false;
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += (double)list[i].score;
        cr_assert_leq(sum, 1 + 1e-5, "shares of one whole");
        for (size_t i = 0; i < count; i++) {
            if (list[i].item != items[9])
                continue;
            char text[100];
            listed = true;
            cr_assert_eq(list[i].reason, HH_REASON_ALIKE);
            cr_assert(list[i].like == items[0] || list[i].like == items[3], "of its kind");
            hh_reason_text(&list[i], text, sizeof text);
            cr_assert(strstr(text, "description"));
        }
        cr_assert_eq(listed, launched == 1);
    }
    hh_recommender_free(recommender);
    hh_mixture_free(mixture);
}

Test(text, nothing_that_comes_later_is_seen, .init = set_up, .fini = clean_up)
{
    describe(0, ITEMS);
    for (int n = 0; n < 60; n++)
        session(DAY + n * HH_MINUTE, n % 6, (n + 2) % 6);
    const int clicked[] = {0, 4};
    hh_votes votes = ask(clicked, 2, 2 * DAY);
    float before[ITEMS][HH_EXPERTS];
    for (int i = 0; i < ITEMS; i++)
        memcpy(before[i], shares_of(&votes, i), sizeof *before);
    for (int n = 0; n < 300; n++) // the answer to what was asked, planted
        session(2 * DAY + n * HH_SECOND, 4, 9);
    votes = ask(clicked, 2, 2 * DAY);
    for (int i = 0; i < ITEMS; i++)
        for (int e = HH_EXPERT_NEXT; e < HH_EXPERTS; e++)
            cr_assert_float_eq((double)before[i][e], (double)shares_of(&votes, i)[e], 1e-5, "%d by %d", i, e);
    votes = ask(clicked, 2, 3 * DAY);
    cr_assert_eq(shares_of(&votes, 9)[HH_EXPERT_COSINE] > 0, false, "it has many clicks by then");
}

// ---- what was expected in vain ----

static float chance_of(const hh_votes *votes, int item)
{
    for (size_t i = 0; i < votes->count; i++)
        if (votes->items[i] == items[item])
            return votes->evidence[i].chance;
    return -1;
}

static void expect(int item, float clicks, hh_time time)
{
    hh_graph_expect(graph, &items[item], &clicks, 1, time);
}

static void describe_all_and_click(void)
{
    describe(0, ITEMS);
    for (int n = 0; n < 60; n++)
        session(DAY + n * HH_MINUTE, n % 6, (n + 2) % 6);
}

Test(text, an_items_chance_falls_with_what_was_expected_of_it, .init = set_up, .fini = clean_up)
{
    const int clicked[] = {0, 3};
    describe_all_and_click();
    hh_votes votes = ask(clicked, 2, 2 * DAY);
    float untried[HH_EXPERTS], other = shares_of(&votes, 6)[HH_EXPERT_COSINE], before = 1;
    memcpy(untried, shares_of(&votes, 9), sizeof untried);
    cr_assert_eq(chance_of(&votes, 9), 1);
    for (int n = 1; n <= 100; n++) {
        expect(9, 0.05f, 2 * DAY + n * HH_MINUTE);
        votes = ask(clicked, 2, 2 * DAY + (n + 1) * HH_MINUTE);
        float chance = chance_of(&votes, 9);
        double exact = 0.3 / (0.3 + 0.05 * n);
        cr_assert_leq(chance, before);
        cr_assert(chance >= (float)exact - 1e-5f &&
                  chance <= 0.3f / (0.3f + 0.05f * (float)n / 1.25f - 0.25f));
        for (int e = HH_EXPERT_INHERIT; e <= HH_EXPERT_COSINE; e++)
            cr_assert_float_eq((double)shares_of(&votes, 9)[e], (double)(chance * untried[e]), 1e-5);
        cr_assert_eq(shares_of(&votes, 6)[HH_EXPERT_COSINE], other, "that of no other item");
        before = chance;
    }
    cr_assert_lt(before, 0.07f);
}

Test(text, what_is_expected_later_is_not_known_before, .init = set_up, .fini = clean_up)
{
    const int clicked[] = {0, 3};
    describe_all_and_click();
    for (int n = 0; n < 3; n++)
        expect(9, 1, 2 * DAY + n * HH_HOUR);
    float chances[4];
    for (int round = 0; round < 2; round++) { // however far the writer is ahead
        for (int n = 0; n < 4; n++) {
            hh_votes votes = ask(clicked, 2, 2 * DAY + n * HH_HOUR); // as of the very outcome
            cr_assert(round == 0 || chance_of(&votes, 9) == chances[n]);
            chances[n] = chance_of(&votes, 9);
            cr_assert_float_eq((double)chances[n], 0.3 / (0.3 + n), 1e-6);
        }
        if (round == 0)
            expect(9, 10, 3 * DAY);
    }
    // What comes late counts from when it has come.
    expect(9, 100, 2 * DAY);
    hh_votes votes = ask(clicked, 2, 3 * DAY);
    cr_assert_float_eq((double)chance_of(&votes, 9), 0.3 / 3.3, 1e-6);
    votes = ask(clicked, 2, 3 * DAY + 2 * HH_SECOND);
    cr_assert_float_eq((double)chance_of(&votes, 9), 0.3 / 113.3, 1e-6);
    for (int n = 0; n < 9; n++) // further back than is kept: as at first, not what came later
        expect(9, (float)(1000 << n), 4 * DAY + n * HH_HOUR);
    votes = ask(clicked, 2, 3 * DAY + 2 * HH_SECOND);
    cr_assert_eq(chance_of(&votes, 9), 1);
}

Test(text, expectations_follow_the_item_not_its_vector, .init = set_up, .fini = clean_up)
{
    const int clicked[] = {0, 3};
    describe_all_and_click();
    expect(9, 3, 2 * DAY);
    expect(8, 3, 2 * DAY);
    vectors[9][1] += 0.2f;
    describe(9, 10); // said otherwise
    hh_votes votes = ask(clicked, 2, 3 * DAY);
    cr_assert_float_eq((double)chance_of(&votes, 9), 0.3 / 3.3, 1e-6);
    cr_assert_eq(hh_graph_describe(graph, items[9], 0, NULL, 0), HH_OK);
    expect(9, 3, 3 * DAY); // of nobody
    describe(9, 10);       // launched again
    votes = ask(clicked, 2, 4 * DAY);
    cr_assert_eq(chance_of(&votes, 9), 1);
}

Test(text, what_came_before_a_launch_does_not_count, .init = set_up, .fini = clean_up)
{
    const int clicked[] = {0, 3};
    describe_all_and_click();
    hh_graph_launched(graph, items[9], 3 * DAY);
    hh_graph_launched(graph, items[9], 4 * DAY); // another source of it
    expect(9, 3, 2 * DAY);
    expect(9, 1, 3 * DAY);
    hh_votes votes = ask(clicked, 2, 5 * DAY);
    cr_assert_float_eq((double)chance_of(&votes, 9), 0.3 / 1.3, 1e-6);
}

Test(text, expectations_of_what_is_none_do_no_harm)
{
    hh_error error;
    hh_graph_options options = hh_graph_defaults();
    graph = hh_graph_new(&options, &error);
    const hh_item nobody[] = {0, 77, HH_ITEM_NONE};
    const float expected[] = {1, 1, 1}, strange[] = {NAN, INFINITY, -1};
    for (int round = 0; round < 3; round++) {
        hh_graph_expect(graph, nobody, expected, 3, DAY);
        hh_graph_launched(graph, 77, DAY);
        hh_item item = hh_graph_intern(graph, "a", 1);
        hh_graph_launched(graph, item, DAY);
        const float vector[] = {1, 2};
        if (round == 1)
            cr_assert_eq(hh_graph_describe(graph, item, 0, vector, 2), HH_OK);
        hh_graph_expect(graph, (const hh_item[]){item, item, item}, strange, 3, round ? INT64_MAX : DAY);
        hh_graph_session *opened = hh_graph_open(graph, 1);
        cr_assert_eq(hh_graph_click(graph, opened, item, DAY), HH_OK);
        hh_graph_close(graph, opened);
    }
    hh_graph_free(graph);
}

Test(text, without_descriptions_it_says_nothing, .init = set_up, .fini = clean_up)
{
    for (int n = 0; n < 30; n++)
        session(DAY + n * HH_MINUTE, n % 6, (n + 2) % 6);
    const int clicked[] = {0};
    for (int round = 0; round < 2; round++) {
        hh_votes votes = ask(clicked, 1, 2 * DAY);
        cr_assert_gt(votes.count, 0);
        cr_assert(!(votes.mass[HH_EXPERT_INHERIT] > 0) && !(votes.mass[HH_EXPERT_COSINE] > 0));
        describe(0, ITEMS);
        for (int i = 0; i < ITEMS; i++)
            cr_assert_eq(hh_graph_describe(graph, items[i], 0, NULL, 0), HH_OK);
    }
}

Test(text, without_memory_a_query_says_so, .init = set_up, .fini = clean_up)
{
    describe(0, ITEMS);
    for (int n = 0; n < 30; n++)
        session(DAY + n * HH_MINUTE, n % 6, (n + 2) % 6);
    hh_query query = {&items[0], 1, 2 * DAY, 9999, 2 * DAY, NULL};
    for (long n = 0;; n++) {
        hh_votes votes;
        hh_error error;
        hh_reader *fresh = hh_reader_new(graph, &error);
        fail_alloc_at(n);
        hh_status status = hh_graph_query(fresh, &query, 20, &votes);
        bool failed = fail_alloc_done();
        cr_assert_eq(status, failed ? HH_MEMORY : HH_OK);
        cr_assert_eq(hh_graph_query(fresh, &query, 20, &votes), HH_OK, "and the next one is whole");
        cr_assert_gt(shares_of(&votes, 9)[HH_EXPERT_COSINE], 0);
        hh_reader_free(fresh);
        if (!failed)
            break;
        cr_assert_lt(n, 200);
    }
}
