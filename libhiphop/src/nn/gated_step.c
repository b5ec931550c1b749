#include "nn/gated_step.h"

#include "nn/matrix.h"
#include "nn/vector.h"

void hh_gated_take(hh_gated_state *state, const hh_gated_shape *shape, bool learns, hh_arena *arena)
{
    size_t d = shape->d, nodes = shape->nodes, versions = shape->before.count;
    *state = (hh_gated_state){
        .sent = HH_TAKE(arena, nodes * 2 * d, float),
        .a = HH_TAKE(arena, versions * 2 * d, float),
        .ux = HH_TAKE(arena, nodes * 3 * d, float),
        .gates = HH_TAKE(arena, versions * 3 * d, float),
    };
    if (!learns)
        return;
    state->d_gates = HH_TAKE(arena, versions * 3 * d, float);
    state->d_a = HH_TAKE(arena, versions * 2 * d, float);
    state->d_sent = HH_TAKE(arena, nodes * 2 * d, float);
    state->d_ux = HH_TAKE(arena, nodes * 3 * d, float);
}

static void set_rows(float *to, const float *row, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(to + r * n, row, n * sizeof *to);
}

static void add_rows(float *sum, const float *from, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++)
        hh_add_scaled(sum, 1, from + r * n, n);
}

// half 0: what predecessors send along their edges; 1: what successors send back
static void gather(float *a, const float *sent, const hh_ragged *edges, size_t d, size_t half)
{
    for (size_t v = 0; v < edges->count; v++) {
        float *to = a + v * 2 * d + half * d;
        uint32_t begin = edges->begin[v], end = edges->begin[v + 1];
        memset(to, 0, d * sizeof *to);
        for (uint32_t e = begin; e < end; e++)
            hh_add_scaled(to, 1.0f / (float)(end - begin), sent + edges->at[e] * 2 * d + half * d, d);
    }
}

static void gather_back(float *d_sent, const float *d_a, const hh_ragged *edges, size_t d, size_t half)
{
    for (size_t v = 0; v < edges->count; v++) {
        uint32_t begin = edges->begin[v], end = edges->begin[v + 1];
        for (uint32_t e = begin; e < end; e++)
            hh_add_scaled(d_sent + edges->at[e] * 2 * d + half * d, 1.0f / (float)(end - begin),
                          d_a + v * 2 * d + half * d, d);
    }
}

// gates [3d] holds a G + g on entry, r, z, c after
HH_WIDE static void settle(float *restrict h, float *restrict gates, const float *restrict ux,
                           const float *restrict x, size_t d)
{
    for (size_t i = 0; i < d; i++) {
        float r = hh_sigmoid(gates[i] + ux[i]);
        float z = hh_sigmoid(gates[d + i] + ux[d + i]);
        float c = hh_tanh(gates[2 * d + i] + r * ux[2 * d + i]);
        gates[i] = r;
        gates[d + i] = z;
        gates[2 * d + i] = c;
        h[i] = c + z * (x[i] - c);
    }
}

HH_WIDE static void gate_back(float *restrict dx, float *restrict d_gates, float *restrict d_ux,
                              const float *restrict dh, const float *restrict gates, const float *restrict ux,
                              const float *restrict x, size_t d)
{
    for (size_t i = 0; i < d; i++) {
        float r = gates[i], z = gates[d + i], c = gates[2 * d + i];
        float dc = dh[i] * (1 - z) * (1 - c * c);
        float dz = dh[i] * (x[i] - c) * z * (1 - z);
        float dr = dc * ux[2 * d + i] * r * (1 - r);
        dx[i] += dh[i] * z;
        d_gates[i] = dr;
        d_gates[d + i] = dz;
        d_gates[2 * d + i] = dc;
        d_ux[i] += dr;
        d_ux[d + i] += dz;
        d_ux[2 * d + i] += dc * r;
    }
}

// What nodes send, and their x U + u.
static void send(float *sent, float *ux, const hh_gated_weights *weights, const float *x, size_t nodes,
                 size_t d)
{
    set_rows(sent, weights->b, nodes, 2 * d);
    hh_mul(sent, 1, x, weights->w, nodes, 2 * d, d);
    set_rows(ux, weights->u_bias, nodes, 3 * d);
    hh_mul(ux, 1, x, weights->u, nodes, 3 * d, d);
}

void hh_gated_step(float *h, hh_gated_state *state, const hh_gated_shape *shape,
                   const hh_gated_weights *weights, const float *x)
{
    size_t d = shape->d, versions = shape->before.count;
    send(state->sent, state->ux, weights, x, shape->nodes, d);
    gather(state->a, state->sent, &shape->before, d, 0);
    gather(state->a, state->sent, &shape->after, d, 1);
    set_rows(state->gates, weights->g_bias, versions, 3 * d);
    hh_mul(state->gates, 1, state->a, weights->g, versions, 3 * d, 2 * d);
    for (size_t v = 0; v < versions; v++)
        settle(h + v * d, state->gates + v * 3 * d, state->ux + shape->node[v] * 3 * d,
               x + shape->node[v] * d, d);
}

void hh_gated_step_back(float *dx, hh_gated_weights *gradients, const float *dh, hh_gated_state *state,
                        const hh_gated_shape *shape, const hh_gated_weights *weights, const float *x)
{
    size_t d = shape->d, nodes = shape->nodes, versions = shape->before.count;
    memset(state->d_ux, 0, nodes * 3 * d * sizeof(float));
    memset(state->d_sent, 0, nodes * 2 * d * sizeof(float));
    for (size_t v = 0; v < versions; v++) {
        size_t node = shape->node[v];
        gate_back(dx + node * d, state->d_gates + v * 3 * d, state->d_ux + node * 3 * d, dh + v * d,
                  state->gates + v * 3 * d, state->ux + node * 3 * d, x + node * d, d);
    }
    add_rows(gradients->g_bias, state->d_gates, versions, 3 * d);
    hh_mul_tn(gradients->g, 1, state->a, state->d_gates, 2 * d, 3 * d, versions);
    hh_mul_nt(state->d_a, 0, state->d_gates, weights->g, versions, 2 * d, 3 * d);
    add_rows(gradients->u_bias, state->d_ux, nodes, 3 * d);
    hh_mul_tn(gradients->u, 1, x, state->d_ux, d, 3 * d, nodes);
    hh_mul_nt(dx, 1, state->d_ux, weights->u, nodes, d, 3 * d);
    gather_back(state->d_sent, state->d_a, &shape->before, d, 0);
    gather_back(state->d_sent, state->d_a, &shape->after, d, 1);
    add_rows(gradients->b, state->d_sent, nodes, 2 * d);
    hh_mul_tn(gradients->w, 1, x, state->d_sent, d, 2 * d, nodes);
    hh_mul_nt(dx, 1, state->d_sent, weights->w, nodes, d, 2 * d);
}
