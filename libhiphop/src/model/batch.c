#include "model/batch.h"

#include <stdlib.h>
#include <string.h>

// ---- rows ----

bool hh_batch_rows_init(hh_batch_rows *rows, uint32_t items)
{
    *rows = (hh_batch_rows){.items = items};
    rows->row_of = malloc((items + (size_t)1) * sizeof *rows->row_of);
    rows->stamp = calloc(items + (size_t)1, sizeof *rows->stamp);
    return rows->row_of && rows->stamp;
}

void hh_batch_rows_free(hh_batch_rows *rows)
{
    free(rows->row_of);
    free(rows->stamp);
    free(rows->item);
    *rows = (hh_batch_rows){0};
}

void hh_batch_rows_begin(hh_batch_rows *rows)
{
    rows->count = rows->columns = 0;
    if (++rows->now == 0) {
        memset(rows->stamp, 0, rows->items * sizeof *rows->stamp);
        rows->now = 1;
    }
}

bool hh_batch_rows_add(hh_batch_rows *rows, uint32_t item)
{
    if (hh_batch_rows_have(rows, item))
        return true;
    if (rows->count == rows->room) {
        uint32_t room = 2 * rows->room + 1024;
        uint32_t *larger = realloc(rows->item, room * sizeof *larger);
        if (!larger)
            return false;
        rows->item = larger;
        rows->room = room;
    }
    rows->stamp[item] = rows->now;
    rows->row_of[item] = rows->count;
    rows->item[rows->count++] = item;
    return true;
}

// ---- one session ----

// The edges of a session's graph as they come, as bits: edge[u * n + v] is u -> v.
typedef struct build {
    hh_batch *batch;
    const hh_batch_rows *rows;
    const hh_batch_options *options;
    uint32_t *node_row, *version_node, *own, *session, *first_node, *end_node;
    hh_ragged before, after, clicks, exact;
    // of one session, [its nodes]
    uint32_t *current;                                                   // version
    uint32_t *seen_at;                                                   // its last click
    uint32_t *node_of;                                                   // [clicks]
    uint32_t *item;                                                      // of the node
    uint32_t *preceding, *preceding_count, *following, *following_count; // [nodes x nodes], [nodes]
    uint32_t room;
} build;

static void add_version(build *to, uint32_t node, uint32_t base)
{
    uint32_t version = (uint32_t)to->before.count++;
    to->after.count++;
    to->version_node[version] = base + node;
    const uint32_t *lists[] = {to->preceding + node * to->room, to->following + node * to->room};
    const uint32_t counts[] = {to->preceding_count[node], to->following_count[node]};
    hh_ragged *edges[] = {&to->before, &to->after};
    for (int side = 0; side < 2; side++) {
        uint32_t end = edges[side]->begin[version];
        for (uint32_t i = 0; i < counts[side]; i++)
            edges[side]->at[end++] = base + lists[side][i];
        edges[side]->begin[version + 1] = end;
    }
    to->current[node] = version;
}

static bool add_edge(build *to, uint32_t from, uint32_t into)
{
    uint32_t *list = to->following + from * to->room;
    for (uint32_t i = 0; i < to->following_count[from]; i++)
        if (list[i] == into)
            return false;
    list[to->following_count[from]++] = into;
    to->preceding[into * to->room + to->preceding_count[into]++] = from;
    return true;
}

static uint32_t step(uint32_t distance)
{
    return (distance < HH_OWN_STEPS ? distance : HH_OWN_STEPS) - 1;
}

static void add_exact(build *to, uint32_t row, uint32_t own)
{
    uint32_t *end = &to->exact.begin[to->exact.count + 1];
    to->own[*end] = own;
    to->exact.at[(*end)++] = row;
}

// The prefix of the session's first `length` clicks.
static void add_prefix(build *to, const hh_session_view *view, uint32_t length, uint32_t nodes,
                       uint32_t number, bool target)
{
    uint32_t first = length > to->options->positions ? length - to->options->positions : 0;
    uint32_t *end = &to->clicks.begin[to->clicks.count + 1];
    *end = to->clicks.begin[to->clicks.count];
    for (uint32_t i = first; i < length; i++)
        to->clicks.at[(*end)++] = to->current[to->node_of[i]];
    to->first_node[to->clicks.count] = (uint32_t)to->batch->nodes;
    to->end_node[to->clicks.count] = (uint32_t)to->batch->nodes + nodes;
    to->session[to->clicks.count++] = number;
    to->exact.begin[to->exact.count + 1] = to->exact.begin[to->exact.count];
    uint32_t target_item = target ? view->items[length] : HH_OWN_NONE;
    uint32_t target_own = HH_OWN_NONE;
    for (uint32_t node = 0; node < nodes && target; node++)
        if (to->item[node] == target_item)
            target_own = step(length - to->seen_at[node]) * HH_OWN_STEPS + step(length);
    if (target)
        add_exact(to, to->rows->row_of[target_item], target_own);
    for (uint32_t node = 0; node < nodes; node++)
        if (to->item[node] != target_item)
            add_exact(to, to->rows->row_of[to->item[node]],
                      step(length - to->seen_at[node]) * HH_OWN_STEPS + step(length));
    to->exact.count++;
}

