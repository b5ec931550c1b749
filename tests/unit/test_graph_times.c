// Which times a graph takes.
#include <criterion/criterion.h>
#include <hiphop/graph.h>

// With item 0.
static hh_graph *new_graph(void)
{
    hh_graph_options options = hh_graph_defaults();
    options.max_clicks = 10;
    hh_error error;
    hh_graph *graph = hh_graph_new(&options, &error);
    cr_assert_not_null(graph);
    cr_assert_eq(hh_graph_intern(graph, "a", 1), 0);
    return graph;
}

static hh_graph_stats stats_of(const hh_graph *graph)
{
    hh_graph_stats stats;
    hh_graph_stats_read(graph, &stats);
    return stats;
}

Test(graph_times, times_beyond_its_range_are_refused_and_change_nothing)
{
    hh_graph *graph = new_graph();
    hh_graph_session *session = hh_graph_open(graph, 1);
    cr_assert_eq(hh_graph_click(graph, session, 0, 0), HH_OK);
    cr_assert_eq(hh_graph_click(graph, session, 0, 60 * HH_DAY), HH_LIMIT);
    cr_assert_eq(hh_graph_click(graph, session, 0, INT64_MAX), HH_LIMIT);
    cr_assert_eq(hh_graph_click(graph, session, 0, INT64_MIN), HH_LIMIT);
    cr_assert_eq(hh_graph_click(graph, session, 777, 0), HH_ARGUMENT);
    cr_assert_eq(stats_of(graph).clicks, 1);
    cr_assert_eq(stats_of(graph).newest, 0);
    hh_graph_free(graph);
}

Test(graph_times, the_first_click_may_be_of_any_year)
{
    for (hh_time time = -400; time <= 400; time += 100) { // years from 1970
        hh_time day = time * 365 * HH_DAY;
        hh_graph *graph = new_graph();
        hh_graph_session *session = hh_graph_open(graph, 1);
        cr_assert_eq(hh_graph_click(graph, session, 0, day), HH_OK);
        cr_assert_eq(hh_graph_click(graph, session, 0, day + HH_DAY), HH_OK);
        cr_assert_eq(hh_graph_click(graph, session, 0, day + 70 * 365 * HH_DAY), HH_LIMIT);
        cr_assert_eq(stats_of(graph).newest, day + HH_DAY);
        hh_graph_free(graph);
    }
    hh_graph *graph = new_graph();
    hh_graph_session *session = hh_graph_open(graph, 1);
    cr_assert_eq(hh_graph_click(graph, session, 0, INT64_MAX), HH_LIMIT);
    cr_assert_eq(hh_graph_click(graph, session, 0, INT64_MIN + 1), HH_LIMIT);
    hh_graph_free(graph);
}
