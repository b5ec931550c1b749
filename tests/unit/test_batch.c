// Batches of sessions: nodes, versions, prefixes, own items; against what the clicks say, one prefix at a
// time.
#include "model/batch.h"
#include "nn/random.h"

#include <criterion/criterion.h>
#include <stdlib.h>

typedef struct laid_out {
    hh_batch_rows rows;
    hh_arena arena;
    hh_batch batch;
} laid_out;

static void lay_out(laid_out *to, const hh_session_view *views, size_t count, const hh_batch_options *options)
{
    *to = (laid_out){0};
    cr_assert(hh_batch_rows_init(&to->rows, 50));
    hh_batch_rows_begin(&to->rows);
    for (uint32_t item = 49; item > 40; item--) // rows are not items
        cr_assert(hh_batch_rows_add(&to->rows, item));
    for (size_t s = 0; s < count; s++)
        for (uint32_t i = 0; i < views[s].length; i++)
            cr_assert(hh_batch_rows_add(&to->rows, views[s].items[i]));
    cr_assert(hh_batch_build(&to->batch, views, count, &to->rows, options, &to->arena));
}

static void take_down(laid_out *it)
{
    hh_batch_rows_free(&it->rows);
    hh_arena_free(&it->arena);
}

static uint32_t min7(uint32_t x)
{
    return x < 7 ? x : 7;
}

// What prefix p, the first n clicks of a session, must hold.
static void check_prefix(const laid_out *it, size_t p, const hh_session_view *view, uint32_t n,
                         const hh_batch_options *options)
{
    const hh_batch *batch = &it->batch;
    uint32_t window = n < options->positions ? n : options->positions;
    const hh_ragged *clicks = &batch->attention.clicks, *exact = &batch->exact;
    cr_assert_eq(clicks->begin[p + 1] - clicks->begin[p], window);
    for (uint32_t i = 0; i < window; i++) {
        uint32_t version = clicks->at[clicks->begin[p] + i], click = n - window + i;
        uint32_t node = batch->gated.node[version];
        cr_assert_eq(it->rows.item[batch->node_row[node]], view->items[click]);
        // its edges: the distinct neighbours of the item within these n clicks
        bool before[50] = {false}, after[50] = {false};
        uint32_t degree[2] = {0, 0};
        for (uint32_t j = 0; j + 1 < n && options->graph; j++) {
            if (view->items[j + 1] == view->items[click] && !before[view->items[j]])
                before[view->items[j]] = true, degree[0]++;
            if (view->items[j] == view->items[click] && !after[view->items[j + 1]])
                after[view->items[j + 1]] = true, degree[1]++;
        }
        const hh_ragged *sides[] = {&batch->gated.before, &batch->gated.after};
        for (int side = 0; side < 2; side++) {
            uint32_t begin = sides[side]->begin[version], end = sides[side]->begin[version + 1];
            cr_assert_eq(end - begin, degree[side]);
            for (uint32_t e = begin; e < end; e++) {
                uint32_t item = it->rows.item[batch->node_row[sides[side]->at[e]]];
                cr_assert(side == 0 ? before[item] : after[item]);
            }
        }
    }
    uint32_t begin = exact->begin[p], end = exact->begin[p + 1], expected = options->last_only ? 0 : 1;
    bool seen[50] = {false};
    for (uint32_t e = begin; e < end; e++) {
        uint32_t item = it->rows.item[exact->at[e]], last = UINT32_MAX;
        cr_assert_not(seen[item], "each item once");
        seen[item] = true;
        for (uint32_t i = 0; i < n; i++)
            last = view->items[i] == item ? i : last;
        cr_assert_eq(batch->own[e],
                     last == UINT32_MAX ? HH_OWN_NONE : (min7(n - last) - 1) * HH_OWN_STEPS + min7(n) - 1);
    }
    if (!options->last_only)
        cr_assert_eq(it->rows.item[exact->at[begin]], view->items[n], "the target first");
    for (uint32_t i = 0; i < n; i++) {
        bool again = !options->last_only && view->items[i] == view->items[n];
        for (uint32_t j = 0; j < i; j++)
            again = again || view->items[j] == view->items[i];
        expected += !again;
        cr_assert(seen[view->items[i]]);
    }
    cr_assert_eq(end - begin, expected);
}