static void add_session(build *to, const hh_session_view *view, uint32_t number)
{
    hh_batch *batch = to->batch;
    uint32_t base = (uint32_t)batch->nodes, nodes = 0;
    bool last_only = to->options->last_only; // its nodes as they are in the end
    for (uint32_t i = 0; i < view->length; i++) {
        uint32_t node = 0;
        while (node < nodes && to->item[node] != view->items[i])
            node++;
        bool fresh = node == nodes;
        if (fresh) {
            to->item[nodes] = view->items[i];
            to->preceding_count[nodes] = to->following_count[nodes] = 0;
            to->node_row[base + nodes++] = to->rows->row_of[view->items[i]];
        }
        uint32_t previous = i > 0 ? to->node_of[i - 1] : 0;
        bool changed = to->options->graph && i > 0 && add_edge(to, previous, node);
        if ((fresh || changed) && !last_only)
            add_version(to, node, base);
        if (changed && previous != node && !last_only)
            add_version(to, previous, base);
        to->node_of[i] = node;
        to->seen_at[node] = i;
        if (i + 1 < view->length && !last_only)
            add_prefix(to, view, i + 1, nodes, number, true);
    }
    for (uint32_t node = 0; node < nodes && last_only; node++)
        add_version(to, node, base);
    if (last_only)
        add_prefix(to, view, view->length, nodes, number, false);
    batch->nodes += nodes;
}

// ---- the batch ----

static hh_ragged take_ragged(size_t lists, size_t entries, hh_arena *arena)
{
    hh_ragged ragged = {.begin = HH_TAKE(arena, lists + 1, uint32_t),
                        .at = HH_TAKE(arena, entries, uint32_t)};
    if (ragged.begin)
        ragged.begin[0] = 0;
    return ragged;
}

bool hh_batch_build(hh_batch *batch, const hh_session_view *sessions, size_t count, const hh_batch_rows *rows,
                    const hh_batch_options *options, hh_arena *arena)
{
    size_t clicks = 0, longest = 0, pairs = 0, read = 0;
    for (size_t s = 0; s < count; s++) {
        size_t n = sessions[s].length, window = n < options->positions ? n : options->positions;
        clicks += n;
        longest = n > longest ? n : longest;
        pairs += n * n; // of versions and edges, of prefixes and own items: bounds
        read += n * window;
    }
    *batch = (hh_batch){.d = options->d};
    build to = {
        .batch = batch,
        .rows = rows,
        .options = options,
        .node_row = HH_TAKE(arena, clicks, uint32_t),
        .version_node = HH_TAKE(arena, 2 * clicks, uint32_t),
        .own = HH_TAKE(arena, pairs + clicks, uint32_t),
        .session = HH_TAKE(arena, clicks, uint32_t),
        .first_node = HH_TAKE(arena, clicks, uint32_t),
        .end_node = HH_TAKE(arena, clicks, uint32_t),
        .before = take_ragged(2 * clicks, 2 * pairs, arena),
        .after = take_ragged(2 * clicks, 2 * pairs, arena),
        .clicks = take_ragged(clicks, read, arena),
        .exact = take_ragged(clicks, pairs + clicks, arena),
        .current = HH_TAKE(arena, longest, uint32_t),
        .seen_at = HH_TAKE(arena, longest, uint32_t),
        .node_of = HH_TAKE(arena, longest, uint32_t),
        .item = HH_TAKE(arena, longest, uint32_t),
        .preceding = HH_TAKE(arena, longest * longest, uint32_t),
        .preceding_count = HH_TAKE(arena, longest, uint32_t),
        .following = HH_TAKE(arena, longest * longest, uint32_t),
        .following_count = HH_TAKE(arena, longest, uint32_t),
        .room = (uint32_t)longest,
    };
    if (arena->failed)
        return false;
    for (size_t s = 0; s < count; s++)
        add_session(&to, &sessions[s], (uint32_t)s);
    batch->node_row = to.node_row;
    batch->versions = to.before.count;
    batch->prefixes = to.clicks.count;
    batch->gated = (hh_gated_shape){options->d, batch->nodes, to.before, to.after, to.version_node};
    batch->attention = (hh_attention_shape){options->d, batch->versions, options->positions, to.clicks};
    batch->exact = to.exact;
    batch->own = to.own;
    batch->session = to.session;
    batch->first_node = to.first_node;
    batch->end_node = to.end_node;
    return !options->neighbours || hh_batch_add_neighbours(batch, sessions, rows, options, arena);
}
