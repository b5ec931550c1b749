// What a query tells of itself beside the votes: how much each expert goes by, how popular the last item is.
#include <criterion/criterion.h>
#include <hiphop/graph.h>
#include <string.h>

Test(graph_mass, a_query_says_how_much_there_is_to_go_by)
{
    hh_graph_options options = hh_graph_defaults();
    hh_error error;
    hh_graph *graph = hh_graph_new(&options, &error);
    hh_item a = hh_graph_intern(graph, "a", 1), b = hh_graph_intern(graph, "b", 1),
            c = hh_graph_intern(graph, "c", 1);
    hh_reader *reader = hh_reader_new(graph, &error);
    hh_votes before, after;
    hh_query query = {.items = &a, .length = 1, .as_of = 5000, .visitor = 9, .session_start = 4000};
    for (int i = 0; i < 4; i++) { // a b, a b, a b, and later a c
        hh_graph_session *session = hh_graph_open(graph, (uint64_t)i);
        cr_assert_eq(hh_graph_click(graph, session, a, i < 3 ? 100 + i : 6000), HH_OK);
        cr_assert_eq(hh_graph_click(graph, session, i < 3 ? b : c, i < 3 ? 200 + i : 6100), HH_OK);
        hh_graph_close(graph, session);
    }
    hh_graph_session *own = hh_graph_open(graph, 9);
    cr_assert_eq(hh_graph_click(graph, own, a, 4000), HH_OK);

    cr_assert_eq(hh_graph_query(reader, &query, 20, &before), HH_OK);
    cr_assert_eq(before.last_clicks, 3, "but for the asking session's own");
    cr_assert_float_eq(before.last_popularity[HH_POPS - 1], 3.0 / 7, 0.01);
    cr_assert_float_eq(before.mass[HH_EXPERT_POP_SHORT], 0, 0);
    query.as_of = 7000;
    float earlier[HH_EXPERTS];
    memcpy(earlier, before.mass, sizeof earlier);
    cr_assert_eq(hh_graph_query(reader, &query, 20, &after), HH_OK);
    cr_assert_eq(after.last_clicks, 4);
    for (int e = HH_EXPERT_NEXT; e <= HH_EXPERT_PAIR_LONG; e++) {
        float sum = 0;
        for (size_t i = 0; i < after.count; i++)
            sum += after.shares[i][e];
        cr_assert_float_eq(sum, 1, 1e-5);
        cr_assert_gt(after.mass[e], earlier[e], "expert %d", e);
    }
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(graph_mass, a_query_says_when_the_session_had_its_last_item_before)
{
    hh_graph_options options = hh_graph_defaults();
    hh_error error;
    hh_graph *graph = hh_graph_new(&options, &error);
    hh_item a = hh_graph_intern(graph, "a", 1), b = hh_graph_intern(graph, "b", 1);
    hh_reader *reader = hh_reader_new(graph, &error);
    const struct {
        hh_item items[4];
        size_t length, before;
    } cases[] = {
        {{a}, 0, 0},
        {{a}, 1, 0},
        {{a, b}, 2, 0},
        {{b, a, a}, 3, 1},
        {{a, b, b, a}, 4, 3},
        {{a, a, b, a}, 4, 2},
        {{HH_ITEM_NONE, HH_ITEM_NONE}, 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hh_votes votes;
        hh_query query = {.items = cases[i].items, .length = cases[i].length, .as_of = 5000};
        cr_assert_eq(hh_graph_query(reader, &query, 20, &votes), HH_OK);
        cr_assert_eq(votes.last_before, cases[i].before, "case %zu", i);
    }
    hh_reader_free(reader);
    hh_graph_free(graph);
}
