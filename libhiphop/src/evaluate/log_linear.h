// The other way to put network and graph together: a product instead of a sum,
//
//     p(v) ~ p_network(v) (1 + p_graph(v) / 1e-4)^beta
//
// so the graph says how many times more likely an item is than the network thinks. beta is learned from each
// click that had a list, as recommend/balance.h says.
#ifndef EVALUATE_LOG_LINEAR_H
#define EVALUATE_LOG_LINEAR_H

#include "recommend/balance.h"

typedef struct hh_log_linear {
    double beta;
    bool fixed; // it is
    hh_balance balance;
} hh_log_linear;

hh_log_linear hh_log_linear_new(double beta); // >= 0: it stays so; < 0: it is learned
// scores[count], all > 0, of candidates: graph[count] and network[i * stride] are their shares. In the
// graph's order where the network says nothing of any.
void hh_log_linear_scores(const hh_log_linear *by, const float *graph, const float *network, size_t stride,
                          size_t count, float *scores);
// Replaces what the list holds by their logarithms; false: out of memory.
bool hh_log_linear_keep(hh_two_terms *list, const uint32_t *items, const float *graph, const float *network,
                        size_t stride, size_t count);
// This item was clicked.
void hh_log_linear_learn(hh_log_linear *by, const hh_two_terms *list, uint32_t clicked);

#endif
