// What the graph knows of items by their descriptions, against brute force.
#include "described_items.h"
#include "fail_alloc.h"
#include "graph/internal.h"

#include <criterion/criterion.h>
#include <hiphop/graph.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 40
#define ITEMS 600

static hh_graph *new_graph(uint32_t max_described)
{
    hh_graph_options options = hh_graph_defaults();
    options.max_clicks = 5000;
    options.max_described = max_described;
    hh_error error;
    hh_graph *graph = hh_graph_new(&options, &error);
    cr_assert_not_null(graph, "%s", error.message);
    return graph;
}

// Of one of a few kinds, so that some are near.
static void draw(uint64_t *state, float *vector)
{
    uint64_t kind = 1 + (uint64_t)(fabsf(uniform(state)) * 12);
    for (int i = 0; i < WIDTH; i++)
        vector[i] = uniform(&kind) + 0.7f * uniform(state);
}

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < WIDTH; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

typedef struct world {
    hh_graph *graph;
    hh_item items[ITEMS];
    float vector[2][ITEMS][WIDTH]; // by source
    bool has[2][ITEMS];
    int clicks[ITEMS];
} world;

static bool alike(const world *w, int a, int b, double *how)
{
    int common = 0;
    *how = 0;
    for (int s = 0; s < 2; s++)
        if (w->has[s][a] && w->has[s][b]) {
            *how += cosine(w->vector[s][a], w->vector[s][b]);
            common++;
        }
    *how /= common ? common : 1;
    return common;
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

// The list holds those that are nearest, `sure` at least, each once and with its cosine.
static void check_list(const world *w, int of, const _Atomic uint64_t *list, int size, int sure, bool cold)
{
    static double all[ITEMS];
    int count = 0, listed = 0;
    for (int other = 0; other < ITEMS; other++) {
        double how;
        if (other != of && (!cold || w->clicks[other] < HH_COLD_CLICKS) && alike(w, of, other, &how) &&
            how > 0.19)
            all[count++] = how;
    }
    qsort(all, (size_t)count, sizeof *all, descending);
    bool seen[ITEMS] = {false};
    double furthest = 1;
    for (int i = 0; i < size; i++) {
        if (!list[i])
            continue;
        uint32_t row = hh_entry_row(list[i]);
        hh_item number =
            w->graph->described.chunks[row >> HH_ROW_CHUNK_BITS]->item[row & ((1u << HH_ROW_CHUNK_BITS) - 1)];
        if (number == HH_ITEM_NONE)
            continue; // not described any more
        int other = 0;
        while (w->items[other] != number)
            other++;
        if (cold && w->clicks[other] >= HH_COLD_CLICKS)
            continue;
        double how;
        cr_assert(alike(w, of, other, &how));
        cr_assert_float_eq(how, (double)hh_entry_cosine(list[i]), 0.012);
        cr_assert_not(seen[other], "twice");
        cr_assert_neq(other, of);
        seen[other] = true;
        listed++;
        furthest = fmin(furthest, how);
    }
    cr_assert_leq(listed, count);
    if (listed)
        cr_assert_geq(furthest, all[listed - 1] - 0.025);
    int expected = 0; // some are so near the bound that rounding decides
    while (expected < count && all[expected] > 0.215)
        expected++;
    cr_assert_geq(listed, expected < sure ? expected : sure);
}

static const hh_related *related(const world *w, int of)
{
    uint32_t row = hh_described_row(&w->graph->described, w->items[of]);
    cr_assert_neq(row, HH_NONE);
    return &w->graph->described.chunks[row >> HH_ROW_CHUNK_BITS]
                ->related[row & ((1u << HH_ROW_CHUNK_BITS) - 1)];
}

static world *new_world(void)
{
    world *w = calloc(1, sizeof *w);
    w->graph = new_graph(ITEMS);
    for (int i = 0; i < ITEMS; i++)
        w->items[i] = item(w->graph, i);
    return w;
}

static void describe(world *w, int i, uint32_t source, uint64_t *state)
{
    draw(state, w->vector[source][i]);
    w->has[source][i] = true;
    cr_assert_eq(hh_graph_describe(w->graph, w->items[i], source, w->vector[source][i], WIDTH), HH_OK);
}

static void check_all(const world *w, bool near)
{
    for (int i = 0; i < ITEMS; i++)
        if (w->has[0][i] || w->has[1][i]) {
            if (near)
                check_list(w, i, related(w, i)->near, HH_NEAR, HH_NEAR, false);
            check_list(w, i, related(w, i)->cold, HH_NEAR_COLD, HH_NEAR_COLD, true);
        }
}

static hh_graph_stats stats_of(const hh_graph *graph)
{
    hh_graph_stats stats;
    hh_graph_stats_read(graph, &stats);
    return stats;
}

Test(described, the_nearest_are_those_of_brute_force)
{
    world *w = new_world();
    uint64_t state = 3;
    for (int i = 0; i < ITEMS; i++) {
        if (i % 7)
            describe(w, i, 0, &state);
        if (i % 3 == 0)
            describe(w, i, 1, &state);
    }
    hh_graph_settle(w->graph);
    check_all(w, true);
    cr_assert_eq(stats_of(w->graph).described, ITEMS - ITEMS / 7 - 1 + ITEMS / 21 + 1);
    hh_graph_free(w->graph);
    free(w);
}

Test(described, what_changes_or_goes_leaves_the_lists)
{
    world *w = new_world();
    uint64_t state = 5;
    for (int i = 0; i < ITEMS / 4; i++)
        describe(w, i, 0, &state);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < ITEMS / 4; i++) // ever others, a few of them more than once
            if (fabsf(uniform(&state)) < 0.3f)
                describe(w, i, 0, &state);
        hh_graph_settle(w->graph);
    }
    for (int i = 0; i < ITEMS / 4; i++) // what left a list while it was full may be missed; not what it says
        for (int k = 0; k < HH_NEAR; k++) {
            uint64_t entry = related(w, i)->near[k];
            uint32_t row = hh_entry_row(entry);
            hh_item other = entry ? w->graph->described.chunks[0]->item[row] : HH_ITEM_NONE;
            double how;
            if (other != HH_ITEM_NONE && alike(w, i, (int)other, &how))
                cr_assert_float_eq(how, (double)hh_entry_cosine(entry), 0.012);
        }
    cr_assert_lt(w->graph->described.used, 2 * ITEMS / 4 + 64 + 32, "rows are used again");
    for (int i = 0; i < ITEMS / 4; i++)
        cr_assert_eq(hh_graph_describe(w->graph, w->items[i], 0, NULL, 0), HH_OK);
    cr_assert_eq(stats_of(w->graph).described, 0);
    cr_assert_eq(hh_described_row(&w->graph->described, w->items[1]), HH_NONE);
    float narrow[3] = {1, 2, 3};
    cr_assert_eq(hh_graph_describe(w->graph, w->items[1], 0, narrow, 3), HH_OK, "another width by now");
    hh_graph_free(w->graph);
    free(w);
}

