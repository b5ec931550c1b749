// The network written out in double from docs/model.md, each prefix of a session on its own: its graph is
// built anew as a matrix, nothing is shared with the prefix before, nothing is batched. Leaf 0 is the items'
// table, leaf 1 + t tensor t.
#ifndef SLOW_NETWORK_H
#define SLOW_NETWORK_H

#include "gradients.h"
#include "model/network.h"

#define SLOW_LEAVES  (1 + HH_TENSOR_COUNT)
#define SLOW_WIDTH   64
#define SLOW_LONGEST 32

typedef struct slow_network {
    hh_network_options options;
    size_t items;
    const hh_session_view *sessions;
    size_t count;
    const uint32_t *columns; // [column_count] the sample; NULL: all items
    size_t column_count;
    // What dropout did, where it did something: [sessions x SLOW_LONGEST] for the item of each click,
    // [prefixes x SLOW_LONGEST] for the state of each click of each prefix.
    const float **x_mask, **h_mask;
} slow_network;

static inline const double *slow_tensor(double *const *at, hh_tensor_index t)
{
    return at[1 + t];
}

// s [length x d]: the states of the clicks, in order, before the positions
static inline void slow_states(double s[][SLOW_WIDTH], const slow_network *self, double *const *at,
                               const uint32_t *clicks, size_t length, const float **x_mask)
{
    size_t d = self->options.d, nodes = 0, node_of[SLOW_LONGEST];
    uint32_t item[SLOW_LONGEST];
    static double x[SLOW_LONGEST][SLOW_WIDTH], sent[SLOW_LONGEST][2 * SLOW_WIDTH];
    bool edge[SLOW_LONGEST][SLOW_LONGEST] = {{false}};
    for (size_t i = 0; i < length; i++) {
        size_t node = 0;
        while (node < nodes && item[node] != clicks[i])
            node++;
        if (node == nodes) {
            item[nodes++] = clicks[i];
            slow_normalise(x[node], at[0] + clicks[i] * d, d);
            for (size_t j = 0; j < d && x_mask; j++)
                x[node][j] *= (double)x_mask[i][j];
        }
        node_of[i] = node;
        if (i > 0)
            edge[node_of[i - 1]][node] = true;
    }
    for (size_t v = 0; v < nodes; v++) {
        slow_mul(sent[v], x[v], slow_tensor(at, HH_TENSOR_GRAPH_W), d, 2 * d);
        for (size_t j = 0; j < 2 * d; j++)
            sent[v][j] += slow_tensor(at, HH_TENSOR_GRAPH_B)[j];
    }
    for (size_t i = 0; i < length; i++) {
        size_t v = node_of[i], in = 0, out = 0;
        memcpy(s[i], x[v], d * sizeof *s[i]);
        if (!self->options.graph)
            continue;
        double a[2 * SLOW_WIDTH] = {0}, from_a[3 * SLOW_WIDTH], from_x[3 * SLOW_WIDTH];
        for (size_t u = 0; u < nodes; u++) {
            in += edge[u][v];
            out += edge[v][u];
        }
        for (size_t u = 0; u < nodes; u++)
            for (size_t j = 0; j < d; j++) {
                a[j] += edge[u][v] ? sent[u][j] / (double)in : 0;
                a[d + j] += edge[v][u] ? sent[u][d + j] / (double)out : 0;
            }
        slow_mul(from_a, a, slow_tensor(at, HH_TENSOR_GATE_G), 2 * d, 3 * d);
        slow_mul(from_x, x[v], slow_tensor(at, HH_TENSOR_GATE_U), d, 3 * d);
        for (size_t j = 0; j < 3 * d; j++) {
            from_a[j] += slow_tensor(at, HH_TENSOR_GATE_G_BIAS)[j];
            from_x[j] += slow_tensor(at, HH_TENSOR_GATE_U_BIAS)[j];
        }
        for (size_t j = 0; j < d; j++) {
            double r = slow_sigmoid(from_a[j] + from_x[j]), z = slow_sigmoid(from_a[d + j] + from_x[d + j]);
            double c = tanh(from_a[2 * d + j] + r * from_x[2 * d + j]);
            s[i][j] = (1 - z) * c + z * x[v][j];
        }
    }
}

