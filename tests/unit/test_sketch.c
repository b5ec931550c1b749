// That descriptions are compared by way of sketches: these tell the angle, and the nearest of many are found.
#include "described_items.h"
#include "graph/internal.h"

#include <criterion/criterion.h>
#include <hiphop/graph.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// ---- many ----

#define MANY    5000
#define WIDTH   384
#define FACTORS 48

// Vectors as of a language model: of far fewer directions than numbers.
static void draw_many(uint64_t *state, float (*vectors)[WIDTH])
{
    static float directions[FACTORS][WIDTH];
    for (int f = 0; f < FACTORS; f++)
        for (int i = 0; i < WIDTH; i++)
            directions[f][i] = uniform(state);
    for (int v = 0; v < MANY; v++)
        for (int f = 0; f < FACTORS; f++) {
            float factor = uniform(state);
            for (int i = 0; i < WIDTH; i++)
                vectors[v][i] += factor * directions[f][i];
        }
    for (int v = 0; v < MANY; v++) { // what the graph makes of them, so that rounding changes no order
        float most = 0;
        for (int i = 0; i < WIDTH; i++)
            most = fmaxf(most, fabsf(vectors[v][i]));
        for (int i = 0; i < WIDTH; i++)
            vectors[v][i] = rintf(127 * (vectors[v][i] / most));
    }
}

// How many of an item's HH_NEAR nearest its list has; *all gets how many there are.
static int nearest_listed(const hh_graph *graph, const hh_item *items, float (*vectors)[WIDTH], int of,
                          int *all)
{
    static float cosines[MANY];
    const hh_described *described = &graph->described;
    uint32_t its = hh_described_row(described, items[of]);
    const hh_related *list =
        &described->chunks[its >> HH_ROW_CHUNK_BITS]->related[its & ((1u << HH_ROW_CHUNK_BITS) - 1)];
    int listed = 0;
    for (int v = 0; v < MANY; v++) {
        double ab = 0, aa = 0, bb = 0;
        for (int i = 0; i < WIDTH; i++) {
            ab += (double)vectors[of][i] * (double)vectors[v][i];
            aa += (double)vectors[of][i] * (double)vectors[of][i];
            bb += (double)vectors[v][i] * (double)vectors[v][i];
        }
        cosines[v] = v == of ? 0 : (float)(ab / sqrt(aa * bb));
    }
    for (int n = 0; n < HH_NEAR; n++) {
        int best = 0;
        for (int v = 1; v < MANY; v++)
            best = cosines[v] > cosines[best] ? v : best;
        if (cosines[best] < 0.21f)
            break;
        uint32_t row = hh_described_row(described, items[best]);
        for (int k = 0; k < HH_NEAR; k++)
            listed += list->near[k] && hh_entry_row(list->near[k]) == row;
        cosines[best] = 0;
        ++*all;
    }
    return listed;
}

// Clicks come between parts of a pass, and vectors change while it goes on.
Test(sketch, of_many_the_nearest_are_found_whatever_comes_between)
{
    hh_error error;
    hh_graph_options options = hh_graph_defaults();
    options.max_described = MANY;
    hh_graph *graph = hh_graph_new(&options, &error);
    cr_assert_not_null(graph);
    float(*vectors)[WIDTH] = calloc(MANY, sizeof *vectors);
    hh_item *items = calloc(MANY, sizeof *items);
    uint64_t state = 11;
    draw_many(&state, vectors);
    hh_graph_session *session = hh_graph_open(graph, 1);
    for (int v = 0, parts = 0; v < MANY; v++) {
        items[v] = item(graph, v);
        if (v % 10 == 0) { // first like nothing else; this goes while it waits, or is held, or later
            float other[WIDTH];
            for (int i = 0; i < WIDTH; i++)
                other[i] = uniform(&state);
            cr_assert_eq(hh_graph_describe(graph, items[v], 0, other, WIDTH), HH_OK);
        }
        if (v >= 20 && v % 10 == 5)
            cr_assert_eq(hh_graph_describe(graph, items[v - 15], 0, vectors[v - 15], WIDTH), HH_OK);
        if (v % 10)
            cr_assert_eq(hh_graph_describe(graph, items[v], 0, vectors[v], WIDTH), HH_OK);
        if (v % 60 >= 50)
            parts += hh_graph_settle_some(graph);
        if (v % 5 == 0)
            cr_assert_eq(hh_graph_click(graph, session, items[v / 2], v), HH_OK);
        cr_assert(v < MANY - 1 || parts > 60, "there was something under way");
    }
    for (int v = MANY - 20; v < MANY; v++)
        cr_assert_eq(hh_graph_describe(graph, items[v], 0, vectors[v], WIDTH), HH_OK);
    hh_graph_settle(graph);
    cr_assert_not(hh_graph_settle_some(graph));
    int all = 0, listed = 0;
    for (int v = 0; v < MANY; v += 25)
        listed += nearest_listed(graph, items, vectors, v, &all);
    cr_assert_gt(all, 2000);
    cr_assert_geq(listed, 0.99 * all, "%d of %d", listed, all);
    hh_graph_close(graph, session);
    free(items);
    free(vectors);
    hh_graph_free(graph);
}

