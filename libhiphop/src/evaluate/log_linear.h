// The other way to put network and graph together: a product instead of a sum,
//
//     p(v) ~ p_network(v) (1 + p_graph(v) / 1e-4)^beta
//
// so the graph says how many times more likely an item is than the network thinks. beta is learned from each
// click that had a list: of a few values, the one whose lists have been the best so far by HR@20 + MRR@20.
// (The likelihood does not find it: it fears nothing but clicks that the graph did not foresee, which are on
// no list anyway, and chooses a beta near 0.)
#ifndef EVALUATE_LOG_LINEAR_H
#define EVALUATE_LOG_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HH_BETAS 11

typedef struct hh_log_linear {
    double beta;
    bool fixed; // it is
    uint64_t lessons;
    double worth[HH_BETAS]; // HR@20 + MRR@20, summed up
} hh_log_linear;

// Candidates of a list whose click has not come yet; all zero is an empty one.
typedef struct hh_log_linear_list {
    size_t count, room;
    uint32_t *item;
    float *network, *graph; // [count] logarithms
} hh_log_linear_list;

hh_log_linear hh_log_linear_new(double beta); // >= 0: it stays so; < 0: it is learned
// scores[count], all > 0, of candidates: graph[count] and network[i * stride] are their shares. In the
// graph's order where the network says nothing of any.
void hh_log_linear_scores(const hh_log_linear *by, const float *graph, const float *network, size_t stride,
                          size_t count, float *scores);
// Replaces what the list holds; false: out of memory.
bool hh_log_linear_keep(hh_log_linear_list *list, const uint32_t *items, const float *graph,
                        const float *network, size_t stride, size_t count);
// This item was clicked.
void hh_log_linear_learn(hh_log_linear *by, const hh_log_linear_list *list, uint32_t clicked);
void hh_log_linear_list_free(hh_log_linear_list *list);

#endif