// h [d]: the vector of these clicks
static inline void slow_session(double *h, const slow_network *self, double *const *at,
                                const uint32_t *clicks, size_t length, const float **x_mask,
                                const float **h_mask)
{
    size_t d = self->options.d, positions = self->options.positions;
    size_t first = length > positions ? length - positions : 0;
    static double s[SLOW_LONGEST][SLOW_WIDTH];
    double e[SLOW_LONGEST], sum = 0, query[SLOW_WIDTH], key[SLOW_WIDTH], joined[2 * SLOW_WIDTH] = {0};
    slow_states(s, self, at, clicks, length, x_mask);
    for (size_t i = first; i < length; i++)
        for (size_t j = 0; j < d; j++) {
            s[i][j] *= h_mask ? (double)h_mask[i][j] : 1;
            s[i][j] += slow_tensor(at, HH_TENSOR_POSITION)[(length - 1 - i) * d + j];
        }
    slow_mul(query, s[length - 1], slow_tensor(at, HH_TENSOR_ATTENTION_W1), d, d);
    for (size_t i = first; i < length; i++) {
        slow_mul(key, s[i], slow_tensor(at, HH_TENSOR_ATTENTION_W2), d, d);
        e[i] = 0;
        for (size_t j = 0; j < d; j++)
            e[i] += slow_tensor(at, HH_TENSOR_ATTENTION_W3)[j] *
                    slow_sigmoid(query[j] + key[j] + slow_tensor(at, HH_TENSOR_ATTENTION_B)[j]);
        e[i] = exp(e[i]);
        sum += e[i];
    }
    for (size_t j = 0; j < d; j++) {
        for (size_t i = first; i < length; i++)
            joined[j] += e[i] / sum * s[i][j];
        joined[d + j] = s[length - 1][j];
    }
    slow_mul(h, joined, slow_tensor(at, HH_TENSOR_ATTENTION_T), 2 * d, d);
    slow_normalise(h, h, d);
}

// The logit of an item after these clicks.
static inline double slow_logit(const slow_network *self, double *const *at, const double *h,
                                const uint32_t *clicks, size_t length, uint32_t item)
{
    size_t d = self->options.d, back = 0;
    double x[SLOW_WIDTH], logit = 0, own = 0;
    slow_normalise(x, at[0] + item * d, d);
    for (size_t j = 0; j < d; j++) {
        logit += (double)self->options.scale * h[j] * x[j];
        own += slow_tensor(at, HH_TENSOR_OWN_C)[j] * h[j];
    }
    for (size_t i = 0; i < length; i++)
        if (clicks[i] == item)
            back = length - i; // 1: the last click
    if (!self->options.own_bias || back == 0)
        return logit;
    size_t distance = back < 7 ? back : 7, n = length < 7 ? length : 7;
    return logit + own + slow_tensor(at, HH_TENSOR_OWN_BIAS)[(distance - 1) * 7 + n - 1];
}

static inline bool slow_contains(const uint32_t *items, size_t count, uint32_t item)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == item)
            return true;
    return false;
}

// The mean of the prefixes' losses; context is a slow_network.
static inline double slow_network_loss(double *const *at, const void *context)
{
    const slow_network *self = context;
    double total = 0, h[SLOW_WIDTH];
    size_t prefixes = 0;
    for (size_t s = 0; s < self->count; s++)
        for (uint32_t n = 1; n < self->sessions[s].length; n++, prefixes++) {
            const uint32_t *clicks = self->sessions[s].items, target = clicks[n];
            slow_session(h, self, at, clicks, n, self->x_mask ? self->x_mask + s * SLOW_LONGEST : NULL,
                         self->h_mask ? self->h_mask + prefixes * SLOW_LONGEST : NULL);
            double exact = 0, sampled = 0, logit = 0;
            size_t exact_count = 0, counted = 0;
            for (uint32_t item = 0; item < self->items; item++) {
                double weight = exp(slow_logit(self, at, h, clicks, n, item));
                if (item == target)
                    logit = log(weight);
                if (item == target || slow_contains(clicks, n, item)) {
                    exact += weight;
                    exact_count++;
                } else if (!self->columns || slow_contains(self->columns, self->column_count, item)) {
                    sampled += weight;
                    counted++;
                }
            }
            if (counted > 0)
                exact += sampled * (double)(self->items - exact_count) / (double)counted;
            total += log(exact) - logit;
        }
    return total / (double)prefixes;
}

#endif