// ---- sketches ----

// Of vectors of whatever width, sparse ones and narrow ones too, the signs tell the angle.
Test(sketch, sketches_differ_by_the_angle)
{
    static const uint32_t widths[] = {2, 3, 40, 384, 512, 1000, 4096};
    enum { PAIRS = 200, WIDEST = 4096 };
    static float room[WIDEST];
    static int8_t a[WIDEST], b[WIDEST];
    uint64_t state = 13, table[HH_SKETCH_GROUP * HH_SKETCH_WORDS] = {0};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        uint32_t width = widths[w];
        cr_assert_geq(sizeof room / sizeof *room, hh_sketch_room(width));
        double off = 0, squares = 0;
        int within = 0;
        for (int n = 0; n < PAIRS; n++) {
            double ab = 0, aa = 0, bb = 0;
            for (uint32_t i = 0; i < width; i++) {
                bool empty = n % 2 && i >= 2 && uniform(&state) < 0.9f;
                a[i] = empty ? 0 : (int8_t)(100 * uniform(&state));
                b[i] = empty ? 0 : (int8_t)(a[i] / 2 + (int)(60 * uniform(&state)));
                ab += a[i] * b[i];
                aa += a[i] * a[i];
                bb += b[i] * b[i];
            }
            hh_sketch one = hh_sketch_of(a, width, 5, room), other = hh_sketch_of(b, width, 5, room);
            int differ = 0;
            for (int k = 0; k < HH_SKETCH_WORDS; k++)
                differ += __builtin_popcountll(one.words[k] ^ other.words[k]);
            double cosine = fmax(-1, fmin(ab / sqrt(aa * bb), 1));
            double error = differ - acos(cosine) / acos(-1) * HH_SKETCH_BITS;
            off += error / PAIRS;
            squares += error * error / PAIRS;
            within += differ <= hh_sketch_limit((float)cosine);
            // What a table tells is the same.
            uint8_t place = (uint8_t)(n % HH_SKETCH_GROUP);
            hh_sketch_put(table, place, &other);
            hh_sketch back = hh_sketch_at(table, place);
            cr_assert_arr_eq(back.words, other.words, sizeof other.words);
            uint64_t found[HH_SKETCH_GROUP] = {0};
            uint16_t limits[HH_SKETCH_GROUP] = {0};
            hh_sketch_sift(table, HH_SKETCH_GROUP, &one, NULL, (uint16_t)differ, 4, found);
            cr_assert_eq(found[place], 4);
            limits[place] = (uint16_t)differ;
            hh_sketch_sift(table, HH_SKETCH_GROUP, &one, limits, 0, 2, found);
            cr_assert_eq(found[place], 6);
            found[place] = 1;
            if (differ > 0)
                hh_sketch_sift(table, HH_SKETCH_GROUP, &one, NULL, (uint16_t)(differ - 1), 4, found);
            cr_assert_eq(found[place], 1);
        }
        cr_assert_lt(fabs(off), 4, "width %u: %.1f", width, off);
        cr_assert_lt(sqrt(squares), 14, "width %u: %.1f", width, sqrt(squares));
        cr_assert_gt(within, 0.9 * PAIRS);
    }
}