Test(described, clicks_make_room_for_those_that_have_none)
{
    world *w = new_world();
    uint64_t state = 7;
    for (int i = 0; i < ITEMS; i++)
        describe(w, i, 0, &state);
    hh_graph_settle(w->graph);
    hh_graph_session *session = hh_graph_open(w->graph, 1);
    for (int n = 0; n < HH_COLD_CLICKS + 20; n++)
        for (int i = 0; i < 100; i++) { // five in six have clicks after that, of the first few kinds too
            cr_assert_eq(hh_graph_click(w->graph, session, w->items[i], n * 100 + i), HH_OK);
            w->clicks[i]++;
        }
    for (int i = 0; i < 100; i++)
        check_list(w, i, related(w, i)->cold, HH_NEAR_COLD, HH_NEAR_COLD / 2, true);
    hh_graph_close(w->graph, session);
    hh_graph_free(w->graph);
    free(w);
}

Test(described, a_number_stays_while_the_item_is_described)
{
    hh_graph *graph = new_graph(100);
    float vector[2] = {1, 0};
    hh_item kept = item(graph, -1);
    cr_assert_eq(hh_graph_describe(graph, kept, 0, vector, 2), HH_OK);
    for (int i = 0; i < 20000; i++)
        item(graph, i);
    cr_assert_eq(item(graph, -1), kept);
    cr_assert_eq(hh_graph_describe(graph, kept, 0, NULL, 0), HH_OK);
    for (int i = 0; i < 20000; i++)
        item(graph, 100000 + i);
    cr_assert_lt(stats_of(graph).items, 10000, "and no longer");
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    cr_assert_eq(hh_graph_find(reader, "-1", 2), HH_ITEM_NONE);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

Test(described, what_makes_no_sense_is_refused_and_changes_nothing)
{
    hh_graph *graph = new_graph(2);
    float vector[3] = {1, 2, 3}, bad[3] = {1, NAN, 3}, large[3] = {1, INFINITY, 0}, zeros[3] = {0};
    hh_item a = item(graph, 1), b = item(graph, 2), c = item(graph, 3);
    cr_assert_eq(hh_graph_describe(graph, a, 0, NULL, 0), HH_OK, "there was nothing");
    cr_assert_eq(hh_graph_describe(graph, 12345, 0, vector, 3), HH_NOT_FOUND);
    cr_assert_eq(hh_graph_describe(graph, a, HH_DESCRIPTIONS, vector, 3), HH_ARGUMENT);
    cr_assert_eq(hh_graph_describe(graph, a, 0, vector, 0), HH_ARGUMENT);
    cr_assert_eq(hh_graph_describe(graph, a, 0, vector, 65537), HH_ARGUMENT);
    cr_assert_eq(hh_graph_describe(graph, a, 0, bad, 3), HH_ARGUMENT);
    cr_assert_eq(hh_graph_describe(graph, a, 0, large, 3), HH_ARGUMENT);
    cr_assert_eq(stats_of(graph).described, 0);
    cr_assert_eq(hh_graph_describe(graph, a, 0, vector, 3), HH_OK);
    cr_assert_eq(hh_graph_describe(graph, b, 0, vector, 2), HH_ARGUMENT, "another width");
    cr_assert_eq(hh_graph_describe(graph, b, 1, vector, 2), HH_OK, "of another source");
    cr_assert_eq(hh_graph_describe(graph, c, 0, vector, 3), HH_LIMIT);
    cr_assert_eq(hh_graph_describe(graph, b, 1, zeros, 2), HH_OK, "none any more");
    cr_assert_eq(stats_of(graph).described, 1);
    cr_assert_eq(hh_graph_describe(graph, c, 0, vector, 3), HH_OK);
    uint32_t used = graph->described.used;
    cr_assert_eq(hh_graph_describe(graph, c, 0, vector, 3), HH_OK, "the same again is nothing new");
    cr_assert_eq(graph->described.used, used);
    hh_graph_free(graph);
}

Test(described, without_memory_it_is_as_before)
{
    uint64_t state = 9;
    float vector[2][WIDTH];
    draw(&state, vector[0]);
    draw(&state, vector[1]);
    for (long n = 0;; n++) {
        hh_graph *graph = new_graph(100);
        hh_item a = item(graph, 1);
        hh_graph_describe(graph, item(graph, 2), 1, vector[1], WIDTH);
        fail_alloc_at(n);
        hh_status first = hh_graph_describe(graph, a, 0, vector[0], WIDTH);
        hh_status second = first ? first : hh_graph_describe(graph, a, 1, vector[1], WIDTH);
        bool failed = fail_alloc_done();
        cr_assert_eq(second, failed ? HH_MEMORY : HH_OK);
        cr_assert_eq(stats_of(graph).described, first ? 1 : 2);
        cr_assert_eq(hh_graph_describe(graph, a, 0, vector[0], WIDTH - 1), first ? HH_OK : HH_ARGUMENT,
                     "the width is not settled by what failed");
        hh_graph_settle(graph);
        hh_graph_free(graph);
        if (!failed)
            break;
        cr_assert_lt(n, 100);
    }
}

// ---- what readers see ----

static void check_description(hh_reader *reader, hh_item of, uint32_t source, const float *vector,
                              uint32_t width)
{
    double squares = 0, dot = 0, length = 0;
    hh_reader_hold(reader);
    hh_description said = hh_graph_description(reader, of, source);
    cr_assert_eq(said.width, width);
    for (uint32_t i = 0; i < width; i++) {
        double number = (double)said.scale * said.bytes[i];
        squares += number * number;
        dot += number * (double)vector[i];
        length += (double)vector[i] * (double)vector[i];
    }
    hh_reader_release(reader);
    cr_assert_float_eq(squares, 1, 1e-5);
    cr_assert_gt(dot / sqrt(length), 0.9999);
}

Test(described, readers_see_the_vectors)
{
    hh_graph *graph = new_graph(100);
    hh_error error;
    hh_reader *reader = hh_reader_new(graph, &error);
    uint64_t state = 3;
    float vector[3][WIDTH], narrow[2] = {3, -1};
    hh_item a = item(graph, 1), b = item(graph, 2), c = item(graph, 3);
    uint32_t place = UINT32_MAX;
    cr_assert_eq(hh_graph_description(reader, a, 0).width, 0);
    cr_assert_eq(hh_graph_description_stamp(reader, a), 0);
    cr_assert_eq(hh_graph_described_before(reader, &place), HH_ITEM_NONE);
    for (int i = 0; i < 3; i++)
        draw(&state, vector[i]);
    cr_assert_eq(hh_graph_describe(graph, a, 0, vector[0], WIDTH), HH_OK);
    cr_assert_eq(hh_graph_describe(graph, b, 0, vector[1], WIDTH), HH_OK);
    cr_assert_eq(hh_graph_describe(graph, c, 2, narrow, 2), HH_OK);
    check_description(reader, a, 0, vector[0], WIDTH);
    check_description(reader, c, 2, narrow, 2);
    cr_assert_eq(hh_graph_description(reader, c, 0).width, 0);
    cr_assert_eq(hh_graph_description(reader, c, HH_DESCRIPTIONS).width, 0);
    cr_assert_eq(hh_graph_description(reader, 12345, 0).width, 0);
    uint32_t stamp = hh_graph_description_stamp(reader, a), of_b = hh_graph_description_stamp(reader, b);
    cr_assert(stamp != 0 && of_b != 0 && stamp != of_b);
    cr_assert_eq(hh_graph_describe(graph, a, 0, vector[0], WIDTH), HH_OK);
    cr_assert_eq(hh_graph_description_stamp(reader, a), stamp, "the same again is nothing new");
    cr_assert_eq(hh_graph_describe(graph, a, 1, narrow, 2), HH_OK);
    cr_assert_neq(hh_graph_description_stamp(reader, a), stamp);
    cr_assert_eq(hh_graph_description_stamp(reader, b), of_b);
    check_description(reader, a, 0, vector[0], WIDTH);
    check_description(reader, a, 1, narrow, 2);
    cr_assert_eq(hh_graph_describe(graph, a, 0, vector[2], WIDTH), HH_OK);
    check_description(reader, a, 0, vector[2], WIDTH);
    // The latest first; b is withdrawn.
    cr_assert_eq(hh_graph_withdraw(graph, b, true), HH_OK);
    place = UINT32_MAX;
    cr_assert_eq(hh_graph_described_before(reader, &place), a);
    cr_assert_eq(hh_graph_described_before(reader, &place), c);
    cr_assert_eq(hh_graph_described_before(reader, &place), HH_ITEM_NONE);
    cr_assert_eq(hh_graph_described_before(reader, &place), HH_ITEM_NONE);
    // Another width, when nothing is left of the first.
    cr_assert_eq(hh_graph_describe(graph, a, 0, NULL, 0), HH_OK);
    cr_assert_eq(hh_graph_describe(graph, b, 0, NULL, 0), HH_OK);
    cr_assert_eq(hh_graph_description(reader, a, 0).width, 0);
    cr_assert_eq(hh_graph_describe(graph, b, 0, narrow, 2), HH_OK);
    check_description(reader, b, 0, narrow, 2);
    hh_reader_free(reader);
    hh_graph_free(graph);
}

#define CHANGES 3000

typedef struct changing {
    hh_graph *graph;
    hh_item items[20];
    atomic_bool done;
} changing;

// A vector of a sort has that sort's width, and all its numbers are alike.
static void describe_by_sort(changing *self, int i, uint32_t sort)
{
    float vector[64];
    for (int k = 0; k < 64; k++)
        vector[k] = sort % 2 ? 1 : -1;
    cr_assert_eq(hh_graph_describe(self->graph, self->items[i], 0, vector, 8 + 8 * (sort % 3)), HH_OK);
}

static void *change(void *context)
{
    changing *self = context;
    for (uint32_t n = 0; n < CHANGES; n++) {
        int i = (int)(n % 20);
        if (i == 0) // the source goes, and comes back with another width
            for (int all = 0; all < 20; all++)
                cr_assert_eq(hh_graph_describe(self->graph, self->items[all], 0, NULL, 0), HH_OK);
        describe_by_sort(self, i, n / 20);
    }
    atomic_store(&self->done, true);
    return NULL;
}

// While the writer changes them, and their width, a reader sees whole vectors.
Test(described, readers_see_whole_vectors_while_they_change)
{
    hh_error error;
    changing self = {.graph = new_graph(100)};
    for (int i = 0; i < 20; i++)
        self.items[i] = item(self.graph, i);
    hh_reader *reader = hh_reader_new(self.graph, &error);
    pthread_t writer;
    cr_assert_eq(pthread_create(&writer, NULL, change, &self), 0);
    uint64_t seen = 0;
    for (int i = 0; !atomic_load(&self.done) || i < 100; i = i < 100 ? i + 1 : 0) {
        hh_reader_hold(reader);
        hh_description said = hh_graph_description(reader, self.items[i % 20], 0);
        cr_assert(said.width == 0 || said.width == 8 || said.width == 16 || said.width == 24);
        for (uint32_t k = 0; k < said.width; k++)
            cr_assert_eq(said.bytes[k], said.bytes[0]);
        if (said.width)
            cr_assert_float_eq((double)said.scale * said.scale * said.bytes[0] * said.bytes[0] * said.width,
                               1, 1e-4);
        seen += said.width > 0;
        hh_reader_release(reader);
        for (uint32_t place = UINT32_MAX;
             i % 50 == 0 && hh_graph_described_before(reader, &place) != HH_ITEM_NONE;)
            ;
    }
    pthread_join(writer, NULL);
    cr_assert_gt(seen, 0);
    hh_reader_free(reader);
    hh_graph_free(self.graph);
}