static void check_batch(const hh_session_view *views, size_t count, const hh_batch_options *options)
{
    laid_out it;
    lay_out(&it, views, count, options);
    size_t p = 0, clicks = 0;
    for (size_t s = 0; s < count; s++) {
        uint32_t length = views[s].length;
        clicks += length;
        for (uint32_t n = options->last_only ? length : 1; n < length + options->last_only; n++, p++) {
            cr_assert_eq(it.batch.session[p], s);
            check_prefix(&it, p, &views[s], n, options);
        }
    }
    cr_assert_eq(it.batch.prefixes, p);
    if (options->graph)
        cr_assert_leq(it.batch.versions, 2 * clicks, "two updates a click at most");
    else
        cr_assert_eq(it.batch.versions, it.batch.nodes);
    take_down(&it);
}

Test(batch, of_random_sessions)
{
    hh_random random = {1};
    static uint32_t items[40][40];
    hh_session_view views[40];
    for (int round = 0; round < 20; round++) {
        for (size_t s = 0; s < 40; s++) {
            uint32_t length = 1 + hh_random_below(&random, 40), few = 1 + hh_random_below(&random, 40);
            for (uint32_t i = 0; i < length; i++)
                items[s][i] = hh_random_below(&random, few);
            views[s] = (hh_session_view){items[s], length};
        }
        hh_batch_options options = {.d = 8,
                                    .positions = 1 + hh_random_below(&random, 50),
                                    .graph = round % 2,
                                    .last_only = round % 4 < 2};
        check_batch(views, 40, &options);
    }
}

Test(batch, shares_the_states_that_a_click_does_not_change)
{
    const uint32_t items[] = {1, 2, 3, 4, 5, 6, 1, 2};
    hh_session_view view = {items, 8};
    laid_out it;
    lay_out(&it, &view, 1, &(hh_batch_options){.d = 8, .positions = 50, .graph = true, .last_only = false});
    // 1; then two for each of the six new edges; the last click repeats an edge
    cr_assert_eq(it.batch.versions, 13);
    cr_assert_eq(it.batch.nodes, 6);
    take_down(&it);
}

Test(batch, of_nothing_and_of_sessions_without_a_target)
{
    const uint32_t items[] = {3};
    hh_session_view view = {items, 1};
    check_batch(&view, 0, &(hh_batch_options){.d = 8, .positions = 50, .graph = true, .last_only = false});
    check_batch(&view, 1, &(hh_batch_options){.d = 8, .positions = 50, .graph = true, .last_only = false});
    check_batch(&view, 1, &(hh_batch_options){.d = 8, .positions = 50, .graph = true, .last_only = true});
}

Test(batch, rows_begin_anew_and_survive_the_stamp_going_round)
{
    hh_batch_rows rows;
    cr_assert(hh_batch_rows_init(&rows, 3000));
    rows.now = UINT32_MAX - 2;
    for (int round = 0; round < 6; round++) {
        hh_batch_rows_begin(&rows);
        for (uint32_t item = 0; item < 3000; item++)
            cr_assert_not(hh_batch_rows_have(&rows, item));
        for (uint32_t item = 0; item < 3000; item++)
            cr_assert(hh_batch_rows_add(&rows, 2999 - item) && hh_batch_rows_add(&rows, 2999 - item));
        cr_assert_eq(rows.count, 3000);
        cr_assert_eq(rows.item[rows.row_of[7]], 7);
    }
    hh_batch_rows_free(&rows);
}
