#include "evaluate/log_linear.h"

#include <math.h>

#define GRAPH_FLOOR   1e-4f
#define NETWORK_FLOOR 1e-6f // of an item that the network hardly knows, or not at all
#define FIRST         0.7   // beta, before there are
#define CONVINCE      100   // lessons

static const double betas[] = {0, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4};

hh_log_linear hh_log_linear_new(double beta)
{
    return (hh_log_linear){.beta = beta >= 0 ? beta : FIRST,
                           .fixed = beta >= 0,
                           .balance = hh_balance_new(betas, sizeof betas / sizeof *betas)};
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

bool hh_log_linear_keep(hh_two_terms *list, const uint32_t *items, const float *graph, const float *network,
                        size_t stride, size_t count)
{
    if (!hh_two_terms_make(list, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        list->item[i] = items[i];
        list->first[i] = of_network(network[i * stride]);
        list->second[i] = of_graph(graph[i]);
    }
    return true;
}

void hh_log_linear_learn(hh_log_linear *by, const hh_two_terms *list, uint32_t clicked)
{
    if (!by->fixed && hh_balance_learn(&by->balance, list, clicked) && by->balance.lessons >= CONVINCE)
        by->beta = hh_balance_best(&by->balance);
}
