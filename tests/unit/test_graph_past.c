// A reader that begins far behind what the graph has read already sees what was known then, and nothing
// later.
#include <criterion/criterion.h>
#include <hiphop/graph.h>
#include <stdio.h>
#include <string.h>

enum { CLICKS = 40000, ITEMS = 400, LISTED = 20, LENGTH = 4 };

typedef struct world {
    hh_graph *graph;
    hh_reader *reader;
    hh_graph_session *session;
    int read; // clicks
} world;

static hh_time time_of(int click)
{
    return (hh_time)click * 2 * HH_SECOND;
}

// What people want changes: a hundred clicks later some of it is new, and some is gone.
static hh_item item_of(hh_graph *graph, int click)
{
    char id[16];
    uint32_t lot = (uint32_t)click * 2654435761u >> 16;
    int length = snprintf(id, sizeof id, "i%u", ((uint32_t)click / 100 + lot % 30 * (lot >> 8) % 30) % ITEMS);
    return hh_graph_intern(graph, id, (size_t)length);
}

static world new_world(uint32_t max_clicks)
{
    hh_graph_options options = hh_graph_defaults();
    options.max_clicks = max_clicks; // the journal has 4096 changes
    hh_error error;
    world w = {.graph = hh_graph_new(&options, &error)};
    w.reader = w.graph ? hh_reader_new(w.graph, &error) : NULL;
    cr_assert_not_null(w.reader);
    return w;
}

static void read_until(world *w, int end)
{
    for (; w->read < end; w->read++) {
        if (w->read % LENGTH == 0) {
            if (w->session)
                hh_graph_close(w->graph, w->session);
            w->session = hh_graph_open(w->graph, (uint64_t)w->read);
        }
        hh_item item = item_of(w->graph, w->read);
        cr_assert_eq(hh_graph_click(w->graph, w->session, item, time_of(w->read)), HH_OK);
    }
}

static void free_world(world *w)
{
    if (w->session)
        hh_graph_close(w->graph, w->session);
    hh_reader_free(w->reader);
    hh_graph_free(w->graph);
}

// What is popular before the click, by a half-life, as text.
static void popular_at(world *w, int click, hh_expert expert, char text[LISTED * 16])
{
    hh_item items[LISTED];
    hh_votes votes;
    hh_query query = {.as_of = time_of(click), .visitor = UINT64_MAX, .session_start = time_of(click)};
    cr_assert_eq(hh_graph_query(w->reader, &query, LISTED, &votes), HH_OK);
    size_t count = hh_graph_popular(w->reader, expert, items, LISTED), at = 0;
    for (size_t i = 0; i < count; i++) {
        at += hh_graph_id(w->reader, items[i], text + at, 16);
        text[at++] = ' ';
    }
    text[at] = '\0';
}

static void compare(world *late, world *then, int click)
{
    char known[LISTED * 16], seen[LISTED * 16];
    for (hh_expert e = HH_EXPERT_POP_SHORT; e <= HH_EXPERT_POP_LONG; e++) {
        popular_at(then, click, e, known);
        popular_at(late, click, e, seen);
        cr_assert_str_eq(seen, known, "half-life %d, click %d:\n%s\n%s", (int)e, click, seen, known);
    }
}

Test(graph_past, a_new_reader_of_a_long_history_sees_it_as_it_was)
{
    world late = new_world(2 * CLICKS), then = new_world(2 * CLICKS);
    read_until(&late, CLICKS);
    for (int click = 500; click <= CLICKS; click += 97) {
        read_until(&then, click);
        compare(&late, &then, click);
    }
    read_until(&late, CLICKS + 3000); // and goes on with what is new
    for (int click = CLICKS; click <= CLICKS + 3000; click += 101) {
        read_until(&then, click);
        compare(&late, &then, click);
    }
    free_world(&late);
    free_world(&then);
}

Test(graph_past, who_falls_behind_sees_what_was_known_then_after_a_while)
{
    world late = new_world(2 * CLICKS), then = new_world(2 * CLICKS);
    char text[LISTED * 16];
    read_until(&late, CLICKS);
    read_until(&then, CLICKS / 4);
    popular_at(&late, CLICKS, HH_EXPERT_POP_SHORT, text);
    for (int i = 0; i < 256; i++)
        popular_at(&late, CLICKS / 4, HH_EXPERT_POP_SHORT, text);
    compare(&late, &then, CLICKS / 4);
    popular_at(&late, CLICKS, HH_EXPERT_POP_SHORT, text); // and one is at once where the others are
    read_until(&then, CLICKS);
    compare(&late, &then, CLICKS);
    free_world(&late);
    free_world(&then);
}

// Partitions of a backlog come in turn, each with clicks of a day or so.
Test(graph_past, who_goes_to_and_fro_sees_each_time_as_it_was)
{
    world late = new_world(2 * CLICKS);
    char text[LISTED * 16];
    read_until(&late, CLICKS);
    for (int turn = 0; turn < 20; turn++) {
        world then = new_world(2 * CLICKS);
        int click =
            5000 + turn / 2 * 1000 - turn % 2 * 4000; // 27 of the short half-lives back, then further on
        for (int i = 0; i < CLICKS / 1000 + 1; i++)
            popular_at(&late, click - i, HH_EXPERT_POP_SHORT, text);
        read_until(&then, click);
        compare(&late, &then, click);
        free_world(&then);
    }
    free_world(&late);
}

Test(graph_past, the_past_goes_on_while_the_graph_forgets)
{
    world late = new_world(CLICKS / 2), then = new_world(2 * CLICKS);
    char text[LISTED * 16];
    int begin = CLICKS - CLICKS / 2 + LENGTH;
    read_until(&late, CLICKS);
    for (int click = begin + 4000, more = 0; click < CLICKS; click += 500, more += 50) {
        read_until(&late, CLICKS + more);
        popular_at(&late, click, HH_EXPERT_POP_SHORT, text);
        read_until(&then, click);
        char known[LISTED * 16];
        popular_at(&then, click, HH_EXPERT_POP_SHORT, known);
        cr_assert_str_eq(text, known, "what is gone is far too old to count: click %d", click);
    }
    free_world(&late);
    free_world(&then);
}
