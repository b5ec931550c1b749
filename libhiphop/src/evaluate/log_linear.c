#include "evaluate/log_linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRAPH_FLOOR   1e-4f
#define NETWORK_FLOOR 1e-6f // of an item that the network hardly knows, or not at all
#define FIRST         0.7   // beta, before there are
#define CONVINCE      100   // lessons
#define LIST          20

static const double betas[HH_BETAS] = {0, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4};

hh_log_linear hh_log_linear_new(double beta)
{
    return (hh_log_linear){.beta = beta >= 0 ? beta : FIRST, .fixed = beta >= 0};
}

static float of_graph(float share)
{
    return log1pf(share / GRAPH_FLOOR);
}

static float of_network(float share)
{
    return logf(fmaxf(share, NETWORK_FLOOR));
}

void hh_log_linear_scores(const hh_log_linear *by, const float *graph, const float *network, size_t stride,
                          size_t count, float *scores)
{
    for (size_t i = 0; i < count; i++)
        scores[i] = expf(of_network(network[i * stride]) + (float)by->beta * of_graph(graph[i]));
}

bool hh_log_linear_keep(hh_log_linear_list *list, const uint32_t *items, const float *graph,
                        const float *network, size_t stride, size_t count)
{
    list->count = 0;
    if (count > list->room) {
        size_t room = count + count / 2;
        uint32_t *item = realloc(list->item, room * sizeof *item);
        if (item)
            list->item = item;
        float *of = realloc(list->network, room * sizeof *of);
        if (of)
            list->network = of;
        float *by = realloc(list->graph, room * sizeof *by);
        if (by)
            list->graph = by;
        if (!item || !of || !by)
            return false;
        list->room = room;
    }
    for (size_t i = 0; i < count; i++) {
        list->network[i] = of_network(network[i * stride]);
        list->graph[i] = of_graph(graph[i]);
    }
    if (count)
        memcpy(list->item, items, count * sizeof *items);
    list->count = count;
    return true;
}

// What the clicked item's place is worth, everything of its score standing before it.
static double worth(const hh_log_linear_list *list, size_t row, float beta)
{
    float least = list->network[row] + beta * list->graph[row];
    size_t rank = 0;
    for (size_t i = 0; i < list->count; i++)
        rank += list->network[i] + beta * list->graph[i] >= least;
    return rank <= LIST ? 1 + 1 / (double)rank : 0;
}

void hh_log_linear_learn(hh_log_linear *by, const hh_log_linear_list *list, uint32_t clicked)
{
    size_t row = 0;
    while (row < list->count && list->item[row] != clicked)
        row++;
    if (by->fixed || row == list->count)
        return;
    int best = 0;
    for (int b = 0; b < HH_BETAS; b++) {
        by->worth[b] += worth(list, row, (float)betas[b]);
        best = by->worth[b] > by->worth[best] ? b : best;
    }
    if (++by->lessons >= CONVINCE)
        by->beta = betas[best];
}

void hh_log_linear_list_free(hh_log_linear_list *list)
{
    free(list->item);
    free(list->network);
    free(list->graph);
    *list = (hh_log_linear_list){0};
}
