// A session read click by click against the same session read at once.
#include "model/scorer.h"
#include "model/session_state.h"
#include "nn/vector.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define ITEMS 9

static void compare(bool graph, uint32_t positions)
{
    hh_network_options options = hh_network_defaults();
    options.d = 12;
    options.positions = positions;
    options.graph = graph;
    hh_network *network = hh_network_new(&options, ITEMS, 7, NULL);
    hh_scorer scorer;
    cr_assert(hh_scorer_init(&scorer, network));
    hh_session_state *state = hh_session_state_new(network, scorer.x);
    hh_random random = {3};
    for (int session = 0; session < 30; session++) {
        uint32_t items[24], length = 1 + hh_random_below(&random, 24);
        hh_session_state_clear(state);
        for (uint32_t n = 1; n <= length; n++) {
            items[n - 1] = hh_random_below(&random, ITEMS);
            cr_assert(hh_session_state_click(state, items[n - 1]));
            float h[12];
            hh_session_state_vector(state, h);
            cr_assert(hh_scorer_read(&scorer, &(hh_session_view){items, n}, 1, true));
            for (int i = 0; i < 12; i++)
                cr_assert_float_eq(h[i], scorer.pass.session[i], 2e-6, "session %d, click %u, %d: %g, not %g",
                                   session, n, i, h[i], scorer.pass.session[i]);
            cr_assert_float_eq(hh_dot(h, h, 12), 1, 1e-5);
        }
    }
    hh_session_state_free(state);
    hh_scorer_free(&scorer);
    hh_network_free(network);
}

Test(session_state, is_what_the_whole_session_gives)
{
    compare(true, 50);
}

Test(session_state, looks_back_over_so_many_clicks)
{
    compare(true, 5);
}

Test(session_state, goes_without_the_graph_step)
{
    compare(false, 50);
}
