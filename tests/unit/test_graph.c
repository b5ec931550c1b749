// The graph's promises one by one; test_graph_property.c holds its answers against a slow one.
#include "fail_alloc.h"
#include "graph/internal.h"
#include "graph/reader.h"

#include <criterion/criterion.h>
#include <hiphop/graph.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hh_graph *new_graph(uint32_t max_clicks, hh_time max_age)
{
    hh_graph_options options = hh_graph_defaults();
    options.max_clicks = max_clicks;
    options.max_age = max_age;
    hh_error error;
    hh_graph *graph = hh_graph_new(&options, &error);
    cr_assert_not_null(graph);
    return graph;
}

static hh_item item(hh_graph *graph, int number)
{
    char id[16];
    int length = snprintf(id, sizeof id, "%d", number);
    return hh_graph_intern(graph, id, (size_t)length);
}

static hh_graph_stats stats_of(const hh_graph *graph)
{
    hh_graph_stats stats;
    hh_graph_stats_read(graph, &stats);
    return stats;
}

Test(graph, options_out_of_range_are_refused_with_a_sentence)
{
    hh_graph_options options = hh_graph_defaults();
    hh_error error;
    options.max_clicks = 0;
    cr_assert_null(hh_graph_new(&options, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    options = hh_graph_defaults();
    options.pair_half_life[1] = 0;
    cr_assert_null(hh_graph_new(&options, &error));
    cr_assert_gt(strlen(error.message), 0);
    options = hh_graph_defaults();
    double *const settings[] = {&options.pair_decay, &options.pair_norm,   &options.pair_backward,
                                &options.knn_decay,  &options.knn_reach,   &options.knn_backward,
                                &options.knn_idf,    &options.repeat_decay};
    const double bad[] = {NAN, -0.5, INFINITY, -INFINITY, 1001};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            double good = *settings[i];
            *settings[i] = bad[k];
            cr_expect_null(hh_graph_new(&options, &error), "%zu: %g", i, bad[k]);
            cr_expect_not_null(strstr(error.message, " must be "), "%s", error.message);
            *settings[i] = good;
        }
}

Test(graph, it_never_holds_more_than_max_clicks)
{
    hh_graph *graph = new_graph(100, 0);
    for (int i = 0; i < 1000; i++) {
        hh_graph_session *session = hh_graph_open(graph, (uint64_t)i);
        for (int j = 0; j < i % 7; j++)
            cr_assert_eq(hh_graph_click(graph, session, item(graph, j), i * 1000 + j), HH_OK);
        hh_graph_close(graph, session);
        cr_assert_leq(stats_of(graph).clicks, 100);
    }
    cr_assert_gt(stats_of(graph).clicks, 90);
    cr_assert_gt(stats_of(graph).oldest, 900 * 1000);
    hh_graph_free(graph);
}

Test(graph, open_sessions_alone_obey_the_bound_too)
{
    hh_graph *graph = new_graph(50, 0);
    hh_graph_session *sessions[200];
    for (int i = 0; i < 200; i++) {
        sessions[i] = hh_graph_open(graph, (uint64_t)i);
        cr_assert_eq(hh_graph_click(graph, sessions[i], item(graph, i % 9), i), HH_OK);
        cr_assert_leq(stats_of(graph).clicks, 50);
        int held = 0; // forgetting looks at these alone
        for (hh_graph_session *session = graph->held.oldest; session; session = session->newer)
            held += session->slot != HH_NONE;
        cr_assert_eq(held, i < 50 ? i + 1 : 50);
        for (hh_graph_session *session = graph->empty.oldest; session; session = session->newer)
            held += session->slot == HH_NONE;
        cr_assert_eq(held, i + 1);
    }
    cr_assert_eq(hh_graph_click(graph, sessions[0], item(graph, 1), 500), HH_OK, "its handle stays good");
    for (int i = 0; i < 200; i++)
        hh_graph_close(graph, sessions[i]);
    hh_graph_free(graph);
}

Test(graph, one_session_costs_a_query_only_so_much)
{
    hh_graph *graph = new_graph(10000, 0);
    hh_item a = item(graph, 1), b = item(graph, 2), old = item(graph, 3), other = item(graph, 4);
    hh_graph_session *session = hh_graph_open(graph, 1), *longer = hh_graph_open(graph, 2);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(hh_graph_click(graph, session, i % 2 ? b : a, i), HH_OK);
    for (int i = 0; i < 600; i++)
        cr_assert_eq(hh_graph_click(graph, longer, i ? other : old, i), HH_OK);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_votes votes;
    cr_assert_eq(hh_graph_query(reader, &(hh_query){&a, 1, HH_HOUR, 9, HH_HOUR, NULL}, 20, &votes), HH_OK);
    cr_assert_eq(votes.neighbours, 1);
    for (size_t i = 0; i < votes.count; i++) // after the last four of its clicks on a: 1, 2, 3 and 3
        cr_assert_eq(votes.evidence[i].followed, votes.items[i] == b ? 9 : votes.items[i] == a ? 5 : 0);
    // The session of `old` is looked through as far as the 512 clicks before the query's time.
    cr_assert_eq(hh_graph_query(reader, &(hh_query){&old, 1, 512, 9, HH_HOUR, NULL}, 20, &votes), HH_OK);
    cr_assert_eq(votes.neighbours, 1);
    cr_assert_eq(hh_graph_query(reader, &(hh_query){&old, 1, 513, 9, HH_HOUR, NULL}, 20, &votes), HH_OK);
    cr_assert_eq(votes.neighbours, 0);
    hh_graph_close(graph, session);
    hh_graph_close(graph, longer);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph, a_visitor_whom_many_people_share_costs_only_so_much)
{
    hh_graph *graph = new_graph(100000, 0);
    hh_graph_session *sessions[3000];
    for (int i = 0; i < 3000; i++) {
        sessions[i] = hh_graph_open(graph, 1);
        cr_assert_eq(hh_graph_click(graph, sessions[i], item(graph, i % 10), i), HH_OK);
    }
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_votes votes;
    cr_assert_eq(hh_graph_query(reader, &(hh_query){NULL, 0, HH_HOUR, 1, 0, NULL}, 20, &votes), HH_OK);
    cr_assert_eq(reader->own_count, 1000);
    // What nobody looks at is out of the chain, and the rest is whole.
    int chained = 0, linked = 0;
    for (int i = 0; i < 3000; i++)
        chained += !hh_slot_at(&graph->store, sessions[i]->slot)->unchained;
    uint32_t slot = atomic_load(hh_chain_of(&graph->store, hh_visitor_tag(1))) - 1;
    for (; slot != HH_NONE; slot = hh_slot_at(&graph->store, slot)->next)
        linked++;
    cr_assert(linked == chained && linked >= 1000 && linked <= 1600, "%d, %d", linked, chained);
    for (int i = 0; i < 3000; i++)
        hh_graph_close(graph, sessions[i]);
    for (int i = 0; i < 100000; i++) { // they expire, those in the chain and the others
        hh_graph_session *session = hh_graph_open(graph, 2);
        cr_assert_eq(hh_graph_click(graph, session, item(graph, 1), HH_HOUR + i), HH_OK);
        hh_graph_close(graph, session);
    }
    cr_assert_eq(atomic_load(hh_chain_of(&graph->store, hh_visitor_tag(1))), 0);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph, a_session_that_is_too_long_is_refused_and_stays_whole)
{
    hh_graph *graph = new_graph(1000000, 0);
    hh_graph_session *session = hh_graph_open(graph, 1), *other = hh_graph_open(graph, 1);
    hh_item number = item(graph, 1);
    for (int i = 0; i < (int)HH_SESSION_CLICKS; i++)
        cr_assert_eq(hh_graph_click(graph, session, number, i), HH_OK);
    cr_assert_eq(hh_graph_click(graph, session, number, HH_SESSION_CLICKS), HH_LIMIT);
    cr_assert_eq(hh_graph_click(graph, other, number, 0), HH_OK);
    cr_assert_eq(hh_graph_merge(graph, session, other), HH_LIMIT);
    cr_assert_eq(stats_of(graph).clicks, HH_SESSION_CLICKS + 1);
    hh_graph_close(graph, session);
    hh_graph_close(graph, other);
    hh_graph_free(graph);
}

Test(graph, sessions_go_when_they_are_too_old)
{
    hh_graph *graph = new_graph(1000, HH_HOUR);
    for (int i = 0; i < 10; i++) {
        hh_graph_session *session = hh_graph_open(graph, (uint64_t)i);
        cr_assert_eq(hh_graph_click(graph, session, item(graph, 1), i * 20 * HH_MINUTE), HH_OK);
        hh_graph_close(graph, session);
    }
    cr_assert_eq(stats_of(graph).sessions, 4, "those of the last hour");
    hh_graph_free(graph);
}

Test(graph, ever_new_items_do_not_grow_memory_without_bound)
{
    hh_graph *graph = new_graph(1000, 0);
    size_t early = 0;
    for (int i = 0; i < 100000; i++) {
        hh_graph_session *session = hh_graph_open(graph, (uint64_t)i);
        cr_assert_eq(hh_graph_click(graph, session, item(graph, i), i), HH_OK);
        hh_graph_close(graph, session);
        if (i == 20000)
            early = stats_of(graph).memory_bytes;
    }
    cr_assert_lt(stats_of(graph).items, 7000);
    cr_assert_lt(stats_of(graph).memory_bytes, early + early / 10);
    hh_graph_free(graph);
}

Test(graph, withdrawn_items_outlive_their_clicks)
{
    hh_graph *graph = new_graph(10, 0);
    hh_item gone = hh_graph_intern(graph, "gone", 4);
    cr_assert_eq(hh_graph_withdraw(graph, gone, true), HH_OK);
    for (int i = 0; i < 20000; i++) {
        hh_graph_session *session = hh_graph_open(graph, 1);
        cr_assert_eq(hh_graph_click(graph, session, item(graph, i), i), HH_OK);
        hh_graph_close(graph, session);
    }
    cr_assert_eq(hh_graph_intern(graph, "gone", 4), gone);
    cr_assert_eq(hh_graph_withdraw(graph, 123456789, true), HH_NOT_FOUND);
    hh_graph_free(graph);
}

Test(graph, ids_of_any_bytes_come_back)
{
    hh_graph *graph = new_graph(10, 0);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_item odd = hh_graph_intern(graph, "a\0b", 3);
    char id[8];
    cr_assert_eq(hh_graph_id(reader, odd, id, sizeof id), 3);
    cr_assert_eq(memcmp(id, "a\0b", 4), 0);
    cr_assert_eq(hh_graph_id(reader, odd, id, 2), 3);
    cr_assert_str_eq(id, "a");
    cr_assert_eq(hh_graph_find(reader, "a\0b", 3), odd);
    cr_assert_eq(hh_graph_find(reader, "a", 1), HH_ITEM_NONE);
    cr_assert_eq(hh_graph_id(reader, 999, id, sizeof id), 0);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

// One click by a visitor of its own.
static void lone_click(hh_graph *graph, int number, hh_time time)
{
    hh_graph_session *session = hh_graph_open(graph, (uint64_t)time);
    cr_assert_eq(hh_graph_click(graph, session, item(graph, number), time), HH_OK);
    hh_graph_close(graph, session);
}

// What the shortest pop gives an item as of a time, for a visitor of whom nothing is known.
static float pop_share(hh_reader *reader, hh_item of, hh_time as_of)
{
    hh_query query = {NULL, 0, as_of, 0, as_of, NULL};
    hh_votes votes;
    cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
    for (size_t i = 0; i < votes.count; i++)
        if (votes.items[i] == of)
            return votes.shares[i][HH_EXPERT_POP_SHORT];
    return 0;
}

Test(graph, clocks_that_are_ahead_do_not_silence_pop)
{
    hh_graph *graph = new_graph(1000, 0);
    hh_error error;
    hh_reader *always = hh_reader_new(graph, &error);
    hh_item popular = item(graph, 0);
    hh_time now = 0;
    for (int i = 0; i < 20000; i++, now += 20) {
        lone_click(graph, i % 3 ? i % 30 : 0, now);
        if (i % 500 == 0) // some are outlived by the journal, some wait for their time
            lone_click(graph, 31, now + 5 * HH_MINUTE);
        if (i % 5000 == 0 && i) {
            hh_reader *fresh = hh_reader_new(graph, &error);
            for (hh_time late = 0; late < 10 * HH_SECOND; late += HH_SECOND) {
                float share = pop_share(fresh, popular, now - late);
                cr_assert_gt(share, 0.3f);
                cr_assert_float_eq(share, pop_share(always, popular, now - late), 1e-5);
            }
            hh_reader_free(fresh);
        }
        pop_share(always, popular, now);
    }
    hh_reader_free(always);
    hh_graph_free(graph);
}

Test(graph, a_query_from_before_all_that_is_known_gets_a_list_and_spoils_no_other)
{
    hh_graph *graph = new_graph(10000, 0);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    for (int i = 0; i < 20000; i++)
        lone_click(graph, i % 40, i * 20);
    float share = pop_share(reader, item(graph, 39), 20000 * 20);
    cr_assert_gt(share, 0);
    hh_query query = {NULL, 0, 100, 0, 100, NULL};
    hh_votes votes;
    cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
    cr_assert_geq(votes.count, 20);
    cr_assert_float_eq(pop_share(reader, item(graph, 39), 20000 * 20), share, 1e-7);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph, a_query_from_far_ahead_spoils_no_other)
{
    hh_graph *graph = new_graph(1000, 0);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    for (int i = 0; i < 100; i++)
        lone_click(graph, i % 10, i * HH_SECOND);
    float share = pop_share(reader, item(graph, 9), 100 * HH_SECOND);
    cr_assert_gt(share, 0);
    cr_assert_float_eq(pop_share(reader, item(graph, 9), HH_DAY), share, 1e-6, "all age alike");
    cr_assert_float_eq(pop_share(reader, item(graph, 9), 100 * HH_SECOND), share, 1e-6);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph, a_click_forgotten_at_its_own_time_takes_no_other_with_it)
{
    hh_graph *graph = new_graph(3, 0);
    hh_graph_session *stays = hh_graph_open(graph, 1);
    cr_assert_eq(hh_graph_click(graph, stays, item(graph, 0), 0), HH_OK);
    cr_assert_eq(hh_graph_click(graph, stays, item(graph, 2), 0), HH_OK);
    lone_click(graph, 0, HH_HOUR);
    lone_click(graph, 1, 2 * HH_HOUR); // makes the one before go
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    cr_assert_eq(pop_share(reader, item(graph, 0), HH_MINUTE), 0.5);
    cr_assert_eq(pop_share(reader, item(graph, 0), HH_HOUR + 1), 0.5);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph, pop_shares_sum_to_one_also_where_the_session_holds_nearly_all)
{
    hh_graph *graph = new_graph(1000, 0);
    hh_time now = 25 * hh_graph_defaults().pop_half_life[0];
    for (int i = 1; i <= 3; i++)
        lone_click(graph, i, i);
    lone_click(graph, 0, now); // weighs 2^25 times as much
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_item held = item(graph, 0);
    hh_query query = {&held, 1, now + 1, 99, now + 1, NULL};
    hh_votes votes;
    cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
    double sum = 0;
    for (size_t i = 0; i < votes.count; i++)
        sum += (double)votes.shares[i][HH_EXPERT_POP_SHORT];
    cr_assert_float_eq(sum, 1, 1e-6);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph, an_item_that_lost_its_last_click_stays_as_long_as_promised)
{
    hh_graph *graph = new_graph(1, 0);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_item kept = hh_graph_intern(graph, "kept", 4);
    hh_graph_session *session = hh_graph_open(graph, 1);
    for (int i = 0; i < 3000; i++)
        item(graph, i);
    cr_assert_eq(hh_graph_click(graph, session, kept, 0), HH_OK);
    hh_graph_close(graph, session);
    lone_click(graph, 0, 1); // and now it has lost its click
    for (int i = 3000; i < 6000; i++)
        item(graph, i);
    cr_assert_eq(hh_graph_find(reader, "kept", 4), kept);
    for (int i = 6000; i < 20000; i++)
        item(graph, i);
    cr_assert_eq(hh_graph_find(reader, "kept", 4), HH_ITEM_NONE);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

// A session that goes from one item to another.
static void step(hh_graph *graph, int from, int to, hh_time time)
{
    hh_graph_session *session = hh_graph_open(graph, (uint64_t)time);
    cr_assert_eq(hh_graph_click(graph, session, item(graph, from), time), HH_OK);
    cr_assert_eq(hh_graph_click(graph, session, item(graph, to), time + 1), HH_OK);
    hh_graph_close(graph, session);
}

Test(graph, sessions_that_a_slow_reader_asks_for_are_still_there)
{
    hh_graph *graph = new_graph(100000, 0);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_item last = item(graph, 0);
    for (int i = 0; i < 600; i++)
        step(graph, 0, 1, i * 10);
    hh_query query = {&last, 1, 6000, 99, 6000, NULL};
    hh_votes votes;
    cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
    uint32_t followed = votes.evidence[0].followed;
    for (size_t i = 1; i < votes.count; i++)
        followed += votes.evidence[i].followed;
    cr_assert_eq(followed, 500);
    for (int i = 600; i < 6000; i++) {
        step(graph, 0, 2, i * 10);
        if (i % 100)
            continue;
        cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
        uint32_t again = 0;
        for (size_t j = 0; j < votes.count; j++)
            again += votes.evidence[j].followed;
        cr_assert_eq(again, followed, "%u after %d newer sessions", again, i - 600);
    }
    for (int i = 6000; i < 20000; i++) // but not for ever
        step(graph, 0, 2, i * 10);
    cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
    for (size_t j = 0; j < votes.count; j++)
        cr_assert_eq(votes.evidence[j].followed, 0);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

// Something of everything, each failure of memory answered by trying again.
static void live_a_little(hh_graph *graph, hh_reader *reader, long *refused)
{
    uint64_t random = 1;
    for (int i = 0; i < 400; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        hh_graph_session *session, *other;
        while (!(session = hh_graph_open(graph, random >> 60)))
            ++*refused;
        while (!(other = hh_graph_open(graph, random >> 60)))
            ++*refused;
        for (int j = 0; j < 5; j++) {
            hh_item number;
            while ((number = item(graph, j % 2 ? i : j)) == HH_ITEM_NONE)
                ++*refused;
            hh_time time = i * 1000 + (j * 37) % 5;
            while (hh_graph_click(graph, j % 3 ? session : other, number, time) == HH_MEMORY)
                ++*refused;
        }
        while (hh_graph_merge(graph, session, other) == HH_MEMORY)
            ++*refused;
        hh_graph_close(graph, session);
        if (i % 20)
            continue;
        hh_item items[2] = {item(graph, 0), item(graph, 2)};
        hh_query query = {items, 2, i * 1000, 99, i * 1000, NULL};
        hh_votes votes;
        while (hh_graph_query(reader, &query, 20, &votes) == HH_MEMORY)
            ++*refused;
        cr_assert(i == 0 || votes.count > 0);
    }
    cr_assert_eq(stats_of(graph).clicks, 200);
    cr_assert_eq(stats_of(graph).sessions, 40);
}

Test(graph, every_failure_of_memory_leaves_it_whole)
{
    for (long n = 0;; n += 1 + n / 60) {
        hh_error error;
        fail_alloc_at(n);
        hh_graph_options options = hh_graph_defaults();
        options.max_clicks = 200;
        hh_graph *graph = hh_graph_new(&options, &error);
        if (!graph) {
            cr_assert(fail_alloc_done());
            cr_assert_eq(error.status, HH_MEMORY);
            continue;
        }
        hh_reader *reader = hh_reader_new(graph, &error);
        if (!reader)
            reader = hh_reader_new(graph, &error);
        cr_assert_not_null(reader);
        long refused = 0;
        live_a_little(graph, reader, &refused);
        cr_assert_leq(refused, 1);
        hh_reader_free(reader);
        hh_graph_free(graph);
        if (!fail_alloc_done())
            break;
    }
}

Test(graph, what_is_popular_counts_the_asking_session_too)
{
    enum { ITEMS = 5, EARLY = 1000 };
    hh_graph *graph = new_graph(1000, 0);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_item items[ITEMS + 1], own = item(graph, 0);
    hh_votes votes;
    cr_assert_eq(hh_graph_popular(reader, HH_EXPERT_POP_LONG, items, ITEMS), 0, "before the first query");
    hh_graph_session *session = hh_graph_open(graph, 1);
    for (int i = 0; i < ITEMS; i++) // item 0 five times, item 4 once, all by the visitor who asks
        for (int j = i; j < ITEMS; j++)
            cr_assert_eq(hh_graph_click(graph, session, item(graph, i), EARLY + i), HH_OK);
    hh_query query = {.items = &own, .length = 1, .as_of = 2 * EARLY, .visitor = 1, .session_start = EARLY};
    cr_assert_eq(hh_graph_query(reader, &query, ITEMS, &votes), HH_OK);
    for (hh_expert e = HH_EXPERT_POP_SHORT; e <= HH_EXPERT_POP_LONG; e++) {
        cr_assert_eq(hh_graph_popular(reader, e, items, ITEMS + 1), ITEMS);
        for (int i = 0; i < ITEMS; i++)
            cr_assert_eq(items[i], item(graph, i));
    }
    cr_assert_eq(hh_graph_popular(reader, HH_EXPERT_POP_LONG, items, 2), 2);
    cr_assert_eq(hh_graph_popular(reader, HH_EXPERT_NEXT, items, ITEMS), 0);
    hh_graph_close(graph, session);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph, a_query_that_memory_ran_out_on_says_so)
{
    hh_graph *graph = new_graph(1000, 0);
    hh_graph_session *own = hh_graph_open(graph, 7);
    hh_item items[100];
    for (int i = 0; i < 100; i++) {
        items[i] = item(graph, i);
        cr_assert_eq(hh_graph_click(graph, own, items[i], i), HH_OK);
        hh_graph_session *other = hh_graph_open(graph, 1000 + (uint64_t)i);
        cr_assert_eq(hh_graph_click(graph, other, items[i], i), HH_OK);
        cr_assert_eq(hh_graph_click(graph, other, items[i / 2], i), HH_OK);
        hh_graph_close(graph, other);
    }
    for (long n = 0;; n++) {
        hh_error error;
        hh_reader *reader = hh_reader_new(graph, &error); // without scratch memory yet
        hh_query query = {items, 100, 200, 7, 0, NULL};
        hh_votes votes;
        fail_alloc_at(n);
        hh_status status = hh_graph_query(reader, &query, 20, &votes);
        bool failed = fail_alloc_done();
        cr_assert_eq(status, failed ? HH_MEMORY : HH_OK, "allocation %ld", n);
        cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
        hh_reader_free(reader);
        if (!failed)
            break;
    }
    hh_graph_close(graph, own);
    hh_graph_free(graph);
}

// Whether the number of a forgotten item comes to be another's while many items come and go.
static bool becomes_anothers(bool hold)
{
    hh_graph *graph = new_graph(10, 0);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_item first = hh_graph_intern(graph, "first", 5);
    if (hold)
        hh_reader_hold(reader);
    bool anothers = false;
    for (int i = 0; i < 10000; i++) {
        char id[16];
        cr_assert_neq(item(graph, i), HH_ITEM_NONE);
        size_t length = hh_graph_id(reader, first, id, sizeof id);
        anothers = anothers || (length && strcmp(id, "first"));
    }
    if (hold)
        hh_reader_release(reader);
    hh_reader_free(reader);
    hh_graph_free(graph);
    return anothers;
}

Test(graph, while_a_reader_holds_no_number_becomes_another_items)
{
    cr_assert_not(becomes_anothers(true));
    cr_assert(becomes_anothers(false));
}

Test(graph, the_seed_decides_which_ids_collide)
{
    hh_graph_options options = hh_graph_defaults();
    hh_error error;
    uint32_t hashes[2];
    for (int i = 0; i < 2; i++) {
        options.seed = (uint64_t)i;
        hh_graph *graph = hh_graph_new(&options, &error);
        hashes[i] = hh_item_at(&graph->items, item(graph, 1))->hash;
        hh_graph_free(graph);
    }
    cr_assert_neq(hashes[0], hashes[1]);
}

Test(graph, numbers_that_the_graph_never_gave_out_are_nobodys)
{
    hh_graph *graph = new_graph(1000, 0);
    for (int i = 0; i < 2100; i++)
        item(graph, i);
    hh_graph_session *session = hh_graph_open(graph, 1);
    cr_assert_eq(hh_graph_click(graph, session, item(graph, 1), 0), HH_OK);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_item items[] = {HH_ITEM_NONE, HH_ITEM_NONE - 1, 1 << 30, 100000, 5000, 4000, 3500, 2100};
    hh_votes votes;
    hh_query query = {items, 8, HH_HOUR, 2, HH_HOUR, NULL};
    cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
    cr_assert_eq(votes.count, 1);
    cr_assert_eq(votes.items[0], item(graph, 1));
    hh_graph_close(graph, session);
    hh_reader_free(reader);
    hh_graph_free(graph);
}
